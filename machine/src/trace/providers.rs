//! The providers of events that `machine` itself makes: `sched`, `irq`, `timer` and `lock`.
//!
//! Threads are told by the kernel's own number ([`ThreadId`]); the `proc` provider of `kernel` says which Linux TID is which.
use crate::thread::ThreadId;

/// A word shown in hexadecimal: bits, or an address whose kind does not matter.
#[derive(Clone, Copy, Debug)]
pub struct Hex(pub u64);

crate::provider! {
    /// Threads getting and leaving a CPU.
    pub mod sched = 1, Evolving;
    /// A thread leaves its CPU: 0 preempted or yielding, 1 asleep, 2 ended; and the thread that comes next.
    off_cpu(thread: ThreadId, next: ThreadId, state: u32);
    /// A thread begins to run on its CPU after `off_cpu` of another.
    on_cpu(thread: ThreadId);
    /// A sleeping thread is made runnable, to run on this CPU.
    wakeup(thread: ThreadId, cpu: u32);
    /// A thread goes to sleep.
    sleep(thread: ThreadId, is_interruptible: bool);
    /// A thread is moved from one CPU to another.
    migrate(thread: ThreadId, from: u32, to: u32);
    /// A thread is made.
    create(thread: ThreadId);
    /// A thread ends.
    exit(thread: ThreadId);
    /// The CPU has nothing to run.
    idle_enter();
    /// The CPU has something to run again.
    idle_exit();
    /// A timer tick or a wake-up asks for a reschedule.
    reschedule(cpu: u32);
    /// User mode is entered.
    to_user(thread: ThreadId);
    /// User mode is left.
    to_kernel(thread: ThreadId);
}

crate::provider! {
    /// Interrupts.
    pub mod irq = 2, Evolving;
    /// A device's interrupt is about to be handled.
    entry(line: u32);
    /// A device's interrupt has been handled, by so many handlers.
    exit(line: u32, handlers: u32);
    /// The timer's interrupt.
    timer(deadline_ns: u64);
    /// Another CPU's interrupt: 0 reschedule, 1 shootdown, 2 halt.
    ipi(kind: u32);
    /// A shootdown was asked of other CPUs.
    shootdown(pages: u64, cpus: u32);
}

crate::provider! {
    /// Timers.
    pub mod timer = 6, Evolving;
    /// A timer has expired: when it was to, and by how much later its interrupt came.
    expire(deadline_ns: u64, late_ns: u64);
}

crate::provider! {
    /// Locks that were not free. Free ones fire nothing, and how long locks are held is not told.
    pub mod lock = 7, Evolving;
    /// A spin lock at this address was got after spinning for so long.
    spin(lock: Hex, waited_ns: u64);
    /// A sleeping lock at this address was got after waiting for so long.
    mutex(lock: Hex, waited_ns: u64);
}
