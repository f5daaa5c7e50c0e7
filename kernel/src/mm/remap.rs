//! `mremap`: growing, shrinking and moving one mapping with its pages.
use super::error::MapError;
use super::map::{MemoryLimits, page_range};
use super::populate::Populate;
use super::space::{AddressSpace, Memory};
use super::vma::{Backing, Vma};
use core::ops::Range;
use machine::addr::{PAGE_SIZE, USER_END, USER_MIN, UserAddr, page_ceil};
use machine::thread::CurrentThread;
use pure::range_map::Area;

/// A wish to `mremap`.
#[derive(Clone, Copy, Debug)]
pub struct RemapRequest {
    /// Where the mapping is.
    pub old: UserAddr,
    /// How much of it is meant.
    pub old_bytes: usize,
    /// How long it shall be.
    pub new_bytes: usize,
    /// MREMAP_MAYMOVE.
    pub may_move: bool,
    /// MREMAP_FIXED: where it shall go.
    pub fixed: Option<UserAddr>,
    /// MREMAP_DONTUNMAP: the old place stays mapped, empty.
    pub keeps_old: bool,
}

impl AddressSpace {
    /// Changes a mapping's length or place; answers where it is then.
    pub fn remap(
        &self,
        cx: &mut CurrentThread,
        request: &RemapRequest,
        limits: &MemoryLimits,
    ) -> Result<UserAddr, MapError> {
        let new_bytes = page_ceil(request.new_bytes).filter(|bytes| *bytes != 0).ok_or(MapError::BadArgument)?;
        let old_bytes = page_ceil(request.old_bytes).ok_or(MapError::BadArgument)?;
        if request.old.page_offset() != 0 || new_bytes > USER_END {
            return Err(MapError::BadArgument);
        }
        if request.keeps_old && (!request.may_move || old_bytes != new_bytes) {
            return Err(MapError::BadArgument);
        }
        let target = match request.fixed {
            None => None,
            Some(_) if !request.may_move => return Err(MapError::BadArgument),
            Some(addr) => Some(fixed_target(addr, new_bytes, request.old.0, old_bytes)?),
        };
        let addr = {
            let mut memory = self.memory.lock(cx);
            memory.remap(cx, request, old_bytes, new_bytes, target, self.layout.mmap_top, limits)?
        };
        if new_bytes > old_bytes {
            // LINUX: what cannot be made present is left out.
            let _ = self.populate(cx, addr + old_bytes..addr + new_bytes, Populate::Locked);
        }
        Ok(UserAddr(addr))
    }
}

/// Checks the place that MREMAP_FIXED names.
fn fixed_target(addr: UserAddr, new_bytes: usize, old: usize, old_bytes: usize) -> Result<Range<usize>, MapError> {
    let range = page_range(addr, new_bytes).filter(|range| range.start >= USER_MIN).ok_or(MapError::BadArgument)?;
    let overlaps = old < range.end && range.start < old.saturating_add(old_bytes);
    if overlaps { Err(MapError::BadArgument) } else { Ok(range) }
}

impl Memory {
    #[allow(clippy::too_many_arguments, reason = "the checked parts of one request")]
    fn remap(
        &mut self,
        cx: &mut CurrentThread,
        request: &RemapRequest,
        old_bytes: usize,
        new_bytes: usize,
        target: Option<Range<usize>>,
        top: usize,
        limits: &MemoryLimits,
    ) -> Result<usize, MapError> {
        let old = request.old.0;
        let entry = self.areas.find(old).ok_or(MapError::BadRange)?;
        // LINUX: a length of zero makes a second mapping of the same shared pages.
        let is_second = old_bytes == 0;
        if is_second && (!entry.value.is_shared || !request.may_move) {
            return Err(MapError::BadArgument);
        }
        let old_end = old.checked_add(old_bytes).ok_or(MapError::BadRange)?;
        let mut vma = entry.value.clone();
        vma.advance(old - entry.start);
        let (area_end, is_whole_end) = (entry.end, entry.end == old_end);
        if let Backing::Cache(backing) = &vma.backing
            && backing.offset.checked_add(new_bytes as u64).is_none_or(|end| end > i64::MAX as u64)
        {
            return Err(MapError::BadArgument);
        }

        // Shrinking works over any areas; everything else needs one area.
        if new_bytes < old_bytes {
            self.areas.reserve(pure::range_map::SPLIT_SLOTS)?;
            self.take_out(cx, old + new_bytes..old_end);
        }
        let old_bytes = old_bytes.min(new_bytes);
        if target.is_none() && old_bytes == new_bytes && !request.keeps_old {
            return Ok(old);
        }
        if old + old_bytes > area_end {
            return Err(MapError::BadRange);
        }
        let more = (new_bytes - old_bytes) / PAGE_SIZE;
        let extra = if request.keeps_old { new_bytes / PAGE_SIZE } else { more };
        self.check_limits(extra, 0, &vma, true, limits)?;
        self.reserve_change()?;
        if target.is_none() && is_whole_end && !is_second && !request.keeps_old {
            let end = old + new_bytes;
            let is_free = end <= USER_END && self.areas.find_gap(end - old_end, old_end..end, PAGE_SIZE).is_some();
            if is_free {
                let mut tail = vma;
                tail.advance(old_bytes);
                self.add(old_end..end, tail);
                return Ok(old);
            }
        }
        if !request.may_move {
            return Err(MapError::NoRoom);
        }
        let new = match target {
            Some(range) => {
                self.take_out(cx, range.clone());
                range.start
            }
            None => self.find_place(UserAddr::NULL, new_bytes, top, PAGE_SIZE)?,
        };
        self.move_area(cx, old..old + old_bytes, new..new + new_bytes, vma, request.keeps_old)?;
        Ok(new)
    }

    /// Puts `vma` and the pages of `old` at `new`. All checks are done.
    fn move_area(
        &mut self,
        cx: &mut CurrentThread,
        old: Range<usize>,
        new: Range<usize>,
        vma: Vma,
        keeps_old: bool,
    ) -> Result<(), MapError> {
        // Room for cutting the old area and for adding the new one.
        self.areas.reserve(2 * pure::range_map::SPLIT_SLOTS)?;
        if !old.is_empty() {
            self.table.move_pages(cx, UserAddr(old.start)..UserAddr(old.end), UserAddr(new.start))?;
        }
        self.add(new, Vma { is_changed: true, ..vma });
        if !keeps_old && !old.is_empty() {
            self.take_out(cx, old);
        }
        Ok(())
    }
}
