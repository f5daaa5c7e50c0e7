//! A ring of records of any length in words, with one writer and one reader, neither of whom ever waits.
//!
//! Main type: [`WordRing`]. `machine::sample` keeps one per CPU; the writer there runs with interrupts off, the reader is a
//! thread that empties the rings. A record that does not fit is left out as a whole and counted; what was written is never
//! overwritten before it was read. The writer makes the record in its place ([`Draft`]), so no copy of it is needed on a small stack.
//!
//! A record's first word holds its length in words in the low [`LENGTH_BITS`] bits, so that the reader can take whole records.
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

/// Bits of a record's first word that hold its length.
pub const LENGTH_BITS: u32 = 16;

/// See the module.
///
/// # Invariants
/// The number of words is a power of two. `read <= written <= read + words.len()`; both count words ever and never fall.
pub struct WordRing {
    words: Box<[AtomicU64]>,
    written: AtomicU64,
    read: AtomicU64,
    lost: AtomicU64,
}

/// A record that is being written.
pub struct Draft<'a> {
    ring: &'a WordRing,
    start: u64,
    length: u64,
    room: u64,
}

impl WordRing {
    /// An empty ring of `words` words (rounded up to a power of two). `None` without memory.
    pub fn new(words: usize) -> Option<WordRing> {
        let count = words.checked_next_power_of_two()?;
        let mut words = Vec::new();
        words.try_reserve_exact(count).ok()?;
        words.extend((0..count).map(|_| AtomicU64::new(0)));
        let [written, read, lost] = [const { AtomicU64::new(0) }; 3];
        Some(WordRing { words: words.into_boxed_slice(), written, read, lost })
    }

    fn place(&self, index: u64) -> &AtomicU64 {
        // CAST: masked to the number of words, which fits.
        &self.words[index as usize & (self.words.len() - 1)]
    }

    /// Begins a record of at most `most` words, or counts it as lost. The caller is the only writer, also against interrupts.
    pub fn begin(&self, most: usize) -> Option<Draft<'_>> {
        let start = self.written.load(Ordering::Relaxed);
        let used = start - self.read.load(Ordering::Acquire);
        let room = self.words.len() as u64 - used;
        if room < most as u64 {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(Draft { ring: self, start, length: 1, room: most as u64 })
    }

    /// Whether a record of so many words fits now.
    pub fn has_room(&self, words: usize) -> bool {
        self.words.len() - self.waiting() >= words
    }

    /// Records that did not fit, ever.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Words that wait to be read.
    pub fn waiting(&self) -> usize {
        let read = self.read.load(Ordering::Relaxed);
        // CAST: at most the ring's length.
        self.written.load(Ordering::Acquire).saturating_sub(read) as usize
    }

    /// Takes as many whole records as fit `out`; answers how many words. The caller is the only reader.
    pub fn take(&self, out: &mut [u64]) -> usize {
        let begin = self.read.load(Ordering::Relaxed);
        let end = self.written.load(Ordering::Acquire);
        let mut taken = 0;
        while begin + (taken as u64) < end {
            let head = self.place(begin + taken as u64).load(Ordering::Relaxed);
            let length = (head & ((1 << LENGTH_BITS) - 1)) as usize;
            let Some(place) = out[taken..].get_mut(..length) else { break };
            // CAST: masked to the number of words, which fits.
            let at = (begin + taken as u64) as usize & (self.words.len() - 1);
            let (before, after) = place.split_at_mut(length.min(self.words.len() - at));
            let copy = |to: &mut [u64], from: &[AtomicU64]| {
                to.iter_mut().zip(from).for_each(|(to, from)| *to = from.load(Ordering::Relaxed));
            };
            copy(before, &self.words[at..]);
            copy(after, &self.words);
            taken += length;
        }
        self.read.store(begin + taken as u64, Ordering::Release);
        taken
    }

    /// Throws away what waits. The caller is the only reader.
    pub fn clear(&self) {
        self.read.store(self.written.load(Ordering::Acquire), Ordering::Release);
    }
}

impl Draft<'_> {
    /// Adds a word; false if the record may not become longer.
    #[inline]
    pub fn push(&mut self, word: u64) -> bool {
        if self.length == self.room {
            return false;
        }
        self.ring.place(self.start + self.length).store(word, Ordering::Relaxed);
        self.length += 1;
        true
    }

    /// Adds words; false, and nothing is added, if the record may not become so long.
    pub fn push_all(&mut self, words: &[u64]) -> bool {
        if self.room - self.length < words.len() as u64 {
            return false;
        }
        let ring = &self.ring.words;
        // CAST: masked to the number of words, which fits.
        let at = (self.start + self.length) as usize & (ring.len() - 1);
        // It may go on at the ring's beginning.
        let (before, after) = words.split_at(words.len().min(ring.len() - at));
        for (place, word) in ring[at..].iter().zip(before).chain(ring.iter().zip(after)) {
            place.store(*word, Ordering::Relaxed);
        }
        self.length += words.len() as u64;
        true
    }

    /// Ends the record: `head` becomes the first word, with the length in its low bits.
    pub fn finish(self, head: u64) {
        let head = head & !((1 << LENGTH_BITS) - 1) | self.length;
        self.ring.place(self.start).store(head, Ordering::Relaxed);
        self.ring.written.store(self.start + self.length, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn write(ring: &WordRing, words: &[u64]) -> bool {
        let Some(mut draft) = ring.begin(words.len()) else { return false };
        assert!(words[1..].iter().all(|word| draft.push(*word)));
        draft.finish(words[0] << LENGTH_BITS);
        true
    }

    #[test]
    fn gives_whole_records_and_counts_what_did_not_fit() {
        let ring = WordRing::new(8).unwrap();
        assert!(write(&ring, &[1, 2, 3]) && write(&ring, &[4]) && write(&ring, &[5, 6, 7, 8]));
        assert!(!write(&ring, &[9]));
        assert_eq!((ring.lost(), ring.waiting()), (1, 8));
        let mut out = [0; 5];
        assert_eq!(ring.take(&mut out), 4);
        assert_eq!(out[..4], [1 << LENGTH_BITS | 3, 2, 3, 4 << LENGTH_BITS | 1]);
        assert!(write(&ring, &[10, 11]));
        let mut out = [0; 8];
        assert_eq!(ring.take(&mut out), 6);
        assert_eq!(out[..6], [5 << LENGTH_BITS | 4, 6, 7, 8, 10 << LENGTH_BITS | 2, 11]);
        assert_eq!(ring.take(&mut out), 0);
    }

    #[test]
    fn a_record_keeps_to_its_room() {
        let ring = WordRing::new(16).unwrap();
        let mut draft = ring.begin(3).unwrap();
        assert!(draft.push(1) && draft.push(2) && !draft.push(3));
        assert!(!draft.push_all(&[1]));
        draft.finish(0);
        assert_eq!(ring.waiting(), 3);
        assert!(ring.has_room(13) && !ring.has_room(14));
        ring.clear();
        assert_eq!(ring.waiting(), 0);
    }

    #[test]
    fn rows_go_on_over_the_end() {
        let ring = WordRing::new(8).unwrap();
        let mut out = [0; 8];
        for skipped in 0..8 {
            assert!(write(&ring, &vec![0; skipped + 1]));
            ring.clear();
            let mut draft = ring.begin(6).unwrap();
            assert!(draft.push(0) && draft.push_all(&[1, 2, 3, 4]) && !draft.push_all(&[0]));
            draft.finish(0);
            assert_eq!(ring.take(&mut out), 6);
            assert_eq!(out[1..6], [0, 1, 2, 3, 4]);
        }
    }

    #[test]
    fn writer_and_reader_side_by_side() {
        const RECORDS: u64 = 100_000;
        let ring = WordRing::new(64).unwrap();
        let (mut seen, mut next) = (0, 0);
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for i in 0..RECORDS {
                    let words = vec![i; (i % 7 + 1) as usize];
                    while !write(&ring, &words) {
                        std::thread::yield_now();
                    }
                }
            });
            let mut out = [0; 32];
            while next < RECORDS {
                let taken = ring.take(&mut out);
                let mut rest = &out[..taken];
                while let Some(head) = rest.first() {
                    let length = (head & 0xffff) as usize;
                    assert_eq!(head >> LENGTH_BITS, next);
                    assert!(length == (next % 7 + 1) as usize && rest[1..length].iter().all(|word| *word == next));
                    (rest, next, seen) = (&rest[length..], next + 1, seen + 1);
                }
            }
            writer.join().unwrap();
        });
        assert_eq!(seen, RECORDS);
    }
}
