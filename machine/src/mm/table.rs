//! One page table, and which parts of it may hold something.
//!
//! A table has 512 entries and most hold few. Its frame's slot keeps a bit for each group of eight entries that ever held
//! one, so that fork, unmapping and taking a space apart look at those groups only. Tables that go are left all absent, so
//! they are kept at hand per CPU and need no zeroing when they are used again.
//!
//! Invariants: an entry that is present has its group's bit set. Bits are changed by the owner of the space only; entries by the
//! owner, and by the hardware (accessed, dirty).
use super::failing;
use super::frame::{FrameKind, OutOfMemory};
use super::frame_table::{self, Slot};
use super::kernel_map::{self, ENTRIES};
use super::{frame_cache, kernel_map::direct};
use crate::addr::{PAGE_SIZE, PhysAddr};
use crate::arch::page_table::Entry;
use core::sync::atomic::{AtomicU64, Ordering};

/// Entries of a group.
const GROUP: usize = 8;

/// A table of any level.
#[derive(Clone, Copy)]
pub(super) struct Table {
    entries: *const [AtomicU64; ENTRIES],
    slot: &'static Slot,
}

// SAFETY: the pointer is used only through a borrow of the space, and the entries are atomic.
unsafe impl Send for Table {}
// SAFETY: as above.
unsafe impl Sync for Table {}

impl Table {
    /// The table at `addr`, which is one of a living space.
    #[inline(always)]
    pub(super) fn at(addr: PhysAddr) -> Table {
        Table { entries: direct(addr).cast_const().cast(), slot: frame_table::slot(frame_table::index_of(addr)) }
    }

    /// Makes an empty one; answers its address.
    pub(super) fn allocate() -> Result<PhysAddr, OutOfMemory> {
        if failing::fails() {
            return Err(OutOfMemory);
        }
        let frame = match frame_cache::take_table() {
            Some(frame) => frame,
            None => {
                let frame = frame_cache::allocate(FrameKind::PageTable).ok_or(OutOfMemory)?;
                // SAFETY: the frame is new.
                unsafe { frame_table::zero_words(frame_table::memory(frame), PAGE_SIZE) };
                frame
            }
        };
        let slot = frame_table::slot(frame);
        slot.kind.store(FrameKind::PageTable as u8, Ordering::Relaxed);
        slot.next.store(0, Ordering::Relaxed);
        slot.previous.store(0, Ordering::Relaxed);
        frame_table::note_used(FrameKind::PageTable, 1);
        Ok(frame_table::addr_of(frame))
    }

    /// Gives the table at `addr` back. Every entry is absent.
    pub(super) fn release(addr: PhysAddr) {
        frame_table::note_used(FrameKind::PageTable, -1);
        frame_cache::put_table(frame_table::index_of(addr));
    }

    #[inline(always)]
    fn entry(&self, index: usize) -> &AtomicU64 {
        // SAFETY: the table lives as long as the space it was found in, which every user of this type borrows.
        unsafe { &(*self.entries)[index % ENTRIES] }
    }

    /// The entry at `index`.
    #[inline(always)]
    pub(super) fn load(&self, index: usize) -> Entry {
        Entry(self.entry(index).load(Ordering::Relaxed))
    }

    /// Puts an entry where there may have been none.
    #[inline(always)]
    pub(super) fn put(&self, index: usize, entry: Entry) {
        self.mark(index);
        self.entry(index).store(entry.0, Ordering::Release);
    }

    /// Exchanges an entry; answers the old one.
    #[inline(always)]
    pub(super) fn swap(&self, index: usize, entry: Entry) -> Entry {
        self.mark(index);
        Entry(self.entry(index).swap(entry.0, Ordering::AcqRel))
    }

    /// Changes an entry without losing bits that the hardware sets meanwhile; answers the old one, `None` if `new` did.
    #[inline(always)]
    pub(super) fn change(&self, index: usize, new: impl Fn(Entry) -> Option<Entry>) -> Option<Entry> {
        self.entry(index)
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |old| new(Entry(old)).map(|entry| entry.0))
            .ok()
            .map(Entry)
    }

    #[inline(always)]
    fn mark(&self, index: usize) {
        let group = index / GROUP;
        let word = if group < 32 { &self.slot.next } else { &self.slot.previous };
        // Only the owner of the space writes here: no atomic addition needed.
        word.store(word.load(Ordering::Relaxed) | 1 << (group % 32), Ordering::Relaxed);
    }

    #[inline(always)]
    fn marks(&self) -> u64 {
        u64::from(self.slot.next.load(Ordering::Relaxed)) | u64::from(self.slot.previous.load(Ordering::Relaxed)) << 32
    }

    /// Visits the present entries from `first` to `last` in order.
    #[inline(always)]
    pub(super) fn each(&self, first: usize, last: usize, mut visit: impl FnMut(usize, Entry)) {
        let mut marks = self.marks() & u64::MAX << (first / GROUP) & u64::MAX >> (63 - last / GROUP);
        while marks != 0 {
            let group = marks.trailing_zeros() as usize;
            marks &= marks - 1;
            let end = (group * GROUP + GROUP - 1).min(last);
            for index in (group * GROUP).max(first)..=end {
                let entry = self.load(index);
                if entry.is_present() {
                    visit(index, entry);
                }
            }
        }
    }

    /// Whether no entry is present.
    pub(super) fn is_empty(&self) -> bool {
        let mut marks = self.marks();
        while marks != 0 {
            let group = marks.trailing_zeros() as usize * GROUP;
            marks &= marks - 1;
            if (group..group + GROUP).any(|index| self.load(index).is_present()) {
                return false;
            }
        }
        true
    }

    /// Empties the entries before `end` and visits those that were present. Nobody else uses the table.
    #[inline(always)]
    pub(super) fn drain(&self, end: usize, mut visit: impl FnMut(Entry)) {
        self.each(0, end - 1, |index, entry| {
            self.entry(index).store(0, Ordering::Relaxed);
            visit(entry);
        });
    }

    /// The page at `addr` in a leaf table.
    #[inline(always)]
    pub(super) fn index(addr: usize) -> usize {
        kernel_map::index(addr, 0)
    }
}
