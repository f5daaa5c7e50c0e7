//! Calls on names: the rows. Handlers: `syscall/directory.rs`.
calls! {
    handlers: crate::syscall::directory;

    mkdir(path: UserCStr, mode: Mode) = sys_mkdir;
    mkdirat(fd: Fd, path: UserCStr, mode: Mode) = sys_mkdirat;
    mknod(path: UserCStr, mode: Mode, number: u64) = sys_mknod;
    mknodat(fd: Fd, path: UserCStr, mode: Mode, number: u64) = sys_mknodat;
    symlink(target: UserCStr, path: UserCStr) = sys_symlink;
    symlinkat(target: UserCStr, fd: Fd, path: UserCStr) = sys_symlinkat;
    link(old: UserCStr, new: UserCStr) = sys_link;
    linkat(old_fd: Fd, old: UserCStr, new_fd: Fd, new: UserCStr, flags: Flags) = sys_linkat;
    unlink(path: UserCStr) = sys_unlink;
    unlinkat(fd: Fd, path: UserCStr, flags: Flags) = sys_unlinkat;
    rmdir(path: UserCStr) = sys_rmdir;
    rename(old: UserCStr, new: UserCStr) = sys_rename;
    renameat(old_fd: Fd, old: UserCStr, new_fd: Fd, new: UserCStr) = sys_renameat;
    /// RENAME_WHITEOUT is refused.
    renameat2(old_fd: Fd, old: UserCStr, new_fd: Fd, new: UserCStr, flags: Flags) = sys_renameat2;
    readlink(path: UserCStr, buffer: UserAddr, bytes: i32) = sys_readlink;
    readlinkat(fd: Fd, path: UserCStr, buffer: UserAddr, bytes: i32) = sys_readlinkat;
    chdir(path: UserCStr) = sys_chdir;
    fchdir(fd: Fd) = sys_fchdir;
    chroot(path: UserCStr) = sys_chroot;
    getcwd(buffer: UserAddr, bytes: usize) = sys_getcwd;
    getdents(fd: Fd, buffer: UserAddr, bytes: u32) = sys_getdents;
    getdents64(fd: Fd, buffer: UserAddr, bytes: u32) = sys_getdents64;
}
