//! Making, removing and protecting mappings.
use super::error::MapError;
use super::populate::Populate;
use super::space::{AddressSpace, Memory};
use super::vma::{Backing, Locking, Protection, Vma};
use crate::task::Process;
use crate::task::limits::Resource;
use crate::trace::{self, Counter, probe};
use alloc::sync::Arc;
use core::ops::Range;
use machine::addr::{PAGE_SIZE, USER_END, USER_MIN, UserAddr, page_ceil};
use machine::thread::CurrentThread;
use machine::trace::providers::Hex;

/// Where a mapping may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// At the address if that is free, else anywhere.
    Hint,
    /// There, replacing what is there (MAP_FIXED).
    Fixed,
    /// There, if it is free (MAP_FIXED_NOREPLACE).
    FixedIfFree,
}

/// A mapping to make.
pub struct MapRequest {
    /// Where.
    pub addr: UserAddr,
    /// Length; rounded up to pages.
    pub bytes: usize,
    /// How `addr` is meant.
    pub place: Place,
    /// What will be there.
    pub vma: Vma,
    /// Whether it counts against the machine's memory (not with MAP_NORESERVE).
    pub is_reserved: bool,
    /// Whether its pages shall be there at once, as far as possible (MAP_POPULATE). So are those of locked areas.
    pub wants_pages: bool,
}

/// The limits that memory calls obey, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct MemoryLimits {
    /// RLIMIT_AS.
    pub space: u64,
    /// RLIMIT_DATA.
    pub data: u64,
    /// RLIMIT_MEMLOCK; unlimited for root.
    pub locked: u64,
}

impl MemoryLimits {
    /// No limits.
    pub const NONE: MemoryLimits = MemoryLimits { space: u64::MAX, data: u64::MAX, locked: u64::MAX };

    /// Those of a process.
    pub fn of(process: &Process, may_lock_all: bool) -> MemoryLimits {
        MemoryLimits {
            space: process.limit(Resource::AddressSpace),
            data: process.limit(Resource::Data),
            locked: if may_lock_all { u64::MAX } else { process.limit(Resource::LockedMemory) },
        }
    }
}

/// The range `addr..addr + bytes` in whole pages, if it is aligned, not empty and inside user space.
pub(super) fn page_range(addr: UserAddr, bytes: usize) -> Option<Range<usize>> {
    let bytes = page_ceil(bytes)?;
    let end = addr.0.checked_add(bytes)?;
    (addr.page_offset() == 0 && bytes != 0 && end <= USER_END).then_some(addr.0..end)
}

impl AddressSpace {
    /// Makes a mapping; answers where it is.
    pub fn map(
        self: &Arc<Self>,
        cx: &mut CurrentThread,
        mut request: MapRequest,
        limits: &MemoryLimits,
    ) -> Result<UserAddr, MapError> {
        if request.bytes == 0 {
            return Err(MapError::BadArgument);
        }
        let bytes = page_ceil(request.bytes).filter(|bytes| *bytes <= USER_END).ok_or(MapError::NoRoom)?;
        if let Backing::Cache(backing) = &request.vma.backing {
            // LINUX: the end of the mapping must be an offset too.
            let end = backing.offset.checked_add(bytes as u64).ok_or(MapError::Overflow)?;
            if end > i64::MAX as u64 {
                return Err(MapError::Overflow);
            }
            if backing.file.is_some() {
                self.watch(cx, &backing.cache)?;
            }
        }
        if request.place != Place::Hint {
            check_fixed(request.addr, bytes)?;
        }
        let mut memory = self.memory.lock(cx);
        if request.vma.shares_sealed(|seals| seals.forbid_shared_writes()) {
            if request.vma.protection.allows(Protection::WRITE) {
                return Err(MapError::Sealed);
            }
            request.vma.most = request.vma.most.without(Protection::WRITE);
        }
        if request.vma.locking == Locking::None {
            request.vma.locking = memory.locks_new;
        }
        let wants_pages = request.wants_pages || request.vma.locking == Locking::Whole;
        memory.reserve_change()?;
        let addr = match request.place {
            Place::Hint => memory.find_place(request.addr, bytes, self.layout.mmap_top, PAGE_SIZE)?,
            Place::Fixed | Place::FixedIfFree => request.addr.0,
        };
        let range = addr..addr + bytes;
        let is_free = memory.areas.is_free(range.clone());
        if request.place == Place::FixedIfFree && !is_free {
            return Err(MapError::Occupied);
        }
        let replaced = if is_free { 0 } else { memory.mapped_in(range.clone()) };
        memory.check_limits(bytes / PAGE_SIZE, replaced, &request.vma, request.is_reserved, limits)?;
        if !is_free {
            memory.take_out(cx, range.clone());
            // The removal may have used the room.
            memory.reserve_change()?;
        }
        memory.add(range, request.vma);
        trace::count(Counter::MemoryMaps);
        probe!(trace::vminfo::map(UserAddr(addr), bytes as u64));
        drop(memory);
        if wants_pages {
            // LINUX: the mapping stands even if its pages cannot all be made present.
            let _ = self.populate(cx, addr..addr + bytes, Populate::AsAllowed);
        }
        Ok(UserAddr(addr))
    }

    /// Whether a mapping may go to a fixed place. Linux looks at this before it looks at the file.
    pub fn check_place(
        &self,
        cx: &mut CurrentThread,
        addr: UserAddr,
        bytes: usize,
        place: Place,
    ) -> Result<(), MapError> {
        if place == Place::Hint {
            return Ok(());
        }
        let bytes = page_ceil(bytes).filter(|bytes| *bytes <= USER_END).ok_or(MapError::NoRoom)?;
        check_fixed(addr, bytes)?;
        if place == Place::FixedIfFree && !self.memory.lock(cx).areas.is_free(addr.0..addr.0 + bytes) {
            return Err(MapError::Occupied);
        }
        Ok(())
    }

    /// Removes every mapping in the range.
    pub fn unmap(&self, cx: &mut CurrentThread, addr: UserAddr, bytes: usize) -> Result<(), MapError> {
        let range = page_range(addr, bytes).ok_or(MapError::BadArgument)?;
        let mut memory = self.memory.lock(cx);
        memory.areas.reserve(pure::range_map::SPLIT_SLOTS)?;
        memory.take_out(cx, range);
        trace::count(Counter::MemoryUnmaps);
        probe!(trace::vminfo::unmap(addr, bytes as u64));
        Ok(())
    }

    /// Where the stack that holds `addr` begins now, for PROT_GROWSDOWN; `None` if that is no stack.
    pub fn stack_start(&self, cx: &mut CurrentThread, addr: UserAddr) -> Option<UserAddr> {
        let memory = self.memory.lock(cx);
        memory.areas.find(addr.0).filter(|entry| entry.value.grows_down).map(|entry| UserAddr(entry.start))
    }

    /// Changes what the range allows. LINUX: at a hole or an area that forbids it, what comes before has been changed.
    pub fn protect(
        &self,
        cx: &mut CurrentThread,
        addr: UserAddr,
        bytes: usize,
        protection: Protection,
        limits: &MemoryLimits,
    ) -> Result<(), MapError> {
        if bytes == 0 {
            return if addr.page_offset() == 0 { Ok(()) } else { Err(MapError::BadArgument) };
        }
        if addr.page_offset() != 0 {
            return Err(MapError::BadArgument);
        }
        let range = page_range(addr, bytes).ok_or(MapError::NotMapped)?;
        let mut memory = self.memory.lock(cx);
        memory.reserve_change()?;
        let (end, outcome) = memory.protectable(range.clone(), protection, limits);
        if end > range.start {
            let mut wants_copies = false;
            if protection.allows(Protection::WRITE) {
                let changed = memory.areas.overlapping(range.start..end);
                wants_copies = changed.iter().any(|entry| entry.value.locking == Locking::Whole);
            }
            memory.protect(cx, range.start..end, protection);
            drop(memory);
            probe!(trace::vminfo::protect(addr, (end - range.start) as u64, Hex(protection.bits().into())));
            if wants_copies {
                // LINUX: locked memory takes no faults later, so its copies are made now; what fails is left out.
                let _ = self.populate(cx, range.start..end, Populate::Locked);
            }
        }
        outcome
    }
}

/// Whether a mapping may be made at a fixed place.
fn check_fixed(addr: UserAddr, bytes: usize) -> Result<(), MapError> {
    if addr.page_offset() != 0 {
        return Err(MapError::BadArgument);
    }
    if addr.0 > USER_END - bytes {
        return Err(MapError::NoRoom);
    }
    if addr.0 < USER_MIN {
        return Err(MapError::TooLow);
    }
    Ok(())
}

impl Memory {
    /// A free place for `bytes`: at `hint` if possible, else as high as possible below `top`, else anywhere.
    pub(super) fn find_place(&self, hint: UserAddr, bytes: usize, top: usize, align: usize) -> Result<usize, MapError> {
        if let Some(hint) = page_ceil(hint.0)
            && hint >= USER_MIN
            && let Some(end) = hint.checked_add(bytes)
            && end <= USER_END
            && self.areas.find_gap(bytes, hint..end, PAGE_SIZE).is_some()
        {
            return Ok(hint);
        }
        self.areas
            .find_gap(bytes, USER_MIN..top, align)
            .or_else(|| self.areas.find_gap(bytes, USER_MIN..USER_END, align))
            .ok_or(MapError::NoRoom)
    }

    /// Pages of areas in the range.
    fn mapped_in(&self, range: Range<usize>) -> usize {
        let bytes = self.areas.overlapping(range.clone()).iter();
        bytes.map(|entry| entry.end.min(range.end) - entry.start.max(range.start)).sum::<usize>() / PAGE_SIZE
    }

    /// Whether `pages` more of this kind are within the limits, when `replaced` pages go.
    pub(super) fn check_limits(
        &self,
        pages: usize,
        replaced: usize,
        vma: &Vma,
        is_reserved: bool,
        limits: &MemoryLimits,
    ) -> Result<(), MapError> {
        let exceeds = |now: usize, limit: u64| (now + pages) as u64 > limit / PAGE_SIZE as u64;
        if exceeds(self.mapped_pages.saturating_sub(replaced), limits.space) {
            return Err(MapError::NoRoom);
        }
        if vma.is_data() && exceeds(self.data_pages, limits.data) {
            return Err(MapError::NoRoom);
        }
        if vma.is_locked() && exceeds(self.locked_pages, limits.locked) {
            return Err(MapError::LockLimit);
        }
        // LINUX: the guess of overcommit_memory=0: only what could never fit is refused.
        let is_accounted =
            vma.is_data() || (vma.is_shared && matches!(&vma.backing, Backing::Cache(c) if c.file.is_none()));
        if is_accounted && is_reserved && pages > machine::mm::counts().total {
            return Err(MapError::NoRoom);
        }
        Ok(())
    }

    /// How far from the start the range may be given `protection`, and what is said at the end.
    fn protectable(
        &self,
        range: Range<usize>,
        protection: Protection,
        limits: &MemoryLimits,
    ) -> (usize, Result<(), MapError>) {
        let mut at = range.start;
        let mut new_data = 0;
        for entry in self.areas.overlapping(range.clone()) {
            if entry.start > at {
                return (at, Err(MapError::NotMapped));
            }
            if !entry.value.most.allows(protection) {
                return (at, Err(MapError::Forbidden));
            }
            let mut changed = entry.value.clone();
            changed.protection = protection;
            if changed.is_data() && !entry.value.is_data() {
                new_data += (entry.end.min(range.end) - at) / PAGE_SIZE;
                if self.check_limits(new_data, new_data, &changed, true, limits).is_err() {
                    return (at, Err(MapError::NoRoom));
                }
            }
            at = entry.end.min(range.end);
        }
        (at, if at < range.end { Err(MapError::NotMapped) } else { Ok(()) })
    }

    /// Gives the range, which is covered by areas that allow it, `protection`. Room must have been reserved.
    fn protect(&mut self, cx: &mut CurrentThread, range: Range<usize>, protection: Protection) {
        let (mut added, mut taken) = (0, 0);
        let table = &mut self.table;
        self.areas.update(range, |piece, vma| {
            if vma.protection == protection {
                return;
            }
            let was_data = vma.is_data();
            vma.protection = protection;
            let pages = piece.len() / PAGE_SIZE;
            match (was_data, vma.is_data()) {
                (false, true) => added += pages,
                (true, false) => taken += pages,
                _ => {}
            }
            let is_anonymous = !vma.is_shared && matches!(vma.backing, Backing::Anonymous);
            table.protect(cx, UserAddr(piece.start)..UserAddr(piece.end), &mut |_, mapped| {
                // A page that was writable stays so; one of its own becomes so at once instead of at the next fault, unless that
                // shall tell of the first write.
                let is_own = is_anonymous && mapped.count == 1 && mapped.is_changed;
                protection.access(mapped.access.is_writable || is_own)
            });
        });
        self.data_pages = self.data_pages + added - taken;
    }
}
