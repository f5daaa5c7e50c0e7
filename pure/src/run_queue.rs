//! Who runs next on one CPU: threads ordered by virtual run time, so that each gets its share by weight.
//!
//! [`RunQueue`] is a binary heap on (virtual run time, arrival). It never allocates while it is used: room is made
//! beforehand by [`RunQueue::grow`], because the scheduler calls it with interrupts off. [`weight_of_nice`] and
//! [`virtual_time`] turn Linux's nice values into the speed at which a thread's virtual clock runs.
//!
//! Invariants: the heap order holds between calls; [`RunQueue::floor`] never goes back.
use alloc::vec::Vec;

/// Weight of a thread with nice value 0.
pub const NORMAL_WEIGHT: u32 = 1024;

/// Weights by nice value from -20 to 19: each step is about 25 %, so that one step of nice is 10 % of a shared CPU
/// (the figures are those of Linux's `sched_prio_to_weight`, which programs' behaviour is tuned to).
const WEIGHTS: [u32; 40] = [
    88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904, 3906, 3121, 2501,
    1991, 1586, 1277, 1024, 820, 655, 526, 423, 335, 272, 215, 172, 137, 110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
];

/// The weight of a nice value; values outside -20..=19 count as the nearest inside.
pub fn weight_of_nice(nice: i32) -> u32 {
    WEIGHTS[(nice.clamp(-20, 19) + 20) as usize]
}

/// How far a virtual clock of `weight` moves in `ns` of real time.
pub fn virtual_time(ns: u64, weight: u32) -> u64 {
    if weight == NORMAL_WEIGHT {
        return ns;
    }
    ((u128::from(ns) * u128::from(NORMAL_WEIGHT)) / u128::from(weight.max(1))) as u64
}

struct Entry<T> {
    virtual_run_time: u64,
    /// Negative for those put before all who were there.
    arrival: i64,
    item: T,
}

impl<T> Entry<T> {
    fn key(&self) -> (u64, i64) {
        (self.virtual_run_time, self.arrival)
    }
}

/// Runnable threads of one CPU. The running one is not in it.
pub struct RunQueue<T> {
    heap: Vec<Entry<T>>,
    arrivals: i64,
    /// Those put first so far.
    firsts: i64,
    floor: u64,
}

impl<T> RunQueue<T> {
    /// An empty queue without room.
    pub const fn new() -> RunQueue<T> {
        RunQueue { heap: Vec::new(), arrivals: 0, firsts: 0, floor: 0 }
    }

    /// How many threads fit.
    pub fn capacity(&self) -> usize {
        self.heap.capacity()
    }

    /// Threads waiting.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Moves everything into `room` (an empty vector with more capacity) and answers the old storage for the caller to
    /// free where freeing is allowed.
    pub fn grow(&mut self, mut room: RunQueueRoom<T>) -> RunQueueRoom<T> {
        if room.0.capacity() > self.heap.capacity() {
            room.0.append(&mut self.heap);
            core::mem::swap(&mut self.heap, &mut room.0);
        }
        room
    }

    /// The least virtual run time that anybody here may have: newcomers and sleepers start from it, so that nobody
    /// who stayed away collects a claim to the CPU. Raised by [`advance`](Self::advance).
    pub fn floor(&self) -> u64 {
        self.floor
    }

    /// Raises the floor to the least virtual run time among `running` and those waiting.
    pub fn advance(&mut self, running: Option<u64>) {
        let waiting = self.heap.first().map(|entry| entry.virtual_run_time);
        let least = match (running, waiting) {
            (Some(a), Some(b)) => a.min(b),
            (Some(a), None) => a,
            (None, Some(b)) => b,
            (None, None) => return,
        };
        self.floor = self.floor.max(least);
    }

    /// Adds a thread. Answers it back if there is no room (the caller's bug).
    pub fn push(&mut self, item: T, virtual_run_time: u64) -> Result<(), T> {
        self.arrivals += 1;
        self.insert(item, virtual_run_time, self.arrivals)
    }

    /// The same, before those with the same virtual run time.
    pub fn push_first(&mut self, item: T, virtual_run_time: u64) -> Result<(), T> {
        self.firsts += 1;
        self.insert(item, virtual_run_time, -self.firsts)
    }

    fn insert(&mut self, item: T, virtual_run_time: u64, arrival: i64) -> Result<(), T> {
        if self.heap.len() == self.heap.capacity() {
            return Err(item);
        }
        self.heap.push(Entry { virtual_run_time, arrival, item });
        self.rise(self.heap.len() - 1);
        Ok(())
    }

    /// The virtual run time of the thread that [`pop`](Self::pop) would take.
    pub fn least(&self) -> Option<u64> {
        self.heap.first().map(|entry| entry.virtual_run_time)
    }

    /// Takes the thread that has had least.
    pub fn pop(&mut self) -> Option<(T, u64)> {
        if self.heap.is_empty() {
            return None;
        }
        Some(self.remove_at(0))
    }

    /// Takes the thread least urgent here among those that `fits` accepts: what another CPU should steal.
    pub fn take_last(&mut self, mut fits: impl FnMut(&T) -> bool) -> Option<(T, u64)> {
        let mut best: Option<usize> = None;
        for (index, entry) in self.heap.iter().enumerate() {
            if fits(&entry.item) && best.is_none_or(|b| self.heap[b].key() < entry.key()) {
                best = Some(index);
            }
        }
        best.map(|index| self.remove_at(index))
    }

    /// Takes the thread that has had least among those whose virtual run time `is_meant` and that `fits` accepts.
    pub fn take_first(&mut self, is_meant: impl Fn(u64) -> bool, mut fits: impl FnMut(&T) -> bool) -> Option<(T, u64)> {
        let mut best: Option<usize> = None;
        for (index, entry) in self.heap.iter().enumerate() {
            if is_meant(entry.virtual_run_time)
                && best.is_none_or(|b| self.heap[b].key() > entry.key())
                && fits(&entry.item)
            {
                best = Some(index);
            }
        }
        best.map(|index| self.remove_at(index))
    }

    /// Takes the first thread found that `is_it` accepts.
    pub fn remove(&mut self, mut is_it: impl FnMut(&T) -> bool) -> Option<(T, u64)> {
        let index = self.heap.iter().position(|entry| is_it(&entry.item))?;
        Some(self.remove_at(index))
    }

    fn remove_at(&mut self, index: usize) -> (T, u64) {
        let entry = self.heap.swap_remove(index);
        if index < self.heap.len() {
            self.sink(index);
            self.rise(index);
        }
        (entry.item, entry.virtual_run_time)
    }

    fn rise(&mut self, mut index: usize) {
        while index > 0 {
            let parent = (index - 1) / 2;
            if self.heap[parent].key() <= self.heap[index].key() {
                break;
            }
            self.heap.swap(parent, index);
            index = parent;
        }
    }

    fn sink(&mut self, mut index: usize) {
        loop {
            let mut least = index;
            for child in [2 * index + 1, 2 * index + 2] {
                if child < self.heap.len() && self.heap[child].key() < self.heap[least].key() {
                    least = child;
                }
            }
            if least == index {
                break;
            }
            self.heap.swap(index, least);
            index = least;
        }
    }
}

impl<T> Default for RunQueue<T> {
    fn default() -> Self {
        RunQueue::new()
    }
}

/// Storage for a [`RunQueue`], made where allocation is allowed.
pub struct RunQueueRoom<T>(Vec<Entry<T>>);

impl<T> RunQueueRoom<T> {
    /// Room for `count` threads, if there is memory.
    pub fn new(count: usize) -> Option<RunQueueRoom<T>> {
        let mut storage = Vec::new();
        storage.try_reserve_exact(count).ok()?;
        Some(RunQueueRoom(storage))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(count: usize) -> RunQueue<u32> {
        let mut queue = RunQueue::new();
        let _ = queue.grow(RunQueueRoom::new(count).expect("the host has memory"));
        queue
    }

    #[test]
    fn least_served_runs_first_and_ties_keep_order() {
        let mut queue = queue(8);
        for (item, time) in [(1, 30), (2, 10), (3, 20), (4, 10)] {
            queue.push(item, time).unwrap();
        }
        let order: Vec<u32> = core::iter::from_fn(|| queue.pop().map(|(item, _)| item)).collect();
        assert_eq!(order, [2, 4, 3, 1]);
    }

    #[test]
    fn a_full_queue_gives_the_thread_back() {
        let mut queue = queue(1);
        let room = queue.capacity();
        for item in 0..room as u32 {
            queue.push(item, 0).unwrap();
        }
        assert_eq!(queue.push(99, 0), Err(99));
    }

    #[test]
    fn weights_share_the_cpu() {
        // Two threads, nice 0 and nice 5, run in slices of 1 ms for 10 s: shares are 1024 : 335.
        let weights = [weight_of_nice(0), weight_of_nice(5)];
        let mut queue = queue(2);
        queue.push(0u32, 0).unwrap();
        queue.push(1u32, 0).unwrap();
        let mut ran = [0u64; 2];
        for _ in 0..10_000 {
            let (who, time) = queue.pop().unwrap();
            ran[who as usize] += 1;
            let time = time + virtual_time(1_000_000, weights[who as usize]);
            queue.advance(Some(time));
            queue.push(who, time).unwrap();
        }
        let share = ran[0] as f64 / 10_000.0;
        assert!((share - 1024.0 / 1359.0).abs() < 0.01, "{share}");
    }

    #[test]
    fn the_floor_never_goes_back() {
        let mut queue = queue(4);
        queue.advance(Some(100));
        queue.push(1, 50).unwrap();
        queue.advance(None);
        assert_eq!(queue.floor(), 100);
    }

    #[test]
    fn random_use_agrees_with_a_sorted_list() {
        let mut seed = 7u64;
        let mut next = move || {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) as u32
        };
        let mut queue = queue(64);
        let mut model: Vec<(u64, u64, u32)> = Vec::new();
        let mut arrivals = 0;
        for step in 0..20_000u32 {
            match next() % 4 {
                0 | 1 if model.len() < 64 => {
                    let time = u64::from(next() % 50);
                    arrivals += 1;
                    queue.push(step, time).unwrap();
                    model.push((time, arrivals, step));
                }
                2 => {
                    model.sort();
                    let expected = if model.is_empty() { None } else { Some(model.remove(0).2) };
                    assert_eq!(queue.pop().map(|(item, _)| item), expected);
                }
                _ => {
                    model.sort();
                    let odd = model.iter().rposition(|entry| entry.2 % 2 == 1);
                    let expected = odd.map(|index| model.remove(index).2);
                    assert_eq!(queue.take_last(|item| item % 2 == 1).map(|(item, _)| item), expected);
                }
            }
            assert_eq!(queue.len(), model.len());
        }
    }
}
