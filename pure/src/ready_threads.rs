//! The runnable threads of one CPU in their two classes: real-time ones, which run by fixed priority before all others, and
//! those that share what is left by weight ([`RunQueue`] orders both).
//!
//! Main types: [`Schedule`], how one thread is scheduled; [`ReadyThreads`], those that wait. The machine's scheduler asks
//! [`ReadyThreads::should_switch`] whether the running thread should give way. Like the queues it never allocates while it is used.
//!
//! # Invariants
//! - A waiting real-time thread runs before every sharing one, except while real-time threads have used up their part of the
//!   present second ([`Throttle`]) and a sharing thread waits: nobody can take a CPU away for good.
//! - Real-time threads of one priority run in the order in which they became ready; one that was interrupted by a higher priority
//!   stays the first of its own.
use crate::run_queue::{NORMAL_WEIGHT, RunQueue, RunQueueRoom, virtual_time};

/// Highest real-time priority.
pub const HIGHEST_PRIORITY: u8 = 99;
/// Weight of a thread that is to run only when nothing else wants to (SCHED_IDLE).
pub const IDLE_WEIGHT: u32 = 3;
/// How long a sharing thread runs before another one of the same weight gets its turn.
pub const SHARE_SLICE_NS: u64 = 4_000_000;
/// How long a round-robin thread runs before the next one of its priority.
// LINUX: RR_TIMESLICE, which `sched_rr_get_interval` tells.
pub const ROUND_ROBIN_SLICE_NS: u64 = 100_000_000;
/// The time for which the real-time share is counted, and that share.
// LINUX: sched_rt_period_us and sched_rt_runtime_us.
pub const REAL_TIME_PERIOD_NS: u64 = 1_000_000_000;
/// See [`REAL_TIME_PERIOD_NS`].
pub const REAL_TIME_SHARE_NS: u64 = 950_000_000;

/// How a thread is scheduled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Schedule {
    /// By weight.
    Shared {
        /// Its part relative to others'.
        weight: u32,
        /// Whether it may take the CPU from another one when it wakes.
        may_preempt: bool,
    },
    /// By priority.
    RealTime {
        /// 1 to [`HIGHEST_PRIORITY`].
        priority: u8,
        /// Whether threads of one priority take turns.
        is_round_robin: bool,
    },
}

impl Schedule {
    /// What every thread starts with.
    pub const NORMAL: Schedule = Schedule::Shared { weight: NORMAL_WEIGHT, may_preempt: true };

    /// For comparing with others: 1 for all that share, more for real-time priorities. 0 is free for idle CPUs.
    pub fn rank(self) -> u8 {
        match self {
            Schedule::Shared { .. } => 1,
            Schedule::RealTime { priority, .. } => priority + 1,
        }
    }

    /// How far its virtual clock moves in `ns`: real-time threads have none.
    pub fn virtual_time(self, ns: u64) -> u64 {
        match self {
            Schedule::Shared { weight, .. } => virtual_time(ns, weight),
            Schedule::RealTime { .. } => 0,
        }
    }

    /// Whether it has had its turn after `ns`.
    pub fn is_slice_over(self, ns: u64) -> bool {
        match self {
            Schedule::Shared { .. } => ns >= SHARE_SLICE_NS,
            Schedule::RealTime { is_round_robin, .. } => is_round_robin && ns >= ROUND_ROBIN_SLICE_NS,
        }
    }
}

/// What the question of a switch is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Occasion {
    /// The running thread is in the middle of its slice.
    Tick,
    /// A more deserving thread may have come.
    Arrival,
    /// The slice is over.
    SliceOver,
    /// The running thread offers the CPU.
    Yield,
}

/// Counts what real-time threads use of the present period.
struct Throttle {
    period_start_ns: u64,
    used_ns: u64,
}

/// Runnable threads of one CPU. The running one is not among them.
pub struct ReadyThreads<T> {
    real_time: RunQueue<T>,
    shared: RunQueue<T>,
    throttle: Throttle,
}

/// Storage for [`ReadyThreads`], made where allocation is allowed.
pub struct ReadyRoom<T> {
    real_time: RunQueueRoom<T>,
    shared: RunQueueRoom<T>,
}

impl<T> ReadyRoom<T> {
    /// Room for `count` threads, if there is memory.
    pub fn new(count: usize) -> Option<ReadyRoom<T>> {
        Some(ReadyRoom { real_time: RunQueueRoom::new(count)?, shared: RunQueueRoom::new(count)? })
    }
}

impl<T> ReadyThreads<T> {
    /// None, without room.
    pub const fn new() -> ReadyThreads<T> {
        ReadyThreads {
            real_time: RunQueue::new(),
            shared: RunQueue::new(),
            throttle: Throttle { period_start_ns: 0, used_ns: 0 },
        }
    }

    /// How many fit, whatever their class.
    pub fn capacity(&self) -> usize {
        self.real_time.capacity().min(self.shared.capacity())
    }

    /// Moves all into `room` and answers the old storage, as [`RunQueue::grow`].
    pub fn grow(&mut self, room: ReadyRoom<T>) -> ReadyRoom<T> {
        ReadyRoom { real_time: self.real_time.grow(room.real_time), shared: self.shared.grow(room.shared) }
    }

    /// Threads waiting.
    pub fn len(&self) -> usize {
        self.real_time.len() + self.shared.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The highest [`Schedule::rank`] waiting; 0 for none.
    pub fn highest_rank(&self) -> u8 {
        match self.real_time.least() {
            Some(key) => priority_of(key) + 1,
            None => u8::from(!self.shared.is_empty()),
        }
    }

    /// [`RunQueue::floor`] of those that share.
    pub fn floor(&self) -> u64 {
        self.shared.floor()
    }

    /// The least virtual run time of those that share.
    pub fn least(&self) -> Option<u64> {
        self.shared.least()
    }

    /// Counts `ns` that the running thread has had until `now_ns`, and moves the floor. `virtual_run_time` is its own, moved already.
    #[inline]
    pub fn account(&mut self, schedule: Schedule, ns: u64, virtual_run_time: u64, now_ns: u64) {
        if now_ns - self.throttle.period_start_ns.min(now_ns) >= REAL_TIME_PERIOD_NS {
            self.throttle = Throttle { period_start_ns: now_ns, used_ns: 0 };
        }
        match schedule {
            Schedule::Shared { .. } => self.shared.advance(Some(virtual_run_time)),
            Schedule::RealTime { .. } => self.throttle.used_ns += ns,
        }
    }

    /// Whether those that share go first for now.
    fn is_throttled(&self) -> bool {
        self.throttle.used_ns >= REAL_TIME_SHARE_NS && !self.shared.is_empty()
    }

    /// Whether the running thread should make room.
    pub fn should_switch(&self, running: Schedule, virtual_run_time: u64, occasion: Occasion) -> bool {
        let waiting = self.real_time.least().filter(|_| !self.is_throttled()).map(priority_of);
        match (running, waiting) {
            (Schedule::RealTime { priority, .. }, Some(other)) => {
                other > priority || other == priority && matches!(occasion, Occasion::SliceOver | Occasion::Yield)
            }
            (Schedule::RealTime { .. }, None) => self.is_throttled(),
            (Schedule::Shared { .. }, Some(_)) => true,
            (Schedule::Shared { .. }, None) => match (self.shared.least(), occasion) {
                (None, _) | (_, Occasion::Tick) => false,
                (Some(_), Occasion::Yield) => true,
                (Some(least), _) => least < virtual_run_time,
            },
        }
    }

    /// Whether a thread that has just become ready should take the CPU from the running one at once. The virtual run times are
    /// compared with `granularity_ns` in favour of the running one.
    pub fn is_urgent(&self, new: (Schedule, u64), running: (Schedule, u64), granularity_ns: u64) -> bool {
        match (new.0, running.0) {
            (Schedule::RealTime { priority, .. }, Schedule::RealTime { priority: other, .. }) => {
                priority > other && !self.is_throttled()
            }
            (Schedule::RealTime { .. }, Schedule::Shared { .. }) => !self.is_throttled(),
            (Schedule::Shared { .. }, Schedule::RealTime { .. }) => self.is_throttled(),
            (Schedule::Shared { may_preempt, .. }, Schedule::Shared { .. }) => {
                may_preempt && new.1 + granularity_ns < running.1
            }
        }
    }

    /// Adds a thread; with `is_first` before others of its real-time priority. Answers it back if there is no room.
    pub fn push(&mut self, item: T, schedule: Schedule, virtual_run_time: u64, is_first: bool) -> Result<(), T> {
        match schedule {
            Schedule::Shared { .. } => self.shared.push(item, virtual_run_time),
            Schedule::RealTime { priority, .. } if is_first => self.real_time.push_first(item, key_of(priority)),
            Schedule::RealTime { priority, .. } => self.real_time.push(item, key_of(priority)),
        }
    }

    /// Takes the thread to run next.
    pub fn pop(&mut self) -> Option<T> {
        let queue =
            if self.real_time.is_empty() || self.is_throttled() { &mut self.shared } else { &mut self.real_time };
        queue.pop().map(|(item, _)| item)
    }

    /// Takes a thread that another CPU should run, among those that `fits` accepts: the most urgent real-time one of more than
    /// `above` in rank, else the least urgent of those that share, if that is more.
    pub fn take_for_other(&mut self, above: u8, mut fits: impl FnMut(&T) -> bool) -> Option<T> {
        let taken = self.real_time.take_first(|key| priority_of(key) + 1 > above, &mut fits);
        let taken = match taken {
            None if above < 1 => self.shared.take_last(fits),
            taken => taken,
        };
        taken.map(|(item, _)| item)
    }

    /// Takes the first thread found that `is_it` accepts.
    pub fn remove(&mut self, mut is_it: impl FnMut(&T) -> bool) -> Option<T> {
        let found = self.shared.remove(&mut is_it).or_else(|| self.real_time.remove(&mut is_it));
        found.map(|(item, _)| item)
    }
}

impl<T> Default for ReadyThreads<T> {
    fn default() -> Self {
        ReadyThreads::new()
    }
}

/// Real-time threads are ordered as if what they lack in priority were time they have had.
fn key_of(priority: u8) -> u64 {
    u64::from(HIGHEST_PRIORITY - priority.min(HIGHEST_PRIORITY))
}

fn priority_of(key: u64) -> u8 {
    // CAST: at most `HIGHEST_PRIORITY`, as `key_of` makes it.
    HIGHEST_PRIORITY - key as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const MS: u64 = 1_000_000;

    fn real_time(priority: u8) -> Schedule {
        Schedule::RealTime { priority, is_round_robin: false }
    }

    fn ready() -> ReadyThreads<u32> {
        let mut ready = ReadyThreads::new();
        let _ = ready.grow(ReadyRoom::new(8).expect("the host has memory"));
        ready
    }

    fn order(ready: &mut ReadyThreads<u32>) -> Vec<u32> {
        core::iter::from_fn(|| ready.pop()).collect()
    }

    #[test]
    fn priority_goes_before_share_and_order_before_nothing() {
        let mut ready = ready();
        ready.push(1, Schedule::NORMAL, 0, false).unwrap();
        ready.push(2, real_time(5), 0, false).unwrap();
        ready.push(3, real_time(50), 0, false).unwrap();
        ready.push(4, real_time(5), 0, false).unwrap();
        ready.push(5, real_time(5), 0, true).unwrap();
        ready.push(6, real_time(99), 0, false).unwrap();
        assert_eq!(ready.highest_rank(), 100);
        assert_eq!(ready.len(), 6);
        assert_eq!(order(&mut ready), [6, 3, 5, 2, 4, 1]);
        assert_eq!(ready.highest_rank(), 0);
    }

    #[test]
    fn who_gives_way() {
        let mut ready = ready();
        ready.push(1, real_time(5), 0, false).unwrap();
        assert!(ready.should_switch(Schedule::NORMAL, 0, Occasion::Tick));
        assert!(ready.should_switch(real_time(4), 0, Occasion::Tick));
        assert!(!ready.should_switch(real_time(6), 0, Occasion::Yield));
        assert!(!ready.should_switch(real_time(5), 0, Occasion::Arrival));
        assert!(ready.should_switch(real_time(5), 0, Occasion::SliceOver));
        assert!(ready.should_switch(real_time(5), 0, Occasion::Yield));
        assert_eq!(ready.pop(), Some(1));
        ready.push(2, Schedule::NORMAL, 10, false).unwrap();
        assert!(!ready.should_switch(real_time(1), 99, Occasion::Yield));
        assert!(!ready.should_switch(Schedule::NORMAL, 20, Occasion::Tick));
        assert!(ready.should_switch(Schedule::NORMAL, 20, Occasion::Arrival));
        assert!(!ready.should_switch(Schedule::NORMAL, 5, Occasion::SliceOver));
        assert!(ready.should_switch(Schedule::NORMAL, 5, Occasion::Yield));
    }

    #[test]
    fn round_robin_alone_has_slices_in_real_time() {
        assert!(!real_time(3).is_slice_over(u64::MAX));
        let turns = Schedule::RealTime { priority: 3, is_round_robin: true };
        assert!(turns.is_slice_over(ROUND_ROBIN_SLICE_NS) && !turns.is_slice_over(ROUND_ROBIN_SLICE_NS - 1));
        assert!(Schedule::NORMAL.is_slice_over(SHARE_SLICE_NS));
    }

    #[test]
    fn real_time_leaves_a_twentieth_to_the_others() {
        // A thread that never stops against a sharing one, in ticks of 4 ms for 10 s.
        let (mut ready, mut now) = (ready(), 0);
        let mut had = [0u64; 2];
        let schedules = [real_time(99), Schedule::NORMAL];
        let mut running = 0;
        ready.push(1, schedules[1], 0, false).unwrap();
        while now < 10_000 * MS {
            now += 4 * MS;
            had[running] += 4 * MS;
            ready.account(schedules[running], 4 * MS, 0, now);
            if ready.should_switch(schedules[running], 0, Occasion::Tick) {
                ready.push(running as u32, schedules[running], 0, true).unwrap();
                running = ready.pop().unwrap() as usize;
            }
        }
        let share = had[1] as f64 / (had[0] + had[1]) as f64;
        assert!((0.03..0.07).contains(&share), "{share}");
        // Alone it has everything.
        let mut alone: ReadyThreads<u32> = ReadyThreads::new();
        alone.account(schedules[0], 10_000 * MS, 0, 500 * MS);
        assert!(!alone.should_switch(schedules[0], 0, Occasion::Tick));
    }

    #[test]
    fn other_cpus_take_the_most_urgent_or_the_least() {
        let mut ready = ready();
        ready.push(1, Schedule::NORMAL, 10, false).unwrap();
        ready.push(2, Schedule::NORMAL, 20, false).unwrap();
        ready.push(3, real_time(7), 0, false).unwrap();
        ready.push(4, real_time(9), 0, false).unwrap();
        assert_eq!(ready.take_for_other(10, |_| true), None);
        assert_eq!(ready.take_for_other(1, |item| *item != 4), Some(3));
        assert_eq!(ready.take_for_other(0, |_| true), Some(4));
        assert_eq!(ready.take_for_other(1, |_| true), None);
        assert_eq!(ready.take_for_other(0, |_| true), Some(2));
        assert_eq!(ready.remove(|item| *item == 1), Some(1));
        assert!(ready.is_empty());
    }

    #[test]
    fn urgency() {
        let ready: ReadyThreads<u32> = ReadyThreads::new();
        let batch = Schedule::Shared { weight: NORMAL_WEIGHT, may_preempt: false };
        assert!(ready.is_urgent((Schedule::NORMAL, 5), (Schedule::NORMAL, 20), 10));
        assert!(!ready.is_urgent((Schedule::NORMAL, 15), (Schedule::NORMAL, 20), 10));
        assert!(!ready.is_urgent((batch, 5), (Schedule::NORMAL, 20), 10));
        assert!(ready.is_urgent((real_time(1), 0), (Schedule::NORMAL, 0), 10));
        assert!(!ready.is_urgent((Schedule::NORMAL, 0), (real_time(1), 100), 10));
        assert!(ready.is_urgent((real_time(2), 0), (real_time(1), 0), 10));
        assert!(!ready.is_urgent((real_time(1), 0), (real_time(1), 0), 10));
    }
}
