//! Calls on memory: mmap and its family, brk, advice, locking.
//!
//! Handlers judge flags and files; everything else is [`AddressSpace`]'s.
use super::argument::{Fd, Flags};
use super::call::Call;
use crate::errno::{Errno, Result};
use crate::fs::pidfd::PidFd;
use crate::fs::procfs::Subject;
use crate::fs::{OpenFile, PageCache};
use crate::mm::advise::Advice;
use crate::mm::map::MemoryLimits;
use crate::mm::remap::RemapRequest;
use crate::mm::{AddressSpace, Blocks, CacheBacking, Locking, MapRequest, Place, Populate, Protection, Vma};
use crate::observe;
use crate::ptrace::access::{self, Rights};
use crate::task::Capability;
use crate::user_memory::{UserSlice, read_iovecs};
use abi::linux::{
    MADV_COLD, MADV_DODUMP, MADV_DOFORK, MADV_DONTDUMP, MADV_DONTFORK, MADV_DONTNEED, MADV_FREE, MADV_HUGEPAGE,
    MADV_KEEPONFORK, MADV_MERGEABLE, MADV_NOHUGEPAGE, MADV_NORMAL, MADV_POPULATE_READ, MADV_POPULATE_WRITE,
    MADV_RANDOM, MADV_SEQUENTIAL, MADV_UNMERGEABLE, MADV_WILLNEED, MADV_WIPEONFORK, MAP_ANONYMOUS, MAP_FIXED,
    MAP_FIXED_NOREPLACE, MAP_GROWSDOWN, MAP_HUGETLB, MAP_LOCKED, MAP_NONBLOCK, MAP_NORESERVE, MAP_POPULATE,
    MAP_PRIVATE, MAP_SHARED, MAP_SHARED_VALIDATE, MAP_SYNC, MAP_TYPE, MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT,
    MLOCK_ONFAULT, MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE, MS_ASYNC, MS_INVALIDATE, MS_SYNC, PROT_EXEC,
    PROT_GROWSDOWN, PROT_READ, PROT_WRITE,
};
use abi::process::READ_IMPLIES_EXEC;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use machine::addr::{PAGE_SIZE, USER_END, UserAddr, page_ceil};

/// PROT_SEM, which some programs still pass, and which means nothing.
const PROT_SEM: u32 = 8;
/// Pages whose residency is told in one go.
const RESIDENCY_PAGES: usize = 4096;

impl Call<'_> {
    /// The calling task's memory. Only a task that has ended has none.
    pub(super) fn space(&self) -> Result<Arc<AddressSpace>> {
        self.task.space(self.cx).ok_or(Errno::EFAULT)
    }
    pub(super) fn memory_limits(&self) -> MemoryLimits {
        MemoryLimits::of(self.process(), self.may(Capability::IpcLock))
    }
    /// What a program that asks for `protection` gets: old ones mean execution by reading.
    fn implied(&self, protection: Protection) -> Protection {
        let implies = self.task.personality() & READ_IMPLIES_EXEC != 0 && protection.allows(Protection::READ);
        if implies { protection.with(Protection::EXECUTE) } else { protection }
    }
}

/// Maps a file or anonymous memory.
pub fn sys_mmap(
    call: &mut Call<'_>,
    addr: UserAddr,
    bytes: usize,
    protection: Flags,
    flags: Flags,
    fd: Fd,
    offset: u64,
) -> Result<u64> {
    let flags = flags.0;
    if !offset.is_multiple_of(PAGE_SIZE as u64) {
        return Err(Errno::EINVAL);
    }
    let file = if flags & MAP_ANONYMOUS != 0 { None } else { Some(call.task.files(call.cx).get(call.cx, fd)?) };
    if bytes == 0 {
        return Err(Errno::EINVAL);
    }
    let protection = call.implied(Protection::from_bits(protection.0));
    let is_shared = match flags & MAP_TYPE {
        MAP_PRIVATE => false,
        MAP_SHARED => true,
        // The strict form is for files only and knows every flag it accepts.
        MAP_SHARED_VALIDATE if file.is_some() => {
            if flags & MAP_SYNC != 0 {
                return Err(Errno::EOPNOTSUPP);
            }
            true
        }
        _ => return Err(Errno::EINVAL),
    };
    if flags & MAP_HUGETLB != 0 {
        // LINUX: so it answers when no huge pages are set aside.
        return Err(Errno::ENOMEM);
    }
    let place = match (flags & MAP_FIXED_NOREPLACE != 0, flags & MAP_FIXED != 0) {
        (true, _) => Place::FixedIfFree,
        (false, true) => Place::Fixed,
        (false, false) => Place::Hint,
    };
    let space = call.space()?;
    space.check_place(call.cx, addr, bytes, place)?;
    let limits = call.memory_limits();
    if flags & MAP_LOCKED != 0 && limits.locked == 0 {
        return Err(Errno::EPERM);
    }
    let mut vma = match file {
        None if is_shared => shared_memory(call, protection, bytes)?,
        None => Vma::anonymous(protection),
        Some(file) => file_area(&file, protection, is_shared, offset)?,
    };
    if flags & MAP_GROWSDOWN != 0 {
        if is_shared || flags & MAP_ANONYMOUS == 0 {
            return Err(Errno::EINVAL);
        }
        vma.grows_down = true;
    }
    if flags & MAP_LOCKED != 0 {
        vma.locking = Locking::Whole;
    }
    let wants_pages = flags & (MAP_POPULATE | MAP_NONBLOCK) == MAP_POPULATE;
    let request = MapRequest { addr, bytes, place, vma, is_reserved: flags & MAP_NORESERVE == 0, wants_pages };
    let start = space.map(call.cx, request, &limits)?;
    if protection.allows(Protection::EXECUTE) {
        observe::mapped(call.cx, call.task, start.0..start.0.saturating_add(bytes));
    }
    Ok(start.0 as u64)
}

/// An area of shared anonymous memory: a page cache of its own.
fn shared_memory(call: &mut Call<'_>, protection: Protection, bytes: usize) -> Result<Vma> {
    let bytes = page_ceil(bytes).ok_or(Errno::ENOMEM)?;
    let cache = Arc::new(PageCache::new(crate::fs::page_cache::Backing::Zeros));
    cache.set_size(call.cx, bytes as u64)?;
    Ok(Vma::shared(protection, Protection::ALL, CacheBacking { cache, file: None, offset: 0 }))
}

/// An area of a file, if the file's opening allows it.
fn file_area(file: &Arc<OpenFile>, protection: Protection, is_shared: bool, offset: u64) -> Result<Vma> {
    if !file.is_readable() || (is_shared && protection.allows(Protection::WRITE) && !file.is_writable()) {
        return Err(Errno::EACCES);
    }
    let cache = file.page_cache().ok_or(Errno::ENODEV)?.clone();
    let backing = CacheBacking { cache, file: Some(file.clone()), offset };
    let most =
        if is_shared && !file.is_writable() { Protection::ALL.without(Protection::WRITE) } else { Protection::ALL };
    Ok(if is_shared { Vma::shared(protection, most, backing) } else { Vma::private_file(protection, backing) })
}

/// Removes mappings.
pub fn sys_munmap(call: &mut Call<'_>, addr: UserAddr, bytes: usize) -> Result<u64> {
    call.space()?.unmap(call.cx, addr, bytes)?;
    Ok(0)
}

/// Changes what memory allows.
pub fn sys_mprotect(call: &mut Call<'_>, addr: UserAddr, bytes: usize, protection: Flags) -> Result<u64> {
    // Nothing grows upwards on these architectures.
    if protection.0 & !(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM | PROT_GROWSDOWN) != 0 || addr.page_offset() != 0
    {
        return Err(Errno::EINVAL);
    }
    let limits = call.memory_limits();
    let space = call.space()?;
    let (mut addr, mut bytes) = (addr, bytes);
    if protection.0 & PROT_GROWSDOWN != 0 && bytes != 0 {
        let start = space.stack_start(call.cx, addr).ok_or(Errno::EINVAL)?;
        bytes = bytes.checked_add(addr.0 - start.0).ok_or(Errno::ENOMEM)?;
        addr = start;
    }
    let protection = call.implied(Protection::from_bits(protection.0));
    space.protect(call.cx, addr, bytes, protection, &limits)?;
    if protection.allows(Protection::EXECUTE) {
        observe::mapped(call.cx, call.task, addr.0..addr.0.saturating_add(bytes));
    }
    Ok(0)
}

/// Grows, shrinks or moves a mapping.
pub fn sys_mremap(
    call: &mut Call<'_>,
    old: UserAddr,
    old_bytes: usize,
    new_bytes: usize,
    flags: Flags,
    new: UserAddr,
) -> Result<u64> {
    let flags = flags.0;
    if flags & !(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP) != 0 {
        return Err(Errno::EINVAL);
    }
    let request = RemapRequest {
        old,
        old_bytes,
        new_bytes,
        may_move: flags & MREMAP_MAYMOVE != 0,
        fixed: (flags & MREMAP_FIXED != 0).then_some(new),
        keeps_old: flags & MREMAP_DONTUNMAP != 0,
    };
    let limits = call.memory_limits();
    Ok(call.space()?.remap(call.cx, &request, &limits)?.0 as u64)
}

/// The advice that a number means.
fn advice(number: i32) -> Result<Advice> {
    let Ok(number) = u32::try_from(number) else { return Err(Errno::EINVAL) };
    Ok(match number {
        MADV_NORMAL | MADV_RANDOM | MADV_SEQUENTIAL | MADV_WILLNEED | MADV_MERGEABLE | MADV_UNMERGEABLE
        | MADV_DONTDUMP | MADV_DODUMP | MADV_COLD => Advice::Hint,
        MADV_HUGEPAGE => Advice::Blocks(Blocks::Wanted),
        MADV_NOHUGEPAGE => Advice::Blocks(Blocks::Refused),
        MADV_DONTNEED => Advice::Discard,
        MADV_FREE => Advice::Free,
        MADV_DONTFORK => Advice::AbsentInChild(true),
        MADV_DOFORK => Advice::AbsentInChild(false),
        MADV_WIPEONFORK => Advice::ZeroInChild(true),
        MADV_KEEPONFORK => Advice::ZeroInChild(false),
        MADV_POPULATE_READ => Advice::Populate(Populate::Readable),
        MADV_POPULATE_WRITE => Advice::Populate(Populate::Writable),
        _ => return Err(Errno::EINVAL),
    })
}

/// Advice on how memory will be used, and some orders.
pub fn sys_madvise(call: &mut Call<'_>, addr: UserAddr, bytes: usize, number: i32) -> Result<u64> {
    call.space()?.advise(call.cx, addr, bytes, advice(number)?)?;
    Ok(0)
}

/// Advice on another process's memory, in segments; answers for how many bytes it was taken. Others are given only such advice as
/// changes nothing that their programs can see.
pub fn sys_process_madvise(
    call: &mut Call<'_>,
    pidfd: Fd,
    segments: UserAddr,
    count: usize,
    number: i32,
    flags: Flags,
) -> Result<u64> {
    if flags.0 != 0 {
        return Err(Errno::EINVAL);
    }
    let segments = read_iovecs(call.cx, segments, count)?;
    let file = call.file(pidfd)?;
    let process = PidFd::process_of(&file)?.clone();
    let subject = Subject::process(call.cx, process.pid()).map_err(|_| Errno::ESRCH)?;
    let task = subject.task.as_ref().filter(|task| Arc::ptr_eq(task.process(), &process)).ok_or(Errno::ESRCH)?;
    let own = call.space()?;
    let is_own = task.with_resources(call.cx, |of| of.space.as_ref().is_some_and(|space| Arc::ptr_eq(space, &own)));
    let space = match is_own {
        true => own,
        false => {
            access::space(call.cx, call.task, task, Rights::Real).map_err(|_| Errno::EACCES)?.ok_or(Errno::ESRCH)?
        }
    };
    if !is_own {
        if i32::try_from(MADV_COLD) != Ok(number) && i32::try_from(MADV_WILLNEED) != Ok(number) {
            return Err(Errno::EINVAL);
        }
        // CAP_SYS_NICE: it may slow the other down.
        if !call.may(Capability::Nice) {
            return Err(Errno::EPERM);
        }
    }
    let advice = advice(number)?;
    let mut done = 0;
    for segment in segments {
        match space.advise(call.cx, segment.addr(), segment.len(), advice) {
            Ok(()) => done += segment.len() as u64,
            Err(error) if done == 0 => return Err(error.into()),
            Err(_) => break,
        }
    }
    Ok(done)
}

/// Moves the end of the heap.
pub fn sys_brk(call: &mut Call<'_>, addr: UserAddr) -> Result<u64> {
    let limits = call.memory_limits();
    let protection = call.implied(Protection::READ_WRITE);
    Ok(call.space()?.set_break(call.cx, addr, protection, &limits).0 as u64)
}

/// The whole pages that `addr` and `bytes` touch, for calls that round the start down.
fn touched_pages(addr: UserAddr, bytes: usize) -> Result<Range<usize>> {
    let start = addr.page_floor().0;
    let end = addr.0.checked_add(bytes).and_then(page_ceil).filter(|end| *end <= USER_END).ok_or(Errno::ENOMEM)?;
    Ok(start..end)
}

/// Writes shared file pages back.
pub fn sys_msync(call: &mut Call<'_>, addr: UserAddr, bytes: usize, flags: Flags) -> Result<u64> {
    let flags = flags.0;
    if flags & !(MS_ASYNC | MS_INVALIDATE | MS_SYNC) != 0
        || flags & (MS_ASYNC | MS_SYNC) == MS_ASYNC | MS_SYNC
        || addr.page_offset() != 0
    {
        return Err(Errno::EINVAL);
    }
    let range = touched_pages(addr, bytes)?;
    if range.is_empty() {
        return Ok(0);
    }
    let (files, is_covered) = call.space()?.shared_files(call.cx, range, flags & MS_INVALIDATE != 0)?;
    if flags & MS_SYNC != 0 {
        for file in files {
            file.file().sync(call.cx)?;
        }
    }
    if is_covered { Ok(0) } else { Err(Errno::ENOMEM) }
}

/// Tells which pages are in memory.
pub fn sys_mincore(call: &mut Call<'_>, addr: UserAddr, bytes: usize, residency: UserAddr) -> Result<u64> {
    if addr.page_offset() != 0 {
        return Err(Errno::EINVAL);
    }
    let range = touched_pages(addr, bytes)?;
    UserSlice::new(residency, range.len() / PAGE_SIZE).check()?;
    let space = call.space()?;
    let mut at = range.start;
    while at < range.end {
        let end = range.end.min(at + RESIDENCY_PAGES * PAGE_SIZE);
        let mut answers = Vec::new();
        space.residency(call.cx, at..end, &mut answers)?;
        let place = residency.checked_add((at - range.start) / PAGE_SIZE).ok_or(Errno::EFAULT)?;
        UserSlice::new(place, answers.len()).write(call.cx, &answers)?;
        at = end;
    }
    Ok(0)
}

/// Keeps pages in memory.
pub fn sys_mlock(call: &mut Call<'_>, addr: UserAddr, bytes: usize) -> Result<u64> {
    lock(call, addr, bytes, Locking::Whole)
}

fn lock(call: &mut Call<'_>, addr: UserAddr, bytes: usize, locking: Locking) -> Result<u64> {
    let range = touched_pages(addr, bytes)?;
    let limits = call.memory_limits();
    if limits.locked == 0 {
        return Err(Errno::EPERM);
    }
    if !range.is_empty() {
        call.space()?.lock_pages(call.cx, range, locking, &limits)?;
    }
    Ok(0)
}

/// The same; with MLOCK_ONFAULT pages are kept from when they are used.
pub fn sys_mlock2(call: &mut Call<'_>, addr: UserAddr, bytes: usize, flags: Flags) -> Result<u64> {
    if flags.0 & !MLOCK_ONFAULT != 0 {
        return Err(Errno::EINVAL);
    }
    let locking = if flags.0 & MLOCK_ONFAULT != 0 { Locking::OnFault } else { Locking::Whole };
    lock(call, addr, bytes, locking)
}

/// Ends mlock.
pub fn sys_munlock(call: &mut Call<'_>, addr: UserAddr, bytes: usize) -> Result<u64> {
    let range = touched_pages(addr, bytes)?;
    if !range.is_empty() {
        call.space()?.lock_pages(call.cx, range, Locking::None, &MemoryLimits::NONE)?;
    }
    Ok(0)
}

/// Keeps all pages in memory.
pub fn sys_mlockall(call: &mut Call<'_>, flags: Flags) -> Result<u64> {
    let flags = flags.0;
    if flags == 0 || flags & !(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0 || flags == MCL_ONFAULT {
        return Err(Errno::EINVAL);
    }
    let limits = call.memory_limits();
    if limits.locked == 0 {
        return Err(Errno::EPERM);
    }
    let locking = if flags & MCL_ONFAULT != 0 { Locking::OnFault } else { Locking::Whole };
    let now = (flags & MCL_CURRENT != 0).then_some(locking);
    let future = if flags & MCL_FUTURE != 0 { locking } else { Locking::None };
    call.space()?.lock_all(call.cx, now, future, &limits)?;
    Ok(0)
}

/// Ends mlockall.
pub fn sys_munlockall(call: &mut Call<'_>) -> Result<u64> {
    call.space()?.lock_all(call.cx, Some(Locking::None), Locking::None, &MemoryLimits::NONE)?;
    Ok(0)
}
