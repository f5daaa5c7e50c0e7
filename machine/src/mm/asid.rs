//! Address-space numbers. A number that a space gives back may still be in a TLB, so it is used again only after a flush
//! of everything, done once when the fresh ones run out. (Where each CPU flushes a space when it loads it for the first time, numbers
//! are used again at once.) Number 0 means none: such a space is flushed at each load.
//!
//! Locks: this file's (leaf).
use crate::arch::page_table;
use crate::sync::RawSpin;

/// Most numbers used; hardware may offer fewer.
const MOST: usize = 65_536;

struct Numbers {
    /// Bit set: in use.
    used: [u64; MOST / 64],
    /// Bit set: given back, perhaps still in a TLB.
    stale: [u64; MOST / 64],
    next: usize,
}

static NUMBERS: RawSpin<Numbers> =
    RawSpin::new("asid", Numbers { used: [0; MOST / 64], stale: [0; MOST / 64], next: 1 });

impl Numbers {
    fn find(&mut self, count: usize) -> Option<usize> {
        for step in 0..count {
            let number = (self.next + step) % count;
            let (word, bit) = (number / 64, 1u64 << (number % 64));
            if number != 0 && (self.used[word] | self.stale[word]) & bit == 0 {
                self.used[word] |= bit;
                self.next = number + 1;
                return Some(number);
            }
        }
        None
    }
}

/// A number for a new space, or 0.
pub(super) fn allocate() -> u16 {
    let count = page_table::asid_count().min(MOST);
    if count <= 1 {
        return 0;
    }
    NUMBERS.with(|numbers| {
        let found = numbers.find(count).or_else(|| {
            page_table::flush_all();
            numbers.stale = [0; MOST / 64];
            numbers.find(count)
        });
        found.unwrap_or(0) as u16
    })
}

/// Gives a number back. No CPU has its space loaded.
pub(super) fn release(number: u16) {
    if number != 0 {
        NUMBERS.with(|numbers| {
            let (word, bit) = (usize::from(number) / 64, 1u64 << (number % 64));
            numbers.used[word] &= !bit;
            if page_table::BROADCASTS_FLUSH {
                numbers.stale[word] |= bit;
            }
        });
    }
}
