//! Stacks and texts that a trace program keeps: each is stored once and has a number, so that it fits a register, a key or a record.
//!
//! Any number of CPUs add at the same time, without locks, from any context; nothing is ever taken out. A slot is claimed by
//! compare-and-exchange of its hash, then the words are appended to the store, then the slot's place is published. Who comes upon a slot of
//! its own hash that is not published yet waits for it a short while: the other CPU is in the middle of it with its interrupts off. If it
//! does not come (the host holds that CPU up, or it was stopped), the content is stored a second time. What finds no room has no number, and
//! the caller counts it.
//!
//! Entries stand in the store one behind the other, so that a reader can take them in the order in which they came: [`Interner::visit`].
use super::table::hash;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

/// Most words of an entry's content.
pub const MAX_KEPT_WORDS: usize = 160;
/// Slots; a power of two.
const SLOTS: usize = 8 * 1024;
/// Words of the store (512 KiB).
const STORE_WORDS: usize = 64 * 1024;
/// Slots looked at for an entry.
const TRIES: usize = 32;
/// How often a slot that another CPU fills is looked at.
const PATIENCE: usize = 100_000;
/// Words before an entry's content: number and length, note.
const HEAD: usize = 2;
/// The place of a slot for whose content there was no room.
const NOWHERE: u64 = u64::MAX;

/// Where an entry is.
struct Slot {
    /// Zero: free. Otherwise the content's hash with the lowest bit set.
    hash: AtomicU64,
    /// Zero: not yet known. Otherwise one more than the entry's place in the store, or [`NOWHERE`].
    place: AtomicU64,
}

/// See the module.
pub struct Interner {
    slots: Box<[Slot]>,
    store: Box<[AtomicU64]>,
    used: AtomicU64,
}

/// An entry as it is visited.
#[derive(Clone, Copy)]
pub struct Kept<'a> {
    /// Its number; none is zero.
    pub number: u32,
    /// What was noted when it came first.
    pub note: u64,
    /// The content.
    pub words: &'a [AtomicU64],
}

fn boxed<T>(count: usize, make: fn() -> T) -> Option<Box<[T]>> {
    let mut all = Vec::new();
    all.try_reserve_exact(count).ok()?;
    all.resize_with(count, make);
    Some(all.into_boxed_slice())
}

impl Interner {
    /// An empty one. `None` without memory.
    pub fn new() -> Option<Interner> {
        let slots = boxed(SLOTS, || Slot { hash: AtomicU64::new(0), place: AtomicU64::new(0) })?;
        Some(Interner { slots, store: boxed(STORE_WORDS, || AtomicU64::new(0))?, used: AtomicU64::new(0) })
    }

    /// The number of a content of at most [`MAX_KEPT_WORDS`] words, which is added with its note if it is new. `None`: there is no room.
    pub fn intern(&self, words: &[AtomicU64], note: u64) -> Option<u32> {
        self.number(words, Some(note))
    }

    /// The number of a content that was added before.
    pub fn find(&self, words: &[AtomicU64]) -> Option<u32> {
        self.number(words, None)
    }

    fn number(&self, words: &[AtomicU64], note: Option<u64>) -> Option<u32> {
        if words.len() > MAX_KEPT_WORDS {
            return None;
        }
        let hash = hash(words.iter().map(|word| word.load(Ordering::Relaxed))) | 1;
        for offset in 0..TRIES as u64 {
            // CAST: below the number of slots.
            let at = ((hash >> 1).wrapping_add(offset) % SLOTS as u64) as usize;
            let slot = self.slots.get(at)?;
            let mut seen = slot.hash.load(Ordering::Acquire);
            if seen == 0 {
                let note = note.filter(|_| self.has_room(words.len()))?;
                match slot.hash.compare_exchange(0, hash, Ordering::AcqRel, Ordering::Acquire) {
                    Ok(_) => return self.add(at, slot, words, note),
                    Err(other) => seen = other,
                }
            }
            if seen == hash && self.holds(slot, words) {
                return Some(at as u32 + 1);
            }
        }
        None
    }

    fn has_room(&self, words: usize) -> bool {
        self.used.load(Ordering::Relaxed) + (HEAD + words) as u64 <= STORE_WORDS as u64
    }

    /// Fills a slot that the caller has claimed.
    fn add(&self, at: usize, slot: &Slot, words: &[AtomicU64], note: u64) -> Option<u32> {
        let needed = (HEAD + words.len()) as u64;
        let take = |used: u64| used.checked_add(needed).filter(|end| *end <= STORE_WORDS as u64);
        let Ok(start) = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) else {
            slot.place.store(NOWHERE, Ordering::Release);
            return None;
        };
        // CAST: below the number of slots.
        let number = at as u32 + 1;
        // CAST: within the store.
        let entry = self.store.get(start as usize..(start + needed) as usize)?;
        let (head, content) = entry.split_first_chunk::<HEAD>()?;
        head[1].store(note, Ordering::Relaxed);
        for (place, word) in content.iter().zip(words) {
            place.store(word.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        head[0].store(u64::from(number) << 32 | words.len() as u64, Ordering::Release);
        slot.place.store(start + 1, Ordering::Release);
        Some(number)
    }

    /// Whether a slot of the same hash has this content.
    fn holds(&self, slot: &Slot, words: &[AtomicU64]) -> bool {
        for _ in 0..PATIENCE {
            match slot.place.load(Ordering::Acquire) {
                0 => core::hint::spin_loop(),
                NOWHERE => return false,
                place => {
                    let Some((kept, _)) = self.entry(place - 1) else { return false };
                    let same =
                        |(a, b): (&AtomicU64, &AtomicU64)| a.load(Ordering::Relaxed) == b.load(Ordering::Relaxed);
                    return kept.words.len() == words.len() && kept.words.iter().zip(words).all(same);
                }
            }
        }
        false
    }

    /// The entry at a place, and where the next begins. `None`: not published yet, or the end.
    fn entry(&self, place: u64) -> Option<(Kept<'_>, u64)> {
        let rest = self.store.get(usize::try_from(place).ok()?..)?;
        let (head, content) = rest.split_first_chunk::<HEAD>()?;
        let first = head[0].load(Ordering::Acquire);
        if first == 0 {
            return None;
        }
        // CAST: number and length have half a word each.
        let (number, length) = ((first >> 32) as u32, first as u32);
        let words = content.get(..length as usize)?;
        Some((Kept { number, note: head[1].load(Ordering::Relaxed), words }, place + HEAD as u64 + u64::from(length)))
    }

    /// Where the next one will be added: up to there everything is, or is about to be, for [`Interner::visit`] to find.
    pub fn end(&self) -> u64 {
        self.used.load(Ordering::Acquire)
    }

    /// Visits what was added, from a place on (0 at first), until `visit` answers false or there is no more; answers where to go on.
    pub fn visit(&self, from: u64, visit: &mut dyn FnMut(Kept<'_>) -> bool) -> u64 {
        let mut place = from;
        while let Some((kept, next)) = self.entry(place) {
            if !visit(kept) {
                break;
            }
            place = next;
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn words(of: &[u64]) -> Vec<AtomicU64> {
        of.iter().map(|word| AtomicU64::new(*word)).collect()
    }

    fn all(interner: &Interner) -> BTreeMap<u32, (u64, Vec<u64>)> {
        let mut found = BTreeMap::new();
        interner.visit(0, &mut |kept| {
            let content = kept.words.iter().map(|word| word.load(Ordering::Relaxed)).collect();
            assert!(found.insert(kept.number, (kept.note, content)).is_none(), "a number twice");
            true
        });
        found
    }

    #[test]
    fn a_content_has_one_number() {
        let interner = Interner::new().unwrap();
        assert_eq!(interner.find(&words(&[1, 2])), None);
        let first = interner.intern(&words(&[1, 2]), 7).unwrap();
        let other = interner.intern(&words(&[1, 2, 3]), 8).unwrap();
        let empty = interner.intern(&[], 9).unwrap();
        assert_eq!(interner.intern(&words(&[1, 2]), 10), Some(first));
        assert_eq!(interner.find(&words(&[1, 2, 3])), Some(other));
        let found = all(&interner);
        assert_eq!(found[&first], (7, [1u64, 2].into()));
        assert_eq!((found[&other].0, found[&empty].1.len(), found.len()), (8, 0, 3));
        assert_eq!(interner.intern(&words(&[0; MAX_KEPT_WORDS + 1]), 0), None);
    }

    #[test]
    fn a_reader_goes_on_where_it_stopped() {
        let interner = Interner::new().unwrap();
        let mut place = 0;
        for round in 0..10u64 {
            interner.intern(&words(&[round]), round).unwrap();
            interner.intern(&words(&[round, round]), round).unwrap();
            let mut seen = 0;
            place = interner.visit(place, &mut |kept| {
                seen += 1;
                assert_eq!(kept.note, round);
                true
            });
            assert_eq!(seen, 2);
        }
    }

    #[test]
    fn a_full_one_refuses_and_keeps_what_it_has() {
        let interner = Interner::new().unwrap();
        let (mut kept, mut refused) = (0, 0);
        for number in 0..if cfg!(miri) { 100 } else { 3000u64 } {
            match interner.intern(&words(&[number; 40]), 0) {
                Some(_) => kept += 1,
                None => refused += 1,
            }
        }
        assert!(cfg!(miri) || refused > 0 && kept > STORE_WORDS / 50, "{kept} kept, {refused} refused");
        assert_eq!(all(&interner).len(), kept);
        assert!(interner.find(&words(&[0; 40])).is_some());
    }

    #[test]
    fn cpus_agree_on_numbers() {
        let interner = Interner::new().unwrap();
        let rounds = if cfg!(miri) { 5 } else { 1500u64 };
        let numbers: Vec<Vec<Option<u32>>> = std::thread::scope(|scope| {
            let run = || (0..rounds).map(|round| interner.intern(&words(&[round, round * 3]), round)).collect();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        // On a busy host a thread may have lost its patience with another, and have kept a content again.
        let found = all(&interner);
        for own in numbers {
            for (round, number) in (0u64..).zip(own) {
                assert_eq!(found[&number.expect("there is room")].1, [round, round * 3]);
                assert!(interner.find(&words(&[round, round * 3])).is_some());
            }
        }
    }
}
