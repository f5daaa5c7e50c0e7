//! Advice on ranges (`madvise`), residency (`mincore`), locking (`mlock`), and writing back (`msync`).
use super::error::MapError;
use super::map::{MemoryLimits, page_range};
use super::space::AddressSpace;
use super::vma::{Backing, Protection, Vma};
use crate::fs::OpenFile;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use machine::addr::{PAGE_SIZE, UserAddr};
use machine::thread::CurrentThread;
use machine::user::AccessKind;

/// What `madvise` may ask for, as far as it has an effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Advice {
    /// A hint that changes nothing.
    Hint,
    /// Drop the pages: private ones are gone (DONTNEED, FREE).
    Discard,
    /// Not in children (DONTFORK), or again.
    AbsentInChild(bool),
    /// Zeros in children (WIPEONFORK), or not any more.
    ZeroInChild(bool),
    /// Make the pages present as if read, or as if written.
    Populate(AccessKind),
}

impl AddressSpace {
    /// Takes advice. LINUX: holes are skipped, and answered with ENOMEM at the end.
    pub fn advise(&self, cx: &mut CurrentThread, addr: UserAddr, bytes: usize, advice: Advice) -> Result<(), MapError> {
        if addr.page_offset() != 0 {
            return Err(MapError::BadArgument);
        }
        if bytes == 0 {
            return Ok(());
        }
        let range = page_range(addr, bytes).ok_or(MapError::BadArgument)?;
        if let Advice::Populate(kind) = advice {
            return self.populate(cx, range, kind).map_err(|_| MapError::NotMapped);
        }
        let mut memory = self.memory.lock(cx);
        let memory = &mut *memory;
        let is_covered = memory.areas.covers(range.clone());
        match advice {
            Advice::Hint | Advice::Populate(_) => {}
            Advice::Discard => {
                for entry in memory.areas.overlapping(range.clone()) {
                    if entry.value.is_locked {
                        return Err(MapError::BadArgument);
                    }
                    let piece = entry.start.max(range.start)..entry.end.min(range.end);
                    memory.table.unmap(cx, UserAddr(piece.start)..UserAddr(piece.end));
                }
            }
            Advice::AbsentInChild(is_absent) => {
                memory.reserve_change()?;
                memory.areas.update(range, |_, vma| vma.is_absent_in_child = is_absent);
            }
            Advice::ZeroInChild(is_zero) => {
                let is_private_memory = |vma: &Vma| !vma.is_shared && matches!(vma.backing, Backing::Anonymous);
                if is_zero
                    && !memory.areas.overlapping(range.clone()).iter().all(|entry| is_private_memory(&entry.value))
                {
                    return Err(MapError::BadArgument);
                }
                memory.reserve_change()?;
                memory.areas.update(range, |_, vma| vma.is_zero_in_child = is_zero);
            }
        }
        if is_covered { Ok(()) } else { Err(MapError::NotMapped) }
    }

    /// For each page of the range, whether reading it would be quick: appended to `out`, one byte each.
    pub fn residency(&self, cx: &mut CurrentThread, range: Range<usize>, out: &mut Vec<u8>) -> Result<(), MapError> {
        out.try_reserve(range.len() / PAGE_SIZE).map_err(|_| MapError::OutOfMemory)?;
        let memory = self.memory.lock(cx);
        if !memory.areas.covers(range.clone()) {
            return Err(MapError::NotMapped);
        }
        for entry in memory.areas.overlapping(range.clone()) {
            for addr in (entry.start.max(range.start)..entry.end.min(range.end)).step_by(PAGE_SIZE) {
                let is_cached = || {
                    let page = entry.value.cache_page(addr - entry.start);
                    page.is_some_and(|(cache, index)| cache.frame_if_present(cx, index).is_some())
                };
                out.push(u8::from(memory.table.query(UserAddr(addr)).is_some() || is_cached()));
            }
        }
        Ok(())
    }

    /// Locks or unlocks a range: its pages are there from now on. (None is ever taken away for want of memory yet.)
    pub fn lock_pages(
        &self,
        cx: &mut CurrentThread,
        range: Range<usize>,
        is_locked: bool,
        limits: &MemoryLimits,
    ) -> Result<(), MapError> {
        {
            let mut memory = self.memory.lock(cx);
            let memory = &mut *memory;
            let pages = range.len() / PAGE_SIZE;
            if is_locked && (memory.locked_pages + pages) as u64 > limits.locked / PAGE_SIZE as u64 {
                return Err(MapError::NoRoom);
            }
            memory.reserve_change()?;
            let (mut added, mut taken) = (0, 0);
            let is_covered = memory.areas.covers(range.clone());
            memory.areas.update(range.clone(), |piece, vma| {
                match (vma.is_locked, is_locked) {
                    (false, true) => added += piece.len() / PAGE_SIZE,
                    (true, false) => taken += piece.len() / PAGE_SIZE,
                    _ => {}
                }
                vma.is_locked = is_locked;
            });
            memory.locked_pages = memory.locked_pages + added - taken;
            if !is_covered {
                return Err(MapError::NotMapped);
            }
        }
        if is_locked { self.populate_allowed(cx, range) } else { Ok(()) }
    }

    /// Locks or unlocks everything there is (`is_now`) and will be (`is_future`).
    pub fn lock_all(
        &self,
        cx: &mut CurrentThread,
        is_now: bool,
        is_future: bool,
        limits: &MemoryLimits,
    ) -> Result<(), MapError> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        {
            let mut memory = self.memory.lock(cx);
            if is_now && memory.mapped_pages as u64 > limits.locked / PAGE_SIZE as u64 {
                return Err(MapError::NoRoom);
            }
            memory.locks_new = is_future;
            let entries = memory.areas.entries();
            ranges.try_reserve_exact(entries.len()).map_err(|_| MapError::OutOfMemory)?;
            ranges.extend(entries.iter().map(|entry| entry.start..entry.end));
        }
        let unlimited = MemoryLimits { locked: u64::MAX, ..*limits };
        for range in ranges {
            if is_now || !is_future {
                // An area that another thread has removed meanwhile needs no lock.
                let _ = self.lock_pages(cx, range, is_now, &unlimited);
            }
        }
        Ok(())
    }

    /// The files that are mapped shared in the range, for `msync`. Holes are told by the flag.
    pub fn shared_files(
        &self,
        cx: &mut CurrentThread,
        range: Range<usize>,
    ) -> Result<(Vec<Arc<OpenFile>>, bool), MapError> {
        let memory = self.memory.lock(cx);
        let mut files = Vec::new();
        for entry in memory.areas.overlapping(range.clone()) {
            if let Backing::Cache(backing) = &entry.value.backing
                && let Some(file) = &backing.file
                && entry.value.is_shared
            {
                files.try_reserve(1).map_err(|_| MapError::OutOfMemory)?;
                files.push(file.clone());
            }
        }
        Ok((files, memory.areas.covers(range)))
    }

    /// Makes pages of a range present as far as the areas allow; what does not work is left out.
    pub(crate) fn populate_allowed(&self, cx: &mut CurrentThread, range: Range<usize>) -> Result<(), MapError> {
        let mut at = range.start;
        while at < range.end {
            let found = {
                let memory = self.memory.lock(cx);
                let entry = memory.areas.overlapping(at..range.end).first();
                entry.map(|entry| {
                    (entry.start.max(at), entry.end.min(range.end), entry.value.protection, entry.value.is_shared)
                })
            };
            let Some((start, end, protection, is_shared)) = found else { break };
            let kind =
                if protection.allows(Protection::WRITE) && !is_shared { AccessKind::Write } else { AccessKind::Read };
            if protection != Protection::NONE && self.populate(cx, start..end, kind).is_err() {
                return Err(MapError::OutOfMemory);
            }
            at = end;
        }
        Ok(())
    }
}
