//! One POSIX timer: a schedule on some clock, and what to do when it expires.
//!
//! Main type: [`PosixTimer`]. Made and found by `posix_table`; its expiry is served by the thread of `expiry`, or, on clocks of CPU
//! time, at ticks of the process that the clock is of.
//!
//! A periodic timer has at most one signal pending. It goes on counting when that is taken: the expirations missed
//! until then are the overrun, so a program that is slow to take signals is not flooded with them.
//! Lock: `POSIX_TIMER` around its state; no clock of CPU time is read and no signal sent under it.
use super::clock::{Clock, CpuClock, Watch, wall_clock_ns};
use super::cpu::Look;
use super::expiry::{Room, Serve, ServedTimer};
use crate::errno::Result;
use crate::lock_order;
use crate::signal::Signal;
use crate::signal::allowance::Allowance;
use crate::signal::send::{FROM_TIMER, queue_in, queue_to_task};
use crate::task::{Pid, Task, table};
use abi::Siginfo;
use alloc::sync::{Arc, Weak};
use machine::sync::SpinLock;
use machine::thread::CurrentThread;
use machine::time::{self, Instant};
use pure::schedule::Schedule;

/// `si_code` of a timer's signal.
const SI_TIMER: i32 = -2;
/// Shortest time between two expiries of a timer whose signal is ignored.
const IGNORED_PERIOD_NS: u64 = 4_000_000;
/// Largest overrun told (DELAYTIMER_MAX).
const MOST_OVERRUNS: u64 = i32::MAX as u64;

/// The clock of a timer, with its owner if it is of CPU time.
#[derive(Clone)]
pub enum TimerClock {
    /// Since 1970.
    Wall,
    /// Since boot.
    Monotonic,
    /// CPU time.
    Cpu(CpuClock),
}

impl TimerClock {
    /// What `clock` means for a timer of `caller`.
    pub fn find(cx: &CurrentThread, caller: &Arc<Task>, clock: Clock) -> Result<TimerClock> {
        Ok(match clock {
            Clock::Wall => TimerClock::Wall,
            Clock::Monotonic => TimerClock::Monotonic,
            Clock::Cpu(owner, kind) => TimerClock::Cpu(CpuClock::find(cx, caller, owner, kind)?),
        })
    }
}

/// What an expiry does.
pub enum Notify {
    /// Nothing: the program asks.
    Nothing,
    /// A signal to the process.
    Process(Signal),
    /// A signal to one of its threads.
    Task(Signal, Weak<Task>),
}

struct State {
    schedule: Schedule,
    /// The schedule counts wall-clock time, not time since boot.
    is_wall: bool,
    /// It is told when the wall clock is set, once and for all.
    is_watching: bool,
    /// Its signal is pending.
    is_queued: bool,
    /// Expirations since the last signal was taken.
    expired: u64,
    /// What getoverrun tells.
    last_overrun: u64,
}

/// A timer.
pub struct PosixTimer {
    /// Its number within the process.
    pub id: i32,
    owner: Pid,
    clock: TimerClock,
    notify: Notify,
    value: u64,
    state: SpinLock<State>,
    /// For clocks that advance by themselves.
    timer: Option<ServedTimer>,
    me: Weak<PosixTimer>,
    _allowance: Allowance,
}

/// What is left of a timer, and its period.
pub type Setting = (u64, u64);

impl PosixTimer {
    /// A timer that is not set. `value` is what its signal carries.
    pub fn new(
        id: i32,
        owner: Pid,
        clock: TimerClock,
        notify: Notify,
        value: u64,
        allowance: Allowance,
    ) -> Result<Arc<PosixTimer>> {
        let needs_timer = !matches!(clock, TimerClock::Cpu(_)) && !matches!(notify, Notify::Nothing);
        let room = if needs_timer { Some(Room::reserve()?) } else { None };
        let state = State {
            schedule: Schedule::OFF,
            is_wall: false,
            is_watching: false,
            is_queued: false,
            expired: 0,
            last_overrun: 0,
        };
        Ok(Arc::new_cyclic(|me: &Weak<PosixTimer>| PosixTimer {
            id,
            owner,
            clock,
            notify,
            value,
            state: SpinLock::new(&lock_order::POSIX_TIMER, state),
            timer: room.map(|room| ServedTimer::new(room, me.clone())),
            me: me.clone(),
            _allowance: allowance,
        }))
    }

    /// CPU time, if its clock is of that; read before the state is locked.
    fn cpu_now(&self, cx: &CurrentThread) -> u64 {
        match &self.clock {
            TimerClock::Cpu(clock) => clock.read(cx),
            TimerClock::Wall | TimerClock::Monotonic => 0,
        }
    }

    /// The time by which the schedule counts.
    fn now(&self, state: &State, cpu_now: u64) -> u64 {
        match self.clock {
            TimerClock::Cpu(_) => cpu_now,
            _ if state.is_wall => wall_clock_ns(),
            _ => time::now().0,
        }
    }

    /// Makes the machine's timer expire with the schedule, not before `earliest`.
    fn arm(&self, state: &State, earliest: Instant) {
        let Some(timer) = &self.timer else { return };
        match state.schedule.deadline() {
            Some(deadline) => {
                let offset = if state.is_wall { time::wall_clock_offset() } else { 0 };
                timer.arm(Instant(deadline.saturating_sub(offset)).max(earliest));
            }
            None => timer.cancel(),
        }
    }

    /// What is left at `now`. Expirations that nobody will be told of now are counted first.
    fn remaining(&self, state: &mut State, now: u64) -> Setting {
        let is_told = !matches!(self.notify, Notify::Nothing);
        if !is_told || state.schedule.interval() != 0 && state.is_queued {
            state.expired = state.expired.saturating_add(state.schedule.take(now));
        }
        (state.schedule.remaining(now), state.schedule.interval())
    }

    /// What is left, and the period.
    pub fn left(&self, cx: &CurrentThread) -> Setting {
        let cpu_now = self.cpu_now(cx);
        let mut state = self.state.lock(cx);
        let now = self.now(&state, cpu_now);
        self.remaining(&mut state, now)
    }

    /// Sets it; answers what was left before.
    pub fn set(&self, cx: &CurrentThread, value_ns: u64, interval_ns: u64, is_absolute: bool) -> Result<Setting> {
        let cpu_now = self.cpu_now(cx);
        let is_wall = is_absolute && matches!(self.clock, TimerClock::Wall);
        if let TimerClock::Cpu(clock) = &self.clock
            && value_ns != 0
            && !matches!(self.notify, Notify::Nothing)
        {
            clock.process().cpu_timers.add(cx, self.me.clone())?;
        }
        if is_wall && value_ns != 0 && !core::mem::replace(&mut self.state.lock(cx).is_watching, true) {
            super::clock::watch(cx, self.me.clone())?;
        }
        let was = {
            let mut state = self.state.lock(cx);
            let now = self.now(&state, cpu_now);
            let was = self.remaining(&mut state, now);
            let schedule = match value_ns {
                0 => Schedule::OFF,
                _ if is_absolute => Schedule::at(value_ns, interval_ns),
                // Relative times are not affected when the wall clock is set.
                _ => {
                    let from = if matches!(self.clock, TimerClock::Cpu(_)) { cpu_now } else { time::now().0 };
                    Schedule::at(from.saturating_add(value_ns), interval_ns)
                }
            };
            *state = State { schedule, is_wall, is_queued: false, expired: 0, last_overrun: 0, ..*state };
            self.arm(&state, Instant(0));
            was
        };
        // A time of CPU time that has passed already expires now.
        if matches!(self.clock, TimerClock::Cpu(_)) {
            self.look(cx);
        }
        Ok(was)
    }

    /// Expirations beyond the one that the last signal told of.
    pub fn overrun(&self, cx: &CurrentThread) -> u64 {
        self.state.lock(cx).last_overrun
    }

    /// Stops it for good.
    pub fn delete(&self, cx: &CurrentThread) {
        self.state.lock(cx).schedule = Schedule::OFF;
        if let Some(timer) = &self.timer {
            timer.cancel();
        }
    }

    /// Its signal is being taken: a periodic timer goes on from now.
    pub fn signal_taken(&self, cx: &CurrentThread, info: &mut Siginfo) {
        let cpu_now = self.cpu_now(cx);
        let mut state = self.state.lock(cx);
        if !state.is_queued {
            // Of a setting that is no more.
            return;
        }
        state.is_queued = false;
        if state.schedule.interval() != 0 {
            let now = self.now(&state, cpu_now);
            let more = state.schedule.take(now);
            state.expired = state.expired.saturating_add(more);
            self.arm(&state, Instant(0));
        }
        state.last_overrun = state.expired.saturating_sub(1).min(MOST_OVERRUNS);
        state.expired = 0;
        info.fields[0] |= state.last_overrun << 32;
    }

    /// Sends the signal if an expiration is due and none is pending.
    fn expire(&self, cx: &CurrentThread) {
        let cpu_now = self.cpu_now(cx);
        {
            let mut state = self.state.lock(cx);
            let now = self.now(&state, cpu_now);
            if !state.schedule.is_due(now) {
                // Set anew meanwhile, or the wall clock was set back.
                self.arm(&state, Instant(0));
                return;
            }
            if state.is_queued {
                // It goes on when the signal is taken.
                return;
            }
            if state.schedule.interval() == 0 {
                state.expired = state.schedule.take(now);
            }
            state.is_queued = true;
        }
        if !self.send(cx) {
            let mut state = self.state.lock(cx);
            let now = self.now(&state, cpu_now);
            state.is_queued = false;
            state.schedule.take(now);
            self.arm(&state, time::now().after(IGNORED_PERIOD_NS));
        }
    }

    /// Sends the signal; false if that has no effect.
    fn send(&self, cx: &CurrentThread) -> bool {
        let info = |signal: Signal| {
            // CAST: timer numbers are not negative.
            let fields = [u64::from(self.id as u32), self.value, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            Siginfo { signal: signal.number(), error: 0, code: SI_TIMER, padding: FROM_TIMER, fields }
        };
        match &self.notify {
            Notify::Nothing => false,
            Notify::Process(signal) => queue_in(&mut table::lock(cx), self.owner, info(*signal)).unwrap_or(false),
            Notify::Task(signal, task) => match task.upgrade().filter(|task| task.files_if_any(cx).is_some()) {
                Some(task) => queue_to_task(cx, &task, info(*signal)).unwrap_or(false),
                // LINUX: with its thread gone the timer runs on and tells nobody.
                None => false,
            },
        }
    }
}

impl Serve for PosixTimer {
    fn serve(&self, cx: &mut CurrentThread) {
        self.expire(cx);
    }
}

impl Look for PosixTimer {
    fn look(&self, cx: &CurrentThread) {
        let cpu_now = self.cpu_now(cx);
        let is_due = {
            let state = self.state.lock(cx);
            state.schedule.is_due(cpu_now) && !state.is_queued
        };
        if is_due {
            self.expire(cx);
        }
    }

    fn is_waiting(&self, cx: &CurrentThread) -> bool {
        self.state.lock(cx).schedule.deadline().is_some()
    }
}

impl Watch for PosixTimer {
    fn clock_was_set(&self, cx: &CurrentThread) {
        let state = self.state.lock(cx);
        if state.is_wall && !state.is_queued {
            self.arm(&state, Instant(0));
        }
    }
}
