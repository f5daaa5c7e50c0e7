//! Calls on signals: the rows. Handlers: `syscall/signal.rs`.
calls! {
    handlers: crate::syscall::signal;

    kill(pid: i32, signal: SignalNumber) = sys_kill;
    pause() = sys_pause;
    restart_syscall() = sys_restart_syscall;
    rt_sigaction(
        signal: SignalNumber,
        new: UserPtr<abi::Sigaction> as In(Sigaction),
        old: UserPtr<abi::Sigaction> as Out(Sigaction),
        set_bytes: usize,
    ) = sys_rt_sigaction;
    rt_sigpending(set: UserPtr<u64> as Out(Sigset), set_bytes: usize) = sys_rt_sigpending;
    rt_sigprocmask(
        how: u32 as One(&SIG_HOW),
        new: UserPtr<u64> as In(Sigset),
        old: UserPtr<u64> as Out(Sigset),
        set_bytes: usize,
    ) = sys_rt_sigprocmask;
    rt_sigqueueinfo(pid: i32, signal: SignalNumber, info: UserPtr<abi::Siginfo> as In(Siginfo)) = sys_rt_sigqueueinfo;
    rt_sigreturn() = sys_rt_sigreturn;
    rt_sigsuspend(set: UserPtr<u64> as In(Sigset), set_bytes: usize) = sys_rt_sigsuspend;
    rt_sigtimedwait(
        set: UserPtr<u64> as In(Sigset),
        info: UserPtr<abi::Siginfo> as Out(Siginfo),
        timeout: UserPtr<abi::Timespec> as In(Timespec),
        set_bytes: usize,
    ) = sys_rt_sigtimedwait;
    rt_tgsigqueueinfo(
        process: i32,
        thread: i32,
        signal: SignalNumber,
        info: UserPtr<abi::Siginfo> as In(Siginfo),
    ) = sys_rt_tgsigqueueinfo;
    sigaltstack(
        new: UserPtr<abi::StackT> as In(AlternateStack),
        old: UserPtr<abi::StackT> as Out(AlternateStack),
    ) = sys_sigaltstack;
    tgkill(process: i32, thread: i32, signal: SignalNumber) = sys_tgkill;
    tkill(thread: i32, signal: SignalNumber) = sys_tkill;
}
