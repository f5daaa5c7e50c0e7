//! Page faults: from an address to a frame.
//!
//! [`AddressSpace::resolve`] serves the program's faults (`task`'s user loop) and, through [`resolve_user_copy_fault`], those of
//! the kernel's copies to and from user memory. What happens depends on the area:
//! - anonymous: a read gets the one shared frame of zeros, a write a frame of its own, or a block of 2 MiB;
//! - file, read: the page cache's frame, and with it those of its neighbours that are in the cache (fault-around);
//! - file, private write: a copy; shared write: the cache's frame, writable;
//! - present but read-only (copy-on-write): in place if nobody else has the frame, else a copy.
//!
//! A page that is not in the cache is read without the lock; the fault then starts again.
use super::error::FaultError;
use super::oom;
use super::space::{AddressSpace, Memory};
use super::vma::{Blocks, GUARD_GAP_BYTES, Protection, Vma};
use crate::errno::Errno;
use crate::fs::PageCache;
use crate::task::Task;
use crate::task::limits::Resource;
use crate::trace::{self, Counter, probe};
use alloc::sync::Arc;
use machine::addr::{PAGE_SIZE, UserAddr};
use machine::defect::{self, Defect};
use machine::mm::{BLOCK_BYTES, Frame, FrameKind, Mapped, OutOfMemory, UserFault};
use machine::sync::Once;
use machine::thread::CurrentThread;
use machine::user::{AccessKind, PageFault};
use pure::range_map::Entry;

/// Pages of a file that one read fault maps at most: an aligned window around the address.
const AROUND_PAGES: usize = 16;

/// Memory counts as being filled where the pages so many bytes before are there.
const FILLED_BEFORE: [usize; 3] = [PAGE_SIZE, BLOCK_BYTES / 4, BLOCK_BYTES / 2];

/// What is left to do after a look at the areas.
pub(super) enum Step {
    /// The page is there.
    Done,
    /// The page cache must read this page first.
    ReadIn(Arc<PageCache>, u64),
    /// The page cache must have a frame for this page that can be written.
    MakeWritable(Arc<PageCache>, u64),
}

impl Step {
    /// Does what is left, without the address space's lock; `None` if nothing is. Who calls keeps the frame until the page is
    /// mapped, so that it cannot leave the cache in between.
    pub(super) fn perform(self, cx: &mut CurrentThread) -> Result<Option<Frame>, FaultError> {
        let frame = match self {
            Step::Done => return Ok(None),
            Step::ReadIn(cache, index) => cache.frame(cx, index),
            Step::MakeWritable(cache, index) => cache.writable_frame(cx, index),
        };
        frame.map(Some).map_err(|error| match error {
            Errno::ENXIO => FaultError::BeyondFile,
            Errno::ENOMEM => FaultError::OutOfMemory,
            _ => FaultError::ReadFailed,
        })
    }
}

/// What `machine` calls when a user copy faults: the current task's space resolves it.
pub fn resolve_user_copy_fault(cx: &mut CurrentThread, fault: PageFault) -> Result<(), UserFault> {
    trace::count(Counter::FaultsCopy);
    let space = Task::current(cx).and_then(|task| task.space(cx)).ok_or(UserFault)?;
    space.resolve(cx, fault).map_err(|_| UserFault)
}

impl AddressSpace {
    /// Makes the access possible, or says why it is not.
    pub fn resolve(&self, cx: &mut CurrentThread, fault: PageFault) -> Result<(), FaultError> {
        probe!(trace::vminfo::fault_entry(fault.addr, fault.kind as u32, fault.is_present));
        let outcome = self.resolve_steps(cx, fault);
        probe!(trace::vminfo::fault_return(fault.addr, outcome.is_ok()));
        if let Err(error) = outcome {
            trace::count(Counter::FaultsFatal);
            if error == FaultError::OutOfMemory {
                probe!(trace::vminfo::out_of_memory(1));
            }
        }
        outcome
    }

    fn resolve_steps(&self, cx: &mut CurrentThread, fault: PageFault) -> Result<(), FaultError> {
        let mut _kept: Option<Frame> = None;
        loop {
            let step = self.memory.lock(cx).resolve(cx, fault);
            match step.and_then(|step| step.perform(cx)) {
                Ok(None) => return Ok(()),
                Ok(frame) => _kept = frame,
                Err(FaultError::OutOfMemory) if oom::relieve(cx) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The frame that every untouched anonymous page shows to readers.
fn zero_frame() -> Result<Frame, OutOfMemory> {
    static ZERO: Once<Frame> = Once::new();
    ZERO.try_call_once(|| Frame::allocate_zeroed(FrameKind::Kernel)).cloned()
}

impl Memory {
    pub(super) fn resolve(&mut self, cx: &mut CurrentThread, fault: PageFault) -> Result<Step, FaultError> {
        let page = fault.addr.page_floor();
        if self.areas.find(page.0).is_none() {
            self.grow_stack(cx, page.0)?;
        }
        let entry = self.areas.find(page.0).ok_or(FaultError::NotMapped)?;
        if !entry.value.protection.allows_kind(fault.kind) {
            return Err(FaultError::Forbidden);
        }
        if let Some(mapped) = self.table.query(page) {
            return self.resolve_present(cx, page, fault.kind, &mapped);
        }
        let is_write = fault.kind == AccessKind::Write;
        let Some((cache, index)) = entry.value.cache_page(page.0 - entry.start) else {
            return self.resolve_anonymous(cx, page, is_write);
        };
        let end_of_file = cache.size_bytes().div_ceil(PAGE_SIZE as u64);
        if index >= end_of_file {
            return Err(FaultError::BeyondFile);
        }
        let protection = entry.value.protection;
        if is_write && entry.value.is_shared {
            let Some(frame) = cache.writable_frame_if_present(cx, index) else {
                return Ok(Step::MakeWritable(cache.clone(), index));
            };
            self.table.map(page, frame, protection.access(true))?;
            trace::count(Counter::FaultsFile);
            probe!(trace::vminfo::file(page, index, 1));
            return Ok(Step::Done);
        }
        let Some(frame) = cache.frame_if_present(cx, index) else {
            return Ok(Step::ReadIn(cache.clone(), index));
        };
        if is_write {
            let copy = Frame::allocate(FrameKind::Anonymous)?;
            copy.copy_from(&frame);
            self.table.map(page, copy, protection.access(true))?;
            self.note_own_page(page);
            trace::count(Counter::FaultsCow);
            probe!(trace::vminfo::cow_copy(page, frame.count()));
            return Ok(Step::Done);
        }
        // Above all what was asked for, and in the same pass its neighbours.
        let first = (page.0 & !(AROUND_PAGES * PAGE_SIZE - 1)).max(entry.start);
        let last = ((page.0 & !(AROUND_PAGES * PAGE_SIZE - 1)) + AROUND_PAGES * PAGE_SIZE).min(entry.end);
        let mut frames = [const { None::<Frame> }; AROUND_PAGES];
        let frames = &mut frames[..(last - first) / PAGE_SIZE];
        cache.frames_if_present(cx, index - ((page.0 - first) / PAGE_SIZE) as u64, frames);
        frames[(page.0 - first) / PAGE_SIZE] = Some(frame);
        let mapped = self.table.map_absent(UserAddr(first), frames, protection.access(false))?;
        trace::count(Counter::FaultsFile);
        trace::add(Counter::FaultsAround, mapped.saturating_sub(1) as u64);
        // CAST: at most AROUND_PAGES.
        probe!(trace::vminfo::file(page, index, mapped as u32));
        Ok(Step::Done)
    }

    /// A page that is there but does not allow the access.
    fn resolve_present(
        &mut self,
        cx: &mut CurrentThread,
        page: UserAddr,
        kind: AccessKind,
        mapped: &Mapped,
    ) -> Result<Step, FaultError> {
        let entry = self.areas.find(page.0).ok_or(FaultError::NotMapped)?;
        let (protection, is_shared) = (entry.value.protection, entry.value.is_shared);
        if kind != AccessKind::Write || mapped.access.is_writable {
            // Another thread was quicker, or a translation was stale; or the area allows more than the page did.
            trace::count(Counter::FaultsSpurious);
            probe!(trace::vminfo::spurious(page));
            let access = protection.access(mapped.access.is_writable);
            if mapped.is_block && mapped.access == access {
                self.table.forget_translation(page);
                return Ok(Step::Done);
            }
            // Setting the rights also makes this CPU forget an old translation. A readable page needs neither.
            if kind != AccessKind::Read || mapped.access != access || !mapped.is_accessed {
                self.table.set_access(cx, page, access);
            }
            return Ok(Step::Done);
        }
        if is_shared
            && mapped.is_boot()
            && let Some((cache, index)) = entry.value.cache_page(page.0 - entry.start)
        {
            let Some(frame) = cache.writable_frame_if_present(cx, index) else {
                return Ok(Step::MakeWritable(cache.clone(), index));
            };
            self.table.replace(cx, page, frame, protection.access(true))?;
            trace::count(Counter::FaultsFile);
            probe!(trace::vminfo::file(page, index, 1));
            return Ok(Step::Done);
        }
        let is_mistaken = defect::is_on(Defect::SharedWrite)
            && mapped.count == 3
            && !mapped.is_boot()
            && self.table.frame(page).is_some_and(|frame| !is_zero_frame(&frame));
        if is_shared || mapped.count == 1 || is_mistaken {
            self.table.set_access(cx, page, protection.access(true));
            trace::count(Counter::FaultsCowInPlace);
            probe!(trace::vminfo::cow_in_place(page));
            return Ok(Step::Done);
        }
        let copy = match self.table.frame(page) {
            Some(frame) if !is_zero_frame(&frame) => {
                let copy = Frame::allocate(FrameKind::Anonymous)?;
                copy.copy_from(&frame);
                copy
            }
            _ => Frame::allocate_zeroed(FrameKind::Anonymous)?,
        };
        self.table.replace(cx, page, copy, protection.access(true))?;
        self.note_own_page(page);
        trace::count(Counter::FaultsCow);
        probe!(trace::vminfo::cow_copy(page, mapped.count));
        Ok(Step::Done)
    }

    fn resolve_anonymous(
        &mut self,
        cx: &mut CurrentThread,
        page: UserAddr,
        is_write: bool,
    ) -> Result<Step, FaultError> {
        let entry = self.areas.find(page.0).ok_or(FaultError::NotMapped)?;
        if is_write
            && let Some((block, kept)) = self.block_for(entry, page)
            && self.table.map_block(cx, block, entry.value.protection.access(true), kept)
        {
            trace::count(Counter::FaultsBlock);
            probe!(trace::vminfo::block(block));
            return Ok(Step::Done);
        }
        let frame = if is_write { Frame::allocate_zeroed(FrameKind::Anonymous)? } else { zero_frame()? };
        self.table.map(page, frame, entry.value.protection.access(is_write))?;
        trace::count(Counter::FaultsAnonymous);
        probe!(trace::vminfo::anonymous(page, is_write));
        Ok(Step::Done)
    }

    /// The block that a write to an untouched page is to bring, and how many frames must be left free besides; `None`: just the page.
    ///
    /// A program that asked for blocks gets one at its first write. Linux's default gives them to all programs so, of which each
    /// pays 2 MiB and the time to zero them for a thread's stack or a table of which a few pages are used. Here those that
    /// did not ask get one when they fill memory page by page and come to a block's first page: they go on more often than not.
    fn block_for(&self, entry: &Entry<Vma>, page: UserAddr) -> Option<(UserAddr, usize)> {
        let block = page.0 & !(BLOCK_BYTES - 1);
        let is_inside = block >= entry.start && block + BLOCK_BYTES <= entry.end;
        if !is_inside || !self.may_have_blocks || !entry.value.takes_blocks() {
            return None;
        }
        if entry.value.blocks == Blocks::Wanted {
            return Some((UserAddr(block), 0));
        }
        let was_filled = |bytes| {
            let before = block.checked_sub(bytes).filter(|before| *before >= entry.start);
            before.is_some_and(|before| self.table.query(UserAddr(before)).is_some())
        };
        let is_being_filled = page.0 == block && FILLED_BEFORE.into_iter().all(was_filled);
        is_being_filled.then(|| (UserAddr(block), machine::mm::total_frames() / 4))
    }

    /// From now on fork must copy the page table of this area.
    pub(super) fn note_own_page(&mut self, page: UserAddr) {
        if let Some(entry) = self.areas.find_mut(page.0) {
            entry.value.has_own_pages = true;
        }
    }

    /// Lets the stack above grow down to `page`, if there is one and it may.
    fn grow_stack(&mut self, cx: &CurrentThread, page: usize) -> Result<(), FaultError> {
        let index = self.areas.index_from(page);
        let entry =
            self.areas.entries().get(index).filter(|entry| entry.value.grows_down).ok_or(FaultError::NotMapped)?;
        let (start, end) = (entry.start, entry.end);
        let grown = (start - page) / PAGE_SIZE;
        let process = Task::current(cx).ok_or(FaultError::NotMapped)?;
        let process = process.process();
        let is_too_big = (end - page) as u64 > process.limit(Resource::Stack)
            || ((self.mapped_pages + grown) * PAGE_SIZE) as u64 > process.limit(Resource::AddressSpace);
        // LINUX: the gap is kept to whatever can be accessed below, other stacks excepted.
        let below = index.checked_sub(1).and_then(|index| self.areas.entries().get(index));
        let is_too_close = below.is_some_and(|below| {
            let gap =
                if below.value.grows_down || below.value.protection == Protection::NONE { 0 } else { GUARD_GAP_BYTES };
            page < below.end + gap
        });
        if is_too_big || is_too_close || page < machine::addr::USER_MIN {
            return Err(FaultError::NotMapped);
        }
        self.mapped_pages += grown;
        self.areas.extend_down(start, page);
        trace::count(Counter::StackGrowths);
        probe!(trace::vminfo::stack_growth(UserAddr(page), grown as u64));
        Ok(())
    }
}

fn is_zero_frame(frame: &Frame) -> bool {
    zero_frame().is_ok_and(|zero| zero.addr() == frame.addr())
}

/// Whether what is mapped is that frame.
pub(super) fn is_zero_page(mapped: &Mapped) -> bool {
    zero_frame().is_ok_and(|zero| zero.addr() == mapped.frame)
}
