//! What comes from the host: standard input, the terminal's size, signals.
//!
//! Standard input that is not a terminal waits in [`Input`] until programs read it; the host never sends more than the
//! credit it was given, so the buffer never overflows (a host that does is cut). Input of a terminal goes to the
//! [`TerminalInput`] that the tty registered. [`receive`] is called by the channel's thread.
use super::{output, send_credit};
use crate::fs::listeners::Listeners;
use crate::lock_order;
use crate::signal::readiness::Change;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::sync::{Once, SpinLock, Wait, WaitError, WaitQueue};
use machine::thread::CurrentThread;
use machine::trace::{Counter, add};
use wire::control::{Kind, Message, Received};

/// Bytes of input the kernel keeps: the credit the host begins with.
pub(super) const CAPACITY_BYTES: usize = 64 * 1024;
/// Credit is given back in pieces of at least this size.
const CREDIT_BYTES: usize = 16 * 1024;

/// Whoever takes the terminal's input.
pub trait TerminalInput: Send + Sync {
    /// Bytes typed. The taker gives credit back for them by [`send_credit`] when it can take more.
    fn typed(&self, cx: &mut CurrentThread, bytes: &[u8]);
    /// The terminal's size.
    fn resized(&self, cx: &mut CurrentThread, rows: u16, columns: u16);
    /// The terminal has gone.
    fn hung_up(&self, cx: &mut CurrentThread);
}

struct State {
    bytes: VecDeque<u8>,
    /// Taken by programs and not yet given back as credit.
    owed: usize,
    has_ended: bool,
    /// The terminal takes what comes; nothing is kept here any more.
    is_for_terminal: bool,
}

/// Standard input that is not a terminal.
pub struct Input {
    state: SpinLock<State>,
    arrived: WaitQueue,
    listeners: Listeners,
}

static INPUT: Input = Input {
    state: SpinLock::new(
        &lock_order::CONSOLE_INPUT,
        State { bytes: VecDeque::new(), owed: 0, has_ended: false, is_for_terminal: false },
    ),
    arrived: WaitQueue::new(),
    listeners: Listeners::new(),
};
/// The terminal, and whether the host's input is typed there.
static TERMINAL: Once<(Arc<dyn TerminalInput>, bool)> = Once::new();
static SIGNAL_HANDLER: Once<fn(&mut CurrentThread, u32)> = Once::new();

/// Standard input.
pub fn input() -> &'static Input {
    &INPUT
}

/// The terminal there is from now on; with `takes_input`, what the host sends is typed there: first what has come already, since
/// people type before the machine is up.
pub fn set_terminal(cx: &mut CurrentThread, terminal: Arc<dyn TerminalInput>, takes_input: bool) {
    let (terminal, takes_input) = TERMINAL.call_once(|| (terminal, takes_input));
    if *takes_input {
        while let Some(early) = INPUT.take_or_close(cx) {
            terminal.typed(cx, &early);
        }
        if INPUT.is_at_end(cx) {
            terminal.hung_up(cx);
        }
    }
}

/// What to do with a Linux signal the host sends for the program; [`Message::Terminate`] arrives as SIGKILL.
pub fn set_signal_handler(handler: fn(&mut CurrentThread, u32)) {
    SIGNAL_HANDLER.call_once(|| handler);
}

impl Input {
    /// Takes up to `out.len()` bytes, sleeping for the first; 0 at the end of input.
    pub fn read(&self, cx: &mut CurrentThread, out: &mut [u8]) -> Result<usize, WaitError> {
        if out.is_empty() {
            return Ok(0);
        }
        if !self.is_ready(cx) {
            output::submit(cx);
        }
        let taken = self.arrived.wait(cx, Wait::interruptible("console input"), |cx| self.try_read(cx, out))?;
        self.give_credit(cx);
        Ok(taken)
    }

    /// Takes what is there; `None` if nothing is and more may come.
    pub fn try_read(&self, cx: &CurrentThread, out: &mut [u8]) -> Option<usize> {
        let mut state = self.state.lock(cx);
        let taken = out.len().min(state.bytes.len());
        if taken == 0 && !state.has_ended {
            return None;
        }
        let (front, back) = state.bytes.as_slices();
        let from_front = taken.min(front.len());
        out[..from_front].copy_from_slice(&front[..from_front]);
        out[from_front..taken].copy_from_slice(&back[..taken - from_front]);
        state.bytes.drain(..taken);
        state.owed += taken;
        Some(taken)
    }

    /// Gives credit back once it is worth a message.
    pub fn give_credit(&self, cx: &mut CurrentThread) {
        let owed = {
            let mut state = self.state.lock(cx);
            if state.owed < CREDIT_BYTES || state.has_ended { 0 } else { core::mem::take(&mut state.owed) }
        };
        // CAST: never more than CAPACITY_BYTES.
        send_credit(cx, owed as u32);
    }

    /// Whether a read would not sleep.
    pub fn is_ready(&self, cx: &CurrentThread) -> bool {
        let state = self.state.lock(cx);
        !state.bytes.is_empty() || state.has_ended
    }

    /// Whether the end was told and everything before it taken.
    pub fn is_at_end(&self, cx: &CurrentThread) -> bool {
        let state = self.state.lock(cx);
        state.bytes.is_empty() && state.has_ended
    }

    /// Where readers wait.
    pub fn arrived(&self) -> &WaitQueue {
        &self.arrived
    }

    /// Who is told by signals that there is something to read.
    pub fn listeners(&self) -> &Listeners {
        &self.listeners
    }

    /// Bytes waiting (FIONREAD).
    pub fn waiting_bytes(&self, cx: &CurrentThread) -> usize {
        self.state.lock(cx).bytes.len()
    }

    /// Everything that waits; when nothing does, what comes from now on is the terminal's.
    fn take_or_close(&self, cx: &CurrentThread) -> Option<Vec<u8>> {
        let mut state = self.state.lock(cx);
        if state.bytes.is_empty() {
            state.is_for_terminal = true;
            return None;
        }
        Some(core::mem::take(&mut state.bytes).into())
    }

    /// Keeps what came; false if it is for the terminal.
    fn deliver(&self, cx: &CurrentThread, bytes: &[u8]) -> bool {
        {
            let mut state = self.state.lock(cx);
            if state.is_for_terminal {
                return false;
            }
            let room = CAPACITY_BYTES.saturating_sub(state.bytes.len());
            if state.bytes.try_reserve(bytes.len().min(room)).is_ok() {
                state.bytes.extend(&bytes[..bytes.len().min(room)]);
            }
        }
        self.arrived.wake_all();
        self.listeners.tell(cx, Change::Input);
        true
    }

    /// Nothing more will come; false if that is for the terminal.
    fn end(&self, cx: &CurrentThread) -> bool {
        let is_for_terminal = {
            let mut state = self.state.lock(cx);
            state.has_ended = true;
            state.is_for_terminal
        };
        self.arrived.wake_all();
        self.listeners.tell(cx, Change::Input);
        !is_for_terminal
    }
}

/// Takes what the host sent. Called by the channel's thread.
pub fn receive(cx: &mut CurrentThread, received: Received<'_>) {
    match received {
        Received::Bytes { kind: Kind::Input, bytes, .. } => {
            add(Counter::ConsoleBytesIn, bytes.len() as u64);
            if !INPUT.deliver(cx, bytes)
                && let Some((terminal, _)) = TERMINAL.get()
            {
                terminal.typed(cx, bytes);
            }
        }
        Received::Message(Message::InputEnd) => {
            end_input(cx);
        }
        Received::Message(Message::WindowSize { rows, columns }) => {
            if let Some((terminal, _)) = TERMINAL.get() {
                terminal.resized(cx, rows, columns);
            }
        }
        Received::Message(Message::Interrupt(signal)) => send_signal(cx, signal),
        Received::Message(Message::Terminate) => {
            const SIGKILL: u32 = 9;
            send_signal(cx, SIGKILL);
        }
        Received::Message(Message::OutputClosed(stream)) => output::close(stream),
        Received::Message(
            Message::Hello { .. } | Message::Exit(_) | Message::StartFailed(_) | Message::InputCredit(_),
        )
        | Received::Bytes { .. } => machine::log!(Warn, "the host sent a frame that only guests send"),
    }
}

/// The channel is broken: no more input will come.
pub fn channel_lost(cx: &mut CurrentThread) {
    end_input(cx);
}

fn end_input(cx: &mut CurrentThread) {
    if !INPUT.end(cx)
        && let Some((terminal, _)) = TERMINAL.get()
    {
        terminal.hung_up(cx);
    }
}

fn send_signal(cx: &mut CurrentThread, signal: u32) {
    match SIGNAL_HANDLER.get() {
        Some(handler) => handler(cx, signal),
        None => machine::log!(Warn, "signal {signal} from the host before there is a program"),
    }
}
