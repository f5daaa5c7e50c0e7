//! Time: the calibrated monotonic clock, the wall clock read once at boot, and timers.
//!
//! Clock: TSC (x86-64; calibrated by CPUID, the hypervisor's leaf, kvmclock or the PIT) or CNTVCT (ARM64).
//! Timers: one queue per CPU, programmed one-shot (TSC deadline or LAPIC; ARM generic timer).
mod clock;
mod timer;
pub mod user_page;

pub(crate) use clock::{init, ns_of_ticks};
pub use clock::{now, set_wall_clock, ticks, ticks_per_second, wall_clock_offset};
pub(crate) use timer::{CpuTimers, TimerNode, interrupt, need_tick};
pub use timer::{Expire, Timer};

/// A point on the monotonic clock: nanoseconds since boot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Instant(pub u64);

impl Instant {
    /// `self + ns`, saturating: a time that never comes.
    pub fn after(self, ns: u64) -> Instant {
        Instant(self.0.saturating_add(ns))
    }
    /// Nanoseconds from `earlier` to `self`, zero if it is later.
    pub fn since(self, earlier: Instant) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}
