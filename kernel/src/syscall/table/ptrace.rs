//! Calls on other processes' memory and registers: the rows. Handlers: `syscall/ptrace.rs`.
calls! {
    handlers: crate::syscall::ptrace;

    process_vm_readv(pid: i32, to: UserAddr, to_count: usize, from: UserAddr, from_count: usize, flags: LongFlags) = sys_process_vm_readv;
    process_vm_writev(pid: i32, from: UserAddr, from_count: usize, to: UserAddr, to_count: usize, flags: LongFlags) = sys_process_vm_writev;
    /// No hardware breakpoints, no seccomp events, no PTRACE_SINGLEBLOCK, no PTRACE_SET_SYSCALL_INFO.
    ptrace(request: u64 as One(&PTRACE), pid: i32, addr: LongFlags, data: LongFlags) = sys_ptrace;
}
