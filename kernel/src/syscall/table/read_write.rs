//! Calls that move bytes: the rows. Handlers: `syscall/read_write.rs`.
calls! {
    handlers: crate::syscall::read_write;

    read(fd: Fd, addr: UserAddr as Out(Bytes(2)), bytes: usize) = sys_read;
    write(fd: Fd, addr: UserAddr as In(Bytes(2)), bytes: usize) = sys_write;
    readv(fd: Fd, iovecs: UserAddr as Out(Iovecs(2)), count: usize) = sys_readv;
    writev(fd: Fd, iovecs: UserAddr as In(Iovecs(2)), count: usize) = sys_writev;
    pread64(fd: Fd, addr: UserAddr as Out(Bytes(2)), bytes: usize, offset: i64) = sys_pread64;
    pwrite64(fd: Fd, addr: UserAddr as In(Bytes(2)), bytes: usize, offset: i64) = sys_pwrite64;
    preadv(fd: Fd, iovecs: UserAddr as Out(Iovecs(2)), count: usize, offset: i64) = sys_preadv;
    pwritev(fd: Fd, iovecs: UserAddr as In(Iovecs(2)), count: usize, offset: i64) = sys_pwritev;
    /// RWF_NOWAIT: of pipes and sockets.
    preadv2(
        fd: Fd,
        iovecs: UserAddr as Out(Iovecs(2)),
        count: usize,
        offset: i64,
        high: u64 as Hidden,
        flags: Flags as Bits(&RWF),
    ) = sys_preadv2;
    /// RWF_NOWAIT: of pipes and sockets; RWF_NOAPPEND is refused where it would change anything, RWF_ATOMIC always.
    pwritev2(
        fd: Fd,
        iovecs: UserAddr as In(Iovecs(2)),
        count: usize,
        offset: i64,
        high: u64 as Hidden,
        flags: Flags as Bits(&RWF),
    ) = sys_pwritev2;
    lseek(fd: Fd, distance: i64, whence: u32 as One(&WHENCE)) = sys_lseek;
    sendfile(to: Fd, from: Fd, offset: UserPtr<i64> as In(Long), bytes: usize) = sys_sendfile;
    copy_file_range(
        from: Fd,
        from_offset: UserPtr<i64> as In(Long),
        to: Fd,
        to_offset: UserPtr<i64> as In(Long),
        bytes: usize,
        flags: Flags,
    ) = sys_copy_file_range;
    fsync(fd: Fd) = sys_fsync;
    fdatasync(fd: Fd) = sys_fsync;
    sync() = sys_sync;
    syncfs(fd: Fd) = sys_syncfs;
    /// Everything is in memory: judged, not acted upon.
    sync_file_range(fd: Fd, offset: i64, bytes: i64, flags: Flags as Bits(&SYNC_RANGE)) = sys_sync_file_range;
    /// Judged, not acted upon.
    fadvise64(fd: Fd, offset: i64, bytes: i64, advice: u32 as One(&FADVISE)) = sys_fadvise64;
    /// Everything is in memory already.
    readahead(fd: Fd, offset: i64, bytes: usize) = sys_readahead;
}
