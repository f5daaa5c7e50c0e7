//! Failures on demand, so that the ways in which the kernel reports them can be tested. `ochre.provoke=` on the command line makes the
//! first thread fail before anything else (`panic`, `fault`, `stack`, `nested`), or leaves something stuck for the watchdog to find
//! ([`run_watched`]: `stuck-cpu`, `stuck-thread`).
use crate::arch;
use crate::cpu::{self, CpuId};
use crate::sync::{Wait, WaitQueue};
use crate::thread::{self, CpuSet, CurrentThread};
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::hint::black_box;

/// A word of the command line and what it does.
type Kind = (&'static [u8], fn());

const KINDS: [Kind; 4] =
    [(b"panic", panic_now), (b"fault", read_nowhere), (b"stack", overflow_stack), (b"nested", panic_while_locked)];
const WATCHED_KINDS: [Kind; 2] = [(b"stuck-cpu", stick_cpu), (b"stuck-thread", stick_thread)];

/// Fails as the command line says; returns if it says nothing.
pub(crate) fn run(command_line: &[u8]) {
    run_of(&KINDS, command_line);
}

/// Leaves stuck what the command line says. Called by the kernel once its watchdog watches.
pub fn run_watched() {
    run_of(&WATCHED_KINDS, crate::boot::info().command_line);
}

fn run_of(kinds: &[Kind], command_line: &[u8]) {
    let words = command_line.split(u8::is_ascii_whitespace);
    for kind in words.filter_map(|word| word.strip_prefix(b"ochre.provoke=")) {
        if let Some((_, fail)) = kinds.iter().find(|(name, _)| *name == kind) {
            fail();
        }
    }
}

/// The last CPU spins for ever with interrupts off.
fn stick_cpu() {
    // CAST: a CPU's number.
    let last = CpuId(cpu::count() as u32 - 1);
    spawn("sticks", last, |_| {
        arch::cpu::interrupts_off();
        spin_for_ever();
    });
}

#[inline(never)]
fn spin_for_ever() {
    while black_box(true) {
        arch::cpu::pause();
    }
}

/// A thread waits for what never comes, and cannot be interrupted.
fn stick_thread() {
    static NEVER: WaitQueue = WaitQueue::new();
    spawn("waits", CpuId(0), |cx| {
        // There is no way for it to end.
        let _ = NEVER.wait(cx, Wait::uninterruptible("what never comes"), |_| None::<()>);
    });
}

fn spawn(name: &str, cpu: CpuId, body: impl FnOnce(&mut CurrentThread) + Send + 'static) {
    let on_that_cpu = move |cx: &mut CurrentThread| {
        while cpu::current() != cpu {
            cx.yield_now();
        }
        body(cx);
    };
    match thread::spawn(name, Arc::new(()), Box::new(on_that_cpu)) {
        Ok(thread) => {
            thread.set_affinity(CpuSet(1 << cpu.0));
        }
        Err(_) => crate::log!(Error, "no memory for what was to be provoked"),
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
