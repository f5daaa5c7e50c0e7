//! Calls that open and close: the rows. Handlers: `syscall/open.rs`.
calls! {
    handlers: crate::syscall::open;

    open(path: UserCStr, flags: Flags as OpenFlags, mode: Mode as ModeIfNew(1)) = sys_open as Descriptor;
    openat(fd: Fd, path: UserCStr, flags: Flags as OpenFlags, mode: Mode as ModeIfNew(2)) = sys_openat as Descriptor;
    openat2(fd: Fd, path: UserCStr, how: UserPtr<abi::OpenHow> as In(OpenHow), bytes: usize) = sys_openat2 as Descriptor;
    creat(path: UserCStr, mode: Mode) = sys_creat as Descriptor;
    close(fd: Fd) = sys_close;
    close_range(first: u32, last: u32, flags: Flags as Bits(&CLOSE_RANGE)) = sys_close_range;
    umask(mask: Mode) = sys_umask as Permissions;
}
