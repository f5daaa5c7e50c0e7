//! The kernel's own mappings: the image (W^X), the direct map, stacks with guard pages, device windows.
//!
//! | from | what | rights |
//! |---|---|---|
//! | `DIRECT_MAP_BASE` | all RAM, by 2 MiB pages; by 4 KiB pages where the image lies | read, write; the image's code and constants read only |
//! | `DYNAMIC_BASE` | kernel stacks, each above an unmapped guard of the same size | read, write |
//! | `DYNAMIC_BASE` + 256 GiB | device windows; and one of the image's code, mapped only while it changes ([`super::code_window`]) | device; read, write |
//! | `IMAGE_BASE` | the image | code read and execute, constants read, data read and write |
//!
//! After boot mappings are only added, except those of stacks, which come and go: [`unmap_stacks`] flushes. Top-level entries exist from [`build`] on, so that
//! user roots that carry a copy of them stay right.
//!
//! Locks: this file's (leaf, above the frame allocator's).
use super::frame::{FrameKind, OutOfMemory};
use super::rights::Rights;
use super::table::Table;
use super::{frame_cache, frame_table};
use crate::addr::{DIRECT_MAP_BASE, DYNAMIC_BASE, IMAGE_BASE, LARGE_PAGE_SIZE, PAGE_SHIFT, PAGE_SIZE, PhysAddr};
use crate::arch::page_table::{self, Entry};
use crate::boot::PhysRange;
use crate::sync::RawSpin;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

/// Entries of a table.
pub(super) const ENTRIES: usize = 512;
/// Where device windows begin.
const DEVICE_BASE: usize = DYNAMIC_BASE + (256 << 30);

/// Where the next stack and the next device window go.
struct Next {
    stack: usize,
    device: usize,
    /// The window of the image's code; zero until it is needed.
    code: usize,
}

static NEXT: RawSpin<Next> = RawSpin::new("kernel map", Next { stack: DYNAMIC_BASE, device: DEVICE_BASE, code: 0 });
/// The kernel root; zero before [`build`].
static ROOT: AtomicU64 = AtomicU64::new(0);

unsafe extern "C" {
    safe static __text_start: u8;
    safe static __text_end: u8;
    safe static __rodata_start: u8;
    safe static __rodata_end: u8;
    safe static __image_end: u8;
}

/// RAM through the direct map.
#[inline(always)]
pub(crate) fn direct(addr: PhysAddr) -> *mut u8 {
    core::ptr::with_exposed_provenance_mut(DIRECT_MAP_BASE + addr.0 as usize)
}

/// The index of `virt` in a table of `level`.
#[inline(always)]
pub(super) fn index(virt: usize, level: usize) -> usize {
    virt >> (PAGE_SHIFT as usize + 9 * level) & (ENTRIES - 1)
}

/// An entry of the table at `table`.
#[inline(always)]
fn entry(table: PhysAddr, index: usize) -> *mut Entry {
    direct(table).cast::<Entry>().wrapping_add(index)
}

/// Maps one page of `level` in the kernel's tables. The caller is alone (boot) or holds this file's lock.
fn map_page(root: PhysAddr, virt: usize, phys: PhysAddr, rights: Rights, level: usize) -> Result<(), OutOfMemory> {
    let mut table = root;
    for above in (level + 1..4).rev() {
        let place = entry(table, index(virt, above));
        // SAFETY: an entry of a table of the kernel's tree.
        let found = unsafe { place.read() };
        table = if found.is_present() {
            debug_assert!(!found.is_leaf(above), "a large kernel page is never split");
            found.addr()
        } else {
            let new = Table::allocate()?;
            // SAFETY: as above.
            unsafe { place.write(Entry::table(new)) };
            new
        };
    }
    // SAFETY: as above.
    unsafe { entry(table, index(virt, level)).write(Entry::leaf(phys, rights, level)) };
    Ok(())
}

/// Builds the final kernel tables over `ram` for the image at `image`; answers the root.
pub(crate) fn build(ram: &[PhysRange], image: PhysRange) -> Result<PhysAddr, OutOfMemory> {
    let root = Table::allocate()?;
    let address = |symbol: &u8| core::ptr::from_ref(symbol) as usize;
    let text = address(&__text_start)..address(&__text_end);
    let constants = address(&__rodata_start)..address(&__rodata_end);
    let image_end = address(&__image_end);
    let rights_of = |virt: usize| {
        if text.contains(&virt) {
            Rights::KERNEL_CODE
        } else if constants.contains(&virt) {
            Rights::KERNEL_CONSTANT
        } else {
            Rights::KERNEL_DATA
        }
    };
    for virt in (IMAGE_BASE..image_end).step_by(PAGE_SIZE) {
        let phys = PhysAddr(image.start.0 + (virt - IMAGE_BASE) as u64);
        map_page(root, virt, phys, rights_of(virt), 0)?;
    }
    let large = LARGE_PAGE_SIZE as u64;
    let mut done = 0;
    for range in ram {
        let end = (range.start.0 + range.bytes).next_multiple_of(large);
        let mut phys = (range.start.0 / large * large).max(done);
        while phys < end {
            let virt = DIRECT_MAP_BASE + phys as usize;
            if phys < image.start.0 + image.bytes && phys + large > image.start.0 {
                for page in (phys..phys + large).step_by(PAGE_SIZE) {
                    let in_image = (IMAGE_BASE as u64).wrapping_add(page.wrapping_sub(image.start.0)) as usize;
                    let is_image = page >= image.start.0 && page < image.start.0 + image.bytes;
                    let rights = if is_image { rights_of(in_image) } else { Rights::KERNEL_DATA };
                    let rights = Rights { is_executable: false, ..rights };
                    map_page(root, virt + (page - phys) as usize, PhysAddr(page), rights, 0)?;
                }
            } else {
                map_page(root, virt, PhysAddr(phys), Rights::KERNEL_DATA, 1)?;
            }
            phys += large;
        }
        done = done.max(end);
    }
    // The dynamic area's top-level entry, so that it is in every copy of the kernel half.
    let dynamic = Table::allocate()?;
    // SAFETY: an entry of the new root.
    unsafe { entry(root, index(DYNAMIC_BASE, 3)).write(Entry::table(dynamic)) };
    page_table::prepare_kernel_root(root);
    ROOT.store(root.0, Ordering::Release);
    Ok(root)
}

/// The kernel root.
pub(crate) fn root() -> PhysAddr {
    PhysAddr(ROOT.load(Ordering::Relaxed))
}

/// Copies the kernel half's top-level entries into a user root.
pub(super) fn copy_top(user_root: PhysAddr) {
    let root = PhysAddr(ROOT.load(Ordering::Relaxed));
    for top in [index(DIRECT_MAP_BASE, 3), index(DYNAMIC_BASE, 3), index(IMAGE_BASE, 3)] {
        // SAFETY: both are roots; the kernel root's top level never changes.
        unsafe { entry(user_root, top).write(entry(root, top).read()) };
    }
}

/// Takes them out again, before the root's frame is used for something else.
pub(super) fn clear_top(user_root: PhysAddr) {
    for top in [index(DIRECT_MAP_BASE, 3), index(DYNAMIC_BASE, 3), index(IMAGE_BASE, 3)] {
        // SAFETY: a root that no CPU has loaded.
        unsafe { entry(user_root, top).write(Entry::ABSENT) };
    }
}

/// Addresses for a stack of `bytes` above a guard of the same size, never given before; answers the lowest, which is a multiple
/// of `bytes`.
pub(crate) fn stack_addresses(bytes: usize) -> Option<usize> {
    NEXT.with(|next| {
        let base = next.stack + bytes;
        next.stack += 2 * bytes;
        (next.stack <= DEVICE_BASE).then_some(base)
    })
}

/// Maps a stack of `bytes` at `base`, which came from [`stack_addresses`] and is not mapped.
pub(crate) fn map_stack(base: usize, bytes: usize) -> Option<()> {
    let root = PhysAddr(ROOT.load(Ordering::Relaxed));
    for virt in (base..base + bytes).step_by(PAGE_SIZE) {
        // What was mapped before a failure stays: the address is not used again, and memory has run out anyway.
        let frame = frame_cache::allocate(FrameKind::Kernel)?;
        frame_table::slot(frame).kind.store(FrameKind::Kernel as u8, Ordering::Relaxed);
        frame_table::note_used(FrameKind::Kernel, 1);
        NEXT.with(|_| map_page(root, virt, frame_table::addr_of(frame), Rights::KERNEL_DATA, 0)).ok()?;
    }
    page_table::publish();
    Some(())
}

/// Takes the mappings of the stacks of `bytes` at `bases` away, and gives their frames back. False, with nothing done, for want
/// of memory to remember the frames by. Interrupts are on: the other CPUs are asked to forget, and may ask the same.
///
/// # Safety
/// 1. [`map_stack`] has mapped each of them, and nothing runs on or points into them.
pub(crate) unsafe fn unmap_stacks(bases: &[usize], bytes: usize) -> bool {
    let mut frames = Vec::new();
    if frames.try_reserve_exact(bases.len() * bytes / PAGE_SIZE).is_err() {
        return false;
    }
    let root = PhysAddr(ROOT.load(Ordering::Relaxed));
    for virt in bases.iter().flat_map(|&base| (base..base + bytes).step_by(PAGE_SIZE)) {
        frames.push(NEXT.with(|_| unmap_page(root, virt)));
    }
    super::flush::kernel_everywhere();
    for addr in frames {
        let frame = frame_table::index_of(addr);
        frame_table::note_freed(frame_table::slot(frame));
        frame_cache::release(frame);
    }
    true
}

/// Takes the mapping of a 4 KiB page away; answers the frame it had. The caller holds this file's lock.
fn unmap_page(root: PhysAddr, virt: usize) -> PhysAddr {
    let mut table = root;
    for above in (1..4).rev() {
        // SAFETY: an entry of a table of the kernel's tree, where the page is mapped.
        table = unsafe { entry(table, index(virt, above)).read() }.addr();
    }
    let place = entry(table, index(virt, 0));
    // SAFETY: as above.
    let found = unsafe { place.read() };
    assert!(found.is_present(), "a kernel page that is taken away is there");
    // SAFETY: as above.
    unsafe { place.write(Entry::ABSENT) };
    found.addr()
}

/// Maps device registers, for ever; answers where. `None`: no memory.
pub(crate) fn map_device(range: PhysRange) -> Option<*mut u8> {
    let start = range.start.0 / PAGE_SIZE as u64 * PAGE_SIZE as u64;
    let end = (range.start.0.checked_add(range.bytes)?).checked_next_multiple_of(PAGE_SIZE as u64)?;
    let bytes = usize::try_from(end - start).ok()?;
    let root = PhysAddr(ROOT.load(Ordering::Relaxed));
    NEXT.with(|next| {
        let base = next.device;
        // One page stays free after each window, as a guard.
        next.device = base.checked_add(bytes + PAGE_SIZE)?;
        for offset in (0..bytes).step_by(PAGE_SIZE) {
            map_page(root, base + offset, PhysAddr(start + offset as u64), Rights::DEVICE, 0).ok()?;
        }
        page_table::publish();
        Some(core::ptr::with_exposed_provenance_mut(base + (range.start.0 - start) as usize))
    })
}

/// Where the image's code is.
pub(crate) fn code() -> Range<usize> {
    let address = |symbol: &u8| core::ptr::from_ref(symbol) as usize;
    address(&__text_start)..address(&__text_end)
}

/// Where the image's code can be mapped a second time: as many addresses, reserved at the first call.
pub(super) fn code_window() -> Option<usize> {
    NEXT.with(|next| {
        if next.code == 0 {
            let bytes = code().len();
            next.code = next.device;
            next.device = next.device.checked_add(bytes + PAGE_SIZE)?;
        }
        Some(next.code)
    })
}

/// The place of the last level's entry for `virt`; `None`: there is no table for it. The caller holds this file's lock.
fn last_entry(virt: usize) -> Option<*mut Entry> {
    let mut table = PhysAddr(ROOT.load(Ordering::Relaxed));
    for above in (1..4).rev() {
        // SAFETY: an entry of a table of the kernel's tree.
        let found = unsafe { entry(table, index(virt, above)).read() };
        if !found.is_present() {
            return None;
        }
        table = found.addr();
    }
    Some(entry(table, index(virt, 0)))
}

/// Maps the page of the image's code at `virt` once more at `window`, writable: an address of [`code_window`].
pub(super) fn map_code(window: usize, virt: usize) -> Result<(), OutOfMemory> {
    let root = PhysAddr(ROOT.load(Ordering::Relaxed));
    NEXT.with(|_| {
        let place = last_entry(virt).ok_or(OutOfMemory)?;
        // SAFETY: an entry of a table of the kernel's tree: the image is mapped by small pages.
        let phys = unsafe { place.read() }.addr();
        map_page(root, window, phys, Rights::KERNEL_DATA, 0)
    })
}

/// Takes such a mapping away, if it is there. The translation must be forgotten after that.
pub(super) fn unmap_code(window: usize) {
    NEXT.with(|_| {
        if let Some(place) = last_entry(window) {
            // SAFETY: as above.
            unsafe { place.write(Entry::ABSENT) };
        }
    });
}
