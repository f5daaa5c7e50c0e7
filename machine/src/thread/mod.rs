//! Kernel threads: the token that says what a caller may do, creating and ending threads, the scheduler.
//!
//! - [`CurrentThread`]: one token per thread, made by this module, neither `Send` nor `Clone`.
//!   `&CurrentThread` may take spin locks, `&mut CurrentThread` may sleep, copy user memory or run user code.
//! - [`IrqContext`]: what interrupt handlers get; only interrupt-safe locks accept it.
//! - [`Thread`]: the shared, counted object others use to wake or notify a thread.
//!
//! Scheduling: per-CPU run queues (policy in `pure::run_queue`), preemptive, with work moved to idle CPUs.
use crate::cpu::CpuId;
use crate::time::Instant;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::any::Any;
use core::marker::PhantomData;

mod private {
    /// Keeps [`Context`](super::Context) closed.
    pub trait Sealed {}
}

/// Evidence of where code runs: in a thread or in an interrupt handler.
pub trait Context: private::Sealed {}

/// The running thread's token.
pub struct CurrentThread {
    _not_send: PhantomData<*mut ()>,
}
impl private::Sealed for CurrentThread {}
impl Context for CurrentThread {}

/// What an interrupt handler is given.
pub struct IrqContext {
    _not_send: PhantomData<*mut ()>,
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

/// A thread, as others see it.
pub struct Thread {
    _private: (),
}

impl Thread {
    /// Its number.
    pub fn id(&self) -> ThreadId {
        todo!()
    }
    /// What it is doing.
    pub fn state(&self) -> ThreadState {
        todo!()
    }
    /// The CPU it runs on or last ran on.
    pub fn last_cpu(&self) -> CpuId {
        todo!()
    }
    /// CPU time used so far.
    pub fn cpu_time(&self) -> CpuTime {
        todo!()
    }
    /// Switches made by sleeping, and by preemption.
    pub fn switches(&self) -> (u64, u64) {
        todo!()
    }
    /// Marks the thread notified: an interruptible wait ends with [`WaitError::Interrupted`](crate::sync::WaitError),
    /// one that begins later ends at once, and `run_user` returns. Stays until [`CurrentThread::take_notification`].
    /// Callable from anywhere, interrupt handlers included.
    pub fn notify(&self) {
        todo!()
    }
    /// The value given to [`spawn`], for finding the kernel's own object (the resolver of user faults needs it).
    pub fn data(&self) -> &Arc<dyn Any + Send + Sync> {
        todo!()
    }
    /// Sets weight: Linux's nice value, -20 to 19.
    pub fn set_nice(&self, _nice: i32) {
        todo!()
    }
    /// Restricts it to `cpus`; false if none of them is up.
    pub fn set_affinity(&self, _cpus: CpuSet) -> bool {
        todo!()
    }
    /// The CPUs it may run on.
    pub fn affinity(&self) -> CpuSet {
        todo!()
    }
    /// Name given at [`spawn`].
    pub fn name(&self) -> &str {
        todo!()
    }
}

/// No memory for the thread's stack or its object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpawnError;

/// Makes a thread that will run `entry` and end when it returns. `entry` gets the new thread's token.
/// The thread inherits nothing; its FP state is that of a fresh program. It is runnable at once.
pub fn spawn(
    _name: &str,
    _data: Arc<dyn Any + Send + Sync>,
    _entry: Box<dyn FnOnce(&mut CurrentThread) + Send>,
) -> Result<Arc<Thread>, SpawnError> {
    todo!()
}

/// Every live thread.
pub fn all(_visit: &mut dyn FnMut(&Arc<Thread>)) {
    todo!()
}

/// Frames, threads and stacks in use, for leak checks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ThreadCounts {
    /// Threads that exist.
    pub threads: usize,
    /// Kernel stacks mapped, those kept for reuse included.
    pub stacks: usize,
}

/// Counts now.
pub fn counts() -> ThreadCounts {
    todo!()
}

/// (total, runnable) threads and the three load averages times 65,536, for /proc/loadavg.
pub fn load() -> ([u64; 3], usize, usize) {
    todo!()
}

/// Nanoseconds each CPU has been idle.
pub fn idle_ns(_cpu: CpuId) -> u64 {
    todo!()
}

impl CurrentThread {
    /// The shared object of this thread.
    pub fn thread(&self) -> &Arc<Thread> {
        todo!()
    }
    /// Lets other runnable threads of this CPU go first.
    pub fn yield_now(&mut self) {
        todo!()
    }
    /// Whether [`Thread::notify`] was called since the last [`take_notification`](Self::take_notification).
    pub fn is_notified(&self) -> bool {
        todo!()
    }
    /// Takes the mark away, before looking at what it announced.
    pub fn take_notification(&mut self) -> bool {
        todo!()
    }
    /// Sleeps until `deadline`; `Err` when notified first and `is_interruptible`.
    pub fn sleep_until(
        &mut self,
        _deadline: Instant,
        _reason: &'static str,
        _is_interruptible: bool,
    ) -> Result<(), crate::sync::WaitError> {
        todo!()
    }
    /// Panics, naming the caller, if a spin lock is held, interrupts are off or preemption is disabled.
    #[track_caller]
    pub fn assert_may_sleep(&self) {
        todo!()
    }
}

/// Another CPU asks this one to look at its run queue. Called by the architecture with interrupts off.
#[allow(dead_code)]
pub(crate) fn reschedule_interrupt() {
    todo!()
}

/// An interrupt that came while the kernel ran has been handled: switch now if that is due and preemption is on.
/// Called by the architecture with interrupts off, on the interrupted thread's stack; returns when it goes on.
#[allow(dead_code)]
pub(crate) fn interrupt_exit() {
    todo!()
}
