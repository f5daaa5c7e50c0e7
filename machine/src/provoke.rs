//! Failures on demand, so that the panic path can be tested: `ochre.provoke=` on the command line makes the first thread fail
//! before anything else, in one of the ways that the kernel must report well.
use core::hint::black_box;

/// A word of the command line and what it does.
type Kind = (&'static [u8], fn());

const KINDS: [Kind; 4] =
    [(b"panic", panic_now), (b"fault", read_nowhere), (b"stack", overflow_stack), (b"nested", panic_while_locked)];

/// Fails as the command line says; returns if it says nothing.
pub(crate) fn run(command_line: &[u8]) {
    let words = command_line.split(u8::is_ascii_whitespace);
    for kind in words.filter_map(|word| word.strip_prefix(b"ochre.provoke=")) {
        if let Some((_, fail)) = KINDS.iter().find(|(name, _)| *name == kind) {
            fail();
        }
    }
}

fn panic_now() {
    panic!("provoked");
}

fn read_nowhere() {
    let nowhere = black_box(crate::addr::DYNAMIC_BASE - 4096) as *const u64;
    // SAFETY: not safe at all: the address is never mapped, and the fault is the point.
    black_box(unsafe { nowhere.read_volatile() });
}

#[expect(unconditional_recursion, reason = "runs into the guard below the stack, which is the point")]
fn overflow_stack() {
    let room = black_box([0u8; 1024]);
    overflow_stack();
    black_box(room);
}

static LOCK: crate::sync::SpinLock<(), crate::sync::IrqSafe> =
    crate::sync::SpinLock::new(&crate::sync::LockClass { name: "provoked", rank: u16::MAX }, ());

fn panic_while_locked() {
    LOCK.with(|()| panic!("provoked with a lock held"));
}
