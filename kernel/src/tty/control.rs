//! Controlling terminals: which terminal a process belongs to, how a session gets one, and how it loses it.
//!
//! Each process has a tie to its terminal, inherited by fork; the terminal knows the session it controls. Both change together
//! under `TERMINAL_CONTROL`. Locks, outermost first: that one, the task table's, the tie's, the terminal's. Signals are sent
//! with none held. Source: Linux `drivers/tty/tty_jobctrl.c`, POSIX.1-2017 11.1.3.
use super::job_control::signal_group;
use super::terminal::Terminal;
use crate::errno::{Errno, Result};
use crate::lock_order;
use crate::signal;
use crate::task::{Capability, Pid, Process, Task, table};
use abi::Siginfo;
use abi::linux::{SIGCONT, SIGHUP};
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use machine::sync::SpinLock;
use machine::thread::{CurrentThread, notify_current};

static CONTROL: SpinLock<()> = SpinLock::new(&lock_order::TERMINAL_CONTROL, ());

/// A process's tie to its terminal.
#[derive(Default)]
struct Tie {
    terminal: Option<Arc<Terminal>>,
    /// Of a session's leader: the group that was in front when the terminal was hung up.
    old_foreground: Pid,
}

/// The tie of a process, behind its lock.
pub struct TerminalTie(SpinLock<Tie>);

impl TerminalTie {
    /// No terminal.
    pub const fn new() -> TerminalTie {
        TerminalTie(SpinLock::new(&lock_order::TERMINAL_TIE, Tie { terminal: None, old_foreground: 0 }))
    }
    /// The terminal.
    pub fn terminal(&self) -> Option<Arc<Terminal>> {
        self.0.with(|tie| tie.terminal.clone())
    }
    /// Takes over a parent's, under the task table's lock.
    pub(crate) fn inherit(&self, parent: &TerminalTie) {
        let terminal = parent.terminal();
        self.0.with(|tie| tie.terminal = terminal);
    }
    /// Gives it up (setsid).
    pub(crate) fn clear(&self) {
        let _old = self.0.with(core::mem::take);
    }
    pub(super) fn is_to(&self, terminal: &Terminal) -> bool {
        self.0.with(|tie| tie.terminal.as_ref().is_some_and(|mine| core::ptr::eq(Arc::as_ptr(mine), terminal)))
    }
    fn clear_if_to(&self, terminal: &Terminal) {
        if self.is_to(terminal) {
            let _old = self.0.with(|tie| tie.terminal.take());
        }
    }
}

impl Default for TerminalTie {
    fn default() -> Self {
        TerminalTie::new()
    }
}

/// The terminal that controls the caller.
pub fn controlling_terminal(cx: &CurrentThread) -> Option<Arc<Terminal>> {
    Task::current(cx)?.process().terminal.terminal()
}

/// Takes the terminal from every process of a session.
fn clear_ties(cx: &CurrentThread, terminal: &Terminal, session: Pid) {
    let table = table::lock(cx);
    for (_, node) in table.nodes().filter(|(_, node)| node.session == session) {
        node.process.terminal.clear_if_to(terminal);
    }
}

/// Opening a terminal without O_NOCTTY: a session leader without a terminal gets it, if it is free and was opened to be read.
pub(super) fn take_when_opened(cx: &CurrentThread, terminal: &Arc<Terminal>, flags: u32) {
    let is_readable = flags & abi::linux::O_ACCMODE != abi::linux::O_WRONLY;
    if flags & abi::linux::O_NOCTTY == 0 && is_readable {
        // Failing that, it goes without.
        let _ = take(cx, terminal, false, true);
    }
}

/// TIOCSCTTY: a session leader without a terminal takes this one; the superuser, `by_force`, even from another session.
pub(super) fn take(cx: &CurrentThread, terminal: &Arc<Terminal>, by_force: bool, may_read: bool) -> Result<()> {
    let task = Task::current(cx).ok_or(Errno::EPERM)?;
    let process = task.process();
    let (_, group, session) = table::place_of(cx, process.pid()).ok_or(Errno::EPERM)?;
    let is_leader = process.pid() == session;
    let may_administer = task.credentials(cx).may(Capability::Admin);
    let _control = CONTROL.lock(cx);
    let old_session = terminal.state.lock(cx).session;
    if is_leader && old_session == session {
        return Ok(());
    }
    if !is_leader || process.terminal.terminal().is_some() {
        return Err(Errno::EPERM);
    }
    if old_session != 0 {
        if !by_force || !may_administer {
            return Err(Errno::EPERM);
        }
        clear_ties(cx, terminal, old_session);
    }
    if !may_read && !may_administer {
        return Err(Errno::EPERM);
    }
    {
        let mut state = terminal.state.lock(cx);
        state.session = session;
        state.foreground = group;
    }
    let new = Tie { terminal: Some(terminal.clone()), old_foreground: 0 };
    let _old = process.terminal.0.with(|tie| core::mem::replace(tie, new));
    Ok(())
}

/// The terminal controls no session any more; answers the group that was in front.
fn release(cx: &CurrentThread, terminal: &Terminal, session: Pid) -> Pid {
    let _control = CONTROL.lock(cx);
    let foreground = {
        let mut state = terminal.state.lock(cx);
        if state.session != session {
            return 0;
        }
        state.session = 0;
        core::mem::take(&mut state.foreground)
    };
    clear_ties(cx, terminal, session);
    foreground
}

/// TIOCNOTTY: the caller gives its terminal up; when it leads the session, the whole session does, and the group in front gets
/// SIGHUP and SIGCONT.
pub(super) fn give_up(cx: &CurrentThread, terminal: &Terminal) -> Result<()> {
    let task = Task::current(cx).ok_or(Errno::ENOTTY)?;
    let process = task.process();
    if !process.terminal.is_to(terminal) {
        return Err(Errno::ENOTTY);
    }
    let session = table::place_of(cx, process.pid()).map_or(0, |(_, _, session)| session);
    if process.pid() == session {
        let foreground = terminal.foreground(cx);
        signal_group(cx, foreground, SIGHUP);
        signal_group(cx, foreground, SIGCONT);
        release(cx, terminal, session);
    }
    process.terminal.clear();
    Ok(())
}

/// The session's leader ends: its terminal is free again, and the group in front hears of it.
pub fn leader_ends(cx: &CurrentThread, process: &Process) {
    match process.terminal.terminal() {
        Some(terminal) if terminal.is_pseudo() => {
            signal_group(cx, terminal.foreground(cx), SIGHUP);
            release(cx, &terminal, process.pid());
        }
        Some(terminal) => hang_up(cx, &terminal, true),
        None => {
            let foreground = process.terminal.0.with(|tie| core::mem::take(&mut tie.old_foreground));
            signal_group(cx, foreground, SIGHUP);
            signal_group(cx, foreground, SIGCONT);
        }
    }
}

/// vhangup: the caller's controlling terminal is hung up, if it has one.
pub fn hang_up_own(cx: &CurrentThread) {
    if let Some(terminal) = controlling_terminal(cx) {
        hang_up(cx, &terminal, false);
    }
}

/// The line is gone: what is open of the terminal is dead, its session has lost it, and the leader gets SIGHUP and SIGCONT. At a
/// session's end the group in front gets SIGHUP too.
pub(super) fn hang_up(cx: &CurrentThread, terminal: &Arc<Terminal>, ends_session: bool) {
    let (session, foreground) = {
        let _control = CONTROL.lock(cx);
        let (session, foreground) = {
            let mut state = terminal.state.lock(cx);
            state.generation = state.generation.wrapping_add(1);
            state.discipline.flush_input();
            (core::mem::take(&mut state.session), core::mem::take(&mut state.foreground))
        };
        if session != 0 {
            clear_ties(cx, terminal, session);
            if let Some(leader) = table::find_process(cx, session) {
                leader.terminal.0.with(|tie| tie.old_foreground = foreground);
            }
        }
        (session, foreground)
    };
    terminal.wake_everybody();
    // LINUX: who has the terminal open still is not told of it any more.
    terminal.listeners.clear();
    if session != 0 {
        for signal in [SIGHUP, SIGCONT] {
            // CAST: a signal's number. A leader that has ended gets nothing.
            let _ = signal::send_to_process(cx, session, Siginfo::kernel(signal as i32));
        }
        if ends_session {
            signal_group(cx, foreground, SIGHUP);
        }
    }
}

/// A terminal whose master was closed. That is found out in a destructor, which can send no signals: it is left for whoever
/// closed it to finish before it goes on.
pub(super) struct Unfinished {
    terminal: Arc<Terminal>,
    next: Option<Box<Unfinished>>,
}

static UNFINISHED: SpinLock<Option<Box<Unfinished>>> = SpinLock::new(&lock_order::HANG_UPS, None);
static HAS_UNFINISHED: AtomicBool = AtomicBool::new(false);

impl Unfinished {
    /// Made beforehand, since a destructor should not need memory.
    pub(super) fn new(terminal: Arc<Terminal>) -> Box<Unfinished> {
        Box::new(Unfinished { terminal, next: None })
    }

    /// Leaves it to be finished.
    pub(super) fn leave(mut self: Box<Self>) {
        UNFINISHED.with(|first| {
            self.next = first.take();
            *first = Some(self);
        });
        HAS_UNFINISHED.store(true, Ordering::Release);
        notify_current();
    }
}

/// Finishes the hang-ups that were left. Called on the way back to the program and where a task ends.
pub fn finish_hang_ups(cx: &CurrentThread) {
    if !HAS_UNFINISHED.load(Ordering::Acquire) {
        return;
    }
    HAS_UNFINISHED.store(false, Ordering::Release);
    loop {
        let next = UNFINISHED.with(|first| {
            let mut taken = first.take();
            if let Some(taken) = &mut taken {
                *first = taken.next.take();
            }
            taken
        });
        let Some(unfinished) = next else { return };
        hang_up(cx, &unfinished.terminal, false);
    }
}
