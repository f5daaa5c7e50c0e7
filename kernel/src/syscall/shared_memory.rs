//! Calls on System V shared memory. The objects: [`crate::ipc::shared_memory`].
use super::argument::Flags;
use super::call::Call;
use crate::errno::{Errno, Result};
use crate::fs::OpenFile;
use crate::ipc::object::{Object, READ, WRITE};
use crate::ipc::shared_memory::{MOST_SEGMENTS, SEGMENTS, Segment, forget_gone, now_seconds};
use crate::mm::listing::AreaContent;
use crate::mm::{CacheBacking, MapRequest, Place, Protection, Vma};
use crate::task::Capability;
use crate::user_memory::UserPtr;
use abi::ipc::{
    IPC_INFO, IPC_RMID, IPC_SET, IPC_STAT, SHM_DEST, SHM_EXEC, SHM_HUGETLB, SHM_INFO, SHM_LOCK, SHM_LOCKED, SHM_RDONLY,
    SHM_REMAP, SHM_RND, SHM_STAT, SHM_STAT_ANY, SHM_UNLOCK, ShmUse, ShmidDs, Shminfo,
};
use alloc::sync::Arc;
use core::sync::atomic::Ordering;
use machine::addr::{PAGE_SIZE, UserAddr};

/// Largest segment, and most pages of all, as they are told.
// LINUX: ULONG_MAX - 2^24: memory is the limit.
const MOST_BYTES: u64 = u64::MAX - (1 << 24);
/// Wanted for SHM_EXEC.
const EXECUTE: u32 = 0o111;

/// Finds or makes a segment.
pub fn sys_shmget(call: &mut Call<'_>, key: i32, bytes: usize, flags: Flags) -> Result<u64> {
    let maker = call.process().pid();
    let who = call.who();
    let cx = &mut *call.cx;
    let make = || {
        if bytes == 0 || bytes as u64 > MOST_BYTES {
            return Err(Errno::EINVAL);
        }
        // No huge pages are set aside, and what no memory could hold is not promised.
        if flags.0 & SHM_HUGETLB != 0 || bytes / PAGE_SIZE > machine::mm::counts().total {
            return Err(Errno::ENOMEM);
        }
        Segment::new(cx, key, bytes, flags.0, maker)
    };
    let check = |segment: &Segment| if bytes > segment.bytes { Err(Errno::EINVAL) } else { Ok(()) };
    // CAST: identifiers are not negative.
    Ok(SEGMENTS.get(&who, key, flags.0, make, check)? as u64)
}

/// A segment that is there: one that was removed is gone with its last mapping.
fn find(id: i32) -> Result<Arc<Object<Segment>>> {
    forget_gone();
    SEGMENTS.find(id)
}

/// Maps a segment; answers where.
pub fn sys_shmat(call: &mut Call<'_>, id: i32, addr: UserAddr, flags: Flags) -> Result<u64> {
    let flags = flags.0;
    if id < 0 {
        return Err(Errno::EINVAL);
    }
    let place = if addr.is_null() {
        if flags & SHM_REMAP != 0 {
            return Err(Errno::EINVAL);
        }
        Place::Hint
    } else {
        if addr.page_offset() != 0 && flags & SHM_RND == 0 {
            return Err(Errno::EINVAL);
        }
        if flags & SHM_REMAP != 0 { Place::Fixed } else { Place::FixedIfFree }
    };
    let addr = UserAddr(addr.0 - addr.page_offset());
    let segment = find(id)?;
    let writes = flags & SHM_RDONLY == 0;
    let mut protection = Protection::READ;
    let mut wanted = READ;
    if writes {
        protection = protection.with(Protection::WRITE);
        wanted |= WRITE;
    }
    if flags & SHM_EXEC != 0 {
        protection = protection.with(Protection::EXECUTE);
        wanted |= EXECUTE;
    }
    segment.check(&call.who(), wanted)?;
    let file = segment.body.file().ok_or(Errno::EIDRM)?;
    let cache = file.page_cache().ok_or(Errno::EINVAL)?.clone();
    let most = if writes { Protection::ALL } else { Protection::ALL.without(Protection::WRITE) };
    let vma = Vma::shared(protection, most, CacheBacking { cache, file: Some(file), offset: 0 });
    let request = MapRequest { addr, bytes: segment.body.bytes, place, vma, is_reserved: false, wants_pages: false };
    let limits = call.memory_limits();
    let at = match call.space()?.map(call.cx, request, &limits).map_err(Errno::from) {
        // LINUX: what is in the way is a wrong argument here.
        Err(Errno::EEXIST) => return Err(Errno::EINVAL),
        outcome => outcome?,
    };
    segment.body.last.store(call.process().pid(), Ordering::Relaxed);
    segment.body.attach_time.store(now_seconds(), Ordering::Relaxed);
    Ok(at.0 as u64)
}

/// The segment that an open file is of.
fn segment_of(file: &Arc<OpenFile>) -> Option<Arc<Object<Segment>>> {
    let mut place = 0;
    while let Some((next, segment)) = SEGMENTS.next(place) {
        place = next;
        if segment.body.is_of(file) {
            return Some(segment);
        }
    }
    None
}

/// Takes a mapping away, by its first address.
pub fn sys_shmdt(call: &mut Call<'_>, addr: UserAddr) -> Result<u64> {
    if addr.page_offset() != 0 {
        return Err(Errno::EINVAL);
    }
    let space = call.space()?;
    let areas = space.list_areas(call.cx)?;
    let mut found: Option<(Arc<OpenFile>, Arc<Object<Segment>>)> = None;
    for area in areas {
        let AreaContent::File(file) = area.content else { continue };
        // Where its first page would be.
        let is_there = area.range.start.checked_sub(usize::try_from(area.offset).unwrap_or(usize::MAX)) == Some(addr.0);
        if !is_there {
            continue;
        }
        if found.is_none() {
            found = segment_of(&file).map(|segment| (file.clone(), segment));
        }
        if found.as_ref().is_some_and(|(known, _)| Arc::ptr_eq(known, &file)) {
            space.unmap(call.cx, UserAddr(area.range.start), area.range.len())?;
        }
    }
    let (file, segment) = found.ok_or(Errno::EINVAL)?;
    segment.body.last.store(call.process().pid(), Ordering::Relaxed);
    segment.body.detach_time.store(now_seconds(), Ordering::Relaxed);
    drop(file);
    forget_gone();
    Ok(0)
}

fn stat(segment: &Object<Segment>) -> ShmidDs {
    let body = &segment.body;
    let mut perm = segment.told_permissions();
    for (holds, bit) in [(segment.is_removed(), SHM_DEST), (body.is_locked.load(Ordering::Relaxed), SHM_LOCKED)] {
        perm.mode |= if holds { bit } else { 0 };
    }
    ShmidDs {
        perm,
        bytes: body.bytes as u64,
        attach_time: body.attach_time.load(Ordering::Relaxed),
        detach_time: body.detach_time.load(Ordering::Relaxed),
        change_time: body.change_time.load(Ordering::Relaxed),
        // CAST: process numbers are small.
        maker: body.maker as i32,
        last: body.last.load(Ordering::Relaxed) as i32,
        attached: body.attached() as u64,
        ..ShmidDs::default()
    }
}

/// Everything else about segments.
pub fn sys_shmctl(call: &mut Call<'_>, id: i32, command: i32, place: UserPtr<ShmidDs>) -> Result<u64> {
    if id < 0 {
        return Err(Errno::EINVAL);
    }
    let who = call.who();
    match command {
        IPC_INFO => {
            let told = Shminfo {
                most_bytes: MOST_BYTES,
                least_bytes: 1,
                most_segments: MOST_SEGMENTS as u64,
                most_of_process: MOST_SEGMENTS as u64,
                most_pages: MOST_BYTES,
                ..Shminfo::default()
            };
            UserPtr::new(place.addr()).write(call.cx, &told)?;
            return Ok(SEGMENTS.extent().0 as u64);
        }
        SHM_INFO => return tell_use(call, UserPtr::new(place.addr())),
        SHM_STAT | SHM_STAT_ANY => {
            forget_gone();
            let segment = SEGMENTS.at(id)?;
            if command == SHM_STAT {
                segment.check(&who, READ)?;
            }
            place.write(call.cx, &stat(&segment))?;
            // CAST: identifiers are not negative.
            return Ok(segment.id as u64);
        }
        _ => {}
    }
    let segment = find(id)?;
    match command {
        IPC_STAT => {
            segment.check(&who, READ)?;
            place.write(call.cx, &stat(&segment))?;
        }
        IPC_SET => {
            let new = place.read(call.cx)?;
            segment.check_owner(&who)?;
            segment.set_permissions(&new.perm);
            segment.body.change_time.store(now_seconds(), Ordering::Relaxed);
        }
        IPC_RMID => {
            segment.check_owner(&who)?;
            SEGMENTS.mark_removed(&segment);
            segment.body.remove();
            forget_gone();
        }
        SHM_LOCK | SHM_UNLOCK => {
            let may_lock = || segment.is_own(&who) && (command == SHM_UNLOCK || call.memory_limits().locked != 0);
            if !who.may(Capability::IpcLock) && !may_lock() {
                return Err(Errno::EPERM);
            }
            segment.body.is_locked.store(command == SHM_LOCK, Ordering::Relaxed);
        }
        _ => return Err(Errno::EINVAL),
    }
    Ok(0)
}

fn tell_use(call: &mut Call<'_>, place: UserPtr<ShmUse>) -> Result<u64> {
    forget_gone();
    let (highest, segments) = SEGMENTS.extent();
    let (mut next, mut pages, mut resident) = (0, 0, 0);
    while let Some((place, segment)) = SEGMENTS.next(next) {
        next = place;
        pages += segment.body.bytes.div_ceil(PAGE_SIZE);
        resident += segment.body.resident_pages();
    }
    // CAST: at most `MOST_SEGMENTS`.
    let told =
        ShmUse { segments: segments as i32, pages: pages as u64, resident: resident as u64, ..ShmUse::default() };
    place.write(call.cx, &told)?;
    Ok(highest as u64)
}
