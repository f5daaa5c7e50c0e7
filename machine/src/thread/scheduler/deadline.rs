//! Waits that end by time.
use crate::thread::{CurrentThread, Thread};
use crate::time::Instant;
use core::ptr::NonNull;

/// A thread's deadline while it waits. Nested waits put the outer one's deadline back.
pub(crate) struct Deadline {
    outer: Option<Instant>,
}

impl Deadline {
    /// From `deadline` on the thread is unparked (once).
    pub(crate) fn arm(cx: &CurrentThread, deadline: Instant) -> Deadline {
        let thread: &Thread = cx.thread();
        let outer = thread.timer.armed_for();
        thread.timer.arm_for_thread(NonNull::from(thread), deadline);
        Deadline { outer }
    }

    /// Not any more.
    pub(crate) fn disarm(self, cx: &CurrentThread) {
        let thread: &Thread = cx.thread();
        match self.outer {
            Some(outer) => thread.timer.arm_for_thread(NonNull::from(thread), outer),
            None => {
                thread.timer.disarm();
            }
        }
    }
}
