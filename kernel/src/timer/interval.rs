//! ITIMER_REAL: SIGALRM after a time, once or again and again.
//!
//! Main type: [`RealTimer`], made when a process first uses it. Called by setitimer, getitimer and alarm.
//! Lock: `REAL_TIMER` around a process's reference to it, and around its schedule.
use super::expiry::{Room, Serve, ServedTimer};
use crate::errno::Result;
use crate::lock_order;
use crate::signal::{self, Signal};
use crate::task::{Pid, Process};
use abi::Siginfo;
use alloc::sync::{Arc, Weak};
use machine::sync::SpinLock;
use machine::thread::CurrentThread;
use machine::time::{self, Instant};
use pure::schedule::Schedule;

/// A process's real-time interval timer.
pub struct RealTimer {
    pid: Pid,
    schedule: SpinLock<Schedule>,
    timer: ServedTimer,
}

impl RealTimer {
    /// The process's, made if it has none yet.
    fn of(cx: &CurrentThread, process: &Process) -> Result<Arc<RealTimer>> {
        let timer = process.real_timer.lock(cx).clone();
        if let Some(timer) = timer {
            return Ok(timer);
        }
        let room = Room::reserve()?;
        let made = Arc::new_cyclic(|me: &Weak<RealTimer>| RealTimer {
            pid: process.pid(),
            schedule: SpinLock::new(&lock_order::REAL_TIMER_SCHEDULE, Schedule::OFF),
            timer: ServedTimer::new(room, me.clone()),
        });
        Ok(process.real_timer.lock(cx).get_or_insert(made).clone())
    }

    /// (nanoseconds until it expires, period), zeros if it is not set.
    pub fn left(cx: &CurrentThread, process: &Process) -> (u64, u64) {
        let timer = process.real_timer.lock(cx).clone();
        match timer {
            Some(timer) => remaining(&timer.schedule.lock(cx)),
            None => (0, 0),
        }
    }

    /// Sets it (zero: clears it); answers what was left before.
    pub fn set(cx: &CurrentThread, process: &Process, value_ns: u64, interval_ns: u64) -> Result<(u64, u64)> {
        if value_ns == 0 && process.real_timer.lock(cx).is_none() {
            return Ok((0, 0));
        }
        let timer = RealTimer::of(cx, process)?;
        let mut schedule = timer.schedule.lock(cx);
        let was = remaining(&schedule);
        timer.timer.cancel();
        *schedule = match value_ns {
            0 => Schedule::OFF,
            _ => Schedule::at(time::now().after(value_ns).0, interval_ns),
        };
        timer.arm(&schedule);
        Ok(was)
    }

    fn arm(&self, schedule: &Schedule) {
        if let Some(deadline) = schedule.deadline() {
            self.timer.arm(Instant(deadline));
        }
    }
}

fn remaining(schedule: &Schedule) -> (u64, u64) {
    match schedule.remaining(time::now().0) {
        0 => (0, 0),
        // One that has expired but not been served yet is about to: a microsecond at least while it is set.
        left => (left.max(1000), schedule.interval()),
    }
}

impl Serve for RealTimer {
    fn serve(&self, cx: &mut CurrentThread) {
        let is_due = {
            let mut schedule = self.schedule.lock(cx);
            // Periods that have passed unseen are skipped, as on Linux.
            let is_due = schedule.take(time::now().0) != 0;
            self.arm(&schedule);
            is_due
        };
        if is_due {
            // A process that has ended meanwhile gets nothing.
            let _ = signal::send_to_process(cx, self.pid, Siginfo::kernel(Signal::SIGALRM.number()));
        }
    }
}
