//! `timerfd`: a timer that is read as a file and can be polled.
//!
//! Main type: [`TimerFd`]. The machine's timer only wakes whoever waits; how often it has expired is worked out from the time when somebody looks, so
//! a periodic timer that nobody reads costs one interrupt, and then none until it is read.
//! Lock: `TIMER_FD` around the state.
use super::anonymous::AnonymousInode;
use super::file::{File, PollEvents};
use super::inode::FileKind;
use super::open_file::OpenFile;
use super::transfer::Sink;
use crate::errno::{Errno, Result};
use crate::lock_order;
use crate::timer::clock::{self, Watch, wall_clock_ns};
use abi::linux::O_RDWR;
use alloc::sync::{Arc, Weak};
use machine::sync::{SpinLock, Wait, WaitQueue};
use machine::thread::{CurrentThread, IrqContext};
use machine::time::{self, Expire, Instant, Timer};
use pure::schedule::Schedule;

/// What an expiry wakes.
struct Alarm(WaitQueue);

impl Expire for Alarm {
    fn expire(&self, _cx: &IrqContext, _deadline: Instant) {
        self.0.wake_all();
    }
}

struct State {
    schedule: Schedule,
    /// The schedule counts wall-clock time, not time since boot.
    is_wall: bool,
    /// Setting the wall clock cancels it.
    is_cancelled_by_set: bool,
    /// The wall clock was set since this was last told.
    is_cancelled: bool,
    /// It is told when the wall clock is set, once and for all.
    is_watching: bool,
    /// Expirations not read yet.
    ticks: u64,
}

/// How a timer is set.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Time until the first expiry, or when it is; zero for none.
    pub value_ns: u64,
    /// Period; zero for once.
    pub interval_ns: u64,
    /// The value is a time, not a distance.
    pub is_absolute: bool,
    /// Setting the wall clock cancels it.
    pub is_cancelled_by_set: bool,
}

/// A timer.
pub struct TimerFd {
    /// Its clock is the wall clock.
    is_wall_clock: bool,
    state: SpinLock<State>,
    alarm: Arc<Alarm>,
    timer: Timer,
    me: Weak<TimerFd>,
}

impl TimerFd {
    /// An open timer that is not set. `flags`: O_NONBLOCK or nothing.
    pub fn open(is_wall_clock: bool, flags: u32) -> Arc<OpenFile> {
        let alarm = Arc::new(Alarm(WaitQueue::new()));
        let state = State {
            schedule: Schedule::OFF,
            is_wall: false,
            is_cancelled_by_set: false,
            is_cancelled: false,
            is_watching: false,
            ticks: 0,
        };
        let timer = Arc::new_cyclic(|me: &Weak<TimerFd>| TimerFd {
            is_wall_clock,
            state: SpinLock::new(&lock_order::TIMER_FD, state),
            timer: Timer::new(alarm.clone()),
            alarm,
            me: me.clone(),
        });
        let inode = AnonymousInode::new(FileKind::CharDevice, 0o600, None);
        OpenFile::anonymous(b"anon_inode:[timerfd]", inode, timer, flags | O_RDWR)
    }

    fn arm(&self, state: &State) {
        match state.schedule.deadline() {
            Some(deadline) => {
                let offset = if state.is_wall { time::wall_clock_offset() } else { 0 };
                self.timer.arm(Instant(deadline.saturating_sub(offset)));
            }
            None => {
                self.timer.cancel();
            }
        }
    }

    /// Takes expirations up to now into the count.
    fn collect(&self, state: &mut State) {
        let more = state.schedule.take(now(state));
        if more != 0 {
            state.ticks = state.ticks.saturating_add(more);
            self.arm(state);
        }
    }

    /// What is left, and the period.
    pub fn left(&self, cx: &CurrentThread) -> (u64, u64) {
        let mut state = self.state.lock(cx);
        self.collect(&mut state);
        (state.schedule.remaining(now(&state)), state.schedule.interval())
    }

    /// Sets it; answers what was left. ECANCELED if the wall clock was set since the last look, the new setting being in
    /// force nevertheless.
    pub fn set(&self, cx: &CurrentThread, new: Setting) -> Result<(u64, u64)> {
        let is_wall = self.is_wall_clock && new.is_absolute;
        if is_wall && !core::mem::replace(&mut self.state.lock(cx).is_watching, true) {
            clock::watch(cx, self.me.clone())?;
        }
        let mut state = self.state.lock(cx);
        let left = (state.schedule.remaining(now(&state)), state.schedule.interval());
        state.is_wall = is_wall;
        state.ticks = 0;
        state.schedule = match new.value_ns {
            0 => Schedule::stopped(new.interval_ns),
            at if new.is_absolute => Schedule::at(at, new.interval_ns),
            distance => Schedule::at(time::now().after(distance).0, new.interval_ns),
        };
        let was_cancelled = core::mem::take(&mut state.is_cancelled);
        state.is_cancelled_by_set = is_wall && new.is_cancelled_by_set;
        self.arm(&state);
        if was_cancelled && state.is_cancelled_by_set { Err(Errno::ECANCELED) } else { Ok(left) }
    }

    /// Expirations to be read now, if there are any.
    fn try_read(&self, cx: &CurrentThread) -> Option<Result<u64>> {
        let mut state = self.state.lock(cx);
        self.collect(&mut state);
        if core::mem::take(&mut state.is_cancelled) {
            state.ticks = 0;
            return Some(Err(Errno::ECANCELED));
        }
        let ticks = core::mem::take(&mut state.ticks);
        (ticks != 0).then_some(Ok(ticks))
    }
}

/// The time by which the schedule counts.
fn now(state: &State) -> u64 {
    if state.is_wall { wall_clock_ns() } else { time::now().0 }
}

impl Watch for TimerFd {
    fn clock_was_set(&self, cx: &CurrentThread) {
        {
            let mut state = self.state.lock(cx);
            if !state.is_wall {
                return;
            }
            state.is_cancelled |= state.is_cancelled_by_set;
            self.arm(&state);
        }
        self.alarm.0.wake_all();
    }
}

impl File for TimerFd {
    fn is_stream(&self) -> bool {
        true
    }

    fn read(&self, cx: &mut CurrentThread, open: &OpenFile, _offset: &mut u64, to: &mut Sink<'_>) -> Result<()> {
        if to.left() < 8 {
            return Err(Errno::EINVAL);
        }
        let ticks = match self.try_read(cx) {
            Some(ticks) => ticks?,
            None if open.is_non_blocking() => return Err(Errno::EAGAIN),
            None => self.alarm.0.wait(cx, Wait::interruptible("a timer"), |cx| self.try_read(cx))??,
        };
        to.put(cx, &ticks.to_ne_bytes())
    }

    fn poll(&self, cx: &mut CurrentThread, _open: &OpenFile) -> PollEvents {
        let state = self.state.lock(cx);
        let is_ready = state.ticks != 0 || state.is_cancelled || state.schedule.is_due(now(&state));
        PollEvents::NONE.and_if(is_ready, PollEvents::IN)
    }

    fn wait_queues(&self) -> [Option<&WaitQueue>; 2] {
        [Some(&self.alarm.0), None]
    }
}
