//! The shared object of a thread: what others use to wake, notify, list and account for it.
//!
//! Invariants: `sched` is touched only under the lock of the run queue of `cpu` (the thread's home); `cpu` changes only under
//! that lock too. `context` belongs to the scheduler while the thread is off the CPU. `user` belongs to the thread itself and
//! to the scheduler that switches it, with interrupts off.
use super::calls::{CallNotes, call_number};
use super::user_state::UserState;
use super::{CpuSet, CpuTime, ThreadId, ThreadState, header, scheduler};
use crate::arch;
use crate::cpu::{self, CpuId};
use crate::time::TimerNode;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::any::Any;
use core::cell::{Cell, UnsafeCell};
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering};
use pure::ready_threads::Schedule;

/// Where a thread is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RunState {
    /// On its home CPU.
    Running,
    /// In its home CPU's queue, or on the way to it.
    Runnable,
    /// Waits for an unpark, or (if so) a notification.
    Parked { is_interruptible: bool },
    /// Will never run again.
    Ended,
}

/// What the scheduler knows of a thread.
pub(super) struct Sched {
    pub(super) state: RunState,
    pub(super) virtual_run_time: u64,
    pub(super) schedule: Schedule,
    /// What a parked thread waits for.
    pub(super) reason: &'static str,
    /// The CPU time told last.
    pub(super) told: CpuTime,
}

/// Reasons for a thread to leave user mode, or not to enter it before it has looked.
pub(super) mod attention {
    /// [`Thread::notify`](super::Thread::notify) was called.
    pub(in crate::thread) const NOTIFIED: u32 = 1;
    /// A timer tick found it running.
    pub(in crate::thread) const TICKED: u32 = 2;
    /// It was off the CPU, or a barrier was passed, and it wants to know ([`Thread::watch_switches`](super::Thread::watch_switches)).
    pub(in crate::thread) const SWITCHED: u32 = 4;
    /// The way into user mode is to be told.
    pub(in crate::thread) const ENTRY_TOLD: u32 = 8;
}

impl Sched {
    fn shown(&self) -> ThreadState {
        match self.state {
            RunState::Running => ThreadState::Running,
            RunState::Runnable => ThreadState::Runnable,
            RunState::Parked { is_interruptible: true } => ThreadState::Sleeping(self.reason),
            RunState::Parked { is_interruptible: false } => ThreadState::Blocked(self.reason),
            RunState::Ended => ThreadState::Ended,
        }
    }
}

/// What a new thread starts with.
pub(super) type Entry = Box<dyn FnOnce(&mut super::CurrentThread) + Send>;

/// A thread, as others see it.
pub struct Thread {
    id: ThreadId,
    name: Box<str>,
    data: Arc<dyn Any + Send + Sync>,
    pub(super) is_idle: bool,
    /// Home run queue; see the module.
    pub(super) cpu: AtomicU32,
    pub(super) sched: UnsafeCell<Sched>,
    pub(super) context: UnsafeCell<arch::context::Saved>,
    pub(crate) user: UnsafeCell<UserState>,
    pub(super) entry: Cell<Option<Entry>>,
    /// Lowest address of the kernel stack.
    pub(super) stack: usize,
    /// An unpark that has not been taken yet.
    pub(super) token: AtomicBool,
    /// What the thread is to look at before it runs user code again: bits of [`attention`].
    pub(super) attention: AtomicU32,
    /// Bits to set in `attention` when it is switched away.
    pub(super) attention_after_switch: AtomicU32,
    affinity: AtomicU64,
    /// The rank of its schedule, as a hint without the lock.
    pub(super) rank: AtomicU8,
    pub(super) run_ns: AtomicU64,
    pub(super) user_samples: AtomicU64,
    pub(super) kernel_samples: AtomicU64,
    pub(super) sleeps: AtomicU64,
    pub(super) preemptions: AtomicU64,
    /// What it notes of its system calls.
    pub(super) calls: CallNotes,
    /// What the kernel calls it; see [`Thread::set_label`].
    label: AtomicU64,
    /// Ends timed waits.
    pub(super) timer: Arc<TimerNode>,
    /// Links of the list of all threads (and, after the end, of those to be dropped); under that list's lock.
    pub(super) next: AtomicPtr<Thread>,
    pub(super) previous: AtomicPtr<Thread>,
}

// SAFETY: the cells are used as the module's invariants say.
unsafe impl Send for Thread {}
// SAFETY: as above.
unsafe impl Sync for Thread {}

/// Where things lie in threads, for readers from outside.
pub(crate) struct Places {
    /// Address of the address of the first.
    pub(crate) first: u64,
    /// From a thread's beginning: the address of the next, its number, and so on.
    pub(crate) next: u64,
    pub(crate) number: u64,
    pub(crate) name: u64,
    pub(crate) reason: u64,
    pub(crate) call: u64,
    pub(crate) run: u64,
    pub(crate) stack: u64,
    pub(crate) base: u64,
}

/// For [`crate::trace::layout`].
pub(crate) fn places() -> Places {
    use core::mem::offset_of;
    Places {
        first: super::life::first_place() as u64,
        next: offset_of!(Thread, next) as u64,
        number: offset_of!(Thread, id) as u64,
        name: offset_of!(Thread, name) as u64,
        // A cell is laid out as what is in it.
        reason: (offset_of!(Thread, sched) + offset_of!(Sched, reason)) as u64,
        call: offset_of!(Thread, calls) as u64,
        run: offset_of!(Thread, run_ns) as u64,
        stack: offset_of!(Thread, context) as u64,
        base: offset_of!(Thread, stack) as u64,
    }
}

impl Thread {
    /// Everything but the context, which needs the object's address.
    pub(super) fn new(
        id: ThreadId,
        name: Box<str>,
        data: Arc<dyn Any + Send + Sync>,
        user: UserState,
        entry: Option<Entry>,
        stack: usize,
        is_idle: bool,
    ) -> Thread {
        let state = if is_idle { RunState::Running } else { RunState::Runnable };
        Thread {
            id,
            name,
            data,
            is_idle,
            cpu: AtomicU32::new(0),
            sched: UnsafeCell::new(Sched {
                state,
                virtual_run_time: 0,
                schedule: Schedule::NORMAL,
                reason: "",
                told: CpuTime::default(),
            }),
            context: UnsafeCell::new(arch::context::Saved::default()),
            user: UnsafeCell::new(user),
            entry: Cell::new(entry),
            stack,
            token: AtomicBool::new(false),
            attention: AtomicU32::new(0),
            attention_after_switch: AtomicU32::new(0),
            affinity: AtomicU64::new(CpuSet::ALL.0),
            rank: AtomicU8::new(Schedule::NORMAL.rank()),
            run_ns: AtomicU64::new(0),
            user_samples: AtomicU64::new(0),
            kernel_samples: AtomicU64::new(0),
            sleeps: AtomicU64::new(0),
            preemptions: AtomicU64::new(0),
            calls: CallNotes::new(),
            label: AtomicU64::new(0),
            timer: TimerNode::for_thread(),
            next: AtomicPtr::new(ptr::null_mut()),
            previous: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Sets where and how it runs before anybody else knows it.
    pub(super) fn place(&mut self, placement: super::Placement) {
        *self.affinity.get_mut() = placement.affinity.0;
        *self.rank.get_mut() = placement.schedule.rank();
        self.sched.get_mut().schedule = placement.schedule;
    }

    /// The last system call that was noted.
    pub fn last_call(&self) -> Option<u64> {
        call_number(self.calls.last())
    }

    /// Gives it a number that samples carry, so that whoever reads them knows whose they are: the kernel's process and task. Zero,
    /// as at first, is a thread of the kernel's own.
    pub fn set_label(&self, label: u64) {
        self.label.store(label, Ordering::Relaxed);
    }

    /// The number given last.
    #[inline(always)]
    pub(crate) fn label(&self) -> u64 {
        self.label.load(Ordering::Relaxed)
    }

    /// Its number.
    pub fn id(&self) -> ThreadId {
        self.id
    }

    /// What it is doing.
    pub fn state(&self) -> ThreadState {
        scheduler::with_home(self, |sched| sched.shown())
    }

    /// What it is doing, in a kernel that has failed; `None` if its CPU's queue is locked, perhaps for ever.
    pub(super) fn state_after_failure(&self) -> Option<ThreadState> {
        scheduler::try_with_home(self, |sched| sched.shown())
    }

    /// The CPU it runs on or last ran on.
    pub fn last_cpu(&self) -> CpuId {
        CpuId(self.cpu.load(Ordering::Relaxed))
    }

    /// CPU time used so far. The sum is exact; its division follows the share of timer ticks that found the thread in
    /// user mode, as Linux's tick accounting does: reading the clock at each entry would cost more than it tells.
    /// Neither part ever becomes less than it was told before.
    pub fn cpu_time(&self) -> CpuTime {
        scheduler::with_total(self, |sched, total| {
            let user = self.user_samples.load(Ordering::Relaxed);
            let samples = user + self.kernel_samples.load(Ordering::Relaxed);
            let user_ns =
                if samples == 0 { 0 } else { (u128::from(total) * u128::from(user) / u128::from(samples)) as u64 };
            let told = sched.told;
            // OVERFLOW: the sum never becomes less, so it is at least what was told before.
            let user_ns = user_ns.clamp(told.user_ns, (total - told.kernel_ns).max(told.user_ns));
            sched.told = CpuTime { user_ns, kernel_ns: total - user_ns };
            sched.told
        })
    }

    /// Switches made by sleeping, and by preemption.
    pub fn switches(&self) -> (u64, u64) {
        (self.sleeps.load(Ordering::Relaxed), self.preemptions.load(Ordering::Relaxed))
    }

    /// Marks the thread notified: an interruptible wait ends with [`WaitError::Interrupted`](crate::sync::WaitError),
    /// one that begins later ends at once, and `run_user` returns. Stays until
    /// [`CurrentThread::take_notification`](super::CurrentThread::take_notification).
    /// Callable from anywhere, interrupt handlers included.
    pub fn notify(&self) {
        let was_notified = self.attention.fetch_or(attention::NOTIFIED, Ordering::SeqCst) & attention::NOTIFIED != 0;
        // A thread that tells itself is awake, and looks before it sleeps or runs user code.
        if !was_notified && !self.is_calling() {
            scheduler::wake_for_notification(self);
        }
    }

    /// Has [`take_entry_told`](Self::take_entry_told) answer yes the next time that nothing else is to be looked at.
    pub(crate) fn want_entry_told(&self) {
        self.attention.fetch_or(attention::ENTRY_TOLD, Ordering::Relaxed);
    }

    /// Whether the way into user mode is to be told, and is free.
    pub(crate) fn take_entry_told(&self) -> bool {
        // What else is set meanwhile interrupts user mode.
        let (wanted, none) = (attention::ENTRY_TOLD, 0);
        self.attention.compare_exchange(wanted, none, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Whether this is the thread that calls, not a handler that has interrupted it.
    fn is_calling(&self) -> bool {
        let header = header::current();
        header.handlers.get() == 0 && ptr::eq(header.thread.get(), self)
    }

    /// From now on (or no longer) the thread looks at its state after every switch before it runs user code, and once now.
    pub fn watch_switches(&self, is_wanted: bool) {
        let bits = if is_wanted { attention::SWITCHED } else { 0 };
        self.attention_after_switch.store(bits, Ordering::Relaxed);
        self.attention.fetch_or(bits, Ordering::Relaxed);
    }

    /// The value given to [`spawn`](super::spawn), for finding the kernel's own object (the resolver of user faults needs it).
    pub fn data(&self) -> &Arc<dyn Any + Send + Sync> {
        &self.data
    }

    /// Sets how it is scheduled from now on.
    pub fn set_schedule(&self, schedule: Schedule) {
        scheduler::apply_schedule(self, schedule);
    }

    /// Restricts it to `cpus`; false if none of them is up.
    pub fn set_affinity(&self, cpus: CpuSet) -> bool {
        let up = if cpu::count() >= 64 { u64::MAX } else { (1 << cpu::count()) - 1 };
        if cpus.0 & up == 0 {
            return false;
        }
        self.affinity.store(cpus.0, Ordering::SeqCst);
        scheduler::apply_affinity(self);
        true
    }

    /// The CPUs it may run on.
    pub fn affinity(&self) -> CpuSet {
        CpuSet(self.affinity.load(Ordering::Relaxed))
    }

    /// Whether this is some CPU's idle thread.
    pub(crate) fn is_idle(&self) -> bool {
        self.is_idle
    }

    /// Whether it may run on `cpu`.
    pub(super) fn may_run_on(&self, cpu: CpuId) -> bool {
        self.affinity.load(Ordering::Relaxed) >> cpu.0 & 1 != 0
    }

    /// Name given at [`spawn`](super::spawn).
    pub fn name(&self) -> &str {
        &self.name
    }
}
