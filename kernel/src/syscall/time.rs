//! Calls on time: clocks, sleeping, interval timers, CPU times.
use super::argument::Flags;
use super::call::Call;
use crate::errno::{Errno, Restart, Result};
use crate::task::Capability;
use crate::task::usage;
use crate::timer::clock::{self, Clock, CpuClock, CpuOwner, Named, wall_clock_ns};
use crate::timer::cpu::{self, Which};
use crate::timer::interval::RealTimer;
use crate::user_memory::UserPtr;
use abi::linux::{ITIMER_PROF, ITIMER_REAL, ITIMER_VIRTUAL, TIMER_ABSTIME};
use abi::{Itimerval, Rusage, Timespec, Timeval, Timex, Timezone, Tms};
use alloc::boxed::Box;
use machine::sync::{Wait, WaitError};
use machine::time::{self, Instant};

/// Nanoseconds between ticks of the coarse clocks as they are told (Linux: one jiffy at 250 Hz).
const COARSE_NS: u64 = 4_000_000;

/// The time a clock shows. EINVAL for clocks that do not exist.
fn read_clock(call: &Call<'_>, clock: i32) -> Result<u64> {
    match Named::from_number(clock)?.clock {
        Clock::Wall => Ok(wall_clock_ns()),
        Clock::Monotonic => Ok(time::now().0),
        Clock::Cpu(owner, kind) => Ok(CpuClock::find(call.cx, call.task, owner, kind)?.read(call.cx)),
    }
}

/// Reads a clock.
pub fn sys_clock_gettime(call: &mut Call<'_>, clock: i32, result: UserPtr<Timespec>) -> Result<u64> {
    let ns = read_clock(call, clock)?;
    result.write(call.cx, &Timespec::from_ns(ns))?;
    Ok(0)
}

/// Tells how fine a clock is.
pub fn sys_clock_getres(call: &mut Call<'_>, clock: i32, result: UserPtr<Timespec>) -> Result<u64> {
    let named = Named::from_number(clock)?;
    if let Clock::Cpu(owner, kind) = named.clock {
        CpuClock::find(call.cx, call.task, owner, kind)?;
    }
    result.write_if_set(call.cx, &Timespec::from_ns(if named.is_coarse { COARSE_NS } else { 1 }))?;
    Ok(0)
}

/// Sets the wall clock.
pub fn sys_clock_settime(call: &mut Call<'_>, clock: i32, value: UserPtr<Timespec>) -> Result<u64> {
    let ns = value.read(call.cx)?.to_ns().ok_or(Errno::EINVAL)?;
    match Named::from_number(clock)?.clock {
        Clock::Wall if clock == abi::linux::CLOCK_REALTIME as i32 => set_wall_clock(call, ns),
        Clock::Cpu(owner, kind) => {
            // LINUX: a clock of CPU time that exists may not be set; the others cannot be.
            CpuClock::find(call.cx, call.task, owner, kind)?;
            Err(Errno::EPERM)
        }
        Clock::Wall | Clock::Monotonic => Err(Errno::EINVAL),
    }
}

fn set_wall_clock(call: &Call<'_>, ns: u64) -> Result<u64> {
    if !call.may(Capability::Time) {
        return Err(Errno::EPERM);
    }
    clock::set_wall_clock(call.cx, ns);
    Ok(0)
}

/// `modes` of [`Timex`]: add `time`, which has nanoseconds; adjtime's way to ask, and to ask only.
const ADJ_SETOFFSET: u32 = 0x100;
const ADJ_NANO: u32 = 0x2000;
const ADJ_ADJTIME: u32 = 0x8000;
const ADJ_OFFSET_SINGLESHOT: u32 = 0x8001;
const ADJ_OFFSET_SS_READ: u32 = 0xa001;
/// Nobody keeps the clock on time.
const STA_UNSYNC: i32 = 0x40;
const TIME_ERROR: u64 = 5;

/// Tells how the wall clock is kept on time, and moves it. LINUX: what is told is what a kernel tells whose clock nobody has set right.
pub fn sys_adjtimex(call: &mut Call<'_>, state: UserPtr<Timex>) -> Result<u64> {
    let wanted = state.read(call.cx)?;
    let (modes, is_adjtime) = (wanted.modes, wanted.modes & ADJ_ADJTIME != 0);
    if is_adjtime && modes & ADJ_OFFSET_SINGLESHOT != ADJ_OFFSET_SINGLESHOT {
        return Err(Errno::EINVAL);
    }
    let is_question = modes == 0 || modes == ADJ_OFFSET_SS_READ;
    if !is_question && !call.may(Capability::Time) {
        return Err(Errno::EPERM);
    }
    if modes & !ADJ_NANO == ADJ_SETOFFSET {
        move_wall_clock(call, wanted.time, modes & ADJ_NANO != 0)?;
    } else if !is_question {
        return Err(Errno::EOPNOTSUPP);
    }
    let told = Timex {
        modes,
        most_error: 16_000_000,
        estimated_error: 16_000_000,
        status: STA_UNSYNC,
        constant: 2,
        precision: 1,
        tolerance: 500 << 16,
        time: Timeval::from_ns(wall_clock_ns()),
        tick: 10_000,
        ..Timex::default()
    };
    state.write(call.cx, &told)?;
    Ok(TIME_ERROR)
}

/// Adds to the wall clock. The smaller part is never negative.
fn move_wall_clock(call: &Call<'_>, by: Timeval, has_ns: bool) -> Result<u64> {
    let (most, unit) = if has_ns { (1_000_000_000, 1) } else { (1_000_000, 1000) };
    if !(0..most).contains(&by.microseconds) {
        return Err(Errno::EINVAL);
    }
    let by = i128::from(by.seconds) * 1_000_000_000 + i128::from(by.microseconds * unit);
    let new = i128::from(wall_clock_ns()) + by;
    set_wall_clock(call, u64::try_from(new).map_err(|_| Errno::EINVAL)?)
}

/// The same of a clock by its number.
pub fn sys_clock_adjtime(call: &mut Call<'_>, clock: i32, state: UserPtr<Timex>) -> Result<u64> {
    // CAST: a small number.
    if clock == abi::linux::CLOCK_REALTIME as i32 {
        return sys_adjtimex(call, state);
    }
    Named::from_number(clock)?;
    state.read(call.cx)?;
    Err(Errno::EOPNOTSUPP)
}

/// The wall clock in microseconds.
pub fn sys_gettimeofday(call: &mut Call<'_>, result: UserPtr<Timeval>, zone: UserPtr<Timezone>) -> Result<u64> {
    result.write_if_set(call.cx, &Timeval::from_ns(wall_clock_ns()))?;
    zone.write_if_set(call.cx, &Timezone::default())?;
    Ok(0)
}

/// Sets the wall clock. The kernel keeps no time zone.
pub fn sys_settimeofday(call: &mut Call<'_>, value: UserPtr<Timeval>, _zone: UserPtr<Timezone>) -> Result<u64> {
    match value.non_null() {
        Some(value) => {
            let ns = value.read(call.cx)?.to_ns().ok_or(Errno::EINVAL)?;
            set_wall_clock(call, ns)
        }
        None => Ok(0),
    }
}

/// The wall clock in seconds.
pub fn sys_time(call: &mut Call<'_>, result: UserPtr<i64>) -> Result<u64> {
    let seconds = wall_clock_ns() / 1_000_000_000;
    // CAST: far below 2^63.
    result.write_if_set(call.cx, &(seconds as i64))?;
    Ok(seconds)
}

/// Sleeps.
pub fn sys_nanosleep(call: &mut Call<'_>, wanted: UserPtr<Timespec>, remaining: UserPtr<Timespec>) -> Result<u64> {
    let ns = wanted.read(call.cx)?.to_ns().ok_or(Errno::EINVAL)?;
    sleep_for(call, time::now().after(ns), remaining)
}

/// Sleeps by a clock of the caller's choice.
pub fn sys_clock_nanosleep(
    call: &mut Call<'_>,
    clock: i32,
    flags: Flags,
    wanted: UserPtr<Timespec>,
    remaining: UserPtr<Timespec>,
) -> Result<u64> {
    let named = Named::from_number(clock)?;
    if !named.has_timers {
        return Err(Errno::EOPNOTSUPP);
    }
    let ns = wanted.read(call.cx)?.to_ns().ok_or(Errno::EINVAL)?;
    let is_absolute = flags.0 & TIMER_ABSTIME != 0;
    match named.clock {
        Clock::Cpu(owner, kind) => {
            // LINUX: a thread cannot sleep by its own CPU time, which would not pass.
            if matches!(owner, CpuOwner::Thread(tid) if tid == 0 || tid == call.task.tid()) {
                return Err(Errno::EINVAL);
            }
            let clock = CpuClock::find(call.cx, call.task, owner, kind)?;
            let now = clock.read(call.cx);
            let deadline = if is_absolute { ns } else { now.saturating_add(ns) };
            sleep_by_cpu_time(call, clock, deadline, (!is_absolute).then_some(remaining))
        }
        Clock::Wall | Clock::Monotonic if !is_absolute => sleep_for(call, time::now().after(ns), remaining),
        Clock::Wall => sleep_until_wall_clock(call, ns),
        Clock::Monotonic => match call.cx.sleep_until(Instant(ns), "time", true) {
            Err(WaitError::Interrupted) => Err(Restart::IfNoHandler.into()),
            _ => Ok(0),
        },
    }
}

/// Sleeps until the wall clock shows `ns`, also if it is set meanwhile.
fn sleep_until_wall_clock(call: &mut Call<'_>, ns: u64) -> Result<u64> {
    loop {
        let offset = time::wall_clock_offset();
        let how = Wait::interruptible("time").until(Some(Instant(ns.saturating_sub(offset))));
        match clock::WAS_SET.wait(call.cx, how, |_| (time::wall_clock_offset() != offset).then_some(())) {
            Ok(()) => {}
            Err(WaitError::TimedOut) => return Ok(0),
            Err(WaitError::Interrupted) => return Err(Restart::IfNoHandler.into()),
        }
    }
}

/// Sleeps until a clock of CPU time shows `deadline`; interrupted, tells what remained if that is wanted.
fn sleep_by_cpu_time(
    call: &mut Call<'_>,
    clock: CpuClock,
    deadline: u64,
    remaining: Option<UserPtr<Timespec>>,
) -> Result<u64> {
    match cpu::sleep(call.cx, &clock, deadline)? {
        Err(WaitError::Interrupted) => {
            let Some(remaining) = remaining else { return Err(Restart::IfNoHandler.into()) };
            let left = deadline.saturating_sub(clock.read(call.cx));
            remaining.write_if_set(call.cx, &Timespec::from_ns(left))?;
            let again = Box::new(move |call: &mut Call<'_>| sleep_by_cpu_time(call, clock, deadline, Some(remaining)));
            call.task.set_restart_block(again);
            Err(Restart::WithBlock.into())
        }
        _ => Ok(0),
    }
}

/// Sleeps until `deadline`; interrupted, tells what remained, and goes on unless a handler ran.
fn sleep_for(call: &mut Call<'_>, deadline: Instant, remaining: UserPtr<Timespec>) -> Result<u64> {
    match call.cx.sleep_until(deadline, "time", true) {
        Err(WaitError::Interrupted) => {
            let left = deadline.since(time::now());
            remaining.write_if_set(call.cx, &Timespec::from_ns(left))?;
            call.task.set_restart_block(Box::new(move |call| sleep_for(call, deadline, remaining)));
            Err(Restart::WithBlock.into())
        }
        _ => Ok(0),
    }
}

fn to_itimerval(timer: (u64, u64)) -> Itimerval {
    Itimerval { value: Timeval::from_ns(timer.0), interval: Timeval::from_ns(timer.1) }
}

/// Which interval timer a number means.
enum Interval {
    Real,
    Cpu(Which),
}

impl Interval {
    fn from_number(which: i32) -> Result<Interval> {
        Ok(match u32::try_from(which).map_err(|_| Errno::EINVAL)? {
            ITIMER_REAL => Interval::Real,
            ITIMER_VIRTUAL => Interval::Cpu(Which::Virtual),
            ITIMER_PROF => Interval::Cpu(Which::Profile),
            _ => return Err(Errno::EINVAL),
        })
    }
}

/// Tells what is left of an interval timer.
pub fn sys_getitimer(call: &mut Call<'_>, which: i32, result: UserPtr<Itimerval>) -> Result<u64> {
    let left = match Interval::from_number(which)? {
        Interval::Real => RealTimer::left(call.cx, call.process()),
        Interval::Cpu(which) => cpu::left(call.cx, call.process(), which),
    };
    result.write(call.cx, &to_itimerval(left))?;
    Ok(0)
}

/// Sets an interval timer.
pub fn sys_setitimer(call: &mut Call<'_>, which: i32, new: UserPtr<Itimerval>, old: UserPtr<Itimerval>) -> Result<u64> {
    // LINUX: no new value clears the timer.
    let wanted = if new.is_null() { Itimerval::default() } else { new.read(call.cx)? };
    let value = wanted.value.to_ns().ok_or(Errno::EINVAL)?;
    let interval = wanted.interval.to_ns().ok_or(Errno::EINVAL)?;
    let process = call.process().clone();
    let was = match Interval::from_number(which)? {
        Interval::Real => RealTimer::set(call.cx, &process, value, interval)?,
        Interval::Cpu(which) => cpu::set(call.cx, &process, which, value, interval),
    };
    old.write_if_set(call.cx, &to_itimerval(was))?;
    Ok(0)
}

/// Sends SIGALRM after so many seconds.
pub fn sys_alarm(call: &mut Call<'_>, seconds: u32) -> Result<u64> {
    let process = call.process().clone();
    let (left, _) = RealTimer::set(call.cx, &process, u64::from(seconds) * 1_000_000_000, 0)?;
    // LINUX: rounded to the nearest second, but never down to zero.
    let rounded = left.saturating_add(500_000_000) / 1_000_000_000;
    Ok(if left != 0 && rounded == 0 { 1 } else { rounded })
}

/// CPU times of the process and its waited-for children, in clock ticks.
pub fn sys_times(call: &mut Call<'_>, result: UserPtr<Tms>) -> Result<u64> {
    if !result.is_null() {
        let (user, system) = usage::of_process(call.cx, call.process()).ticks();
        let (children_user, children_system) = call.process().children_usage().ticks();
        // CAST: ticks of 10 ms, far below 2^63.
        let [user, system, children_user, children_system] =
            [user, system, children_user, children_system].map(|ticks| ticks as i64);
        result.write(call.cx, &Tms { user, system, children_user, children_system })?;
    }
    Ok(time::now().0 / 10_000_000)
}

/// What the process, the thread, or waited-for children have used.
pub fn sys_getrusage(call: &mut Call<'_>, who: i32, result: UserPtr<Rusage>) -> Result<u64> {
    const SELF: i32 = 0;
    const CHILDREN: i32 = -1;
    const THREAD: i32 = 1;
    let used = match who {
        SELF => {
            let mut used = usage::of_process(call.cx, call.process());
            if let Some(space) = call.task.space(call.cx) {
                let kib = (space.memory_use(call.cx).resident * 4) as u64;
                used.max_resident_kib = used.max_resident_kib.max(kib);
            }
            used
        }
        CHILDREN => call.process().children_usage(),
        THREAD => usage::Usage::of_thread(call.cx.thread()),
        _ => return Err(Errno::EINVAL),
    };
    result.write(call.cx, &used.to_rusage())?;
    Ok(0)
}
