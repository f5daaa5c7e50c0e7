//! Records of several CPUs in the order of time.
//!
//! Each CPU's records come in order, but one CPU's later than another's. After it has asked every ring the guest sends a mark: the time at which
//! it began to. Everything older has come by then, so it can go on in order; the rest waits for the next mark.
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use wire::trace::Record;

/// What waits: by time, then in the order in which it came, which for one CPU is that of its ring.
#[derive(Debug, Default)]
pub(crate) struct Merger {
    waiting: BinaryHeap<Reverse<Waiting>>,
    taken: u64,
}

#[derive(Debug)]
struct Waiting {
    ticks: u64,
    order: u64,
    record: Record,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Waiting) -> std::cmp::Ordering {
        (self.ticks, self.order).cmp(&(other.ticks, other.order))
    }
}
impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Waiting) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Waiting {
    fn eq(&self, other: &Waiting) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Waiting {}

impl Merger {
    /// A record came.
    pub(crate) fn push(&mut self, record: Record) {
        self.waiting.push(Reverse(Waiting { ticks: record.ticks, order: self.taken, record }));
        self.taken += 1;
    }

    /// The oldest record if it is older than `before`.
    pub(crate) fn pop(&mut self, before: u64) -> Option<Record> {
        if self.waiting.peek()?.0.ticks >= before {
            return None;
        }
        self.waiting.pop().map(|Reverse(waiting)| waiting.record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::trace::{Head, MAX_ARGUMENTS};

    fn record(ticks: u64, cpu: u8) -> Record {
        Record { ticks, head: Head { probe: 1, cpu, arguments: 0, thread: 0 }, arguments: [0; MAX_ARGUMENTS] }
    }

    #[test]
    fn what_is_older_than_the_mark_comes_in_order() {
        let mut merger = Merger::default();
        for (ticks, cpu) in [(10, 0), (30, 0), (5, 1), (20, 1), (40, 1)] {
            merger.push(record(ticks, cpu));
        }
        let mut until = |mark| std::iter::from_fn(|| merger.pop(mark)).map(|record| record.ticks).collect::<Vec<_>>();
        assert_eq!(until(25), [5, 10, 20]);
        assert_eq!(until(25), [0; 0]);
        assert_eq!(until(u64::MAX), [30, 40]);
    }

    #[test]
    fn equal_times_keep_the_order_of_their_ring() {
        let mut merger = Merger::default();
        for thread in 0..100 {
            let mut same = record(7, 0);
            same.head.thread = thread;
            merger.push(same);
        }
        let threads: Vec<u32> = std::iter::from_fn(|| merger.pop(8)).map(|record| record.head.thread).collect();
        assert!(threads.is_sorted() && threads.len() == 100);
    }
}
