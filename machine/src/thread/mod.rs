//! Kernel threads: the token that says what a caller may do, creating and ending threads, the scheduler.
//!
//! - [`CurrentThread`]: one token per thread, made by this module, neither `Send` nor `Clone`.
//!   `&CurrentThread` may take spin locks, `&mut CurrentThread` may sleep, copy user memory or run user code.
//! - [`IrqContext`]: what interrupt handlers get; only interrupt-safe locks accept it.
//! - [`Thread`]: the shared, counted object others use to wake or notify a thread.
//!
//! | file | idea |
//! |---|---|
//! | `header` | the end of each stack: preemption and interrupt counts, held locks |
//! | `scheduler` | parking, waking, preemption, the switch |
//! | `thread` | the shared object |
//! | `current` | what the token can do |
//! | `calls` | counting system calls |
//! | `life` | creating, ending and listing threads |
//! | `user_state` | FP, TLS and address space, saved and loaded lazily |
//! | `stack` | stacks with guard pages, used again |
//! | `load` | load averages |
use alloc::sync::Arc;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;

mod calls;
mod current;
pub(crate) mod header;
mod life;
mod load;
pub(crate) mod scheduler;
mod stack;
#[expect(clippy::module_inception, reason = "the file is about the type of that name")]
mod thread;
pub(crate) mod user_state;

pub use calls::{CallCount, settle};
pub(crate) use calls::{call_number, tell_here};
pub use current::notify_current;
pub(crate) use current::visit_current_data;
pub use life::{Placement, SpawnError, ThreadCounts, all, counts, spawn, spawn_at};
pub(crate) use life::{adopt_boot_stack, all_after_failure};
pub(crate) use load::sample as sample_load;
pub use load::{idle_ns, load};
pub use pure::ready_threads::Schedule;
pub(crate) use stack::allocate as allocate_stack;
pub use thread::Thread;
pub(crate) use thread::places;

/// Pages of a kernel stack.
pub const STACK_PAGES: usize = header::STACK_BYTES / crate::addr::PAGE_SIZE;

mod private {
    /// Keeps [`Context`](super::Context) closed.
    pub trait Sealed {}
}

/// Evidence of where code runs: in a thread or in an interrupt handler.
pub trait Context: private::Sealed {}

/// The running thread's token.
pub struct CurrentThread {
    thread: ManuallyDrop<Arc<Thread>>,
    _not_send: PhantomData<*mut ()>,
}
impl private::Sealed for CurrentThread {}
impl Context for CurrentThread {}

/// What an interrupt handler is given.
pub struct IrqContext {
    _not_send: PhantomData<*mut ()>,
}
impl IrqContext {
    pub(crate) fn new() -> IrqContext {
        IrqContext { _not_send: PhantomData }
    }
}
impl private::Sealed for IrqContext {}
impl Context for IrqContext {}

/// A thread's number: unique while the machine runs, never reused. Not Linux's TID (the kernel gives those).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub struct ThreadId(pub u64);

/// A set of CPUs, bit n for CPU n.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CpuSet(pub u64);

impl CpuSet {
    /// Every CPU.
    pub const ALL: CpuSet = CpuSet(u64::MAX);
}

/// What a thread is doing, for listings and dumps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ThreadState {
    /// On a CPU now.
    Running,
    /// Waiting for a CPU.
    Runnable,
    /// Asleep and wakes for [`Thread::notify`]; the reason it gave.
    Sleeping(&'static str),
    /// Asleep and does not; the reason it gave.
    Blocked(&'static str),
    /// Has ended.
    Ended,
}

/// CPU time a thread has used, in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CpuTime {
    /// In user mode.
    pub user_ns: u64,
    /// In the kernel.
    pub kernel_ns: u64,
}

/// Another CPU asks this one to look at its run queue. Called by the architecture with interrupts off.
pub(crate) fn reschedule_interrupt() {
    // The mark that asks for it is set by the sender; the switch happens where this interrupt ends. An idle CPU looks for
    // work by itself once it is awake.
    crate::trace::count(crate::trace::Counter::Interrupts);
    crate::trace::count(crate::trace::Counter::IpisReschedule);
    crate::sync::barrier::answer(header::current().cpu());
    crate::probe!(crate::trace::providers::irq::ipi(0));
}

/// An interrupt that came while the kernel ran has been handled: switch now if that is due and preemption is on.
/// Called by the architecture with interrupts off, on the interrupted thread's stack; returns when it goes on.
pub(crate) fn interrupt_exit() {
    scheduler::after_interrupt();
}
