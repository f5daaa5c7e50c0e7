//! Calls on POSIX message queues: the rows. Handlers: `syscall/posix_queue.rs`.
calls! {
    handlers: crate::syscall::posix_queue;

    mq_getsetattr(fd: Fd, new: UserPtr<abi::ipc::MqAttr>, old: UserPtr<abi::ipc::MqAttr>) = sys_mq_getsetattr;
    /// SIGEV_THREAD is refused, for want of the netlink socket that the C library hands over.
    mq_notify(fd: Fd, event: UserPtr<abi::Sigevent>) = sys_mq_notify;
    /// No file system of their names to mount.
    mq_open(name: UserCStr, flags: Flags, mode: Mode, attributes: UserPtr<abi::ipc::MqAttr>) = sys_mq_open as Descriptor;
    mq_timedreceive(fd: Fd, message: UserAddr, bytes: usize, priority: UserPtr<u32>, timeout: UserPtr<abi::Timespec>) = sys_mq_timedreceive;
    mq_timedsend(fd: Fd, message: UserAddr, bytes: usize, priority: u32, timeout: UserPtr<abi::Timespec>) = sys_mq_timedsend;
    mq_unlink(name: UserCStr) = sys_mq_unlink;
}
