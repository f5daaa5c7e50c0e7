//! The time-stamp counter and the local APIC's timer.

/// Calibrates the counter.
pub(crate) fn init_boot_cpu() {
    todo!()
}
/// Makes this CPU's timer ready, without a deadline.
pub(crate) fn init_this_cpu() {
    todo!()
}
/// The counter.
#[inline]
pub(crate) fn ticks() -> u64 {
    todo!()
}
/// Its rate.
pub(crate) fn ticks_per_second() -> u64 {
    todo!()
}
/// Asks for an interrupt when [`ticks`] reaches the deadline. It may come early.
pub(crate) fn set_deadline(_deadline: Option<u64>) {
    todo!()
}
