//! Calls on System V message queues: the rows. Handlers: `syscall/message_queue.rs`.
calls! {
    handlers: crate::syscall::message_queue;

    msgctl(id: i32, command: i32 as One(&IPC), place: UserPtr<abi::ipc::MsqidDs>) = sys_msgctl;
    msgget(key: i32, flags: Flags) = sys_msgget;
    /// MSG_COPY is refused (ENOSYS), as by a Linux built without checkpoints.
    msgrcv(id: i32, message: UserAddr, bytes: usize, kind: i64, flags: Flags) = sys_msgrcv;
    msgsnd(id: i32, message: UserAddr, bytes: usize, flags: Flags) = sys_msgsnd;
}
