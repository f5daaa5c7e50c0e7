//! Calls that send and receive messages: the rows. Handlers: `syscall/message.rs`.
calls! {
    handlers: crate::syscall::message;

    /// No out-of-band data (MSG_OOB).
    sendto(
        fd: Fd,
        data: UserAddr as In(Bytes(2)),
        bytes: usize,
        flags: Flags as Bits(&MSG),
        address: UserAddr as In(Sockaddr(5)),
        address_bytes: i32,
    ) = sys_sendto;
    recvfrom(
        fd: Fd,
        data: UserAddr as Out(Bytes(2)),
        bytes: usize,
        flags: Flags as Bits(&MSG),
        address: UserAddr as Out(Sockaddr(5)),
        address_bytes: UserPtr<i32> as Out(Length),
    ) = sys_recvfrom;
    /// No out-of-band data; descriptors on the way are bounded for the whole system.
    sendmsg(fd: Fd, message: UserAddr as In(Message), flags: Flags as Bits(&MSG)) = sys_sendmsg;
    recvmsg(fd: Fd, message: UserAddr as Out(Message), flags: Flags as Bits(&MSG)) = sys_recvmsg;
    sendmmsg(fd: Fd, messages: UserAddr, count: u32, flags: Flags as Bits(&MSG)) = sys_sendmmsg;
    recvmmsg(fd: Fd, messages: UserAddr, count: u32, flags: Flags as Bits(&MSG), timeout: UserAddr) = sys_recvmmsg;
}
