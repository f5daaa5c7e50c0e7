//! Calls on sets of watched files: the rows. Handlers: `syscall/epoll.rs`.
calls! {
    handlers: crate::syscall::epoll;

    epoll_create(size: i32) = sys_epoll_create;
    epoll_create1(flags: Flags) = sys_epoll_create1;
    /// EPOLLEXCLUSIVE wakes everyone.
    epoll_ctl(set: Fd, operation: u32, fd: Fd, event: UserPtr<abi::EpollEvent>) = sys_epoll_ctl;
    epoll_wait(set: Fd, out: UserPtr<abi::EpollEvent>, most: i32, timeout_ms: i32) = sys_epoll_wait;
    epoll_pwait(set: Fd, out: UserPtr<abi::EpollEvent>, most: i32, timeout_ms: i32, mask: UserPtr<u64>, mask_bytes: usize) = sys_epoll_pwait;
    epoll_pwait2(set: Fd, out: UserPtr<abi::EpollEvent>, most: i32, timeout: UserPtr<abi::Timespec>, mask: UserPtr<u64>, mask_bytes: usize) = sys_epoll_pwait2;
}
