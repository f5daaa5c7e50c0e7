//! The token of the running thread.
use super::thread::attention;
use super::{CurrentThread, Thread, header, scheduler};
use crate::sync::WaitError;
use crate::time::{self, Instant};
use alloc::sync::Arc;
use core::any::Any;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::sync::atomic::Ordering;

impl CurrentThread {
    /// The token of the thread that runs on this stack.
    ///
    /// # Safety
    /// 1. A scheduled thread runs here. 2. No other token of it is used while this one is (its owner is suspended or has lent
    ///    it to the caller).
    pub(crate) unsafe fn conjure() -> CurrentThread {
        let thread = header::current().thread.get();
        // SAFETY: the scheduler keeps a count for a thread that runs (1), and `ManuallyDrop` leaves that count alone.
        let thread = ManuallyDrop::new(unsafe { Arc::from_raw(thread) });
        CurrentThread { thread, _not_send: PhantomData }
    }

    /// The shared object of this thread.
    #[inline(always)]
    pub fn thread(&self) -> &Arc<Thread> {
        &self.thread
    }

    /// Lets other runnable threads of this CPU go first.
    #[track_caller]
    pub fn yield_now(&mut self) {
        self.assert_may_sleep();
        scheduler::yield_now();
    }

    /// Whether [`Thread::notify`] was called since the last [`take_notification`](Self::take_notification).
    #[inline(always)]
    pub fn is_notified(&self) -> bool {
        self.thread.attention.load(Ordering::Relaxed) & attention::NOTIFIED != 0
    }

    /// Whether there is anything to look at before user code runs again: a notification, or a tick.
    #[inline(always)]
    pub fn needs_attention(&self) -> bool {
        self.thread.attention.load(Ordering::Relaxed) != 0
    }

    /// Whether this thread, which asked to know ([`Thread::watch_switches`]), was off the CPU since this was last asked.
    pub fn take_switch(&mut self) -> bool {
        self.thread.attention.fetch_and(!attention::SWITCHED, Ordering::Relaxed) & attention::SWITCHED != 0
    }

    /// Whether a timer tick found this thread running since this was last asked.
    pub fn take_tick(&mut self) -> bool {
        self.thread.attention.fetch_and(!attention::TICKED, Ordering::Relaxed) & attention::TICKED != 0
    }

    /// Takes the mark away, before looking at what it announced.
    pub fn take_notification(&mut self) -> bool {
        self.thread.attention.fetch_and(!attention::NOTIFIED, Ordering::SeqCst) & attention::NOTIFIED != 0
    }

    /// Sleeps until `deadline`; `Err` when notified first and `is_interruptible`.
    #[track_caller]
    pub fn sleep_until(
        &mut self,
        deadline: Instant,
        reason: &'static str,
        is_interruptible: bool,
    ) -> Result<(), WaitError> {
        self.assert_may_sleep();
        if time::now() >= deadline {
            return Ok(());
        }
        let armed = scheduler::Deadline::arm(self, deadline);
        let outcome = loop {
            if time::now() >= deadline {
                break Ok(());
            }
            if is_interruptible && self.is_notified() {
                break Err(WaitError::Interrupted);
            }
            scheduler::park(self, reason, is_interruptible);
        };
        armed.disarm(self);
        outcome
    }

    /// Panics, naming the caller, if a spin lock is held, interrupts are off or preemption is disabled.
    #[track_caller]
    #[inline(always)]
    pub fn assert_may_sleep(&self) {
        let header = header::current();
        if header.preempt_off.get() | header.interrupts_off.get() != 0 {
            may_not_sleep(header);
        }
    }
}

/// Notifies the thread that runs here: for destructors, which have no token, when they leave work that must be done before the
/// program goes on.
pub fn notify_current() {
    let thread = header::current().thread.get();
    // SAFETY: the scheduler keeps a count for a thread that runs, and this one does until the call returns.
    unsafe { &*thread }.notify();
}

/// Shows the data of the thread that runs here, if threads run at all yet. For probes, which fire in any context.
pub(crate) fn visit_current_data(visit: &mut dyn FnMut(&(dyn Any + Send + Sync))) {
    let thread = header::current().thread.get();
    if !thread.is_null() {
        // SAFETY: the scheduler keeps a count for the thread on whose stack we are, to the end of what runs there.
        visit(&**unsafe { &*thread }.data());
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn may_not_sleep(header: &header::StackHeader) -> ! {
    let last = header.held().last();
    panic!(
        "may not sleep here: preemption off {} times, interrupts off {} times, last lock {}",
        header.preempt_off.get(),
        header.interrupts_off.get(),
        last.map_or("none", |held| held.class.name),
    );
}
