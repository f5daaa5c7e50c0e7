//! Blocks: 2 MiB of a program's memory that one entry of level 1 maps.
//!
//! A block is 512 frames side by side, each with a count of its own as any other frame, and the entry owns one count of each. So a
//! block can be split at any time, by writing the 512 leaves that mean the same. The table for them is put aside when the block is
//! mapped, so splitting needs no memory and cannot fail; which one it is stands in the slot of the block's first frame.
//!
//! Blocks are mapped whole, unmapped whole, and read. Whatever else is done to a part of one or to its rights splits it first
//! ([`UserSpace::split`]): a protection, a copy on write, fork's sharing, a move.
//!
//! An entry goes from block to table, or back, only by way of absent, with a flush in between (Arm calls it break-before-make; on x86-64
//! a processor must not find two sizes for an address).
use super::flush::Flush;
use super::frame::{Frame, FrameKind};
use super::frame_table;
use super::kernel_map::{self, ENTRIES};
use super::space::{Access, UserSpace};
use super::space_handle::{LEAF_SPAN, Place};
use super::table::Table;
use crate::addr::{PhysAddr, UserAddr};
use crate::arch::page_table::{self, Entry};
use crate::defect::{self, Defect};
use crate::thread::CurrentThread;
use crate::trace::{self, Counter};
use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of a block.
pub const BLOCK_BYTES: usize = LEAF_SPAN;

const _: () = assert!(1 << frame_table::BLOCK_ORDER == ENTRIES);

/// Blocks mapped in all spaces.
static MAPPED: AtomicUsize = AtomicUsize::new(0);

/// Blocks that programs have, for `/proc/meminfo`.
pub fn mapped_blocks() -> usize {
    MAPPED.load(Ordering::Relaxed)
}

/// A block of zeros, if more than `kept` frames are left without it.
fn allocate(kept: usize) -> Option<PhysAddr> {
    let first = frame_table::allocate_block(kept)?;
    for index in first..first + ENTRIES as u32 {
        let slot = frame_table::slot(index);
        slot.count.store(1, Ordering::Relaxed);
        slot.kind.store(FrameKind::Anonymous as u8, Ordering::Relaxed);
        slot.aux.store(0, Ordering::Relaxed);
    }
    frame_table::note_used(FrameKind::Anonymous, ENTRIES as isize);
    trace::add(Counter::FramesAllocated, ENTRIES as u64);
    // SAFETY: the frames are new and side by side in the direct map, so nobody else looks at them.
    unsafe { frame_table::zero_words(frame_table::memory(first), BLOCK_BYTES) };
    Some(frame_table::addr_of(first))
}

/// Gives back the references to a block's frames.
///
/// # Safety
/// 1. The caller owns one count of each of the 512 frames from `block` on.
#[inline(never)]
pub(super) unsafe fn release(block: PhysAddr) {
    let first = frame_table::index_of(block);
    let frames = first..first + ENTRIES as u32;
    // Where nobody else has one, nobody else can get one: references are made from references.
    let is_alone = frames.clone().all(|index| frame_table::slot(index).count.load(Ordering::Acquire) == 1);
    if is_alone && !defect::is_on(Defect::LeakedFrame) {
        frames.for_each(|index| frame_table::slot(index).count.store(0, Ordering::Relaxed));
        frame_table::note_used(FrameKind::Anonymous, -(ENTRIES as isize));
        trace::add(Counter::FramesFreed, ENTRIES as u64);
        frame_table::release(first, frame_table::BLOCK_ORDER);
    } else {
        for index in frames {
            // SAFETY: one of the counts (1).
            drop(unsafe { Frame::from_mapping(frame_table::addr_of(index)) });
        }
    }
}

/// Gives back a block and the table put aside for it.
///
/// # Safety
/// 1. The entry that mapped `block` is gone, and no CPU has its translation.
pub(super) unsafe fn release_mapped(block: PhysAddr) {
    MAPPED.fetch_sub(1, Ordering::Relaxed);
    Table::release(put_aside(block));
    // SAFETY: the counts that the entry owned (1).
    unsafe { release(block) };
}

/// The table put aside for a mapped block.
fn put_aside(block: PhysAddr) -> PhysAddr {
    let slot = frame_table::slot(frame_table::index_of(block));
    frame_table::addr_of(slot.next.load(Ordering::Relaxed))
}

impl UserSpace {
    /// Maps a block of zeros at `addr`, a multiple of [`BLOCK_BYTES`]. False, and nothing is changed, if a page is mapped in it, or if
    /// there is no block of which `kept` frames more than the reserve would be left.
    pub fn map_block(&mut self, cx: &mut CurrentThread, addr: UserAddr, access: Access, kept: usize) -> bool {
        assert!(addr.0.is_multiple_of(BLOCK_BYTES), "{:#x} is not the address of a block", addr.0);
        assert!(access.is_readable && !access.is_executable, "a block is memory for data");
        let Ok(above) = self.handle.make_table(addr.0, 1) else { return false };
        let index = kernel_map::index(addr.0, 1);
        let entry = above.load(index);
        let is_free = !entry.is_present() || !entry.is_leaf(1) && Table::at(entry.addr()).is_empty();
        if !is_free {
            return false;
        }
        let Some(block) = allocate(kept) else { return false };
        let table = if entry.is_present() {
            above.swap(index, Entry::ABSENT);
            self.last = None;
            let mut flush = Flush::new(&self.handle);
            flush.add(cx, addr.0, None);
            flush.finish(cx);
            entry.addr()
        } else {
            let Ok(table) = Table::allocate() else {
                // SAFETY: the block is new: its counts are ours.
                unsafe { release(block) };
                return false;
            };
            self.handle.tables.fetch_add(1, Ordering::Relaxed);
            table
        };
        let slot = frame_table::slot(frame_table::index_of(block));
        slot.next.store(frame_table::index_of(table), Ordering::Relaxed);
        // The zeros are there before the entry.
        page_table::publish();
        above.put(index, Entry::leaf(block, access.rights(), 1));
        page_table::publish();
        self.handle.resident.fetch_add(ENTRIES, Ordering::Relaxed);
        self.handle.blocks.fetch_add(1, Ordering::Relaxed);
        MAPPED.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Makes this CPU forget what it keeps for `addr`, where a fault found the mapping right.
    pub fn forget_translation(&mut self, addr: UserAddr) {
        self.handle.flush_widened(addr.0);
    }

    /// Splits the blocks that a range touches without covering them, and removes the others; `flush` gives their frames back.
    #[inline(never)]
    pub(super) fn unmap_blocks(&self, cx: &mut CurrentThread, flush: &mut Flush<'_>, range: Range<usize>) {
        self.handle.each_place(range, |place, part| {
            let Place::Block(above, index) = place else { return };
            if part.len() < BLOCK_BYTES {
                return self.split_block(cx, part.start & !(BLOCK_BYTES - 1), above, index);
            }
            let old = above.swap(index, Entry::ABSENT);
            Table::release(put_aside(old.addr()));
            self.handle.tables.fetch_sub(1, Ordering::Relaxed);
            self.handle.resident.fetch_sub(ENTRIES, Ordering::Relaxed);
            self.handle.blocks.fetch_sub(1, Ordering::Relaxed);
            MAPPED.fetch_sub(1, Ordering::Relaxed);
            flush.add_block(cx, part.start, old.addr());
        });
    }

    /// Splits the blocks that a range touches.
    #[inline(always)]
    pub(super) fn split(&self, cx: &mut CurrentThread, range: Range<usize>) {
        if self.handle.blocks.load(Ordering::Relaxed) != 0 {
            self.split_all(cx, range);
        }
    }

    #[inline(never)]
    fn split_all(&self, cx: &mut CurrentThread, range: Range<usize>) {
        self.handle.each_place(range, |place, part| {
            if let Place::Block(above, index) = place {
                self.split_block(cx, part.start & !(BLOCK_BYTES - 1), above, index);
            }
        });
    }

    /// Splits the block that `addr` lies in.
    #[inline(always)]
    pub(super) fn split_at(&self, cx: &mut CurrentThread, addr: usize) {
        self.split(cx, addr..addr + 1);
    }

    #[inline(never)]
    fn split_block(&self, cx: &mut CurrentThread, addr: usize, above: Table, index: usize) {
        crate::probe!(crate::trace::providers::vminfo::block_split(UserAddr(addr)));
        let old = above.swap(index, Entry::ABSENT);
        let mut flush = Flush::new(&self.handle);
        flush.add(cx, addr, None);
        flush.finish(cx);
        let table = put_aside(old.addr());
        let leaves = Table::at(table);
        (0..ENTRIES).for_each(|part| leaves.put(part, old.part(part)));
        page_table::publish();
        above.put(index, Entry::table(table));
        page_table::publish();
        self.handle.blocks.fetch_sub(1, Ordering::Relaxed);
        MAPPED.fetch_sub(1, Ordering::Relaxed);
    }
}
