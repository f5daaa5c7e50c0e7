//! Calls on descriptors: the rows. Handlers: `syscall/descriptor.rs`.
calls! {
    handlers: crate::syscall::descriptor;

    dup(fd: Fd) = sys_dup as Descriptor;
    dup2(old: Fd, new: Fd) = sys_dup2 as Descriptor;
    dup3(old: Fd, new: Fd, flags: Flags as Bits(&CLOEXEC)) = sys_dup3 as Descriptor;
    /// No leases; O_ASYNC tells of pipes, sockets, terminals, inotify.
    fcntl(fd: Fd, command: u32 as One(&FCNTL), argument: u64 as FcntlArgument) = sys_fcntl as Control;
    flock(fd: Fd, operation: u32 as Bits(&FLOCK)) = sys_flock;
    ioctl(fd: Fd, request: Flags as IoctlRequest, argument: UserAddr as IoctlArgument) = sys_ioctl;
}
