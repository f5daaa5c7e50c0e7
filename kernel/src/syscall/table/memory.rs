//! Calls on memory: the rows. Handlers: `syscall/memory.rs`.
calls! {
    handlers: crate::syscall::memory;

    /// MAP_HUGETLB and MAP_SYNC are refused.
    mmap(
        addr: UserAddr,
        bytes: usize,
        protection: Flags as Bits(&PROT),
        flags: Flags as Bits(&MAP),
        fd: Fd,
        offset: u64 as Hexadecimal,
    ) = sys_mmap as Place;
    munmap(addr: UserAddr, bytes: usize) = sys_munmap;
    mprotect(addr: UserAddr, bytes: usize, protection: Flags as Bits(&PROT)) = sys_mprotect;
    mremap(
        old: UserAddr,
        old_bytes: usize,
        new_bytes: usize,
        flags: Flags as Bits(&MREMAP),
        new: UserAddr as If(3, 6),
    ) = sys_mremap as Place;
    /// Poisoning, guard pages and page-out are refused. MADV_FREE takes the pages at once.
    madvise(addr: UserAddr, bytes: usize, advice: i32 as One(&MADV)) = sys_madvise;
    /// MADV_PAGEOUT and MADV_COLLAPSE are refused.
    process_madvise(pidfd: Fd, segments: UserAddr, count: usize, advice: i32 as One(&MADV), flags: Flags) = sys_process_madvise;
    brk(addr: UserAddr) = sys_brk as Place;
    msync(addr: UserAddr, bytes: usize, flags: Flags as Bits(&MSYNC)) = sys_msync;
    mincore(addr: UserAddr, bytes: usize, residency: UserAddr) = sys_mincore;
    mlock(addr: UserAddr, bytes: usize) = sys_mlock;
    mlock2(addr: UserAddr, bytes: usize, flags: Flags as Bits(&MLOCK)) = sys_mlock2;
    munlock(addr: UserAddr, bytes: usize) = sys_munlock;
    mlockall(flags: Flags as Bits(&MCL)) = sys_mlockall;
    munlockall() = sys_munlockall;
}
