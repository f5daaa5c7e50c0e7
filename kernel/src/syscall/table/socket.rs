//! Calls that make and join sockets: the rows. Handlers: `syscall/socket.rs`.
calls! {
    handlers: crate::syscall::socket;

    /// AF_UNIX only; AF_INET, AF_INET6, AF_NETLINK and all others answer EAFNOSUPPORT.
    socket(family: i32 as One(&AF), kind: Flags as SocketKind, protocol: i32 as Protocol) = sys_socket as Descriptor;
    /// AF_UNIX only.
    socketpair(
        family: i32 as One(&AF),
        kind: Flags as SocketKind,
        protocol: i32 as Protocol,
        fds: UserPtr<[i32; 2]> as Out(DescriptorPair),
    ) = sys_socketpair;
    bind(fd: Fd, address: UserAddr as In(Sockaddr(2)), bytes: i32) = sys_bind;
    listen(fd: Fd, backlog: i32) = sys_listen;
    accept(fd: Fd, address: UserAddr as Out(Sockaddr(2)), bytes: UserPtr<i32> as Out(Length)) = sys_accept as Descriptor;
    accept4(
        fd: Fd,
        address: UserAddr as Out(Sockaddr(2)),
        bytes: UserPtr<i32> as Out(Length),
        flags: Flags as Bits(&SOCK_FLAGS),
    ) = sys_accept4 as Descriptor;
    connect(fd: Fd, address: UserAddr as In(Sockaddr(2)), bytes: i32) = sys_connect;
    getsockname(fd: Fd, address: UserAddr as Out(Sockaddr(2)), bytes: UserPtr<i32> as Out(Length)) = sys_getsockname;
    getpeername(fd: Fd, address: UserAddr as Out(Sockaddr(2)), bytes: UserPtr<i32> as Out(Length)) = sys_getpeername;
    shutdown(fd: Fd, how: i32 as One(&SHUT)) = sys_shutdown;
    /// No SO_PEERGROUPS, SO_PEERPIDFD, SO_PEEK_OFF, timestamps and filters.
    getsockopt(
        fd: Fd,
        level: i32 as One(&SOL),
        option: u32 as SocketOption,
        value: UserAddr as Out(SocketValue(4)),
        bytes: UserPtr<i32> as Out(Length),
    ) = sys_getsockopt;
    /// As `getsockopt`; SO_RCVLOWAT, SO_PRIORITY and SO_LINGER are kept only.
    setsockopt(
        fd: Fd,
        level: i32 as One(&SOL),
        option: u32 as SocketOption,
        value: UserAddr as In(SocketValue(4)),
        bytes: i32,
    ) = sys_setsockopt;
}
