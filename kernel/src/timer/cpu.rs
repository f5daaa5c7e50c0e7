//! Timers that CPU time makes expire: ITIMER_VIRTUAL, ITIMER_PROF, RLIMIT_CPU, and POSIX timers on clocks of CPU time.
//!
//! Main type: [`CpuTimers`], one process's. A tick that finds a thread running makes it look at them before it goes on ([`tick`]): as
//! exact as the tick, like Linux's. A process that has none pays one load a tick.
//! Lock: `CPU_TIMERS` around the two interval timers and the list; no clock is read under it.
use super::clock::CpuClock;
use crate::errno::Result;
use crate::lock_order;
use crate::signal::{self, Signal};
use crate::task::limits::{INFINITY, Resource};
use crate::task::{Process, usage};
use abi::Siginfo;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};
use machine::sync::{SpinLock, Wait, WaitError, WaitQueue};
use machine::thread::CurrentThread;
use pure::schedule::Schedule;

/// Nanoseconds a second.
const SECOND_NS: u64 = 1_000_000_000;

/// Who is to look at its clock when the process has used CPU time.
pub trait Look: Send + Sync {
    /// CPU time was used.
    fn look(&self, cx: &CurrentThread);
    /// Whether it still waits for some time to come.
    fn is_waiting(&self, cx: &CurrentThread) -> bool;
}

/// Which interval timer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Which {
    /// ITIMER_VIRTUAL: time in user mode, SIGVTALRM.
    Virtual,
    /// ITIMER_PROF: all CPU time, SIGPROF.
    Profile,
}

struct State {
    /// By [`Which`].
    intervals: [Schedule; 2],
    lookers: Vec<Weak<dyn Look>>,
}

/// A process's timers of CPU time.
pub struct CpuTimers {
    /// Whether there is anything to look at.
    is_watched: AtomicBool,
    state: SpinLock<State>,
}

impl CpuTimers {
    /// None.
    pub const fn new() -> CpuTimers {
        let state = State { intervals: [Schedule::OFF; 2], lookers: Vec::new() };
        CpuTimers { is_watched: AtomicBool::new(false), state: SpinLock::new(&lock_order::CPU_TIMERS, state) }
    }

    /// Makes `looker` look whenever the process has used CPU time, as long as it waits for something.
    pub fn add(&self, cx: &CurrentThread, looker: Weak<dyn Look>) -> Result<()> {
        let mut state = self.state.lock(cx);
        if !state.lookers.iter().any(|other| Weak::ptr_eq(other, &looker)) {
            state.lookers.try_reserve(1)?;
            state.lookers.push(looker);
        }
        self.is_watched.store(true, Ordering::Release);
        Ok(())
    }

    /// Looks at the limit of CPU time from now on.
    pub fn watch_limit(&self) {
        self.is_watched.store(true, Ordering::Release);
    }
}

impl Default for CpuTimers {
    fn default() -> Self {
        CpuTimers::new()
    }
}

/// CPU time of the process as `which` counts it.
fn used(cx: &CurrentThread, process: &Process, which: Which) -> u64 {
    let usage = usage::of_process(cx, process);
    match which {
        Which::Virtual => usage.user_ns,
        Which::Profile => usage.user_ns + usage.kernel_ns,
    }
}

/// (nanoseconds until it expires, period) of an interval timer.
pub fn left(cx: &CurrentThread, process: &Process, which: Which) -> (u64, u64) {
    let now = used(cx, process, which);
    remaining(&process.cpu_timers.state.lock(cx).intervals[which as usize], now)
}

fn remaining(schedule: &Schedule, now: u64) -> (u64, u64) {
    match schedule.remaining(now) {
        0 => (0, 0),
        left => (left.max(1000), schedule.interval()),
    }
}

/// Sets an interval timer (zero: clears it); answers what was left before.
pub fn set(cx: &CurrentThread, process: &Process, which: Which, value_ns: u64, interval_ns: u64) -> (u64, u64) {
    let now = used(cx, process, which);
    let timers = &process.cpu_timers;
    let mut state = timers.state.lock(cx);
    let was = remaining(&state.intervals[which as usize], now);
    state.intervals[which as usize] = match value_ns {
        0 => Schedule::OFF,
        _ => {
            timers.is_watched.store(true, Ordering::Release);
            Schedule::at(now.saturating_add(value_ns), interval_ns)
        }
    };
    was
}

/// A tick found a thread of the process running: its CPU time has advanced.
pub fn tick(cx: &CurrentThread, process: &Arc<Process>) {
    if process.cpu_timers.is_watched.load(Ordering::Acquire) {
        look(cx, process);
    }
}

#[cold]
fn look(cx: &CurrentThread, process: &Arc<Process>) {
    let timers = &process.cpu_timers;
    // Whoever adds something from here on sets the mark again.
    timers.is_watched.store(false, Ordering::Release);
    let usage = usage::of_process(cx, process);
    let total = usage.user_ns + usage.kernel_ns;
    let mut is_waiting = check_limit(cx, process, total);
    for (index, now, signal) in [(0, usage.user_ns, Signal::SIGVTALRM), (1, total, Signal::SIGPROF)] {
        let is_due = {
            let schedule = &mut timers.state.lock(cx).intervals[index];
            let is_due = schedule.take(now) != 0;
            is_waiting |= schedule.deadline().is_some();
            is_due
        };
        if is_due {
            // A process that is ending gets nothing.
            let _ = signal::send_to_process(cx, process.pid(), Siginfo::kernel(signal.number()));
        }
    }
    is_waiting |= look_at_each(cx, timers);
    if is_waiting {
        timers.is_watched.store(true, Ordering::Release);
    }
}

/// Lets each look; answers whether any still waits.
fn look_at_each(cx: &CurrentThread, timers: &CpuTimers) -> bool {
    let mut index = 0;
    loop {
        let Some(looker) = timers.state.lock(cx).lookers.get(index).cloned() else { break };
        let is_waiting = looker.upgrade().is_some_and(|looker| {
            looker.look(cx);
            looker.is_waiting(cx)
        });
        if is_waiting {
            index += 1;
        } else {
            let mut state = timers.state.lock(cx);
            // Only threads of this process look, and one that looks at the same time may have taken it out.
            if state.lookers.get(index).is_some_and(|other| Weak::ptr_eq(other, &looker)) {
                state.lookers.swap_remove(index);
            }
        }
    }
    index > 0
}

/// Who sleeps until a clock of CPU time shows some time.
struct Sleeper {
    clock: CpuClock,
    deadline: u64,
    woken: WaitQueue,
}

impl Look for Sleeper {
    fn look(&self, cx: &CurrentThread) {
        if self.clock.read(cx) >= self.deadline {
            self.woken.wake_all();
        }
    }
    fn is_waiting(&self, cx: &CurrentThread) -> bool {
        self.clock.read(cx) < self.deadline
    }
}

/// Sleeps until `clock` shows `deadline`.
pub fn sleep(cx: &mut CurrentThread, clock: &CpuClock, deadline: u64) -> Result<core::result::Result<(), WaitError>> {
    let sleeper = Arc::new(Sleeper { clock: clock.clone(), deadline, woken: WaitQueue::new() });
    let weak: Weak<Sleeper> = Arc::downgrade(&sleeper);
    clock.process().cpu_timers.add(cx, weak)?;
    Ok(sleeper.woken.wait(cx, Wait::interruptible("CPU time"), |cx| (!sleeper.is_waiting(cx)).then_some(())))
}

/// RLIMIT_CPU: SIGXCPU at the soft limit and every second after it, SIGKILL at the hard one. Answers whether there is a limit.
fn check_limit(cx: &CurrentThread, process: &Process, used_ns: u64) -> bool {
    let limit = process.limits().get(Resource::CpuSeconds);
    let is_over = |seconds: u64| seconds != INFINITY && used_ns >= seconds.saturating_mul(SECOND_NS);
    if is_over(limit.hard) {
        let _ = signal::send_to_process(cx, process.pid(), Siginfo::kernel(Signal::SIGKILL.number()));
        return false;
    }
    if is_over(limit.soft) {
        let _ = signal::send_to_process(cx, process.pid(), Siginfo::kernel(Signal::SIGXCPU.number()));
        // LINUX: the soft limit itself moves on by a second, and getrlimit shows it.
        let _ = process.change_limit(Resource::CpuSeconds as u32, |old| {
            Ok::<_, ()>(abi::Rlimit64 { soft: old.soft.saturating_add(1), ..old })
        });
    }
    limit.soft != INFINITY || limit.hard != INFINITY
}
