//! Calls on sets of watched files.
use super::argument::{Fd, Flags};
use super::call::Call;
use super::poll::with_mask;
use crate::errno::{Errno, Result};
use crate::fs::epoll::EpollSet;
use crate::user_memory::UserPtr;
use abi::linux::{
    EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLERR, EPOLLET, EPOLLEXCLUSIVE, EPOLLHUP, EPOLLIN,
    EPOLLOUT, EPOLLWAKEUP,
};
use abi::{EpollEvent, Timespec};
use alloc::sync::Arc;
use machine::sync::WaitError;
use machine::thread::CurrentThread;
use machine::time::{Instant, now};

/// Most events that one call may ask for (Linux's EP_MAX_EVENTS).
const MOST_EVENTS: i32 = i32::MAX / size_of::<EpollEvent>() as i32;

/// What may be asked for together with EPOLLEXCLUSIVE.
const WITH_EXCLUSIVE: u32 = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;

/// Makes a set. The size is a hint that nobody uses, but it must be positive.
pub fn sys_epoll_create(call: &mut Call<'_>, size: i32) -> Result<u64> {
    if size <= 0 {
        return Err(Errno::EINVAL);
    }
    sys_epoll_create1(call, Flags(0))
}

/// Makes a set, with flags.
pub fn sys_epoll_create1(call: &mut Call<'_>, flags: Flags) -> Result<u64> {
    if flags.0 & !EPOLL_CLOEXEC != 0 {
        return Err(Errno::EINVAL);
    }
    call.install(EpollSet::open(), flags.0 & EPOLL_CLOEXEC != 0)
}

/// Changes what a set watches.
pub fn sys_epoll_ctl(call: &mut Call<'_>, set: Fd, operation: u32, fd: Fd, event: UserPtr<EpollEvent>) -> Result<u64> {
    let event = if operation == EPOLL_CTL_DEL { EpollEvent::default() } else { event.read(call.cx)? };
    let (events, data) = (event.events, event.data);
    let holder = call.file(set)?;
    let watched = call.file(fd)?;
    if Arc::ptr_eq(&holder, &watched) {
        return Err(Errno::EINVAL);
    }
    let set = EpollSet::of(&holder)?;
    let is_exclusive = events & EPOLLEXCLUSIVE != 0;
    match operation {
        EPOLL_CTL_ADD if is_exclusive && (events & !WITH_EXCLUSIVE != 0 || EpollSet::of(&watched).is_ok()) => {
            return Err(Errno::EINVAL);
        }
        EPOLL_CTL_ADD => set.add(call.cx, fd, &watched, events, data)?,
        EPOLL_CTL_MOD if is_exclusive => return Err(Errno::EINVAL),
        EPOLL_CTL_MOD => set.modify(call.cx, fd, &watched, events, data)?,
        EPOLL_CTL_DEL => set.remove(call.cx, fd, &watched)?,
        _ => return Err(Errno::EINVAL),
    }
    Ok(0)
}

fn wait(call: &mut Call<'_>, set: Fd, out: UserPtr<EpollEvent>, most: i32, deadline: Option<Instant>) -> Result<u64> {
    if most <= 0 || most > MOST_EVENTS {
        return Err(Errno::EINVAL);
    }
    let holder = call.file(set)?;
    let set = EpollSet::of(&holder)?;
    // CAST: checked to be positive.
    let put = &mut |cx: &mut CurrentThread, index: usize, (events, data): (u32, u64)| {
        out.at(index)?.write(cx, &EpollEvent::new(events, data))
    };
    match set.wait(call.cx, most as usize, deadline, put)? {
        Ok(count) => Ok(count as u64),
        // LINUX: never restarted, whatever SA_RESTART says.
        Err(WaitError::Interrupted) => Err(Errno::EINTR),
        Err(WaitError::TimedOut) => Ok(0),
    }
}

fn deadline_of(timeout_ms: i32) -> Option<Instant> {
    u64::try_from(timeout_ms).ok().map(|ms| now().after(ms * 1_000_000))
}

/// Waits for events, in milliseconds; negative is for ever.
pub fn sys_epoll_wait(
    call: &mut Call<'_>,
    set: Fd,
    out: UserPtr<EpollEvent>,
    most: i32,
    timeout_ms: i32,
) -> Result<u64> {
    wait(call, set, out, most, deadline_of(timeout_ms))
}

/// Waits for events with other signals blocked.
pub fn sys_epoll_pwait(
    call: &mut Call<'_>,
    set: Fd,
    out: UserPtr<EpollEvent>,
    most: i32,
    timeout_ms: i32,
    mask: UserPtr<u64>,
    mask_bytes: usize,
) -> Result<u64> {
    with_mask(call, mask, mask_bytes, |call| wait(call, set, out, most, deadline_of(timeout_ms)))
}

/// Waits for events with other signals blocked and a finer timeout; none is for ever.
pub fn sys_epoll_pwait2(
    call: &mut Call<'_>,
    set: Fd,
    out: UserPtr<EpollEvent>,
    most: i32,
    timeout: UserPtr<Timespec>,
    mask: UserPtr<u64>,
    mask_bytes: usize,
) -> Result<u64> {
    let deadline = match timeout.non_null() {
        None => None,
        Some(timeout) => Some(now().after(timeout.read(call.cx)?.to_ns().ok_or(Errno::EINVAL)?)),
    };
    with_mask(call, mask, mask_bytes, |call| wait(call, set, out, most, deadline))
}
