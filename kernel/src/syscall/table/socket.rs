//! Calls that make and join sockets: the rows. Handlers: `syscall/socket.rs`.
calls! {
    handlers: crate::syscall::socket;

    /// AF_UNIX only; AF_INET, AF_INET6, AF_NETLINK and all others answer EAFNOSUPPORT.
    socket(family: i32, kind: Flags, protocol: i32) = sys_socket;
    /// AF_UNIX only.
    socketpair(family: i32, kind: Flags, protocol: i32, fds: UserPtr<[i32; 2]>) = sys_socketpair;
    bind(fd: Fd, address: UserAddr, bytes: i32) = sys_bind;
    listen(fd: Fd, backlog: i32) = sys_listen;
    accept(fd: Fd, address: UserAddr, bytes: UserPtr<i32>) = sys_accept;
    accept4(fd: Fd, address: UserAddr, bytes: UserPtr<i32>, flags: Flags) = sys_accept4;
    connect(fd: Fd, address: UserAddr, bytes: i32) = sys_connect;
    getsockname(fd: Fd, address: UserAddr, bytes: UserPtr<i32>) = sys_getsockname;
    getpeername(fd: Fd, address: UserAddr, bytes: UserPtr<i32>) = sys_getpeername;
    shutdown(fd: Fd, how: i32) = sys_shutdown;
    /// No SO_PEERGROUPS, SO_PEERPIDFD, SO_PEEK_OFF, timestamps and filters.
    getsockopt(fd: Fd, level: i32, option: u32, value: UserAddr, bytes: UserPtr<i32>) = sys_getsockopt;
    /// As `getsockopt`; SO_RCVLOWAT, SO_PRIORITY and SO_LINGER are kept only.
    setsockopt(fd: Fd, level: i32, option: u32, value: UserAddr, bytes: i32) = sys_setsockopt;
}
