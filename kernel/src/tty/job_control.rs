//! Job control: which group is in front, and who is stopped for touching the terminal.
//!
//! Locks: the task table's, then the terminal's, never the reverse. Signals are sent with neither held. Source: POSIX.1-2017
//! 11.1.4; Linux `drivers/tty/tty_jobctrl.c`.
use super::terminal::Terminal;
use crate::errno::{Errno, Restart, Result};
use crate::signal::send::is_blocked_or_ignored;
use crate::signal::{self, Signal};
use crate::task::{Pid, Task, table};
use abi::Siginfo;
use alloc::sync::Arc;
use machine::thread::CurrentThread;
use pure::line_discipline::lflag;

/// Sends a signal of the terminal to a process group; 0 is nobody.
pub(super) fn signal_group(cx: &CurrentThread, group: Pid, signal: u32) {
    if group != 0 {
        // A group that has gone meanwhile gets nothing. CAST: a signal's number.
        let _ = signal::send_to_group(cx, group, Siginfo::kernel(signal as i32));
    }
}

/// The caller, if the terminal controls it, with its group and session.
fn controlled_caller(cx: &CurrentThread, terminal: &Terminal) -> Option<(Arc<Task>, Pid, Pid)> {
    let task = Task::current(cx)?;
    if !task.process().terminal.is_to(terminal) {
        return None;
    }
    let (_, group, session) = table::place_of(cx, task.process().pid())?;
    Some((task, group, session))
}

/// Whether the caller is a background process of the terminal's session; its task and group then.
fn background(cx: &CurrentThread, terminal: &Terminal) -> Option<(Arc<Task>, Pid)> {
    let (task, group, _) = controlled_caller(cx, terminal)?;
    let foreground = terminal.foreground(cx);
    (foreground != 0 && foreground != group).then_some((task, group))
}

/// Stops the caller's group by `signal` and has the call made again when it goes on.
fn stop(cx: &CurrentThread, group: Pid, signal: Signal) -> Errno {
    // CAST: a signal's number is positive.
    signal_group(cx, group, signal.number() as u32);
    cx.thread().notify();
    Restart::IfHandlerAllows.into()
}

/// A background process that reads is stopped by SIGTTIN, or fails with EIO if that cannot be.
pub(super) fn check_read(cx: &CurrentThread, terminal: &Terminal) -> Result<()> {
    let Some((task, group)) = background(cx, terminal) else { return Ok(()) };
    if is_blocked_or_ignored(&task, Signal::SIGTTIN) || is_orphaned(cx, group) {
        return Err(Errno::EIO);
    }
    Err(stop(cx, group, Signal::SIGTTIN))
}

/// A background process that writes is stopped by SIGTTOU where TOSTOP is set.
pub(super) fn check_write(cx: &CurrentThread, terminal: &Terminal) -> Result<()> {
    if terminal.settings(cx).has_local(lflag::TOSTOP) { check_change(cx, terminal) } else { Ok(()) }
}

/// A background process that changes the terminal is stopped by SIGTTOU unless it ignores or blocks that.
pub(super) fn check_change(cx: &CurrentThread, terminal: &Terminal) -> Result<()> {
    let Some((task, group)) = background(cx, terminal) else { return Ok(()) };
    if is_blocked_or_ignored(&task, Signal::SIGTTOU) {
        return Ok(());
    }
    if is_orphaned(cx, group) {
        return Err(Errno::EIO);
    }
    Err(stop(cx, group, Signal::SIGTTOU))
}

fn is_orphaned(cx: &CurrentThread, group: Pid) -> bool {
    table::lock(cx).is_orphaned_group(group, 0)
}

/// ENOTTY unless the terminal controls the caller or is asked about from its other side.
fn check_may_ask(cx: &CurrentThread, terminal: &Terminal, is_from_master: bool) -> Result<()> {
    if is_from_master || controlled_caller(cx, terminal).is_some() { Ok(()) } else { Err(Errno::ENOTTY) }
}

/// TIOCGPGRP.
pub(super) fn foreground(cx: &CurrentThread, terminal: &Terminal, is_from_master: bool) -> Result<Pid> {
    check_may_ask(cx, terminal, is_from_master)?;
    Ok(terminal.foreground(cx))
}

/// TIOCGSID.
pub(super) fn session(cx: &CurrentThread, terminal: &Terminal, is_from_master: bool) -> Result<Pid> {
    check_may_ask(cx, terminal, is_from_master)?;
    let session = terminal.state.lock(cx).session;
    match session {
        0 => Err(Errno::ENOTTY),
        session => Ok(session),
    }
}

/// TIOCSPGRP, first half: whether the caller may change the group in front at all.
pub(super) fn check_set_foreground(cx: &CurrentThread, terminal: &Terminal) -> Result<()> {
    // LINUX: an orphan in the background is told that this is no terminal of its.
    check_change(cx, terminal).map_err(|error| if error == Errno::EIO { Errno::ENOTTY } else { error })
}

/// TIOCSPGRP: the group must be of the same session.
pub(super) fn set_foreground(cx: &CurrentThread, terminal: &Terminal, group: i32) -> Result<()> {
    let group = Pid::try_from(group).map_err(|_| Errno::EINVAL)?;
    let (_, _, session) = controlled_caller(cx, terminal).ok_or(Errno::ENOTTY)?;
    if terminal.state.lock(cx).session != session {
        return Err(Errno::ENOTTY);
    }
    let first = {
        let table = table::lock(cx);
        table.next_member(group, 0).and_then(|pid| table.node(pid)).map(|node| node.session)
    };
    if first.filter(|_| group != 0).ok_or(Errno::ESRCH)? != session {
        return Err(Errno::EPERM);
    }
    terminal.state.lock(cx).foreground = group;
    Ok(())
}
