//! Calls that set a file's times of access and modification (`utimensat(2)`).
use super::argument::{Fd, Flags};
use super::call::Call;
use super::place::Links;
use crate::errno::{Errno, Result};
use crate::fs::permission::{self, WRITE};
use crate::fs::{Path, notify};
use crate::timer::wall_clock_ns;
use crate::user_memory::{UserCStr, UserPtr};
use abi::linux::{AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, UTIME_NOW, UTIME_OMIT};
use abi::{Timespec, Timeval};

/// What becomes of a time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NewTime {
    Now,
    Kept,
    Set(u64),
}

fn new_time(time: Timespec) -> Result<NewTime> {
    match time.nanoseconds {
        ns if ns == i64::from(UTIME_NOW) => Ok(NewTime::Now),
        ns if ns == i64::from(UTIME_OMIT) => Ok(NewTime::Kept),
        ns if (0..1_000_000_000).contains(&ns) => {
            // Times before 1970 are not kept: they become 1970.
            let seconds = u64::try_from(time.seconds).unwrap_or(0);
            // CAST: checked to be below 10^9.
            Ok(NewTime::Set(seconds.saturating_mul(1_000_000_000).saturating_add(ns as u64)))
        }
        _ => Err(Errno::EINVAL),
    }
}

fn change_times(call: &mut Call<'_>, place: &Path, access: NewTime, modify: NewTime) -> Result<u64> {
    if access == NewTime::Kept && modify == NewTime::Kept {
        return Ok(0);
    }
    place.mount.check_writable()?;
    let base = place.inode()?.base();
    let who = call.who();
    if !permission::is_owner(&who, &base.attributes(call.cx)) {
        if access != NewTime::Now || modify != NewTime::Now {
            return Err(Errno::EPERM);
        }
        permission::check(call.cx, &who, base, WRITE)?;
    }
    let now = wall_clock_ns();
    base.update(call.cx, |attributes| {
        for (field, new) in [(&mut attributes.access_ns, access), (&mut attributes.modify_ns, modify)] {
            match new {
                NewTime::Now => *field = now,
                NewTime::Kept => {}
                NewTime::Set(ns) => *field = ns,
            }
        }
        attributes.change_ns = now;
    });
    match (access, modify) {
        (NewTime::Kept, _) => notify::modified_at(&place.dentry),
        (_, NewTime::Kept) => notify::access_time_set(&place.dentry),
        _ => notify::attributes_changed(&place.dentry),
    }
    Ok(0)
}

/// Sets access and modification times.
pub fn sys_utimensat(
    call: &mut Call<'_>,
    fd: Fd,
    path: UserCStr,
    times: UserPtr<Timespec>,
    flags: Flags,
) -> Result<u64> {
    if flags.0 & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL);
    }
    let (access, modify) = match times.non_null() {
        None => (NewTime::Now, NewTime::Now),
        Some(times) => (new_time(times.read(call.cx)?)?, new_time(times.at(1)?.read(call.cx)?)?),
    };
    // LINUX: a null path means the descriptor itself, and then flags are refused.
    let place = if path.0.is_null() && fd != Fd::CWD {
        if flags.0 != 0 {
            return Err(Errno::EINVAL);
        }
        call.file(fd)?.path().clone()
    } else {
        call.resolve_or_file(fd, path, flags.0)?
    };
    change_times(call, &place, access, modify)
}

/// Sets access and modification times in microseconds, relative to a directory.
pub fn sys_futimesat(call: &mut Call<'_>, fd: Fd, path: UserCStr, times: UserPtr<Timeval>) -> Result<u64> {
    let (access, modify) = match times.non_null() {
        None => (NewTime::Now, NewTime::Now),
        Some(times) => {
            let both = [times.read(call.cx)?, times.at(1)?.read(call.cx)?];
            let [access, modify] = both.map(|time| time.to_ns().map(NewTime::Set).ok_or(Errno::EINVAL));
            (access?, modify?)
        }
    };
    let place = call.resolve(fd, path, Links::Follow)?;
    change_times(call, &place, access, modify)
}

/// Sets access and modification times in microseconds.
pub fn sys_utimes(call: &mut Call<'_>, path: UserCStr, times: UserPtr<Timeval>) -> Result<u64> {
    sys_futimesat(call, Fd::CWD, path, times)
}

/// Sets access and modification times in seconds.
pub fn sys_utime(call: &mut Call<'_>, path: UserCStr, times: UserPtr<i64>) -> Result<u64> {
    let (access, modify) = match times.non_null() {
        None => (NewTime::Now, NewTime::Now),
        Some(times) => {
            let both = [times.read(call.cx)?, times.at(1)?.read(call.cx)?];
            let [access, modify] = both.map(|seconds| new_time(Timespec { seconds, nanoseconds: 0 }));
            (access?, modify?)
        }
    };
    let place = call.resolve(Fd::CWD, path, Links::Follow)?;
    change_times(call, &place, access, modify)
}
