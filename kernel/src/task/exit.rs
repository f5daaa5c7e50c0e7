//! The end of tasks and processes.
use super::futex;
use super::pi_futex;
use super::table::{self, Node, TaskTable};
use super::usage::Usage;
use super::{Pid, Process, SIGCHLD, Task};
use crate::fs::listeners;
use crate::mm::AddressSpace;
use crate::observe;
use crate::ptrace;
use crate::signal::Signal;
use crate::signal::actions::{IGNORE, flags};
use crate::signal::send::send_in;
use crate::trace::{self, Counter, probe};
use crate::tty;
use abi::Siginfo;
use alloc::sync::Arc;
use machine::addr::PAGE_SIZE;
use machine::thread::CurrentThread;

const CLD_EXITED: i32 = 1;
const CLD_KILLED: i32 = 2;

/// Ends the running task, and its process if it was the last. The caller returns from the thread's entry next.
pub(super) fn end_task(cx: &mut CurrentThread, task: &Arc<Task>, status: i32) {
    release_memory(cx, task);
    let (files, fs, space) =
        task.with_resources(cx, |resources| (resources.files.take(), resources.fs.take(), resources.space.take()));
    if let Some(space) = &space {
        let kib = resident_kib(cx, space);
        task.process().note_resident(kib);
    }
    cx.set_space(None);
    // Freed before the parent hears of the end: it may count on the memory.
    if let Some(space) = space.and_then(Arc::into_inner) {
        space.handle().unload(cx);
    }
    drop(files);
    drop(fs);
    listeners::finish(cx);

    probe!(trace::proc::exit(task.tid(), status));
    observe::ended(cx, task, status);
    let process = task.process();
    process.add_ended_thread(&Usage { io: task.io.count(), ..Usage::of_thread(cx.thread()) });
    if task.tid() == process.pid() {
        process.set_leader_status(status);
    }
    if table::lock(cx).node(process.pid()).is_some_and(|node| node.tasks.len() == 1) {
        end_timers(cx, process);
        process.undo_semaphores();
    }
    tty::finish_hang_ups(cx);
    ptrace::tracer::tracer_ends(cx, task);
    let is_leader = {
        let table = table::lock(cx);
        let node = table.node(process.pid()).filter(|node| node.session == process.pid());
        node.map(|node| node.tasks.len() == 1)
    };
    // Before the parent hears of the end, unless two threads race for being the last.
    if is_leader == Some(true) {
        tty::leader_ends(cx, process);
    }
    let is_last = {
        let mut table = table::lock(cx);
        let is_last = table.remove_task(task) == 0;
        let ended = if is_last { process.exit_status().unwrap_or(process.leader_status()) } else { status };
        ptrace::tracer::tracee_ends(&mut table, task, ended, is_last);
        if is_last {
            let status = ended;
            end_process(&mut table, process, status);
        }
        is_last
    };
    if is_leader == Some(false) && is_last {
        tty::leader_ends(cx, process);
    }
    process.thread_events.wake_all();
}

/// The last thread ends: nothing is to happen any more by time.
fn end_timers(cx: &CurrentThread, process: &Process) {
    process.posix_timers.delete_all(cx);
    let timer = process.real_timer.lock(cx).take();
    drop(timer);
}

/// Before a task lets go of its memory (end, exec): robust futexes, the word to clear, vfork's parent.
pub(super) fn release_memory(cx: &mut CurrentThread, task: &Arc<Task>) {
    futex::release_robust_list(cx, task);
    pi_futex::release_owned(cx, task);
    let word = task.clear_child_tid();
    if !word.is_null() {
        task.set_clear_child_tid(machine::addr::UserAddr::NULL);
        // Two references are the task's and ours: if there is no other, nobody is left to see the word.
        if task.space(cx).is_some_and(|space| Arc::strong_count(&space) > 2) {
            futex::clear_and_wake(cx, task, word);
        }
    }
    task.complete_vfork();
}

/// The last thread is gone: children go to others, the parent is told, and only the status stays.
fn end_process(table: &mut TaskTable, process: &Arc<Process>, status: i32) {
    let pid = process.pid();
    let (adopter, children) = table.give_children_away(pid);
    for child in children {
        child_lost_parent(table, child, pid);
    }
    if let Some(process) = table.node(adopter).map(|node| node.process.clone()) {
        process.child_events.wake_all();
    }
    trace::count(Counter::ProcessesEnded);
    let Some(node) = table.node_mut(pid) else { return };
    node.reports.ended = Some(status);
    process.end_events.wake_all();
    let (parent_pid, group, exit_signal) = (node.parent, node.group, node.exit_signal);
    if links_to_session(table, pid, parent_pid) {
        hang_up_if_orphaned(table, group, pid);
    }
    tell_parent(table, process, parent_pid, exit_signal, status);
}

fn tell_parent(table: &mut TaskTable, process: &Process, parent_pid: Pid, exit_signal: i32, status: i32) {
    let pid = process.pid();
    let Some(parent) = table.node(parent_pid).map(|node| node.process.clone()) else { return };
    let action = parent.signals.actions().get(Signal::SIGCHLD);
    let is_unwanted = exit_signal == SIGCHLD && (action.handler == IGNORE || action.flags & flags::NO_CHILD_WAIT != 0);
    if exit_signal != 0 {
        let (code, value) =
            if status & 0x7f == 0 { (CLD_EXITED, status >> 8 & 0xff) } else { (CLD_KILLED, status & 0x7f) };
        let (user, kernel) = process.ended_threads_usage().ticks();
        let info = Siginfo { signal: exit_signal, ..Siginfo::child(code, pid, process.uid(), value, user, kernel) };
        let _ = send_in(table, parent_pid, info);
    }
    if is_unwanted {
        table.remove_process(pid);
    }
    parent.child_events.wake_all();
}

/// A child whose parent `lost` has ended: the signal it asked for, and SIGCHLD to the new parent if it has ended itself.
fn child_lost_parent(table: &mut TaskTable, child: Pid, lost: Pid) {
    let Some(node) = table.node(child) else { return };
    let (signal, group, ended, parent) = (node.parent_death_signal, node.group, node.reports.ended, node.parent);
    let process = node.process.clone();
    if let Some(status) = ended {
        tell_parent(table, &process, parent, SIGCHLD, status);
        return;
    }
    if signal != 0 {
        let _ = send_in(table, child, Siginfo::from_process(signal, 0, 0, 0));
    }
    if links_to_session(table, child, lost) {
        hang_up_if_orphaned(table, group, 0);
    }
}

/// Whether a process, by its parent, was one of those that link its group to the rest of its session: only the loss of such a link
/// can orphan the group. A group that was orphaned before (as that of a machine's first program is) is not hung up again.
fn links_to_session(table: &TaskTable, pid: Pid, parent: Pid) -> bool {
    let (Some(node), Some(parent)) = (table.node(pid), table.node(parent)) else { return false };
    node.session == parent.session && node.group != parent.group
}

/// A group that just lost its last link to its session and has a stopped member gets SIGHUP and SIGCONT.
fn hang_up_if_orphaned(table: &mut TaskTable, group: Pid, leaving: Pid) {
    if !table.is_orphaned_group(group, leaving) {
        return;
    }
    let is_stopped = |_, node: &Node| node.group == group && node.process.signals.is_stopped() && !node.is_zombie();
    if table.next_process(0, is_stopped).is_none() {
        return;
    }
    let mut last = 0;
    while let Some(pid) = table.next_member(group, last) {
        last = pid;
        for signal in [Signal::SIGHUP, Signal::SIGCONT] {
            let _ = send_in(table, pid, Siginfo::kernel(signal.number()));
        }
    }
}

/// Resident memory in KiB.
pub(super) fn resident_kib(cx: &mut CurrentThread, space: &AddressSpace) -> u64 {
    (space.memory_use(cx).resident * (PAGE_SIZE / 1024)) as u64
}
