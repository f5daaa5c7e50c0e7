//! Job control: which session a terminal controls, which group is in front, and who is stopped for touching it.
//!
//! Locks: the task table's, then the terminal's, never the reverse, and never both for longer than a comparison. Signals are
//! sent with neither held. Source: POSIX.1-2017 11.1.3 and 11.1.4; Linux `drivers/tty/tty_jobctrl.c`.
use super::terminal::Terminal;
use crate::errno::{Errno, Restart, Result};
use crate::signal::send::is_blocked_or_ignored;
use crate::signal::{self, Signal};
use crate::task::{Pid, Task, table};
use abi::Siginfo;
use alloc::sync::Arc;
use machine::thread::CurrentThread;
use pure::line_discipline::lflag;

/// Who asks: the task, its process group and session. `None` in a kernel thread.
fn caller(cx: &CurrentThread) -> Option<(Arc<Task>, Pid, Pid)> {
    let task = Task::current(cx)?;
    let (_, group, session) = table::place_of(cx, task.process().pid())?;
    Some((task, group, session))
}

/// Sends a signal of the terminal to a process group; 0 is nobody.
pub(super) fn signal_group(cx: &CurrentThread, group: Pid, signal: u32) {
    if group != 0 {
        // A group that has gone meanwhile gets nothing. CAST: a signal's number.
        let _ = signal::send_to_group(cx, group, Siginfo::kernel(signal as i32));
    }
}

/// Whether the caller is a background process of the terminal's session; its task and group then.
fn background(cx: &CurrentThread, terminal: &Terminal) -> Option<(Arc<Task>, Pid)> {
    let (task, group, session) = caller(cx)?;
    let state = terminal.state.lock(cx);
    let is_background = state.session == session && state.foreground != 0 && state.foreground != group;
    drop(state);
    is_background.then_some((task, group))
}

/// A background process that reads is stopped by SIGTTIN, or fails with EIO if that cannot be.
pub(super) fn check_read(cx: &CurrentThread, terminal: &Terminal) -> Result<()> {
    let Some((task, group)) = background(cx, terminal) else { return Ok(()) };
    if is_blocked_or_ignored(&task, Signal::SIGTTIN) || is_orphaned(cx, group) {
        return Err(Errno::EIO);
    }
    signal_group(cx, group, abi::linux::SIGTTIN);
    Err(Restart::IfHandlerAllows.into())
}

/// A background process that writes is stopped by SIGTTOU where TOSTOP is set.
pub(super) fn check_write(cx: &CurrentThread, terminal: &Terminal) -> Result<()> {
    if terminal.settings(cx).lflag & lflag::TOSTOP == 0 { Ok(()) } else { check_change(cx, terminal) }
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
    signal_group(cx, group, abi::linux::SIGTTOU);
    Err(Restart::IfHandlerAllows.into())
}

fn is_orphaned(cx: &CurrentThread, group: Pid) -> bool {
    table::lock(cx).is_orphaned_group(group, 0)
}

/// ENOTTY unless the terminal is the caller's controlling terminal; its group and session.
fn check_controls(cx: &CurrentThread, terminal: &Terminal) -> Result<(Pid, Pid)> {
    let (_, group, session) = caller(cx).ok_or(Errno::ENOTTY)?;
    if terminal.state.lock(cx).session == session { Ok((group, session)) } else { Err(Errno::ENOTTY) }
}

/// TIOCGPGRP.
pub(super) fn foreground(cx: &CurrentThread, terminal: &Terminal) -> Result<Pid> {
    check_controls(cx, terminal)?;
    Ok(terminal.state.lock(cx).foreground)
}

/// TIOCSPGRP: the group must be of the same session.
pub(super) fn set_foreground(cx: &mut CurrentThread, terminal: &Terminal, group: Pid) -> Result<()> {
    let (_, session) = check_controls(cx, terminal)?;
    check_change(cx, terminal)?;
    if group == 0 || group > table::PID_MAX {
        return Err(Errno::EINVAL);
    }
    {
        let table = table::lock(cx);
        let first = table.next_member(group, 0).and_then(|pid| table.node(pid)).ok_or(Errno::ESRCH)?;
        if first.session != session {
            return Err(Errno::EPERM);
        }
    }
    terminal.state.lock(cx).foreground = group;
    terminal.readable.wake_all();
    Ok(())
}

/// TIOCGSID.
pub(super) fn session(cx: &CurrentThread, terminal: &Terminal) -> Result<Pid> {
    check_controls(cx, terminal).map(|(_, session)| session)
}

/// TIOCSCTTY: a session leader without a controlling terminal takes this one; with `by_force` even from another session.
pub(super) fn take_control(cx: &CurrentThread, terminal: &Terminal, by_force: bool) -> Result<()> {
    let (task, group, session) = caller(cx).ok_or(Errno::EPERM)?;
    let is_superuser = task.credentials(cx).is_privileged();
    let mut state = terminal.state.lock(cx);
    if state.session == session {
        return Ok(());
    }
    if task.process().pid() != session {
        return Err(Errno::EPERM);
    }
    if state.session != 0 && !(by_force && is_superuser) {
        return Err(Errno::EPERM);
    }
    state.session = session;
    state.foreground = group;
    Ok(())
}

/// TIOCNOTTY: the caller gives its controlling terminal up; when it leads the session, the whole session does, and the group
/// in front gets SIGHUP and SIGCONT.
// LINUX: a process that is no session leader gives up only its own tie. We keep one tie a session, so it keeps it.
pub(super) fn give_up_control(cx: &CurrentThread, terminal: &Terminal) -> Result<()> {
    let (_, session) = check_controls(cx, terminal)?;
    let is_leader = caller(cx).is_some_and(|(task, ..)| task.process().pid() == session);
    if is_leader {
        release_session(cx, terminal, session);
    }
    Ok(())
}

/// The session's leader has ended or given up: the terminal is free again.
pub(super) fn release_session(cx: &CurrentThread, terminal: &Terminal, session: Pid) {
    let foreground = {
        let mut state = terminal.state.lock(cx);
        if state.session != session {
            return;
        }
        state.session = 0;
        core::mem::take(&mut state.foreground)
    };
    signal_group(cx, foreground, abi::linux::SIGHUP);
    signal_group(cx, foreground, abi::linux::SIGCONT);
}
