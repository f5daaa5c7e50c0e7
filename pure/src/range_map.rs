//! A map from ranges of addresses to values: the areas (VMAs) of an address space.
//!
//! [`RangeMap`] keeps disjoint, non-empty ranges in order of address in one vector: a process has tens of areas, so a
//! binary search over contiguous memory beats a tree, and a copy for fork is one pass. Neighbours whose values
//! continue each other ([`Area::continues`]) are always joined.
//!
//! Who calls it: `kernel/src/mm`, under the address space's lock. Every operation that may need memory says so first:
//! after [`RangeMap::reserve`] of [`SPLIT_SLOTS`] entries, one change cannot fail, so callers check first and then
//! change with steps that cannot fail.
//!
//! # Invariants
//! Ranges are non-empty, disjoint, sorted; no two touching neighbours continue each other.
use alloc::vec::Vec;
use core::ops::Range;

/// Entries that one [`RangeMap::insert`], [`RangeMap::remove`] or [`RangeMap::update`] may add at most: both ends of the range
/// can lie inside an area.
pub const SPLIT_SLOTS: usize = 2;

/// What a range can be mapped to.
pub trait Area: Clone {
    /// The value for the part of the range that begins `bytes` further on.
    fn advance(&mut self, bytes: usize);
    /// Whether `next`, directly after a range of `bytes` with value `self`, is the same area going on.
    fn continues(&self, bytes: usize, next: &Self) -> bool;
    /// Takes over what `next`, which continues `self`, knows beyond that: called when the two are joined.
    fn absorb(&mut self, _next: &Self) {}
    /// Bytes below the range that [`RangeMap::find_gap`] keeps free (the guard gap of a stack).
    fn guard_bytes(&self) -> usize {
        0
    }
}

/// One range and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<V> {
    /// First address.
    pub start: usize,
    /// First address after it.
    pub end: usize,
    /// What is there.
    pub value: V,
}

impl<V> Entry<V> {
    /// Length of the range.
    pub fn bytes(&self) -> usize {
        self.end - self.start
    }
}

impl<V: Area> Entry<V> {
    /// Start of the guard gap below the range, or of the range if it has none.
    fn guarded_start(&self) -> usize {
        self.start.saturating_sub(self.value.guard_bytes())
    }
}

/// No memory for another entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMemory;

/// Disjoint ranges in order. See the module's text.
#[derive(Clone, Debug)]
pub struct RangeMap<V> {
    entries: Vec<Entry<V>>,
}

impl<V> Default for RangeMap<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> RangeMap<V> {
    /// An empty map.
    pub const fn new() -> Self {
        RangeMap { entries: Vec::new() }
    }

    /// Entries in order of address.
    pub fn entries(&self) -> &[Entry<V>] {
        &self.entries
    }

    /// Makes room for `more` entries.
    pub fn reserve(&mut self, more: usize) -> Result<(), NoMemory> {
        self.entries.try_reserve(more).map_err(|_| NoMemory)
    }

    /// Index of the first entry that ends after `addr`: the one that holds `addr`, or the next above.
    pub fn index_from(&self, addr: usize) -> usize {
        self.entries.partition_point(|entry| entry.end <= addr)
    }

    /// The entry that holds `addr`.
    pub fn find(&self, addr: usize) -> Option<&Entry<V>> {
        self.entries.get(self.index_from(addr)).filter(|entry| entry.start <= addr)
    }

    /// The same, to change its value. The caller must not make it continue a neighbour.
    pub fn find_mut(&mut self, addr: usize) -> Option<&mut Entry<V>> {
        let index = self.index_from(addr);
        self.entries.get_mut(index).filter(|entry| entry.start <= addr)
    }

    /// Entries that have an address in common with `range`.
    pub fn overlapping(&self, range: Range<usize>) -> &[Entry<V>] {
        let first = self.index_from(range.start);
        let count = if range.is_empty() { 0 } else { self.entries[first..].partition_point(|e| e.start < range.end) };
        &self.entries[first..first + count]
    }

    /// Whether every address of `range` belongs to an entry.
    pub fn covers(&self, range: Range<usize>) -> bool {
        let mut at = range.start;
        for entry in self.overlapping(range.clone()) {
            if entry.start > at {
                return false;
            }
            at = entry.end;
        }
        at >= range.end
    }

    /// Whether no address of `range` belongs to an entry.
    pub fn is_free(&self, range: Range<usize>) -> bool {
        self.overlapping(range).is_empty()
    }
}

impl<V: Area> RangeMap<V> {
    /// Adds a range where nothing is. Room for one entry must have been reserved.
    ///
    /// # Panics
    /// If the range is empty or not free: the caller's bug.
    pub fn insert(&mut self, range: Range<usize>, value: V) {
        assert!(range.start < range.end, "insert of an empty range at {:#x}", range.start);
        let index = self.index_from(range.start);
        assert!(
            self.entries.get(index).is_none_or(|entry| entry.start >= range.end),
            "insert over an entry at {:#x}",
            range.start
        );
        if let Some(before) = index.checked_sub(1).and_then(|i| self.entries.get_mut(i))
            && before.end == range.start
            && before.value.continues(before.end - before.start, &value)
        {
            before.end = range.end;
            before.value.absorb(&value);
            self.join(index - 1);
            return;
        }
        self.entries.insert(index, Entry { start: range.start, end: range.end, value });
        self.join(index);
    }

    /// Takes `range` out, cutting entries at its ends, and hands each piece to `removed`.
    pub fn remove(&mut self, range: Range<usize>, mut removed: impl FnMut(Entry<V>)) {
        if range.start >= range.end {
            return;
        }
        let (first, after) = self.isolate(range);
        for entry in self.entries.drain(first..after) {
            removed(entry);
        }
    }

    /// Changes the value of every piece of `range` that belongs to an entry, cutting entries at its ends.
    pub fn update(&mut self, range: Range<usize>, mut change: impl FnMut(Range<usize>, &mut V)) {
        if range.start >= range.end {
            return;
        }
        let (first, after) = self.isolate(range);
        for entry in &mut self.entries[first..after] {
            change(entry.start..entry.end, &mut entry.value);
        }
        // From the back, so that indices below stay valid while entries are joined.
        for index in (first.saturating_sub(1)..after).rev() {
            self.join(index);
        }
    }

    /// Moves the start of the entry that begins at `start` down to `new_start` (a stack that grows).
    ///
    /// # Panics
    /// If there is no such entry or the space below is taken.
    pub fn extend_down(&mut self, start: usize, new_start: usize) {
        let index = self.index_from(start);
        let floor = index.checked_sub(1).map_or(0, |i| self.entries[i].end);
        let entry = &mut self.entries[index];
        assert!(entry.start == start && new_start <= start && new_start >= floor, "bad growth of {start:#x}");
        entry.start = new_start;
    }

    /// The highest free `bytes` whose start is a multiple of `align` (a power of two) within `bounds`, keeping each
    /// entry's guard gap free.
    pub fn find_gap(&self, bytes: usize, bounds: Range<usize>, align: usize) -> Option<usize> {
        let mut index = self.entries.partition_point(|entry| entry.start < bounds.end);
        let above = self.entries.get(index);
        let mut ceiling = above.map_or(bounds.end, |entry| bounds.end.min(entry.guarded_start()));
        loop {
            // The free room below `ceiling` and above the entry before `index`.
            let below = index.checked_sub(1).map(|i| &self.entries[i]);
            let floor = below.map_or(bounds.start, |entry| entry.end.max(bounds.start));
            if let Some(start) = ceiling.checked_sub(bytes).map(|start| start & !(align - 1))
                && start >= floor
            {
                return Some(start);
            }
            let below = below?;
            if below.end <= bounds.start {
                return None;
            }
            ceiling = below.guarded_start();
            index -= 1;
        }
    }

    /// Cuts entries so that `range` begins and ends at entry bounds; answers the indices of the entries inside.
    fn isolate(&mut self, range: Range<usize>) -> (usize, usize) {
        self.cut(range.start);
        self.cut(range.end);
        let first = self.index_from(range.start);
        let after = first + self.entries[first..].partition_point(|entry| entry.start < range.end);
        (first, after)
    }

    /// Cuts the entry that holds `at` in two there, unless it begins there.
    fn cut(&mut self, at: usize) {
        let index = self.index_from(at);
        let Some(entry) = self.entries.get_mut(index) else { return };
        if entry.start >= at {
            return;
        }
        let mut upper = entry.clone();
        upper.value.advance(at - entry.start);
        upper.start = at;
        entry.end = at;
        self.entries.insert(index + 1, upper);
    }

    /// Joins the entry at `index` with the one after it if that continues it.
    fn join(&mut self, index: usize) {
        let [entry, next, ..] = &self.entries[index.min(self.entries.len())..] else { return };
        if entry.end == next.start && entry.value.continues(entry.end - entry.start, &next.value) {
            let next = self.entries.remove(index + 1);
            self.entries[index].end = next.end;
            self.entries[index].value.absorb(&next.value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A file-like value: a name and the offset of its first byte.
    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Piece {
        name: u8,
        offset: usize,
    }
    impl Area for Piece {
        fn advance(&mut self, bytes: usize) {
            self.offset += bytes;
        }
        fn continues(&self, bytes: usize, next: &Self) -> bool {
            self.name == next.name && self.offset + bytes == next.offset
        }
        fn guard_bytes(&self) -> usize {
            if self.name == 9 { 3 } else { 0 }
        }
    }

    const SPACE: usize = 64;

    #[derive(Clone, Debug)]
    enum Step {
        Insert(Range<usize>, u8, usize),
        Remove(Range<usize>),
        Rename(Range<usize>, u8),
    }

    fn range() -> impl Strategy<Value = Range<usize>> {
        (0..SPACE, 0..20usize).prop_map(|(start, bytes)| start..(start + bytes).min(SPACE))
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (range(), 0..4u8, 0..3usize).prop_map(|(r, n, o)| Step::Insert(r, n, o)),
            range().prop_map(Step::Remove),
            (range(), 0..4u8).prop_map(|(r, n)| Step::Rename(r, n)),
        ]
    }

    fn check_invariants(map: &RangeMap<Piece>) {
        for entry in map.entries() {
            assert!(entry.start < entry.end);
        }
        for pair in map.entries().windows(2) {
            assert!(pair[0].end <= pair[1].start);
            assert!(pair[0].end < pair[1].start || !pair[0].value.continues(pair[0].bytes(), &pair[1].value));
        }
    }

    proptest! {
        /// Against a plain array with one cell an address.
        #[test]
        fn behaves_like_an_array(steps in proptest::collection::vec(step(), 0..60)) {
            let mut map = RangeMap::new();
            let mut model: [Option<Piece>; SPACE] = core::array::from_fn(|_| None);
            for step in steps {
                map.reserve(SPLIT_SLOTS).unwrap();
                let room = map.entries.capacity();
                match step {
                    Step::Insert(range, name, offset) => {
                        let is_free = model[range.clone()].iter().all(Option::is_none);
                        prop_assert_eq!(map.is_free(range.clone()), is_free || range.is_empty());
                        if is_free && !range.is_empty() {
                            for (distance, cell) in model[range.clone()].iter_mut().enumerate() {
                                *cell = Some(Piece { name, offset: offset + distance });
                            }
                            map.insert(range, Piece { name, offset });
                        }
                    }
                    Step::Remove(range) => {
                        let mut removed = 0;
                        map.remove(range.clone(), |entry| removed += entry.bytes());
                        let cells = &mut model[range];
                        prop_assert_eq!(removed, cells.iter().flatten().count());
                        cells.fill(None);
                    }
                    Step::Rename(range, name) => {
                        map.update(range.clone(), |_, value| value.name = name);
                        for cell in model[range].iter_mut().flatten() {
                            cell.name = name;
                        }
                    }
                }
                prop_assert_eq!(map.entries.capacity(), room, "one change fits into the reserve");
                check_invariants(&map);
                for (addr, cell) in model.iter().enumerate() {
                    let found = map.find(addr).map(|entry| {
                        let mut value = entry.value.clone();
                        value.advance(addr - entry.start);
                        value
                    });
                    prop_assert_eq!(&found, cell);
                }
            }
        }

        /// The gap found is free, aligned, and no higher one exists.
        #[test]
        fn finds_the_highest_gap(
            taken in proptest::collection::vec((0..SPACE, 1..6usize, prop_oneof![Just(1u8), Just(9u8)]), 0..8),
            bytes in 1..10usize, low in 0..20usize, high in 30..=SPACE, align_log in 0..3u32,
        ) {
            let mut map = RangeMap::new();
            for (start, length, name) in taken {
                if map.is_free(start..start + length) {
                    map.insert(start..start + length, Piece { name, offset: 7 * start });
                }
            }
            let align = 1 << align_log;
            // A guard gap ends at the next entry below it.
            let fits = |start: usize| {
                let above = map.entries().iter().find(|entry| entry.start >= start);
                start >= low && start + bytes <= high && start.is_multiple_of(align)
                    && map.is_free(start..start + bytes)
                    && above.is_none_or(|entry| entry.guarded_start() >= start + bytes)
            };
            let expected = (0..SPACE).rev().find(|start| fits(*start));
            prop_assert_eq!(map.find_gap(bytes, low..high, align), expected);
        }
    }

    #[test]
    fn neighbours_that_continue_are_joined() {
        let mut map = RangeMap::new();
        map.insert(0..4, Piece { name: 1, offset: 10 });
        map.insert(8..12, Piece { name: 1, offset: 18 });
        map.insert(4..8, Piece { name: 1, offset: 14 });
        assert_eq!(map.entries(), [Entry { start: 0, end: 12, value: Piece { name: 1, offset: 10 } }]);
        assert!(map.covers(1..12) && !map.covers(1..13));
    }
}
