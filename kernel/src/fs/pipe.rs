//! Pipes and FIFOs: 64 KiB between writers and readers, copied straight between user memory and the ring's pages.
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
use super::open_file::OpenFile;
use super::transfer::{Sink, Source};
use crate::errno::{Errno, Result};
use crate::lock_order;
use crate::signal::{Signal, send_to_task};
use crate::task::Task;
use crate::trace::{self, Counter};
use crate::user_memory::UserPtr;
use abi::Siginfo;
use abi::linux::{O_ACCMODE, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY};
use alloc::format;
use alloc::sync::Arc;
use core::any::Any;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use machine::addr::{PAGE_SIZE, UserAddr};
use machine::mm::{Frame, FrameKind};
use machine::sync::{Mutex, Wait, WaitQueue};
use machine::thread::CurrentThread;
use pure::ring_span::RingSpan;

/// Largest write that is never split (PIPE_BUF).
pub const ATOMIC_BYTES: usize = 4096;
/// Pages of a pipe.
const PAGES: usize = 16;

struct Ring {
    span: RingSpan<PAGE_SIZE>,
    pages: [Option<Frame>; PAGES],
}

/// A pipe.
pub struct Pipe {
    ring: Mutex<Ring>,
    /// Bytes in the ring, for looking without the lock; written under it.
    readable: AtomicUsize,
    readers: AtomicUsize,
    writers: AtomicUsize,
    /// Openings of either end so far, by which an opener of a FIFO notices a partner that has already gone again.
    reader_openings: AtomicU64,
    writer_openings: AtomicU64,
    /// Readers, and openers waiting for a writer.
    data: WaitQueue,
    /// Writers, and openers waiting for a reader.
    room: WaitQueue,
}

impl Default for Pipe {
    fn default() -> Self {
        Pipe::new()
    }
}

impl Pipe {
    /// An empty pipe without ends.
    pub fn new() -> Pipe {
        let ring = Ring { span: RingSpan::new(PAGES), pages: [const { None }; PAGES] };
        Pipe {
            ring: Mutex::new(&lock_order::PIPE, ring),
            readable: AtomicUsize::new(0),
            readers: AtomicUsize::new(0),
            writers: AtomicUsize::new(0),
            reader_openings: AtomicU64::new(0),
            writer_openings: AtomicU64::new(0),
            data: WaitQueue::new(),
            room: WaitQueue::new(),
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
        self.readable.load(Ordering::Acquire) > 0 || self.writers.load(Ordering::Acquire) == 0
    }

    fn room_bytes(&self) -> usize {
        PAGES * PAGE_SIZE - self.readable.load(Ordering::Acquire)
    }

    /// Moves what is there into `to`. Answers whether the read is over: something was moved, or the end of file is reached.
    fn try_read(&self, cx: &mut CurrentThread, to: &mut Sink<'_>) -> Result<bool> {
        // Writers are counted before the ring is looked at: data written before the last writer went is seen.
        let has_writers = self.writers.load(Ordering::Acquire) > 0;
        let mut ring = self.ring.lock(cx);
        let room_before = ring.span.writable();
        let mut outcome = Ok(());
        let mut is_moved = false;
        while let Some(run) = ring.span.read_run(to.left()) {
            let Some(frame) = ring.pages[run.page].clone() else { break };
            let before = to.mark();
            outcome = to.put_frame(cx, &frame, run.offset, run.bytes);
            if outcome.is_err() {
                // LINUX: a piece is read as a whole or not at all.
                to.rewind(before);
                break;
            }
            is_moved = true;
            ring.span.consume(run.bytes);
        }
        self.readable.store(ring.span.readable(), Ordering::Release);
        let room_after = ring.span.writable();
        drop(ring);
        if room_before < ATOMIC_BYTES && room_after >= ATOMIC_BYTES {
            self.room.wake_all();
        }
        if !is_moved {
            outcome?;
        }
        Ok(is_moved || !has_writers)
    }

    /// Moves bytes from `from` into the ring as far as they fit and may; answers whether all are written.
    fn try_write(&self, cx: &mut CurrentThread, from: &mut Source<'_>) -> Result<bool> {
        let mut ring = self.ring.lock(cx);
        if self.readers.load(Ordering::Acquire) == 0 {
            drop(ring);
            signal_broken_pipe(cx);
            return Err(Errno::EPIPE);
        }
        let was_empty = ring.span.readable() == 0;
        let wanted = from.left();
        let mut outcome = Ok(());
        if wanted > ATOMIC_BYTES || ring.span.writable() >= wanted {
            while let Some(run) = ring.span.write_run(from.left()) {
                let frame = match &ring.pages[run.page] {
                    Some(frame) => frame.clone(),
                    None => {
                        let frame = match Frame::allocate(FrameKind::Kernel) {
                            Ok(frame) => frame,
                            Err(error) => {
                                outcome = Err(error.into());
                                break;
                            }
                        };
                        ring.pages[run.page] = Some(frame.clone());
                        frame
                    }
                };
                let before = from.clone();
                outcome = from.take_frame(cx, &frame, run.offset, run.bytes);
                if outcome.is_err() {
                    // LINUX: a piece is written as a whole or not at all.
                    *from = before;
                    break;
                }
                ring.span.produce(run.bytes);
                trace::add(Counter::PipeBytes, run.bytes as u64);
            }
        }
        self.readable.store(ring.span.readable(), Ordering::Release);
        drop(ring);
        if was_empty && from.left() != wanted {
            self.data.wake_all();
        }
        outcome?;
        Ok(from.left() == 0)
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

    fn write_or_wait(&self, cx: &mut CurrentThread, may_wait: bool, from: &mut Source<'_>) -> Result<()> {
        if from.left() == 0 {
            return Ok(());
        }
        loop {
            if self.try_write(cx, from)? {
                return Ok(());
            }
            if !may_wait {
                return Err(Errno::EAGAIN);
            }
            let how = Wait::interruptible("pipe room");
            let wanted = from.left().min(ATOMIC_BYTES);
            self.room.wait(cx, how, |_| {
                let is_ready = self.room_bytes() >= wanted || self.readers.load(Ordering::Acquire) == 0;
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
    fn as_any(&self) -> &dyn Any {
        self
    }

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
        self.write_or_wait(cx, !open.is_non_blocking(), from)
    }

    fn write_now(&self, cx: &mut CurrentThread, _open: &OpenFile, from: &mut Source<'_>) -> Result<()> {
        self.write_or_wait(cx, false, from)
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
            events = events.and_if(self.room_bytes() >= ATOMIC_BYTES, PollEvents::OUT);
            events = events.and_if(self.readers.load(Ordering::Acquire) == 0, PollEvents::ERROR);
        }
        events
    }

    fn wait_queues(&self) -> [Option<&WaitQueue>; 2] {
        [Some(&self.data), Some(&self.room)]
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
