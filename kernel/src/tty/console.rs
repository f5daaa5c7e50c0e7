//! The console's terminal: the host's terminal is its other side, by way of the control channel.
use super::control;
use super::device::CONSOLE as DEVICE;
use super::terminal::{Backend, Terminal};
use crate::console::{self, HostStream, Stream, TerminalInput};
use crate::errno::{Errno, Result};
use crate::fs::{OpenFile, open_for_kernel};
use crate::lock_order;
use abi::Winsize;
use abi::linux::O_RDWR;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, Ordering};
use machine::sync::{Mutex, Once, WaitError, WaitQueue};
use machine::thread::CurrentThread;
use pure::line_discipline::Settings;

/// Credit is given back to the host in pieces of at least this size.
const CREDIT_BYTES: u32 = 4096;
/// Bytes handed on at a time.
const PIECE_BYTES: usize = 1024;

static CONSOLE: Once<Arc<Terminal>> = Once::new();

/// The control channel as a terminal's other side.
struct HostTerminal {
    /// Held by who hands output on, so that it stays in order.
    turn: Mutex<()>,
    /// Taken and not yet given back as credit.
    owed: AtomicU32,
}

impl Backend for HostTerminal {
    fn show(&self, cx: &mut CurrentThread, terminal: &Terminal) {
        if terminal.state.lock(cx).discipline.output_bytes() == 0 {
            return;
        }
        let turn = self.turn.lock(cx);
        let mut piece = [0; PIECE_BYTES];
        loop {
            let count = terminal.state.lock(cx).discipline.take_output(&mut piece);
            if count == 0 {
                break;
            }
            console::write_output(cx, Stream::Terminal, &piece[..count]);
        }
        drop(turn);
    }
    fn has_room(&self, cx: &CurrentThread) -> bool {
        console::has_room(cx)
    }
    fn wait_for_room(&self, cx: &mut CurrentThread) -> core::result::Result<(), WaitError> {
        console::wait_for_room(cx)
    }
    fn room(&self) -> Option<&WaitQueue> {
        console::room()
    }
    fn taken(&self, cx: &mut CurrentThread, bytes: usize) {
        // CAST: at most the credit given.
        let owed = self.owed.fetch_add(bytes as u32, Ordering::Relaxed) + bytes as u32;
        if owed >= CREDIT_BYTES {
            console::send_credit(cx, self.owed.swap(0, Ordering::Relaxed));
        }
    }
    fn submit(&self, cx: &CurrentThread) {
        console::submit(cx);
    }
    fn pending_capacity(&self) -> usize {
        // The host sends no more than it has credit for.
        usize::MAX
    }
    fn is_pseudo(&self) -> bool {
        false
    }
}

/// What the control channel calls.
struct ConsoleInput(Arc<Terminal>);

impl TerminalInput for ConsoleInput {
    fn typed(&self, cx: &mut CurrentThread, bytes: &[u8]) {
        self.0.type_in(cx, bytes);
    }
    fn resized(&self, cx: &mut CurrentThread, rows: u16, columns: u16) {
        self.0.resize(cx, Winsize { rows, columns, x_pixels: 0, y_pixels: 0 });
    }
    fn hung_up(&self, cx: &mut CurrentThread) {
        self.0.end_input(cx);
    }
}

/// Makes the console's terminal, of this size; `takes_input` if what the host sends is typed there.
pub fn start_console(cx: &mut CurrentThread, rows: u16, columns: u16, takes_input: bool) -> Arc<Terminal> {
    let turn = Mutex::new(&lock_order::CONSOLE_OUTPUT, ());
    let backend = Box::new(HostTerminal { turn, owed: AtomicU32::new(0) });
    let window = Winsize { rows, columns, x_pixels: 0, y_pixels: 0 };
    // What was written is on its way to the host at once; no flush can take it back.
    let make = || Terminal::new(backend, DEVICE, Settings::console(), usize::MAX, window);
    let terminal = CONSOLE.call_once(make).clone();
    console::set_terminal(cx, Arc::new(ConsoleInput(terminal.clone())), takes_input);
    terminal
}

/// The console's terminal, once there is one.
pub fn console_terminal() -> Option<&'static Arc<Terminal>> {
    CONSOLE.get()
}

/// Hands on what the console has still to show, echoes that nobody waited for. To be done before the machine ends.
pub fn flush_console(cx: &mut CurrentThread) {
    if let Some(terminal) = CONSOLE.get() {
        terminal.backend.show(cx, terminal);
    }
}

/// The console becomes the controlling terminal of the caller's session, with the caller's group in front. For the first
/// program, whose descriptors the kernel opened.
pub fn take_console(cx: &CurrentThread) -> Result<()> {
    let terminal = CONSOLE.get().ok_or(Errno::ENOTTY)?;
    control::take(cx, terminal, false, true)
}

/// Descriptors 0, 1 and 2 of the first program: the console where `which` has the bit, else the host's streams. `/dev` must
/// be there.
pub fn standard_files(cx: &mut CurrentThread, which: u8) -> Result<[Arc<OpenFile>; 3]> {
    let console = match which {
        0 => None,
        _ => Some(open_for_kernel(cx, b"/dev/console", O_RDWR, 0)?),
    };
    let pick = |bit: u8, stream: fn() -> Arc<OpenFile>| match &console {
        Some(console) if which & bit != 0 => console.clone(),
        _ => stream(),
    };
    Ok([
        pick(1, HostStream::open_input),
        pick(2, || HostStream::open_output(Stream::Output)),
        pick(4, || HostStream::open_output(Stream::Error)),
    ])
}
