//! The tracer's side: attaching and detaching, resuming, what waiting finds, and what becomes of the traced when a tracer ends.
//!
//! All changes of who traces whom are made here, under the task table's lock.
use super::access;
use super::event::{forget_seen_stop, tracer_of};
use super::state::{State, Stop, Tracer, wants};
use super::stop::tell_tracer;
use crate::errno::{Errno, Restart, Result};
use crate::signal::{self, Signal};
use crate::syscall::dispatch::{WATCH, watch};
use crate::task::table::{self, TaskTable};
use crate::task::{Capability, Credentials, Pid, Task};
use abi::Siginfo;
use abi::ptrace::option;
use alloc::sync::Arc;
use core::sync::atomic::Ordering;
use machine::sync::Wait;
use machine::thread::CurrentThread;

const CLD_EXITED: i32 = 1;
const CLD_KILLED: i32 = 2;

/// A traced task that has ended, until its tracer has waited for it.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// Its number.
    pub tid: Pid,
    /// Its user.
    pub uid: u32,
    /// Its wait status.
    pub status: i32,
}

/// How a task is attached.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    /// See [`State::may_follow`].
    pub(super) may_follow: bool,
    /// By PTRACE_SEIZE.
    pub(super) is_seized: bool,
    /// `PTRACE_O_*`.
    pub(super) options: u32,
}

/// Makes `by` the tracer of `task`, which has none.
pub(super) fn attach(table: &mut TaskTable, task: &Arc<Task>, by: Tracer, terms: Terms) {
    if let Some(node) = table.node_mut(by.pid) {
        node.tracees.push(task.tid());
    }
    forget_seen_stop(task);
    let Terms { may_follow, is_seized, options } = terms;
    task.tracing.with(|state| *state = State { tracer: Some(by), may_follow, is_seized, options, ..State::default() });
    task.tracing.set_wanted(u32::MAX, wants::TRACED);
}

/// Takes the tracer away. The task goes on with `signal`, if it is stopped for it.
fn release(table: &mut TaskTable, task: &Task, signal: i32) {
    let by = task.tracing.with(|state| {
        let by = state.tracer.take();
        state.report = None;
        state.may_follow = false;
        state.is_seized = false;
        state.options = 0;
        if let Some(mut stop) = state.stop.take() {
            stop.signal = signal;
            state.resumed = Some(stop);
        }
        by
    });
    task.tracing.set_wanted(u32::MAX, 0);
    if let Some(by) = by
        && let Some(node) = table.node_mut(by.pid)
    {
        node.tracees.retain(|tid| *tid != task.tid());
    }
    task.tracing.going_on.wake_all();
    // What is stopped with its process now waits as everybody does.
    task.notify();
}

/// PTRACE_TRACEME: the parent traces the caller, unless the caller has rights that the parent has not.
pub fn trace_me(cx: &CurrentThread, task: &Arc<Task>) -> Result<()> {
    let own = task.credentials(cx);
    // LINUX: who asks for it counts, not the parent.
    let may_follow = own.may(Capability::Trace);
    let mut table = table::lock(cx);
    let parent = table.node(task.process().pid()).map_or(0, |node| node.parent);
    if task.tracing.is_traced() || parent == table::INIT {
        return Err(Errno::EPERM);
    }
    let first = table.node(parent).and_then(|node| node.tasks.first());
    let is_lesser = first.is_some_and(|parent| {
        parent.with_resources(cx, |of| {
            let sets = &of.credentials.capabilities;
            !own.capabilities.permitted.is_subset_of(sets.permitted) && !of.credentials.may(Capability::Trace)
        })
    });
    if is_lesser {
        return Err(Errno::EPERM);
    }
    let tid = first.map_or(parent, |task| task.tid());
    attach(&mut table, task, Tracer { pid: parent, tid }, Terms { may_follow, is_seized: false, options: 0 });
    Ok(())
}

/// PTRACE_ATTACH and PTRACE_SEIZE, of another process's task. EPERM without the right to; while the task's process is about to
/// get rights by executing a program, waits until it has them, and asks for those then.
pub fn attach_to(cx: &mut CurrentThread, me: &Task, task: &Arc<Task>, is_seized: bool, options: u32) -> Result<()> {
    let who = me.credentials(cx);
    let terms = Terms { may_follow: who.may(Capability::Trace), is_seized, options };
    let process = task.process();
    while !try_to_attach(cx, me, &who, task, terms)? {
        let is_settled = |_: &mut CurrentThread| (!process.is_gaining_rights()).then_some(());
        let how = Wait::interruptible("a program to be executed");
        process.thread_events.wait(cx, how, is_settled).map_err(|_| Restart::Always)?;
    }
    if !is_seized {
        let info = Siginfo::from_process(Signal::SIGSTOP.number(), 0, me.process().pid(), 0);
        let _ = signal::send_to_task(cx, task, info);
    }
    // One that is stopped with its process tells of it now.
    task.notify();
    Ok(())
}

/// Whether it was attached; if not, the process is about to get rights.
fn try_to_attach(cx: &CurrentThread, me: &Task, who: &Credentials, task: &Arc<Task>, terms: Terms) -> Result<bool> {
    let mut table = table::lock(cx);
    let is_gone = table.task(task.tid()).is_none() || task.process().exit_status().is_some();
    if task.tracing.is_traced() || is_gone {
        return Err(Errno::EPERM);
    }
    access::check_other(cx, who, task)?;
    if task.process().is_gaining_rights() {
        return Ok(false);
    }
    attach(&mut table, task, tracer_of(me), terms);
    Ok(true)
}

/// Runs `f` on what the caller finds of its traced and stopped task; ESRCH if it is not both.
pub fn with_stopped<R>(
    cx: &CurrentThread,
    me: &Task,
    task: &Task,
    f: impl FnOnce(&mut State) -> Result<R>,
) -> Result<R> {
    let mut state = task.tracing.lock(cx);
    if state.tracer != Some(tracer_of(me)) || state.stop.is_none() || state.is_listening {
        return Err(Errno::ESRCH);
    }
    f(&mut state)
}

/// The same for one that has a stop to look at.
pub fn with_stop<R>(cx: &CurrentThread, me: &Task, task: &Task, f: impl FnOnce(&mut Stop) -> Result<R>) -> Result<R> {
    with_stopped(cx, me, task, |state| match &mut state.stop {
        Some(stop) => f(stop),
        None => Err(Errno::ESRCH),
    })
}

/// ESRCH unless the caller traces the task.
pub fn check_traces(cx: &CurrentThread, me: &Task, task: &Task) -> Result<()> {
    if task.tracing.lock(cx).tracer == Some(tracer_of(me)) { Ok(()) } else { Err(Errno::ESRCH) }
}

/// How a task goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pace {
    /// Until the next signal or event.
    Freely,
    /// Until the next system call.
    ToCall,
    /// By one instruction.
    Step,
    /// Until the next system call, which is left to the tracer.
    ToCallNotServed,
    /// By one instruction; if that makes a system call, it is left to the tracer.
    StepNotServed,
}

/// PTRACE_CONT and its like: the stopped task goes on, with a signal if that is not 0.
pub fn resume(cx: &CurrentThread, me: &Task, task: &Task, pace: Pace, signal: i32) -> Result<()> {
    if signal != 0 && Signal::from_number(signal).is_none() {
        return Err(Errno::EIO);
    }
    let wanted = match pace {
        Pace::Freely => 0,
        Pace::ToCall => wants::CALLS,
        Pace::Step => wants::STEP,
        Pace::ToCallNotServed => wants::EMULATE,
        Pace::StepNotServed => wants::EMULATE | wants::STEP,
    };
    if wanted != 0 {
        // From the first time on calls look at whether they are to stop.
        WATCH.fetch_or(watch::PTRACE, Ordering::Relaxed);
    }
    with_stopped(cx, me, task, |state| {
        task.tracing.set_wanted(wants::CALLS | wants::STEP | wants::EMULATE, wanted);
        state.report = None;
        if let Some(mut stop) = state.stop.take() {
            stop.signal = signal;
            state.resumed = Some(stop);
        }
        Ok(())
    })?;
    task.tracing.going_on.wake_all();
    Ok(())
}

/// PTRACE_DETACH.
pub fn detach(cx: &CurrentThread, me: &Task, task: &Task, signal: i32) -> Result<()> {
    if signal != 0 && Signal::from_number(signal).is_none() {
        return Err(Errno::EIO);
    }
    let mut table = table::lock(cx);
    with_stopped(cx, me, task, |_| Ok(()))?;
    release(&mut table, task, signal);
    Ok(())
}

/// PTRACE_INTERRUPT: the task stops as soon as it can.
pub fn interrupt(cx: &CurrentThread, me: &Task, task: &Task) -> Result<()> {
    check_traces(cx, me, task)?;
    let is_listening = {
        let state = task.tracing.lock(cx);
        if !state.is_seized {
            return Err(Errno::EIO);
        }
        state.is_listening
    };
    task.tracing.set_wanted(wants::TRAP, wants::TRAP);
    if is_listening {
        stop_again(task);
    }
    task.notify();
    Ok(())
}

/// PTRACE_LISTEN: a task that is stopped with its process stays so, and tells when that changes.
pub fn listen(cx: &CurrentThread, me: &Task, task: &Task) -> Result<()> {
    with_stopped(cx, me, task, |state| {
        let is_group_stop = state.stop.as_ref().is_some_and(|stop| stop.code >> 8 == abi::ptrace::event::STOP as i32);
        if !state.is_seized || !is_group_stop {
            return Err(Errno::EIO);
        }
        state.is_listening = true;
        Ok(())
    })?;
    if task.tracing.is_wanted(wants::TRAP) {
        stop_again(task);
    }
    Ok(())
}

/// A task that is listened to leaves its stop for the next one, which is due.
fn stop_again(task: &Task) {
    task.tracing.with(|state| {
        if let Some(mut stop) = state.stop.take() {
            stop.signal = 0;
            state.resumed = Some(stop);
        }
        state.is_listening = false;
    });
    task.tracing.going_on.wake_all();
}

/// The process of a seized task was continued: its tracer is told by another stop.
pub(crate) fn continued(task: &Task) {
    let (is_seized, is_listening) = task.tracing.with(|state| (state.is_seized, state.is_listening));
    if !task.tracing.is_traced() || !is_seized {
        return;
    }
    task.tracing.set_wanted(wants::TRAP, wants::TRAP);
    if is_listening {
        stop_again(task);
    }
}

/// What waiting for a traced task finds: the code of a stop that was not told yet.
pub(crate) fn report_of(task: &Task, pid: Pid) -> Option<i32> {
    task.tracing.with(|state| state.report.filter(|_| state.tracer.is_some_and(|by| by.pid == pid)))
}

/// It has been told.
pub(crate) fn take_report(task: &Task) {
    task.tracing.with(|state| state.report = None);
}

/// A task ends. If it is traced by another than its parent, or is not the process's last, its tracer waits for it apart.
pub(crate) fn tracee_ends(table: &mut TaskTable, task: &Task, status: i32, is_last: bool) {
    let Some(by) = task.tracing.tracer() else { return };
    let pid = task.process().pid();
    let parent = table.node(pid).map_or(0, |node| node.parent);
    let uid = task.process().uid();
    // LINUX: a first thread that ends before others is told of when the last one has ended.
    let told = if is_last { (by.pid != parent).then_some(pid) } else { (task.tid() != pid).then_some(task.tid()) };
    let Some(node) = table.node_mut(by.pid) else { return };
    node.tracees.retain(|tid| *tid != task.tid());
    if let Some(tid) = told {
        if node.ended_tracees.try_reserve(1).is_ok() {
            node.ended_tracees.push(Ended { tid, uid, status });
        }
        let (code, value) =
            if status & 0x7f == 0 { (CLD_EXITED, status >> 8 & 0xff) } else { (CLD_KILLED, status & 0x7f) };
        tell_tracer(table, by, Siginfo::child(code, tid, uid, value, 0, 0));
    }
}

/// A task that was just made cannot run after all.
pub(crate) fn withdrawn(table: &mut TaskTable, task: &Task) {
    if task.tracing.is_traced() {
        release(table, task, 0);
    }
}

/// A thread ends: what it traces goes on without a tracer, or ends with it if that was asked for.
pub(crate) fn tracer_ends(cx: &CurrentThread, me: &Task) {
    let by = tracer_of(me);
    let mut table = table::lock(cx);
    loop {
        let is_mine = |tid: &&Pid| table.task(**tid).is_some_and(|task| task.tracing.tracer() == Some(by));
        let Some(tid) = table.node(by.pid).and_then(|node| node.tracees.iter().find(is_mine)).copied() else { return };
        let Some(task) = table.task(tid).cloned() else { return };
        let is_killed = task.tracing.with(|state| state.options & option::EXITKILL != 0);
        release(&mut table, &task, 0);
        if is_killed {
            let info = Siginfo::kernel(Signal::SIGKILL.number());
            let _ = signal::send::send_in(&mut table, task.process().pid(), info);
        }
    }
}

/// A thread takes its process's number by executing a program: its tracer knows it by that from now on.
pub(crate) fn renamed(table: &mut TaskTable, task: &Task, new: Pid) {
    if let Some(by) = task.tracing.tracer()
        && let Some(node) = table.node_mut(by.pid)
    {
        node.tracees.retain(|tid| *tid != new);
        for tid in node.tracees.iter_mut().filter(|tid| **tid == task.tid()) {
            *tid = new;
        }
    }
}
