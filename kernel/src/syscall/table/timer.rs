//! Calls on timers: the rows. Handlers: `syscall/timer.rs`.
calls! {
    handlers: crate::syscall::timer;

    /// No clocks that wake a sleeping machine.
    timer_create(
        clock: i32 as One(&CLOCK),
        event: UserPtr<abi::Sigevent> as In(Sigevent),
        result: UserPtr<i32> as Out(Int),
    ) = sys_timer_create;
    timer_delete(timer: i32) = sys_timer_delete;
    timer_getoverrun(timer: i32) = sys_timer_getoverrun;
    timer_gettime(timer: i32, result: UserPtr<abi::Itimerspec> as Out(Itimerspec)) = sys_timer_gettime;
    timer_settime(
        timer: i32,
        flags: Flags as Bits(&TIMER),
        new: UserPtr<abi::Itimerspec> as In(Itimerspec),
        old: UserPtr<abi::Itimerspec> as Out(Itimerspec),
    ) = sys_timer_settime;
    timerfd_create(clock: i32 as One(&CLOCK), flags: Flags as Bits(&TFD)) = sys_timerfd_create as Descriptor;
    timerfd_gettime(fd: Fd, result: UserPtr<abi::Itimerspec> as Out(Itimerspec)) = sys_timerfd_gettime;
    timerfd_settime(
        fd: Fd,
        flags: Flags as Bits(&TFD_TIMER),
        new: UserPtr<abi::Itimerspec> as In(Itimerspec),
        old: UserPtr<abi::Itimerspec> as Out(Itimerspec),
    ) = sys_timerfd_settime;
}
