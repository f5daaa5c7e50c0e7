//! Calls on memory: the rows. Handlers: `syscall/memory.rs`.
calls! {
    handlers: crate::syscall::memory;

    /// MAP_HUGETLB and MAP_SYNC are refused.
    mmap(addr: UserAddr, bytes: usize, protection: Flags, flags: Flags, fd: Fd, offset: u64) = sys_mmap;
    munmap(addr: UserAddr, bytes: usize) = sys_munmap;
    mprotect(addr: UserAddr, bytes: usize, protection: Flags) = sys_mprotect;
    mremap(old: UserAddr, old_bytes: usize, new_bytes: usize, flags: Flags, new: UserAddr) = sys_mremap;
    /// Poisoning, guard pages and page-out are refused.
    madvise(addr: UserAddr, bytes: usize, advice: i32) = sys_madvise;
    /// MADV_PAGEOUT and MADV_COLLAPSE are refused.
    process_madvise(pidfd: Fd, segments: UserAddr, count: usize, advice: i32, flags: Flags) = sys_process_madvise;
    brk(addr: UserAddr) = sys_brk;
    msync(addr: UserAddr, bytes: usize, flags: Flags) = sys_msync;
    mincore(addr: UserAddr, bytes: usize, residency: UserAddr) = sys_mincore;
    mlock(addr: UserAddr, bytes: usize) = sys_mlock;
    mlock2(addr: UserAddr, bytes: usize, flags: Flags) = sys_mlock2;
    munlock(addr: UserAddr, bytes: usize) = sys_munlock;
    mlockall(flags: Flags) = sys_mlockall;
    munlockall() = sys_munlockall;
}
