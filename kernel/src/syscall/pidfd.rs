//! Calls on process descriptors: making them, signalling and borrowing descriptors through them.
use super::argument::{Fd, Flags, SignalNumber};
use super::call::Call;
use super::signal::{check_signal, may_send, sender_info};
use crate::errno::{Errno, Result};
use crate::fs::pidfd::PidFd;
use crate::fs::procfs::Subject;
use crate::signal::send::send_in;
use crate::task::{Pid, table};
use crate::user_memory::UserPtr;
use abi::Siginfo;
use abi::linux::O_NONBLOCK;
use alloc::sync::Arc;

/// `si_code` of kill and of tkill.
const SI_USER: i32 = 0;
const SI_TKILL: i32 = -6;
/// PIDFD_SIGNAL_THREAD_GROUP: what a descriptor of a process means in any case.
const TO_PROCESS: u32 = 2;

/// Makes a descriptor of a process.
pub fn sys_pidfd_open(call: &mut Call<'_>, pid: i32, flags: Flags) -> Result<u64> {
    if flags.0 & !O_NONBLOCK != 0 || pid <= 0 {
        return Err(Errno::EINVAL);
    }
    // CAST: positive.
    let pid = pid as Pid;
    let Some(process) = table::find_process(call.cx, pid) else {
        // LINUX: a thread that is not the first of its process is there, but not as a process.
        return Err(if table::find_task(call.cx, pid).is_some() { Errno::ENOENT } else { Errno::ESRCH });
    };
    call.install(PidFd::open(process, flags.0), true)
}

/// Sends a signal to the process of a descriptor.
pub fn sys_pidfd_send_signal(
    call: &mut Call<'_>,
    pidfd: Fd,
    signal: SignalNumber,
    info: UserPtr<Siginfo>,
    flags: Flags,
) -> Result<u64> {
    if flags.0 & !TO_PROCESS != 0 {
        return Err(Errno::EINVAL);
    }
    let file = call.file(pidfd)?;
    let process = PidFd::process_of(&file)?;
    let (me, target) = (call.process().pid(), process.pid());
    let info = match info.non_null() {
        None => sender_info(call, check_signal(signal)?, SI_USER),
        Some(info) => {
            let info = info.read(call.cx)?;
            if info.signal != signal.0 {
                return Err(Errno::EINVAL);
            }
            // Nobody may pretend to be the kernel, or kill.
            if me != target && (info.code >= 0 || info.code == SI_TKILL) {
                return Err(Errno::EPERM);
            }
            check_signal(signal)?;
            info
        }
    };
    let credentials = call.task.credentials(call.cx);
    let mut table = table::lock(call.cx);
    if !table.node(target).is_some_and(|node| Arc::ptr_eq(&node.process, process)) {
        return Err(Errno::ESRCH);
    }
    may_send(call.cx, &table, &credentials, me, target, info.signal)?;
    send_in(&mut table, target, info).map(|()| 0)
}

/// Opens what another process has open.
pub fn sys_pidfd_getfd(call: &mut Call<'_>, pidfd: Fd, fd: Fd, flags: Flags) -> Result<u64> {
    if flags.0 != 0 {
        return Err(Errno::EINVAL);
    }
    let file = call.file(pidfd)?;
    let process = PidFd::process_of(&file)?;
    let subject = Subject::process(call.cx, process.pid()).map_err(|_| Errno::ESRCH)?;
    if !Arc::ptr_eq(&subject.process, process) {
        return Err(Errno::ESRCH);
    }
    let task = subject.task.as_ref().ok_or(Errno::ESRCH)?;
    subject.check_may_inspect(call.cx).map_err(|_| Errno::EPERM)?;
    let borrowed = task.files_if_any(call.cx).ok_or(Errno::ESRCH)?.get_any(call.cx, fd)?;
    call.install(borrowed, true)
}
