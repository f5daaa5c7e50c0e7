//! Calls on processes and threads: making, ending, waiting, groups and sessions.
use super::argument::{Fd, Flags, LongFlags};
use super::call::Call;
use crate::errno::{Errno, Result};
use crate::fs::pidfd::PidFd;
use crate::task::Pid;
use crate::task::clone::{self, CloneRequest};
use crate::task::table::{self, TaskTable};
use crate::task::wait::{self, Selector, Waited};
use crate::user_memory::{UserPtr, UserSlice};
use abi::linux::{
    __WALL, __WCLONE, __WNOTHREAD, CLONE_DETACHED, CLONE_PARENT_SETTID, CLONE_PIDFD, CLONE_VFORK, CLONE_VM, P_ALL,
    P_PGID, P_PID, P_PIDFD, WCONTINUED, WEXITED, WNOHANG, WNOWAIT, WSTOPPED,
};
use abi::{CloneArgs, Rusage, Siginfo};
use alloc::sync::Arc;
use machine::addr::{PAGE_SIZE, UserAddr};
use zerocopy::IntoBytes;

/// Bits of clone's flags that hold the exit signal.
const EXIT_SIGNAL_BITS: u64 = 0xff;
/// Bytes of the first version of `struct clone_args`.
const CLONE_ARGS_FIRST: usize = 64;

/// Ends the calling thread.
pub fn sys_exit(call: &mut Call<'_>, status: i32) -> Result<u64> {
    call.task.leave((status & 0xff) << 8);
    Ok(0)
}

/// Ends the whole process.
pub fn sys_exit_group(call: &mut Call<'_>, status: i32) -> Result<u64> {
    call.process().begin_exit(call.cx, (status & 0xff) << 8);
    Ok(0)
}

/// The process's number.
pub fn sys_getpid(call: &mut Call<'_>) -> Result<u64> {
    Ok(u64::from(call.process().pid()))
}

/// The parent's number.
pub fn sys_getppid(call: &mut Call<'_>) -> Result<u64> {
    Ok(u64::from(call.process().parent_pid()))
}

/// The thread's number.
pub fn sys_gettid(call: &mut Call<'_>) -> Result<u64> {
    Ok(u64::from(call.task.tid()))
}

/// Sets the word to clear and wake when the thread ends.
pub fn sys_set_tid_address(call: &mut Call<'_>, address: UserAddr) -> Result<u64> {
    call.task.set_clear_child_tid(address);
    Ok(u64::from(call.task.tid()))
}

/// A new process.
pub fn sys_fork(call: &mut Call<'_>) -> Result<u64> {
    clone::clone(call, &CloneRequest::FORK)
}

/// A new process that borrows the memory until it executes or ends.
pub fn sys_vfork(call: &mut Call<'_>) -> Result<u64> {
    let flags = u64::from(CLONE_VM | CLONE_VFORK);
    clone::clone(call, &CloneRequest { flags, ..CloneRequest::FORK })
}

/// A new process or thread. The last two arguments stand in another order on each architecture.
pub fn sys_clone(
    call: &mut Call<'_>,
    flags: LongFlags,
    stack: UserAddr,
    parent_tid: UserAddr,
    fourth: u64,
    fifth: u64,
) -> Result<u64> {
    let (child_tid, tls) = if abi::arch::CLONE_TLS_IS_FOURTH { (fifth, fourth) } else { (fourth, fifth) };
    let request = CloneRequest {
        flags: flags.0 & 0xffff_ffff & !EXIT_SIGNAL_BITS,
        // CAST: eight bits.
        exit_signal: (flags.0 & EXIT_SIGNAL_BITS) as i32,
        stack: stack.0 as u64,
        tls,
        parent_tid,
        // CAST: usize is 64 bits on both architectures.
        child_tid: UserAddr(child_tid as usize),
        pidfd: parent_tid,
    };
    // LINUX: there is one place for both numbers.
    let asks_twice = u64::from(CLONE_PIDFD | CLONE_PARENT_SETTID);
    let is_detached = request.flags & u64::from(CLONE_DETACHED) != 0;
    let asks_pidfd = request.flags & u64::from(CLONE_PIDFD) != 0;
    if asks_pidfd && (is_detached || request.flags & asks_twice == asks_twice) {
        return Err(Errno::EINVAL);
    }
    clone::clone(call, &request)
}

/// The same with a structure.
pub fn sys_clone3(call: &mut Call<'_>, arguments: UserAddr, bytes: usize) -> Result<u64> {
    if bytes > PAGE_SIZE {
        return Err(Errno::E2BIG);
    }
    if bytes < CLONE_ARGS_FIRST {
        return Err(Errno::EINVAL);
    }
    let given = UserSlice::new(arguments, bytes).read_vec(call.cx)?;
    let mut args = CloneArgs::default();
    let known = bytes.min(size_of::<CloneArgs>());
    args.as_mut_bytes()[..known].copy_from_slice(&given[..known]);
    // Words of a newer version must be zero.
    if given[known..].iter().any(|byte| *byte != 0) {
        return Err(Errno::E2BIG);
    }
    // A low exit-signal byte in flags and a chosen number are clone's and checkpoint/restore's, not ours.
    if args.flags & EXIT_SIGNAL_BITS != 0 || args.set_tid_size != 0 || args.exit_signal > 64 {
        return Err(Errno::EINVAL);
    }
    if (args.stack == 0) != (args.stack_size == 0) {
        return Err(Errno::EINVAL);
    }
    // LINUX: threads and siblings take no exit signal of their own.
    let takes_no_signal = args.flags & u64::from(abi::linux::CLONE_THREAD | abi::linux::CLONE_PARENT) != 0;
    if takes_no_signal && args.exit_signal != 0 {
        return Err(Errno::EINVAL);
    }
    let request = CloneRequest {
        flags: args.flags,
        // CAST: at most 64, as checked.
        exit_signal: args.exit_signal as i32,
        stack: args.stack.checked_add(args.stack_size).ok_or(Errno::EINVAL)?,
        tls: args.tls,
        // CAST: usize is 64 bits on both architectures.
        parent_tid: UserAddr(args.parent_tid as usize),
        child_tid: UserAddr(args.child_tid as usize),
        pidfd: UserAddr(args.pidfd as usize),
    };
    clone::clone(call, &request)
}

/// Waits for a child.
pub fn sys_wait4(
    call: &mut Call<'_>,
    pid: i32,
    status: UserPtr<i32>,
    options: Flags,
    usage: UserPtr<Rusage>,
) -> Result<u64> {
    if options.0 & !(WNOHANG | WSTOPPED | WCONTINUED | __WNOTHREAD | __WALL | __WCLONE) != 0 {
        return Err(Errno::EINVAL);
    }
    let selector = match pid {
        i32::MIN => return Err(Errno::ESRCH),
        -1 => Selector::Any,
        0 => Selector::Group(group_of(call, 0)?),
        // CAST: the sign is handled.
        group if group < 0 => Selector::Group(group.unsigned_abs()),
        pid => Selector::Process(pid.unsigned_abs()),
    };
    let process = call.process().clone();
    let Some(waited) = wait::wait(call.cx, &process, selector, options.0 | WEXITED)? else { return Ok(0) };
    status.write_if_set(call.cx, &waited.change.wait_status())?;
    usage.write_if_set(call.cx, &waited.usage.to_rusage())?;
    Ok(u64::from(waited.pid))
}

/// Waits for a child, with more to choose from.
pub fn sys_waitid(
    call: &mut Call<'_>,
    which: u32,
    id: i32,
    info: UserPtr<Siginfo>,
    options: Flags,
    usage: UserPtr<Rusage>,
) -> Result<u64> {
    let known = WNOHANG | WEXITED | WSTOPPED | WCONTINUED | WNOWAIT | __WNOTHREAD | __WALL | __WCLONE;
    if options.0 & !known != 0 || options.0 & (WEXITED | WSTOPPED | WCONTINUED) == 0 {
        return Err(Errno::EINVAL);
    }
    let mut is_patient = true;
    let selector = match which {
        P_ALL => Selector::Any,
        P_PID if id > 0 => Selector::Process(id.unsigned_abs()),
        P_PGID if id == 0 => Selector::Group(group_of(call, 0)?),
        P_PGID if id > 0 => Selector::Group(id.unsigned_abs()),
        P_PIDFD if id >= 0 => {
            let file = call.file(Fd(id))?;
            is_patient = !file.is_non_blocking();
            let process = PidFd::process_of(&file)?;
            // One that is gone may have left its number to another.
            let child = table::find_process(call.cx, process.pid());
            if PidFd::of(&file)?.number() != process.pid() || !child.is_some_and(|child| Arc::ptr_eq(&child, process)) {
                return Err(Errno::ECHILD);
            }
            Selector::Process(process.pid())
        }
        _ => return Err(Errno::EINVAL),
    };
    let process = call.process().clone();
    let asked = if is_patient { options.0 } else { options.0 | WNOHANG };
    let waited = wait::wait(call.cx, &process, selector, asked)?;
    if waited.is_none() && options.0 & WNOHANG == 0 {
        return Err(Errno::EAGAIN);
    }
    if let Some(waited) = &waited {
        usage.write_if_set(call.cx, &waited.usage.to_rusage())?;
    }
    info.write_if_set(call.cx, &waited.map_or(Siginfo::default(), |waited| child_info(&waited)))?;
    Ok(0)
}

fn child_info(waited: &Waited) -> Siginfo {
    let (code, status) = waited.change.code_and_status();
    Siginfo::child(code, waited.pid, waited.uid, status, 0, 0)
}

/// A process number as these calls take it: 0 is the caller.
fn number(call: &Call<'_>, pid: i32) -> Result<Pid> {
    match pid {
        0 => Ok(call.process().pid()),
        pid => Pid::try_from(pid).map_err(|_| Errno::ESRCH),
    }
}

fn group_of(call: &Call<'_>, pid: i32) -> Result<Pid> {
    let pid = number(call, pid)?;
    table::place_of(call.cx, pid).map(|(_, group, _)| group).ok_or(Errno::ESRCH)
}

/// The caller's process group.
pub fn sys_getpgrp(call: &mut Call<'_>) -> Result<u64> {
    group_of(call, 0).map(u64::from)
}

/// A process's group.
pub fn sys_getpgid(call: &mut Call<'_>, pid: i32) -> Result<u64> {
    group_of(call, pid).map(u64::from)
}

/// A process's session.
pub fn sys_getsid(call: &mut Call<'_>, pid: i32) -> Result<u64> {
    let pid = number(call, pid)?;
    table::place_of(call.cx, pid).map(|(_, _, session)| u64::from(session)).ok_or(Errno::ESRCH)
}

/// Puts a process into a group.
pub fn sys_setpgid(call: &mut Call<'_>, pid: i32, group: i32) -> Result<u64> {
    // LINUX: the group is judged first, a negative process number standing for a group when none is named.
    if group < 0 || (group == 0 && pid < 0) {
        return Err(Errno::EINVAL);
    }
    let me = call.process().pid();
    let pid = number(call, pid)?;
    let group = if group == 0 { pid } else { group.unsigned_abs() };
    let mut table = table::lock(call.cx);
    check_setpgid(&table, me, pid, group)?;
    if let Some(node) = table.node_mut(pid) {
        node.group = group;
    }
    Ok(0)
}

fn check_setpgid(table: &TaskTable, me: Pid, pid: Pid, group: Pid) -> Result<()> {
    let mine = table.node(me).ok_or(Errno::ESRCH)?;
    let node = table.node(pid).ok_or(Errno::ESRCH)?;
    if pid != me {
        if node.parent != me {
            return Err(Errno::ESRCH);
        }
        if node.session != mine.session {
            return Err(Errno::EPERM);
        }
        if node.has_executed {
            return Err(Errno::EACCES);
        }
    }
    if node.session == pid {
        return Err(Errno::EPERM);
    }
    let is_new = group == pid;
    if !is_new && !table.nodes().any(|(_, other)| other.group == group && other.session == mine.session) {
        return Err(Errno::EPERM);
    }
    Ok(())
}

/// Begins a session of the caller's own.
pub fn sys_setsid(call: &mut Call<'_>) -> Result<u64> {
    let pid = call.process().pid();
    let mut table = table::lock(call.cx);
    if table.has_group(pid) {
        return Err(Errno::EPERM);
    }
    let Some(node) = table.node_mut(pid) else { return Err(Errno::ESRCH) };
    (node.group, node.session) = (pid, pid);
    drop(table);
    call.process().terminal.clear();
    Ok(u64::from(pid))
}

/// Sets where the list of robust futexes begins.
pub fn sys_set_robust_list(call: &mut Call<'_>, head: UserAddr, bytes: usize) -> Result<u64> {
    if bytes != size_of::<abi::RobustListHead>() {
        return Err(Errno::EINVAL);
    }
    call.task.set_robust_list(head);
    Ok(0)
}

/// Tells where it begins.
pub fn sys_get_robust_list(call: &mut Call<'_>, tid: i32, head: UserPtr<u64>, bytes: UserPtr<u64>) -> Result<u64> {
    let task = match tid {
        0 => call.task.clone(),
        tid => table::find_task(call.cx, Pid::try_from(tid).map_err(|_| Errno::ESRCH)?).ok_or(Errno::ESRCH)?,
    };
    bytes.write(call.cx, &(size_of::<abi::RobustListHead>() as u64))?;
    head.write(call.cx, &(task.robust_list().0 as u64))?;
    Ok(0)
}
