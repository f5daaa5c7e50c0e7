//! Calls on time: the rows. Handlers: `syscall/time.rs`.
calls! {
    handlers: crate::syscall::time;

    /// Tells; of changes only ADJ_SETOFFSET: the rate stays as it is (EOPNOTSUPP).
    adjtimex(state: UserPtr<abi::Timex>) = sys_adjtimex;
    alarm(seconds: u32) = sys_alarm;
    /// As `adjtimex`.
    clock_adjtime(clock: i32 as One(&CLOCK), state: UserPtr<abi::Timex>) = sys_clock_adjtime;
    clock_getres(clock: i32 as One(&CLOCK), result: UserPtr<abi::Timespec> as Out(Timespec)) = sys_clock_getres;
    clock_gettime(clock: i32 as One(&CLOCK), result: UserPtr<abi::Timespec> as Out(Timespec)) = sys_clock_gettime;
    clock_nanosleep(
        clock: i32 as One(&CLOCK),
        flags: Flags as Bits(&TIMER),
        wanted: UserPtr<abi::Timespec> as In(Timespec),
        remaining: UserPtr<abi::Timespec> as Out(Remaining),
    ) = sys_clock_nanosleep;
    clock_settime(clock: i32 as One(&CLOCK), value: UserPtr<abi::Timespec> as In(Timespec)) = sys_clock_settime;
    getitimer(which: i32 as One(&ITIMER), result: UserPtr<abi::Itimerval> as Out(Itimerval)) = sys_getitimer;
    /// Major faults and blocks read and written are always 0: everything is in memory.
    getrusage(who: i32 as One(&RUSAGE), result: UserPtr<abi::Rusage> as Out(Rusage)) = sys_getrusage;
    gettimeofday(
        result: UserPtr<abi::Timeval> as Out(Timeval),
        zone: UserPtr<abi::Timezone> as Out(Timezone),
    ) = sys_gettimeofday;
    nanosleep(
        wanted: UserPtr<abi::Timespec> as In(Timespec),
        remaining: UserPtr<abi::Timespec> as Out(Remaining),
    ) = sys_nanosleep;
    setitimer(
        which: i32 as One(&ITIMER),
        new: UserPtr<abi::Itimerval> as In(Itimerval),
        old: UserPtr<abi::Itimerval> as Out(Itimerval),
    ) = sys_setitimer;
    settimeofday(
        value: UserPtr<abi::Timeval> as In(Timeval),
        zone: UserPtr<abi::Timezone> as In(Timezone),
    ) = sys_settimeofday;
    time(result: UserPtr<i64> as Out(Long)) = sys_time;
    times(result: UserPtr<abi::Tms> as Out(Tms)) = sys_times as Place;
}
