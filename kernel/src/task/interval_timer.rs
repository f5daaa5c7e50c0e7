//! ITIMER_REAL: SIGALRM after a time, once or again and again.
//!
//! A machine timer expires in interrupt context, where no signal can be sent; it marks the process's [`Alarm`] due and wakes
//! one kernel thread, started with the first timer, which sends the signals and arms the next period.
//! Lock: `REAL_TIMER` around one process's timer; `ALARMS` around the list of those that exist.
use super::Process;
use crate::errno::Result;
use crate::lock_order;
use crate::signal::{self, Signal};
use abi::Siginfo;
use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};
use machine::sync::{SpinLock, Wait, WaitQueue};
use machine::thread::{self, CurrentThread, IrqContext};
use machine::time::{self, Expire, Instant, Timer};

/// What a timer's expiry marks.
struct Alarm {
    process: Weak<Process>,
    is_due: AtomicBool,
}

impl Expire for Alarm {
    fn expire(&self, _cx: &IrqContext, _deadline: Instant) {
        self.is_due.store(true, Ordering::Release);
        DUE.wake_all();
    }
}

/// Where the thread that sends waits.
static DUE: WaitQueue = WaitQueue::new();
static ALARMS: SpinLock<Vec<Arc<Alarm>>> = SpinLock::new(&lock_order::ALARMS, Vec::new());
static HAS_SENDER: AtomicBool = AtomicBool::new(false);

/// A process's real-time interval timer.
pub struct RealTimer {
    timer: Timer,
    /// When it expires next; `None` if it is not set.
    deadline: Option<Instant>,
    /// Its period; zero for once.
    interval_ns: u64,
}

impl RealTimer {
    /// (nanoseconds until it expires, period), zeros if it is not set.
    pub fn left(cx: &CurrentThread, process: &Process) -> (u64, u64) {
        let slot = process.real_timer.lock(cx);
        slot.as_ref().map_or((0, 0), RealTimer::remaining)
    }

    fn remaining(&self) -> (u64, u64) {
        match self.deadline {
            // One that has expired but not been served yet is about to: never zero while set.
            Some(deadline) => (deadline.since(time::now()).max(1000), self.interval_ns),
            None => (0, 0),
        }
    }

    /// Sets it (zero: clears it); answers what was left before.
    pub fn set(cx: &mut CurrentThread, process: &Arc<Process>, value_ns: u64, interval_ns: u64) -> Result<(u64, u64)> {
        if value_ns != 0 {
            ensure_sender()?;
            ensure_timer(cx, process)?;
        }
        let mut slot = process.real_timer.lock(cx);
        let Some(timer) = slot.as_mut() else { return Ok((0, 0)) };
        let was = timer.remaining();
        timer.timer.cancel();
        timer.interval_ns = interval_ns;
        timer.deadline = (value_ns != 0).then(|| time::now().after(value_ns));
        if let Some(deadline) = timer.deadline {
            timer.timer.arm(deadline);
        }
        Ok(was)
    }

    /// Serves an expiry: whether SIGALRM is due, the next period being armed.
    fn serve(cx: &CurrentThread, process: &Process) -> bool {
        let mut slot = process.real_timer.lock(cx);
        let Some(timer) = slot.as_mut() else { return false };
        let now = time::now();
        match timer.deadline {
            Some(deadline) if deadline <= now => {
                timer.deadline = (timer.interval_ns != 0).then(|| {
                    // Periods that have passed unseen are skipped, as on Linux.
                    let passed = now.since(deadline) / timer.interval_ns + 1;
                    deadline.after(timer.interval_ns.saturating_mul(passed))
                });
                if let Some(next) = timer.deadline {
                    timer.timer.arm(next);
                }
                true
            }
            // Set anew meanwhile.
            _ => false,
        }
    }
}

/// Gives the process its timer, the first time.
fn ensure_timer(cx: &CurrentThread, process: &Arc<Process>) -> Result<()> {
    if process.real_timer.lock(cx).is_some() {
        return Ok(());
    }
    let alarm = Arc::new(Alarm { process: Arc::downgrade(process), is_due: AtomicBool::new(false) });
    let timer = RealTimer { timer: Timer::new(alarm.clone()), deadline: None, interval_ns: 0 };
    {
        let mut alarms = ALARMS.lock(cx);
        alarms.retain(|alarm| alarm.process.strong_count() != 0);
        alarms.try_reserve(1)?;
        alarms.push(alarm);
    }
    let mut slot = process.real_timer.lock(cx);
    if slot.is_none() {
        *slot = Some(timer);
    }
    Ok(())
}

/// Starts the thread that sends, the first time.
fn ensure_sender() -> Result<()> {
    if HAS_SENDER.swap(true, Ordering::AcqRel) {
        return Ok(());
    }
    let started = thread::spawn("interval timers", Arc::new(()), Box::new(send_alarms));
    if started.is_err() {
        HAS_SENDER.store(false, Ordering::Release);
    }
    started?;
    Ok(())
}

/// The thread that sends, for as long as the machine runs.
fn send_alarms(cx: &mut CurrentThread) {
    loop {
        let due = DUE.wait(cx, Wait::uninterruptible("an interval timer"), |cx| {
            let due: Vec<Arc<Process>> = ALARMS
                .lock(cx)
                .iter()
                .filter(|alarm| alarm.is_due.swap(false, Ordering::AcqRel))
                .filter_map(|alarm| alarm.process.upgrade())
                .collect();
            (!due.is_empty()).then_some(due)
        });
        for process in due.unwrap_or_default() {
            if RealTimer::serve(cx, &process) {
                // A process that has ended meanwhile gets nothing.
                let _ = signal::send_to_process(cx, process.pid(), Siginfo::kernel(Signal::SIGALRM.number()));
            }
        }
    }
}
