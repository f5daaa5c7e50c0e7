//! Pipes and FIFOs: 64 KiB, or what F_SETPIPE_SZ says, between writers and readers, copied straight between user memory and the
//! ring's pages ([`super::pipe_ring`]).
//!
//! Main type: [`Pipe`], the file of every description of either end. Called by `pipe2`, by opening a FIFO, and through
//! [`File`].
//!
//! # Invariants
//! - A write of at most [`ATOMIC_BYTES`] appears in one piece.
//! - A waiter's condition implies that someone will wake it: data appears or the last writer goes (readers); room for
//!   [`ATOMIC_BYTES`] appears or the last reader goes (writers). Waiters are queued before they check again.
//!
//! # Locks
//! The ring has a sleeping lock, held while user memory is copied (which may fault); counts of ends are atomic and are
//! changed without it, so that closing never sleeps.
use super::anonymous::{AnonymousInode, Reopen};
use super::file::{File, PollEvents};
use super::inode::FileKind;
use super::listeners::{self, Listeners};
use super::open_file::OpenFile;
use super::pipe_ring::Ring;
use super::transfer::{Sink, Source};
use crate::errno::{Errno, Result};
use crate::lock_order;
use crate::signal::readiness::Change;
use crate::signal::{Signal, send_to_task};
use crate::task::Task;
use crate::trace::{self, Counter};
use crate::user_memory::UserPtr;
use abi::Siginfo;
use abi::linux::{O_ACCMODE, O_DIRECT, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY};
use alloc::format;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use machine::addr::{PAGE_SIZE, UserAddr};
use machine::sync::{Mutex, MutexGuard, Wait, WaitQueue};
use machine::thread::CurrentThread;

/// Largest write that is never split (PIPE_BUF).
pub const ATOMIC_BYTES: usize = 4096;
/// Pages of a pipe unless changed.
const PAGES: usize = 16;
/// Largest size that the unprivileged may give a pipe (Linux's `fs.pipe-max-size`).
pub const MOST_BYTES: usize = 1 << 20;
/// Largest size of all.
const MOST_BYTES_OF_ALL: usize = 1 << 31;

/// A pipe.
pub struct Pipe {
    ring: Mutex<Ring>,
    /// [`Ring::readable`], for looking without the lock; written under it.
    readable: AtomicUsize,
    /// [`Ring::writable`], likewise.
    writable: AtomicUsize,
    /// Bytes are on their way out to another file: whoever comes waits, even for the end.
    is_being_drained: AtomicBool,
    readers: AtomicUsize,
    writers: AtomicUsize,
    /// Openings of either end so far, by which an opener of a FIFO notices a partner that has already gone again.
    reader_openings: AtomicU64,
    writer_openings: AtomicU64,
    /// Readers, and openers waiting for a writer.
    data: WaitQueue,
    /// Writers, and openers waiting for a reader.
    room: WaitQueue,
    /// Reading descriptions that tell by signals.
    data_listeners: Listeners,
    /// Writing ones.
    room_listeners: Listeners,
}

impl Default for Pipe {
    fn default() -> Self {
        Pipe::new()
    }
}

impl Pipe {
    /// An empty pipe without ends.
    pub fn new() -> Pipe {
        Pipe {
            ring: Mutex::new(&lock_order::PIPE, Ring::new(PAGES)),
            readable: AtomicUsize::new(0),
            writable: AtomicUsize::new(PAGES * PAGE_SIZE),
            is_being_drained: AtomicBool::new(false),
            readers: AtomicUsize::new(0),
            writers: AtomicUsize::new(0),
            reader_openings: AtomicU64::new(0),
            writer_openings: AtomicU64::new(0),
            data: WaitQueue::new(),
            room: WaitQueue::new(),
            data_listeners: Listeners::new(),
            room_listeners: Listeners::new(),
        }
    }

    /// A pipe with one description for each end, reading first. `flags`: O_NONBLOCK and the like.
    pub fn new_pair(cx: &mut CurrentThread, flags: u32, uid: u32, gid: u32) -> (Arc<OpenFile>, Arc<OpenFile>) {
        let pipe = Arc::new(Pipe::new());
        pipe.add_ends(O_RDWR);
        let inode = AnonymousInode::new(FileKind::Fifo, 0o600, Some(pipe.clone()));
        super::inode::Inode::base(&*inode).update(cx, |attributes| {
            attributes.uid = uid;
            attributes.gid = gid;
        });
        let name = format!("pipe:[{}]", super::inode::Inode::base(&*inode).number);
        let reader = OpenFile::anonymous(name.as_bytes(), inode.clone(), pipe.clone(), flags | O_RDONLY);
        let writer = OpenFile::new(reader.path().clone(), inode, pipe, flags | O_WRONLY);
        (reader, writer)
    }

    /// Counts the ends that a description with these access bits has.
    fn add_ends(&self, flags: u32) {
        let mode = flags & O_ACCMODE;
        if mode != O_WRONLY {
            self.readers.fetch_add(1, Ordering::AcqRel);
            self.reader_openings.fetch_add(1, Ordering::AcqRel);
        }
        if mode != O_RDONLY {
            self.writers.fetch_add(1, Ordering::AcqRel);
            self.writer_openings.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn remove_ends(&self, flags: u32) {
        let mode = flags & O_ACCMODE;
        if mode != O_WRONLY {
            self.readers.fetch_sub(1, Ordering::AcqRel);
        }
        if mode != O_RDONLY {
            self.writers.fetch_sub(1, Ordering::AcqRel);
        }
        self.data.wake_all();
        self.room.wake_all();
        let has = |count: &AtomicUsize| count.load(Ordering::Acquire) != 0;
        if has(&self.readers) != has(&self.writers) {
            self.data_listeners.leave(Change::Input);
            self.room_listeners.leave(Change::Output);
            listeners::notify();
        }
    }

    /// Opens a FIFO: waits for the other end as `fifo(7)` says. The ends are counted when it succeeds.
    pub(super) fn open(&self, cx: &mut CurrentThread, flags: u32) -> Result<()> {
        let mode = flags & O_ACCMODE;
        let is_non_blocking = flags & O_NONBLOCK != 0;
        if mode == O_WRONLY && is_non_blocking && self.readers.load(Ordering::Acquire) == 0 {
            return Err(Errno::ENXIO);
        }
        let (readers_seen, writers_seen) =
            (self.reader_openings.load(Ordering::Acquire), self.writer_openings.load(Ordering::Acquire));
        // Looked at before the other end is woken: it may write all it has and be gone before this thread runs again.
        let other_end = if mode == O_RDONLY { &self.writers } else { &self.readers };
        let is_met = other_end.load(Ordering::Acquire) > 0;
        self.add_ends(flags);
        self.data.wake_all();
        self.room.wake_all();
        if is_non_blocking || mode == O_RDWR || is_met {
            return Ok(());
        }
        let how = Wait::interruptible("the other end of a FIFO");
        let outcome = if mode == O_RDONLY {
            self.data.wait(cx, how, |_| {
                let has_writer = self.writers.load(Ordering::Acquire) > 0
                    || self.writer_openings.load(Ordering::Acquire) != writers_seen;
                has_writer.then_some(())
            })
        } else {
            self.room.wait(cx, how, |_| {
                let has_reader = self.readers.load(Ordering::Acquire) > 0
                    || self.reader_openings.load(Ordering::Acquire) != readers_seen;
                has_reader.then_some(())
            })
        };
        if let Err(error) = outcome {
            self.remove_ends(flags);
            return Err(error.into());
        }
        Ok(())
    }

    fn has_data_or_end(&self) -> bool {
        !self.is_being_drained.load(Ordering::Acquire)
            && (self.readable.load(Ordering::Acquire) > 0 || self.writers.load(Ordering::Acquire) == 0)
    }

    /// Ends an access to the ring: says what is there now and wakes whom that concerns.
    fn publish(&self, ring: MutexGuard<'_, Ring>) {
        let (readable, writable) = (ring.readable(), ring.writable());
        self.is_being_drained.store(ring.is_being_drained, Ordering::Release);
        let had_data = self.readable.swap(readable, Ordering::AcqRel) > 0;
        let had_room = self.writable.swap(writable, Ordering::AcqRel) >= ATOMIC_BYTES;
        drop(ring);
        if !had_data && readable > 0 {
            self.data.wake_all();
        }
        if !had_room && writable >= ATOMIC_BYTES {
            self.room.wake_all();
        }
    }

    /// Moves what is there into `to`. Answers whether the read is over: something was moved, or the end of file is reached.
    fn try_read(&self, cx: &mut CurrentThread, to: &mut Sink<'_>) -> Result<bool> {
        // Writers are counted before the ring is looked at: data written before the last writer went is seen.
        let has_writers = self.writers.load(Ordering::Acquire) > 0;
        let mut ring = self.ring.lock(cx);
        let is_end = !has_writers && !ring.is_being_drained;
        let wanted = to.left();
        let outcome = ring.read(cx, to);
        self.publish(ring);
        if to.left() != wanted {
            self.room_listeners.tell(cx, Change::Output);
        }
        Ok(outcome? || is_end)
    }

    /// Moves bytes from `from` into the ring as far as they fit and may; answers whether all are written.
    fn try_write(&self, cx: &mut CurrentThread, from: &mut Source<'_>, is_packet: bool) -> Result<bool> {
        let mut ring = self.ring.lock(cx);
        if self.readers.load(Ordering::Acquire) == 0 {
            drop(ring);
            signal_broken_pipe(cx);
            return Err(Errno::EPIPE);
        }
        let (wanted, before) = (from.left(), ring.bytes());
        let outcome = if ring.writable() == 0 {
            Ok(())
        } else if is_packet {
            ring.write_packets(cx, from, ATOMIC_BYTES)
        } else if wanted > ATOMIC_BYTES || ring.writable() >= wanted {
            ring.write(cx, from)
        } else {
            Ok(())
        };
        trace::add(Counter::PipeBytes, (ring.bytes() - before) as u64);
        self.publish(ring);
        if from.left() != wanted {
            self.data_listeners.tell(cx, Change::Input);
        }
        outcome?;
        Ok(from.left() == 0)
    }

    /// Bytes that it can hold.
    pub fn capacity(&self, cx: &mut CurrentThread) -> usize {
        self.ring.lock(cx).capacity()
    }

    /// Makes it hold at least `bytes`; answers how many it then can.
    pub fn set_capacity(&self, cx: &mut CurrentThread, bytes: usize, is_privileged: bool) -> Result<usize> {
        if bytes > MOST_BYTES_OF_ALL {
            return Err(Errno::EINVAL);
        }
        let bytes = bytes.max(PAGE_SIZE).next_power_of_two();
        let mut ring = self.ring.lock(cx);
        if bytes > ring.capacity() && bytes > MOST_BYTES && !is_privileged {
            return Err(Errno::EPERM);
        }
        let outcome = ring.resize(bytes / PAGE_SIZE);
        self.publish(ring);
        outcome.map(|()| bytes)
    }

    /// The pipe behind a description, if it is one.
    pub fn of(open: &OpenFile) -> Option<&Pipe> {
        open.file().as_any().downcast_ref::<Pipe>()
    }

    /// Waits until there is something to read; false at the end of file. EAGAIN if it may not wait.
    pub(super) fn wait_for_data(&self, cx: &mut CurrentThread, may_wait: bool) -> Result<bool> {
        if !self.has_data_or_end() {
            if !may_wait {
                return Err(Errno::EAGAIN);
            }
            let how = Wait::interruptible("pipe data");
            self.data.wait(cx, how, |_| self.has_data_or_end().then_some(()))?;
        }
        Ok(self.readable.load(Ordering::Acquire) > 0)
    }

    /// Waits until there is room to write. EPIPE without readers, EAGAIN if it may not wait.
    pub(super) fn wait_for_room(&self, cx: &mut CurrentThread, may_wait: bool) -> Result<()> {
        let is_ready = || self.writable.load(Ordering::Acquire) > 0 || self.readers.load(Ordering::Acquire) == 0;
        if !is_ready() {
            if !may_wait {
                return Err(Errno::EAGAIN);
            }
            self.room.wait(cx, Wait::interruptible("pipe room"), |_| is_ready().then_some(()))?;
        }
        if self.readers.load(Ordering::Acquire) == 0 {
            signal_broken_pipe(cx);
            return Err(Errno::EPIPE);
        }
        Ok(())
    }

    /// Copies what is there into `to`, and keeps other readers away until [`Pipe::end_drain`]. `None` if there is nothing.
    pub(super) fn begin_drain(&self, cx: &mut CurrentThread, to: &mut [u8]) -> Option<usize> {
        let mut ring = self.ring.lock(cx);
        let bytes = if ring.is_being_drained { 0 } else { ring.peek(to) };
        ring.is_being_drained |= bytes > 0;
        self.publish(ring);
        (bytes > 0).then_some(bytes)
    }

    /// Drops the first `bytes` of what was copied, and lets others read again.
    pub(super) fn end_drain(&self, cx: &mut CurrentThread, bytes: usize) {
        let mut ring = self.ring.lock(cx);
        ring.is_being_drained = false;
        ring.skip(bytes);
        self.publish(ring);
        // Those who wait for the end were kept away too.
        self.data.wake_all();
        if bytes > 0 {
            self.room_listeners.tell(cx, Change::Output);
        }
    }

    /// Promises the room there is to the caller until [`Pipe::end_fill`]. `None` if there is none.
    pub(super) fn begin_fill(&self, cx: &mut CurrentThread) -> Option<usize> {
        let mut ring = self.ring.lock(cx);
        let bytes = ring.writable();
        ring.is_being_filled |= bytes > 0;
        self.publish(ring);
        (bytes > 0).then_some(bytes)
    }

    /// Puts `bytes`, no more than was promised, into the ring.
    pub(super) fn end_fill(&self, cx: &mut CurrentThread, bytes: &[u8]) -> Result<()> {
        let mut ring = self.ring.lock(cx);
        ring.is_being_filled = false;
        let outcome = ring.write(cx, &mut Source::Kernel(bytes));
        trace::add(Counter::PipeBytes, bytes.len() as u64);
        self.publish(ring);
        if !bytes.is_empty() {
            self.data_listeners.tell(cx, Change::Input);
        }
        outcome
    }

    /// Copies what is there into `to` and leaves it; answers how many bytes.
    pub(super) fn peek(&self, cx: &mut CurrentThread, to: &mut [u8]) -> usize {
        let ring = self.ring.lock(cx);
        if ring.is_being_drained { 0 } else { ring.peek(to) }
    }
}

impl Pipe {
    fn read_or_wait(&self, cx: &mut CurrentThread, may_wait: bool, to: &mut Sink<'_>) -> Result<()> {
        if to.left() == 0 {
            return Ok(());
        }
        loop {
            if self.try_read(cx, to)? {
                return Ok(());
            }
            if !may_wait {
                return Err(Errno::EAGAIN);
            }
            let how = Wait::interruptible("pipe data");
            self.data.wait(cx, how, |_| self.has_data_or_end().then_some(()))?;
        }
    }

    fn write_or_wait(
        &self,
        cx: &mut CurrentThread,
        open: &OpenFile,
        may_wait: bool,
        from: &mut Source<'_>,
    ) -> Result<()> {
        if from.left() == 0 {
            return Ok(());
        }
        // LINUX: O_DIRECT on a pipe is packet mode.
        let is_packet = open.flags() & O_DIRECT != 0;
        loop {
            if self.try_write(cx, from, is_packet)? {
                return Ok(());
            }
            if !may_wait {
                return Err(Errno::EAGAIN);
            }
            let how = Wait::interruptible("pipe room");
            let wanted = from.left().min(ATOMIC_BYTES);
            self.room.wait(cx, how, |_| {
                let is_ready =
                    self.writable.load(Ordering::Acquire) >= wanted || self.readers.load(Ordering::Acquire) == 0;
                is_ready.then_some(())
            })?;
        }
    }
}

/// Tells the calling task that nobody reads what it writes.
pub fn signal_broken_pipe(cx: &CurrentThread) {
    if let Some(task) = Task::current(cx) {
        // LINUX: as if it had sent the signal to itself.
        let (pid, uid) = (task.process().pid(), task.process().uid());
        let info = Siginfo::from_process(Signal::SIGPIPE.number(), 0, pid, uid);
        // Failing means that it is pending already.
        let _ = send_to_task(cx, &task, info);
    }
}

impl Reopen for Pipe {
    fn reopen(self: Arc<Self>, _cx: &mut CurrentThread, flags: u32) -> Result<Arc<dyn File>> {
        // LINUX: by its name in /proc an end of a pipe is opened at once, also when the other end is gone; only FIFOs wait.
        self.add_ends(flags);
        self.data.wake_all();
        self.room.wake_all();
        Ok(self)
    }
}

impl File for Pipe {
    fn is_stream(&self) -> bool {
        true
    }

    fn read(&self, cx: &mut CurrentThread, open: &OpenFile, _offset: &mut u64, to: &mut Sink<'_>) -> Result<()> {
        self.read_or_wait(cx, !open.is_non_blocking(), to)
    }

    fn read_now(&self, cx: &mut CurrentThread, _open: &OpenFile, to: &mut Sink<'_>) -> Result<()> {
        self.read_or_wait(cx, false, to)
    }

    fn write(&self, cx: &mut CurrentThread, open: &OpenFile, _offset: &mut u64, from: &mut Source<'_>) -> Result<()> {
        self.write_or_wait(cx, open, !open.is_non_blocking(), from)
    }

    fn write_now(&self, cx: &mut CurrentThread, open: &OpenFile, from: &mut Source<'_>) -> Result<()> {
        self.write_or_wait(cx, open, false, from)
    }

    fn poll(&self, _cx: &mut CurrentThread, open: &OpenFile) -> PollEvents {
        let mut events = PollEvents::NONE;
        if open.is_readable() {
            events = events.and_if(self.readable.load(Ordering::Acquire) > 0, PollEvents::IN);
            let is_hung_up =
                self.writers.load(Ordering::Acquire) == 0 && self.writer_openings.load(Ordering::Acquire) > 0;
            events = events.and_if(is_hung_up, PollEvents::HANG_UP);
        }
        if open.is_writable() {
            events = events.and_if(self.writable.load(Ordering::Acquire) >= ATOMIC_BYTES, PollEvents::OUT);
            events = events.and_if(self.readers.load(Ordering::Acquire) == 0, PollEvents::ERROR);
        }
        events
    }

    fn wait_queues(&self) -> [Option<&WaitQueue>; 2] {
        [Some(&self.data), Some(&self.room)]
    }

    fn listeners(&self, open: &OpenFile) -> [Option<&Listeners>; 2] {
        [open.is_readable().then_some(&self.data_listeners), open.is_writable().then_some(&self.room_listeners)]
    }

    fn ioctl(&self, cx: &mut CurrentThread, _open: &OpenFile, request: u32, argument: UserAddr) -> Result<u64> {
        if request == abi::ioctl::FIONREAD {
            // CAST: at most the ring's capacity.
            let bytes = self.readable.load(Ordering::Acquire) as i32;
            UserPtr::<i32>::new(argument).write(cx, &bytes)?;
            return Ok(0);
        }
        Err(Errno::ENOTTY)
    }

    fn released(&self, open: &OpenFile) {
        self.remove_ends(open.flags());
    }
}
