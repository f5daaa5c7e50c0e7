//! What the pages of areas are: the figures of `/proc/PID/smaps`, the words of `/proc/PID/pagemap`, and forgetting what pages were
//! used and changed (`clear_refs`).
//!
//! How often a frame is mapped is not counted by itself. It is the number of all references without those of who keeps the frame
//! ([`maps_of`]): a page cache its own, the kernel those of the vDSO and of the initial RAM disk. A reference that lives only for
//! a moment, or in a pipe, makes a page look shared by one more.
use super::error::MapError;
use super::fault::is_zero_page;
use super::space::AddressSpace;
use super::vma::{Backing, Vma};
use alloc::vec::Vec;
use core::ops::Range;
use machine::addr::{PAGE_SIZE, UserAddr};
use machine::mm::{FrameKind, Mapped};
use machine::thread::CurrentThread;

/// Whose pages a proportional share is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PageSource {
    /// Nobody's: private memory, and private copies of files' pages.
    Anonymous = 0,
    /// A file.
    File = 1,
    /// Shared memory without a name, and files of a tmpfs.
    Memory = 2,
}

/// Proportional shares are in this part of a byte, as Linux counts them.
const SHARE_SHIFT: u32 = 12;

/// Sums over present pages, in bytes but for the shares.
#[derive(Clone, Copy, Default, Debug)]
pub struct PageFigures {
    /// Present. The page of zeros that untouched memory shows is not one.
    pub resident: u64,
    /// By [`PageSource`]: each page divided by how often it is mapped.
    shares: [u64; 3],
    dirty_share: u64,
    locked_share: u64,
    /// Mapped more than once, and its contents can be had again.
    pub shared_clean: u64,
    /// Mapped more than once, and its contents are nowhere else.
    pub shared_dirty: u64,
    /// Mapped once, and its contents can be had again.
    pub private_clean: u64,
    /// Mapped once, and its contents are nowhere else.
    pub private_dirty: u64,
    /// Used since that was last forgotten.
    pub referenced: u64,
    /// Of no file.
    pub anonymous: u64,
    /// Of those, in blocks of 2 MiB.
    pub in_blocks: u64,
}

impl PageFigures {
    /// Bytes of the pages of one source, each divided by how often it is mapped.
    pub fn share_of(&self, source: PageSource) -> u64 {
        self.shares[source as usize] >> SHARE_SHIFT
    }
    /// The same of all sources (Pss).
    pub fn share(&self) -> u64 {
        self.shares.iter().sum::<u64>() >> SHARE_SHIFT
    }
    /// The same of dirty pages.
    pub fn dirty_share(&self) -> u64 {
        self.dirty_share >> SHARE_SHIFT
    }
    /// The same of locked pages.
    pub fn locked_share(&self) -> u64 {
        self.locked_share >> SHARE_SHIFT
    }

    /// Adds the figures of another area.
    pub fn add(&mut self, other: &PageFigures) {
        self.resident += other.resident;
        self.shares.iter_mut().zip(other.shares).for_each(|(sum, share)| *sum += share);
        self.dirty_share += other.dirty_share;
        self.locked_share += other.locked_share;
        self.shared_clean += other.shared_clean;
        self.shared_dirty += other.shared_dirty;
        self.private_clean += other.private_clean;
        self.private_dirty += other.private_dirty;
        self.referenced += other.referenced;
        self.anonymous += other.anonymous;
        self.in_blocks += other.in_blocks;
    }

    fn add_page(&mut self, mapped: &Mapped, source: PageSource, is_dirty: bool, is_locked: bool) {
        let bytes = PAGE_SIZE as u64;
        let maps = maps_of(mapped);
        let share = (bytes << SHARE_SHIFT) / maps;
        self.resident += bytes;
        self.shares[source as usize] += share;
        self.dirty_share += if is_dirty { share } else { 0 };
        self.locked_share += if is_locked { share } else { 0 };
        self.referenced += if mapped.is_accessed { bytes } else { 0 };
        self.anonymous += if source == PageSource::Anonymous { bytes } else { 0 };
        self.in_blocks += if mapped.is_block { bytes } else { 0 };
        let sum = match (maps > 1, is_dirty) {
            (true, false) => &mut self.shared_clean,
            (true, true) => &mut self.shared_dirty,
            (false, false) => &mut self.private_clean,
            (false, true) => &mut self.private_dirty,
        };
        *sum += bytes;
    }
}

/// How many page tables have the frame: at least the one it was found in.
fn maps_of(mapped: &Mapped) -> u64 {
    let keepers = if mapped.kind == FrameKind::Anonymous { 0 } else { 1 };
    u64::from(mapped.count.saturating_sub(keepers).max(1))
}

/// Of the kernel's own pages that every program has, the clocks' is none of the program's, as on Linux.
fn is_counted(vma: &Vma, mapped: &Mapped) -> bool {
    mapped.kind != FrameKind::Kernel || !is_zero_page(mapped) && vma.name != Some("[vvar]")
}

impl AddressSpace {
    /// Sums over the present pages of a range, which is one area's.
    pub fn page_figures(&self, cx: &mut CurrentThread, range: Range<usize>) -> PageFigures {
        let memory = self.memory.lock(cx);
        let mut figures = PageFigures::default();
        for entry in memory.areas.overlapping(range.clone()) {
            let vma = &entry.value;
            let of_file = match &vma.backing {
                Backing::Cache(backing) if backing.file.as_ref().is_some_and(|file| !file.is_in_memory()) => {
                    PageSource::File
                }
                Backing::Cache(_) => PageSource::Memory,
                Backing::Anonymous => PageSource::File,
            };
            let part = UserAddr(entry.start.max(range.start))..UserAddr(entry.end.min(range.end));
            memory.table.each(part, &mut |addr, mapped| {
                if !is_counted(vma, mapped) {
                    return;
                }
                if mapped.kind == FrameKind::Anonymous {
                    figures.add_page(mapped, PageSource::Anonymous, true, vma.is_locked());
                } else {
                    let page = vma.cache_page(addr.0 - entry.start);
                    let is_dirty = page.is_some_and(|(cache, index)| cache.is_dirty(cx, index));
                    figures.add_page(mapped, of_file, is_dirty, vma.is_locked());
                }
            });
        }
        figures
    }

    /// The words that `/proc/PID/pagemap` has for the pages of a range, appended to `out`. Without `shows_frames` they do not say
    /// which frames.
    pub fn page_words(
        &self,
        cx: &mut CurrentThread,
        range: Range<usize>,
        shows_frames: bool,
        out: &mut Vec<u64>,
    ) -> Result<(), MapError> {
        const PRESENT: u64 = 1 << 63;
        const OF_FILE: u64 = 1 << 61;
        const MAPPED_ONCE: u64 = 1 << 56;
        const CHANGED: u64 = 1 << 55;
        let (first, start) = (out.len(), range.start);
        out.try_reserve(range.len() / PAGE_SIZE).map_err(|_| MapError::OutOfMemory)?;
        out.resize(first + range.len() / PAGE_SIZE, 0);
        let words = &mut out[first..];
        let memory = self.memory.lock(cx);
        for entry in memory.areas.overlapping(range.clone()) {
            let vma = &entry.value;
            let part = entry.start.max(range.start)..entry.end.min(range.end);
            if vma.is_changed {
                words[(part.start - start) / PAGE_SIZE..(part.end - start) / PAGE_SIZE].fill(CHANGED);
            }
            memory.table.each(UserAddr(part.start)..UserAddr(part.end), &mut |addr, mapped| {
                let mut word = PRESENT;
                if is_counted(vma, mapped) {
                    word |= if mapped.kind == FrameKind::Anonymous { 0 } else { OF_FILE };
                    word |= if maps_of(mapped) == 1 { MAPPED_ONCE } else { 0 };
                }
                word |= if mapped.is_changed { CHANGED } else { 0 };
                word |= if shows_frames { mapped.frame.0 / PAGE_SIZE as u64 } else { 0 };
                words[(addr.0 - start) / PAGE_SIZE] |= word;
            });
        }
        Ok(())
    }

    /// Forgets that pages were used, of those that `is_meant` names by their source.
    pub fn forget_use(&self, cx: &mut CurrentThread, is_meant: fn(PageSource) -> bool) {
        let mut memory = self.memory.lock(cx);
        memory.table.forget_use(cx, UserAddr(0)..UserAddr(machine::addr::USER_END), &mut |mapped| {
            is_meant(if mapped.kind == FrameKind::Anonymous { PageSource::Anonymous } else { PageSource::File })
        });
    }

    /// Forgets that pages were changed: each shows again from the next write on.
    pub fn forget_changes(&self, cx: &mut CurrentThread) {
        let mut memory = self.memory.lock(cx);
        let whole = 0..machine::addr::USER_END;
        // Nothing is cut, so no room is needed.
        memory.areas.update(whole.clone(), |_, vma| vma.is_changed = false);
        memory.table.forget_changes(cx, UserAddr(whole.start)..UserAddr(whole.end));
    }

    /// Forgets how many pages were present at most.
    pub fn forget_peak(&self, cx: &mut CurrentThread) {
        self.memory.lock(cx).forget_peak();
    }
}
