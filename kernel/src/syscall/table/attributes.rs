//! Calls on what a file is: the rows. Handlers: `syscall/attributes.rs`.
calls! {
    handlers: crate::syscall::attributes;

    stat(path: UserCStr, out: UserPtr<abi::Stat> as Out(Stat)) = sys_stat;
    lstat(path: UserCStr, out: UserPtr<abi::Stat> as Out(Stat)) = sys_lstat;
    fstat(fd: Fd, out: UserPtr<abi::Stat> as Out(Stat)) = sys_fstat;
    newfstatat(fd: Fd, path: UserCStr, out: UserPtr<abi::Stat> as Out(Stat), flags: Flags as Bits(&AT)) = sys_newfstatat;
    statx(
        fd: Fd,
        path: UserCStr,
        flags: Flags as Bits(&AT_STATX),
        mask: u32 as Bits(&STATX),
        out: UserPtr<abi::Statx> as Out(Statx),
    ) = sys_statx;
    access(path: UserCStr, mode: u32 as Bits(&ACCESS)) = sys_access;
    faccessat(fd: Fd, path: UserCStr, mode: u32 as Bits(&ACCESS)) = sys_faccessat;
    faccessat2(fd: Fd, path: UserCStr, mode: u32 as Bits(&ACCESS), flags: Flags as Bits(&AT_ACCESS)) = sys_faccessat2;
    chmod(path: UserCStr, mode: Mode) = sys_chmod;
    fchmod(fd: Fd, mode: Mode) = sys_fchmod;
    fchmodat(fd: Fd, path: UserCStr, mode: Mode) = sys_fchmodat;
    fchmodat2(fd: Fd, path: UserCStr, mode: Mode, flags: Flags as Bits(&AT)) = sys_fchmodat2;
    chown(path: UserCStr, uid: u32 as Signed, gid: u32 as Signed) = sys_chown;
    lchown(path: UserCStr, uid: u32 as Signed, gid: u32 as Signed) = sys_lchown;
    fchown(fd: Fd, uid: u32 as Signed, gid: u32 as Signed) = sys_fchown;
    fchownat(fd: Fd, path: UserCStr, uid: u32 as Signed, gid: u32 as Signed, flags: Flags as Bits(&AT)) = sys_fchownat;
    truncate(path: UserCStr, bytes: i64) = sys_truncate;
    ftruncate(fd: Fd, bytes: i64) = sys_ftruncate;
    /// Collapsing and inserting ranges are refused.
    fallocate(fd: Fd, mode: Flags as Bits(&FALLOC), start: i64, bytes: i64) = sys_fallocate;
    statfs(path: UserCStr, out: UserPtr<abi::Statfs> as Out(Statfs)) = sys_statfs;
    fstatfs(fd: Fd, out: UserPtr<abi::Statfs> as Out(Statfs)) = sys_fstatfs;
}
