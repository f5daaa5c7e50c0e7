//! Memory: frames with their metadata, the kernel heap, the kernel's own mappings (W^X, guard pages), user page tables,
//! user copies, device windows and DMA memory.
//!
//! | file | idea |
//! |---|---|
//! | `frame_table`, `frame_cache`, `frame` | metadata and buddy allocator, frames at hand per CPU, the counted reference |
//! | `heap` | size classes, magazines, the global allocator |
//! | `kernel_map`, `code_window` | the kernel's own mappings, and a second one of its code while that changes |
//! | `space`, `space_handle`, `table`, `block`, `flush`, `asid` | user page tables, who has them loaded, 2 MiB pages, forgetting translations |
//! | `user_copy` | between kernel and user memory |
//! | `device` | device windows and shared memory |
//! | `failing` | allocations that fail on purpose, in the checked kernel |
mod asid;
mod block;
pub(crate) mod code_window;
pub mod device;
pub mod failing;
mod flush;
pub mod frame;
pub(crate) mod frame_cache;
pub(crate) mod frame_table;
pub(crate) mod heap;
pub(crate) mod kernel_map;
pub mod rights;
pub mod space;
pub(crate) mod space_handle;
mod table;
pub mod user_copy;

pub use block::{BLOCK_BYTES, mapped_blocks};
pub use device::{DmaBuffer, Mmio};
pub use frame::{Frame, FrameKind, MemoryCounts, OutOfMemory};
pub use rights::Rights;
pub use space::{Access, Mapped, SpaceHandle, UserSpace};
pub use user_copy::UserFault;

/// Counts of memory, for /proc/meminfo, sysinfo and leak checks.
pub fn counts() -> MemoryCounts {
    frame_table::counts()
}

/// Usable frames in all: [`MemoryCounts::total`] without the other counts.
pub fn total_frames() -> usize {
    frame_table::total()
}

/// Whether the kernel has room for new objects. False when only the last frames are left, which are for what is under way
/// already: whoever makes objects at a program's request asks first, for small allocations themselves do not fail before that.
#[inline]
pub fn has_room() -> bool {
    frame_table::may_take(FrameKind::Kernel)
}

/// Whether a frame for a program's page can be had.
pub fn has_room_for_programs() -> bool {
    frame_table::may_take(FrameKind::Anonymous)
}

/// Gives the initial RAM disk's frames to the allocator, once nothing refers to them. Not if any is mapped as it lies.
pub fn release_initrd() {
    if let Some(range) = crate::boot::info().initrd
        && frame::close_boot()
    {
        frame_table::give(range);
    }
}

/// Registers what to call when the last frames are about to go (page-cache reclaim). It must not sleep on locks that
/// allocation holds; it answers how many frames it freed.
pub fn set_reclaimer(reclaimer: fn(wanted: usize) -> usize) {
    frame_table::set_reclaimer(reclaimer);
}
