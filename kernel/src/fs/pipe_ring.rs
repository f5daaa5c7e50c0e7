//! What is in a pipe: bytes in a ring of pages, and where packets end among them.
//!
//! Main type: [`Ring`], under the pipe's lock. Called by [`super::pipe`] and, for bytes that are on their way to or from another
//! file, by [`super::splice`].
//!
//! # Invariants
//! - Marks are the ends of packets, in order. Packets come first; bytes behind the last mark are a stream.
//! - While the ring is being drained or filled (see the flags) only the thread that does it consumes or produces.
use crate::errno::{Errno, Result};
use crate::fs::transfer::{Sink, Source};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use machine::addr::PAGE_SIZE;
use machine::mm::{Frame, FrameKind};
use machine::thread::CurrentThread;
use pure::ring_span::{RingSpan, Run};

/// See the module.
pub(super) struct Ring {
    span: RingSpan<PAGE_SIZE>,
    pages: Vec<Option<Frame>>,
    /// Ends of packets, each read by one read or lost, counted from the first byte that was ever in the ring.
    marks: VecDeque<u64>,
    /// Bytes ever consumed.
    consumed: u64,
    /// Somebody takes bytes to another file: others find nothing.
    pub(super) is_being_drained: bool,
    /// Somebody brings bytes from another file into room that is promised to it: others find none.
    pub(super) is_being_filled: bool,
}

impl Ring {
    /// An empty one of `pages` pages.
    pub(super) fn new(pages: usize) -> Ring {
        let mut places = Vec::with_capacity(pages);
        places.resize_with(pages, || None);
        Ring {
            span: RingSpan::new(pages),
            pages: places,
            marks: VecDeque::new(),
            consumed: 0,
            is_being_drained: false,
            is_being_filled: false,
        }
    }

    /// Bytes it can hold.
    pub(super) fn capacity(&self) -> usize {
        self.span.capacity()
    }

    /// Bytes in it.
    pub(super) fn bytes(&self) -> usize {
        self.span.readable()
    }

    /// Bytes that a reader finds.
    pub(super) fn readable(&self) -> usize {
        if self.is_being_drained { 0 } else { self.span.readable() }
    }

    /// Bytes for which a writer finds room. Each packet takes a page's turn, however small it is.
    pub(super) fn writable(&self) -> usize {
        let is_full = self.is_being_filled || self.marks.len() >= self.pages.len();
        if is_full { 0 } else { self.span.writable() }
    }

    /// Bytes up to the end of the packet that is next.
    fn to_mark(&self) -> usize {
        let bytes = self.marks.front().map_or(u64::MAX, |end| end - self.consumed);
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    /// The next bytes to read: at most `limit`, and not past the end of a packet.
    fn next(&self, limit: usize) -> Option<Run> {
        self.span.read_run(limit.min(self.to_mark()))
    }

    /// Takes `bytes` out; answers whether a packet ended there.
    fn consume(&mut self, bytes: usize) -> bool {
        self.span.consume(bytes);
        self.consumed += bytes as u64;
        let ends_packet = self.marks.front() == Some(&self.consumed);
        if ends_packet {
            self.marks.pop_front();
        }
        ends_packet
    }

    /// What is left of the packet that is read in part is lost.
    fn drop_rest_of_packet(&mut self) {
        if !self.marks.is_empty() {
            self.consume(self.to_mark());
        }
    }

    /// Moves bytes into `to`: all there are and that fit, or one packet. Answers whether any was moved.
    pub(super) fn read(&mut self, cx: &mut CurrentThread, to: &mut Sink<'_>) -> Result<bool> {
        let mut is_moved = false;
        if self.is_being_drained {
            return Ok(false);
        }
        while let Some(run) = self.next(to.left()) {
            let Some(frame) = self.pages[run.page].clone() else { break };
            let before = to.mark();
            if let Err(error) = to.put_frame(cx, &frame, run.offset, run.bytes) {
                // LINUX: a piece is read as a whole or not at all.
                to.rewind(before);
                return if is_moved { Ok(true) } else { Err(error) };
            }
            is_moved = true;
            if self.consume(run.bytes) {
                return Ok(true);
            }
        }
        if is_moved && to.left() == 0 {
            self.drop_rest_of_packet();
        }
        Ok(is_moved)
    }

    /// Copies bytes into `to` and leaves them there; answers how many. Not past the end of a packet.
    pub(super) fn peek(&self, mut to: &mut [u8]) -> usize {
        let mut span = self.span;
        let mut total = 0;
        let limit = to.len().min(self.to_mark());
        while let Some(run) = span.read_run(limit - total) {
            let Some(frame) = &self.pages[run.page] else { break };
            let (part, rest) = to.split_at_mut(run.bytes);
            frame.read(run.offset, part);
            span.consume(run.bytes);
            total += run.bytes;
            to = rest;
        }
        total
    }

    /// Drops bytes that were seen by [`Ring::peek`].
    pub(super) fn skip(&mut self, mut bytes: usize) {
        while let Some(run) = self.next(bytes) {
            bytes -= run.bytes;
            self.consume(run.bytes);
        }
    }

    /// The frame of a page, made if it is not there yet.
    fn frame(&mut self, page: usize) -> Result<Frame> {
        if let Some(frame) = &self.pages[page] {
            return Ok(frame.clone());
        }
        let frame = Frame::allocate(FrameKind::Kernel)?;
        self.pages[page] = Some(frame.clone());
        Ok(frame)
    }

    /// Moves bytes from `from` into the ring, as far as there is room.
    pub(super) fn write(&mut self, cx: &mut CurrentThread, from: &mut Source<'_>) -> Result<()> {
        while let Some(run) = self.span.write_run(from.left()) {
            let frame = self.frame(run.page)?;
            let before = from.clone();
            if let Err(error) = from.take_frame(cx, &frame, run.offset, run.bytes) {
                // LINUX: a piece is written as a whole or not at all.
                *from = before;
                return Err(error);
            }
            self.span.produce(run.bytes);
        }
        Ok(())
    }

    /// Moves bytes from `from` into the ring as packets of at most `most` bytes, as many as there is room for.
    // LINUX: behind bytes of a stream that are still there they are part of the stream.
    pub(super) fn write_packets(&mut self, cx: &mut CurrentThread, from: &mut Source<'_>, most: usize) -> Result<()> {
        if self.marks.back().copied().unwrap_or(self.consumed) < self.consumed + self.span.readable() as u64 {
            return if from.left() <= self.span.writable() { self.write(cx, from) } else { Ok(()) };
        }
        while from.left() > 0 && self.span.writable() >= from.left().min(most) && self.marks.len() < self.pages.len() {
            self.marks.try_reserve(1)?;
            let before = self.span.readable();
            let outcome = from.limited(most, |from| self.write(cx, from));
            if self.span.readable() > before {
                self.marks.push_back(self.consumed + self.span.readable() as u64);
            }
            outcome?;
        }
        Ok(())
    }

    /// Gives it another number of pages, with what is in it. EBUSY if that does not fit, or is under way.
    pub(super) fn resize(&mut self, pages: usize) -> Result<()> {
        if self.span.readable() > pages * PAGE_SIZE
            || self.marks.len() > pages
            || self.is_being_drained
            || self.is_being_filled
        {
            return Err(Errno::EBUSY);
        }
        let mut new = Ring { pages: Vec::new(), ..Ring::new(0) };
        new.pages.try_reserve_exact(pages)?;
        new.pages.resize_with(pages, || None);
        new.span = RingSpan::new(pages);
        let mut span = self.span;
        let mut part = [0; 512];
        while let Some(run) = span.read_run(part.len()) {
            let Some(frame) = &self.pages[run.page] else { break };
            frame.read(run.offset, &mut part[..run.bytes]);
            let mut done = 0;
            while let Some(place) = new.span.write_run(run.bytes - done) {
                new.frame(place.page)?.write(place.offset, &part[done..done + place.bytes]);
                new.span.produce(place.bytes);
                done += place.bytes;
            }
            span.consume(run.bytes);
        }
        (self.span, self.pages) = (new.span, new.pages);
        Ok(())
    }
}
