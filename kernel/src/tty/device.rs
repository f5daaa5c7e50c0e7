//! The console's terminal and its nodes: `/dev/console` is it, `/dev/tty` is the caller's controlling terminal.
use super::file::TerminalFile;
use super::job_control;
use super::terminal::{Backend, Terminal};
use crate::console::{self, HostStream, Stream, TerminalInput};
use crate::errno::{Errno, Result};
use crate::fs::{DeviceNumber, File, OpenFile, device, open_for_kernel};
use crate::task::{Pid, Task, table};
use abi::Winsize;
use abi::linux::O_RDWR;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, Ordering};
use machine::sync::{Once, WaitError};
use machine::thread::CurrentThread;

/// Credit is given back to the host in pieces of at least this size.
const CREDIT_BYTES: u32 = 4096;

static CONSOLE: Once<Arc<Terminal>> = Once::new();

/// The control channel as a terminal's other side.
struct HostTerminal {
    /// Taken and not yet given back as credit.
    owed: AtomicU32,
}

impl Backend for HostTerminal {
    fn show(&self, cx: &mut CurrentThread, bytes: &[u8]) {
        console::write_output(cx, Stream::Terminal, bytes);
    }
    fn has_room(&self, cx: &CurrentThread) -> bool {
        console::has_room(cx)
    }
    fn wait_for_room(&self, cx: &mut CurrentThread) -> core::result::Result<(), WaitError> {
        console::wait_for_room(cx)
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
    let backend = Arc::new(HostTerminal { owed: AtomicU32::new(0) });
    let terminal = CONSOLE.call_once(|| Terminal::new(backend, rows, columns)).clone();
    console::set_terminal(cx, Arc::new(ConsoleInput(terminal.clone())), takes_input);
    terminal
}

/// The console's terminal, once there is one.
pub fn console_terminal() -> Option<&'static Arc<Terminal>> {
    CONSOLE.get()
}

/// The session's leader has ended: its terminal is free again.
pub fn session_ended(cx: &CurrentThread, session: Pid) {
    if let Some(terminal) = CONSOLE.get() {
        job_control::release_session(cx, terminal, session);
    }
}

/// The terminal that controls the caller's session.
pub fn controlling_terminal(cx: &CurrentThread) -> Option<Arc<Terminal>> {
    let task = Task::current(cx)?;
    let (_, _, session) = table::place_of(cx, task.process().pid())?;
    let terminal = CONSOLE.get()?;
    (terminal.state.lock(cx).session == session).then(|| terminal.clone())
}

fn open_console(cx: &mut CurrentThread, flags: u32) -> Result<Arc<dyn File>> {
    let terminal = CONSOLE.get().ok_or(Errno::ENXIO)?;
    // A session leader without a terminal gets the one it opens, unless it says otherwise. Failing that, it goes without.
    if flags & abi::linux::O_NOCTTY == 0 && controlling_terminal(cx).is_none() {
        let _ = job_control::take_control(cx, terminal, false);
    }
    Ok(TerminalFile::new(terminal.clone()))
}

fn open_tty(cx: &mut CurrentThread, _flags: u32) -> Result<Arc<dyn File>> {
    let terminal = controlling_terminal(cx).ok_or(Errno::ENXIO)?;
    Ok(TerminalFile::new(terminal))
}

/// The console becomes the controlling terminal of the caller's session, with the caller's group in front. For the first
/// program, whose descriptors the kernel opened.
pub fn take_console(cx: &CurrentThread) -> Result<()> {
    let terminal = CONSOLE.get().ok_or(Errno::ENOTTY)?;
    job_control::take_control(cx, terminal, false)
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

/// Registers the nodes.
pub fn register_devices(cx: &mut CurrentThread) -> Result<()> {
    device::register(cx, "console", DeviceNumber::new(5, 1), 0o600, Arc::new(open_console))?;
    device::register(cx, "tty", DeviceNumber::new(5, 0), 0o666, Arc::new(open_tty))
}
