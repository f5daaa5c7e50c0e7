//! Calls on time: clocks, sleeping, interval timers, CPU times.
use super::argument::Flags;
use super::call::Call;
use crate::errno::{Errno, Restart, Result};
use crate::task::interval_timer::RealTimer;
use crate::task::usage;
use crate::user_memory::UserPtr;
use abi::linux::{
    CLOCK_BOOTTIME, CLOCK_BOOTTIME_ALARM, CLOCK_MONOTONIC, CLOCK_MONOTONIC_COARSE, CLOCK_MONOTONIC_RAW,
    CLOCK_PROCESS_CPUTIME_ID, CLOCK_REALTIME, CLOCK_REALTIME_ALARM, CLOCK_REALTIME_COARSE, CLOCK_TAI,
    CLOCK_THREAD_CPUTIME_ID, ITIMER_REAL, TIMER_ABSTIME,
};
use abi::{Itimerval, Rusage, Timespec, Timeval, Timezone, Tms};
use alloc::boxed::Box;
use machine::time::{self, Instant};

/// Nanoseconds between ticks of the coarse clocks as they are told (Linux: one jiffy at 250 Hz).
const COARSE_NS: u64 = 4_000_000;

/// Wall-clock time in nanoseconds since 1970.
pub fn wall_clock_ns() -> u64 {
    time::now().0.saturating_add(time::wall_clock_offset())
}

/// The time a clock shows. EINVAL for clocks that do not exist here.
pub fn read_clock(call: &Call<'_>, clock: i32) -> Result<u64> {
    match u32::try_from(clock).map_err(|_| Errno::EINVAL)? {
        CLOCK_REALTIME | CLOCK_REALTIME_COARSE | CLOCK_REALTIME_ALARM | CLOCK_TAI => Ok(wall_clock_ns()),
        CLOCK_MONOTONIC | CLOCK_MONOTONIC_RAW | CLOCK_MONOTONIC_COARSE | CLOCK_BOOTTIME | CLOCK_BOOTTIME_ALARM => {
            Ok(time::now().0)
        }
        CLOCK_PROCESS_CPUTIME_ID => {
            let usage = usage::of_process(call.cx, call.process());
            Ok(usage.user_ns + usage.kernel_ns)
        }
        CLOCK_THREAD_CPUTIME_ID => {
            let used = call.cx.thread().cpu_time();
            Ok(used.user_ns + used.kernel_ns)
        }
        _ => Err(Errno::EINVAL),
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
    read_clock(call, clock)?;
    let is_coarse = matches!(clock.unsigned_abs(), CLOCK_REALTIME_COARSE | CLOCK_MONOTONIC_COARSE);
    result.write_if_set(call.cx, &Timespec::from_ns(if is_coarse { COARSE_NS } else { 1 }))?;
    Ok(0)
}

/// Sets the wall clock.
pub fn sys_clock_settime(call: &mut Call<'_>, clock: i32, value: UserPtr<Timespec>) -> Result<u64> {
    let ns = value.read(call.cx)?.to_ns().ok_or(Errno::EINVAL)?;
    if clock.unsigned_abs() != CLOCK_REALTIME {
        return Err(Errno::EINVAL);
    }
    set_wall_clock(call, ns)
}

fn set_wall_clock(call: &Call<'_>, ns: u64) -> Result<u64> {
    if !call.task.credentials(call.cx).is_privileged() {
        return Err(Errno::EPERM);
    }
    time::set_wall_clock(ns.saturating_sub(time::now().0));
    Ok(0)
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
    let offset = match u32::try_from(clock).map_err(|_| Errno::EINVAL)? {
        CLOCK_REALTIME | CLOCK_TAI | CLOCK_REALTIME_ALARM => time::wall_clock_offset(),
        CLOCK_MONOTONIC | CLOCK_BOOTTIME | CLOCK_BOOTTIME_ALARM => 0,
        // LINUX: a thread cannot sleep by its own CPU time; the coarse clocks have no timers.
        CLOCK_THREAD_CPUTIME_ID => return Err(Errno::EINVAL),
        CLOCK_MONOTONIC_RAW | CLOCK_MONOTONIC_COARSE | CLOCK_REALTIME_COARSE => return Err(Errno::EOPNOTSUPP),
        _ => return Err(Errno::EINVAL),
    };
    let ns = wanted.read(call.cx)?.to_ns().ok_or(Errno::EINVAL)?;
    if flags.0 & TIMER_ABSTIME == 0 {
        return sleep_for(call, time::now().after(ns), remaining);
    }
    match call.cx.sleep_until(Instant(ns.saturating_sub(offset)), "time", true) {
        Err(machine::sync::WaitError::Interrupted) => Err(Restart::IfNoHandler.into()),
        _ => Ok(0),
    }
}

/// Sleeps until `deadline`; interrupted, tells what remained, and goes on unless a handler ran.
fn sleep_for(call: &mut Call<'_>, deadline: Instant, remaining: UserPtr<Timespec>) -> Result<u64> {
    match call.cx.sleep_until(deadline, "time", true) {
        Err(machine::sync::WaitError::Interrupted) => {
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

/// Only ITIMER_REAL is there: the timers of CPU time are refused as a bad timer would be.
fn check_timer(which: i32) -> Result<()> {
    if which.unsigned_abs() == ITIMER_REAL && which >= 0 { Ok(()) } else { Err(Errno::EINVAL) }
}

/// Tells what is left of an interval timer.
pub fn sys_getitimer(call: &mut Call<'_>, which: i32, result: UserPtr<Itimerval>) -> Result<u64> {
    check_timer(which)?;
    let left = RealTimer::left(call.cx, call.process());
    result.write(call.cx, &to_itimerval(left))?;
    Ok(0)
}

/// Sets an interval timer.
pub fn sys_setitimer(call: &mut Call<'_>, which: i32, new: UserPtr<Itimerval>, old: UserPtr<Itimerval>) -> Result<u64> {
    check_timer(which)?;
    // LINUX: no new value clears the timer.
    let wanted = if new.is_null() { Itimerval::default() } else { new.read(call.cx)? };
    let value = wanted.value.to_ns().ok_or(Errno::EINVAL)?;
    let interval = wanted.interval.to_ns().ok_or(Errno::EINVAL)?;
    let process = call.process().clone();
    let was = RealTimer::set(call.cx, &process, value, interval)?;
    old.write_if_set(call.cx, &to_itimerval(was))?;
    Ok(0)
}

/// Sends SIGALRM after so many seconds.
pub fn sys_alarm(call: &mut Call<'_>, seconds: u32) -> Result<u64> {
    let process = call.process().clone();
    let (left, _) = RealTimer::set(call.cx, &process, u64::from(seconds) * 1_000_000_000, 0)?;
    // LINUX: rounded to the nearest second, but never down to zero.
    let rounded = (left + 500_000_000) / 1_000_000_000;
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
