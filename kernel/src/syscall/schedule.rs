//! Calls on scheduling: priorities, affinity, policies. Every task is scheduled by weight (SCHED_OTHER); real-time policies are
//! refused with EPERM, as Linux refuses those who may not have them.
use super::call::Call;
use crate::errno::{Errno, Result};
use crate::task::{Pid, Task, table};
use crate::user_memory::{UserPtr, UserSlice};
use abi::linux::{PRIO_PGRP, PRIO_PROCESS, PRIO_USER, SCHED_BATCH, SCHED_FIFO, SCHED_IDLE, SCHED_NORMAL, SCHED_RR};
use abi::{SchedParam, Timespec};
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::addr::UserAddr;
use machine::cpu;
use machine::thread::CpuSet;

/// Bytes of the kernel's CPU masks.
const MASK_BYTES: usize = 8;
/// SCHED_RESET_ON_FORK, allowed beside a policy.
const RESET_ON_FORK: u32 = 0x4000_0000;

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
    if own.is_privileged() || is_same { Ok(()) } else { Err(Errno::EPERM) }
}

/// The CPU this runs on.
pub fn sys_getcpu(call: &mut Call<'_>, cpu: UserPtr<u32>, node: UserPtr<u32>, _unused: UserAddr) -> Result<u64> {
    cpu.write_if_set(call.cx, &machine::cpu::current().0)?;
    node.write_if_set(call.cx, &0)?;
    Ok(0)
}

/// Tells the policy: always the ordinary one.
pub fn sys_sched_getscheduler(call: &mut Call<'_>, tid: i32) -> Result<u64> {
    find(call, tid)?;
    Ok(u64::from(SCHED_NORMAL))
}

/// Sets the policy.
pub fn sys_sched_setscheduler(call: &mut Call<'_>, tid: i32, policy: u32, param: UserPtr<SchedParam>) -> Result<u64> {
    let param = param.read(call.cx)?;
    find(call, tid)?;
    match policy & !RESET_ON_FORK {
        SCHED_NORMAL | SCHED_BATCH | SCHED_IDLE if param.priority == 0 => Ok(0),
        SCHED_FIFO | SCHED_RR if (1..=99).contains(&param.priority) => Err(Errno::EPERM),
        _ => Err(Errno::EINVAL),
    }
}

/// Tells the real-time priority: none.
pub fn sys_sched_getparam(call: &mut Call<'_>, tid: i32, param: UserPtr<SchedParam>) -> Result<u64> {
    find(call, tid)?;
    param.write(call.cx, &SchedParam::default())?;
    Ok(0)
}

/// Sets the real-time priority: the ordinary policy has none.
pub fn sys_sched_setparam(call: &mut Call<'_>, tid: i32, param: UserPtr<SchedParam>) -> Result<u64> {
    find(call, tid)?;
    if param.read(call.cx)?.priority == 0 { Ok(0) } else { Err(Errno::EINVAL) }
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
    find(call, tid)?;
    result.write(call.cx, &Timespec::from_ns(4_000_000))?;
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
    let lowest = tasks.iter().map(|task| task.nice()).min().unwrap_or(0);
    // CAST: between 1 and 40.
    Ok((20 - lowest) as u64)
}

/// Sets nice values.
pub fn sys_setpriority(call: &mut Call<'_>, which: u32, who: i32, nice: i32) -> Result<u64> {
    let nice = nice.clamp(-20, 19);
    let tasks = selected(call, which, who)?;
    let is_privileged = call.task.credentials(call.cx).is_privileged();
    for task in tasks {
        check_owner(call, &task)?;
        if nice < task.nice() && !is_privileged {
            return Err(Errno::EACCES);
        }
        task.set_nice(nice);
    }
    Ok(0)
}
