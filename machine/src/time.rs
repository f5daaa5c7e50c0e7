//! Time: the calibrated monotonic clock, the wall clock read once at boot, and timers.
//!
//! Clock: TSC (x86-64; calibrated by CPUID, the hypervisor's leaf, kvmclock or the PIT) or CNTVCT (ARM64).
//! Timers: one queue per CPU, programmed one-shot (TSC deadline or LAPIC; ARM generic timer).
use crate::thread::IrqContext;
use alloc::sync::Arc;

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

/// Now.
pub fn now() -> Instant {
    todo!()
}

/// Nanoseconds from the Unix epoch to boot (Instant zero), from the machine's clock (CMOS, PL031, or the
/// `ochre.epoch=` word of the command line that the tool gives), settable by [`set_wall_clock`].
pub fn wall_clock_offset() -> u64 {
    todo!()
}

/// Sets the wall clock: the offset that [`wall_clock_offset`] answers from now on.
pub fn set_wall_clock(_offset_ns: u64) {
    todo!()
}

/// The raw counter, for trace records and the vDSO.
#[inline]
pub fn ticks() -> u64 {
    todo!()
}

/// Ticks of [`ticks`] per second.
pub fn ticks_per_second() -> u64 {
    todo!()
}

/// Called in interrupt context when a [`Timer`] expires. Must only record and wake.
pub trait Expire: Send + Sync {
    /// The timer armed for `deadline` has expired.
    fn expire(&self, cx: &IrqContext, deadline: Instant);
}

/// A one-shot timer. Dropping it cancels it.
pub struct Timer {
    _private: (),
}

impl Timer {
    /// A timer that is not armed.
    pub fn new(_target: Arc<dyn Expire>) -> Timer {
        todo!()
    }
    /// Arms it, replacing an earlier deadline.
    pub fn arm(&self, _deadline: Instant) {
        todo!()
    }
    /// Cancels it; true if it had been armed and will now not expire.
    pub fn cancel(&self) -> bool {
        todo!()
    }
}

/// The CPU's timer expired, or came early because it cannot count further: run what is due and set the next deadline.
/// Called by the architecture with interrupts off.
#[allow(dead_code)]
pub(crate) fn interrupt() {
    todo!()
}
