//! Where the bytes of a read go and where those of a write come from: [`Sink`] and [`Source`].
//!
//! One `read` of a file thereby serves read, readv, pread, sendfile and the kernel's own reading. Both know how far they
//! have come, so progress before an error is never lost. Called by every [`super::file::File`].
//!
//! # Invariants
//! On a fault exactly the bytes before the first page that cannot be accessed have been moved, as on Linux.
use crate::errno::{Errno, Result};
use crate::user_memory::UserSlice;
use machine::addr::{PAGE_SIZE, UserAddr};
use machine::mm::{Frame, UserFault, user_copy};
use machine::thread::CurrentThread;

/// Segments of user memory, consumed from the front.
#[derive(Clone)]
pub struct Segments<'a> {
    current: UserSlice,
    rest: &'a [UserSlice],
    left: usize,
}

impl<'a> Segments<'a> {
    fn new(segments: &'a [UserSlice]) -> Segments<'a> {
        let left = segments.iter().fold(0usize, |sum, segment| sum.saturating_add(segment.len()));
        let (current, rest) = match segments.split_first() {
            Some((first, rest)) => (*first, rest),
            None => (UserSlice::new(UserAddr::NULL, 0), segments),
        };
        Segments { current, rest, left }
    }

    /// Address and length of the next contiguous piece of at most `limit` bytes.
    fn piece(&mut self, limit: usize) -> UserSlice {
        while self.current.is_empty() {
            let Some((first, rest)) = self.rest.split_first() else { break };
            self.current = *first;
            self.rest = rest;
        }
        self.current.first(limit)
    }

    fn advance(&mut self, bytes: usize) {
        self.current = self.current.skip(bytes);
        self.left -= bytes.min(self.left);
    }

    /// Runs `copy(cx, done, addr, bytes)` over the next `bytes` bytes in contiguous pieces.
    fn each(
        &mut self,
        cx: &mut CurrentThread,
        bytes: usize,
        mut copy: impl FnMut(&mut CurrentThread, usize, UserAddr, usize) -> core::result::Result<(), UserFault>,
    ) -> Result<()> {
        let mut done = 0;
        while done < bytes {
            let piece = self.piece(bytes - done);
            if piece.is_empty() {
                return Err(Errno::EINVAL);
            }
            if copy(cx, done, piece.addr(), piece.len()).is_err() {
                // Again page by page, to stop exactly where the memory stops.
                let mut left = piece;
                while !left.is_empty() {
                    let part = left.first(PAGE_SIZE - left.addr().page_offset());
                    copy(cx, done, part.addr(), part.len())?;
                    done += part.len();
                    self.advance(part.len());
                    left = left.skip(part.len());
                }
            } else {
                done += piece.len();
                self.advance(piece.len());
            }
        }
        Ok(())
    }
}

/// Where bytes read go.
pub enum Sink<'a> {
    /// User memory.
    User(Segments<'a>),
    /// The kernel's own buffer: the part not filled yet.
    Kernel(&'a mut [u8]),
}

/// Where a sink was, for going back to when a piece could not be taken as a whole.
pub struct Mark<'a>(Option<Segments<'a>>);

impl<'a> Sink<'a> {
    /// Where it is now. The kernel's own buffers take every piece as a whole and need no mark.
    pub fn mark(&self) -> Mark<'a> {
        match self {
            Sink::User(segments) => Mark(Some(segments.clone())),
            Sink::Kernel(_) => Mark(None),
        }
    }

    /// Goes back to where it was.
    pub fn rewind(&mut self, mark: Mark<'a>) {
        if let (Sink::User(segments), Mark(Some(before))) = (self, mark) {
            *segments = before;
        }
    }

    /// User memory in segments.
    pub fn user(segments: &'a [UserSlice]) -> Sink<'a> {
        Sink::User(Segments::new(segments))
    }

    /// Bytes that still fit.
    pub fn left(&self) -> usize {
        match self {
            Sink::User(segments) => segments.left,
            Sink::Kernel(buffer) => buffer.len(),
        }
    }

    /// Takes `bytes`, of which at most [`Sink::left`] may be given.
    pub fn put(&mut self, cx: &mut CurrentThread, bytes: &[u8]) -> Result<()> {
        match self {
            Sink::User(segments) => segments
                .each(cx, bytes.len(), |cx, done, addr, count| user_copy::write(cx, addr, &bytes[done..done + count])),
            Sink::Kernel(buffer) => {
                kernel_part(buffer, bytes.len())?.copy_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// Takes `bytes` bytes of `frame` from `offset`, which must lie within it.
    pub fn put_frame(&mut self, cx: &mut CurrentThread, frame: &Frame, offset: usize, bytes: usize) -> Result<()> {
        match self {
            Sink::User(segments) => {
                segments.each(cx, bytes, |cx, done, addr, count| frame.copy_to_user(cx, offset + done, addr, count))
            }
            Sink::Kernel(buffer) => {
                frame.read(offset, kernel_part(buffer, bytes)?);
                Ok(())
            }
        }
    }

    /// Takes `bytes` zeros.
    pub fn put_zeros(&mut self, cx: &mut CurrentThread, bytes: usize) -> Result<()> {
        match self {
            Sink::User(segments) => segments.each(cx, bytes, |cx, _done, addr, count| user_copy::zero(cx, addr, count)),
            Sink::Kernel(buffer) => {
                kernel_part(buffer, bytes)?.fill(0);
                Ok(())
            }
        }
    }
}

/// Splits the first `bytes` off the buffer.
fn kernel_part<'a>(buffer: &mut &'a mut [u8], bytes: usize) -> Result<&'a mut [u8]> {
    let whole = core::mem::take(buffer);
    if bytes > whole.len() {
        *buffer = whole;
        return Err(Errno::EINVAL);
    }
    let (part, rest) = whole.split_at_mut(bytes);
    *buffer = rest;
    Ok(part)
}

/// Where bytes to be written come from.
#[derive(Clone)]
pub enum Source<'a> {
    /// User memory.
    User(Segments<'a>),
    /// The kernel's own buffer: the part not taken yet.
    Kernel(&'a [u8]),
}

impl<'a> Source<'a> {
    /// User memory in segments.
    pub fn user(segments: &'a [UserSlice]) -> Source<'a> {
        Source::User(Segments::new(segments))
    }

    /// Bytes that are still to come.
    pub fn left(&self) -> usize {
        match self {
            Source::User(segments) => segments.left,
            Source::Kernel(buffer) => buffer.len(),
        }
    }

    /// Fills `to`, of which at most [`Source::left`] bytes may be asked.
    pub fn take(&mut self, cx: &mut CurrentThread, to: &mut [u8]) -> Result<()> {
        match self {
            Source::User(segments) => segments
                .each(cx, to.len(), |cx, done, addr, count| user_copy::read(cx, addr, &mut to[done..done + count])),
            Source::Kernel(buffer) => {
                let (part, rest) = buffer.split_at_checked(to.len()).ok_or(Errno::EINVAL)?;
                to.copy_from_slice(part);
                *buffer = rest;
                Ok(())
            }
        }
    }

    /// Fills `bytes` bytes of `frame` from `offset`.
    pub fn take_frame(&mut self, cx: &mut CurrentThread, frame: &Frame, offset: usize, bytes: usize) -> Result<()> {
        match self {
            Source::User(segments) => {
                segments.each(cx, bytes, |cx, done, addr, count| frame.copy_from_user(cx, offset + done, addr, count))
            }
            Source::Kernel(buffer) => {
                let (part, rest) = buffer.split_at_checked(bytes).ok_or(Errno::EINVAL)?;
                frame.write(offset, part);
                *buffer = rest;
                Ok(())
            }
        }
    }

    /// Runs `transfer` on at most `limit` bytes of it; the rest is still there afterwards.
    pub fn limited<R>(&mut self, limit: usize, transfer: impl FnOnce(&mut Source<'a>) -> R) -> R {
        let excess = self.left().saturating_sub(limit);
        if excess == 0 {
            return transfer(self);
        }
        match self {
            Source::User(segments) => segments.left -= excess,
            Source::Kernel(whole) => {
                let whole: &'a [u8] = whole;
                let mut part = Source::Kernel(&whole[..limit]);
                let answer = transfer(&mut part);
                let taken = limit - part.left();
                *self = Source::Kernel(&whole[taken..]);
                return answer;
            }
        }
        let answer = transfer(self);
        if let Source::User(segments) = self {
            segments.left += excess;
        }
        answer
    }

    /// Drops `bytes` bytes without looking at them (`/dev/null`).
    pub fn skip(&mut self, bytes: usize) {
        match self {
            Source::User(segments) => {
                let mut left = bytes.min(segments.left);
                while left > 0 {
                    let piece = segments.piece(left).len();
                    if piece == 0 {
                        break;
                    }
                    segments.advance(piece);
                    left -= piece;
                }
            }
            Source::Kernel(buffer) => *buffer = buffer.get(bytes..).unwrap_or(&[]),
        }
    }
}
