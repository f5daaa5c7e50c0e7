//! When a timer expires: once or periodically, on any clock that counts nanoseconds.
//!
//! Main type: [`Schedule`]. Kernel timers keep one and tell it the time; nothing here reads a clock. Expirations nobody looked
//! at are counted when somebody does, so a periodic timer costs nothing between two looks.
//!
//! Invariant: while set, `deadline` is the first expiration that has not been taken.

/// A deadline and perhaps a period.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Schedule {
    deadline: Option<u64>,
    interval: u64,
}

impl Schedule {
    /// One that never expires.
    pub const OFF: Schedule = Schedule { deadline: None, interval: 0 };

    /// Expires at `deadline` and then every `interval`; once if that is zero.
    pub const fn at(deadline: u64, interval: u64) -> Schedule {
        Schedule { deadline: Some(deadline), interval }
    }

    /// One that never expires but tells a period.
    pub const fn stopped(interval: u64) -> Schedule {
        Schedule { deadline: None, interval }
    }

    /// The next expiration not taken yet; `None` if there will be none.
    pub const fn deadline(&self) -> Option<u64> {
        self.deadline
    }

    /// The period; zero for once. A timer that has expired for good still tells it.
    pub const fn interval(&self) -> u64 {
        self.interval
    }

    /// Whether an expiration waits to be taken at `now`.
    pub fn is_due(&self, now: u64) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// Time until the deadline; zero only if none is set, for an overdue one is about to be served.
    pub fn remaining(&self, now: u64) -> u64 {
        self.deadline.map_or(0, |deadline| deadline.saturating_sub(now).max(1))
    }

    /// Takes the expirations up to `now` and answers how many they are. A periodic one goes on, the other is over.
    pub fn take(&mut self, now: u64) -> u64 {
        let Some(deadline) = self.deadline.filter(|&deadline| deadline <= now) else { return 0 };
        if self.interval == 0 {
            self.deadline = None;
            return 1;
        }
        let passed = (now - deadline) / self.interval + 1;
        // OVERFLOW: the sum may pass the end of time, which is never reached.
        self.deadline = Some(deadline.saturating_add(self.interval.saturating_mul(passed)));
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once() {
        let mut schedule = Schedule::at(100, 0);
        assert_eq!((schedule.remaining(40), schedule.take(99)), (60, 0));
        assert_eq!((schedule.remaining(100), schedule.remaining(500)), (1, 1));
        assert_eq!((schedule.take(250), schedule.take(300)), (1, 0));
        assert_eq!((schedule.remaining(300), schedule.deadline()), (0, None));
    }

    #[test]
    fn periods_are_counted_and_keep_their_phase() {
        let mut schedule = Schedule::at(10, 7);
        assert_eq!(schedule.take(9), 0);
        assert_eq!(schedule.take(10), 1);
        assert_eq!(schedule.deadline(), Some(17));
        assert_eq!(schedule.take(17 + 7 * 3 + 6), 4);
        assert_eq!(schedule.deadline(), Some(17 + 7 * 4));
    }

    #[test]
    fn agrees_with_counting_one_by_one() {
        let mut seed = 9u64;
        let mut next = move || {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            seed >> 40
        };
        for _ in 0..1000 {
            let (start, interval) = (next() % 1000, next() % 50 + 1);
            let mut schedule = Schedule::at(start, interval);
            let (mut expected, mut now) = (start, 0);
            for _ in 0..20 {
                now += next() % 200;
                let mut count = 0;
                while expected <= now {
                    expected += interval;
                    count += 1;
                }
                assert_eq!((schedule.take(now), schedule.deadline()), (count, Some(expected)));
            }
        }
    }

    #[test]
    fn the_end_of_time_is_not_passed() {
        let mut schedule = Schedule::at(u64::MAX - 1, u64::MAX);
        assert_eq!(schedule.take(u64::MAX), 1);
        assert_eq!(schedule.deadline(), Some(u64::MAX));
    }
}
