//! Signal state of processes and of threads.
//!
//! Locks: `SIGNALS` around what is pending for a process, `TASK_SIGNALS` around what is pending for a thread and what only the thread
//! itself uses (alternate stack, saved mask, restart block). The mask is written by its own thread only and read by senders.
use super::actions::Actions;
use super::pending::Pending;
use super::set::{Signal, SignalSet};
use crate::lock_order;
use abi::arch::frame::FaultRecord;
use abi::{Siginfo, StackT};
use alloc::sync::Arc;
use core::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};
use machine::sync::{LockClass, SpinLock, WaitQueue};

/// What is pending, behind its lock, and which signals that are, to be glanced at without it.
struct Guarded {
    pending: SpinLock<Pending>,
    set: AtomicU64,
}

impl Guarded {
    fn new(class: &'static LockClass) -> Guarded {
        Guarded { pending: SpinLock::new(class, Pending::new()), set: AtomicU64::new(0) }
    }
    fn with<R>(&self, f: impl FnOnce(&mut Pending) -> R) -> R {
        self.pending.with(|pending| {
            let result = f(pending);
            self.set.store(pending.set().0, Ordering::Release);
            result
        })
    }
    fn glance(&self) -> SignalSet {
        SignalSet(self.set.load(Ordering::Acquire))
    }
}

/// Signal state of a process.
pub struct ProcessSignals {
    actions: SpinLock<Arc<Actions>>,
    pending: Guarded,
    /// The signal that has stopped it; 0 for none.
    stopped_by: AtomicI32,
    stop_count: AtomicU32,
    /// Woken when a stopped process goes on.
    pub(crate) continued: WaitQueue,
}

impl ProcessSignals {
    /// Nothing pending.
    pub fn new(actions: Arc<Actions>) -> ProcessSignals {
        ProcessSignals {
            actions: SpinLock::new(&lock_order::SIGNAL_ACTIONS_REFERENCE, actions),
            pending: Guarded::new(&lock_order::SIGNALS),
            stopped_by: AtomicI32::new(0),
            stop_count: AtomicU32::new(0),
            continued: WaitQueue::new(),
        }
    }
    /// The actions.
    pub fn actions(&self) -> Arc<Actions> {
        self.actions.with(|actions| actions.clone())
    }
    /// Replaces them (exec).
    pub(crate) fn set_actions(&self, new: Arc<Actions>) {
        let _old = self.actions.with(|actions| core::mem::replace(actions, new));
    }
    /// Which signals are pending for the process as a whole, for one that was told of it. Who was not asks [`pending`](Self::pending): only
    /// the lock makes sure that a sender who does not tell has seen what we wait for.
    pub(super) fn glance(&self) -> SignalSet {
        self.pending.glance()
    }
    /// What is pending for the process as a whole.
    pub fn pending(&self) -> SignalSet {
        self.pending.with(|pending| pending.set())
    }
    pub(super) fn with_pending<R>(&self, f: impl FnOnce(&mut Pending) -> R) -> R {
        self.pending.with(f)
    }
    pub(crate) fn take(&self, wanted: SignalSet) -> Option<(Signal, Siginfo)> {
        self.pending.with(|pending| pending.take(wanted))
    }
    /// The details of what is pending at a place, in the order in which it came; see [`Pending::peek`].
    pub(crate) fn peek(&self, place: usize) -> Option<Siginfo> {
        self.pending.with(|pending| pending.peek(place))
    }
    pub(crate) fn discard(&self, set: SignalSet) {
        self.pending.with(|pending| pending.discard(set));
    }
    /// Whether a stop signal holds it.
    pub fn is_stopped(&self) -> bool {
        self.stop_signal() != 0
    }
    /// The signal that has stopped it; 0 for none.
    pub fn stop_signal(&self) -> i32 {
        self.stopped_by.load(Ordering::Acquire)
    }
    /// How often it has been stopped.
    pub fn stop_count(&self) -> u32 {
        self.stop_count.load(Ordering::Acquire)
    }
    /// Notes that a signal has stopped it, or with 0 that it goes on; answers whether it was stopped.
    pub(crate) fn set_stopped(&self, by: i32) -> bool {
        if by != 0 {
            self.stop_count.fetch_add(1, Ordering::AcqRel);
        }
        self.stopped_by.swap(by, Ordering::AcqRel) != 0
    }
}

/// What only the thread itself uses.
#[derive(Clone, Copy)]
struct Own {
    alternate_stack: StackT,
    /// The mask to put back when a call with a mask of its own (sigsuspend, ppoll) is over.
    saved_mask: Option<SignalSet>,
    /// The last fault for which a signal was forced, for the frame.
    fault: FaultRecord,
}

/// Signal state of a thread.
pub struct TaskSignals {
    blocked: AtomicU64,
    /// What the thread waits for although it blocks it (sigtimedwait).
    waited_for: AtomicU64,
    pending: Guarded,
    own: SpinLock<Own>,
}

/// `SS_DISABLE`: no alternate stack.
pub const STACK_DISABLED: i32 = 2;
/// `SS_AUTODISARM`: no alternate stack while its handler runs.
pub const STACK_AUTO_DISARM: i32 = i32::MIN;

impl TaskSignals {
    /// Nothing pending, no alternate stack, `blocked` blocked.
    pub fn new(blocked: SignalSet) -> TaskSignals {
        let own = Own {
            alternate_stack: StackT { flags: STACK_DISABLED, ..StackT::default() },
            saved_mask: None,
            fault: FaultRecord::default(),
        };
        TaskSignals {
            blocked: AtomicU64::new(blocked.0),
            waited_for: AtomicU64::new(0),
            pending: Guarded::new(&lock_order::TASK_SIGNALS),
            own: SpinLock::new(&lock_order::TASK_SIGNALS, own),
        }
    }
    /// What it blocks.
    pub fn blocked(&self) -> SignalSet {
        SignalSet(self.blocked.load(Ordering::Acquire))
    }
    /// Sets what it blocks without looking at what became deliverable; see [`super::send::change_mask`].
    pub(super) fn store_blocked(&self, set: SignalSet) {
        self.blocked.store(set.without(SignalSet::UNBLOCKABLE).0, Ordering::Release);
    }
    /// Whether it would take the signal now: it does not block it, or waits for it.
    pub(super) fn accepts(&self, signal: Signal) -> bool {
        !self.blocked().contains(signal) || SignalSet(self.waited_for.load(Ordering::Acquire)).contains(signal)
    }
    /// Says what it waits for; empty when it no longer does.
    pub(crate) fn set_waited_for(&self, set: SignalSet) {
        self.waited_for.store(set.0, Ordering::Release);
    }
    /// The same for this thread alone as [`ProcessSignals::glance`].
    pub(super) fn glance(&self) -> SignalSet {
        self.pending.glance()
    }
    /// What is pending for this thread alone.
    pub fn pending(&self) -> SignalSet {
        self.pending.with(|pending| pending.set())
    }
    pub(super) fn with_pending<R>(&self, f: impl FnOnce(&mut Pending) -> R) -> R {
        self.pending.with(f)
    }
    pub(crate) fn take(&self, wanted: SignalSet) -> Option<(Signal, Siginfo)> {
        self.pending.with(|pending| pending.take(wanted))
    }
    /// The details of what is pending at a place, in the order in which it came; see [`Pending::peek`].
    pub(crate) fn peek(&self, place: usize) -> Option<Siginfo> {
        self.pending.with(|pending| pending.peek(place))
    }
    pub(crate) fn discard(&self, set: SignalSet) {
        self.pending.with(|pending| pending.discard(set));
    }
    /// Makes an ordinary signal pending for a task that does not run yet.
    pub(crate) fn make_pending(&self, signal: Signal, info: Siginfo) {
        self.pending.with(|pending| pending.add(signal, info, None));
    }
    /// The alternate stack as set.
    pub fn alternate_stack(&self) -> StackT {
        self.own.with(|own| own.alternate_stack)
    }
    /// Sets it.
    pub(crate) fn set_alternate_stack(&self, stack: StackT) {
        self.own.with(|own| own.alternate_stack = stack);
    }
    /// Keeps a mask for when the present call is over.
    pub(super) fn save_mask(&self, mask: SignalSet) {
        self.own.with(|own| own.saved_mask = Some(mask));
    }
    /// The kept mask.
    pub(crate) fn saved_mask(&self) -> Option<SignalSet> {
        self.own.with(|own| own.saved_mask)
    }
    /// What a frame tells: the alternate stack, the kept mask, the last fault for which a signal was forced.
    pub(super) fn for_frame(&self) -> (StackT, Option<SignalSet>, FaultRecord) {
        self.own.with(|own| (own.alternate_stack, own.saved_mask, own.fault))
    }
    /// Notes it.
    pub(super) fn set_fault(&self, fault: FaultRecord) {
        self.own.with(|own| own.fault = fault);
    }
    /// The kept mask, which is then forgotten.
    pub(super) fn take_saved_mask(&self) -> Option<SignalSet> {
        self.own.with(|own| own.saved_mask.take())
    }
}
