//! Calls on timers: those that send signals (`timer_create`) and those that are files (`timerfd_create`).
use super::argument::{Fd, Flags};
use super::call::Call;
use crate::errno::{Errno, Result};
use crate::fs::OpenFile;
use crate::fs::timer_fd::{Setting, TimerFd};
use crate::signal::Signal;
use crate::task::{Capability, Task};
use crate::timer::clock::{Clock, Named};
use crate::timer::posix::{Notify, PosixTimer, TimerClock};
use crate::user_memory::UserPtr;
use abi::linux::{
    SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD, SIGEV_THREAD_ID, TFD_CLOEXEC, TFD_NONBLOCK, TFD_TIMER_ABSTIME,
    TFD_TIMER_CANCEL_ON_SET, TIMER_ABSTIME,
};
use abi::{Itimerspec, Sigevent, Timespec};
use alloc::sync::Arc;

/// Makes a timer that sends a signal.
pub fn sys_timer_create(
    call: &mut Call<'_>,
    clock: i32,
    event: UserPtr<Sigevent>,
    result: UserPtr<i32>,
) -> Result<u64> {
    let event = match event.non_null() {
        Some(event) => Some(event.read(call.cx)?),
        None => None,
    };
    let named = Named::from_number(clock)?;
    // LINUX: timers that would wake a sleeping machine need a clock that can.
    if !named.has_timers || named.is_alarm {
        return Err(Errno::EOPNOTSUPP);
    }
    let notify = match &event {
        Some(event) => how_to_notify(call, event)?,
        None => Notify::Process(Signal::SIGALRM),
    };
    let clock = TimerClock::find(call.cx, call.task, named.clock)?;
    let process = call.process().clone();
    let value = event.map(|event| event.value);
    let timer = process.posix_timers.create(call.cx, &process, clock, notify, value)?;
    if let Err(error) = result.write(call.cx, &timer.id) {
        process.posix_timers.delete(call.cx, timer.id)?;
        return Err(error);
    }
    Ok(0)
}

fn how_to_notify(call: &Call<'_>, event: &Sigevent) -> Result<Notify> {
    let signal = || Signal::from_number(event.signal).ok_or(Errno::EINVAL);
    const SIGNAL_TO_THREAD: u32 = SIGEV_SIGNAL | SIGEV_THREAD_ID;
    match event.notify.unsigned_abs() {
        _ if event.notify < 0 => Err(Errno::EINVAL),
        SIGEV_NONE => Ok(Notify::Nothing),
        // The C library's threads are its own affair.
        SIGEV_SIGNAL | SIGEV_THREAD => Ok(Notify::Process(signal()?)),
        SIGNAL_TO_THREAD => {
            let task = thread_of(call, event.thread)?;
            Ok(Notify::Task(signal()?, Arc::downgrade(&task)))
        }
        _ => Err(Errno::EINVAL),
    }
}

/// A thread of the calling process.
fn thread_of(call: &Call<'_>, tid: i32) -> Result<Arc<Task>> {
    let tid = u32::try_from(tid).map_err(|_| Errno::EINVAL)?;
    crate::task::table::find_task(call.cx, tid)
        .filter(|task| Arc::ptr_eq(task.process(), call.process()))
        .ok_or(Errno::EINVAL)
}

fn find(call: &Call<'_>, id: i32) -> Result<Arc<PosixTimer>> {
    call.process().posix_timers.find(call.cx, id)
}

fn to_itimerspec((value, interval): (u64, u64)) -> Itimerspec {
    Itimerspec { value: Timespec::from_ns(value), interval: Timespec::from_ns(interval) }
}

/// Sets a timer.
pub fn sys_timer_settime(
    call: &mut Call<'_>,
    id: i32,
    flags: Flags,
    new: UserPtr<Itimerspec>,
    old: UserPtr<Itimerspec>,
) -> Result<u64> {
    if new.is_null() {
        return Err(Errno::EINVAL);
    }
    let new = new.read(call.cx)?;
    let value = new.value.to_ns().ok_or(Errno::EINVAL)?;
    let interval = new.interval.to_ns().ok_or(Errno::EINVAL)?;
    let was = find(call, id)?.set(call.cx, value, interval, flags.0 & TIMER_ABSTIME != 0)?;
    old.write_if_set(call.cx, &to_itimerspec(was))?;
    Ok(0)
}

/// Tells what is left of a timer.
pub fn sys_timer_gettime(call: &mut Call<'_>, id: i32, result: UserPtr<Itimerspec>) -> Result<u64> {
    let left = find(call, id)?.left(call.cx);
    result.write(call.cx, &to_itimerspec(left))?;
    Ok(0)
}

/// Tells how often a timer had expired beyond the once that its last signal told of.
pub fn sys_timer_getoverrun(call: &mut Call<'_>, id: i32) -> Result<u64> {
    Ok(find(call, id)?.overrun(call.cx))
}

/// Ends a timer.
pub fn sys_timer_delete(call: &mut Call<'_>, id: i32) -> Result<u64> {
    call.process().posix_timers.delete(call.cx, id)?;
    Ok(0)
}

/// Makes a timer that is read as a file.
pub fn sys_timerfd_create(call: &mut Call<'_>, clock: i32, flags: Flags) -> Result<u64> {
    if flags.0 & !(TFD_CLOEXEC | TFD_NONBLOCK) != 0 {
        return Err(Errno::EINVAL);
    }
    let named = Named::from_number(clock)?;
    if !named.has_timers || clock == abi::linux::CLOCK_TAI as i32 {
        return Err(Errno::EINVAL);
    }
    let is_wall_clock = match named.clock {
        Clock::Wall => true,
        Clock::Monotonic => false,
        Clock::Cpu(..) => return Err(Errno::EINVAL),
    };
    if named.is_alarm && !call.may(Capability::WakeAlarm) {
        return Err(Errno::EPERM);
    }
    call.install(TimerFd::open(is_wall_clock, flags.0 & TFD_NONBLOCK), flags.0 & TFD_CLOEXEC != 0)
}

/// Runs `f` on the timer behind a descriptor; EINVAL if something else is.
fn with_timer<R>(call: &Call<'_>, fd: Fd, f: impl FnOnce(&Call<'_>, &TimerFd) -> Result<R>) -> Result<R> {
    let open: Arc<OpenFile> = call.task.files(call.cx).get(call.cx, fd)?;
    let timer = open.file().as_any().downcast_ref::<TimerFd>().ok_or(Errno::EINVAL)?;
    f(call, timer)
}

/// Sets such a timer.
pub fn sys_timerfd_settime(
    call: &mut Call<'_>,
    fd: Fd,
    flags: Flags,
    new: UserPtr<Itimerspec>,
    old: UserPtr<Itimerspec>,
) -> Result<u64> {
    let new = new.read(call.cx)?;
    if flags.0 & !(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) != 0 {
        return Err(Errno::EINVAL);
    }
    let setting = Setting {
        value_ns: new.value.to_ns().ok_or(Errno::EINVAL)?,
        interval_ns: new.interval.to_ns().ok_or(Errno::EINVAL)?,
        is_absolute: flags.0 & TFD_TIMER_ABSTIME != 0,
        is_cancelled_by_set: flags.0 & TFD_TIMER_CANCEL_ON_SET != 0,
    };
    let was = with_timer(call, fd, |call, timer| timer.set(call.cx, setting))?;
    old.write_if_set(call.cx, &to_itimerspec(was))?;
    Ok(0)
}

/// Tells what is left of such a timer.
pub fn sys_timerfd_gettime(call: &mut Call<'_>, fd: Fd, result: UserPtr<Itimerspec>) -> Result<u64> {
    let left = with_timer(call, fd, |call, timer| Ok(timer.left(call.cx)))?;
    result.write(call.cx, &to_itimerspec(left))?;
    Ok(0)
}
