//! Open file descriptions: what descriptors refer to, with the position and the status flags that `dup` and `fork` share.
//!
//! Main type: [`OpenFile`]. Made by [`super::open`], by pipes and the like; held by descriptor tables, by memory mappings and by
//! calls in flight. The last to let go of it releases the file.
//!
//! # Locks
//! The position has a sleeping lock of its own, held during a read or write of a file that has a position; streams
//! (pipes, terminals) never take it, so that a blocked reader blocks nobody else.
use super::dentry::Dentry;
use super::file::{File, PollEvents};
use super::inode::{FileKind, Inode};
use super::notify;
use super::page_cache::PageCache;
use super::path::{Path, internal_mount};
use super::transfer::{Sink, Source};
use crate::errno::{Errno, Result};
use crate::lock_order;
use crate::signal::readiness::Owner;
use crate::task::Task;
use crate::trace::{self, Counter};
use abi::linux::{FASYNC, O_ACCMODE, O_APPEND, O_DIRECT, O_NOATIME, O_NONBLOCK, O_PATH, O_RDONLY, O_RDWR, O_WRONLY};
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use machine::addr::UserAddr;
use machine::sync::{Mutex, Once};
use machine::thread::CurrentThread;

/// Status flags that F_SETFL may change.
pub const SETTABLE_FLAGS: u32 = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME;

/// An open file description.
pub struct OpenFile {
    file: Arc<dyn File>,
    inode: Arc<dyn Inode>,
    path: Path,
    flags: AtomicU32,
    /// Held while the position is used: who reads and moves it is alone.
    positioned: Mutex<()>,
    /// The position. Changed only by the holder of `positioned`; looking at it needs no lock.
    position: AtomicU64,
    /// Counted among those who write the file (ETXTBSY for whoever would execute it).
    is_writer: bool,
    /// Whom it tells by signals that it is ready, once anybody asked or said.
    owner: Once<Arc<Owner>>,
}

impl OpenFile {
    /// A description of `file` found at `path`, with `O_*` flags.
    pub fn new(path: Path, inode: Arc<dyn Inode>, file: Arc<dyn File>, flags: u32) -> Arc<OpenFile> {
        let writes = flags & O_PATH == 0 && flags & O_ACCMODE != O_RDONLY;
        let base = inode.base();
        let is_writer = writes && base.kind == FileKind::Regular && base.begin_writing().is_ok();
        OpenFile::of(path, inode, file, flags, is_writer)
    }

    fn of(path: Path, inode: Arc<dyn Inode>, file: Arc<dyn File>, flags: u32, is_writer: bool) -> Arc<OpenFile> {
        trace::count(Counter::FilesOpened);
        Arc::new(OpenFile {
            is_writer,
            file,
            inode,
            path,
            flags: AtomicU32::new(flags),
            positioned: Mutex::new(&lock_order::FILE_OFFSET, ()),
            position: AtomicU64::new(0),
            owner: Once::new(),
        })
    }

    /// A description of something that has no place in the tree; `name` is what `/proc/self/fd` shows.
    pub fn anonymous(name: &[u8], inode: Arc<dyn Inode>, file: Arc<dyn File>, flags: u32) -> Arc<OpenFile> {
        let dentry = Dentry::new_root(name, inode.clone());
        let path = Path { mount: internal_mount().clone(), dentry };
        // LINUX: a memory file can be executed while its maker has it open for writing.
        OpenFile::of(path, inode, file, flags, false)
    }

    /// Whether its contents are memory as programs' own is, rather than a file system's: on a tmpfs, or without a place in the tree.
    pub fn is_in_memory(&self) -> bool {
        const TMPFS: u64 = 0x0102_1994;
        let mount = &self.path.mount;
        Arc::ptr_eq(mount, internal_mount()) || mount.super_block.file_system.magic() == TMPFS
    }

    /// What reads and writes go to.
    pub fn file(&self) -> &Arc<dyn File> {
        &self.file
    }

    /// The inode.
    pub fn inode(&self) -> &Arc<dyn Inode> {
        &self.inode
    }

    /// Where it was found.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The home of the contents, for regular files.
    pub fn page_cache(&self) -> Option<&Arc<PageCache>> {
        self.inode.page_cache()
    }

    /// Access mode and status flags (`O_*`), as F_GETFL tells them.
    pub fn flags(&self) -> u32 {
        self.flags.load(Ordering::Relaxed)
    }

    /// Changes the settable status flags.
    pub fn set_status_flags(&self, flags: u32) {
        let changed = |now: u32| Some(now & !SETTABLE_FLAGS | flags & SETTABLE_FLAGS);
        // The change always has a value.
        let _ = self.flags.fetch_update(Ordering::Relaxed, Ordering::Relaxed, changed);
    }

    /// Sets or clears O_NONBLOCK alone (FIONBIO).
    pub fn set_non_blocking(&self, is_set: bool) {
        if is_set {
            self.flags.fetch_or(O_NONBLOCK, Ordering::Relaxed);
        } else {
            self.flags.fetch_and(!O_NONBLOCK, Ordering::Relaxed);
        }
    }

    /// Whom it tells by signals that it is ready.
    pub fn owner(&self) -> &Arc<Owner> {
        self.owner.call_once(Owner::new)
    }

    /// Begins or ends to tell so (O_ASYNC); the signals call it `fd`. ENOTTY for kinds of files that tell nothing.
    pub fn set_telling(&self, cx: &CurrentThread, fd: i32, is_on: bool) -> Result<()> {
        let listeners = self.file.listeners(self);
        if listeners.iter().all(Option::is_none) {
            return Err(Errno::ENOTTY);
        }
        if !is_on {
            self.end_telling();
            return Ok(());
        }
        let owner = self.owner();
        if let (Some(whom), Some(task)) = (self.file.default_owner(cx), Task::current(cx)) {
            owner.set_if_nobody(&task.credentials(cx), whom);
        }
        for listeners in listeners.into_iter().flatten() {
            if let Err(error) = listeners.add(self, owner, fd) {
                self.end_telling();
                return Err(error);
            }
        }
        self.flags.fetch_or(FASYNC, Ordering::Relaxed);
        Ok(())
    }

    fn end_telling(&self) {
        self.file.listeners(self).into_iter().flatten().for_each(|listeners| listeners.remove(self));
        self.flags.fetch_and(!FASYNC, Ordering::Relaxed);
    }

    /// Whether calls answer EAGAIN instead of waiting.
    pub fn is_non_blocking(&self) -> bool {
        self.flags() & O_NONBLOCK != 0
    }

    /// Whether it only stands for a place (O_PATH).
    pub fn is_path_only(&self) -> bool {
        self.flags() & O_PATH != 0
    }

    /// Opened for reading.
    pub fn is_readable(&self) -> bool {
        let mode = self.flags() & O_ACCMODE;
        !self.is_path_only() && (mode == O_RDONLY || mode == O_RDWR)
    }

    /// Opened for writing.
    pub fn is_writable(&self) -> bool {
        let mode = self.flags() & O_ACCMODE;
        !self.is_path_only() && (mode == O_WRONLY || mode == O_RDWR)
    }

    /// EBADF unless it was opened for reading.
    pub fn check_readable(&self) -> Result<()> {
        if self.is_readable() { Ok(()) } else { Err(Errno::EBADF) }
    }

    /// EBADF unless it was opened for writing.
    pub fn check_writable(&self) -> Result<()> {
        if self.is_writable() { Ok(()) } else { Err(Errno::EBADF) }
    }

    /// Reads at the position; answers bytes read.
    pub fn read(&self, cx: &mut CurrentThread, to: &mut Sink<'_>) -> Result<usize> {
        self.check_readable()?;
        let wanted = to.left();
        let outcome = if self.file.is_stream() {
            self.file.read(cx, self, &mut 0, to)
        } else {
            self.with_offset(cx, |cx, offset| self.file.read(cx, self, offset, to))
        };
        trace::add(Counter::BytesRead, (wanted - to.left()) as u64);
        self.note_read(wanted - to.left(), outcome)
    }

    /// Writes at the position or at the end; answers bytes written.
    pub fn write(&self, cx: &mut CurrentThread, from: &mut Source<'_>) -> Result<usize> {
        self.check_writable()?;
        let wanted = from.left();
        let outcome = if self.file.is_stream() {
            self.file.write(cx, self, &mut 0, from)
        } else {
            self.with_offset(cx, |cx, offset| self.file.write(cx, self, offset, from))
        };
        trace::add(Counter::BytesWritten, (wanted - from.left()) as u64);
        self.note_written(wanted - from.left(), outcome)
    }

    /// Reads at `offset` and leaves the position alone. ESPIPE for streams.
    pub fn read_at(&self, cx: &mut CurrentThread, mut offset: u64, to: &mut Sink<'_>) -> Result<usize> {
        if self.file.is_stream() {
            return Err(Errno::ESPIPE);
        }
        self.check_readable()?;
        let wanted = to.left();
        let outcome = self.file.read(cx, self, &mut offset, to);
        self.note_read(wanted - to.left(), outcome)
    }

    /// Writes at `offset` and leaves the position alone. ESPIPE for streams.
    // LINUX: with O_APPEND the bytes go to the end whatever the offset says.
    pub fn write_at(&self, cx: &mut CurrentThread, mut offset: u64, from: &mut Source<'_>) -> Result<usize> {
        if self.file.is_stream() {
            return Err(Errno::ESPIPE);
        }
        self.check_writable()?;
        let wanted = from.left();
        let outcome = self.file.write(cx, self, &mut offset, from);
        self.note_written(wanted - from.left(), outcome)
    }

    /// Reads what is there from a stream, without waiting; EOPNOTSUPP for what cannot tell.
    pub fn read_now(&self, cx: &mut CurrentThread, to: &mut Sink<'_>) -> Result<usize> {
        self.check_readable()?;
        let wanted = to.left();
        let outcome = self.file.read_now(cx, self, to);
        trace::add(Counter::BytesRead, (wanted - to.left()) as u64);
        self.note_read(wanted - to.left(), outcome)
    }

    /// Writes what there is room for into a stream, without waiting.
    pub fn write_now(&self, cx: &mut CurrentThread, from: &mut Source<'_>) -> Result<usize> {
        self.check_writable()?;
        let wanted = from.left();
        let outcome = self.file.write_now(cx, self, from);
        trace::add(Counter::BytesWritten, (wanted - from.left()) as u64);
        self.note_written(wanted - from.left(), outcome)
    }

    /// Writes at the end. The position follows if `moves_position`.
    pub fn append(&self, cx: &mut CurrentThread, from: &mut Source<'_>, moves_position: bool) -> Result<usize> {
        self.check_writable()?;
        let wanted = from.left();
        let outcome = if moves_position && !self.file.is_stream() {
            self.with_offset(cx, |cx, offset| self.file.append(cx, self, offset, from))
        } else {
            self.file.append(cx, self, &mut 0, from)
        };
        trace::add(Counter::BytesWritten, (wanted - from.left()) as u64);
        self.note_written(wanted - from.left(), outcome)
    }

    #[inline]
    fn note_read(&self, moved: usize, outcome: Result<()>) -> Result<usize> {
        if moved > 0 {
            notify::accessed(self);
        }
        progress(moved, outcome)
    }

    #[inline]
    fn note_written(&self, moved: usize, outcome: Result<()>) -> Result<usize> {
        if moved > 0 {
            notify::modified(self);
        }
        progress(moved, outcome)
    }

    /// Runs `f` on the position, alone.
    #[inline]
    pub fn with_offset<R>(&self, cx: &mut CurrentThread, f: impl FnOnce(&mut CurrentThread, &mut u64) -> R) -> R {
        let _alone = self.positioned.lock(cx);
        let mut offset = self.position.load(Ordering::Relaxed);
        let result = f(cx, &mut offset);
        self.position.store(offset, Ordering::Relaxed);
        result
    }

    /// The position as it is at the moment, for listings: a call that moves it may be under way, even one on the listing itself.
    pub fn shown_position(&self) -> u64 {
        self.position.load(Ordering::Relaxed)
    }

    /// The inode number of `..` in a listing of this directory.
    pub fn parent_number(&self, cx: &CurrentThread) -> u64 {
        let mut at = self.path.clone();
        while at.is_mount_root() {
            match at.mount.on.clone() {
                Some(on) => at = on,
                None => break,
            }
        }
        let parent = at.dentry.parent(cx).unwrap_or(at.dentry);
        parent.inode().map_or(0, |inode| inode.base().number)
    }

    /// Readiness now.
    pub fn poll(&self, cx: &mut CurrentThread) -> PollEvents {
        self.file.poll(cx, self)
    }

    /// Device control.
    pub fn ioctl(&self, cx: &mut CurrentThread, request: u32, argument: UserAddr) -> Result<u64> {
        self.file.ioctl(cx, self, request, argument)
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        notify::closed(self);
        if self.owner.get().is_some() {
            self.end_telling();
        }
        if let Some(locks) = self.inode.base().file_locks_if_any() {
            locks.release_description(self);
        }
        if self.is_writer {
            self.inode.base().end_writing();
        }
        self.file.released(self);
    }
}

/// Bytes moved count; the error that stopped a transfer matters only if there were none.
fn progress(moved: usize, outcome: Result<()>) -> Result<usize> {
    match outcome {
        Err(error) if moved == 0 => Err(error),
        _ => Ok(moved),
    }
}
