//! Waiting for children: wait4 and waitid are one search with options.
use super::table::{self, TaskTable};
use super::usage::Usage;
use super::{Pid, Process, SIGCHLD};
use crate::errno::{Errno, Result};
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
}

impl Change {
    /// As wait4 shows it.
    pub const fn wait_status(self) -> i32 {
        match self {
            Change::Ended(status) => status,
            Change::Stopped(signal) => signal << 8 | 0x7f,
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
        let is_selected = match selector {
            Selector::Any => true,
            Selector::Process(pid) => child.process.pid() == pid,
            Selector::Group(group) => child.group == group,
        };
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
        return if is_there { Search::Nothing } else { Search::NoChild };
    };
    let mut usage = child.ended_threads_usage();
    usage.add(&child.children_usage());
    if options & WNOWAIT == 0 {
        take(table, process, pid, change, &usage);
    }
    Search::Found(Waited { pid, uid: child.uid(), change, usage })
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
    }
}
