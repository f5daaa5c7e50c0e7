//! Calls on names: the rows. Handlers: `syscall/directory.rs`.
calls! {
    handlers: crate::syscall::directory;

    mkdir(path: UserCStr, mode: Mode) = sys_mkdir;
    mkdirat(fd: Fd, path: UserCStr, mode: Mode) = sys_mkdirat;
    mknod(path: UserCStr, mode: Mode as FileMode, number: u64 as Device) = sys_mknod;
    mknodat(fd: Fd, path: UserCStr, mode: Mode as FileMode, number: u64 as Device) = sys_mknodat;
    symlink(target: UserCStr, path: UserCStr) = sys_symlink;
    symlinkat(target: UserCStr, fd: Fd, path: UserCStr) = sys_symlinkat;
    link(old: UserCStr, new: UserCStr) = sys_link;
    linkat(old_fd: Fd, old: UserCStr, new_fd: Fd, new: UserCStr, flags: Flags as Bits(&AT)) = sys_linkat;
    unlink(path: UserCStr) = sys_unlink;
    unlinkat(fd: Fd, path: UserCStr, flags: Flags as Bits(&AT_UNLINK)) = sys_unlinkat;
    rmdir(path: UserCStr) = sys_rmdir;
    rename(old: UserCStr, new: UserCStr) = sys_rename;
    renameat(old_fd: Fd, old: UserCStr, new_fd: Fd, new: UserCStr) = sys_renameat;
    /// RENAME_WHITEOUT is refused.
    renameat2(old_fd: Fd, old: UserCStr, new_fd: Fd, new: UserCStr, flags: Flags as Bits(&RENAME)) = sys_renameat2;
    readlink(path: UserCStr, buffer: UserAddr as Out(Bytes(2)), bytes: i32) = sys_readlink;
    readlinkat(fd: Fd, path: UserCStr, buffer: UserAddr as Out(Bytes(3)), bytes: i32) = sys_readlinkat;
    chdir(path: UserCStr) = sys_chdir;
    fchdir(fd: Fd) = sys_fchdir;
    chroot(path: UserCStr) = sys_chroot;
    getcwd(buffer: UserAddr as Out(String), bytes: usize) = sys_getcwd;
    getdents(fd: Fd, buffer: UserAddr as Out(Entries), bytes: u32) = sys_getdents;
    getdents64(fd: Fd, buffer: UserAddr as Out(Entries), bytes: u32) = sys_getdents64;
}
