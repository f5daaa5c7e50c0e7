//! Calls on signals.
use super::argument::SignalNumber;
use super::call::Call;
use crate::errno::{Errno, Restart, Result};
use crate::signal::actions::flags;
use crate::signal::deliver::is_on_stack;
use crate::signal::send::{change_mask, end_temporary_mask, send_in, send_to_task, set_temporary_mask, take_pending};
use crate::signal::state::{STACK_AUTO_DISARM, STACK_DISABLED};
use crate::signal::{Signal, SignalSet};
use crate::task::table::{self, Node, TaskTable};
use crate::task::{Capability, Credentials, Pid, Task};
use crate::user_memory::UserPtr;
use abi::linux::{SIG_BLOCK, SIG_SETMASK, SIG_UNBLOCK};
use abi::{Sigaction, Siginfo, StackT, Timespec};
use alloc::sync::Arc;
use machine::sync::{Wait, WaitError, Waiter};
use machine::thread::CurrentThread;

pub use crate::signal::deliver::sys_rt_sigreturn;

/// Bytes of a signal set as these calls want it to be said.
const SET_BYTES: usize = 8;
/// Smallest alternate stack (MINSIGSTKSZ).
const SMALLEST_STACK: u64 = abi::arch::SMALLEST_SIGNAL_STACK;
const SS_ONSTACK: i32 = 1;
const SI_USER: i32 = 0;
const SI_TKILL: i32 = -6;

fn check_set_bytes(bytes: usize) -> Result<()> {
    if bytes == SET_BYTES { Ok(()) } else { Err(Errno::EINVAL) }
}

/// Sets and tells what a signal does.
pub fn sys_rt_sigaction(
    call: &mut Call<'_>,
    signal: SignalNumber,
    new: UserPtr<Sigaction>,
    old: UserPtr<Sigaction>,
    set_bytes: usize,
) -> Result<u64> {
    check_set_bytes(set_bytes)?;
    let signal = Signal::from_number(signal.0).ok_or(Errno::EINVAL)?;
    let new = match new.non_null() {
        Some(new) => Some(new.read(call.cx)?),
        None => None,
    };
    if new.is_some() && SignalSet::UNBLOCKABLE.contains(signal) {
        return Err(Errno::EINVAL);
    }
    let actions = call.process().signals.actions();
    let was = match new {
        Some(action) => {
            let mask = SignalSet(action.mask).without(SignalSet::UNBLOCKABLE).0;
            let was = actions.set(signal, Sigaction { flags: action.flags & flags::KNOWN, mask, ..action });
            if actions.is_ignored(signal) {
                discard_pending(call, signal);
            }
            was
        }
        None => actions.get(signal),
    };
    old.write_if_set(call.cx, &was)?;
    Ok(0)
}

/// POSIX: setting a signal to be ignored forgets a pending one.
fn discard_pending(call: &Call<'_>, signal: Signal) {
    let table = table::lock(call.cx);
    let process = call.process();
    process.signals.discard(signal.mask());
    if let Some(node) = table.node(process.pid()) {
        node.tasks.iter().for_each(|task| task.signals.discard(signal.mask()));
    }
}

/// Changes and tells what the thread blocks.
pub fn sys_rt_sigprocmask(
    call: &mut Call<'_>,
    how: u32,
    new: UserPtr<u64>,
    old: UserPtr<u64>,
    set_bytes: usize,
) -> Result<u64> {
    check_set_bytes(set_bytes)?;
    let was = call.task.signals.blocked();
    if let Some(new) = new.non_null() {
        let set = SignalSet(new.read(call.cx)?);
        let mask = match how {
            SIG_BLOCK => was.union(set),
            SIG_UNBLOCK => was.without(set),
            SIG_SETMASK => set,
            _ => return Err(Errno::EINVAL),
        };
        change_mask(call.cx, call.task, mask);
    }
    old.write_if_set(call.cx, &was.0)?;
    Ok(0)
}

/// Tells which blocked signals are pending.
pub fn sys_rt_sigpending(call: &mut Call<'_>, set: UserPtr<u64>, set_bytes: usize) -> Result<u64> {
    if set_bytes > SET_BYTES {
        return Err(Errno::EINVAL);
    }
    let pending = call.task.signals.pending().union(call.process().signals.pending());
    set.write(call.cx, &pending.intersection(call.task.signals.blocked()).0)?;
    Ok(0)
}

/// Waits for a signal with another mask.
pub fn sys_rt_sigsuspend(call: &mut Call<'_>, set: UserPtr<u64>, set_bytes: usize) -> Result<u64> {
    check_set_bytes(set_bytes)?;
    let mask = SignalSet(set.read(call.cx)?);
    set_temporary_mask(call.cx, call.task, mask);
    let result = wait_for_signal(call.cx);
    end_temporary_mask(call.cx, call.task, result)
}

/// Waits for a signal.
pub fn sys_pause(call: &mut Call<'_>) -> Result<u64> {
    wait_for_signal(call.cx)
}

fn wait_for_signal(cx: &mut CurrentThread) -> Result<u64> {
    let waiter = Waiter::new(cx);
    while waiter.wait(cx, Wait::interruptible("a signal")).is_ok() {}
    Err(Restart::IfNoHandler.into())
}

/// Waits for one of a set of signals and takes it.
pub fn sys_rt_sigtimedwait(
    call: &mut Call<'_>,
    set: UserPtr<u64>,
    info: UserPtr<Siginfo>,
    timeout: UserPtr<Timespec>,
    set_bytes: usize,
) -> Result<u64> {
    check_set_bytes(set_bytes)?;
    let set = SignalSet(set.read(call.cx)?).without(SignalSet::UNBLOCKABLE);
    let deadline = match timeout.non_null() {
        Some(timeout) => {
            let ns = timeout.read(call.cx)?.to_ns().ok_or(Errno::EINVAL)?;
            Some(machine::time::now().after(ns))
        }
        None => None,
    };
    let waiter = Waiter::new(call.cx);
    call.task.signals.set_waited_for(set);
    let taken = loop {
        if let Some((_, info)) = take_pending(call.cx, call.task, set) {
            break Ok(info);
        }
        match waiter.wait(call.cx, Wait::interruptible("a signal").until(deadline)) {
            Ok(()) => {}
            Err(WaitError::TimedOut) => break Err(Errno::EAGAIN),
            Err(WaitError::Interrupted) => {
                break take_pending(call.cx, call.task, set).map(|(_, info)| info).ok_or(Errno::EINTR);
            }
        }
    };
    call.task.signals.set_waited_for(SignalSet::EMPTY);
    let taken = taken?;
    info.write_if_set(call.cx, &taken)?;
    // CAST: a signal's number.
    Ok(taken.signal as u64)
}

/// Sets and tells the stack for handlers.
pub fn sys_sigaltstack(call: &mut Call<'_>, new: UserPtr<StackT>, old: UserPtr<StackT>) -> Result<u64> {
    let was = call.task.signals.alternate_stack();
    let is_in_use = is_on_stack(&was, call.user.sp() as u64);
    if let Some(new) = new.non_null() {
        let stack = new.read(call.cx)?;
        if is_in_use {
            return Err(Errno::EPERM);
        }
        let mode = stack.flags & !STACK_AUTO_DISARM;
        // LINUX: SS_ONSTACK is accepted and means nothing.
        if mode != STACK_DISABLED && mode != SS_ONSTACK && mode != 0 {
            return Err(Errno::EINVAL);
        }
        if mode == STACK_DISABLED {
            call.task.signals.set_alternate_stack(StackT { flags: stack.flags, ..StackT::default() });
        } else {
            if stack.size < SMALLEST_STACK {
                return Err(Errno::ENOMEM);
            }
            call.task.signals.set_alternate_stack(StackT { flags: stack.flags & !SS_ONSTACK, padding: 0, ..stack });
        }
    }
    if let Some(old) = old.non_null() {
        let flags = was.flags | if is_in_use { SS_ONSTACK } else { 0 };
        old.write(call.cx, &StackT { flags, ..was })?;
    }
    Ok(0)
}

/// Who sends, for the check and the details.
pub(super) fn sender_info(call: &Call<'_>, signal: i32, code: i32) -> Siginfo {
    Siginfo::from_process(signal, code, call.process().pid(), call.process().uid())
}

/// Whether the caller may send to a process.
pub(super) fn may_send(
    cx: &CurrentThread,
    table: &TaskTable,
    sender: &Credentials,
    from: Pid,
    to: Pid,
    signal: i32,
) -> Result<()> {
    let node = table.node(to).ok_or(Errno::ESRCH)?;
    if sender.may(Capability::Kill) || from == to {
        return Ok(());
    }
    if signal == Signal::SIGCONT.number() && table.node(from).is_some_and(|own| own.session == node.session) {
        return Ok(());
    }
    let is_same_user = |target: &Arc<Task>| {
        let target = target.credentials(cx).uid;
        [sender.uid.real, sender.uid.effective].iter().any(|uid| *uid == target.real || *uid == target.saved)
    };
    let is_allowed = match node.tasks.first() {
        Some(task) => is_same_user(task),
        None => node.process.uid() == sender.uid.real || node.process.uid() == sender.uid.effective,
    };
    if is_allowed { Ok(()) } else { Err(Errno::EPERM) }
}

pub(super) fn check_signal(signal: SignalNumber) -> Result<i32> {
    if (0..=64).contains(&signal.0) { Ok(signal.0) } else { Err(Errno::EINVAL) }
}

/// Sends a signal to a process, a group, or all.
pub fn sys_kill(call: &mut Call<'_>, pid: i32, signal: SignalNumber) -> Result<u64> {
    let signal = check_signal(signal)?;
    let info = sender_info(call, signal, SI_USER);
    let me = call.process().pid();
    if pid > 0 && pid.unsigned_abs() == me {
        // Whoever it acts as, it may send to itself.
        return send_in(&mut table::lock(call.cx), me, info).map(|()| 0);
    }
    let credentials = call.task.credentials(call.cx);
    let mut table = table::lock(call.cx);
    let own_group = table.node(me).map(|node| node.group);
    let is_meant = |process: Pid, node: &Node| match pid {
        -1 => process != table::INIT && process != me,
        0 => Some(node.group) == own_group,
        group => node.group == group.unsigned_abs(),
    };
    match pid {
        pid if pid > 0 => {
            let pid = pid.unsigned_abs();
            may_send(call.cx, &table, &credentials, me, pid, signal)?;
            return send_in(&mut table, pid, info).map(|()| 0);
        }
        i32::MIN => return Err(Errno::ESRCH),
        _ => {}
    }
    send_to_all(call, &mut table, info, is_meant).map(|()| 0)
}

/// Sends to every process that is meant and may be sent to.
// LINUX: success if any was reached; else the last refusal; ESRCH for an empty group.
pub(super) fn send_to_all(
    call: &Call<'_>,
    table: &mut TaskTable,
    info: Siginfo,
    is_meant: impl Fn(Pid, &Node) -> bool,
) -> Result<()> {
    let credentials = call.task.credentials(call.cx);
    let me = call.process().pid();
    let mut result = Err(Errno::ESRCH);
    let mut last = 0;
    while let Some(pid) = table.next_process(last, &is_meant) {
        last = pid;
        let sent =
            may_send(call.cx, table, &credentials, me, pid, info.signal).and_then(|()| send_in(table, pid, info));
        if result.is_err() {
            result = sent;
        }
    }
    result
}

/// Sends to a thread of a process.
pub fn sys_tgkill(call: &mut Call<'_>, process: i32, thread: i32, signal: SignalNumber) -> Result<u64> {
    if process <= 0 || thread <= 0 {
        return Err(Errno::EINVAL);
    }
    send_to_thread(call, Some(process.unsigned_abs()), thread.unsigned_abs(), signal, None)
}

/// Sends to a thread.
pub fn sys_tkill(call: &mut Call<'_>, thread: i32, signal: SignalNumber) -> Result<u64> {
    if thread <= 0 {
        return Err(Errno::EINVAL);
    }
    send_to_thread(call, None, thread.unsigned_abs(), signal, None)
}

fn send_to_thread(
    call: &mut Call<'_>,
    process: Option<Pid>,
    tid: Pid,
    signal: SignalNumber,
    info: Option<Siginfo>,
) -> Result<u64> {
    let signal = check_signal(signal)?;
    let task = table::find_task(call.cx, tid).ok_or(Errno::ESRCH)?;
    let target = task.process().pid();
    if process.is_some_and(|process| process != target) {
        return Err(Errno::ESRCH);
    }
    let credentials = call.task.credentials(call.cx);
    may_send(call.cx, &table::lock(call.cx), &credentials, call.process().pid(), target, signal)?;
    if signal != 0 {
        let info = info.unwrap_or_else(|| sender_info(call, signal, SI_TKILL));
        send_to_task(call.cx, &task, info)?;
    }
    Ok(0)
}

/// Details as a program chose them: it may not pretend to be the kernel, except to itself.
fn queued_info(call: &mut Call<'_>, target: Pid, signal: SignalNumber, info: UserPtr<Siginfo>) -> Result<Siginfo> {
    let info = Siginfo { signal: signal.0, padding: 0, ..info.read(call.cx)? };
    if (info.code >= 0 || info.code == SI_TKILL) && target != call.process().pid() {
        return Err(Errno::EPERM);
    }
    Ok(info)
}

/// Sends with a value to a process.
pub fn sys_rt_sigqueueinfo(call: &mut Call<'_>, pid: i32, signal: SignalNumber, info: UserPtr<Siginfo>) -> Result<u64> {
    let pid = Pid::try_from(pid).map_err(|_| Errno::ESRCH)?;
    let info = queued_info(call, pid, signal, info)?;
    let signal = check_signal(signal)?;
    let credentials = call.task.credentials(call.cx);
    let mut table = table::lock(call.cx);
    may_send(call.cx, &table, &credentials, call.process().pid(), pid, signal)?;
    send_in(&mut table, pid, info).map(|()| 0)
}

/// Sends with a value to a thread.
pub fn sys_rt_tgsigqueueinfo(
    call: &mut Call<'_>,
    process: i32,
    thread: i32,
    signal: SignalNumber,
    info: UserPtr<Siginfo>,
) -> Result<u64> {
    if process <= 0 || thread <= 0 {
        return Err(Errno::EINVAL);
    }
    let process = process.unsigned_abs();
    let info = queued_info(call, process, signal, info)?;
    send_to_thread(call, Some(process), thread.unsigned_abs(), signal, Some(info))
}

/// Goes on with a call that was interrupted, with what remains of its timeout.
pub fn sys_restart_syscall(call: &mut Call<'_>) -> Result<u64> {
    match call.task.take_restart_block() {
        Some(block) => block(call),
        None => Err(Errno::EINTR),
    }
}
