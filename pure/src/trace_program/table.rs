//! An aggregation as one CPU keeps it: a hash table of fixed size from keys to what was counted, summed or sorted into buckets.
//!
//! One writer at a time, which the caller sees to; anyone may read beside it. An entry is its state (zero: free; else the key's hash with the
//! lowest bit set), the key's words and the value's. The state is published last, so a reader never sees half a key. A key that finds
//! no place within [`TRIES`] entries is refused, and the caller counts it.
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

/// Most words of a key.
pub(super) const MAX_KEY: u8 = 8;
/// Most levels of a linear distribution.
pub(super) const MAX_LEVELS: u16 = 254;
/// Buckets of a distribution by powers of two.
pub const QUANTIZE_BUCKETS: u16 = 128;
/// Words of a table, about.
const TABLE_WORDS: usize = 32 * 1024;
/// Entries looked at for a key.
const TRIES: usize = 32;

/// What is made of the values of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Aggregate {
    /// How many.
    Count = 0,
    /// Their sum.
    Sum = 1,
    /// The least.
    Min = 2,
    /// The greatest.
    Max = 3,
    /// Their mean: two words, how many and their sum.
    Average = 4,
    /// How many in each bucket of [`power_bucket`].
    Quantize = 5,
    /// How many in each bucket of [`linear_bucket`].
    LinearQuantize = 6,
    /// Their standard deviation: four words, how many, their sum, and the sum of their squares in two.
    Deviation = 7,
}

impl Aggregate {
    /// The one with this number.
    pub const fn from_u8(number: u8) -> Option<Aggregate> {
        Some(match number {
            0 => Aggregate::Count,
            1 => Aggregate::Sum,
            2 => Aggregate::Min,
            3 => Aggregate::Max,
            4 => Aggregate::Average,
            5 => Aggregate::Quantize,
            6 => Aggregate::LinearQuantize,
            7 => Aggregate::Deviation,
            _ => return None,
        })
    }
}

/// What an aggregation is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// What is made of the values.
    pub aggregate: Aggregate,
    /// Words of the key.
    pub key_words: u8,
    /// Linear: where the first level begins.
    pub low: i64,
    /// Linear: how wide levels are.
    pub step: i64,
    /// Linear: how many levels.
    pub levels: u16,
}

impl Shape {
    /// Words of a value.
    pub fn value_words(&self) -> usize {
        match self.aggregate {
            Aggregate::Count | Aggregate::Sum | Aggregate::Min | Aggregate::Max => 1,
            Aggregate::Average => 2,
            Aggregate::Deviation => 4,
            Aggregate::Quantize => QUANTIZE_BUCKETS.into(),
            Aggregate::LinearQuantize => usize::from(self.levels) + 2,
        }
    }
}

/// The bucket of a value in a distribution by powers of two: 64 for zero, 65 + n for 2^n up to 2^(n+1), 63 - n for the negatives.
pub fn power_bucket(value: i64) -> u16 {
    // CAST: logarithms of 64-bit numbers are below 64.
    match value {
        0 => 64,
        1.. => 65 + value.ilog2() as u16,
        _ => 63 - value.unsigned_abs().ilog2() as u16,
    }
}

/// The bucket of a value in a linear distribution: 0 below it, then its levels, then one for what is beyond.
pub fn linear_bucket(shape: &Shape, value: i64) -> u16 {
    if value < shape.low {
        return 0;
    }
    // The difference of two numbers of which the second is not greater fits 64 bits without sign.
    let level = value.wrapping_sub(shape.low).cast_unsigned() / shape.step.cast_unsigned().max(1);
    // CAST: at most `levels`.
    level.min(shape.levels.into()) as u16 + 1
}

/// A table.
pub struct Table {
    shape: Shape,
    entries: usize,
    words: Box<[AtomicU64]>,
}

impl Table {
    /// An empty one. `None` without memory.
    pub fn new(shape: Shape) -> Option<Table> {
        let stride = 1 + usize::from(shape.key_words) + shape.value_words();
        let entries = if shape.key_words == 0 { 1 } else { (TABLE_WORDS / stride).max(TRIES) };
        let count = entries.checked_mul(stride)?;
        let mut words = Vec::new();
        words.try_reserve_exact(count).ok()?;
        words.resize_with(count, || AtomicU64::new(0));
        Some(Table { shape, entries, words: words.into_boxed_slice() })
    }

    /// What it is like.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Adds a value under the key that `registers` begin with. False: there was no place for the key.
    pub fn add(&self, registers: &[u64], value: i64) -> bool {
        let Some(key) = registers.get(..usize::from(self.shape.key_words)) else { return false };
        let hash = hash(key.iter().copied());
        let Some(values) = self.find(key, hash) else { return false };
        let bump = |place: usize, by: u64| {
            if let Some(word) = values.get(place) {
                word.store(word.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
            }
        };
        match self.shape.aggregate {
            Aggregate::Count => bump(0, 1),
            Aggregate::Sum => bump(0, value.cast_unsigned()),
            Aggregate::Min | Aggregate::Max => {
                if let Some(word) = values.first() {
                    let old = word.load(Ordering::Relaxed).cast_signed();
                    let is_min = self.shape.aggregate == Aggregate::Min;
                    let new = if is_min { old.min(value) } else { old.max(value) };
                    word.store(new.cast_unsigned(), Ordering::Relaxed);
                }
            }
            Aggregate::Average => {
                bump(0, 1);
                bump(1, value.cast_unsigned());
            }
            Aggregate::Deviation => {
                let square = u128::from(value.unsigned_abs()) * u128::from(value.unsigned_abs());
                // CAST: the halves of the square.
                let (low, high) = (square as u64, (square >> 64) as u64);
                let old = values.get(2).map_or(0, |word| word.load(Ordering::Relaxed));
                bump(0, 1);
                bump(1, value.cast_unsigned());
                bump(2, low);
                bump(3, high.wrapping_add(u64::from(old.checked_add(low).is_none())));
            }
            Aggregate::Quantize => bump(power_bucket(value).into(), 1),
            Aggregate::LinearQuantize => bump(linear_bucket(&self.shape, value).into(), 1),
        }
        true
    }

    /// The value's words under a key, made if there are none yet.
    fn find(&self, key: &[u64], hash: u64) -> Option<&[AtomicU64]> {
        let stride = self.words.len() / self.entries;
        let entries = self.entries as u64;
        for offset in 0..TRIES.min(self.entries) as u64 {
            // CAST: below the number of entries.
            let at = (hash.wrapping_add(offset) % entries) as usize;
            let entry = self.words.get(at * stride..(at + 1) * stride)?;
            let (state, rest) = entry.split_first()?;
            let (own, values) = rest.split_at_checked(key.len())?;
            match state.load(Ordering::Relaxed) {
                0 => {
                    own.iter().zip(key).for_each(|(word, value)| word.store(*value, Ordering::Relaxed));
                    let first = match self.shape.aggregate {
                        Aggregate::Min => i64::MAX.cast_unsigned(),
                        Aggregate::Max => i64::MIN.cast_unsigned(),
                        _ => 0,
                    };
                    values.first()?.store(first, Ordering::Relaxed);
                    state.store(hash | 1, Ordering::Release);
                    return Some(values);
                }
                state
                    if state == hash | 1
                        && own.iter().zip(key).all(|(word, value)| word.load(Ordering::Relaxed) == *value) =>
                {
                    return Some(values);
                }
                _ => {}
            }
        }
        None
    }

    /// Visits every entry, key and value, from entry number `from` on until `visit` answers false: then where to go on.
    pub fn visit(&self, from: usize, visit: &mut dyn FnMut(&[AtomicU64], &[AtomicU64]) -> bool) -> Option<usize> {
        let stride = self.words.len() / self.entries;
        for (number, entry) in self.words.chunks_exact(stride).enumerate().skip(from) {
            let Some((state, rest)) = entry.split_first() else { continue };
            if state.load(Ordering::Acquire) != 0
                && let Some((key, value)) = rest.split_at_checked(self.shape.key_words.into())
                && !visit(key, value)
            {
                return Some(number);
            }
        }
        None
    }

    /// Forgets all entries. Nobody writes meanwhile.
    pub fn clear(&self) {
        self.words.iter().for_each(|word| word.store(0, Ordering::Relaxed));
    }
}

/// A hash of a key: FNV's steps over words, mixed so that all bits count (the finalizer of MurmurHash3, in the public domain).
pub(super) fn hash(key: impl IntoIterator<Item = u64>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for word in key {
        hash = (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3);
        hash ^= hash >> 33;
        hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash ^= hash >> 33;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn shape(aggregate: Aggregate, key_words: u8) -> Shape {
        Shape { aggregate, key_words, low: 10, step: 5, levels: 4 }
    }

    fn contents(table: &Table) -> BTreeMap<Vec<u64>, Vec<u64>> {
        let mut all = BTreeMap::new();
        let plain = |words: &[AtomicU64]| words.iter().map(|word| word.load(Ordering::Relaxed)).collect::<Vec<_>>();
        let end = table.visit(0, &mut |key, value| {
            assert!(all.insert(plain(key), plain(value)).is_none(), "a key twice");
            true
        });
        assert_eq!(end, None);
        all
    }

    #[test]
    fn each_aggregate_does_what_it_says() {
        let value_of = |aggregate| {
            let table = Table::new(shape(aggregate, 1)).unwrap();
            for value in [5, -3, 9] {
                assert!(table.add(&[7, 99], value));
            }
            contents(&table).remove(&std::vec![7u64]).unwrap()
        };
        assert_eq!(value_of(Aggregate::Count), [3]);
        assert_eq!(value_of(Aggregate::Sum), [11]);
        assert_eq!(value_of(Aggregate::Min), [(-3i64).cast_unsigned()]);
        assert_eq!(value_of(Aggregate::Max), [9]);
        assert_eq!(value_of(Aggregate::Average), [3, 11]);
        assert_eq!(value_of(Aggregate::Deviation), [3, 11, 25 + 9 + 81, 0]);
        let table = Table::new(shape(Aggregate::Deviation, 0)).unwrap();
        for value in [i64::MIN, i64::MAX, i64::MIN, i64::MIN] {
            assert!(table.add(&[], value));
        }
        let squares = 3 * (1u128 << 126) + ((1u128 << 63) - 1) * ((1u128 << 63) - 1);
        assert_eq!(contents(&table)[&Vec::new()][2..], [squares as u64, (squares >> 64) as u64]);
        let quantized = value_of(Aggregate::Quantize);
        assert_eq!((quantized[65 + 2], quantized[65 + 3], quantized[63 - 1]), (1, 1, 1));
        assert_eq!(value_of(Aggregate::LinearQuantize), [3, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn buckets_are_where_they_belong() {
        assert_eq!([0, 1, 2, 3, 4, -1, -2].map(power_bucket), [64, 65, 66, 66, 67, 63, 62]);
        assert_eq!((power_bucket(i64::MAX), power_bucket(i64::MIN)), (127, 0));
        let shape = shape(Aggregate::LinearQuantize, 0);
        assert_eq!(
            [9, 10, 14, 15, 29, 30, i64::MAX, i64::MIN].map(|v| linear_bucket(&shape, v)),
            [0, 1, 1, 2, 4, 5, 5, 0]
        );
    }

    #[test]
    fn a_full_table_refuses_and_keeps_what_it_has() {
        let table = Table::new(shape(Aggregate::Count, 2)).unwrap();
        let (mut kept, mut refused) = (0, 0);
        for i in 0..20_000u64 {
            match table.add(&[i, i * i], 1) {
                true => kept += 1,
                false => refused += 1,
            }
        }
        assert!(refused > 0 && kept > TABLE_WORDS / 5, "{kept} kept, {refused} refused");
        assert_eq!(contents(&table).len(), kept);
        assert!(contents(&table).values().all(|value| value == &[1]));
    }

    #[test]
    fn a_visit_goes_on_where_it_stopped_and_a_cleared_table_is_empty() {
        let table = Table::new(shape(Aggregate::Max, 1)).unwrap();
        (0..50).for_each(|key| assert!(table.add(&[key], -5)));
        let (mut place, mut seen) = (0, 0);
        loop {
            let mut room = 7;
            let visited = table.visit(place, &mut |_, _| {
                room -= i32::from(room > 0);
                seen += i32::from(room > 0);
                room > 0
            });
            match visited {
                Some(next) => place = next,
                None => break,
            }
        }
        assert_eq!(seen, 50);
        table.clear();
        assert!(contents(&table).is_empty());
        assert!(table.add(&[3], -9) && contents(&table)[&std::vec![3u64]] == [(-9i64).cast_unsigned()]);
    }

    #[test]
    fn without_a_key_there_is_one_entry() {
        let table = Table::new(shape(Aggregate::Sum, 0)).unwrap();
        (0..10).for_each(|value| assert!(table.add(&[], value)));
        assert_eq!(contents(&table), BTreeMap::from([(Vec::new(), std::vec![45])]));
    }
}
