//! Calls on time: the rows. Handlers: `syscall/time.rs`.
calls! {
    handlers: crate::syscall::time;

    alarm(seconds: u32) = sys_alarm;
    clock_getres(clock: i32, result: UserPtr<abi::Timespec>) = sys_clock_getres;
    clock_gettime(clock: i32, result: UserPtr<abi::Timespec>) = sys_clock_gettime;
    clock_nanosleep(clock: i32, flags: Flags, wanted: UserPtr<abi::Timespec>, remaining: UserPtr<abi::Timespec>) = sys_clock_nanosleep;
    clock_settime(clock: i32, value: UserPtr<abi::Timespec>) = sys_clock_settime;
    getitimer(which: i32, result: UserPtr<abi::Itimerval>) = sys_getitimer;
    getrusage(who: i32, result: UserPtr<abi::Rusage>) = sys_getrusage;
    gettimeofday(result: UserPtr<abi::Timeval>, zone: UserPtr<abi::Timezone>) = sys_gettimeofday;
    nanosleep(wanted: UserPtr<abi::Timespec>, remaining: UserPtr<abi::Timespec>) = sys_nanosleep;
    setitimer(which: i32, new: UserPtr<abi::Itimerval>, old: UserPtr<abi::Itimerval>) = sys_setitimer;
    settimeofday(value: UserPtr<abi::Timeval>, zone: UserPtr<abi::Timezone>) = sys_settimeofday;
    time(result: UserPtr<i64>) = sys_time;
    times(result: UserPtr<abi::Tms>) = sys_times;
}
