//! One thread's interest in one or several queues (poll waits on many).
use super::wait_queue::{Wait, WaitError, Wake};
use crate::thread::{CurrentThread, Thread, scheduler};
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};

/// One thread's interest in one or several queues (poll waits on many).
pub struct Waiter {
    thread: Arc<Thread>,
    is_woken: AtomicBool,
}

impl Waiter {
    /// A waiter for the calling thread, not yet woken.
    pub fn new(cx: &CurrentThread) -> Arc<Waiter> {
        Arc::new(Waiter { thread: cx.thread().clone(), is_woken: AtomicBool::new(false) })
    }

    /// Sleeps until woken since the last call, or as `how` says. A wake-up that came before the call is not lost.
    #[track_caller]
    pub fn wait(&self, cx: &mut CurrentThread, how: Wait) -> Result<(), WaitError> {
        cx.assert_may_sleep();
        let deadline = how.deadline.map(|deadline| scheduler::Deadline::arm(cx, deadline));
        let outcome = loop {
            if self.is_woken.swap(false, Ordering::SeqCst) {
                break Ok(());
            }
            if how.is_interruptible && cx.is_notified() {
                break Err(WaitError::Interrupted);
            }
            if how.deadline.is_some_and(|deadline| crate::time::now() >= deadline) {
                break Err(WaitError::TimedOut);
            }
            scheduler::park(cx, how.reason, how.is_interruptible);
        };
        if let Some(deadline) = deadline {
            deadline.disarm(cx);
        }
        outcome
    }
}

impl Wake for Waiter {
    fn wake(&self) -> bool {
        self.is_woken.store(true, Ordering::SeqCst);
        scheduler::unpark(&self.thread);
        true
    }
}
