//! The host's terminal while the guest has it: raw, so that every key reaches the guest's own line discipline, and given back
//! as it was on every way out (end of the run, error, signal, panic of the tool).

use rustix::termios::{self, OptionalActions, OutputModes, Termios};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Mutex;

/// What the terminal was before, for the panic hook and for [`RawTerminal`]'s end.
static SAVED: Mutex<Option<Termios>> = Mutex::new(None);

/// Which of descriptors 0, 1 and 2 are a terminal, as bits.
pub(crate) fn descriptors() -> u8 {
    standard().iter().enumerate().fold(0, |bits, (number, fd)| bits | (u8::from(termios::isatty(fd)) << number))
}

/// Rows and columns of the terminal, if there is one.
pub(crate) fn size() -> Option<(u16, u16)> {
    let size = standard().iter().find_map(|fd| termios::tcgetwinsize(fd).ok())?;
    (size.ws_row != 0 && size.ws_col != 0).then_some((size.ws_row, size.ws_col))
}

fn standard() -> [BorrowedFd<'static>; 3] {
    [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()]
}

/// The terminal in the guest's hands.
pub(crate) struct RawTerminal;

impl RawTerminal {
    /// Hands the terminal of `bits` (see [`descriptors`]) to the guest. With standard input it becomes raw; where only output
    /// is a terminal, keys stay with the host (Ctrl-C is still a signal) and only output passes untouched.
    pub(crate) fn take(bits: u8) -> Option<RawTerminal> {
        let number = (0..3).find(|number| bits & (1 << number) != 0)?;
        let fd = standard()[number];
        let before = termios::tcgetattr(fd).ok()?;
        let mut raw = before.clone();
        if number == 0 {
            raw.make_raw();
        } else {
            raw.output_modes.remove(OutputModes::OPOST);
        }
        if let Ok(mut saved) = SAVED.lock() {
            *saved = Some(before);
        }
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            restore();
            hook(info);
        }));
        termios::tcsetattr(fd.as_fd(), OptionalActions::Drain, &raw).ok()?;
        Some(RawTerminal)
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        restore();
    }
}

fn restore() {
    let before = SAVED.lock().ok().and_then(|mut saved| saved.take());
    if let Some(before) = before
        && let Some(fd) = standard().into_iter().find(|fd| termios::isatty(fd))
    {
        // Nothing can be done about a terminal that has gone away.
        let _ = termios::tcsetattr(fd, OptionalActions::Drain, &before);
    }
}
