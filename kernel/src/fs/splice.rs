//! Moving bytes between a pipe and another file without passing them through the program: `splice`, `tee`, `vmsplice`.
//!
//! The bytes are copied once, through a buffer of the kernel's. What matters is that none is lost when one side takes less than
//! the other gave: bytes stay in a pipe until the other file has taken them ([`Pipe::begin_drain`]), and room is promised before
//! another file is read ([`Pipe::begin_fill`]). No lock is held meanwhile, so the other file may take any.
use super::file::PollEvents;
use super::open_file::OpenFile;
use super::pipe::Pipe;
use super::poll::{Watched, wait_any};
use super::transfer::{Sink, Source};
use crate::errno::{Errno, Result};
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::addr::PAGE_SIZE;
use machine::thread::CurrentThread;

/// Bytes moved at a time.
const PART_BYTES: usize = 4 * PAGE_SIZE;

/// One side of a transfer that is not a pipe, or a pipe at the other end.
pub struct Side<'a> {
    /// The file.
    pub file: &'a Arc<OpenFile>,
    /// Where in it, moved along; the file's own position otherwise.
    pub at: Option<&'a mut u64>,
}

fn buffer(limit: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(limit.min(PART_BYTES))?;
    bytes.resize(limit.min(PART_BYTES), 0);
    Ok(bytes)
}

/// Waits until a file that answered EAGAIN is ready.
fn wait_until(cx: &mut CurrentThread, file: &Arc<OpenFile>, wanted: PollEvents) -> Result<()> {
    let mut watched = [Watched { file: file.clone(), wanted, found: PollEvents::NONE }];
    wait_any(cx, &mut watched, None)?.map(|_| ()).map_err(Errno::from)
}

/// Moves at most `limit` bytes from a pipe to another file. Waits for the first of them if it `may_wait`, and goes on as long as
/// there are more.
pub fn from_pipe(
    cx: &mut CurrentThread,
    pipe: &Pipe,
    to: &mut Side<'_>,
    limit: usize,
    may_wait: bool,
) -> Result<usize> {
    let mut bytes = buffer(limit)?;
    let mut total = 0;
    while total < limit {
        match pipe.wait_for_data(cx, may_wait && total == 0) {
            Ok(true) => {}
            Ok(false) => break,
            Err(_) if total > 0 => break,
            Err(error) => return Err(error),
        }
        let part = (limit - total).min(bytes.len());
        let Some(there) = pipe.begin_drain(cx, &mut bytes[..part]) else { continue };
        let outcome = put(cx, to, &bytes[..there]);
        pipe.end_drain(cx, *outcome.as_ref().unwrap_or(&0));
        match outcome {
            Ok(moved) => {
                total += moved;
                if moved < there {
                    break;
                }
            }
            Err(_) if total > 0 => break,
            Err(Errno::EAGAIN) if may_wait && !to.file.is_non_blocking() => wait_until(cx, to.file, PollEvents::OUT)?,
            Err(error) => return Err(error),
        }
    }
    Ok(total)
}

/// Writes to the side that is not the pipe, without waiting where that can be told.
fn put(cx: &mut CurrentThread, to: &mut Side<'_>, bytes: &[u8]) -> Result<usize> {
    let mut source = Source::Kernel(bytes);
    if let Some(at) = &mut to.at {
        let moved = to.file.write_at(cx, **at, &mut source)?;
        **at += moved as u64;
        return Ok(moved);
    }
    if to.file.file().is_stream() {
        match to.file.write_now(cx, &mut source) {
            Err(Errno::EOPNOTSUPP) => {}
            outcome => return outcome,
        }
    }
    to.file.write(cx, &mut source)
}

/// Moves at most `limit` bytes from another file to a pipe, as many as there is room for at once.
pub fn to_pipe(
    cx: &mut CurrentThread,
    from: &mut Side<'_>,
    pipe: &Pipe,
    limit: usize,
    may_wait: bool,
) -> Result<usize> {
    let mut bytes = buffer(limit)?;
    let mut total = 0;
    while total < limit {
        match pipe.wait_for_room(cx, may_wait && total == 0) {
            Ok(()) => {}
            Err(_) if total > 0 => break,
            Err(error) => return Err(error),
        }
        let Some(room) = pipe.begin_fill(cx) else { continue };
        let part = room.min(limit - total).min(bytes.len());
        let outcome = take(cx, from, &mut bytes[..part]);
        pipe.end_fill(cx, &bytes[..*outcome.as_ref().unwrap_or(&0)])?;
        match outcome {
            Ok(0) => break,
            Ok(moved) => total += moved,
            Err(_) if total > 0 => break,
            Err(Errno::EAGAIN) if may_wait && !from.file.is_non_blocking() => {
                wait_until(cx, from.file, PollEvents::IN)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(total)
}

/// Reads from the side that is not the pipe; from a stream without waiting.
// LINUX: EINVAL for kinds of files that have no such way out.
fn take(cx: &mut CurrentThread, from: &mut Side<'_>, to: &mut [u8]) -> Result<usize> {
    let mut sink = Sink::Kernel(to);
    if let Some(at) = &mut from.at {
        let moved = from.file.read_at(cx, **at, &mut sink)?;
        **at += moved as u64;
        return Ok(moved);
    }
    if !from.file.file().is_stream() {
        return from.file.read(cx, &mut sink);
    }
    from.file.read_now(cx, &mut sink).map_err(|error| if error == Errno::EOPNOTSUPP { Errno::EINVAL } else { error })
}

/// Moves at most `limit` bytes from one pipe to another.
pub fn between_pipes(
    cx: &mut CurrentThread,
    from: &Pipe,
    to: (&Pipe, &Arc<OpenFile>),
    limit: usize,
    may_wait: bool,
) -> Result<usize> {
    loop {
        // Both ends are waited for before a byte is touched.
        if !from.wait_for_data(cx, may_wait)? {
            return Ok(0);
        }
        to.0.wait_for_room(cx, may_wait)?;
        match from_pipe(cx, from, &mut Side { file: to.1, at: None }, limit, false) {
            // Another reader or writer was quicker.
            Err(Errno::EAGAIN) if may_wait => {}
            outcome => return outcome,
        }
    }
}

/// Copies at most `limit` bytes from one pipe to another and leaves them in the first.
pub fn tee(
    cx: &mut CurrentThread,
    from: &Pipe,
    to: (&Pipe, &Arc<OpenFile>),
    limit: usize,
    may_wait: bool,
) -> Result<usize> {
    let mut bytes = Vec::new();
    loop {
        if !from.wait_for_data(cx, may_wait)? {
            return Ok(0);
        }
        to.0.wait_for_room(cx, may_wait)?;
        let part = limit.min(from.capacity(cx));
        bytes.try_reserve(part.saturating_sub(bytes.len()))?;
        bytes.resize(part, 0);
        let there = from.peek(cx, &mut bytes);
        match to.1.write_now(cx, &mut Source::Kernel(&bytes[..there])) {
            Ok(0) => {}
            Err(Errno::EAGAIN) if may_wait => {}
            outcome => return outcome,
        }
    }
}

/// Writes user memory into a pipe: waits for room, and then for nothing more.
pub fn from_memory(
    cx: &mut CurrentThread,
    pipe: (&Pipe, &Arc<OpenFile>),
    from: &mut Source<'_>,
    may_wait: bool,
) -> Result<usize> {
    loop {
        pipe.0.wait_for_room(cx, may_wait)?;
        match pipe.1.write_now(cx, from) {
            Err(Errno::EAGAIN) if may_wait => {}
            outcome => return outcome,
        }
    }
}
