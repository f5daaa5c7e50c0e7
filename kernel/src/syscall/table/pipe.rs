//! Calls that make objects without a name: the rows. Handlers: `syscall/pipe.rs`.
calls! {
    handlers: crate::syscall::pipe;

    pipe(fds: UserPtr<[i32; 2]> as Out(DescriptorPair)) = sys_pipe;
    pipe2(fds: UserPtr<[i32; 2]> as Out(DescriptorPair), flags: Flags as Bits(&CLOEXEC)) = sys_pipe2;
    eventfd(initial: u32) = sys_eventfd as Descriptor;
    eventfd2(initial: u32, flags: Flags as Bits(&EFD)) = sys_eventfd2 as Descriptor;
    signalfd(fd: Fd, set: UserPtr<u64> as In(Sigset), set_bytes: usize) = sys_signalfd as Descriptor;
    signalfd4(fd: Fd, set: UserPtr<u64> as In(Sigset), set_bytes: usize, flags: Flags as Bits(&SFD)) = sys_signalfd4 as Descriptor;
    /// Huge pages are refused.
    memfd_create(name: UserCStr, flags: Flags as Bits(&MFD)) = sys_memfd_create as Descriptor;
}
