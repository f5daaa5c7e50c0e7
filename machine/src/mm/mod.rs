//! Memory: frames with their metadata, the kernel heap, the kernel's own mappings (W^X, guard pages), user page tables,
//! user copies, device windows and DMA memory.
pub mod device;
pub mod frame;
pub(crate) mod kernel_map;
pub mod rights;
pub mod space;
pub mod user_copy;

pub use device::{DmaBuffer, Mmio};
pub use rights::Rights;
pub use frame::{Frame, FrameKind, MemoryCounts, OutOfMemory};
pub use space::{Access, Mapped, SpaceHandle, UserSpace};
pub use user_copy::UserFault;

/// Counts of memory, for /proc/meminfo, sysinfo and leak checks.
pub fn counts() -> MemoryCounts {
    todo!()
}

/// Gives the initial RAM disk's frames to the allocator, once nothing refers to them.
pub fn release_initrd() {
    todo!()
}

/// Registers what to call when the last frames are about to go (page-cache reclaim). It must not sleep on locks that
/// allocation holds; it answers how many frames it freed.
pub fn set_reclaimer(_reclaimer: fn(wanted: usize) -> usize) {
    todo!()
}
