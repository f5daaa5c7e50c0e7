//! Locking memory (`mlock`, `mlockall`): counting it against its limit, and making it present.
//!
//! A page of a program goes only if its file can give it back, and then only from areas that are not locked ([`Vma::is_locked`]).
use super::error::MapError;
use super::map::MemoryLimits;
use super::populate::Populate;
use super::space::{AddressSpace, Memory};
use super::vma::Locking;
use alloc::vec::Vec;
use core::ops::Range;
use machine::addr::PAGE_SIZE;
use machine::thread::CurrentThread;

impl AddressSpace {
    /// Locks a range, or unlocks it. LINUX: at a hole, what comes before has been done.
    pub fn lock_pages(
        &self,
        cx: &mut CurrentThread,
        range: Range<usize>,
        locking: Locking,
        limits: &MemoryLimits,
    ) -> Result<(), MapError> {
        {
            let mut memory = self.memory.lock(cx);
            if locking != Locking::None {
                let more = range.len() / PAGE_SIZE - memory.locked_in(range.clone());
                if (memory.locked_pages + more) as u64 > limits.locked / PAGE_SIZE as u64 {
                    return Err(MapError::NoRoom);
                }
            }
            memory.reserve_change()?;
            let end = memory.covered_until(range.clone());
            memory.set_locking(range.start..end, locking);
            if end < range.end {
                return Err(MapError::NotMapped);
            }
        }
        if locking != Locking::Whole {
            return Ok(());
        }
        self.populate(cx, range, Populate::AsAllowed).map_err(|error| match error {
            MapError::OutOfMemory => MapError::LockLimit,
            _ => MapError::NotMapped,
        })
    }

    /// Locks everything there is as `now` says, if it says so, and everything that will be as `future` says.
    pub fn lock_all(
        &self,
        cx: &mut CurrentThread,
        now: Option<Locking>,
        future: Locking,
        limits: &MemoryLimits,
    ) -> Result<(), MapError> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        {
            let mut memory = self.memory.lock(cx);
            let is_locking = now.is_some_and(|now| now != Locking::None);
            if is_locking && memory.mapped_pages as u64 > limits.locked / PAGE_SIZE as u64 {
                return Err(MapError::NoRoom);
            }
            let entries = memory.areas.entries();
            ranges.try_reserve_exact(entries.len()).map_err(|_| MapError::OutOfMemory)?;
            ranges.extend(entries.iter().map(|entry| entry.start..entry.end));
            memory.locks_new = future;
            if let Some(locking) = now {
                for range in ranges.iter().cloned() {
                    // Whole areas: nothing is cut, so no room is needed.
                    memory.set_locking(range, locking);
                }
            }
        }
        if now == Some(Locking::Whole) {
            for range in ranges {
                // LINUX: what cannot be made present is left out.
                let _ = self.populate(cx, range, Populate::AsAllowed);
            }
        }
        Ok(())
    }
}

impl Memory {
    /// Where the first hole of the range begins.
    fn covered_until(&self, range: Range<usize>) -> usize {
        let mut at = range.start;
        for entry in self.areas.overlapping(range.clone()) {
            if entry.start > at {
                break;
            }
            at = entry.end.min(range.end);
        }
        at
    }

    /// Pages of the range that are locked.
    fn locked_in(&self, range: Range<usize>) -> usize {
        let areas = self.areas.overlapping(range.clone()).iter().filter(|entry| entry.value.is_locked());
        areas.map(|entry| entry.end.min(range.end) - entry.start.max(range.start)).sum::<usize>() / PAGE_SIZE
    }

    /// Room must have been reserved.
    fn set_locking(&mut self, range: Range<usize>, locking: Locking) {
        let before = self.locked_in(range.clone());
        self.areas.update(range.clone(), |_, vma| vma.locking = locking);
        self.locked_pages = self.locked_pages - before + self.locked_in(range);
    }
}
