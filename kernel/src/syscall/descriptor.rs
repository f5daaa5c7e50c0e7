//! Calls on descriptors: copies, flags, locks, device control.
use super::argument::{Fd, Flags};
use super::call::Call;
use crate::errno::{Errno, Result};
use crate::fs::file_lock::{Holder, LockKind, Record};
use crate::fs::pipe::Pipe;
use crate::fs::{FileKind, OpenFile, seals};
use crate::signal::readiness::{Kind, Whom};
use crate::task::Capability;
use crate::user_memory::UserPtr;
use abi::Flock;
use abi::ioctl::{FIOASYNC, FIOGETOWN, FIOSETOWN, SIOCGPGRP, SIOCSPGRP};
use abi::linux::{
    F_ADD_SEALS, F_GET_SEALS, F_GETOWN, F_GETOWN_EX, F_GETPIPE_SZ, F_GETSIG, F_SETOWN, F_SETOWN_EX, F_SETPIPE_SZ,
    F_SETSIG, FASYNC,
};
use abi::linux::{
    F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_GETFL, F_GETLK, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_RDLCK, F_SETFD,
    F_SETFL, F_SETLK, F_SETLKW, F_UNLCK, F_WRLCK, FD_CLOEXEC, LOCK_EX, LOCK_MAND, LOCK_NB, LOCK_SH, LOCK_UN, O_CLOEXEC,
    SEEK_CUR, SEEK_END, SEEK_SET,
};
use machine::addr::UserAddr;

/// The largest signal number.
const MOST_SIGNALS: u64 = 64;

/// Copies a descriptor to the lowest free number.
pub fn sys_dup(call: &mut Call<'_>, fd: Fd) -> Result<u64> {
    let file = call.any_file(fd)?;
    call.install(file, false)
}

fn copy_to(call: &mut Call<'_>, old: Fd, new: Fd, closes_on_exec: bool) -> Result<u64> {
    let file = call.any_file(old)?;
    let number = u64::try_from(new.0).map_err(|_| Errno::EBADF)?;
    if number >= call.file_limit().min(crate::fs::table::MOST_FILES) {
        return Err(Errno::EBADF);
    }
    call.task.files(call.cx).replace(call.cx, new, file, closes_on_exec)?;
    Ok(number)
}

/// Copies a descriptor to a given number.
pub fn sys_dup2(call: &mut Call<'_>, old: Fd, new: Fd) -> Result<u64> {
    if old == new {
        call.any_file(old)?;
        // CAST: an open descriptor is not negative.
        return Ok(new.0 as u64);
    }
    copy_to(call, old, new, false)
}

/// Copies a descriptor to a given number, with flags.
pub fn sys_dup3(call: &mut Call<'_>, old: Fd, new: Fd, flags: Flags) -> Result<u64> {
    if flags.0 & !O_CLOEXEC != 0 || old == new {
        return Err(Errno::EINVAL);
    }
    copy_to(call, old, new, flags.0 & O_CLOEXEC != 0)
}

/// Everything else about a descriptor.
pub fn sys_fcntl(call: &mut Call<'_>, fd: Fd, command: u32, argument: u64) -> Result<u64> {
    let file = call.any_file(fd)?;
    let table = call.task.files(call.cx);
    // CAST: commands take 32-bit values except those that take a pointer.
    let word = argument as u32;
    match command {
        F_DUPFD | F_DUPFD_CLOEXEC => {
            let limit = call.file_limit();
            let lowest = usize::try_from(word).map_err(|_| Errno::EINVAL)?;
            if u64::from(word) >= limit {
                return Err(Errno::EINVAL);
            }
            let new = table.insert_from(call.cx, file, command == F_DUPFD_CLOEXEC, lowest, limit)?;
            // CAST: descriptors are not negative.
            return Ok(new.0 as u64);
        }
        F_GETFD => return Ok(u64::from(table.closes_on_exec(call.cx, fd)?)),
        F_SETFD => {
            table.set_closes_on_exec(call.cx, fd, word & FD_CLOEXEC != 0)?;
            return Ok(0);
        }
        F_GETFL => return Ok(u64::from(file.flags())),
        _ => {}
    }
    if file.is_path_only() {
        return Err(Errno::EBADF);
    }
    // CAST: usize is 64 bits on both architectures.
    let pointer = UserPtr::<Flock>::new(UserAddr(argument as usize));
    match command {
        F_SETFL => {
            if (word ^ file.flags()) & FASYNC != 0 {
                match file.set_telling(call.cx, fd.0, word & FASYNC != 0) {
                    // LINUX: files that tell nothing take the flag without keeping it.
                    Ok(()) | Err(Errno::ENOTTY) => {}
                    Err(error) => return Err(error),
                }
            }
            file.set_status_flags(word);
            Ok(0)
        }
        // CAST: numbers and signals are signed words.
        F_SETOWN => set_owner(call, &file, word as i32),
        F_GETOWN => Ok(owner_number(call, &file) as u64),
        F_SETOWN_EX => {
            let [kind, number] = UserPtr::<[i32; 2]>::new(UserAddr(argument as usize)).read(call.cx)?;
            let kind = [Kind::Thread, Kind::Process, Kind::Group].into_iter().find(|known| *known as i32 == kind);
            let whom = Whom::find(call.cx, kind.ok_or(Errno::EINVAL)?, number)?;
            file.owner().set(&call.task.credentials(call.cx), whom);
            Ok(0)
        }
        F_GETOWN_EX => {
            let whom = file.owner().whom();
            let told = [whom.kind() as i32, whom.number(call.cx) as i32];
            UserPtr::<[i32; 2]>::new(UserAddr(argument as usize)).write(call.cx, &told)?;
            Ok(0)
        }
        F_SETSIG => {
            if argument > MOST_SIGNALS {
                return Err(Errno::EINVAL);
            }
            file.owner().set_signal(word as i32);
            Ok(0)
        }
        F_GETSIG => Ok(file.owner().signal() as u64),
        F_GETLK | F_OFD_GETLK => find_lock(call, &file, pointer, command == F_OFD_GETLK),
        F_SETLK | F_SETLKW => set_lock(call, &file, pointer, command == F_SETLKW, false),
        F_OFD_SETLK | F_OFD_SETLKW => set_lock(call, &file, pointer, command == F_OFD_SETLKW, true),
        F_GET_SEALS => Ok(file.page_cache().ok_or(Errno::EINVAL)?.seals().get().into()),
        F_ADD_SEALS => {
            // CAST: a command's argument has 32 bits.
            seals::add(call.cx, &file, word)?;
            Ok(0)
        }
        F_GETPIPE_SZ => Ok(Pipe::of(&file).ok_or(Errno::EBADF)?.capacity(call.cx) as u64),
        F_SETPIPE_SZ => {
            let is_privileged = call.may(Capability::Resource) || call.may(Capability::Admin);
            let pipe = Pipe::of(&file).ok_or(Errno::EBADF)?;
            Ok(pipe.set_capacity(call.cx, word as usize, is_privileged)? as u64)
        }
        _ => Err(Errno::EINVAL),
    }
}

/// F_SETOWN, FIOSETOWN: the owner is a process, or, negative, a process group.
fn set_owner(call: &mut Call<'_>, file: &OpenFile, number: i32) -> Result<u64> {
    let (kind, number) = match number {
        i32::MIN => return Err(Errno::EINVAL),
        number if number < 0 => (Kind::Group, -number),
        number => (Kind::Process, number),
    };
    let whom = Whom::find(call.cx, kind, number)?;
    file.owner().set(&call.task.credentials(call.cx), whom);
    Ok(0)
}

/// F_GETOWN, FIOGETOWN.
fn owner_number(call: &mut Call<'_>, file: &OpenFile) -> i64 {
    let whom = file.owner().whom();
    let number = i64::from(whom.number(call.cx));
    if whom.kind() == Kind::Group { -number } else { number }
}

/// Requests of sockets alone on whom they tell that they are ready; `None` for another request.
fn owner_request(call: &mut Call<'_>, file: &OpenFile, request: u32, argument: UserAddr) -> Result<Option<u64>> {
    let place = UserPtr::<i32>::new(argument);
    match request {
        FIOSETOWN | SIOCSPGRP => {
            let number = place.read(call.cx)?;
            set_owner(call, file, number).map(Some)
        }
        FIOGETOWN | SIOCGPGRP => {
            // CAST: process numbers are small.
            let number = owner_number(call, file) as i32;
            place.write(call.cx, &number)?;
            Ok(Some(0))
        }
        _ => Ok(None),
    }
}

/// The record that a `struct flock` speaks of; `None` as its kind asks to unlock.
fn record(call: &mut Call<'_>, file: &OpenFile, lock: &Flock, is_description: bool) -> Result<(Record, bool)> {
    // CAST: whence is a small number or wrong.
    let base = match lock.whence as u32 {
        SEEK_SET => 0,
        SEEK_CUR => file.with_offset(call.cx, |_, position| *position),
        SEEK_END => file.inode().size_bytes(),
        _ => return Err(Errno::EINVAL),
    };
    let start = i64::try_from(base).ok().and_then(|base| base.checked_add(lock.start)).ok_or(Errno::EOVERFLOW)?;
    let (first, last) = match lock.bytes {
        0 => (start, i64::MAX),
        bytes if bytes > 0 => (start, start.checked_add(bytes - 1).ok_or(Errno::EOVERFLOW)?),
        bytes => (start.checked_add(bytes).ok_or(Errno::EINVAL)?, start - 1),
    };
    let first = u64::try_from(first).map_err(|_| Errno::EINVAL)?;
    // CAST: a kind is a small number or wrong.
    let kind = match lock.kind as u32 {
        F_RDLCK => LockKind::Shared,
        F_WRLCK | F_UNLCK => LockKind::Exclusive,
        _ => return Err(Errno::EINVAL),
    };
    let holder = if is_description {
        if lock.pid != 0 {
            return Err(Errno::EINVAL);
        }
        Holder::description(file)
    } else {
        Holder::Table(call.task.files(call.cx).id())
    };
    // CAST: process numbers are small; the last byte is not before the first, which is not negative.
    let pid = if is_description { -1 } else { call.process().pid() as i32 };
    Ok((Record { holder, pid, kind, first, last: last as u64 }, lock.kind as u32 == F_UNLCK))
}

fn find_lock(call: &mut Call<'_>, file: &OpenFile, pointer: UserPtr<Flock>, is_description: bool) -> Result<u64> {
    let mut lock = pointer.read(call.cx)?;
    let (wanted, is_unlock) = record(call, file, &lock, is_description)?;
    if is_unlock {
        return Err(Errno::EINVAL);
    }
    match file.inode().base().file_locks().find_conflict(call.cx, &wanted) {
        // CAST: constants and file offsets fit.
        None => lock.kind = F_UNLCK as i16,
        Some(found) => {
            lock.kind = if found.kind == LockKind::Shared { F_RDLCK as i16 } else { F_WRLCK as i16 };
            lock.whence = SEEK_SET as i16;
            lock.start = found.first as i64;
            lock.bytes = if found.last == i64::MAX as u64 { 0 } else { (found.last - found.first + 1) as i64 };
            lock.pid = found.pid;
        }
    }
    pointer.write(call.cx, &lock)?;
    Ok(0)
}

fn set_lock(
    call: &mut Call<'_>,
    file: &OpenFile,
    pointer: UserPtr<Flock>,
    waits: bool,
    is_description: bool,
) -> Result<u64> {
    let lock = pointer.read(call.cx)?;
    let (wanted, is_unlock) = record(call, file, &lock, is_description)?;
    let locks = file.inode().base().file_locks().clone();
    if is_unlock {
        locks.unlock_range(call.cx, wanted.holder, wanted.first, wanted.last)?;
        return Ok(0);
    }
    match wanted.kind {
        LockKind::Shared => file.check_readable()?,
        LockKind::Exclusive => file.check_writable()?,
    }
    locks.lock_range(call.cx, wanted, waits)?;
    Ok(0)
}

/// Locks a whole file.
pub fn sys_flock(call: &mut Call<'_>, fd: Fd, operation: u32) -> Result<u64> {
    let file = call.file(fd)?;
    if operation & LOCK_MAND != 0 {
        // LINUX: mandatory locks were taken out; asking for one succeeds and does nothing.
        return Ok(0);
    }
    let locks = file.inode().base().file_locks().clone();
    let holder = Holder::description(&file);
    let kind = match operation & !LOCK_NB {
        LOCK_SH => LockKind::Shared,
        LOCK_EX => LockKind::Exclusive,
        LOCK_UN => {
            locks.unlock_whole(holder);
            return Ok(0);
        }
        _ => return Err(Errno::EINVAL),
    };
    locks.lock_whole(call.cx, holder, kind, operation & LOCK_NB == 0)?;
    Ok(0)
}

/// Device control. A few requests mean the same for every descriptor.
pub fn sys_ioctl(call: &mut Call<'_>, fd: Fd, request: Flags, argument: UserAddr) -> Result<u64> {
    let file = call.file(fd)?;
    let request = request.0;
    match request {
        abi::ioctl::FIOCLEX | abi::ioctl::FIONCLEX => {
            call.task.files(call.cx).set_closes_on_exec(call.cx, fd, request == abi::ioctl::FIOCLEX)?;
            Ok(0)
        }
        abi::ioctl::FIONBIO => {
            let is_set = UserPtr::<i32>::new(argument).read(call.cx)? != 0;
            file.set_non_blocking(is_set);
            Ok(0)
        }
        FIOASYNC => {
            let is_on = UserPtr::<i32>::new(argument).read(call.cx)? != 0;
            if is_on != (file.flags() & FASYNC != 0) {
                file.set_telling(call.cx, fd.0, is_on)?;
            }
            Ok(0)
        }
        abi::ioctl::FIONREAD if file.inode().base().kind == FileKind::Regular => {
            let position = file.with_offset(call.cx, |_, position| *position);
            // CAST: LINUX: the difference is cut to 32 bits.
            let left = file.inode().size_bytes().wrapping_sub(position) as i32;
            UserPtr::<i32>::new(argument).write(call.cx, &left)?;
            Ok(0)
        }
        _ => {
            if file.inode().base().kind == FileKind::Socket
                && let Some(answer) = owner_request(call, &file, request, argument)?
            {
                return Ok(answer);
            }
            file.ioctl(call.cx, request, argument)
        }
    }
}
