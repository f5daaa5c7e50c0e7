//! The kernel's own mappings: the direct map of RAM and device windows. For now the early direct map serves both.
#![allow(dead_code)]
use crate::addr::{DIRECT_MAP_BASE, PhysAddr};
use crate::boot::PhysRange;

/// Maps device registers, for ever. `None`: no memory.
pub(crate) fn map_device(range: PhysRange) -> Option<*mut u8> {
    Some(direct(range.start))
}

/// RAM through the direct map.
pub(crate) fn direct(addr: PhysAddr) -> *mut u8 {
    core::ptr::with_exposed_provenance_mut(DIRECT_MAP_BASE + addr.0 as usize)
}
