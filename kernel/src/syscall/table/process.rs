//! Calls on processes and threads: the rows. Handlers: `syscall/process.rs`.
calls! {
    handlers: crate::syscall::process;

    exit(status: i32) = sys_exit;
    exit_group(status: i32) = sys_exit_group;
    getpid() = sys_getpid;
    getppid() = sys_getppid;
    gettid() = sys_gettid;
    set_tid_address(address: UserAddr) = sys_set_tid_address;
}
