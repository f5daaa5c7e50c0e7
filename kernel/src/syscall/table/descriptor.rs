//! Calls on descriptors: the rows. Handlers: `syscall/descriptor.rs`.
calls! {
    handlers: crate::syscall::descriptor;

    dup(fd: Fd) = sys_dup;
    dup2(old: Fd, new: Fd) = sys_dup2;
    dup3(old: Fd, new: Fd, flags: Flags) = sys_dup3;
    /// No leases, no signals for readiness (F_SETOWN, F_SETSIG), no seals; deadlocks of record locks are not found.
    fcntl(fd: Fd, command: u32, argument: u64) = sys_fcntl;
    flock(fd: Fd, operation: u32) = sys_flock;
    ioctl(fd: Fd, request: Flags, argument: UserAddr) = sys_ioctl;
}
