//! Fork's copy of an address space.
//!
//! The child's table must have the pages that the child could not find elsewhere: those of anonymous memory and the private
//! copies of file pages. Other file pages are entered too where the area is small, as a program's code is: that costs some fifty
//! instructions a page, and a fault that it saves, of which even a child that executes another program at once takes a few,
//! several thousand. Large mappings of files and shared memory come by the child's own faults. Private pages lose their
//! write right on both sides; the first writer copies ([`super::fault`]).
use super::error::MapError;
use super::oom;
use super::space::{AddressSpace, Memory, forget_of_file};
use super::vma::{Backing, Locking, Vma};
use crate::fs::Moment;
use crate::trace::probe;
use alloc::sync::Arc;
use machine::addr::{PAGE_SIZE, UserAddr};
use machine::mm::UserSpace;
use machine::thread::CurrentThread;
use pure::range_map::RangeMap;

/// Up to this length the pages of a private file area are entered into the child's table.
const SMALL_AREA_BYTES: usize = 2 << 20;

impl AddressSpace {
    /// A copy for a child process.
    pub fn fork(&self, cx: &mut CurrentThread) -> Result<Arc<AddressSpace>, MapError> {
        loop {
            let outcome = self.try_fork(cx);
            match outcome {
                Err(MapError::OutOfMemory) if oom::relieve(cx) => {}
                // A file was sealed while it was mapped here, and unmapped since: that is not to come back.
                Err(MapError::Sealed) => {}
                outcome => return outcome,
            }
        }
    }

    fn try_fork(&self, cx: &mut CurrentThread) -> Result<Arc<AddressSpace>, MapError> {
        let moment = Moment::now();
        let child = self.memory.lock(cx).fork(cx)?;
        probe!(crate::trace::vminfo::fork(child.table.counts().0 as u64));
        let child = AddressSpace::of(child, self.layout);
        if let Some(image) = self.image() {
            child.set_image(image.clone());
        }
        child.set_dumpable(self.is_dumpable());
        child.register_barriers(self.barriers());
        child.watch_files(cx)?;
        if !moment.is_quiet_since() {
            // Pages that were entered may have left their files before anybody knew of the child.
            child.memory.lock(cx).forget_files(cx);
        }
        Ok(child)
    }

    /// Registers this new space with the page caches of its files. From then on it is found by who seals one; what was sealed before
    /// must not be there.
    fn watch_files(self: &Arc<Self>, cx: &mut CurrentThread) -> Result<(), MapError> {
        let memory = self.memory.lock(cx);
        let mut last: Option<&Arc<_>> = None;
        for entry in memory.areas.entries() {
            let Backing::Cache(backing) = &entry.value.backing else { continue };
            // Areas of one file lie side by side.
            if backing.file.is_some() && last.is_none_or(|last| !Arc::ptr_eq(last, &backing.cache)) {
                self.watch(cx, &backing.cache)?;
                last = Some(&backing.cache);
            }
        }
        let is_sealed = |vma: &Vma| vma.shares_sealed(|seals| seals.forbid_any_shared_writes());
        if memory.areas.entries().iter().any(|entry| is_sealed(&entry.value)) { Err(MapError::Sealed) } else { Ok(()) }
    }
}

impl Memory {
    /// Unmaps all pages of files, and private copies beyond their ends; faults bring what is there.
    fn forget_files(&mut self, cx: &mut CurrentThread) {
        for entry in self.areas.entries() {
            let Backing::Cache(backing) = &entry.value.backing else { continue };
            let end_of_file = backing.cache.size_bytes().div_ceil(PAGE_SIZE as u64);
            let pages = usize::try_from(end_of_file.saturating_sub(backing.offset / PAGE_SIZE as u64));
            let bytes = pages.unwrap_or(usize::MAX).saturating_mul(PAGE_SIZE).min(entry.bytes());
            forget_of_file(&mut self.table, cx, entry.start..entry.start + bytes);
            self.table.unmap(cx, UserAddr(entry.start + bytes)..UserAddr(entry.end));
        }
    }

    fn fork(&mut self, cx: &mut CurrentThread) -> Result<Memory, MapError> {
        let mut child = Memory::empty(UserSpace::new()?);
        let mut areas = RangeMap::new();
        areas.reserve(self.areas.entries().len())?;
        let outcome = self.areas.entries().iter().try_for_each(|entry| {
            if entry.value.is_absent_in_child {
                return Ok(());
            }
            // LINUX: locks are not inherited.
            let vma = Vma { locking: Locking::None, ..entry.value.clone() };
            let is_copied = entry.value.has_own_pages || entry.bytes() <= SMALL_AREA_BYTES;
            if is_copied && !entry.value.is_shared && !entry.value.is_zero_in_child {
                let range = UserAddr(entry.start)..UserAddr(entry.end);
                self.table.share_into(cx, &mut child.table, range, true)?;
            }
            child.mapped_pages += entry.bytes() / PAGE_SIZE;
            child.data_pages += if vma.is_data() { entry.bytes() / PAGE_SIZE } else { 0 };
            areas.insert(entry.start..entry.end, vma);
            Ok(())
        });
        // Write rights were taken from the parent's pages, whether or not the copy could be finished.
        self.table.flush(cx);
        outcome.map_err(|error: machine::mm::OutOfMemory| MapError::from(error))?;
        child.may_have_blocks = self.may_have_blocks;
        child.heap = self.heap.clone();
        child.areas = areas;
        Ok(child)
    }
}
