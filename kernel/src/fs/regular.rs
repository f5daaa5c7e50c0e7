//! Reading and writing of regular files through their page cache, whichever file system they are on.
//!
//! Main items: [`read`], [`write`], [`append`]. Called by the [`super::file::File`] implementations of file systems whose contents live in
//! the page cache. Writers hold the inode's write lock; readers hold nothing.
use super::inode::Inode;
use super::open_file::OpenFile;
use super::permission;
use super::transfer::{Sink, Source};
use crate::errno::{Errno, Result};
use crate::signal::{Signal, send_to_task};
use crate::task::Task;
use crate::task::limits::{INFINITY, Resource};
use crate::trace::{self, probe};
use abi::Siginfo;
use abi::linux::{O_APPEND, O_NOATIME};
use machine::thread::CurrentThread;

/// Reads at `*offset`.
pub fn read(cx: &mut CurrentThread, open: &OpenFile, offset: &mut u64, to: &mut Sink<'_>) -> Result<()> {
    let cache = open.page_cache().ok_or(Errno::EINVAL)?;
    if to.left() == 0 {
        return Ok(());
    }
    let (start, wanted) = (*offset, to.left());
    let outcome = cache.read(cx, offset, to);
    let bytes = (wanted - to.left()) as u64;
    probe!(trace::io::read(cache.told(), open.inode().base().number, start, bytes));
    if open.flags() & O_NOATIME == 0 {
        open.inode().base().mark_accessed(cx);
    }
    outcome
}

/// Writes at `*offset`, or at the end for O_APPEND.
pub fn write(cx: &mut CurrentThread, open: &OpenFile, offset: &mut u64, from: &mut Source<'_>) -> Result<()> {
    write_at(cx, open, offset, open.flags() & O_APPEND != 0, from)
}

/// Writes at the end.
pub fn append(cx: &mut CurrentThread, open: &OpenFile, offset: &mut u64, from: &mut Source<'_>) -> Result<()> {
    write_at(cx, open, offset, true, from)
}

fn write_at(
    cx: &mut CurrentThread,
    open: &OpenFile,
    offset: &mut u64,
    is_appended: bool,
    from: &mut Source<'_>,
) -> Result<()> {
    let cache = open.page_cache().ok_or(Errno::EINVAL)?;
    if from.left() == 0 {
        return Ok(());
    }
    let base = open.inode().base();
    let _writer = base.write_lock.lock(cx);
    if is_appended {
        *offset = cache.size_bytes();
    }
    let before = from.left();
    let room = size_limit(cx).saturating_sub(*offset);
    if room == 0 {
        return Err(too_large(cx));
    }
    let unsealed = cache.seals().writable_bytes(cache.size_bytes(), *offset, before)?;
    let room = usize::try_from(room).unwrap_or(usize::MAX).min(unsealed);
    let start = *offset;
    let outcome = from.limited(room, |from| cache.write(cx, offset, from));
    probe!(trace::io::write(cache.told(), base.number, start, (before - from.left()) as u64));
    if from.left() != before {
        if let Some(task) = Task::current(cx) {
            permission::drop_set_id(cx, &task.credentials(cx), base);
        }
        base.mark_modified(cx);
    }
    outcome
}

/// A file may not become that large: the caller is sent SIGXFSZ besides.
pub(crate) fn too_large(cx: &CurrentThread) -> Errno {
    if let Some(task) = Task::current(cx) {
        // Failing means that it is pending already.
        let _ = send_to_task(cx, &task, Siginfo::kernel(Signal::SIGXFSZ.number()));
    }
    Errno::EFBIG
}

/// RLIMIT_FSIZE of the calling process.
pub(crate) fn size_limit(cx: &CurrentThread) -> u64 {
    Task::current(cx).map_or(INFINITY, |task| task.process().limit(Resource::FileSize))
}

/// Sets the length, as `truncate`, `ftruncate` and O_TRUNC do.
pub fn truncate(cx: &mut CurrentThread, inode: &dyn Inode, bytes: u64) -> Result<()> {
    let base = inode.base();
    let _writer = base.write_lock.lock(cx);
    if bytes > size_limit(cx) && bytes > inode.size_bytes() {
        return Err(too_large(cx));
    }
    if let Some(cache) = inode.page_cache() {
        cache.seals().check_size(cache.size_bytes(), bytes)?;
    }
    inode.truncate(cx, bytes)?;
    if let Some(task) = Task::current(cx) {
        permission::drop_set_id(cx, &task.credentials(cx), base);
    }
    base.mark_modified(cx);
    Ok(())
}
