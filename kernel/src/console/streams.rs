//! Standard input, output and error where they are not a terminal: to a program they are pipes whose other end is the host.
//!
//! Main type: [`HostStream`], the file of descriptors 0, 1 and 2. `isatty` says no, `lseek` ESPIPE, `fstat` FIFO. A write
//! after the host has told that nobody reads any more fails with EPIPE and SIGPIPE, as on a pipe.
use super::channel::channel;
use super::{ROOM_BYTES, Stream, has_room, input, is_closed, wait_for_room, write_output};
use crate::errno::{Errno, Result};
use crate::fs::anonymous::{AnonymousInode, Reopen};
use crate::fs::listeners::Listeners;
use crate::fs::pipe::signal_broken_pipe;
use crate::fs::{File, FileKind, OpenFile, PollEvents, Sink, Source};
use crate::user_memory::UserPtr;
use abi::linux::{O_RDONLY, O_WRONLY};
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::addr::UserAddr;
use machine::sync::WaitQueue;
use machine::thread::CurrentThread;

/// Most bytes moved in one go.
const CHUNK_BYTES: usize = ROOM_BYTES;
/// Up to this size a copy is made on the stack.
const SMALL_BYTES: usize = 256;

/// One of the host's streams.
pub struct HostStream {
    /// `None`: standard input.
    output: Option<Stream>,
}

impl HostStream {
    /// An open description of standard input.
    pub fn open_input() -> Arc<OpenFile> {
        open(HostStream { output: None }, b"pipe:[stdin]", O_RDONLY)
    }
    /// An open description of standard output or error.
    pub fn open_output(stream: Stream) -> Arc<OpenFile> {
        let name: &[u8] = if stream == Stream::Error { b"pipe:[stderr]" } else { b"pipe:[stdout]" };
        open(HostStream { output: Some(stream) }, name, O_WRONLY)
    }
}

fn open(stream: HostStream, name: &[u8], flags: u32) -> Arc<OpenFile> {
    let stream = Arc::new(stream);
    let inode = AnonymousInode::new(FileKind::Fifo, 0o600, Some(stream.clone()));
    OpenFile::anonymous(name, inode, stream, flags)
}

impl Reopen for HostStream {
    fn reopen(self: Arc<Self>, _cx: &mut CurrentThread, _flags: u32) -> Result<Arc<dyn File>> {
        Ok(self)
    }
}

/// Copies pieces from `from` and writes them. Waits for room before it takes a piece: what has been taken is written.
fn write_from(
    cx: &mut CurrentThread,
    stream: Stream,
    from: &mut Source<'_>,
    copy: &mut [u8],
    is_non_blocking: bool,
) -> Result<()> {
    while from.left() != 0 {
        if is_closed(stream) {
            signal_broken_pipe(cx);
            return Err(Errno::EPIPE);
        }
        if is_non_blocking && !has_room(cx) {
            return Err(Errno::EAGAIN);
        }
        wait_for_room(cx)?;
        let piece = from.left().min(copy.len());
        from.take(cx, &mut copy[..piece])?;
        write_output(cx, stream, &copy[..piece]);
    }
    Ok(())
}

impl File for HostStream {
    fn is_stream(&self) -> bool {
        true
    }
    fn read(&self, cx: &mut CurrentThread, open: &OpenFile, _offset: &mut u64, to: &mut Sink<'_>) -> Result<()> {
        if self.output.is_some() {
            return Err(Errno::EBADF);
        }
        let mut copy = Vec::new();
        copy.try_reserve_exact(to.left().min(CHUNK_BYTES))?;
        copy.resize(to.left().min(CHUNK_BYTES), 0);
        let count = if open.is_non_blocking() {
            let count = input().try_read(cx, &mut copy).ok_or(Errno::EAGAIN)?;
            input().give_credit(cx);
            count
        } else {
            input().read(cx, &mut copy)?
        };
        to.put(cx, &copy[..count])
    }
    fn write(&self, cx: &mut CurrentThread, open: &OpenFile, _offset: &mut u64, from: &mut Source<'_>) -> Result<()> {
        let Some(stream) = self.output else { return Err(Errno::EBADF) };
        let is_non_blocking = open.is_non_blocking();
        if from.left() <= SMALL_BYTES {
            return write_from(cx, stream, from, &mut [0; SMALL_BYTES], is_non_blocking);
        }
        let mut copy = Vec::new();
        let bytes = from.left().min(CHUNK_BYTES);
        copy.try_reserve_exact(bytes)?;
        copy.resize(bytes, 0);
        write_from(cx, stream, from, &mut copy, is_non_blocking)
    }
    fn poll(&self, cx: &mut CurrentThread, _open: &OpenFile) -> PollEvents {
        match self.output {
            None => PollEvents::NONE
                .and_if(input().waiting_bytes(cx) != 0, PollEvents::IN)
                .and_if(input().is_at_end(cx), PollEvents::HANG_UP),
            Some(stream) => {
                PollEvents::NONE.and_if(has_room(cx), PollEvents::OUT).and_if(is_closed(stream), PollEvents::ERROR)
            }
        }
    }
    fn wait_queues(&self) -> [Option<&WaitQueue>; 2] {
        match self.output {
            None => [Some(input().arrived()), None],
            Some(_) => [channel().map(|channel| channel.room()), None],
        }
    }
    fn listeners(&self, _open: &OpenFile) -> [Option<&Listeners>; 2] {
        // What the host takes is told to nobody by signals.
        [self.output.is_none().then(|| input().listeners()), None]
    }
    fn ioctl(&self, cx: &mut CurrentThread, _open: &OpenFile, request: u32, argument: UserAddr) -> Result<u64> {
        if request == abi::ioctl::FIONREAD && self.output.is_none() {
            // CAST: at most the credit given.
            let bytes = input().waiting_bytes(cx) as u32;
            UserPtr::<u32>::new(argument).write(cx, &bytes)?;
            return Ok(0);
        }
        Err(Errno::ENOTTY)
    }
}
