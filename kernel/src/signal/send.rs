//! Sending signals. All senders come through here: calls, the terminal, timers, the process tree.
//!
//! Locks: the task table is held while a signal is recorded and a thread to notify is chosen, so the process cannot vanish
//! and SIGCONT and stop signals are seen in one order. From interrupt handlers nothing here may be called: they wake a
//! thread that does.
use super::allowance::Allowance;
use super::pending::Pending;
use super::set::{Signal, SignalSet};
use crate::errno::{Errno, Result};
use crate::ptrace;
use crate::task::limits::Resource;
use crate::task::table::{self, TaskTable};
use crate::task::{Pid, Process, Task};
use crate::timer::posix_table;
use crate::trace::{self, Counter, probe};
use abi::Siginfo;
use machine::sync::WaitQueue;
use machine::thread::CurrentThread;

/// `si_code` of `kill`.
const SI_USER: i32 = 0;
/// What the unused word of a siginfo holds while the signal of a POSIX timer is pending; no program ever sees it.
pub(crate) const FROM_TIMER: i32 = 1;

/// Woken by every signal that becomes pending anywhere, for those who read signals from a file.
pub static ARRIVALS: WaitQueue = WaitQueue::new();

/// `si_code` of a continued and a stopped child.
const CLD_STOPPED: i32 = 5;
const CLD_CONTINUED: i32 = 6;

/// Sends to a process as a whole. ESRCH if there is none; a zombie takes it without effect.
pub fn send_to_process(cx: &CurrentThread, pid: Pid, info: Siginfo) -> Result<()> {
    let mut table = table::lock(cx);
    send_in(&mut table, pid, info)
}

/// Sends to every member of a process group. ESRCH if it has none.
pub fn send_to_group(cx: &CurrentThread, group: Pid, info: Siginfo) -> Result<()> {
    let mut table = table::lock(cx);
    if !table.has_group(group) {
        return Err(Errno::ESRCH);
    }
    let mut last = 0;
    while let Some(pid) = table.next_member(group, last) {
        let _ = send_in(&mut table, pid, info);
        last = pid;
    }
    Ok(())
}

/// Sends to one thread.
pub fn send_to_task(cx: &CurrentThread, task: &Task, info: Siginfo) -> Result<()> {
    queue_to_task(cx, task, info).map(|_| ())
}

/// The same; answers whether anything is pending now (an ignored signal leaves nothing).
pub(crate) fn queue_to_task(cx: &CurrentThread, task: &Task, info: Siginfo) -> Result<bool> {
    let mut table = table::lock(cx);
    let Some(signal) = Signal::from_number(info.signal) else { return Ok(false) };
    note(signal, task.tid());
    let process = task.process();
    if process.pid() == table::INIT || !prepare(&mut table, process, signal) {
        return Ok(false);
    }
    let queued = queue_prepared_to_task(task, signal, info);
    go_on_after(&mut table, process, signal);
    queued
}

/// Records a signal that was [prepared](prepare) for one thread, and tells the thread.
fn queue_prepared_to_task(task: &Task, signal: Signal, info: Siginfo) -> Result<bool> {
    let process = task.process();
    if !task.tracing.is_traced() && is_dropped(process, signal, task.signals.blocked()) {
        note_discard(signal, task.tid());
        return Ok(false);
    }
    let permit = permit(process, signal, &info)?;
    task.signals.with_pending(|pending| record(pending, signal, info, permit))?;
    if task.signals.accepts(signal) {
        task.notify();
    }
    ARRIVALS.wake_all();
    Ok(true)
}

/// [`send_to_process`] with the table already locked. Signal 0 only asks whether there is such a process.
pub(crate) fn send_in(table: &mut TaskTable, pid: Pid, info: Siginfo) -> Result<()> {
    queue_in(table, pid, info).map(|_| ())
}

/// The same; answers whether anything is pending now.
pub(crate) fn queue_in(table: &mut TaskTable, pid: Pid, info: Siginfo) -> Result<bool> {
    let process = table.node(pid).ok_or(Errno::ESRCH)?.process.clone();
    let Some(signal) = Signal::from_number(info.signal) else { return Ok(false) };
    note(signal, pid);
    // LINUX: init gets no signal it has no handler for; ours, being the kernel, never has one.
    if pid == table::INIT || !prepare(table, &process, signal) {
        return Ok(false);
    }
    let queued = queue_prepared(table, &process, signal, info);
    go_on_after(table, &process, signal);
    queued
}

/// Records a signal that was [prepared](prepare) for a process, and tells a thread that takes it.
fn queue_prepared(table: &TaskTable, process: &Process, signal: Signal, info: Siginfo) -> Result<bool> {
    let Some(node) = table.node(process.pid()) else { return Err(Errno::ESRCH) };
    let blocked_by_all = node.tasks.iter().fold(SignalSet::ALL, |set, task| set.intersection(task.signals.blocked()));
    // LINUX: tracers may want to know of ignored signals too.
    if !node.tasks.iter().any(|task| task.tracing.is_traced()) && is_dropped(process, signal, blocked_by_all) {
        note_discard(signal, process.pid());
        return Ok(false);
    }
    let permit = permit(process, signal, &info)?;
    process.signals.with_pending(|pending| record(pending, signal, info, permit))?;
    if let Some(task) = node.tasks.iter().find(|task| task.signals.accepts(signal)) {
        task.notify();
    }
    ARRIVALS.wake_all();
    Ok(true)
}

/// What the receiver's limit says to one more pending signal.
enum Permit {
    /// Not counted: ordinary signals, and those of timers, which were allowed when the timer was made.
    Uncounted,
    /// One of those its user may have.
    Counted(Allowance),
    /// No more with details, but the signal itself.
    Bare,
}

fn permit(process: &Process, signal: Signal, info: &Siginfo) -> Result<Permit> {
    if !signal.is_real_time() || info.padding == FROM_TIMER {
        return Ok(Permit::Uncounted);
    }
    match Allowance::take(process.uid(), process.limit(Resource::PendingSignals)) {
        Some(allowance) => Ok(Permit::Counted(allowance)),
        None if info.code == SI_USER => Ok(Permit::Bare),
        None => Err(Errno::EAGAIN),
    }
}

/// Puts a signal among those pending.
fn record(pending: &mut Pending, signal: Signal, info: Siginfo, permit: Permit) -> Result<()> {
    let is_recorded = match permit {
        Permit::Uncounted => pending.add(signal, info, None),
        Permit::Counted(allowance) => pending.add(signal, info, Some(allowance)),
        Permit::Bare => {
            pending.add_bare(signal);
            true
        }
    };
    if is_recorded { Ok(()) } else { Err(Errno::EAGAIN) }
}

/// Takes the next of `wanted` that is pending for the task or its process. A timer's signal tells how often the timer
/// has expired meanwhile.
pub(crate) fn take_pending(cx: &CurrentThread, task: &Task, wanted: SignalSet) -> Option<(Signal, Siginfo)> {
    let process = task.process();
    let (signal, mut info) = task.signals.take(wanted).or_else(|| process.signals.take(wanted))?;
    if info.padding == FROM_TIMER {
        info.padding = 0;
        posix_table::signal_taken(cx, process, &mut info);
    }
    Some((signal, info))
}

/// The same for a thread that was notified, which mostly finds nothing more after the first.
pub(super) fn take_noticed(cx: &CurrentThread, task: &Task, wanted: SignalSet) -> Option<(Signal, Siginfo)> {
    let pending = task.signals.glance().union(task.process().signals.glance());
    if pending.intersection(wanted).is_empty() { None } else { take_pending(cx, task, wanted) }
}

/// Counts and traces a signal on its way to process or task `tid`.
fn note(signal: Signal, tid: Pid) {
    trace::count(Counter::SignalsSent);
    // CAST: a signal's number is positive.
    probe!(trace::proc::signal_send(signal.number() as u32, tid, trace::current_thread()));
}

/// Traces a signal that has no effect.
pub(super) fn note_discard(signal: Signal, tid: Pid) {
    // CAST: as above.
    probe!(trace::proc::signal_discard(signal.number() as u32, tid));
}

/// Whether the signal has no effect: ignored and not blocked (a blocked one stays pending, for its action may change).
fn is_dropped(process: &Process, signal: Signal, blocked: SignalSet) -> bool {
    !blocked.contains(signal) && process.signals.actions().is_ignored(signal)
}

/// What a signal does before it is recorded, whatever its action: SIGKILL ends, stop signals and SIGCONT cancel each other. False if
/// nothing is left to record.
fn prepare(table: &mut TaskTable, process: &Process, signal: Signal) -> bool {
    let pid = process.pid();
    if table.node(pid).is_none_or(|node| node.is_zombie()) {
        return false;
    }
    if signal == Signal::SIGKILL {
        if process.set_exit_status(signal.number())
            && let Some(node) = table.node(pid)
        {
            node.tasks.iter().for_each(|task| task.notify());
        }
        return false;
    }
    let cancelled = if signal == Signal::SIGCONT {
        SignalSet::STOPPING
    } else if SignalSet::STOPPING.contains(signal) {
        Signal::SIGCONT.mask()
    } else {
        return true;
    };
    process.signals.discard(cancelled);
    if let Some(node) = table.node(pid) {
        node.tasks.iter().for_each(|task| task.signals.discard(cancelled));
    }
    true
}

/// What SIGCONT does whatever its action: a stopped process goes on. After the signal was recorded, so that what runs then finds it.
fn go_on_after(table: &mut TaskTable, process: &Process, signal: Signal) {
    if signal != Signal::SIGCONT {
        return;
    }
    let pid = process.pid();
    if let Some(node) = table.node(pid) {
        node.tasks.iter().for_each(|task| ptrace::tracer::continued(task));
    }
    if process.signals.set_stopped(0) {
        process.signals.continued.wake_all();
        if let Some(node) = table.node_mut(pid) {
            node.reports.stopped = None;
            node.reports.continued = true;
        }
        tell_parent(table, pid, CLD_CONTINUED, Signal::SIGCONT.number());
    }
}

/// Stops a process because one of its threads took a stop signal. False if the stop does not happen: the group is orphaned
/// (and the signal is not SIGSTOP).
pub(super) fn stop(cx: &CurrentThread, process: &Process, signal: Signal) -> bool {
    let mut table = table::lock(cx);
    let pid = process.pid();
    let Some(node) = table.node(pid) else { return false };
    if signal != Signal::SIGSTOP && table.is_orphaned_group(node.group, 0) {
        return false;
    }
    node.tasks.iter().for_each(|task| task.notify());
    process.signals.set_stopped(signal.number());
    // LINUX: a parent that traces it is told as tracers are.
    let parent = node.parent;
    if node.tasks.iter().any(|task| task.tracing.tracer().is_some_and(|by| by.pid == parent)) {
        return true;
    }
    if let Some(node) = table.node_mut(pid) {
        node.reports.stopped = Some(signal.number());
        node.reports.continued = false;
    }
    tell_parent(&mut table, pid, CLD_STOPPED, signal.number());
    true
}

/// SIGCHLD and a wake-up for a child that stopped or went on.
fn tell_parent(table: &mut TaskTable, pid: Pid, code: i32, status: i32) {
    let Some(parent_pid) = table.node(pid).map(|node| node.parent) else { return };
    let Some(parent) = table.node(parent_pid).map(|node| node.process.clone()) else { return };
    let action = parent.signals.actions().get(Signal::SIGCHLD);
    if action.flags & super::actions::flags::NO_CHILD_STOP == 0 {
        let _ = send_in(table, parent_pid, Siginfo::child(code, pid, 0, status, 0, 0));
    }
    parent.child_events.wake_all();
}

/// Changes the calling thread's mask. What became deliverable is attended to before the program goes on; what it now blocks
/// and is pending for the process is offered to the other threads.
pub fn change_mask(cx: &CurrentThread, task: &Task, mask: SignalSet) {
    let newly_blocked = mask.without(task.signals.blocked());
    task.signals.store_blocked(mask);
    let for_process = task.process().signals.pending();
    let pending = task.signals.pending().union(for_process);
    if !pending.without(task.signals.blocked()).is_empty() {
        cx.thread().notify();
    }
    if !for_process.intersection(newly_blocked).is_empty()
        && let Some(node) = table::lock(cx).node(task.process().pid())
    {
        node.tasks.iter().for_each(|task| task.notify());
    }
}

/// Changes the mask of a task that is stopped for its tracer, which is the caller.
pub(crate) fn change_mask_of(cx: &CurrentThread, task: &Task, mask: SignalSet) {
    let _table = table::lock(cx);
    // LINUX: a call with a mask of its own leaves this one behind.
    let _ = task.signals.take_saved_mask();
    task.signals.store_blocked(mask);
    task.notify();
}

/// A mask for the length of one call (sigsuspend, ppoll, pselect, epoll_pwait). End it with [`end_temporary_mask`].
pub fn set_temporary_mask(cx: &CurrentThread, task: &Task, mask: SignalSet) {
    task.signals.save_mask(task.signals.blocked());
    change_mask(cx, task, mask);
}

/// After such a call: the old mask comes back at once, unless the call was interrupted; then delivery does it, so that the
/// handler runs although the old mask blocks its signal.
pub fn end_temporary_mask<T>(cx: &CurrentThread, task: &Task, result: Result<T>) -> Result<T> {
    if !matches!(&result, Err(error) if error.restart().is_some() || *error == Errno::EINTR)
        && let Some(mask) = task.signals.take_saved_mask()
    {
        change_mask(cx, task, mask);
    }
    if matches!(&result, Err(Errno::EINTR)) {
        cx.thread().notify();
    }
    result
}

/// Whether an ignored or stopping default applies, for the terminal's SIGTTIN and SIGTTOU rules.
pub fn is_blocked_or_ignored(task: &Task, signal: Signal) -> bool {
    task.signals.blocked().contains(signal)
        || task.process().signals.actions().get(signal).handler == super::actions::IGNORE
}
