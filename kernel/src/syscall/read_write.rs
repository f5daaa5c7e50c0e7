//! Calls that move bytes: read, write and their families, positions, sendfile.
use super::argument::{Fd, Flags};
use super::call::Call;
use crate::errno::{Errno, Result};
use crate::fs::{FileKind, OpenFile, Sink, Source};
use crate::user_memory::{TRANSFER_BYTES, UserPtr, UserSlice, read_iovecs};
use abi::linux::{
    O_APPEND, RWF_APPEND, RWF_DSYNC, RWF_HIPRI, RWF_NOWAIT, RWF_SYNC, SEEK_CUR, SEEK_DATA, SEEK_END, SEEK_HOLE,
    SEEK_SET,
};
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::addr::{PAGE_SIZE, UserAddr};

/// Bytes that sendfile and copy_file_range move at a time.
const COPY_BYTES: usize = 4 * PAGE_SIZE;

/// A buffer of read or write, checked as Linux checks it before the file is asked.
fn buffer(addr: UserAddr, bytes: usize) -> Result<UserSlice> {
    UserSlice::new(addr, bytes).check()?;
    Ok(UserSlice::new(addr, bytes.min(TRANSFER_BYTES)))
}

/// The offset of a positioned call.
fn offset(offset: i64) -> Result<u64> {
    u64::try_from(offset).map_err(|_| Errno::EINVAL)
}

fn read(call: &mut Call<'_>, file: &OpenFile, segments: &[UserSlice], at: Option<u64>) -> Result<u64> {
    let mut sink = Sink::user(segments);
    let read = match at {
        None => file.read(call.cx, &mut sink),
        Some(at) => file.read_at(call.cx, at, &mut sink),
    };
    note_read(call, read)
}

fn write(call: &mut Call<'_>, file: &OpenFile, segments: &[UserSlice], at: Option<u64>) -> Result<u64> {
    let mut source = Source::user(segments);
    let written = match at {
        None => file.write(call.cx, &mut source),
        Some(at) => file.write_at(call.cx, at, &mut source),
    };
    note_written(call, written)
}

/// Counts a call that has read, or tried to.
fn note_read(call: &Call<'_>, outcome: Result<usize>) -> Result<u64> {
    let bytes = outcome.map(|bytes| bytes as u64);
    call.task.io.note_read(bytes.unwrap_or(0));
    bytes
}

/// Counts a call that has written, or tried to.
fn note_written(call: &Call<'_>, outcome: Result<usize>) -> Result<u64> {
    let bytes = outcome.map(|bytes| bytes as u64);
    call.task.io.note_written(bytes.unwrap_or(0));
    bytes
}

/// Reads at the position.
pub fn sys_read(call: &mut Call<'_>, fd: Fd, addr: UserAddr, bytes: usize) -> Result<u64> {
    let file = call.file(fd)?;
    file.check_readable()?;
    let segment = buffer(addr, bytes)?;
    read(call, &file, &[segment], None)
}

/// Writes at the position.
pub fn sys_write(call: &mut Call<'_>, fd: Fd, addr: UserAddr, bytes: usize) -> Result<u64> {
    let file = call.file(fd)?;
    file.check_writable()?;
    let segment = buffer(addr, bytes)?;
    write(call, &file, &[segment], None)
}

/// Reads into several buffers.
pub fn sys_readv(call: &mut Call<'_>, fd: Fd, iovecs: UserAddr, count: usize) -> Result<u64> {
    let file = call.file(fd)?;
    file.check_readable()?;
    let segments = read_iovecs(call.cx, iovecs, count)?;
    read(call, &file, &segments, None)
}

/// Writes from several buffers.
pub fn sys_writev(call: &mut Call<'_>, fd: Fd, iovecs: UserAddr, count: usize) -> Result<u64> {
    let file = call.file(fd)?;
    file.check_writable()?;
    let segments = read_iovecs(call.cx, iovecs, count)?;
    write(call, &file, &segments, None)
}

/// Reads at an offset.
pub fn sys_pread64(call: &mut Call<'_>, fd: Fd, addr: UserAddr, bytes: usize, at: i64) -> Result<u64> {
    let at = offset(at)?;
    let file = call.file(fd)?;
    let segment = buffer(addr, bytes)?;
    read(call, &file, &[segment], Some(at))
}

/// Writes at an offset.
pub fn sys_pwrite64(call: &mut Call<'_>, fd: Fd, addr: UserAddr, bytes: usize, at: i64) -> Result<u64> {
    let at = offset(at)?;
    let file = call.file(fd)?;
    let segment = buffer(addr, bytes)?;
    write(call, &file, &[segment], Some(at))
}

/// Reads into several buffers at an offset.
// LINUX: the offset comes in two words, of which 64-bit machines use the first.
pub fn sys_preadv(call: &mut Call<'_>, fd: Fd, iovecs: UserAddr, count: usize, at: i64) -> Result<u64> {
    let at = offset(at)?;
    let file = call.file(fd)?;
    let segments = read_iovecs(call.cx, iovecs, count)?;
    read(call, &file, &segments, Some(at))
}

/// Writes from several buffers at an offset.
pub fn sys_pwritev(call: &mut Call<'_>, fd: Fd, iovecs: UserAddr, count: usize, at: i64) -> Result<u64> {
    let at = offset(at)?;
    let file = call.file(fd)?;
    let segments = read_iovecs(call.cx, iovecs, count)?;
    write(call, &file, &segments, Some(at))
}

/// Flags that change nothing here: everything is as stable as it gets once it is written.
const HARMLESS: u32 = RWF_HIPRI | RWF_DSYNC | RWF_SYNC;
/// Do not append although the description does.
// `linux-raw-sys` has it from Linux 6.9 on.
const RWF_NOAPPEND: u32 = 0x20;

/// What preadv2 and pwritev2 are given, judged as far as both agree.
struct Flagged {
    file: Arc<OpenFile>,
    segments: Vec<UserSlice>,
    /// `None` for the position.
    at: Option<u64>,
    flags: u32,
}

impl Flagged {
    fn new(call: &mut Call<'_>, fd: Fd, iovecs: UserAddr, count: usize, at: i64, flags: Flags) -> Result<Flagged> {
        let at = if at == -1 { None } else { Some(offset(at)?) };
        let file = call.file(fd)?;
        if at.is_some() && file.file().is_stream() {
            return Err(Errno::ESPIPE);
        }
        let segments = read_iovecs(call.cx, iovecs, count)?;
        let flags = flags.0;
        if flags & !(HARMLESS | RWF_NOWAIT | RWF_APPEND | RWF_NOAPPEND) != 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        if flags & (RWF_APPEND | RWF_NOAPPEND) == RWF_APPEND | RWF_NOAPPEND {
            return Err(Errno::EINVAL);
        }
        // LINUX: files in memory do not say whether an access would wait.
        if flags & RWF_NOWAIT != 0 && !file.file().is_stream() {
            return Err(Errno::EOPNOTSUPP);
        }
        Ok(Flagged { file, segments, at, flags })
    }

    fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }
}

/// [`sys_preadv`] with flags; offset -1 is the position.
pub fn sys_preadv2(
    call: &mut Call<'_>,
    fd: Fd,
    iovecs: UserAddr,
    count: usize,
    at: i64,
    _high: u64,
    flags: Flags,
) -> Result<u64> {
    let given = Flagged::new(call, fd, iovecs, count, at, flags)?;
    if given.has(RWF_NOWAIT) {
        let read = given.file.read_now(call.cx, &mut Sink::user(&given.segments));
        return note_read(call, read);
    }
    read(call, &given.file, &given.segments, given.at)
}

/// [`sys_pwritev`] with flags; offset -1 is the position.
pub fn sys_pwritev2(
    call: &mut Call<'_>,
    fd: Fd,
    iovecs: UserAddr,
    count: usize,
    at: i64,
    _high: u64,
    flags: Flags,
) -> Result<u64> {
    let given = Flagged::new(call, fd, iovecs, count, at, flags)?;
    let mut source = Source::user(&given.segments);
    if given.has(RWF_NOWAIT) {
        let written = given.file.write_now(call.cx, &mut source);
        return note_written(call, written);
    }
    if given.has(RWF_APPEND) {
        let written = given.file.append(call.cx, &mut source, given.at.is_none());
        return note_written(call, written);
    }
    if given.has(RWF_NOAPPEND) && given.file.flags() & O_APPEND != 0 && !given.file.file().is_stream() {
        return Err(Errno::EOPNOTSUPP);
    }
    write(call, &given.file, &given.segments, given.at)
}

/// Moves the position.
pub fn sys_lseek(call: &mut Call<'_>, fd: Fd, distance: i64, whence: u32) -> Result<u64> {
    let file = call.file(fd)?;
    if whence > SEEK_HOLE {
        return Err(Errno::EINVAL);
    }
    if file.file().is_stream() {
        return Err(Errno::ESPIPE);
    }
    file.with_offset(call.cx, |cx, position| {
        let base = match whence {
            SEEK_SET => 0,
            SEEK_CUR => *position,
            SEEK_END => file.file().seek_end(cx, &file)?,
            _ => {
                let cache = file.page_cache().ok_or(Errno::EINVAL)?;
                let from = u64::try_from(distance).map_err(|_| Errno::ENXIO)?;
                let found = cache.find(cx, from, whence == SEEK_DATA).ok_or(Errno::ENXIO)?;
                *position = found;
                return Ok(found);
            }
        };
        let target = i64::try_from(base).ok().and_then(|base| base.checked_add(distance)).ok_or(Errno::EINVAL)?;
        *position = u64::try_from(target).map_err(|_| Errno::EINVAL)?;
        Ok(*position)
    })
}

/// Moves bytes between two files through a kernel buffer; answers how many. `from_at` and `to_at` are moved along; without
/// the second the file's position is used. What was read and could not be written is not lost: `from_at` is behind what was written.
fn copy(
    call: &mut Call<'_>,
    from: &OpenFile,
    from_at: &mut u64,
    to: &OpenFile,
    to_at: Option<&mut u64>,
    limit: usize,
) -> Result<u64> {
    let moved = copy_pieces(call, from, from_at, to, to_at, limit);
    call.task.io.note_read(moved.unwrap_or(0));
    call.task.io.note_written(moved.unwrap_or(0));
    moved
}

fn copy_pieces(
    call: &mut Call<'_>,
    from: &OpenFile,
    from_at: &mut u64,
    to: &OpenFile,
    mut to_at: Option<&mut u64>,
    limit: usize,
) -> Result<u64> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(COPY_BYTES.min(limit))?;
    bytes.resize(COPY_BYTES.min(limit), 0);
    let mut total = 0;
    while total < limit {
        let part = (limit - total).min(bytes.len());
        let mut sink = Sink::Kernel(&mut bytes[..part]);
        let read = match from.read_at(call.cx, *from_at, &mut sink) {
            Ok(0) => break,
            Ok(read) => read,
            Err(_) if total > 0 => break,
            Err(error) => return Err(error),
        };
        let mut source = Source::Kernel(&bytes[..read]);
        let written = match to_at.as_deref() {
            None => to.write(call.cx, &mut source),
            Some(at) => to.write_at(call.cx, *at, &mut source),
        };
        let moved = *written.as_ref().unwrap_or(&0);
        if let Some(at) = to_at.as_deref_mut() {
            *at += moved as u64;
        }
        *from_at += moved as u64;
        total += moved;
        match written {
            Err(error) if total == 0 => return Err(error),
            // LINUX: a signal ends it early, so that a long transfer can be ended.
            Ok(moved) if moved == read && !call.cx.is_notified() => {}
            _ => break,
        }
    }
    Ok(total as u64)
}

/// Copies from a file to another one.
pub fn sys_sendfile(call: &mut Call<'_>, to: Fd, from: Fd, at: UserPtr<i64>, bytes: usize) -> Result<u64> {
    let from = call.file(from)?;
    from.check_readable()?;
    let to = call.file(to)?;
    to.check_writable()?;
    // LINUX: the source must be something that has pages.
    if from.file().is_stream() {
        return Err(if at.is_null() { Errno::EINVAL } else { Errno::ESPIPE });
    }
    if to.flags() & O_APPEND != 0 {
        return Err(Errno::EINVAL);
    }
    let limit = bytes.min(TRANSFER_BYTES);
    match at.non_null() {
        // LINUX: others may move the position meanwhile; at the end it is where this call came to.
        None => {
            let mut start = from.with_offset(call.cx, |_, position| *position);
            let moved = copy(call, &from, &mut start, &to, None, limit)?;
            from.with_offset(call.cx, |_, position| *position = start);
            Ok(moved)
        }
        Some(pointer) => {
            let mut start = offset(pointer.read(call.cx)?)?;
            let moved = copy(call, &from, &mut start, &to, None, limit)?;
            // CAST: file sizes fit.
            pointer.write(call.cx, &(start as i64))?;
            Ok(moved)
        }
    }
}

/// Copies between two regular files.
pub fn sys_copy_file_range(
    call: &mut Call<'_>,
    from: Fd,
    from_at: UserPtr<i64>,
    to: Fd,
    to_at: UserPtr<i64>,
    bytes: usize,
    flags: Flags,
) -> Result<u64> {
    if flags.0 != 0 {
        return Err(Errno::EINVAL);
    }
    let from = call.file(from)?;
    let to = call.file(to)?;
    for file in [&from, &to] {
        match file.inode().base().kind {
            FileKind::Regular => {}
            FileKind::Directory => return Err(Errno::EISDIR),
            _ => return Err(Errno::EINVAL),
        }
    }
    if !from.is_readable() || !to.is_writable() || to.flags() & O_APPEND != 0 {
        return Err(Errno::EBADF);
    }
    let mut starts = [0, 0];
    let places = [(&from, from_at), (&to, to_at)];
    for (start, (file, pointer)) in starts.iter_mut().zip(places) {
        *start = match pointer.non_null() {
            Some(pointer) => offset(pointer.read(call.cx)?)?,
            None => file.with_offset(call.cx, |_, position| *position),
        };
    }
    let [mut source, mut target] = starts;
    let limit = bytes.min(TRANSFER_BYTES);
    if Arc::ptr_eq(from.inode(), to.inode()) && source.abs_diff(target) < limit as u64 {
        return Err(Errno::EINVAL);
    }
    let moved = copy(call, &from, &mut source, &to, Some(&mut target), limit)?;
    for (start, (file, pointer)) in [source, target].into_iter().zip(places) {
        match pointer.non_null() {
            // CAST: file sizes fit.
            Some(pointer) => pointer.write(call.cx, &(start as i64))?,
            None => file.with_offset(call.cx, |_, position| *position = start),
        }
    }
    Ok(moved)
}

/// Makes a file's contents stable.
pub fn sys_fsync(call: &mut Call<'_>, fd: Fd) -> Result<u64> {
    let file = call.file(fd)?;
    if file.file().is_stream() {
        return Err(Errno::EINVAL);
    }
    file.file().sync(call.cx)?;
    Ok(0)
}

/// Makes everything stable: there is nothing below memory yet.
pub fn sys_sync(_call: &mut Call<'_>) -> Result<u64> {
    Ok(0)
}

/// Makes a file system stable.
pub fn sys_syncfs(call: &mut Call<'_>, fd: Fd) -> Result<u64> {
    call.file(fd)?;
    Ok(0)
}

/// The bits of `sync_file_range` that have a meaning.
const SYNC_RANGE_KNOWN: u32 = abi::linux::SYNC_FILE_RANGE_WAIT_BEFORE
    | abi::linux::SYNC_FILE_RANGE_WRITE
    | abi::linux::SYNC_FILE_RANGE_WAIT_AFTER;

/// Makes a part of a file stable: judged, as there is nothing below memory yet.
pub fn sys_sync_file_range(call: &mut Call<'_>, fd: Fd, start: i64, bytes: i64, flags: Flags) -> Result<u64> {
    let file = call.file(fd)?;
    if flags.0 & !SYNC_RANGE_KNOWN != 0 || start < 0 || bytes < 0 || start.checked_add(bytes).is_none() {
        return Err(Errno::EINVAL);
    }
    if file.inode().base().kind == FileKind::Regular || file.inode().base().kind == FileKind::Directory {
        Ok(0)
    } else {
        Err(Errno::ESPIPE)
    }
}

/// Says how a file will be used: judged, not acted upon.
pub fn sys_fadvise64(call: &mut Call<'_>, fd: Fd, _start: i64, bytes: i64, advice: u32) -> Result<u64> {
    let file = call.file(fd)?;
    if file.file().is_stream() {
        return Err(Errno::ESPIPE);
    }
    if bytes < 0 || advice > 5 { Err(Errno::EINVAL) } else { Ok(0) }
}

/// Reads ahead: everything is in memory already.
pub fn sys_readahead(call: &mut Call<'_>, fd: Fd, _start: i64, _bytes: usize) -> Result<u64> {
    let file = call.file(fd)?;
    file.check_readable()?;
    if file.inode().base().kind == FileKind::Regular { Ok(0) } else { Err(Errno::EINVAL) }
}
