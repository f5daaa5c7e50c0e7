//! Calls on scheduling: priorities, affinity, policies. What is set lies in the task ([`crate::task::scheduling`]).
use super::argument::Flags;
use super::call::Call;
use crate::errno::{Errno, Result};
use crate::task::limits::Resource;
use crate::task::scheduling::Scheduling;
use crate::task::{Capability, Pid, Process, Task, pi_futex, table};
use crate::user_memory::{UserPtr, UserSlice};
use abi::linux::{PRIO_PGRP, PRIO_PROCESS, PRIO_USER, SCHED_BATCH, SCHED_FIFO, SCHED_IDLE, SCHED_NORMAL, SCHED_RR};
use abi::linux::{
    SCHED_FLAG_ALL, SCHED_FLAG_KEEP_PARAMS, SCHED_FLAG_KEEP_POLICY, SCHED_FLAG_RESET_ON_FORK, SCHED_FLAG_UTIL_CLAMP,
    SCHED_RESET_ON_FORK,
};
use abi::{SchedAttr, SchedParam, Timespec};
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::addr::{PAGE_SIZE, UserAddr};
use machine::cpu;
use machine::thread::CpuSet;
use pure::ready_threads::{HIGHEST_PRIORITY, ROUND_ROBIN_SLICE_NS, SHARE_SLICE_NS};
use zerocopy::IntoBytes;

/// Bytes of the kernel's CPU masks.
const MASK_BYTES: usize = 8;
/// Bytes of the first `struct sched_attr`, the least that is taken and given.
const FIRST_ATTR_BYTES: usize = 48;

fn find(call: &Call<'_>, tid: i32) -> Result<Arc<Task>> {
    match tid {
        0 => Ok(call.task.clone()),
        tid => table::find_task(call.cx, Pid::try_from(tid).map_err(|_| Errno::EINVAL)?).ok_or(Errno::ESRCH),
    }
}

/// Lets others run.
pub fn sys_sched_yield(call: &mut Call<'_>) -> Result<u64> {
    call.cx.yield_now();
    Ok(0)
}

/// The mask of the CPUs that are up.
fn possible() -> u64 {
    1u64.checked_shl(cpu::count() as u32).map_or(u64::MAX, |bit| bit - 1)
}

/// Tells on which CPUs a thread may run; answers the bytes written.
pub fn sys_sched_getaffinity(call: &mut Call<'_>, tid: i32, bytes: usize, mask: UserAddr) -> Result<u64> {
    if bytes < MASK_BYTES || !bytes.is_multiple_of(MASK_BYTES) {
        return Err(Errno::EINVAL);
    }
    let task = find(call, tid)?;
    let allowed = task.thread().map_or(possible(), |thread| thread.affinity().0 & possible());
    UserPtr::<u64>::new(mask).write(call.cx, &allowed)?;
    Ok(MASK_BYTES as u64)
}

/// Says on which CPUs a thread may run.
pub fn sys_sched_setaffinity(call: &mut Call<'_>, tid: i32, bytes: usize, mask: UserAddr) -> Result<u64> {
    let mut word = [0; MASK_BYTES];
    let known = bytes.min(MASK_BYTES);
    UserSlice::new(mask, bytes).read(call.cx, &mut word[..known])?;
    let wanted = u64::from_le_bytes(word) & possible();
    let task = find(call, tid)?;
    check_owner(call, &task)?;
    let is_set = wanted != 0 && task.thread().is_some_and(|thread| thread.set_affinity(CpuSet(wanted)));
    if is_set { Ok(0) } else { Err(Errno::EINVAL) }
}

fn check_owner(call: &Call<'_>, task: &Task) -> Result<()> {
    let own = call.task.credentials(call.cx);
    let other = task.credentials(call.cx);
    let is_same = own.uid.effective == other.uid.real || own.uid.effective == other.uid.effective;
    // LINUX: nor may one with fewer rights meddle.
    let has_as_much = other.capabilities.permitted.is_subset_of(own.capabilities.permitted);
    if own.may(Capability::Nice) || is_same && has_as_much { Ok(()) } else { Err(Errno::EPERM) }
}

/// The CPU this runs on.
pub fn sys_getcpu(call: &mut Call<'_>, cpu: UserPtr<u32>, node: UserPtr<u32>, _unused: UserAddr) -> Result<u64> {
    cpu.write_if_set(call.cx, &machine::cpu::current().0)?;
    node.write_if_set(call.cx, &0)?;
    Ok(0)
}

/// What one of the calls below wants changed; `None` leaves it as it is.
#[derive(Default)]
struct Wanted {
    policy: Option<u32>,
    priority: Option<u32>,
    nice: Option<i32>,
    resets_on_fork: Option<bool>,
}

/// Changes a task's scheduling by Linux's rules, in its order of judging.
fn set(call: &mut Call<'_>, task: &Task, wanted: &Wanted) -> Result<()> {
    let is_owner = check_owner(call, task).is_ok();
    let is_privileged = call.may(Capability::Nice);
    let most_priority = task.process().limit(Resource::RealTimePriority);
    let least_nice = least_nice(task.process());
    task.change_scheduling(|now| {
        let policy = wanted.policy.unwrap_or(now.policy);
        let is_real_time = matches!(policy, SCHED_FIFO | SCHED_RR);
        let priority = wanted.priority.unwrap_or(u32::from(now.priority));
        let priority = u8::try_from(priority).ok().filter(|&priority| priority <= HIGHEST_PRIORITY);
        let priority = priority.ok_or(Errno::EINVAL)?;
        if !Scheduling::is_known(policy) || is_real_time != (priority != 0) {
            return Err(Errno::EINVAL);
        }
        let new = Scheduling {
            policy,
            priority,
            nice: if is_real_time { now.nice } else { wanted.nice.unwrap_or(now.nice).clamp(-20, 19) },
            resets_on_fork: wanted.resets_on_fork.unwrap_or(now.resets_on_fork),
            lent: now.lent,
        };
        let may = if is_real_time {
            (policy == now.policy || most_priority > 0)
                && (priority <= now.priority || u64::from(priority) <= most_priority)
        } else {
            new.nice >= now.nice || i64::from(new.nice) >= least_nice
        };
        // LINUX: leaving SCHED_IDLE is a rise as much as a lower nice value.
        let leaves_idle = now.policy == SCHED_IDLE && policy != SCHED_IDLE;
        let may_leave = !leaves_idle || i64::from(now.nice) >= least_nice;
        let keeps_reset = !now.resets_on_fork || new.resets_on_fork;
        let is_allowed = may && may_leave && keeps_reset && is_owner;
        if !is_privileged && !is_allowed {
            return Err(Errno::EPERM);
        }
        *now = new;
        Ok(())
    })?;
    pi_futex::adjust(call.cx, task);
    Ok(())
}

/// The lowest nice value that RLIMIT_NICE lets the process go down to.
fn least_nice(process: &Process) -> i64 {
    20 - i64::try_from(process.limit(Resource::NicePriority)).unwrap_or(i64::MAX).min(40)
}

/// Tells the policy, and whether children begin without it.
pub fn sys_sched_getscheduler(call: &mut Call<'_>, tid: i32) -> Result<u64> {
    let scheduling = find(call, tid)?.scheduling();
    let reset = if scheduling.resets_on_fork { SCHED_RESET_ON_FORK } else { 0 };
    Ok(u64::from(scheduling.policy | reset))
}

/// Sets the policy.
pub fn sys_sched_setscheduler(call: &mut Call<'_>, tid: i32, policy: u32, param: UserPtr<SchedParam>) -> Result<u64> {
    if param.is_null() || tid < 0 || policy > i32::MAX as u32 {
        return Err(Errno::EINVAL);
    }
    let priority = u32::try_from(param.read(call.cx)?.priority).map_err(|_| Errno::EINVAL)?;
    let task = find(call, tid)?;
    let wanted = Wanted {
        policy: Some(policy & !SCHED_RESET_ON_FORK),
        priority: Some(priority),
        resets_on_fork: Some(policy & SCHED_RESET_ON_FORK != 0),
        ..Wanted::default()
    };
    set(call, &task, &wanted)?;
    Ok(0)
}

/// Tells the real-time priority.
pub fn sys_sched_getparam(call: &mut Call<'_>, tid: i32, param: UserPtr<SchedParam>) -> Result<u64> {
    if param.is_null() || tid < 0 {
        return Err(Errno::EINVAL);
    }
    let priority = i32::from(find(call, tid)?.scheduling().priority);
    param.write(call.cx, &SchedParam { priority })?;
    Ok(0)
}

/// Sets the real-time priority; the policy stays.
pub fn sys_sched_setparam(call: &mut Call<'_>, tid: i32, param: UserPtr<SchedParam>) -> Result<u64> {
    if param.is_null() || tid < 0 {
        return Err(Errno::EINVAL);
    }
    let priority = u32::try_from(param.read(call.cx)?.priority).map_err(|_| Errno::EINVAL)?;
    let task = find(call, tid)?;
    set(call, &task, &Wanted { priority: Some(priority), ..Wanted::default() })?;
    Ok(0)
}

/// Reads a `struct sched_attr` of any version.
fn read_attr(call: &mut Call<'_>, attr: UserPtr<SchedAttr>) -> Result<SchedAttr> {
    let size = UserPtr::<u32>::new(attr.addr()).read(call.cx)? as usize;
    let bytes = if size == 0 { FIRST_ATTR_BYTES } else { size };
    if !(FIRST_ATTR_BYTES..=PAGE_SIZE).contains(&bytes) {
        // LINUX: whoever knows another structure is told how long ours is.
        UserPtr::<u32>::new(attr.addr()).write(call.cx, &(size_of::<SchedAttr>() as u32))?;
        return Err(Errno::E2BIG);
    }
    let mut read = SchedAttr::default();
    let known = bytes.min(size_of::<SchedAttr>());
    UserSlice::new(attr.addr(), known).read(call.cx, &mut read.as_mut_bytes()[..known])?;
    let tail = UserSlice::new(attr.addr(), bytes).skip(known).read_vec(call.cx)?;
    if tail.iter().any(|&byte| byte != 0) {
        UserPtr::<u32>::new(attr.addr()).write(call.cx, &(size_of::<SchedAttr>() as u32))?;
        return Err(Errno::E2BIG);
    }
    Ok(read)
}

/// Sets policy and parameters in one go.
pub fn sys_sched_setattr(call: &mut Call<'_>, tid: i32, attr: UserPtr<SchedAttr>, flags: Flags) -> Result<u64> {
    if attr.is_null() || tid < 0 || flags.0 != 0 {
        return Err(Errno::EINVAL);
    }
    let attr = read_attr(call, attr)?;
    let has = |flag: u32| attr.flags & u64::from(flag) != 0;
    if attr.policy > i32::MAX as u32 {
        return Err(Errno::EINVAL);
    }
    let task = find(call, tid)?;
    if attr.flags & !u64::from(SCHED_FLAG_ALL) != 0 {
        return Err(Errno::EINVAL);
    }
    // As a Linux built without utilization clamps.
    if has(SCHED_FLAG_UTIL_CLAMP) {
        return Err(Errno::EOPNOTSUPP);
    }
    let keeps_policy = has(SCHED_FLAG_KEEP_POLICY);
    let keeps_parameters = has(SCHED_FLAG_KEEP_PARAMS);
    let wanted = Wanted {
        policy: (!keeps_policy).then_some(attr.policy),
        priority: (!keeps_parameters).then_some(attr.priority),
        nice: (!keeps_parameters).then_some(attr.nice),
        resets_on_fork: (!keeps_policy).then_some(has(SCHED_FLAG_RESET_ON_FORK)),
    };
    set(call, &task, &wanted)?;
    Ok(0)
}

/// Tells policy and parameters.
pub fn sys_sched_getattr(
    call: &mut Call<'_>,
    tid: i32,
    attr: UserPtr<SchedAttr>,
    bytes: u32,
    flags: Flags,
) -> Result<u64> {
    let bytes = bytes as usize;
    let is_size_good = (FIRST_ATTR_BYTES..=PAGE_SIZE).contains(&bytes);
    if attr.is_null() || tid < 0 || flags.0 != 0 || !is_size_good {
        return Err(Errno::EINVAL);
    }
    let scheduling = find(call, tid)?.scheduling();
    let known = bytes.min(size_of::<SchedAttr>());
    let answer = SchedAttr {
        // CAST: at most the structure's size.
        size: known as u32,
        policy: scheduling.policy,
        flags: u64::from(if scheduling.resets_on_fork { SCHED_FLAG_RESET_ON_FORK } else { 0 }),
        nice: if scheduling.is_real_time() { 0 } else { scheduling.nice },
        priority: u32::from(scheduling.priority),
        ..SchedAttr::default()
    };
    UserSlice::new(attr.addr(), known).write(call.cx, &answer.as_bytes()[..known])?;
    Ok(0)
}

/// The largest priority of a policy.
pub fn sys_sched_get_priority_max(_call: &mut Call<'_>, policy: u32) -> Result<u64> {
    match policy {
        SCHED_FIFO | SCHED_RR => Ok(99),
        SCHED_NORMAL | SCHED_BATCH | SCHED_IDLE => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

/// The smallest priority of a policy.
pub fn sys_sched_get_priority_min(_call: &mut Call<'_>, policy: u32) -> Result<u64> {
    match policy {
        SCHED_FIFO | SCHED_RR => Ok(1),
        SCHED_NORMAL | SCHED_BATCH | SCHED_IDLE => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

/// The slice of a thread.
pub fn sys_sched_rr_get_interval(call: &mut Call<'_>, tid: i32, result: UserPtr<Timespec>) -> Result<u64> {
    let slice = match find(call, tid)?.scheduling().policy {
        SCHED_FIFO => 0,
        SCHED_RR => ROUND_ROBIN_SLICE_NS,
        _ => SHARE_SLICE_NS,
    };
    result.write(call.cx, &Timespec::from_ns(slice))?;
    Ok(0)
}

/// The tasks that a `which` and `who` of getpriority and setpriority mean.
fn selected(call: &Call<'_>, which: u32, who: i32) -> Result<Vec<Arc<Task>>> {
    // CAST: numbers of users are unsigned; those of processes are looked up as they are.
    let number = who as u32;
    let mut tasks = Vec::new();
    // Room is reserved outside the lock; tasks made meanwhile are left out.
    let count = table::lock(call.cx).task_count();
    tasks.try_reserve(count)?;
    let own_uid = call.process().uid();
    match which {
        PRIO_PROCESS => tasks.extend(find(call, who)),
        PRIO_PGRP | PRIO_USER => {
            let table = table::lock(call.cx);
            let own_group = table.node(call.process().pid()).map_or(0, |node| node.group);
            let is_meant = |node: &table::Node| match (which, who) {
                (PRIO_PGRP, 0) => node.group == own_group,
                (PRIO_PGRP, _) => node.group == number,
                (_, 0) => node.process.uid() == own_uid,
                _ => node.process.uid() == number,
            };
            let meant = table.nodes().filter(|(_, node)| is_meant(node));
            tasks.extend(meant.flat_map(|(_, node)| &node.tasks).take(count).cloned());
        }
        _ => return Err(Errno::EINVAL),
    }
    if tasks.is_empty() { Err(Errno::ESRCH) } else { Ok(tasks) }
}

/// LINUX: the call answers 20 minus the nice value, so that it is never negative.
pub fn sys_getpriority(call: &mut Call<'_>, which: u32, who: i32) -> Result<u64> {
    let tasks = selected(call, which, who)?;
    let lowest = tasks.iter().map(|task| task.scheduling().nice).min().unwrap_or(0);
    // CAST: between 1 and 40.
    Ok((20 - lowest) as u64)
}

/// Sets nice values.
pub fn sys_setpriority(call: &mut Call<'_>, which: u32, who: i32, nice: i32) -> Result<u64> {
    let nice = nice.clamp(-20, 19);
    let tasks = selected(call, which, who)?;
    let is_privileged = call.may(Capability::Nice);
    for task in tasks {
        check_owner(call, &task)?;
        let may_rise = is_privileged || i64::from(nice) >= least_nice(task.process());
        task.change_scheduling(|now| {
            if nice < now.nice && !may_rise {
                return Err(Errno::EACCES);
            }
            now.nice = nice;
            Ok(())
        })?;
    }
    Ok(0)
}

/// Which tasks `ioprio_get` and `ioprio_set` mean: IOPRIO_WHO_PROCESS and so on, one more than `getpriority`'s.
fn selected_for_io(call: &Call<'_>, which: i32, who: i32) -> Result<Vec<Arc<Task>>> {
    let which = u32::try_from(which).ok().and_then(|which| which.checked_sub(1)).ok_or(Errno::EINVAL)?;
    selected(call, which, who)
}

/// Classes, in the bits above the level; the lower the better.
const IO_CLASS_SHIFT: u32 = 13;
const IO_NONE: u32 = 0;
const IO_REAL_TIME: u32 = 1;
const IO_BEST_EFFORT: u32 = 2;
const IO_IDLE: u32 = 3;
/// Levels of those classes that have any.
const IO_LEVELS: u32 = 8;

/// LINUX: of one task it tells what was set, of several the best that is in force, which for those of whom nothing was set follows
/// from the nice value.
pub fn sys_ioprio_get(call: &mut Call<'_>, which: i32, who: i32) -> Result<u64> {
    let tasks = selected_for_io(call, which, who)?;
    let in_force = |task: &Arc<Task>| match task.io_priority() {
        set if set >> IO_CLASS_SHIFT != IO_NONE => set,
        _ => {
            let scheduling = task.scheduling();
            let class = match scheduling.policy {
                SCHED_IDLE => IO_IDLE,
                _ if scheduling.is_real_time() => IO_REAL_TIME,
                _ => IO_BEST_EFFORT,
            };
            // CAST: nice values are from -20 on.
            (class << IO_CLASS_SHIFT) | ((scheduling.nice + 20) as u32 / 5)
        }
    };
    let told = match tasks.as_slice() {
        [task] if which == 1 => task.io_priority(),
        tasks => tasks.iter().map(in_force).min().unwrap_or(0),
    };
    Ok(u64::from(told))
}

/// Sets it.
pub fn sys_ioprio_set(call: &mut Call<'_>, which: i32, who: i32, priority: i32) -> Result<u64> {
    let priority = u32::try_from(priority).map_err(|_| Errno::EINVAL)?;
    let (class, level) = (priority >> IO_CLASS_SHIFT, priority & ((1 << IO_CLASS_SHIFT) - 1));
    match class {
        IO_REAL_TIME if !call.may(Capability::Admin) && !call.may(Capability::Nice) => return Err(Errno::EPERM),
        IO_REAL_TIME | IO_BEST_EFFORT if level < IO_LEVELS => {}
        IO_NONE if level == 0 => {}
        IO_IDLE => {}
        _ => return Err(Errno::EINVAL),
    }
    let own = call.task.credentials(call.cx);
    for task in selected_for_io(call, which, who)? {
        let uid = task.credentials(call.cx).uid.real;
        if uid != own.uid.effective && uid != own.uid.real && !own.may(Capability::Nice) {
            return Err(Errno::EPERM);
        }
        task.set_io_priority(priority);
    }
    Ok(0)
}
