//! Calls that move bytes between a pipe and another file. The work: [`crate::fs::splice`].
use super::argument::{Fd, Flags};
use super::call::Call;
use crate::errno::{Errno, Result};
use crate::fs::pipe::Pipe;
use crate::fs::splice::{self, Side};
use crate::fs::{FileKind, OpenFile, Sink, Source};
use crate::user_memory::{TRANSFER_BYTES, UserPtr, read_iovecs};
use abi::linux::{O_APPEND, SPLICE_F_GIFT, SPLICE_F_MORE, SPLICE_F_MOVE, SPLICE_F_NONBLOCK};
use machine::addr::UserAddr;

/// Flags there are. Moving pages instead of copying, and more bytes to come, are hints.
const KNOWN: u32 = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT;

/// Whether a transfer between two pipes may wait for either.
fn may_wait(flags: Flags, files: [&OpenFile; 2]) -> bool {
    flags.0 & SPLICE_F_NONBLOCK == 0 && !files.iter().any(|file| Pipe::of(file).is_some() && file.is_non_blocking())
}

/// The offset that a call was given for a file that is not a pipe: EINVAL for what has no positions.
fn start(call: &mut Call<'_>, file: &OpenFile, at: UserPtr<i64>) -> Result<Option<u64>> {
    let Some(at) = at.non_null() else { return Ok(None) };
    if file.file().is_stream() {
        return Err(Errno::EINVAL);
    }
    u64::try_from(at.read(call.cx)?).map(Some).map_err(|_| Errno::EINVAL)
}

/// Moves bytes between two files of which at least one is a pipe.
pub fn sys_splice(
    call: &mut Call<'_>,
    from: Fd,
    from_at: UserPtr<i64>,
    to: Fd,
    to_at: UserPtr<i64>,
    bytes: usize,
    flags: Flags,
) -> Result<u64> {
    if bytes == 0 {
        return Ok(0);
    }
    if flags.0 & !KNOWN != 0 {
        return Err(Errno::EINVAL);
    }
    let (from, to) = (call.file(from)?, call.file(to)?);
    from.check_readable()?;
    to.check_writable()?;
    let limit = bytes.min(TRANSFER_BYTES);
    let may_wait = may_wait(flags, [&from, &to]);
    let moved = match (Pipe::of(&from), Pipe::of(&to)) {
        (Some(source), Some(target)) => {
            if !from_at.is_null() || !to_at.is_null() {
                return Err(Errno::ESPIPE);
            }
            if core::ptr::eq(source, target) {
                return Err(Errno::EINVAL);
            }
            splice::between_pipes(call.cx, source, (target, &to), limit, may_wait)?
        }
        (Some(source), None) => {
            if !from_at.is_null() {
                return Err(Errno::ESPIPE);
            }
            let mut at = start(call, &to, to_at)?;
            if to.flags() & O_APPEND != 0 {
                return Err(Errno::EINVAL);
            }
            check_kind(&to)?;
            let moved = splice::from_pipe(call.cx, source, &mut Side { file: &to, at: at.as_mut() }, limit, may_wait)?;
            tell(call, to_at, at)?;
            moved
        }
        (None, Some(target)) => {
            if !to_at.is_null() {
                return Err(Errno::ESPIPE);
            }
            let mut at = start(call, &from, from_at)?;
            check_kind(&from)?;
            let moved = splice::to_pipe(call.cx, &mut Side { file: &from, at: at.as_mut() }, target, limit, may_wait)?;
            tell(call, from_at, at)?;
            moved
        }
        (None, None) => return Err(Errno::EINVAL),
    };
    Ok(moved as u64)
}

fn check_kind(file: &OpenFile) -> Result<()> {
    if file.inode().base().kind == FileKind::Directory { Err(Errno::EINVAL) } else { Ok(()) }
}

fn tell(call: &mut Call<'_>, place: UserPtr<i64>, at: Option<u64>) -> Result<()> {
    match at {
        // CAST: file sizes fit.
        Some(at) => place.write(call.cx, &(at as i64)),
        None => Ok(()),
    }
}

/// Copies what is in a pipe to another one.
pub fn sys_tee(call: &mut Call<'_>, from: Fd, to: Fd, bytes: usize, flags: Flags) -> Result<u64> {
    if flags.0 & !KNOWN != 0 {
        return Err(Errno::EINVAL);
    }
    if bytes == 0 {
        return Ok(0);
    }
    let (from, to) = (call.file(from)?, call.file(to)?);
    from.check_readable()?;
    to.check_writable()?;
    let (Some(source), Some(target)) = (Pipe::of(&from), Pipe::of(&to)) else { return Err(Errno::EINVAL) };
    if core::ptr::eq(source, target) {
        return Err(Errno::EINVAL);
    }
    let may_wait = may_wait(flags, [&from, &to]);
    Ok(splice::tee(call.cx, source, (target, &to), bytes.min(TRANSFER_BYTES), may_wait)? as u64)
}

/// Writes memory into a pipe, or reads a pipe into memory. The bytes are copied, whatever is said about the pages.
pub fn sys_vmsplice(call: &mut Call<'_>, fd: Fd, iovecs: UserAddr, count: usize, flags: Flags) -> Result<u64> {
    if flags.0 & !KNOWN != 0 {
        return Err(Errno::EINVAL);
    }
    let file = call.file(fd)?;
    let segments = read_iovecs(call.cx, iovecs, count)?;
    let may_wait = flags.0 & SPLICE_F_NONBLOCK == 0 && !file.is_non_blocking();
    if segments.iter().all(|segment| segment.is_empty()) {
        return Ok(0);
    }
    let Some(pipe) = Pipe::of(&file) else { return Err(Errno::EBADF) };
    let moved = if file.is_writable() {
        splice::from_memory(call.cx, (pipe, &file), &mut Source::user(&segments), may_wait)?
    } else if may_wait {
        file.read(call.cx, &mut Sink::user(&segments))?
    } else {
        file.read_now(call.cx, &mut Sink::user(&segments))?
    };
    Ok(moved as u64)
}
