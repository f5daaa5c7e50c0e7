//! Calls that wait for readiness: poll, select and their forms with a signal mask.
use super::argument::Fd;
use super::call::Call;
use crate::errno::{Errno, Restart, Result};
use crate::fs::PollEvents;
use crate::fs::poll::{Watched, wait_any};
use crate::signal::{SignalSet, send};
use crate::user_memory::UserPtr;
use abi::{Plain, Pollfd, Timespec, Timeval};
use alloc::boxed::Box;
use alloc::vec::Vec;
use machine::addr::UserAddr;
use machine::sync::WaitError;
use machine::time::{Instant, now};

/// POLLNVAL, and the bits that poll tells without being asked.
const INVALID: i16 = 0x20;
/// What each set of select stands for: POLLIN_SET, POLLOUT_SET, POLLEX_SET of Linux.
const READABLE: PollEvents = PollEvents(0x1 | 0x40 | 0x80 | 0x10 | 0x8);
const WRITABLE: PollEvents = PollEvents(0x4 | 0x100 | 0x200 | 0x8);
const EXCEPTIONAL: PollEvents = PollEvents(0x2);

fn poll(call: &mut Call<'_>, fds: UserPtr<Pollfd>, count: u32, deadline: Option<Instant>) -> Result<u64> {
    if u64::from(count) > call.file_limit() {
        return Err(Errno::EINVAL);
    }
    let mut entries = fds.read_vec(call.cx, count as usize)?;
    let mut watched: Vec<Watched> = Vec::new();
    watched.try_reserve_exact(entries.len())?;
    // Which entry each watched file belongs to.
    let mut places: Vec<usize> = Vec::new();
    places.try_reserve_exact(entries.len())?;
    let mut invalid = 0;
    for (place, entry) in entries.iter_mut().enumerate() {
        entry.returned = 0;
        if entry.fd < 0 {
            continue;
        }
        match call.file(Fd(entry.fd)) {
            Ok(file) => {
                // CAST: the bits as they are.
                let wanted = PollEvents(u32::from(entry.events as u16));
                watched.push(Watched { file, wanted, found: PollEvents::NONE });
                places.push(place);
            }
            Err(_) => {
                entry.returned = INVALID;
                invalid += 1;
            }
        }
    }
    let deadline = if invalid > 0 { Some(Instant(0)) } else { deadline };
    let ready = match wait_any(call.cx, &mut watched, deadline)? {
        Ok(ready) => ready,
        // A descriptor that is not open was found, which counts as ready.
        Err(_) if invalid > 0 => 0,
        Err(WaitError::Interrupted) => return Err(Restart::IfNoHandler.into()),
        Err(WaitError::TimedOut) => 0,
    };
    for (watched, place) in watched.iter().zip(places) {
        // CAST: poll's bits are 16.
        entries[place].returned = watched.found.0 as i16;
    }
    for (index, entry) in entries.iter().enumerate() {
        fds.at(index)?.write(call.cx, entry)?;
    }
    Ok((ready + invalid) as u64)
}

/// Waits for readiness, in milliseconds; negative is for ever.
pub fn sys_poll(call: &mut Call<'_>, fds: UserPtr<Pollfd>, count: u32, timeout: i32) -> Result<u64> {
    let deadline = u64::try_from(timeout).ok().map(|ms| now().after(ms * 1_000_000));
    poll_until(call, fds, count, deadline)
}

/// Interrupted, it goes on until the same deadline unless a handler ran.
fn poll_until(call: &mut Call<'_>, fds: UserPtr<Pollfd>, count: u32, deadline: Option<Instant>) -> Result<u64> {
    let outcome = poll(call, fds, count, deadline);
    if deadline.is_some() && matches!(&outcome, Err(error) if error.restart().is_some()) {
        call.task.set_restart_block(Box::new(move |call| poll_until(call, fds, count, deadline)));
        return Err(Restart::WithBlock.into());
    }
    outcome
}

/// The deadline that a relative timeout means; none is for ever.
fn deadline_of(call: &mut Call<'_>, timeout: UserPtr<Timespec>) -> Result<Option<Instant>> {
    let Some(timeout) = timeout.non_null() else { return Ok(None) };
    let ns = timeout.read(call.cx)?.to_ns().ok_or(Errno::EINVAL)?;
    Ok(Some(now().after(ns)))
}

/// Tells the program how much of its timeout is left: a call that is made again waits for that long.
// LINUX: unlike what POSIX says, select and ppoll change their timeout.
fn put_rest<T: Plain>(
    call: &mut Call<'_>,
    timeout: UserPtr<T>,
    deadline: Option<Instant>,
    from_ns: fn(u64) -> T,
    outcome: Result<u64>,
) -> Result<u64> {
    let Some(deadline) = deadline else { return outcome };
    // A timeout in memory that cannot be written is no reason to fail, but then the call cannot be made again.
    match timeout.write(call.cx, &from_ns(deadline.since(now()))) {
        Err(_) if matches!(&outcome, Err(error) if error.restart().is_some()) => Err(Errno::EINTR),
        _ => outcome,
    }
}

/// Waits for readiness with other signals blocked.
pub fn sys_ppoll(
    call: &mut Call<'_>,
    fds: UserPtr<Pollfd>,
    count: u32,
    timeout: UserPtr<Timespec>,
    mask: UserPtr<u64>,
    mask_bytes: usize,
) -> Result<u64> {
    let deadline = deadline_of(call, timeout)?;
    let outcome = with_mask(call, mask, mask_bytes, |call| poll(call, fds, count, deadline));
    put_rest(call, timeout, deadline, Timespec::from_ns, outcome)
}

/// Words of a descriptor set.
const SET_WORDS: usize = 1024 / 64;

/// A descriptor set of select, copied in.
fn read_set(call: &mut Call<'_>, set: UserPtr<u64>, count: usize) -> Result<[u64; SET_WORDS]> {
    let mut words = [0; SET_WORDS];
    if let Some(set) = set.non_null() {
        for (index, word) in words.iter_mut().enumerate().take(count.div_ceil(64)) {
            *word = set.at(index)?.read(call.cx)?;
        }
        if !count.is_multiple_of(64) {
            words[count / 64] &= (1 << (count % 64)) - 1;
        }
    }
    Ok(words)
}

fn select(call: &mut Call<'_>, count: i32, sets: [UserPtr<u64>; 3], deadline: Option<Instant>) -> Result<u64> {
    let count = usize::try_from(count).map_err(|_| Errno::EINVAL)?.min(SET_WORDS * 64);
    let [read, write, except] = sets;
    let wanted = [read_set(call, read, count)?, read_set(call, write, count)?, read_set(call, except, count)?];
    let kinds = [READABLE, WRITABLE, EXCEPTIONAL];
    let is_in = |set: &[u64; SET_WORDS], fd: usize| set[fd / 64] >> (fd % 64) & 1 == 1;
    let mut watched: Vec<Watched> = Vec::new();
    let mut fds: Vec<usize> = Vec::new();
    for fd in 0..count {
        let mut events = PollEvents::NONE;
        for (set, kind) in wanted.iter().zip(kinds) {
            events = events.and_if(is_in(set, fd), kind);
        }
        if events != PollEvents::NONE {
            // CAST: below 1024.
            let file = call.file(Fd(fd as i32))?;
            watched.try_reserve(1)?;
            fds.try_reserve(1)?;
            watched.push(Watched { file, wanted: events, found: PollEvents::NONE });
            fds.push(fd);
        }
    }
    match wait_any(call.cx, &mut watched, deadline)? {
        Ok(_) | Err(WaitError::TimedOut) => {}
        Err(WaitError::Interrupted) => return Err(Restart::IfNoHandler.into()),
    }
    let mut results = [[0u64; SET_WORDS]; 3];
    let mut ready = 0;
    for (watched, fd) in watched.iter().zip(fds) {
        for ((result, set), kind) in results.iter_mut().zip(&wanted).zip(kinds) {
            if is_in(set, fd) && watched.found.0 & kind.0 != 0 {
                result[fd / 64] |= 1 << (fd % 64);
                ready += 1;
            }
        }
    }
    for (set, result) in [read, write, except].into_iter().zip(&results) {
        if let Some(set) = set.non_null() {
            set.write_slice(call.cx, &result[..count.div_ceil(64)])?;
        }
    }
    Ok(ready)
}

/// Waits for readiness of descriptors in sets.
pub fn sys_select(
    call: &mut Call<'_>,
    count: i32,
    read: UserPtr<u64>,
    write: UserPtr<u64>,
    except: UserPtr<u64>,
    timeout: UserPtr<Timeval>,
) -> Result<u64> {
    let deadline = match timeout.non_null() {
        None => None,
        Some(timeout) => {
            let time = timeout.read(call.cx)?;
            if time.seconds < 0 || time.microseconds < 0 {
                return Err(Errno::EINVAL);
            }
            // LINUX: microseconds may be more than a second's worth.
            // CAST: not negative.
            let (seconds, microseconds) = (time.seconds as u64, time.microseconds as u64);
            let ns = seconds.saturating_mul(1_000_000_000).saturating_add(microseconds.saturating_mul(1000));
            Some(now().after(ns))
        }
    };
    let outcome = select(call, count, [read, write, except], deadline);
    put_rest(call, timeout, deadline, Timeval::from_ns, outcome)
}

/// Waits for readiness of descriptors in sets, with other signals blocked.
pub fn sys_pselect6(
    call: &mut Call<'_>,
    count: i32,
    read: UserPtr<u64>,
    write: UserPtr<u64>,
    except: UserPtr<u64>,
    timeout: UserPtr<Timespec>,
    mask: UserPtr<[u64; 2]>,
) -> Result<u64> {
    let deadline = deadline_of(call, timeout)?;
    let [addr, bytes] = match mask.non_null() {
        Some(mask) => mask.read(call.cx)?,
        None => [0, 0],
    };
    // CAST: usize is 64 bits on both architectures.
    let (mask, bytes) = (UserPtr::new(UserAddr(addr as usize)), bytes as usize);
    let outcome = with_mask(call, mask, bytes, |call| select(call, count, [read, write, except], deadline));
    put_rest(call, timeout, deadline, Timespec::from_ns, outcome)
}

/// Runs `wait` with the signals of `mask` blocked instead of those that are, if a mask is given.
pub(super) fn with_mask(
    call: &mut Call<'_>,
    mask: UserPtr<u64>,
    bytes: usize,
    wait: impl FnOnce(&mut Call<'_>) -> Result<u64>,
) -> Result<u64> {
    let Some(mask) = mask.non_null() else { return wait(call) };
    if bytes != size_of::<u64>() {
        return Err(Errno::EINVAL);
    }
    let mask = SignalSet(mask.read(call.cx)?);
    send::set_temporary_mask(call.cx, call.task, mask);
    let outcome = wait(call);
    send::end_temporary_mask(call.cx, call.task, outcome)
}
