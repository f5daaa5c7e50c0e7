//! Failures on demand, so that the ways in which the kernel reports them can be tested. `ochre.provoke=` on the command line makes the
//! first thread fail before anything else (`panic`, `fault`, `stack`, `nested`, `log`: while it holds the log), has the kernel fail once
//! everything runs (`held`: with a lock, `tracer`: in the middle of a record, `two-cpus`: on two at the same time), or leaves something stuck
//! for the watchdog to find (`stuck-cpu`, `stuck-thread`).
use crate::arch;
use crate::cpu::{self, CpuId};
use crate::log;
use crate::sync::{IrqSafe, LockClass, Mutex, SpinLock, Wait, WaitQueue};
use crate::thread::{self, CpuSet, CurrentThread};
use crate::trace;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::hint::black_box;
use core::sync::atomic::{AtomicUsize, Ordering};

/// A word of the command line and what it does.
type Kind = (&'static [u8], fn());

const KINDS: [Kind; 5] = [
    (b"panic", panic_now),
    (b"fault", read_nowhere),
    (b"stack", overflow_stack),
    (b"nested", panic_while_locked),
    (b"log", panic_in_log),
];
const LATER_KINDS: [Kind; 5] = [
    (b"held", panic_while_holding),
    (b"tracer", panic_in_tracer),
    (b"two-cpus", panic_on_two_cpus),
    (b"stuck-cpu", stick_cpu),
    (b"stuck-thread", stick_thread),
];

/// Fails as the command line says; returns if it says nothing.
pub(crate) fn run(command_line: &[u8]) {
    run_of(&KINDS, command_line);
}

/// Fails, or leaves stuck, what the command line says. Called by the kernel once its watchdog watches and its rings are there.
pub fn run_watched() {
    run_of(&LATER_KINDS, crate::boot::info().command_line);
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

/// A thread waits for what never comes, and cannot be interrupted. It holds a lock for which another one waits.
fn stick_thread() {
    static NEVER: WaitQueue = WaitQueue::new();
    static HELD: Mutex<()> = Mutex::new(&LockClass { name: "what is never free", rank: u16::MAX }, ());
    static IS_HELD: AtomicUsize = AtomicUsize::new(0);
    spawn("waits", CpuId(0), |cx| {
        let _held = HELD.lock(cx);
        IS_HELD.store(1, Ordering::Release);
        // There is no way for it to end.
        let _ = NEVER.wait(cx, Wait::uninterruptible("what never comes"), |_| None::<()>);
    });
    spawn("queues", CpuId(0), |cx| {
        while IS_HELD.load(Ordering::Acquire) == 0 {
            cx.yield_now();
        }
        drop(HELD.lock(cx));
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

static LOCK: SpinLock<(), IrqSafe> = SpinLock::new(&LockClass { name: "provoked", rank: u16::MAX }, ());

fn panic_while_locked() {
    LOCK.with(|()| panic!("provoked with a lock held"));
}

fn panic_in_log() {
    log::fail_inside();
}

fn panic_while_holding() {
    spawn("holds", CpuId(0), |cx| {
        let _held = LOCK.lock(cx);
        panic!("provoked with a lock held");
    });
}

fn panic_in_tracer() {
    trace::fail_inside();
}

/// With one CPU, on that one.
fn panic_on_two_cpus() {
    static MET: AtomicUsize = AtomicUsize::new(0);
    let wanted = cpu::count().min(2);
    for number in 0..wanted {
        // CAST: 0 or 1.
        spawn("fails", CpuId(number as u32), move |_| {
            arch::cpu::interrupts_off();
            MET.fetch_add(1, Ordering::SeqCst);
            while MET.load(Ordering::SeqCst) < wanted {
                arch::cpu::pause();
            }
            panic!("provoked on two CPUs");
        });
    }
}
