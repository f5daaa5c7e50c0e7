//! Time structures.
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `struct timespec`, 64-bit.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Timespec {
    /// Seconds.
    pub seconds: i64,
    /// Nanoseconds, below 10^9.
    pub nanoseconds: i64,
}

impl Timespec {
    /// From a count of nanoseconds.
    pub const fn from_ns(ns: u64) -> Timespec {
        // CAST: the quotient is below 2^35, the remainder below 10^9.
        Timespec { seconds: (ns / 1_000_000_000) as i64, nanoseconds: (ns % 1_000_000_000) as i64 }
    }
    /// As nanoseconds, saturating; `None` if it is negative or not normalized (EINVAL).
    pub const fn to_ns(self) -> Option<u64> {
        if self.seconds < 0 || self.nanoseconds < 0 || self.nanoseconds >= 1_000_000_000 {
            return None;
        }
        Some((self.seconds as u64).saturating_mul(1_000_000_000).saturating_add(self.nanoseconds as u64))
    }
}

/// `struct timeval`.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Timeval {
    /// Seconds.
    pub seconds: i64,
    /// Microseconds, below 10^6.
    pub microseconds: i64,
}

impl Timeval {
    /// From a count of nanoseconds, rounded down.
    pub const fn from_ns(ns: u64) -> Timeval {
        // CAST: the quotient is below 2^35, the remainder below 10^6.
        Timeval { seconds: (ns / 1_000_000_000) as i64, microseconds: (ns % 1_000_000_000 / 1000) as i64 }
    }
    /// As nanoseconds, saturating; `None` if it is negative or not normalized (EINVAL).
    pub const fn to_ns(self) -> Option<u64> {
        if self.seconds < 0 || self.microseconds < 0 || self.microseconds >= 1_000_000 {
            return None;
        }
        Some((self.seconds as u64).saturating_mul(1_000_000_000).saturating_add(self.microseconds as u64 * 1000))
    }
}

/// `struct timex`: how the wall clock is kept on time.
#[derive(Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Timex {
    /// What to change: `ADJ_*`.
    pub modes: u32,
    /// Nothing.
    pub pad_modes: u32,
    /// Still to be made up, in microseconds.
    pub offset: i64,
    /// Correction of the rate, in parts per million with 16 bits behind the point.
    pub frequency: i64,
    /// Largest error, in microseconds.
    pub most_error: i64,
    /// Estimated error, in microseconds.
    pub estimated_error: i64,
    /// `STA_*`.
    pub status: i32,
    /// Nothing.
    pub pad_status: u32,
    /// Time constant of the control loop.
    pub constant: i64,
    /// Precision of the clock, in microseconds.
    pub precision: i64,
    /// Largest correction of the rate, as `frequency`.
    pub tolerance: i64,
    /// The time, or what to add to it.
    pub time: Timeval,
    /// Microseconds between ticks of 1/100 s.
    pub tick: i64,
    /// Of a signal every second: its frequency, jitter, interval, stability and counts.
    pub pulse: [i64; 8],
    /// Seconds that TAI is ahead of UTC.
    pub tai: i32,
    /// Nothing.
    pub pad: [u32; 11],
}

const _: () = assert!(size_of::<Timex>() == 208);

/// `struct timezone`.
#[derive(Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Timezone {
    /// Minutes west of Greenwich.
    pub minutes_west: i32,
    /// Kind of daylight saving.
    pub dst_time: i32,
}

/// `struct itimerval`.
#[derive(Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Itimerval {
    /// Period.
    pub interval: Timeval,
    /// Time left.
    pub value: Timeval,
}

/// `struct itimerspec`.
#[derive(Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Itimerspec {
    /// Period.
    pub interval: Timespec,
    /// Time left.
    pub value: Timespec,
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn conversions() {
        assert_eq!(Timespec::from_ns(1_500_000_001), Timespec { seconds: 1, nanoseconds: 500_000_001 });
        assert_eq!(Timespec { seconds: -1, nanoseconds: 0 }.to_ns(), None);
        assert_eq!(Timespec { seconds: i64::MAX, nanoseconds: 0 }.to_ns(), Some(u64::MAX));
        assert_eq!(Timeval { seconds: 1, microseconds: 1_000_000 }.to_ns(), None);
    }
}
