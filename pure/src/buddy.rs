//! The buddy allocator over a range of frame numbers: blocks of 2^order frames, split on demand and joined when both halves
//! are free. It keeps nothing of its own per frame: links and state live in the caller's [`Slots`].
//!
//! Invariants: a free block of order n starts at a multiple of 2^n and is on the list of order n exactly once, its
//! first slot says so; no two free buddies of the same order exist (except at [`MAX_ORDER`]).

/// Largest order: 2^10 frames are 4 MiB.
pub const MAX_ORDER: usize = 10;
/// The end of a list.
pub const NONE: u32 = u32::MAX;

/// Where the allocator keeps its links: one slot a frame, by frame number relative to the managed range.
pub trait Slots {
    /// The next and previous block of the list that this free block is on.
    fn links(&self, frame: u32) -> (u32, u32);
    /// Changes them.
    fn set_links(&mut self, frame: u32, next: u32, previous: u32);
    /// The order of the free block that starts here, if one does.
    fn free_order(&self, frame: u32) -> Option<usize>;
    /// Says that a free block of `order` starts here, or (`None`) that none does.
    fn set_free_order(&mut self, frame: u32, order: Option<usize>);
}

/// The free lists.
pub struct Buddy {
    heads: [u32; MAX_ORDER + 1],
    frames: u32,
    free: usize,
}

impl Buddy {
    /// Manages frames `0..frames`, none of them free yet.
    pub const fn new(frames: u32) -> Buddy {
        Buddy { heads: [NONE; MAX_ORDER + 1], frames, free: 0 }
    }

    /// Frames free.
    pub fn free_frames(&self) -> usize {
        self.free
    }

    /// Takes 2^`order` frames; answers the first.
    pub fn allocate(&mut self, slots: &mut impl Slots, order: usize) -> Option<u32> {
        let mut from = (order..=MAX_ORDER).find(|&o| self.heads[o] != NONE)?;
        let frame = self.heads[from];
        self.unlink(slots, frame, from);
        while from > order {
            from -= 1;
            self.link(slots, frame + (1 << from), from);
        }
        self.free -= 1 << order;
        Some(frame)
    }

    /// Gives back 2^`order` frames from `frame` on, which was answered by [`allocate`](Self::allocate) or is new.
    pub fn release(&mut self, slots: &mut impl Slots, mut frame: u32, mut order: usize) {
        self.free += 1 << order;
        while order < MAX_ORDER {
            let buddy = frame ^ (1 << order);
            if buddy >= self.frames || slots.free_order(buddy) != Some(order) {
                break;
            }
            self.unlink(slots, buddy, order);
            frame = frame.min(buddy);
            order += 1;
        }
        self.link(slots, frame, order);
    }

    /// Adds the frames `start..end` as free, in the largest blocks that fit.
    pub fn add(&mut self, slots: &mut impl Slots, mut start: u32, end: u32) {
        while start < end {
            let mut order = (start.trailing_zeros() as usize).min(MAX_ORDER);
            while start + (1u32 << order) > end {
                order -= 1;
            }
            self.release(slots, start, order);
            start += 1 << order;
        }
    }

    fn link(&mut self, slots: &mut impl Slots, frame: u32, order: usize) {
        let next = self.heads[order];
        slots.set_links(frame, next, NONE);
        slots.set_free_order(frame, Some(order));
        if next != NONE {
            let (after, _) = slots.links(next);
            slots.set_links(next, after, frame);
        }
        self.heads[order] = frame;
    }

    fn unlink(&mut self, slots: &mut impl Slots, frame: u32, order: usize) {
        let (next, previous) = slots.links(frame);
        slots.set_free_order(frame, None);
        if previous == NONE {
            self.heads[order] = next;
        } else {
            let (_, before) = slots.links(previous);
            slots.set_links(previous, next, before);
        }
        if next != NONE {
            let (after, _) = slots.links(next);
            slots.set_links(next, after, previous);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    struct Table(Vec<(u32, u32, Option<usize>)>);
    impl Slots for Table {
        fn links(&self, frame: u32) -> (u32, u32) {
            (self.0[frame as usize].0, self.0[frame as usize].1)
        }
        fn set_links(&mut self, frame: u32, next: u32, previous: u32) {
            self.0[frame as usize].0 = next;
            self.0[frame as usize].1 = previous;
        }
        fn free_order(&self, frame: u32) -> Option<usize> {
            self.0[frame as usize].2
        }
        fn set_free_order(&mut self, frame: u32, order: Option<usize>) {
            self.0[frame as usize].2 = order;
        }
    }

    #[test]
    fn blocks_never_overlap_and_all_come_back() {
        const FRAMES: u32 = 5000;
        let mut table = Table(vec![(NONE, NONE, None); FRAMES as usize]);
        let mut buddy = Buddy::new(FRAMES);
        buddy.add(&mut table, 3, 1000);
        buddy.add(&mut table, 1010, FRAMES);
        let all = buddy.free_frames();
        assert_eq!(all, 997 + 3990);
        let mut used = vec![false; FRAMES as usize];
        let mut held: Vec<(u32, usize)> = Vec::new();
        let mut seed = 5u64;
        let mut next = move || {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) as usize
        };
        for _ in 0..50_000 {
            if next() % 2 == 0 {
                let order = next() % 6;
                if let Some(frame) = buddy.allocate(&mut table, order) {
                    assert_eq!(frame % (1 << order), 0);
                    for f in frame..frame + (1 << order) {
                        assert!(f >= 3 && !(1000..1010).contains(&f) && !used[f as usize]);
                        used[f as usize] = true;
                    }
                    held.push((frame, order));
                }
            } else if !held.is_empty() {
                let (frame, order) = held.swap_remove(next() % held.len());
                for f in frame..frame + (1 << order) {
                    used[f as usize] = false;
                }
                buddy.release(&mut table, frame, order);
            }
        }
        for (frame, order) in held {
            buddy.release(&mut table, frame, order);
        }
        assert_eq!(buddy.free_frames(), all);
        // Everything joined again: the largest blocks are there as at the start.
        let mut largest = 0;
        while buddy.allocate(&mut table, MAX_ORDER).is_some() {
            largest += 1;
        }
        assert_eq!(largest, 3);
    }
}
