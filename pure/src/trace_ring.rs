//! A ring of fixed-size records with one writer and any number of readers, none of whom ever waits.
//!
//! Main type: [`Ring`]. `machine::trace` keeps one per CPU; the writer there runs with interrupts off, so a ring has one
//! writer at a time even when interrupt handlers record too. Readers run anywhere, also after a crash.
//!
//! Each slot carries the sequence number of the record it holds. The writer first marks the slot as being written, then
//! stores the words, then publishes the sequence; a reader takes a record for whole only if the sequence was the expected
//! one both before and after it copied the words (a seqlock per slot; H. Boehm, "Can seqlocks get along with programming
//! language memory models?", 2012, gives the fences). So a torn, a late and an overwritten record are three different
//! answers, none of which looks like data.
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering, fence};

/// A slot's sequence while its words are being stored, and before the first time.
const BEING_WRITTEN: u64 = 0;

/// One record's place. Read from outside too, see [`Ring::places`].
#[repr(C)]
struct Slot<const WORDS: usize> {
    /// [`BEING_WRITTEN`], or the record's index plus one.
    sequence: AtomicU64,
    words: [AtomicU64; WORDS],
}

/// What a reader finds at an index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Read<const WORDS: usize> {
    /// The record, whole.
    Whole([u64; WORDS]),
    /// Nothing has been written at this index yet, or its writer has not finished.
    NotYet,
    /// A later record has taken its place.
    Overwritten,
}

/// A ring that keeps the last `capacity` records of `WORDS` words each.
///
/// # Invariants
/// The number of slots is zero or a power of two, `mask` one less. `next` counts records ever written and never falls.
pub struct Ring<const WORDS: usize> {
    next: AtomicU64,
    mask: usize,
    slots: Vec<Slot<WORDS>>,
}

impl<const WORDS: usize> Ring<WORDS> {
    /// A ring that keeps nothing.
    pub const fn none() -> Self {
        Ring { next: AtomicU64::new(0), mask: 0, slots: Vec::new() }
    }

    /// An empty ring of `capacity` slots (rounded up to a power of two). `None` without memory.
    pub fn new(capacity: usize) -> Option<Self> {
        let capacity = capacity.checked_next_power_of_two()?;
        let mut slots = Vec::new();
        slots.try_reserve_exact(capacity).ok()?;
        slots.extend(
            (0..capacity).map(|_| Slot { sequence: AtomicU64::new(0), words: [const { AtomicU64::new(0) }; WORDS] }),
        );
        Some(Ring { next: AtomicU64::new(0), mask: capacity - 1, slots })
    }

    /// Records it can hold.
    pub fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// Records ever written; also the index that the next one will have.
    pub fn written(&self) -> u64 {
        self.next.load(Ordering::Acquire)
    }

    /// The oldest index that may still be there.
    pub fn oldest(&self) -> u64 {
        self.written().saturating_sub(self.slots.len() as u64)
    }

    /// For a reader from outside, such as a debugger: the addresses of the count of records written and of the first slot. A slot is the
    /// sequence number and the record's words.
    pub fn places(&self) -> [usize; 2] {
        [core::ptr::from_ref(&self.next).addr(), self.slots.as_ptr().addr()]
    }

    #[inline(always)]
    fn slot(&self, index: u64) -> Option<&Slot<WORDS>> {
        // CAST: masked to the number of slots, which fits.
        self.slots.get(index as usize & self.mask)
    }

    /// Writes a record: `head`, then `tail`; words beyond both are left as they are (the head says how many count), and
    /// what does not fit is left out. False: the ring keeps nothing. The caller makes sure that no other writer interrupts or runs beside it.
    #[inline]
    pub fn push<const HEAD: usize>(&self, head: [u64; HEAD], tail: &[u64]) -> bool {
        self.write(|words| {
            // Two plain loops: a chained one costs several instructions more for each word.
            for (place, word) in words.iter().zip(&head) {
                place.store(*word, Ordering::Relaxed);
            }
            let rest = words.get(HEAD..).unwrap_or_default();
            for (place, word) in rest.iter().zip(tail) {
                place.store(*word, Ordering::Relaxed);
            }
        })
    }

    /// The same where it is known how many words there are, which saves more instructions than the words cost. The head is asked for when the
    /// tail is stored, and registers are free.
    #[inline(always)]
    pub fn push_exact<const HEAD: usize, const TAIL: usize>(
        &self,
        head: impl FnOnce() -> [u64; HEAD],
        tail: [u64; TAIL],
    ) -> bool {
        const { assert!(HEAD + TAIL <= WORDS) };
        self.write(|words| {
            for i in 0..TAIL {
                words[HEAD + i].store(tail[i], Ordering::Relaxed);
            }
            let head = head();
            for i in 0..HEAD {
                words[i].store(head[i], Ordering::Relaxed);
            }
        })
    }

    /// Writes the next record with `fill`.
    #[inline(always)]
    fn write(&self, fill: impl FnOnce(&[AtomicU64; WORDS])) -> bool {
        let index = self.next.load(Ordering::Relaxed);
        let Some(slot) = self.slot(index) else { return false };
        slot.sequence.store(BEING_WRITTEN, Ordering::Relaxed);
        // Whoever sees one of the words below also sees the mark above.
        fence(Ordering::Release);
        fill(&slot.words);
        slot.sequence.store(index + 1, Ordering::Release);
        self.next.store(index + 1, Ordering::Release);
        true
    }

    /// The record of this index, if it is there and whole. Disturbs nothing.
    pub fn read(&self, index: u64) -> Read<WORDS> {
        // Before the slot: if this record was whole by then, one that is being written in its place is a later one.
        let was_written = index < self.written();
        let Some(slot) = self.slot(index) else { return Read::NotYet };
        let before = slot.sequence.load(Ordering::Acquire);
        match before.cmp(&(index + 1)) {
            core::cmp::Ordering::Less if !was_written => return Read::NotYet,
            core::cmp::Ordering::Less | core::cmp::Ordering::Greater => return Read::Overwritten,
            core::cmp::Ordering::Equal => {}
        }
        let words = core::array::from_fn(|i| slot.words[i].load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        // The sequence of a slot only rises, so any change means a later record.
        if slot.sequence.load(Ordering::Relaxed) == before { Read::Whole(words) } else { Read::Overwritten }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_last_records_and_says_what_is_gone() {
        let ring = Ring::<3>::new(8).unwrap();
        assert_eq!(ring.read(0), Read::NotYet);
        for i in 0..20 {
            ring.push([i, i * 2], &[i * 3]);
        }
        assert_eq!((ring.written(), ring.oldest()), (20, 12));
        assert_eq!(ring.read(11), Read::Overwritten);
        for i in 12..20 {
            assert_eq!(ring.read(i), Read::Whole([i, i * 2, i * 3]));
        }
        assert_eq!(ring.read(20), Read::NotYet);
    }

    #[test]
    fn both_ways_of_writing_write_the_same() {
        let ring = Ring::<4>::new(4).unwrap();
        ring.push([1, 2], &[3]);
        ring.push_exact(|| [1, 2], [3]);
        let whole = Read::Whole([1, 2, 3, 0]);
        assert_eq!((ring.read(0), ring.read(1), ring.written()), (whole, whole, 2));
    }

    #[test]
    fn a_ring_that_keeps_nothing_says_so() {
        let ring = Ring::<2>::none();
        assert!(!ring.push([1], &[2]) && !ring.push_exact(|| [1], [2]));
        assert_eq!((ring.written(), ring.oldest(), ring.capacity(), ring.read(0)), (0, 0, 0, Read::NotYet));
    }

    #[test]
    fn surplus_words_are_left_out() {
        let ring = Ring::<2>::new(1).unwrap();
        ring.push([1], &[2, 3, 4]);
        assert_eq!(ring.read(0), Read::Whole([1, 2]));
    }

    #[test]
    fn an_unfinished_record_is_not_taken_for_whole() {
        let ring = Ring::<2>::new(4).unwrap();
        ring.push([7, 7], &[]);
        assert_eq!((ring.read(0), ring.read(1)), (Read::Whole([7, 7]), Read::NotYet));
        ring.slot(0).unwrap().sequence.store(BEING_WRITTEN, Ordering::Relaxed);
        assert_eq!(ring.read(0), Read::Overwritten, "a later record is being written in its place");
        assert_eq!(ring.read(4), Read::NotYet, "that record");
    }

    #[test]
    fn readers_beside_the_writer_see_whole_records_only() {
        let ring = Ring::<9>::new(16).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for i in 0..200_000 {
                    ring.push([i; 9], &[]);
                }
            });
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut seen = 0;
                    while ring.written() < 200_000 {
                        let index = ring.written().saturating_sub(1 + seen % 16);
                        if let Read::Whole(words) = ring.read(index) {
                            assert!(words.iter().all(|w| *w == index), "torn record {index}: {words:?}");
                        }
                        seen += 1;
                    }
                });
            }
        });
    }
}
