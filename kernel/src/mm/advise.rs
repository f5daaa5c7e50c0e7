//! Advice on ranges (`madvise`), residency (`mincore`), and what is written back (`msync`).
use super::error::MapError;
use super::map::page_range;
use super::populate::Populate;
use super::space::{AddressSpace, Memory};
use super::vma::{Backing, Blocks, Vma};
use crate::fs::OpenFile;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use machine::addr::{PAGE_SIZE, UserAddr};
use machine::thread::CurrentThread;

/// What `madvise` may ask for, as far as it has an effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Advice {
    /// A hint that changes nothing.
    Hint,
    /// Drop the pages: private ones are gone (DONTNEED).
    Discard,
    /// The contents are no longer wanted (FREE): private memory only. LINUX: it may go at any time; here at once.
    Free,
    /// Not in children (DONTFORK), or again.
    AbsentInChild(bool),
    /// Zeros in children (WIPEONFORK), or not any more.
    ZeroInChild(bool),
    /// Blocks of 2 MiB are wanted, or refused.
    Blocks(Blocks),
    /// Make the pages present as if read, or as if written.
    Populate(Populate),
}

impl Advice {
    /// Whether it can be taken for such an area.
    fn fits(self, vma: &Vma) -> bool {
        let is_private_memory = !vma.is_shared && matches!(vma.backing, Backing::Anonymous);
        match self {
            Advice::Discard => !vma.is_locked(),
            Advice::Free => !vma.is_locked() && is_private_memory,
            Advice::ZeroInChild(is_zero) => !is_zero || is_private_memory,
            Advice::Hint | Advice::AbsentInChild(_) | Advice::Blocks(_) | Advice::Populate(_) => true,
        }
    }
}

impl AddressSpace {
    /// Takes advice. LINUX: holes are skipped, and answered with ENOMEM at the end; an area that the advice does not fit ends
    /// it, and what came before has taken it.
    pub fn advise(&self, cx: &mut CurrentThread, addr: UserAddr, bytes: usize, advice: Advice) -> Result<(), MapError> {
        if addr.page_offset() != 0 {
            return Err(MapError::BadArgument);
        }
        if bytes == 0 {
            return Ok(());
        }
        let range = page_range(addr, bytes).ok_or(MapError::BadArgument)?;
        if let Advice::Populate(how) = advice {
            return self.populate(cx, range, how);
        }
        let mut memory = self.memory.lock(cx);
        let memory = &mut *memory;
        let is_covered = memory.areas.covers(range.clone());
        let refused = memory.areas.overlapping(range.clone()).iter().find(|entry| !advice.fits(&entry.value));
        let end = refused.map_or(range.end, |entry| entry.start.max(range.start));
        let is_refused = refused.is_some();
        if end > range.start {
            memory.take_advice(cx, range.start..end, advice)?;
        }
        match (is_refused, is_covered) {
            (true, _) => Err(MapError::BadArgument),
            (false, true) => Ok(()),
            (false, false) => Err(MapError::NotMapped),
        }
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

    /// The files that are mapped shared in the range, for `msync`, and whether the range has no holes. With `invalidates`,
    /// locked memory is refused.
    pub fn shared_files(
        &self,
        cx: &mut CurrentThread,
        range: Range<usize>,
        invalidates: bool,
    ) -> Result<(Vec<Arc<OpenFile>>, bool), MapError> {
        let memory = self.memory.lock(cx);
        let mut files = Vec::new();
        for entry in memory.areas.overlapping(range.clone()) {
            if invalidates && entry.value.is_locked() {
                return Err(MapError::Locked);
            }
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
}

impl Memory {
    /// Takes advice that fits every area of the range.
    fn take_advice(&mut self, cx: &mut CurrentThread, range: Range<usize>, advice: Advice) -> Result<(), MapError> {
        match advice {
            Advice::Hint | Advice::Populate(_) => {}
            Advice::Discard | Advice::Free => self.table.unmap(cx, UserAddr(range.start)..UserAddr(range.end)),
            Advice::AbsentInChild(is_absent) => {
                self.reserve_change()?;
                self.areas.update(range, |_, vma| vma.is_absent_in_child = is_absent);
            }
            Advice::Blocks(blocks) => {
                self.reserve_change()?;
                self.areas.update(range, |_, vma| vma.blocks = blocks);
            }
            Advice::ZeroInChild(is_zero) => {
                self.reserve_change()?;
                self.areas.update(range, |_, vma| vma.is_zero_in_child = is_zero);
            }
        }
        Ok(())
    }
}
