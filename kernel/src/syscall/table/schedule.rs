//! Calls on scheduling: the rows. Handlers: `syscall/schedule.rs`.
calls! {
    handlers: crate::syscall::schedule;

    getcpu(cpu: UserPtr<u32> as Out(Int), node: UserPtr<u32> as Out(Int), unused: UserAddr) = sys_getcpu;
    getpriority(which: u32 as One(&PRIO), who: i32) = sys_getpriority;
    ioprio_get(which: i32, who: i32) = sys_ioprio_get;
    /// Kept: there are no disks whose requests it would order.
    ioprio_set(which: i32, who: i32, priority: i32) = sys_ioprio_set;
    sched_get_priority_max(policy: u32 as One(&SCHED)) = sys_sched_get_priority_max;
    sched_get_priority_min(policy: u32 as One(&SCHED)) = sys_sched_get_priority_min;
    sched_getattr(tid: i32, attr: UserPtr<abi::SchedAttr>, bytes: u32, flags: Flags) = sys_sched_getattr;
    sched_getaffinity(tid: i32, bytes: usize, mask: UserAddr as Out(Cpus(1))) = sys_sched_getaffinity;
    sched_getparam(tid: i32, param: UserPtr<abi::SchedParam> as Out(SchedParam)) = sys_sched_getparam;
    sched_getscheduler(tid: i32) = sys_sched_getscheduler as Policy;
    sched_rr_get_interval(tid: i32, result: UserPtr<abi::Timespec> as Out(Timespec)) = sys_sched_rr_get_interval;
    sched_setaffinity(tid: i32, bytes: usize, mask: UserAddr as In(Cpus(1))) = sys_sched_setaffinity;
    /// SCHED_DEADLINE is refused (EINVAL), utilization clamps too (EOPNOTSUPP).
    sched_setattr(tid: i32, attr: UserPtr<abi::SchedAttr>, flags: Flags) = sys_sched_setattr;
    sched_setparam(tid: i32, param: UserPtr<abi::SchedParam> as In(SchedParam)) = sys_sched_setparam;
    /// SCHED_DEADLINE is refused (EINVAL).
    sched_setscheduler(
        tid: i32,
        policy: u32 as One(&SCHED),
        param: UserPtr<abi::SchedParam> as In(SchedParam),
    ) = sys_sched_setscheduler;
    sched_yield() = sys_sched_yield;
    setpriority(which: u32 as One(&PRIO), who: i32, nice: i32) = sys_setpriority;
}
