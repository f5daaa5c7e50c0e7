//! A one-time event that one thread waits for: vfork's parent for its child's exec or end.
use core::sync::atomic::{AtomicBool, Ordering};
use machine::sync::{Wait, WaitQueue};
use machine::thread::CurrentThread;

/// Not done, then done.
pub(crate) struct Completion {
    is_done: AtomicBool,
    queue: WaitQueue,
}

impl Completion {
    /// Not done.
    pub(crate) const fn new() -> Completion {
        Completion { is_done: AtomicBool::new(false), queue: WaitQueue::new() }
    }
    /// It happened.
    pub(crate) fn complete(&self) {
        self.is_done.store(true, Ordering::Release);
        self.queue.wake_all();
    }
    /// Waits for it. Only an end of the waiting task (`is_ending`) cuts the wait short; other notifications are kept for later.
    pub(crate) fn wait(&self, cx: &mut CurrentThread, reason: &'static str, is_ending: impl Fn() -> bool) {
        let mut was_notified = false;
        while !is_ending() {
            let waited = self
                .queue
                .wait(cx, Wait::interruptible(reason), |_| self.is_done.load(Ordering::Acquire).then_some(()));
            if waited.is_ok() {
                break;
            }
            was_notified |= cx.take_notification();
        }
        if was_notified || is_ending() {
            cx.thread().notify();
        }
    }
}
