//! Calls that make objects without a name: the rows. Handlers: `syscall/pipe.rs`.
calls! {
    handlers: crate::syscall::pipe;

    pipe(fds: UserPtr<[i32; 2]>) = sys_pipe;
    /// Packet mode (O_DIRECT) is refused.
    pipe2(fds: UserPtr<[i32; 2]>, flags: Flags) = sys_pipe2;
    eventfd(initial: u32) = sys_eventfd;
    eventfd2(initial: u32, flags: Flags) = sys_eventfd2;
    signalfd(fd: Fd, set: UserPtr<u64>, set_bytes: usize) = sys_signalfd;
    signalfd4(fd: Fd, set: UserPtr<u64>, set_bytes: usize, flags: Flags) = sys_signalfd4;
    /// Seals are not supported, huge pages are refused.
    memfd_create(name: UserCStr, flags: Flags) = sys_memfd_create;
}
