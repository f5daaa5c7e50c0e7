//! Calls on timers: the rows. Handlers: `syscall/timer.rs`.
calls! {
    handlers: crate::syscall::timer;

    /// No clocks that wake a sleeping machine.
    timer_create(clock: i32, event: UserPtr<abi::Sigevent>, result: UserPtr<i32>) = sys_timer_create;
    timer_delete(timer: i32) = sys_timer_delete;
    timer_getoverrun(timer: i32) = sys_timer_getoverrun;
    timer_gettime(timer: i32, result: UserPtr<abi::Itimerspec>) = sys_timer_gettime;
    timer_settime(timer: i32, flags: Flags, new: UserPtr<abi::Itimerspec>, old: UserPtr<abi::Itimerspec>) = sys_timer_settime;
    timerfd_create(clock: i32, flags: Flags) = sys_timerfd_create;
    timerfd_gettime(fd: Fd, result: UserPtr<abi::Itimerspec>) = sys_timerfd_gettime;
    timerfd_settime(fd: Fd, flags: Flags, new: UserPtr<abi::Itimerspec>, old: UserPtr<abi::Itimerspec>) = sys_timerfd_settime;
}
