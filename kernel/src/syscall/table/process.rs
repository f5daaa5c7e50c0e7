//! Calls on processes and threads: the rows. Handlers: `syscall/process.rs`.
calls! {
    handlers: crate::syscall::process;

    /// Namespaces and control groups are refused.
    clone(
        flags: LongFlags as Clone,
        stack: UserAddr as Hidden,
        parent_tid: UserAddr as Hidden,
        fourth: u64 as Hidden,
        fifth: u64 as Hidden,
    ) = sys_clone;
    /// As `clone`; no chosen numbers.
    clone3(arguments: UserAddr as In(CloneArguments), bytes: usize) = sys_clone3;
    exit(status: i32) = sys_exit as Never;
    exit_group(status: i32) = sys_exit_group as Never;
    fork() = sys_fork;
    get_robust_list(tid: i32, head: UserPtr<u64>, bytes: UserPtr<u64>) = sys_get_robust_list;
    getpgid(pid: i32) = sys_getpgid;
    getpgrp() = sys_getpgrp;
    getpid() = sys_getpid;
    getppid() = sys_getppid;
    getsid(pid: i32) = sys_getsid;
    gettid() = sys_gettid;
    set_robust_list(head: UserAddr, bytes: usize) = sys_set_robust_list;
    set_tid_address(address: UserAddr) = sys_set_tid_address;
    setpgid(pid: i32, group: i32) = sys_setpgid;
    setsid() = sys_setsid;
    vfork() = sys_vfork;
    wait4(
        pid: i32,
        status: UserPtr<i32> as Out(WaitStatus),
        options: Flags as Bits(&WAIT),
        usage: UserPtr<abi::Rusage> as Out(Rusage),
    ) = sys_wait4;
    waitid(
        which: u32 as One(&WAIT_FOR),
        id: i32,
        info: UserPtr<abi::Siginfo> as Out(Siginfo),
        options: Flags as Bits(&WAIT),
        usage: UserPtr<abi::Rusage> as Out(Rusage),
    ) = sys_waitid;
}
