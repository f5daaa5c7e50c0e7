//! A terminal: line discipline, window size, session and foreground group, and who waits for it. The console and the programs'
//! side of each pseudo-terminal are one of these; what is on the other side is its [`Backend`].
//!
//! `input` brings what is typed in, `transfer` serves reads and writes of programs, `hang_up` ends it.
//!
//! Lock: `TERMINAL`, spin, around [`State`]; signals are sent and output is shown after it is released. Bytes typed that the
//! line discipline cannot take now wait in `pending`, which is bounded, as is what is on its way out.
use crate::fs::DeviceNumber;
use crate::fs::listeners::Listeners;
use crate::lock_order;
use crate::task::Pid;
use abi::Winsize;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::sync::atomic::AtomicBool;
use machine::sync::{SpinLock, WaitError, WaitQueue};
use machine::thread::CurrentThread;
use pure::line_discipline::{LineDiscipline, Settings};

/// Speed of a line whose speed means nothing: B38400.
const SPEED: u32 = 38_400;

/// What a terminal shows its output on. The defaults are for a side that takes the output itself, when it likes.
pub trait Backend: Send + Sync {
    /// Output may have come: shows it, or tells who does.
    fn show(&self, cx: &mut CurrentThread, terminal: &Terminal);
    /// Whether a few thousand bytes can be shown without sleeping.
    fn has_room(&self, _cx: &CurrentThread) -> bool {
        true
    }
    /// Sleeps until they can, or a signal comes.
    fn wait_for_room(&self, _cx: &mut CurrentThread) -> core::result::Result<(), WaitError> {
        Ok(())
    }
    /// Where it says so.
    fn room(&self) -> Option<&WaitQueue> {
        None
    }
    /// So many bytes typed have been taken from the backend.
    fn taken(&self, _cx: &mut CurrentThread, _bytes: usize) {}
    /// Hands out what is batched, because a program now waits for an answer.
    fn submit(&self, _cx: &CurrentThread) {}
    /// Bytes that may wait for the line discipline.
    fn pending_capacity(&self) -> usize;
    /// Whether a program is on the other side.
    fn is_pseudo(&self) -> bool;
}

/// Speeds in baud: of input and of output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Speeds {
    pub(super) input: u32,
    pub(super) output: u32,
}

/// What is behind the lock.
pub(super) struct State {
    pub(super) discipline: LineDiscipline,
    /// Typed and not yet looked at.
    pub(super) pending: VecDeque<u8>,
    /// How many of these were looked at for flow control.
    pub(super) looked_ahead: usize,
    pub(super) window: Winsize,
    pub(super) speeds: Speeds,
    /// Session it controls; 0 for none.
    pub(super) session: Pid,
    /// Foreground process group; 0 for none.
    pub(super) foreground: Pid,
    /// Nothing more will be typed.
    pub(super) has_ended: bool,
    /// Goes up at each hang-up: a description opened before is dead.
    pub(super) generation: u32,
    /// Only the superuser may open it (TIOCEXCL).
    pub(super) is_exclusive: bool,
    /// Open descriptions on the programs' side.
    pub(super) opens: u32,
    /// Of a pseudo-terminal: it may not be opened yet.
    pub(super) is_locked: bool,
    /// The master is gone.
    pub(super) is_master_closed: bool,
    /// It was open, and no program has it open any more.
    pub(super) is_abandoned: bool,
}

/// A terminal.
pub struct Terminal {
    pub(super) state: SpinLock<State>,
    /// Where readers wait.
    pub(super) readable: WaitQueue,
    /// Where writers wait.
    pub(super) writable: WaitQueue,
    /// Where the other side waits for output.
    pub(super) shown: WaitQueue,
    /// Where the other side waits for room to type.
    pub(super) typable: WaitQueue,
    /// Who is told by signals, on the programs' side.
    pub(super) listeners: Listeners,
    /// Who is told by signals, on the master's side.
    pub(super) master_listeners: Listeners,
    /// A program's write fell short since room was last told by a signal.
    pub(super) lacked_room: AtomicBool,
    /// A master's write did.
    pub(super) master_lacked_room: AtomicBool,
    pub(super) backend: Box<dyn Backend>,
    device: DeviceNumber,
}

impl Terminal {
    /// A terminal of this size. A flush leaves `kept_by_flush` bytes of its output.
    pub(super) fn new(
        backend: Box<dyn Backend>,
        device: DeviceNumber,
        settings: Settings,
        kept_by_flush: usize,
        window: Winsize,
    ) -> Arc<Terminal> {
        let state = State {
            discipline: LineDiscipline::new(settings, kept_by_flush),
            pending: VecDeque::new(),
            looked_ahead: 0,
            window,
            speeds: Speeds { input: SPEED, output: SPEED },
            session: 0,
            foreground: 0,
            has_ended: false,
            generation: 0,
            is_exclusive: false,
            opens: 0,
            is_locked: false,
            is_master_closed: false,
            is_abandoned: false,
        };
        Arc::new(Terminal {
            state: SpinLock::new(&lock_order::TERMINAL, state),
            readable: WaitQueue::new(),
            writable: WaitQueue::new(),
            shown: WaitQueue::new(),
            typable: WaitQueue::new(),
            listeners: Listeners::new(),
            master_listeners: Listeners::new(),
            lacked_room: AtomicBool::new(false),
            master_lacked_room: AtomicBool::new(false),
            backend,
            device,
        })
    }

    /// Its device number, for listings.
    pub fn device(&self) -> DeviceNumber {
        self.device
    }

    /// Whether a program is on the other side.
    pub(super) fn is_pseudo(&self) -> bool {
        self.backend.is_pseudo()
    }

    /// The foreground process group; 0 for none.
    pub fn foreground(&self, cx: &CurrentThread) -> Pid {
        self.state.lock(cx).foreground
    }

    /// The settings now.
    pub(super) fn settings(&self, cx: &CurrentThread) -> Settings {
        *self.state.lock(cx).discipline.settings()
    }

    /// Changes the settings.
    pub(super) fn set_settings(&self, cx: &mut CurrentThread, settings: Settings, speeds: Speeds) {
        {
            let mut state = self.state.lock(cx);
            state.speeds = speeds;
            state.discipline.set_settings(settings);
        }
        self.backend.show(cx, self);
        self.readable.wake_all();
        self.wake_writers();
        self.look_at_pending(cx);
    }

    /// Sets the size; the foreground group hears of a change.
    pub fn resize(&self, cx: &mut CurrentThread, window: Winsize) {
        let foreground = {
            let mut state = self.state.lock(cx);
            if core::mem::replace(&mut state.window, window) == window { 0 } else { state.foreground }
        };
        super::job_control::signal_group(cx, foreground, abi::linux::SIGWINCH);
    }

    /// Stops output or lets it go on (TCOOFF, TCOON).
    pub(super) fn set_stopped(&self, cx: &mut CurrentThread, is_stopped: bool) {
        if self.state.lock(cx).discipline.set_stopped(is_stopped) {
            self.backend.show(cx, self);
            self.backend.submit(cx);
            self.wake_writers();
        }
    }

    /// Forgets what was typed and not read (TCIFLUSH), and what waits besides if `with_pending`.
    pub(super) fn flush_input(&self, cx: &mut CurrentThread, with_pending: bool) {
        let dropped = {
            let mut state = self.state.lock(cx);
            state.discipline.flush_input();
            let dropped = if with_pending { state.pending.len() } else { 0 };
            state.pending.drain(..dropped);
            state.looked_ahead = state.looked_ahead.saturating_sub(dropped);
            dropped
        };
        self.backend.taken(cx, dropped);
        self.look_at_pending(cx);
        self.typable.wake_all();
        self.shown.wake_all();
    }

    /// Forgets what is on its way to the other side (TCOFLUSH).
    pub(super) fn flush_output(&self, cx: &mut CurrentThread) {
        self.state.lock(cx).discipline.flush_output();
        self.wake_writers();
        self.shown.wake_all();
    }

    /// Wakes those who wait to write.
    pub(super) fn wake_writers(&self) {
        self.writable.wake_all();
        if let Some(room) = self.backend.room() {
            room.wake_all();
        }
    }

    /// Wakes everybody who waits for it.
    pub(super) fn wake_everybody(&self) {
        self.wake_writers();
        for queue in [&self.readable, &self.shown, &self.typable] {
            queue.wake_all();
        }
    }
}
