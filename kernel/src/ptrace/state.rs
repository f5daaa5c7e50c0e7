//! What a task knows of being traced ([`Tracing`]), and what its tracer finds while it is stopped ([`Stop`]).
//!
//! Locks: the task table's, then `PTRACE`, which is around [`State`]. What is asked on every system call and signal is atomic.
use crate::errno::Restart;
use crate::lock_order;
use crate::signal::deliver::Interrupted;
use crate::syscall::Call;
use crate::task::Pid;
use abi::Siginfo;
use abi::ptrace::{self, Words};
use alloc::boxed::Box;
use core::sync::atomic::{AtomicU32, Ordering};
use machine::sync::{SpinGuard, SpinLock, WaitQueue};
use machine::thread::CurrentThread;

/// Bits of what a tracer wants of a task now.
pub(crate) mod wants {
    /// It is traced.
    pub(crate) const TRACED: u32 = 1;
    /// It stops at system calls.
    pub(crate) const CALLS: u32 = 2;
    /// It stops after the next instruction.
    pub(crate) const STEP: u32 = 4;
    /// It stops as soon as it can (PTRACE_INTERRUPT).
    pub(crate) const TRAP: u32 = 8;
    /// It stops at system calls, which are then left to the tracer and not served.
    pub(crate) const EMULATE: u32 = 16;
}

/// Which kind of stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A signal is about to be taken.
    Signal,
    /// A system call is about to be served.
    Entry,
    /// A system call has been served.
    Exit,
    /// An event.
    Event,
    /// The task is ending.
    End,
    /// The process is stopped, or the tracer has interrupted the task.
    Group,
}

/// A stop: what the tracer finds and may change.
pub struct Stop {
    /// Which.
    pub kind: Kind,
    /// What waiting tells of it: a signal, and an event in the bits above.
    pub code: i32,
    /// The signal, where there is one.
    pub info: Option<Siginfo>,
    /// The registers as the tracer sees them.
    pub words: Words,
    /// Whether it has changed them.
    pub has_new_words: bool,
    /// Floating-point state; `None` for want of memory.
    pub fp: Option<Box<[u8]>>,
    /// Whether the tracer has changed it.
    pub has_new_fp: bool,
    /// TLS base.
    pub tls: u64,
    /// Number of the system call, where that is no register.
    pub number: u64,
    /// The signal to go on with; 0 for none.
    pub signal: i32,
    /// The call that was interrupted, as shown in the registers.
    pub(super) interrupted: Option<Interrupted>,
    /// Program counter as shown.
    shown_pc: u64,
}

impl Stop {
    /// A stop of the calling task, which was in `interrupted` if that may go on.
    pub(super) fn new(
        call: &mut Call<'_>,
        kind: Kind,
        code: i32,
        info: Option<Siginfo>,
        interrupted: Option<Interrupted>,
    ) -> Box<Stop> {
        // Stepping is the tracer's doing and none of the program's flags.
        call.user.set_single_stepping(false);
        let mut words = call.user.registers();
        let tls = call.cx.tls();
        ptrace::set_bases(&mut words, tls, call.cx.gs_base());
        let number = call.user.syscall_number();
        match (kind, interrupted) {
            (Kind::Entry, _) => ptrace::show_entry(&mut words, number),
            // CAST: a small number.
            (Kind::Exit, Some(call)) => words[ptrace::RESULT] = u64::from(call.restart as u16).wrapping_neg(),
            (_, Some(call)) => {
                ptrace::show_restart(&mut words, call.number, call.restart as u16, call.first_argument);
            }
            _ => {}
        }
        let fp = call.cx.save_fp().map(|image| image.bytes.into_boxed_slice());
        Box::new(Stop {
            kind,
            code,
            info,
            words,
            has_new_words: false,
            fp,
            has_new_fp: false,
            tls,
            number,
            signal: 0,
            interrupted,
            shown_pc: words[ptrace::PC],
        })
    }

    /// Gives the task what the tracer has changed. Answers the interrupted call as the tracer leaves it.
    pub(super) fn apply(mut self: Box<Self>, call: &mut Call<'_>) -> Option<Interrupted> {
        if let Some(fp) = &mut self.fp
            && self.has_new_fp
        {
            let mut image = core::mem::take(fp).into_vec();
            // LINUX: a state that cannot be loaded was refused when it was set.
            let _ = call.cx.load_fp(&mut image);
        }
        if ptrace::HAS_ARM_SETS {
            call.cx.set_tls(self.tls);
        }
        let interrupted = match self.kind {
            Kind::Entry => None,
            Kind::Exit => self.interrupted.filter(|interrupted| {
                self.words[ptrace::RESULT] == u64::from(interrupted.restart as u16).wrapping_neg()
            }),
            _ if self.interrupted.is_some() || self.has_new_words => self.interrupted_after(),
            _ => None,
        };
        if self.has_new_words {
            if ptrace::HAS_GENERAL_REQUESTS {
                let (tls, gs) = ptrace::bases(&self.words);
                call.cx.set_tls(tls);
                call.cx.set_gs_base(gs);
            }
            call.user.set_registers(&self.words);
        }
        if self.kind == Kind::Exit && interrupted.is_some() {
            // What no program ever sees.
            call.user.set_result(crate::errno::Errno::EINTR.to_result());
        }
        if call.task.tracing.is_wanted(wants::STEP) {
            call.user.set_single_stepping(true);
        }
        interrupted
    }

    fn interrupted_after(&mut self) -> Option<Interrupted> {
        // CAST: a small number.
        let shown = self.interrupted.map(|call| (call.number, call.restart as u16));
        let (number, code) = ptrace::restart_after(&mut self.words, shown, self.shown_pc)?;
        let restart = match code {
            512 => Restart::IfHandlerAllows,
            513 => Restart::Always,
            514 => Restart::IfNoHandler,
            _ => Restart::WithBlock,
        };
        let first_argument = self.interrupted.map_or(self.words[ptrace::RESULT], |call| call.first_argument);
        Some(Interrupted { restart, number, first_argument })
    }
}

/// Who traces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tracer {
    /// Its process.
    pub pid: Pid,
    /// The thread, which alone may ask for anything.
    pub tid: Pid,
}

/// What is behind the lock.
#[derive(Default)]
pub struct State {
    /// Who traces the task.
    pub tracer: Option<Tracer>,
    /// Whether who made it so may trace any process, and so may follow this one into rights it gets by exec.
    pub may_follow: bool,
    /// Attached by PTRACE_SEIZE.
    pub is_seized: bool,
    /// `PTRACE_O_*`.
    pub options: u32,
    /// What PTRACE_GETEVENTMSG tells.
    pub message: u64,
    /// Present while it is stopped for its tracer.
    pub stop: Option<Box<Stop>>,
    /// The stop it is resumed from, until it has noticed.
    pub(super) resumed: Option<Box<Stop>>,
    /// What waiting has not told yet.
    pub(super) report: Option<i32>,
    /// Stopped and left so until something happens (PTRACE_LISTEN).
    pub(super) is_listening: bool,
}

/// What a task knows of being traced.
pub struct Tracing {
    state: SpinLock<State>,
    wants: AtomicU32,
    /// The stop of the process that it has told of.
    pub(super) seen_stop: AtomicU32,
    /// Where it waits to be resumed.
    pub(super) going_on: WaitQueue,
}

impl Tracing {
    /// Not traced.
    pub fn new() -> Tracing {
        Tracing {
            state: SpinLock::new(&lock_order::PTRACE, State::default()),
            wants: AtomicU32::new(0),
            seen_stop: AtomicU32::new(0),
            going_on: WaitQueue::new(),
        }
    }

    /// Takes the lock.
    pub fn lock<'a>(&'a self, cx: &'a CurrentThread) -> SpinGuard<'a, State> {
        self.state.lock(cx)
    }

    /// Runs `f` on the state, for those who hold the task table and no token.
    pub(super) fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        self.state.with(f)
    }

    /// Whether it is traced.
    #[inline(always)]
    pub fn is_traced(&self) -> bool {
        self.wants.load(Ordering::Relaxed) & wants::TRACED != 0
    }

    /// Whether its tracer wants any of this, of [`wants`].
    pub(crate) fn is_wanted(&self, what: u32) -> bool {
        self.wants.load(Ordering::Acquire) & what != 0
    }

    /// Says what its tracer wants, of the bits in `mask`.
    pub(super) fn set_wanted(&self, mask: u32, what: u32) {
        let _ = self.wants.fetch_update(Ordering::AcqRel, Ordering::Acquire, |old| Some(old & !mask | what));
    }

    /// Whether its tracer may not have rights that it could get by exec.
    pub(crate) fn is_traced_by_lesser(&self, cx: &CurrentThread) -> bool {
        self.is_traced() && {
            let state = self.lock(cx);
            state.tracer.is_some() && !state.may_follow
        }
    }

    /// Who traces it.
    pub fn tracer(&self) -> Option<Tracer> {
        if self.is_traced() { self.with(|state| state.tracer) } else { None }
    }
}

impl Default for Tracing {
    fn default() -> Self {
        Tracing::new()
    }
}
