//! The generic timer: the virtual counter, and the virtual timer of each CPU with a one-shot compare value.
use super::sysreg::{isb, read_sysreg, write_sysreg};
use super::{gic, sysreg};
use crate::platform::device_tree;
use core::sync::atomic::{AtomicU32, Ordering};

/// INTID of the virtual timer; PPI 11 unless the tree says otherwise.
static INTID: AtomicU32 = AtomicU32::new(27);

/// CNTV_CTL_EL0.ENABLE.
const ENABLE: u64 = 1;

/// Finds the interrupt, and makes the boot CPU's timer ready. The rate needs no calibration: firmware tells it in CNTFRQ_EL0.
pub(crate) fn init_boot_cpu() {
    if let Some(number) = device_tree::facts().and_then(|facts| facts.timer) {
        INTID.store(number, Ordering::Relaxed);
    }
    init_this_cpu();
}
/// Makes this CPU's timer ready, without a deadline.
pub(crate) fn init_this_cpu() {
    set_deadline(None);
    gic::enable_private(intid());
}
/// INTID of the timer, for the interrupt path.
#[inline]
pub(super) fn intid() -> u32 {
    INTID.load(Ordering::Relaxed)
}
/// The counter.
#[inline]
pub(crate) fn ticks() -> u64 {
    // Without the barrier the counter may be read ahead of earlier instructions.
    sysreg::isb();
    read_sysreg!("cntvct_el0")
}
/// Its rate.
pub(crate) fn ticks_per_second() -> u64 {
    read_sysreg!("cntfrq_el0")
}
/// Asks for an interrupt when [`ticks`] reaches the deadline.
pub(crate) fn set_deadline(deadline: Option<u64>) {
    match deadline {
        Some(deadline) => {
            // SAFETY: programs this CPU's timer, whose interrupt is handled.
            unsafe { write_sysreg!("cntv_cval_el0", deadline) };
            // SAFETY: as above.
            unsafe { write_sysreg!("cntv_ctl_el0", ENABLE) };
        }
        // SAFETY: switches the timer off.
        None => unsafe { write_sysreg!("cntv_ctl_el0", 0) },
    }
    isb();
}
