//! Calls on process descriptors: making them, signalling and borrowing descriptors through them.
use super::argument::{Fd, Flags, SignalNumber};
use super::call::Call;
use super::signal::{check_signal, may_send, send_to_all, sender_info};
use crate::errno::{Errno, Result};
use crate::fs::pidfd::{self, PidFd};
use crate::ptrace::access::{self, Rights};
use crate::signal;
use crate::signal::send::send_in;
use crate::task::{Pid, table};
use crate::user_memory::UserPtr;
use abi::Siginfo;
use abi::linux::O_NONBLOCK;
use alloc::sync::Arc;

/// `si_code` of kill and of tkill.
const SI_USER: i32 = 0;
const SI_TKILL: i32 = -6;
/// PIDFD_SIGNAL_THREAD, PIDFD_SIGNAL_THREAD_GROUP, PIDFD_SIGNAL_PROCESS_GROUP.
const TO_THREAD: u32 = 1;
const TO_PROCESS: u32 = 2;
const TO_GROUP: u32 = 4;

/// Makes a descriptor of a process or a thread.
pub fn sys_pidfd_open(call: &mut Call<'_>, pid: i32, flags: Flags) -> Result<u64> {
    if flags.0 & !(O_NONBLOCK | pidfd::THREAD) != 0 || pid <= 0 {
        return Err(Errno::EINVAL);
    }
    // CAST: positive.
    let pid = pid as Pid;
    if flags.0 & pidfd::THREAD != 0 {
        let task = table::find_task(call.cx, pid);
        let process = match &task {
            Some(task) => task.process().clone(),
            // A first thread that has ended is there as long as its process is.
            None => table::find_process(call.cx, pid).ok_or(Errno::ESRCH)?,
        };
        return call.install(PidFd::open_thread(process, pid, task.as_ref(), flags.0), true);
    }
    let Some(process) = table::find_process(call.cx, pid) else {
        // LINUX: a thread that is not the first of its process is there, but not as a process.
        return Err(if table::find_task(call.cx, pid).is_some() { Errno::ENOENT } else { Errno::ESRCH });
    };
    call.install(PidFd::open(process, flags.0), true)
}

/// Sends a signal to the process or thread of a descriptor, or to the process group of its number.
pub fn sys_pidfd_send_signal(
    call: &mut Call<'_>,
    pidfd: Fd,
    signal: SignalNumber,
    info: UserPtr<Siginfo>,
    flags: Flags,
) -> Result<u64> {
    if !matches!(flags.0, 0 | TO_THREAD | TO_PROCESS | TO_GROUP) {
        return Err(Errno::EINVAL);
    }
    let file = call.file(pidfd)?;
    let target = PidFd::of(&file)?;
    let scope = match flags.0 {
        0 if target.is_of_thread() => TO_THREAD,
        0 => TO_PROCESS,
        scope => scope,
    };
    let info = match info.non_null() {
        None => sender_info(call, check_signal(signal)?, if scope == TO_THREAD { SI_TKILL } else { SI_USER }),
        Some(info) => {
            let info = info.read(call.cx)?;
            if info.signal != signal.0 {
                return Err(Errno::EINVAL);
            }
            // Nobody may pretend to be the kernel, or kill.
            let is_own = call.task.tid() == target.number() && scope != TO_GROUP;
            if !is_own && (info.code >= 0 || info.code == SI_TKILL) {
                return Err(Errno::EPERM);
            }
            check_signal(signal)?;
            info
        }
    };
    let task = target.task(call.cx)?;
    let credentials = call.task.credentials(call.cx);
    let (me, pid) = (call.process().pid(), target.process().pid());
    let mut table = table::lock(call.cx);
    if scope == TO_GROUP {
        let group = target.number();
        return send_to_all(call, &mut table, info, |_, node| node.group == group).map(|()| 0);
    }
    if !table.node(pid).is_some_and(|node| Arc::ptr_eq(&node.process, target.process())) {
        return Err(Errno::ESRCH);
    }
    may_send(call.cx, &table, &credentials, me, pid, info.signal)?;
    if scope == TO_PROCESS {
        return send_in(&mut table, pid, info).map(|()| 0);
    }
    drop(table);
    if let Some(task) = task {
        signal::send_to_task(call.cx, &task, info)?;
    }
    Ok(0)
}

/// Opens what another process has open.
pub fn sys_pidfd_getfd(call: &mut Call<'_>, pidfd: Fd, fd: Fd, flags: Flags) -> Result<u64> {
    if flags.0 != 0 {
        return Err(Errno::EINVAL);
    }
    let file = call.file(pidfd)?;
    let target = PidFd::of(&file)?;
    let task = target.task(call.cx)?.ok_or(Errno::ESRCH)?;
    let cx = &*call.cx;
    let borrow = || task.files_if_any(cx).ok_or(Errno::ESRCH)?.get_any(cx, fd);
    let borrowed = access::of_one_program(cx, call.task, &task, Rights::Real, borrow)??;
    call.install(borrowed, true)
}
