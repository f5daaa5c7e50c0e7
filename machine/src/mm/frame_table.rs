//! The metadata of every frame, and the allocator over it.
//!
//! One [`Slot`] of 16 bytes per frame from the lowest to the highest frame of RAM, in an array at a computable address. For
//! a frame in use the slot holds its reference count and kind; for the first frame of a free block the links of the
//! buddy allocator; for a frame of the heap what the heap needs. Above the buddy allocator each CPU keeps some single
//! frames at hand (`frame_cache`).
//!
//! Invariants: a slot's count is zero exactly while its frame is free, in the boot image, or owned outright by the heap or a stack.
//! Locks: the buddy allocator's (leaf).
use super::failing;
use super::frame::{FrameKind, MemoryCounts, OutOfMemory};
use crate::addr::{PAGE_SHIFT, PAGE_SIZE, PhysAddr};
use crate::boot::PhysRange;
use crate::sync::RawSpin;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use pure::buddy::{Buddy, NONE, Slots};

/// What is known of a frame.
#[repr(C)]
pub(crate) struct Slot {
    /// References to the frame.
    pub(crate) count: AtomicU32,
    /// [`FrameKind`] while in use.
    pub(super) kind: AtomicU8,
    /// Order + 1 if a free block starts here, else 0.
    free_order: AtomicU8,
    /// For the heap: the head of a slab's free list, or the order of a large block.
    pub(super) aux: AtomicU16,
    /// Links: of free blocks, or of a heap class's slabs.
    pub(super) next: AtomicU32,
    pub(super) previous: AtomicU32,
}

const _: () = assert!(size_of::<Slot>() == 16);

/// The array and the first frame it describes.
static SLOTS: AtomicPtr<Slot> = AtomicPtr::new(ptr::null_mut());
static FIRST_FRAME: AtomicU64 = AtomicU64::new(0);
static FRAMES: AtomicUsize = AtomicUsize::new(0);

static BUDDY: RawSpin<Buddy> = RawSpin::new("frames", Buddy::new(0));
/// Frames that the allocator was ever given.
static TOTAL: AtomicUsize = AtomicUsize::new(0);
/// Frames in use by kind.
static USED: [AtomicUsize; 5] = [const { AtomicUsize::new(0) }; 5];
/// Frees frames when there are few: see [`set_reclaimer`].
static RECLAIMER: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());
/// Frames kept back from programs, so that the kernel's own small allocations go on.
static RESERVE: AtomicUsize = AtomicUsize::new(0);
/// Frames free in the allocator, those in per-CPU caches not among them.
static FREE: AtomicUsize = AtomicUsize::new(0);

/// Order of the blocks that one entry of level 1 maps.
pub(super) const BLOCK_ORDER: usize = 9;

/// The links, as the buddy allocator sees them.
struct Table;

impl Slots for Table {
    fn links(&self, frame: u32) -> (u32, u32) {
        let slot = slot(frame);
        (slot.next.load(Ordering::Relaxed), slot.previous.load(Ordering::Relaxed))
    }
    fn set_links(&mut self, frame: u32, next: u32, previous: u32) {
        let slot = slot(frame);
        slot.next.store(next, Ordering::Relaxed);
        slot.previous.store(previous, Ordering::Relaxed);
    }
    fn free_order(&self, frame: u32) -> Option<usize> {
        usize::from(slot(frame).free_order.load(Ordering::Relaxed)).checked_sub(1)
    }
    fn set_free_order(&mut self, frame: u32, order: Option<usize>) {
        slot(frame).free_order.store(order.map_or(0, |order| order as u8 + 1), Ordering::Relaxed);
    }
}

/// The slot of a frame by its number in the array.
#[inline(always)]
pub(crate) fn slot(index: u32) -> &'static Slot {
    debug_assert!((index as usize) < FRAMES.load(Ordering::Relaxed));
    // SAFETY: the array has a slot for each frame the allocator hands out, and lives for ever.
    unsafe { &*SLOTS.load(Ordering::Relaxed).add(index as usize) }
}

/// A frame's number in the array.
#[inline(always)]
pub(crate) fn index_of(addr: PhysAddr) -> u32 {
    ((addr.0 >> PAGE_SHIFT) - FIRST_FRAME.load(Ordering::Relaxed)) as u32
}

/// Where a frame is.
#[inline(always)]
pub(crate) fn addr_of(index: u32) -> PhysAddr {
    PhysAddr((FIRST_FRAME.load(Ordering::Relaxed) + u64::from(index)) << PAGE_SHIFT)
}

/// A frame's first byte in the direct map.
#[inline(always)]
pub(crate) fn memory(index: u32) -> *mut u8 {
    super::kernel_map::direct(addr_of(index))
}

/// Whether the address has a slot: all RAM, and what lies between its stretches.
fn has_slot(addr: PhysAddr) -> bool {
    let frame = addr.0 >> PAGE_SHIFT;
    let first = FIRST_FRAME.load(Ordering::Relaxed);
    frame >= first && frame - first < FRAMES.load(Ordering::Relaxed) as u64
}

/// Runs `body` on the allocator and notes how many frames are free afterwards.
fn with_buddy<R>(body: impl FnOnce(&mut Buddy) -> R) -> R {
    BUDDY.with(|buddy| {
        let result = body(buddy);
        FREE.store(buddy.free_frames(), Ordering::Relaxed);
        result
    })
}

/// Takes 2^`order` frames from the allocator.
pub(crate) fn allocate(order: usize) -> Option<u32> {
    with_buddy(|buddy| buddy.allocate(&mut Table, order))
}

/// Takes the frames of a block for programs, if so many more than `kept` and the reserve are free.
pub(super) fn allocate_block(kept: usize) -> Option<u32> {
    if failing::fails() {
        return None;
    }
    with_buddy(|buddy| {
        let least = RESERVE.load(Ordering::Relaxed) + (1 << BLOCK_ORDER) + kept;
        if buddy.free_frames() < least { None } else { buddy.allocate(&mut Table, BLOCK_ORDER) }
    })
}

/// Gives them back.
pub(crate) fn release(index: u32, order: usize) {
    with_buddy(|buddy| buddy.release(&mut Table, index, order));
}

/// Takes single frames into `room` until it is full or none is left; answers how many.
pub(super) fn allocate_many(room: &mut [u32]) -> usize {
    with_buddy(|buddy| {
        let mut taken = 0;
        while taken < room.len() {
            let Some(frame) = buddy.allocate(&mut Table, 0) else {
                break;
            };
            room[taken] = frame;
            taken += 1;
        }
        taken
    })
}

/// Gives single frames back.
pub(super) fn release_many(frames: &[u32]) {
    with_buddy(|buddy| {
        for &frame in frames {
            buddy.release(&mut Table, frame, 0);
        }
    });
}

/// Whether a frame for this use may be taken now. The last frames are kept for the kernel's own objects, whose allocation
/// has no way to fail everywhere: programs' pages leave the whole reserve alone, page tables and stacks half of it.
#[inline(always)]
pub(super) fn may_take(kind: FrameKind) -> bool {
    let kept = match kind {
        FrameKind::Anonymous | FrameKind::PageCache => RESERVE.load(Ordering::Relaxed),
        FrameKind::PageTable | FrameKind::Kernel => RESERVE.load(Ordering::Relaxed) / 2,
        FrameKind::Dma | FrameKind::Boot => 0,
    };
    !failing::fails() && FREE.load(Ordering::Relaxed) > kept
}

/// Notes that `frames` frames are in use as `kind`, or (negative) no longer.
#[inline(always)]
pub(crate) fn note_used(kind: FrameKind, frames: isize) {
    USED[kind as usize].fetch_add(frames as usize, Ordering::Relaxed);
}

/// See [`super::total_frames`].
pub(super) fn total() -> usize {
    TOTAL.load(Ordering::Relaxed)
}

/// Notes that a frame whose last reference went is free again.
#[inline(always)]
pub(super) fn note_freed(slot: &Slot) {
    if let Some(used) = USED.get(usize::from(slot.kind.load(Ordering::Relaxed))) {
        used.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Asks the reclaimer to free some frames; false if there is none or it freed nothing.
#[cold]
pub(super) fn reclaim(wanted: usize) -> bool {
    let reclaimer = RECLAIMER.load(Ordering::Acquire);
    if reclaimer.is_null() || crate::thread::header::current().handlers.get() != 0 || failing::is_failing() {
        return false;
    }
    // SAFETY: only `set_reclaimer` stores here, a function of this type.
    let reclaimer = unsafe { core::mem::transmute::<*mut (), fn(usize) -> usize>(reclaimer) };
    reclaimer(wanted) > 0
}

/// See [`super::set_reclaimer`].
pub(super) fn set_reclaimer(reclaimer: fn(usize) -> usize) {
    RECLAIMER.store(reclaimer as *mut (), Ordering::Release);
}

/// See [`super::counts`].
pub(super) fn counts() -> MemoryCounts {
    let cached: usize = crate::cpu::each().map(|cpu| cpu.frames.len()).sum();
    MemoryCounts {
        total: TOTAL.load(Ordering::Relaxed),
        free: BUDDY.with(|buddy| buddy.free_frames()) + cached,
        used: core::array::from_fn(|kind| USED[kind].load(Ordering::Relaxed)),
    }
}

/// Builds the table: `ram` are the stretches of RAM, `taken` those not to be handed out. `early_end` bounds what the
/// early direct map reaches: the array must lie below it.
pub(crate) fn init(
    ram: &[PhysRange],
    taken: &[PhysRange],
    early_start: u64,
    early_end: u64,
) -> Result<(), OutOfMemory> {
    let first = ram.iter().map(|range| range.start.0).min().ok_or(OutOfMemory)? >> PAGE_SHIFT;
    let end = ram.iter().map(|range| range.start.0 + range.bytes).max().ok_or(OutOfMemory)? >> PAGE_SHIFT;
    // Aligned down so that the buddy allocator's blocks are aligned in physical memory too.
    let first = first & !((1 << pure::buddy::MAX_ORDER) - 1);
    let frames = usize::try_from(end - first).map_err(|_| OutOfMemory)?;
    let bytes = (frames * size_of::<Slot>()).next_multiple_of(PAGE_SIZE) as u64;
    let place = find_room(ram, taken, bytes, early_start, early_end).ok_or(OutOfMemory)?;
    let slots = super::kernel_map::direct(PhysAddr(place)).cast::<Slot>();
    // SAFETY: free RAM of that length inside the early direct map; all zero is a valid slot.
    unsafe { zero_words(slots.cast(), bytes as usize) };
    SLOTS.store(slots, Ordering::Relaxed);
    FIRST_FRAME.store(first, Ordering::Relaxed);
    FRAMES.store(frames, Ordering::Relaxed);
    let mut total = 0;
    BUDDY.with(|buddy| {
        *buddy = Buddy::new(frames as u32);
        let array = PhysRange { start: PhysAddr(place), bytes };
        for range in ram {
            add_free(buddy, range.start.0, range.start.0 + range.bytes, taken, array, &mut total);
        }
    });
    TOTAL.store(total, Ordering::Relaxed);
    FREE.store(total, Ordering::Relaxed);
    RESERVE.store((total / 64).clamp(32, 1024), Ordering::Relaxed);
    Ok(())
}

/// Adds `start..end` without the parts in `taken` and `array`.
fn add_free(buddy: &mut Buddy, start: u64, end: u64, taken: &[PhysRange], array: PhysRange, total: &mut usize) {
    let page = PAGE_SIZE as u64;
    let mut at = start.next_multiple_of(page);
    let end = end / page * page;
    while at < end {
        // The first taken stretch that ends after `at`.
        let blocking = taken
            .iter()
            .chain(core::iter::once(&array))
            .filter(|range| range.bytes > 0 && range.start.0 + range.bytes > at && range.start.0 < end)
            .min_by_key(|range| range.start.0);
        let (until, after) = match blocking {
            Some(range) => (range.start.0 / page * page, (range.start.0 + range.bytes).next_multiple_of(page)),
            None => (end, end),
        };
        if until > at {
            let (from, to) = (index_of(PhysAddr(at)), index_of(PhysAddr(until)));
            buddy.add(&mut Table, from, to);
            *total += (to - from) as usize;
        }
        at = after.max(at + until.saturating_sub(at));
    }
}

/// Gives stretches of RAM that were taken at boot to the allocator.
pub(super) fn give(range: PhysRange) {
    let page = PAGE_SIZE as u64;
    let start = range.start.0.next_multiple_of(page);
    let end = (range.start.0 + range.bytes) / page * page;
    if start < end && has_slot(PhysAddr(start)) && has_slot(PhysAddr(end - 1)) {
        let (from, to) = (index_of(PhysAddr(start)), index_of(PhysAddr(end)));
        BUDDY.with(|buddy| buddy.add(&mut Table, from, to));
        TOTAL.fetch_add((to - from) as usize, Ordering::Relaxed);
    }
}

/// A free, page-aligned stretch of RAM that avoids `taken`, within the early map.
fn find_room(ram: &[PhysRange], taken: &[PhysRange], bytes: u64, early_start: u64, early_end: u64) -> Option<u64> {
    let page = PAGE_SIZE as u64;
    for range in ram {
        let end = (range.start.0 + range.bytes).min(early_end);
        // Frame zero is never used: a null physical address means none in device structures.
        let mut at = range.start.0.max(early_start).max(page).next_multiple_of(page);
        while at + bytes <= end {
            match taken.iter().find(|t| t.bytes > 0 && t.start.0 < at + bytes && t.start.0 + t.bytes > at) {
                Some(blocking) => at = (blocking.start.0 + blocking.bytes).next_multiple_of(page),
                None => return Some(at),
            }
        }
    }
    None
}

/// Zeroes by words.
///
/// # Safety
/// 1. `to` is 8-byte aligned and valid for writes of `bytes`, a multiple of 64.
#[inline(always)]
pub(super) unsafe fn zero_words(to: *mut u8, bytes: usize) {
    let mut word = to.cast::<u64>();
    // SAFETY: within the caller's range (1).
    unsafe {
        let end = word.add(bytes / 8);
        while word < end {
            word.write(0);
            word.add(1).write(0);
            word.add(2).write(0);
            word.add(3).write(0);
            word.add(4).write(0);
            word.add(5).write(0);
            word.add(6).write(0);
            word.add(7).write(0);
            // Keeps the compiler from making a call to `memset` of this loop.
            core::arch::asm!("", options(nostack, preserves_flags));
            word = word.add(8);
        }
    }
}

/// The end of a list of slots.
pub(super) const END: u32 = NONE;
