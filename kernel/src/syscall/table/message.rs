//! Calls that send and receive messages: the rows. Handlers: `syscall/message.rs`.
calls! {
    handlers: crate::syscall::message;

    /// No out-of-band data (MSG_OOB).
    sendto(fd: Fd, data: UserAddr, bytes: usize, flags: Flags, address: UserAddr, address_bytes: i32) = sys_sendto;
    recvfrom(fd: Fd, data: UserAddr, bytes: usize, flags: Flags, address: UserAddr, address_bytes: UserPtr<i32>) = sys_recvfrom;
    /// No out-of-band data; descriptors on the way are bounded for the whole system, and cycles of them are not collected.
    sendmsg(fd: Fd, message: UserAddr, flags: Flags) = sys_sendmsg;
    recvmsg(fd: Fd, message: UserAddr, flags: Flags) = sys_recvmsg;
    sendmmsg(fd: Fd, messages: UserAddr, count: u32, flags: Flags) = sys_sendmmsg;
    recvmmsg(fd: Fd, messages: UserAddr, count: u32, flags: Flags, timeout: UserAddr) = sys_recvmmsg;
}
