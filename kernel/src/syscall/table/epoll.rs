//! Calls on sets of watched files: the rows. Handlers: `syscall/epoll.rs`.
calls! {
    handlers: crate::syscall::epoll;

    epoll_create(size: i32) = sys_epoll_create as Descriptor;
    epoll_create1(flags: Flags as Bits(&EPOLL_CREATE)) = sys_epoll_create1 as Descriptor;
    epoll_ctl(
        set: Fd,
        operation: u32 as One(&EPOLL_CTL),
        fd: Fd,
        event: UserPtr<abi::EpollEvent> as In(EpollEvent),
    ) = sys_epoll_ctl;
    epoll_wait(set: Fd, out: UserPtr<abi::EpollEvent> as Out(EpollEvents), most: i32, timeout_ms: i32) = sys_epoll_wait;
    epoll_pwait(
        set: Fd,
        out: UserPtr<abi::EpollEvent> as Out(EpollEvents),
        most: i32,
        timeout_ms: i32,
        mask: UserPtr<u64> as In(Sigset),
        mask_bytes: usize,
    ) = sys_epoll_pwait;
    epoll_pwait2(
        set: Fd,
        out: UserPtr<abi::EpollEvent> as Out(EpollEvents),
        most: i32,
        timeout: UserPtr<abi::Timespec> as In(Timespec),
        mask: UserPtr<u64> as In(Sigset),
        mask_bytes: usize,
    ) = sys_epoll_pwait2;
}
