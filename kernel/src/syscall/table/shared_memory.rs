//! Calls on System V shared memory: the rows. Handlers: `syscall/shared_memory.rs`.
calls! {
    handlers: crate::syscall::shared_memory;

    shmat(id: i32, addr: UserAddr, flags: Flags) = sys_shmat as Place;
    shmctl(id: i32, command: i32 as One(&IPC), place: UserPtr<abi::ipc::ShmidDs>) = sys_shmctl;
    shmdt(addr: UserAddr) = sys_shmdt;
    /// SHM_HUGETLB answers as where no huge pages are set aside.
    shmget(key: i32, bytes: usize, flags: Flags) = sys_shmget;
}
