//! Waiting for children: wait4 and waitid are one search with options.
use super::table::{self, TaskTable};
use super::usage::Usage;
use super::{Pid, Process, SIGCHLD};
use crate::errno::{Errno, Result};
use crate::ptrace::tracer;
use abi::linux::{__WALL, __WCLONE, WCONTINUED, WEXITED, WNOHANG, WNOWAIT, WSTOPPED};
use alloc::sync::Arc;
use machine::sync::Wait;
use machine::thread::CurrentThread;

/// Which children.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Selector {
    /// Any.
    Any,
    /// This one.
    Process(Pid),
    /// Those of a group.
    Group(Pid),
}

/// What became of a child.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// Ended with this wait status.
    Ended(i32),
    /// Stopped by this signal.
    Stopped(i32),
    /// Went on.
    Continued,
    /// Stopped for its tracer, by a signal and perhaps an event in the bits above.
    Traced(i32),
}

impl Change {
    /// As wait4 shows it.
    pub const fn wait_status(self) -> i32 {
        match self {
            Change::Ended(status) => status,
            Change::Stopped(code) | Change::Traced(code) => code << 8 | 0x7f,
            Change::Continued => 0xffff,
        }
    }
    /// As waitid shows it: `si_code`, `si_status`.
    pub const fn code_and_status(self) -> (i32, i32) {
        match self {
            Change::Ended(status) if status & 0x7f == 0 => (1, status >> 8 & 0xff),
            Change::Ended(status) => (2, status & 0x7f),
            Change::Stopped(signal) => (5, signal),
            Change::Continued => (6, 18),
            Change::Traced(code) => (4, code),
        }
    }
}

/// A child found.
#[derive(Clone, Copy, Debug)]
pub struct Waited {
    /// Its number.
    pub pid: Pid,
    /// Its user.
    pub uid: u32,
    /// What became of it.
    pub change: Change,
    /// What it and its own waited-for children used.
    pub usage: Usage,
}

/// Waits for a child of `process`. `Ok(None)`: WNOHANG and nothing to tell. ECHILD if no child could ever match.
pub fn wait(
    cx: &mut CurrentThread,
    process: &Arc<Process>,
    selector: Selector,
    options: u32,
) -> Result<Option<Waited>> {
    let look = |cx: &mut CurrentThread| {
        let found = search(&mut table::lock(cx), process, selector, options);
        match found {
            Search::Found(waited) => Some(Ok(Some(waited))),
            Search::Nothing if options & WNOHANG != 0 => Some(Ok(None)),
            Search::Nothing => None,
            Search::NoChild => Some(Err(Errno::ECHILD)),
        }
    };
    match look(cx) {
        Some(result) => result,
        None => process.child_events.wait(cx, Wait::interruptible("a child"), look)?,
    }
}

enum Search {
    Found(Waited),
    Nothing,
    NoChild,
}

fn search(table: &mut TaskTable, process: &Arc<Process>, selector: Selector, options: u32) -> Search {
    let me = process.pid();
    let Some(node) = table.node(me) else { return Search::NoChild };
    let mut is_there = false;
    let mut found = None;
    for pid in &node.children {
        let Some(child) = table.node(*pid) else { continue };
        let is_selected = is_meant(selector, child.process.pid(), child.group);
        let is_clone = child.exit_signal != SIGCHLD;
        if !is_selected || (options & __WALL == 0 && is_clone != (options & __WCLONE != 0)) {
            continue;
        }
        is_there = true;
        let change = match child.reports {
            table::Reports { ended: Some(status), .. } => (options & WEXITED != 0).then_some(Change::Ended(status)),
            table::Reports { stopped: Some(signal), .. } if options & WSTOPPED != 0 => Some(Change::Stopped(signal)),
            table::Reports { continued: true, .. } if options & WCONTINUED != 0 => Some(Change::Continued),
            _ => None,
        };
        if let Some(change) = change {
            found = Some((*pid, change, child.process.clone()));
            break;
        }
    }
    let Some((pid, change, child)) = found else {
        return search_traced(table, me, selector, options, is_there);
    };
    let mut usage = child.ended_threads_usage();
    usage.add(&child.children_usage());
    if options & WNOWAIT == 0 {
        take(table, process, pid, change, &usage);
    }
    Search::Found(Waited { pid, uid: child.uid(), change, usage })
}

/// Whether a number and a group are meant.
fn is_meant(selector: Selector, pid: Pid, group: Pid) -> bool {
    match selector {
        Selector::Any => true,
        Selector::Process(wanted) => pid == wanted,
        Selector::Group(wanted) => group == wanted,
    }
}

/// What the tasks that the process traces have to tell. Which kind of child is wanted does not matter for them.
fn search_traced(table: &mut TaskTable, me: Pid, selector: Selector, options: u32, is_child_there: bool) -> Search {
    let mut is_there = is_child_there;
    let Some(node) = table.node(me) else { return Search::NoChild };
    for task in node.tracees.iter().filter_map(|tid| table.task(*tid)) {
        let process = task.process();
        let group = table.node(process.pid()).map_or(0, |node| node.group);
        if !is_meant(selector, task.tid(), group) {
            continue;
        }
        is_there = true;
        if let Some(code) = tracer::report_of(task, me) {
            if options & WNOWAIT == 0 {
                tracer::take_report(task);
            }
            let waited =
                Waited { pid: task.tid(), uid: process.uid(), change: Change::Traced(code), usage: Usage::default() };
            return Search::Found(waited);
        }
    }
    let Some(node) = table.node_mut(me) else { return Search::NoChild };
    // LINUX: those that have ended belong to no group any more that could be waited for.
    let ended = node.ended_tracees.iter().position(|ended| is_meant(selector, ended.tid, 0));
    match ended {
        Some(at) if options & WEXITED != 0 => {
            let ended = node.ended_tracees[at];
            if options & WNOWAIT == 0 {
                node.ended_tracees.remove(at);
            }
            let change = Change::Ended(ended.status);
            Search::Found(Waited { pid: ended.tid, uid: ended.uid, change, usage: Usage::default() })
        }
        Some(_) => Search::Nothing,
        None if is_there => Search::Nothing,
        None => Search::NoChild,
    }
}

/// The report is told once; an ended child is gone with it.
fn take(table: &mut TaskTable, process: &Process, pid: Pid, change: Change, usage: &Usage) {
    match change {
        Change::Ended(_) => {
            table.remove_process(pid);
            process.add_child_usage(usage);
        }
        Change::Stopped(_) => {
            if let Some(node) = table.node_mut(pid) {
                node.reports.stopped = None;
            }
        }
        Change::Continued => {
            if let Some(node) = table.node_mut(pid) {
                node.reports.continued = false;
            }
        }
        // Found and taken apart.
        Change::Traced(_) => {}
    }
}
