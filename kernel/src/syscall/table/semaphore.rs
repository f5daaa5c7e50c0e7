//! Calls on sets of System V semaphores: the rows. Handlers: `syscall/semaphore.rs`.
calls! {
    handlers: crate::syscall::semaphore;

    semctl(id: i32, number: i32, command: i32 as One(&IPC), argument: u64 as Hexadecimal) = sys_semctl;
    semget(key: i32, count: i32, flags: Flags) = sys_semget;
    semop(id: i32, operations: UserPtr<abi::ipc::Sembuf> as In(Sembufs(2)), count: usize) = sys_semop;
    /// SEM_UNDO is by process: CLONE_SYSVSEM shares nothing.
    semtimedop(
        id: i32,
        operations: UserPtr<abi::ipc::Sembuf> as In(Sembufs(2)),
        count: usize,
        timeout: UserPtr<abi::Timespec> as In(Timespec),
    ) = sys_semtimedop;
}
