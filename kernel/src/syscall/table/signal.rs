//! Calls on signals: the rows. Handlers: `syscall/signal.rs`.
calls! {
    handlers: crate::syscall::signal;

    kill(pid: i32, signal: SignalNumber) = sys_kill;
    pause() = sys_pause;
    restart_syscall() = sys_restart_syscall;
    rt_sigaction(signal: SignalNumber, new: UserPtr<abi::Sigaction>, old: UserPtr<abi::Sigaction>, set_bytes: usize) = sys_rt_sigaction;
    rt_sigpending(set: UserPtr<u64>, set_bytes: usize) = sys_rt_sigpending;
    rt_sigprocmask(how: u32, new: UserPtr<u64>, old: UserPtr<u64>, set_bytes: usize) = sys_rt_sigprocmask;
    rt_sigqueueinfo(pid: i32, signal: SignalNumber, info: UserPtr<abi::Siginfo>) = sys_rt_sigqueueinfo;
    rt_sigreturn() = sys_rt_sigreturn;
    rt_sigsuspend(set: UserPtr<u64>, set_bytes: usize) = sys_rt_sigsuspend;
    rt_sigtimedwait(set: UserPtr<u64>, info: UserPtr<abi::Siginfo>, timeout: UserPtr<abi::Timespec>, set_bytes: usize) = sys_rt_sigtimedwait;
    rt_tgsigqueueinfo(process: i32, thread: i32, signal: SignalNumber, info: UserPtr<abi::Siginfo>) = sys_rt_tgsigqueueinfo;
    sigaltstack(new: UserPtr<abi::StackT>, old: UserPtr<abi::StackT>) = sys_sigaltstack;
    tgkill(process: i32, thread: i32, signal: SignalNumber) = sys_tgkill;
    tkill(thread: i32, signal: SignalNumber) = sys_tkill;
}
