//! Deadlines of one CPU, soonest first, with cancelling in the middle.
//!
//! [`TimerQueue`] is a binary heap whose items know their place in it ([`Placed`]), so that one can be taken out
//! without a search. Like the run queue it never allocates while it is used: [`TimerQueue::grow`] makes room beforehand.
//!
//! Invariants: the heap order holds between calls; the item at index n says [`Placed::place`] n.
use alloc::vec::Vec;

/// An item that remembers its index in the heap.
pub trait Placed {
    /// Remembers it.
    fn set_place(&self, index: usize);
    /// What was remembered last.
    fn place(&self) -> usize;
}

/// Pending deadlines.
pub struct TimerQueue<T: Placed> {
    heap: Vec<(u64, T)>,
}

impl<T: Placed> TimerQueue<T> {
    /// An empty queue without room.
    pub const fn new() -> TimerQueue<T> {
        TimerQueue { heap: Vec::new() }
    }

    /// How many deadlines fit.
    pub fn capacity(&self) -> usize {
        self.heap.capacity()
    }

    /// Deadlines pending.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether none is pending.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Moves everything into `room` (empty, with more capacity) and answers the old storage.
    pub fn grow(&mut self, mut room: Vec<(u64, T)>) -> Vec<(u64, T)> {
        if room.capacity() > self.heap.capacity() {
            room.append(&mut self.heap);
            core::mem::swap(&mut self.heap, &mut room);
        }
        room
    }

    /// The soonest deadline.
    pub fn soonest(&self) -> Option<u64> {
        self.heap.first().map(|entry| entry.0)
    }

    /// Adds a deadline. Answers the item back if there is no room.
    pub fn push(&mut self, deadline: u64, item: T) -> Result<(), T> {
        if self.heap.len() == self.heap.capacity() {
            return Err(item);
        }
        let index = self.heap.len();
        item.set_place(index);
        self.heap.push((deadline, item));
        self.rise(index);
        Ok(())
    }

    /// Takes the soonest one if its deadline is not after `now`.
    pub fn pop_due(&mut self, now: u64) -> Option<(u64, T)> {
        if self.soonest()? > now {
            return None;
        }
        Some(self.remove_at(0))
    }

    /// Takes out the item that says it is at `index`.
    pub fn remove(&mut self, index: usize) -> Option<(u64, T)> {
        if index >= self.heap.len() {
            return None;
        }
        Some(self.remove_at(index))
    }

    fn remove_at(&mut self, index: usize) -> (u64, T) {
        let entry = self.heap.swap_remove(index);
        if index < self.heap.len() {
            self.heap[index].1.set_place(index);
            self.sink(index);
            self.rise(index);
        }
        entry
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.heap[a].1.set_place(a);
        self.heap[b].1.set_place(b);
    }

    fn rise(&mut self, mut index: usize) {
        while index > 0 {
            let parent = (index - 1) / 2;
            if self.heap[parent].0 <= self.heap[index].0 {
                break;
            }
            self.swap(parent, index);
            index = parent;
        }
    }

    fn sink(&mut self, mut index: usize) {
        loop {
            let mut least = index;
            for child in [2 * index + 1, 2 * index + 2] {
                if child < self.heap.len() && self.heap[child].0 < self.heap[least].0 {
                    least = child;
                }
            }
            if least == index {
                break;
            }
            self.swap(index, least);
            index = least;
        }
    }
}

impl<T: Placed> Default for TimerQueue<T> {
    fn default() -> Self {
        TimerQueue::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::rc::Rc;
    use core::cell::Cell;

    #[derive(Debug)]
    struct Item(Cell<usize>, u32);
    impl Placed for Rc<Item> {
        fn set_place(&self, index: usize) {
            self.0.set(index);
        }
        fn place(&self) -> usize {
            self.0.get()
        }
    }

    #[test]
    fn random_use_agrees_with_a_list() {
        let mut seed = 3u64;
        let mut next = move || {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) as u32
        };
        let mut queue = TimerQueue::new();
        drop(queue.grow(Vec::with_capacity(128)));
        let mut model: Vec<(u64, Rc<Item>)> = Vec::new();
        for step in 0..20_000 {
            match next() % 3 {
                0 if model.len() < 128 => {
                    let item = Rc::new(Item(Cell::new(0), step));
                    // Distinct deadlines keep the model's order definite.
                    let deadline = u64::from(next() % 100) * 20_000 + u64::from(step);
                    queue.push(deadline, item.clone()).unwrap();
                    model.push((deadline, item));
                }
                1 if !model.is_empty() => {
                    let (deadline, item) = model.swap_remove(next() as usize % model.len());
                    let (found, same) = queue.remove(item.place()).unwrap();
                    assert_eq!((found, same.1), (deadline, item.1));
                }
                _ => {
                    let now = u64::from(next() % 100) * 20_000;
                    model.sort_by_key(|entry| entry.0);
                    let expected = model.first().filter(|entry| entry.0 <= now).map(|entry| entry.0);
                    assert_eq!(queue.pop_due(now).map(|entry| entry.0), expected);
                    if expected.is_some() {
                        model.remove(0);
                    }
                }
            }
            assert_eq!(queue.soonest(), model.iter().map(|entry| entry.0).min());
        }
    }

    #[test]
    fn nothing_is_due_early() {
        let mut queue = TimerQueue::new();
        drop(queue.grow(Vec::with_capacity(4)));
        queue.push(10, Rc::new(Item(Cell::new(0), 1))).unwrap();
        assert!(queue.pop_due(9).is_none());
        assert!(queue.pop_due(10).is_some());
    }
}
