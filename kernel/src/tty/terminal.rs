//! A terminal: line discipline, window size, session and foreground group, and who waits for it.
//!
//! Lock: `TERMINAL`, spin, around [`State`]; output and signals are sent after it is released. Bytes typed that the line
//! discipline cannot take now wait in `pending`, and the host gets its credit back only for those taken, so what the
//! terminal keeps is bounded.
use super::job_control;
use crate::errno::{Errno, Result};
use crate::lock_order;
use crate::task::Pid;
use abi::Winsize;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::sync::{SpinLock, Wait, WaitError, WaitQueue};
use machine::thread::CurrentThread;
use machine::time;
use pure::line_discipline::{CAPACITY, LineDiscipline, Settings, Signal, cc};

/// What a terminal shows its output on.
pub trait Backend: Send + Sync {
    /// Shows bytes, all of them.
    fn show(&self, cx: &mut CurrentThread, bytes: &[u8]);
    /// Whether it can show a few thousand bytes without sleeping.
    fn has_room(&self, cx: &CurrentThread) -> bool;
    /// Sleeps until it can, or a signal comes.
    fn wait_for_room(&self, cx: &mut CurrentThread) -> core::result::Result<(), WaitError>;
    /// So many bytes typed have been taken from the backend.
    fn taken(&self, cx: &mut CurrentThread, bytes: usize);
    /// Hands out what is batched, because a program now waits for an answer.
    fn submit(&self, cx: &CurrentThread);
}

/// What is behind the lock.
pub(super) struct State {
    pub(super) discipline: LineDiscipline,
    /// Typed and not yet looked at.
    pending: VecDeque<u8>,
    pub(super) window: Winsize,
    /// Session it controls; 0 for none.
    pub(super) session: Pid,
    /// Foreground process group; 0 for none.
    pub(super) foreground: Pid,
    /// Nothing more will be typed.
    pub(super) has_ended: bool,
    /// Echoes on their way to the backend. What was typed is not read before its echo is shown: a program that takes it and
    /// ends would otherwise end the machine first.
    echoing: u32,
}

/// A terminal.
pub struct Terminal {
    pub(super) state: SpinLock<State>,
    /// Where readers wait.
    pub(super) readable: WaitQueue,
    /// Where writers wait while output is stopped.
    pub(super) writable: WaitQueue,
    pub(super) backend: Arc<dyn Backend>,
}

/// Bytes looked at in one go.
const BATCH: usize = 256;

impl Terminal {
    /// A terminal of this size with the default settings.
    pub fn new(backend: Arc<dyn Backend>, rows: u16, columns: u16) -> Arc<Terminal> {
        let state = State {
            discipline: LineDiscipline::default(),
            pending: VecDeque::new(),
            window: Winsize { rows, columns, x_pixels: 0, y_pixels: 0 },
            session: 0,
            foreground: 0,
            has_ended: false,
            echoing: 0,
        };
        Arc::new(Terminal {
            state: SpinLock::new(&lock_order::TERMINAL, state),
            readable: WaitQueue::new(),
            writable: WaitQueue::new(),
            backend,
        })
    }

    /// Takes what was typed.
    pub(super) fn type_in(&self, cx: &mut CurrentThread, bytes: &[u8]) {
        {
            let mut state = self.state.lock(cx);
            if state.pending.try_reserve(bytes.len()).is_err() {
                return;
            }
            state.pending.extend(bytes);
        }
        self.look_at_pending(cx);
    }

    /// Gives the line discipline what it can take.
    fn look_at_pending(&self, cx: &mut CurrentThread) {
        let mut echo = Vec::new();
        loop {
            let mut signals = [None; BATCH];
            let (taken, is_readable, has_flow_changed, foreground) = {
                let mut state = self.state.lock(cx);
                let state = &mut *state;
                let (mut is_readable, mut has_flow_changed, mut taken) = (false, false, 0);
                while taken < BATCH
                    && state.can_take()
                    && let Some(byte) = state.pending.pop_front()
                {
                    let outcome = state.discipline.input(byte, &mut |bytes| echo.extend_from_slice(bytes));
                    is_readable |= outcome.is_readable;
                    has_flow_changed |= outcome.has_flow_changed;
                    signals[taken] = outcome.signal;
                    taken += 1;
                }
                state.echoing += u32::from(!echo.is_empty());
                (taken, is_readable, has_flow_changed, state.foreground)
            };
            if taken == 0 {
                return;
            }
            if !echo.is_empty() {
                self.backend.show(cx, &echo);
                self.backend.submit(cx);
                echo.clear();
                self.state.lock(cx).echoing -= 1;
            }
            for signal in signals.iter().flatten() {
                job_control::signal_group(cx, foreground, number(*signal));
            }
            if is_readable || self.is_readable(cx) {
                self.readable.wake_all();
            }
            if has_flow_changed {
                self.writable.wake_all();
            }
            self.backend.taken(cx, taken);
        }
    }

    /// Nothing more will be typed: readers find the end of file.
    pub(super) fn end_input(&self, cx: &CurrentThread) {
        self.state.lock(cx).has_ended = true;
        self.readable.wake_all();
        self.writable.wake_all();
    }

    /// Sets the size; the foreground group hears of a change.
    pub fn resize(&self, cx: &mut CurrentThread, window: Winsize) {
        let foreground = {
            let mut state = self.state.lock(cx);
            if core::mem::replace(&mut state.window, window) == window { 0 } else { state.foreground }
        };
        job_control::signal_group(cx, foreground, abi::linux::SIGWINCH);
    }

    /// Reads into `out` as the settings say: a line, or bytes by VMIN and VTIME. 0 is the end of file.
    pub(super) fn read(&self, cx: &mut CurrentThread, out: &mut [u8], is_non_blocking: bool) -> Result<usize> {
        job_control::check_read(cx, self)?;
        let settings = self.settings(cx);
        let result = if is_non_blocking {
            self.try_read(cx, out, &settings).ok_or(Errno::EAGAIN)
        } else if settings.is_canonical() || settings.cc[cc::VTIME] == 0 && settings.cc[cc::VMIN] != 0 {
            self.wait_for(cx, out, None)?.ok_or(Errno::EIO)
        } else {
            self.read_timed(cx, out, settings.cc[cc::VMIN], settings.cc[cc::VTIME])
        };
        self.look_at_pending(cx);
        result
    }

    /// Raw reads in which time plays a part (POSIX.1-2017, 11.1.7, cases A, C and D).
    fn read_timed(&self, cx: &mut CurrentThread, out: &mut [u8], least: u8, tenths: u8) -> Result<usize> {
        let pause_ns = u64::from(tenths) * 100_000_000;
        // Case A: no limit before the first byte.
        let first = if least == 0 { Some(pause_ns) } else { None };
        let Some(mut count) = self.wait_for(cx, out, first)? else { return Ok(0) };
        while count != 0 && count < usize::from(least).min(out.len()) {
            match self.wait_for(cx, &mut out[count..], Some(pause_ns)) {
                Ok(Some(0)) | Ok(None) | Err(_) => break,
                Ok(Some(more)) => count += more,
            }
        }
        Ok(count)
    }

    /// Waits for something to read, so long; `None`: nothing came.
    fn wait_for(&self, cx: &mut CurrentThread, out: &mut [u8], limit_ns: Option<u64>) -> Result<Option<usize>> {
        if !self.is_readable(cx) {
            self.backend.submit(cx);
        }
        let deadline = limit_ns.map(|ns| time::now().after(ns));
        let how = Wait::interruptible("terminal input").until(deadline);
        let is_timed = limit_ns.is_some();
        let read = self.readable.wait(cx, how, |cx| {
            // Another process may have made itself the foreground meanwhile.
            if let Err(error) = job_control::check_read(cx, self) {
                return Some(Err(error));
            }
            let mut state = self.state.lock(cx);
            if state.echoing != 0 {
                return None;
            }
            let is_enough = state.discipline.is_readable() || is_timed && state.discipline.readable_bytes() != 0;
            match state.discipline.read(if is_enough { out } else { return state.has_ended.then_some(Ok(0)) }) {
                Some(count) => Some(Ok(count)),
                None => state.has_ended.then_some(Ok(0)),
            }
        });
        match read {
            Ok(result) => result.map(Some),
            Err(WaitError::TimedOut) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads what is there.
    fn try_read(&self, cx: &CurrentThread, out: &mut [u8], settings: &Settings) -> Option<usize> {
        let mut state = self.state.lock(cx);
        let is_enough = state.discipline.is_readable() || !settings.is_canonical() && settings.cc[cc::VMIN] == 0;
        let read = if is_enough && state.echoing == 0 { state.discipline.read(out) } else { None };
        // LINUX: with VMIN 0 an empty read is 0 bytes, not EAGAIN.
        read.or((state.has_ended || !settings.is_canonical() && settings.cc[cc::VMIN] == 0).then_some(0))
    }

    /// Waits until the caller may write and there is room. What a program gives after that is shown, all of it.
    pub(super) fn check_write(&self, cx: &mut CurrentThread, is_non_blocking: bool) -> Result<()> {
        job_control::check_write(cx, self)?;
        if self.state.lock(cx).discipline.is_stopped() {
            if is_non_blocking {
                return Err(Errno::EAGAIN);
            }
            let how = Wait::interruptible("terminal output to go on");
            self.writable.wait(cx, how, |cx| (!self.state.lock(cx).discipline.is_stopped()).then_some(()))?;
        }
        if is_non_blocking && !self.backend.has_room(cx) {
            return Err(Errno::EAGAIN);
        }
        self.backend.wait_for_room(cx)?;
        Ok(())
    }

    /// Shows a program's bytes, processed as the settings say.
    pub(super) fn write(&self, cx: &mut CurrentThread, bytes: &[u8]) -> Result<()> {
        let mut shown = Vec::new();
        // Twice as much when every byte is a newline; tabs may need more and grow it.
        shown.try_reserve(bytes.len() * 2)?;
        self.state.lock(cx).discipline.output(bytes, &mut |piece| shown.extend_from_slice(piece));
        self.backend.show(cx, &shown);
        Ok(())
    }

    /// The foreground process group; 0 for none.
    pub fn foreground(&self, cx: &CurrentThread) -> Pid {
        self.state.lock(cx).foreground
    }

    /// The settings now.
    pub fn settings(&self, cx: &CurrentThread) -> Settings {
        *self.state.lock(cx).discipline.settings()
    }

    /// Changes the settings.
    pub(super) fn set_settings(&self, cx: &mut CurrentThread, settings: Settings, must_flush_input: bool) {
        {
            let mut state = self.state.lock(cx);
            if must_flush_input {
                state.discipline.flush_input();
            }
            state.discipline.set_settings(settings);
        }
        self.readable.wake_all();
        self.writable.wake_all();
        self.look_at_pending(cx);
    }

    /// Forgets what was typed and not read (TCIFLUSH).
    pub(super) fn flush_input(&self, cx: &mut CurrentThread) {
        let dropped = {
            let mut state = self.state.lock(cx);
            state.discipline.flush_input();
            let dropped = state.pending.len();
            state.pending.clear();
            dropped
        };
        self.backend.taken(cx, dropped);
    }

    /// Whether a read would not sleep.
    pub(super) fn is_readable(&self, cx: &CurrentThread) -> bool {
        let state = self.state.lock(cx);
        state.has_ended || state.discipline.is_readable() && state.echoing == 0
    }
}

impl State {
    /// Whether the line discipline takes another byte without dropping it. While a line is being edited and none is ready it
    /// must take even what it drops, or the line could never be ended.
    fn can_take(&self) -> bool {
        let is_editing = self.discipline.settings().is_canonical() && !self.discipline.is_readable();
        is_editing || self.discipline.kept_bytes() + 1 < CAPACITY
    }
}

const fn number(signal: Signal) -> u32 {
    match signal {
        Signal::Interrupt => abi::linux::SIGINT,
        Signal::Quit => abi::linux::SIGQUIT,
        Signal::Stop => abi::linux::SIGTSTP,
    }
}
