//! Signal-driven I/O: whom a program wants told that an open file became ready, and with which signal (`fcntl(2)`: F_SETOWN,
//! F_SETSIG, O_ASYNC).
//!
//! Main types: [`Owner`], one for each open file description that has any; [`Whom`]. Who listens to which file is kept by
//! [`crate::fs::listeners`], which calls [`tell`].
//!
//! A process or thread that has ended is never mistaken for a later one of its number. A group is known by its number alone, as
//! a terminal's foreground group is.
//! Locks: `READINESS_OWNER`, a leaf, around what is known of an owner; it is not held while signals are sent.
use super::send::{queue_to_task, send_in};
use crate::errno::{Errno, Result};
use crate::lock_order;
use crate::task::table::{self, TaskTable};
use crate::task::{Credentials, Pid, Process, Task};
use abi::Siginfo;
use abi::linux::{SIGBUS, SIGCHLD, SIGFPE, SIGILL, SIGIO, SIGSEGV, SIGSYS, SIGTRAP};
use alloc::sync::{Arc, Weak};
use machine::sync::SpinLock;
use machine::thread::CurrentThread;

/// `si_code` where the code that says what happened could be one of the signal's own.
const SI_SIGIO: i32 = -5;

/// What happened to a file. The values are `si_code`'s.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// POLL_IN: something can be read.
    Input = 1,
    /// POLL_OUT: something can be written.
    Output = 2,
    /// POLL_HUP: the other side has gone.
    HangUp = 6,
}

impl Change {
    /// All of them.
    pub const ALL: [Change; 3] = [Change::Input, Change::Output, Change::HangUp];

    /// `si_band`: the poll bits that stand for it.
    const fn band(self) -> u64 {
        match self {
            Change::Input => 0x1 | 0x40,
            Change::Output => 0x4 | 0x100 | 0x200,
            Change::HangUp => 0x10 | 0x8,
        }
    }
}

/// What a number given as owner stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// F_OWNER_TID.
    Thread = 0,
    /// F_OWNER_PID.
    Process = 1,
    /// F_OWNER_PGRP.
    Group = 2,
}

/// Who is told.
#[derive(Clone)]
pub enum Whom {
    /// Nobody; of the kind that was asked for.
    Nobody(Kind),
    /// One thread.
    Thread(Weak<Task>),
    /// A process, by the number of one of its threads.
    Process(Pid, Weak<Process>),
    /// A process group.
    Group(Pid),
}

impl Whom {
    /// Who has this number now; 0 is nobody. ESRCH if nobody has it.
    pub fn find(cx: &CurrentThread, kind: Kind, number: i32) -> Result<Whom> {
        let number = Pid::try_from(number).map_err(|_| Errno::ESRCH)?;
        if number == 0 {
            return Ok(Whom::Nobody(kind));
        }
        let table = table::lock(cx);
        let task = table.task(number);
        let process = table.node(number).map(|node| &node.process).or(task.map(|task| task.process()));
        let found = match kind {
            Kind::Thread => task.map(|task| Whom::Thread(Arc::downgrade(task))),
            Kind::Process => process.map(|process| Whom::Process(number, Arc::downgrade(process))),
            Kind::Group => table.has_group(number).then_some(Whom::Group(number)),
        };
        // LINUX: any number in use will do; who has it may be none of the kind, and then is nobody.
        match found {
            Some(found) => Ok(found),
            None if process.is_some() || table.has_group(number) => Ok(Whom::Nobody(kind)),
            None => Err(Errno::ESRCH),
        }
    }

    /// What kind of number it is told by.
    pub fn kind(&self) -> Kind {
        match self {
            Whom::Nobody(kind) => *kind,
            Whom::Thread(_) => Kind::Thread,
            Whom::Process(..) => Kind::Process,
            Whom::Group(_) => Kind::Group,
        }
    }

    /// The number, as long as somebody has it; else 0.
    pub fn number(&self, cx: &CurrentThread) -> Pid {
        let table = table::lock(cx);
        match self {
            Whom::Nobody(_) => 0,
            Whom::Thread(task) => live_task(&table, task).map_or(0, |task| task.tid()),
            Whom::Process(number, process) => live_process(&table, process).filter(|pid| pid == number).unwrap_or(0),
            Whom::Group(group) => {
                if table.has_group(*group) {
                    *group
                } else {
                    0
                }
            }
        }
    }
}

fn live_task(table: &TaskTable, task: &Weak<Task>) -> Option<Arc<Task>> {
    let task = task.upgrade()?;
    table.task(task.tid()).is_some_and(|known| Arc::ptr_eq(known, &task)).then_some(task)
}

/// The number of a process that is in the table still.
fn live_process(table: &TaskTable, process: &Weak<Process>) -> Option<Pid> {
    let process = process.upgrade()?;
    let node = table.node(process.pid())?;
    Arc::ptr_eq(&node.process, &process).then_some(process.pid())
}

/// What is known of an owner.
#[derive(Clone)]
struct Known {
    whom: Whom,
    /// Who said so: the real and the effective user.
    real: u32,
    effective: u32,
    /// The signal; 0 for SIGIO without details.
    signal: i32,
}

/// Whom an open file description tells.
pub struct Owner(SpinLock<Known>);

impl Owner {
    /// Nobody yet.
    pub(crate) fn new() -> Arc<Owner> {
        // LINUX: what was never set looks like a thread without a number.
        let known = Known { whom: Whom::Nobody(Kind::Thread), real: 0, effective: 0, signal: 0 };
        Arc::new(Owner(SpinLock::new(&lock_order::READINESS_OWNER, known)))
    }

    /// Sets who is told, in the name of the calling task.
    pub fn set(&self, by: &Credentials, whom: Whom) {
        self.0.with(|known| {
            *known = Known { whom, real: by.uid.real, effective: by.uid.effective, signal: known.signal };
        });
    }

    /// The same, unless somebody is told already.
    pub(crate) fn set_if_nobody(&self, by: &Credentials, whom: Whom) {
        if matches!(self.whom(), Whom::Nobody(_)) {
            self.set(by, whom);
        }
    }

    /// Who is told.
    pub fn whom(&self) -> Whom {
        self.0.with(|known| known.whom.clone())
    }

    /// Sets the signal; 0 is SIGIO without details.
    pub fn set_signal(&self, signal: i32) {
        self.0.with(|known| known.signal = signal);
    }

    /// The signal.
    pub fn signal(&self) -> i32 {
        self.0.with(|known| known.signal)
    }
}

impl Known {
    /// Whether the one who chose the receiver may: any superuser, and who has one of its ids.
    fn may_tell(&self, receiver: &Credentials) -> bool {
        let ids = [receiver.uid.real, receiver.uid.saved];
        self.effective == 0 || ids.contains(&self.effective) || ids.contains(&self.real)
    }

    /// Sends the chosen signal with details, or where that cannot be queued, and where none was chosen, SIGIO.
    fn send(&self, fd: i32, change: Change, mut send: impl FnMut(Siginfo) -> Result<()>) {
        // CAST: signal numbers are small.
        const OWN_CODES: [i32; 7] = [
            SIGILL as i32,
            SIGFPE as i32,
            SIGSEGV as i32,
            SIGBUS as i32,
            SIGTRAP as i32,
            SIGCHLD as i32,
            SIGSYS as i32,
        ];
        if self.signal != 0 {
            let code = if OWN_CODES.contains(&self.signal) { SI_SIGIO } else { change as i32 };
            if send(Siginfo::readiness(self.signal, code, change.band(), fd)).is_ok() {
                return;
            }
        }
        // Failing means that the receiver has gone.
        let _ = send(Siginfo::kernel(SIGIO as i32));
    }

    fn tell_process(&self, cx: &CurrentThread, table: &mut TaskTable, pid: Pid, fd: i32, change: Change) {
        let may_tell = table
            .node(pid)
            .and_then(|node| node.tasks.first())
            .is_some_and(|leader| self.may_tell(&leader.credentials(cx)));
        if may_tell {
            self.send(fd, change, |info| send_in(table, pid, info));
        }
    }
}

/// Tells the owner that something happened to its file, which it knows as `fd`.
pub(crate) fn tell(cx: &CurrentThread, owner: &Owner, fd: i32, change: Change) {
    let known = owner.0.with(|known| known.clone());
    match &known.whom {
        Whom::Nobody(_) => {}
        Whom::Thread(task) => {
            let task = live_task(&table::lock(cx), task);
            if let Some(task) = task.filter(|task| known.may_tell(&task.credentials(cx))) {
                known.send(fd, change, |info| queue_to_task(cx, &task, info).map(|_| ()));
            }
        }
        Whom::Process(_, process) => {
            let mut table = table::lock(cx);
            if let Some(pid) = live_process(&table, process) {
                known.tell_process(cx, &mut table, pid, fd, change);
            }
        }
        Whom::Group(group) => {
            let mut table = table::lock(cx);
            let mut last = 0;
            while let Some(pid) = table.next_member(*group, last) {
                known.tell_process(cx, &mut table, pid, fd, change);
                last = pid;
            }
        }
    }
}
