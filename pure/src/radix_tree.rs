//! A sparse array indexed by `u64`, as the page cache needs it: short look-ups, no cost for holes,
//! and insertion that fails instead of aborting when memory is short.
//!
//! Main type: [`RadixTree`]. Nodes have 64 slots; the tree is only as high as its largest index needs,
//! so a file of up to 64 pages is one node.
//!
//! # Invariants
//! `height` levels below `root` answer indices below `64^height`; a tree without entries may keep nodes.
use alloc::boxed::Box;
use alloc::vec::Vec;

const SLOT_BITS: u32 = 6;
const SLOTS: usize = 1 << SLOT_BITS;
/// Levels enough for every `u64` index.
const MAX_HEIGHT: u32 = u64::BITS.div_ceil(SLOT_BITS);

/// There was no memory for a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfMemory;

#[derive(Debug)]
enum Node<T> {
    Leaf(Box<[Option<T>]>),
    Branch(Box<[Option<Node<T>>]>),
}

/// A sparse array.
#[derive(Debug)]
pub struct RadixTree<T> {
    root: Option<Node<T>>,
    height: u32,
    count: usize,
}

impl<T> Default for RadixTree<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> RadixTree<T> {
    /// An empty tree; allocates nothing.
    pub const fn new() -> Self {
        RadixTree { root: None, height: 0, count: 0 }
    }

    /// Entries present.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The entry at `index`.
    pub fn get(&self, index: u64) -> Option<&T> {
        if !covers(self.height, index) {
            return None;
        }
        let mut node = self.root.as_ref()?;
        let mut level = self.height;
        loop {
            level -= 1;
            match node {
                Node::Leaf(slots) => return slots[slot(index, 0)].as_ref(),
                Node::Branch(children) => node = children[slot(index, level)].as_ref()?,
            }
        }
    }

    /// Puts `value` at `index`; answers what was there.
    pub fn insert(&mut self, index: u64, value: T) -> Result<Option<T>, OutOfMemory> {
        if self.root.is_none() {
            self.height = 1;
            while !covers(self.height, index) {
                self.height += 1;
            }
            self.root = Some(empty_node(self.height)?);
        }
        while !covers(self.height, index) {
            let mut children = empty_slots()?;
            children[0] = self.root.take();
            self.root = Some(Node::Branch(children));
            self.height += 1;
        }
        let Some(mut node) = self.root.as_mut() else { return Err(OutOfMemory) };
        let mut level = self.height;
        loop {
            level -= 1;
            match node {
                Node::Leaf(slots) => {
                    let old = slots[slot(index, 0)].replace(value);
                    self.count += usize::from(old.is_none());
                    return Ok(old);
                }
                Node::Branch(children) => {
                    let child = &mut children[slot(index, level)];
                    if child.is_none() {
                        *child = Some(empty_node(level)?);
                    }
                    let Some(next) = child.as_mut() else { return Err(OutOfMemory) };
                    node = next;
                }
            }
        }
    }

    /// Takes the entry at `index` out. Nodes stay until [`RadixTree::take_from`] or drop.
    pub fn remove(&mut self, index: u64) -> Option<T> {
        if !covers(self.height, index) {
            return None;
        }
        let mut node = self.root.as_mut()?;
        let mut level = self.height;
        loop {
            level -= 1;
            match node {
                Node::Leaf(slots) => {
                    let old = slots[slot(index, 0)].take();
                    self.count -= usize::from(old.is_some());
                    return old;
                }
                Node::Branch(children) => node = children[slot(index, level)].as_mut()?,
            }
        }
    }

    /// The first entry at or after `index`.
    pub fn next(&self, index: u64) -> Option<(u64, &T)> {
        if !covers(self.height, index) {
            return None;
        }
        next_in(self.root.as_ref()?, self.height, 0, index)
    }

    /// Takes out up to `limit` entries at or after `first`, in order, into `out` (which must have room reserved:
    /// nothing is allocated here). Answers whether there may be more.
    pub fn take_from(&mut self, first: u64, limit: usize, out: &mut Vec<T>) -> bool {
        let mut taken = 0;
        while taken < limit && out.len() < out.capacity() {
            let Some((index, _)) = self.next(first) else {
                if self.count == 0 {
                    self.root = None;
                    self.height = 0;
                }
                return false;
            };
            if let Some(value) = self.remove(index) {
                out.push(value);
            }
            taken += 1;
        }
        self.next(first).is_some()
    }
}

fn covers(height: u32, index: u64) -> bool {
    height >= MAX_HEIGHT || (height > 0 && index >> (height * SLOT_BITS) == 0)
}

fn slot(index: u64, level: u32) -> usize {
    // CAST: masked to SLOTS - 1.
    (index >> (level * SLOT_BITS)) as usize & (SLOTS - 1)
}

fn empty_slots<U>() -> Result<Box<[Option<U>]>, OutOfMemory> {
    let mut slots = Vec::new();
    slots.try_reserve_exact(SLOTS).map_err(|_| OutOfMemory)?;
    slots.resize_with(SLOTS, || None);
    Ok(slots.into_boxed_slice())
}

fn empty_node<T>(height: u32) -> Result<Node<T>, OutOfMemory> {
    if height == 1 { empty_slots().map(Node::Leaf) } else { empty_slots().map(Node::Branch) }
}

/// First entry at or after `from` in a node of `height` whose first index is `base`.
fn next_in<T>(node: &Node<T>, height: u32, base: u64, from: u64) -> Option<(u64, &T)> {
    let level = height - 1;
    let start = if from > base { slot(from, level) } else { 0 };
    for position in start..SLOTS {
        // OVERFLOW: slots of the top level that would overflow hold nothing; the shift loses only zero bits of valid indices.
        let child_base = base | ((position as u64) << (level * SLOT_BITS));
        match node {
            Node::Leaf(slots) => {
                if let Some(value) = slots[position].as_ref() {
                    return Some((child_base, value));
                }
            }
            Node::Branch(children) => {
                if let Some(child) = children[position].as_ref()
                    && let Some(found) = next_in(child, level, child_base, from.max(child_base))
                {
                    return Some(found);
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    #[test]
    fn largest_index_is_usable() {
        let mut tree = RadixTree::new();
        assert_eq!(tree.insert(0, 'a'), Ok(None));
        assert_eq!(tree.insert(u64::MAX, 'z'), Ok(None));
        assert_eq!(tree.get(u64::MAX), Some(&'z'));
        assert_eq!(tree.get(0), Some(&'a'));
        assert_eq!(tree.next(1), Some((u64::MAX, &'z')));
        assert_eq!(tree.remove(u64::MAX), Some('z'));
        assert_eq!(tree.next(1), None);
    }

    proptest! {
        #[test]
        fn behaves_like_a_map(steps in proptest::collection::vec((0u8..4, prop_oneof![0u64..200, any::<u64>()]), 0..200)) {
            let mut tree = RadixTree::new();
            let mut model = BTreeMap::new();
            for (turn, (step, index)) in steps.into_iter().enumerate() {
                match step {
                    0 | 1 => prop_assert_eq!(tree.insert(index, turn), Ok(model.insert(index, turn))),
                    2 => prop_assert_eq!(tree.remove(index), model.remove(&index)),
                    _ => {
                        let mut out = Vec::with_capacity(1000);
                        prop_assert!(!tree.take_from(index, 1000, &mut out));
                        let tail = model.split_off(&index);
                        prop_assert_eq!(out, tail.into_values().collect::<Vec<_>>());
                    }
                }
                prop_assert_eq!(tree.len(), model.len());
                prop_assert_eq!(tree.get(index), model.get(&index));
                prop_assert_eq!(tree.next(index), model.range(index..).next().map(|(&at, value)| (at, value)));
            }
        }
    }
}
