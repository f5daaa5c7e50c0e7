//! Calls on process descriptors: the rows. Handlers: `syscall/pidfd.rs`.
calls! {
    handlers: crate::syscall::pidfd;

    pidfd_getfd(pidfd: Fd, fd: Fd, flags: Flags) = sys_pidfd_getfd as Descriptor;
    pidfd_open(pid: i32, flags: Flags) = sys_pidfd_open as Descriptor;
    pidfd_send_signal(
        pidfd: Fd,
        signal: SignalNumber,
        info: UserPtr<abi::Siginfo> as In(Siginfo),
        flags: Flags,
    ) = sys_pidfd_send_signal;
}
