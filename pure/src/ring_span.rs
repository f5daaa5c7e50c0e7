//! Index arithmetic of a pipe's ring: which bytes of which page are next to be read or written.
//!
//! Main type: [`RingSpan`]. The kernel's pipe keeps the pages and copies straight between them and user memory;
//! here is only the arithmetic, so that it can be tested on the host.
//!
//! # Invariants
//! `head < capacity` and `len <= capacity`; the capacity is a whole number of pages.

/// Positions in a ring of `pages` pages of `PAGE` bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RingSpan<const PAGE: usize> {
    head: usize,
    len: usize,
    pages: usize,
}

/// A run of bytes within one page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Run {
    /// Which page of the ring.
    pub page: usize,
    /// Where in it.
    pub offset: usize,
    /// How many bytes, at least one.
    pub bytes: usize,
}

impl<const PAGE: usize> RingSpan<PAGE> {
    /// An empty ring of `pages` pages.
    pub const fn new(pages: usize) -> Self {
        RingSpan { head: 0, len: 0, pages }
    }

    /// Bytes it can hold.
    pub const fn capacity(&self) -> usize {
        self.pages * PAGE
    }

    /// Bytes to be read.
    pub const fn readable(&self) -> usize {
        self.len
    }

    /// Bytes of room.
    pub const fn writable(&self) -> usize {
        self.capacity() - self.len
    }

    /// The next run to read, at most `limit` bytes; `None` if there is none.
    pub fn read_run(&self, limit: usize) -> Option<Run> {
        let bytes = limit.min(self.len);
        self.run(self.head, bytes)
    }

    /// The next run to write, at most `limit` bytes; `None` if there is no room.
    pub fn write_run(&self, limit: usize) -> Option<Run> {
        let bytes = limit.min(self.writable());
        self.run((self.head + self.len) % self.capacity(), bytes)
    }

    fn run(&self, start: usize, bytes: usize) -> Option<Run> {
        let (page, offset) = (start / PAGE, start % PAGE);
        let bytes = bytes.min(PAGE - offset);
        (bytes > 0).then_some(Run { page, offset, bytes })
    }

    /// `bytes` were read. An emptied ring starts again at its first byte, so that small traffic stays in one page.
    pub fn consume(&mut self, bytes: usize) {
        let bytes = bytes.min(self.len);
        self.len -= bytes;
        self.head = if self.len == 0 { 0 } else { (self.head + bytes) % self.capacity() };
    }

    /// `bytes` were written.
    pub fn produce(&mut self, bytes: usize) {
        self.len = (self.len + bytes).min(self.capacity());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::VecDeque;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_come_out_as_they_went_in(steps in proptest::collection::vec((any::<bool>(), 1usize..40), 0..200)) {
            let mut span = RingSpan::<8>::new(4);
            let mut pages = [[0u8; 8]; 4];
            let mut model = VecDeque::new();
            let mut next = 0u8;
            for (is_write, limit) in steps {
                if is_write {
                    let Some(run) = span.write_run(limit) else {
                        prop_assert_eq!(model.len(), 32);
                        continue;
                    };
                    for byte in &mut pages[run.page][run.offset..run.offset + run.bytes] {
                        *byte = next;
                        model.push_back(next);
                        next = next.wrapping_add(1);
                    }
                    span.produce(run.bytes);
                } else {
                    let Some(run) = span.read_run(limit) else {
                        prop_assert!(model.is_empty());
                        continue;
                    };
                    for &byte in &pages[run.page][run.offset..run.offset + run.bytes] {
                        prop_assert_eq!(Some(byte), model.pop_front());
                    }
                    span.consume(run.bytes);
                }
                prop_assert_eq!(span.readable(), model.len());
                prop_assert_eq!(span.readable() + span.writable(), 32);
            }
        }
    }
}
