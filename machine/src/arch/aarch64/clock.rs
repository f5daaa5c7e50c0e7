//! The wall clock: a PL031, read once at boot.
use super::boot;
use crate::platform::device_tree;

/// Seconds since the Unix epoch, if a clock answers.
pub(crate) fn wall_clock_seconds() -> Option<u64> {
    let window = device_tree::facts()?.clock?;
    let data_register = boot::map_device(window)? as *const u32;
    // SAFETY: RTCDR at offset 0 of the mapped PL031.
    Some(u64::from(unsafe { data_register.read_volatile() }))
}
