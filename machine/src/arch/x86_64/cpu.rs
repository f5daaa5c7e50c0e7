//! One CPU: its tables, its control bits, its interrupt flag.
use crate::cpu::{CpuId, CpuLocal, UserFeatures};

/// The boot CPU's tables, control bits and local pointer. Called once, first.
///
/// # Safety
/// `local` stays valid for ever.
pub(crate) unsafe fn init_boot_cpu(_local: *mut CpuLocal) {
    todo!()
}
/// Makes the tables of another CPU. False: no memory.
///
/// # Safety
/// `local` stays valid for ever; `cpu` is not running.
pub(crate) unsafe fn prepare_cpu(_cpu: CpuId, _local: *mut CpuLocal) -> bool {
    todo!()
}
/// Loads this CPU's tables, sets its control bits and local pointer.
///
/// # Safety
/// Called once, on the CPU `cpu`, after [`prepare_cpu`].
pub(crate) unsafe fn init_this_cpu(_cpu: CpuId) {
    todo!()
}
/// This CPU's local data.
#[inline]
pub(crate) fn local() -> *mut CpuLocal {
    todo!()
}
/// Whether this CPU takes interrupts.
#[inline]
pub(crate) fn interrupts_are_on() -> bool {
    todo!()
}
/// Turns interrupts off; answers whether they were on.
#[inline]
pub(crate) fn interrupts_off() -> bool {
    todo!()
}
/// Turns interrupts on if `were_on`.
#[inline]
pub(crate) fn interrupts_restore(_were_on: bool) {
    todo!()
}
/// Turns interrupts on.
#[inline]
pub(crate) fn interrupts_on() {
    todo!()
}
/// Called with interrupts off: turns them on and waits for one, as one step. Returns with them off.
pub(crate) fn idle_wait() {
    todo!()
}
/// Eases a spinning loop.
#[inline]
pub(crate) fn pause() {
    todo!()
}
/// Stops this CPU for good.
pub(crate) fn halt_forever() -> ! {
    todo!()
}
/// The caller's frame pointer.
#[inline(always)]
pub(crate) fn frame_pointer() -> usize {
    todo!()
}
/// What programs may know of the CPU.
pub(crate) fn user_features() -> UserFeatures {
    todo!()
}
