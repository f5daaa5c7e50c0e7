//! Terminal control: `ioctl_tty(2)`. Requests that make no sense on this terminal answer ENOTTY, as unknown ones do.
//!
//! [`of_terminal`] serves programs on a terminal; [`of_line`] has what the master of a pseudo-terminal may ask as well.
use super::terminal::{Speeds, Terminal};
use super::{control, job_control};
use crate::errno::{Errno, Result};
use crate::fs::OpenFile;
use crate::task::{Capability, Task};
use crate::user_memory::UserPtr;
use abi::{Termio, Termios, Termios2, Winsize, ioctl};
use alloc::sync::Arc;
use machine::addr::UserAddr;
use machine::thread::CurrentThread;
use pure::line_discipline::{Settings, cc};

/// `tcflow` arguments.
mod flow {
    pub(super) const TCOOFF: usize = 0;
    pub(super) const TCOON: usize = 1;
    pub(super) const TCIOFF: usize = 2;
    pub(super) const TCION: usize = 3;
}
/// `tcflush` arguments.
pub(super) mod flush {
    pub(in crate::tty) const TCIFLUSH: usize = 0;
    pub(in crate::tty) const TCOFLUSH: usize = 1;
    pub(in crate::tty) const TCIOFLUSH: usize = 2;
}

/// Bits of the control flags that code the output speed; the input speed's are 16 bits higher.
const SPEED_BITS: u32 = 0o10017;
/// The speed stands in a field of its own.
const SPEED_APART: u32 = 0o10000;
/// CSIZE and PARENB; CS8 and CREAD. A pseudo-terminal's bytes have eight bits and no parity.
const CHARACTER_BITS: u32 = 0o60 | 0o400;
const EIGHT_BITS: u32 = 0o60 | 0o200;

/// Baud by code: 0 to 15, and 0o10001 on.
const SPEEDS: [u32; 31] = [
    0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400, 57600, 115_200, 230_400,
    460_800, 500_000, 576_000, 921_600, 1_000_000, 1_152_000, 1_500_000, 2_000_000, 2_500_000, 3_000_000, 3_500_000,
    4_000_000,
];

fn to_termios(settings: &Settings) -> Termios {
    Termios {
        input: settings.iflag,
        output: settings.oflag,
        control: settings.cflag,
        local: settings.lflag,
        line: 0,
        characters: settings.cc,
    }
}

/// The older structure, which has half of it.
fn to_termio(termios: &Termios) -> Termio {
    let mut termio = Termio {
        // CAST: the lower halves are meant.
        input: termios.input as u16,
        output: termios.output as u16,
        control: termios.control as u16,
        local: termios.local as u16,
        line: termios.line,
        ..Termio::default()
    };
    let count = termio.characters.len();
    termio.characters.copy_from_slice(&termios.characters[..count]);
    termio
}

/// What it sets; the rest stays as in `old`.
fn from_termio(termio: &Termio, old: Termios) -> Termios {
    let with_low = |old: u32, low: u16| old & !0xffff | u32::from(low);
    let mut new = Termios {
        input: with_low(old.input, termio.input),
        output: with_low(old.output, termio.output),
        control: with_low(old.control, termio.control),
        local: with_low(old.local, termio.local),
        line: termio.line,
        ..old
    };
    new.characters[..termio.characters.len()].copy_from_slice(&termio.characters);
    new
}

fn to_settings(termios: &Termios, is_pseudo: bool) -> Settings {
    let cflag = if is_pseudo { termios.control & !CHARACTER_BITS | EIGHT_BITS } else { termios.control };
    Settings { iflag: termios.input, oflag: termios.output, cflag, lflag: termios.local, cc: termios.characters }
}

/// The speeds that control flags code, `given` where they say that it stands apart.
fn speeds(control: u32, given: Speeds) -> Speeds {
    let decode = |code: u32, apart: u32| match code {
        SPEED_APART => apart,
        // CAST: five bits.
        code if code & SPEED_APART != 0 => SPEEDS.get((code & !SPEED_APART) as usize + 15).copied().unwrap_or(0),
        code => SPEEDS[code as usize & 15],
    };
    let output = decode(control & SPEED_BITS, given.output);
    let input = match control >> 16 & SPEED_BITS {
        0 => output,
        code => decode(code, given.input),
    };
    Speeds { input, output }
}

/// Serves a request of a program on `terminal`.
pub(super) fn of_terminal(
    cx: &mut CurrentThread,
    terminal: &Arc<Terminal>,
    open: &OpenFile,
    request: u32,
    argument: UserAddr,
) -> Result<u64> {
    match request {
        ioctl::TIOCNOTTY => control::give_up(cx, terminal)?,
        ioctl::FIONREAD => {
            let bytes = terminal.state.lock(cx).discipline.readable_bytes();
            // CAST: at most the line discipline's capacity.
            UserPtr::<u32>::new(argument).write(cx, &(bytes as u32))?;
        }
        // LINUX: what a pseudo-terminal's master has not read yet does not count.
        ioctl::TIOCOUTQ => {
            let bytes = if terminal.is_pseudo() { 0 } else { terminal.state.lock(cx).discipline.output_bytes() as u32 };
            UserPtr::<u32>::new(argument).write(cx, &bytes)?;
        }
        ioctl::TCSBRK | ioctl::TCSBRKP | ioctl::TIOCSBRK => {
            job_control::check_change(cx, terminal)?;
            terminal.backend.submit(cx);
        }
        ioctl::TIOCCBRK => job_control::check_change(cx, terminal)?,
        ioctl::TCXONC => {
            job_control::check_change(cx, terminal)?;
            set_flow(cx, terminal, argument.0)?;
        }
        ioctl::TCFLSH => {
            job_control::check_change(cx, terminal)?;
            if !matches!(argument.0, flush::TCIFLUSH | flush::TCOFLUSH | flush::TCIOFLUSH) {
                return Err(Errno::EINVAL);
            }
            if argument.0 != flush::TCOFLUSH {
                terminal.flush_input(cx, true);
            }
            if argument.0 != flush::TCIFLUSH {
                terminal.flush_output(cx);
            }
        }
        ioctl::TIOCSETD => {
            job_control::check_change(cx, terminal)?;
            // The one line discipline there is.
            if UserPtr::<u32>::new(argument).read(cx)? != 0 {
                return Err(Errno::EINVAL);
            }
        }
        // LINUX: only the superuser may type for others (`dev.tty.legacy_tiocsti` is 0).
        ioctl::TIOCSTI => {
            if !may_administer(cx) {
                return Err(Errno::EIO);
            }
            let byte = UserPtr::<u8>::new(argument).read(cx)?;
            terminal.type_in(cx, &[byte]);
        }
        ioctl::TIOCVHANGUP => {
            if !may_administer(cx) {
                return Err(Errno::EPERM);
            }
            control::hang_up(cx, terminal, false);
        }
        ioctl::TIOCEXCL | ioctl::TIOCNXCL => {
            terminal.state.lock(cx).is_exclusive = request == ioctl::TIOCEXCL;
        }
        ioctl::TIOCGEXCL => {
            let is_exclusive = terminal.state.lock(cx).is_exclusive;
            UserPtr::<u32>::new(argument).write(cx, &u32::from(is_exclusive))?;
        }
        _ => return of_line(cx, terminal, open, false, request, argument),
    }
    Ok(0)
}

/// Serves a request that means the terminal from whichever side it comes.
pub(super) fn of_line(
    cx: &mut CurrentThread,
    terminal: &Arc<Terminal>,
    open: &OpenFile,
    is_from_master: bool,
    request: u32,
    argument: UserAddr,
) -> Result<u64> {
    match request {
        ioctl::TCGETS => {
            let termios = to_termios(&terminal.settings(cx));
            UserPtr::<Termios>::new(argument).write(cx, &termios)?;
        }
        ioctl::TCGETA => {
            let termio = to_termio(&to_termios(&terminal.settings(cx)));
            UserPtr::<Termio>::new(argument).write(cx, &termio)?;
        }
        ioctl::TCSETA | ioctl::TCSETAW | ioctl::TCSETAF => {
            job_control::check_change(cx, terminal)?;
            let termio = UserPtr::<Termio>::new(argument).read(cx)?;
            let given = terminal.state.lock(cx).speeds;
            let termios = from_termio(&termio, to_termios(&terminal.settings(cx)));
            set(cx, terminal, &termios, given, request == ioctl::TCSETAF);
        }
        ioctl::TCGETS2 => {
            let (base, speeds) = {
                let state = terminal.state.lock(cx);
                (to_termios(state.discipline.settings()), state.speeds)
            };
            let termios = Termios2 { base, input_speed: speeds.input, output_speed: speeds.output };
            UserPtr::<Termios2>::new(argument).write(cx, &termios)?;
        }
        ioctl::TCSETS | ioctl::TCSETSW | ioctl::TCSETSF => {
            job_control::check_change(cx, terminal)?;
            let termios = UserPtr::<Termios>::new(argument).read(cx)?;
            let given = terminal.state.lock(cx).speeds;
            set(cx, terminal, &termios, given, request == ioctl::TCSETSF);
        }
        ioctl::TCSETS2 | ioctl::TCSETSW2 | ioctl::TCSETSF2 => {
            job_control::check_change(cx, terminal)?;
            let termios = UserPtr::<Termios2>::new(argument).read(cx)?;
            let given = Speeds { input: termios.input_speed, output: termios.output_speed };
            set(cx, terminal, &termios.base, given, request == ioctl::TCSETSF2);
        }
        ioctl::TIOCGWINSZ => {
            let window = terminal.state.lock(cx).window;
            UserPtr::<Winsize>::new(argument).write(cx, &window)?;
        }
        ioctl::TIOCSWINSZ => {
            let window = UserPtr::<Winsize>::new(argument).read(cx)?;
            terminal.resize(cx, window);
        }
        ioctl::TIOCGPGRP => {
            let group = job_control::foreground(cx, terminal, is_from_master)?;
            UserPtr::<u32>::new(argument).write(cx, &group)?;
        }
        ioctl::TIOCSPGRP => {
            job_control::check_set_foreground(cx, terminal)?;
            let group = UserPtr::<i32>::new(argument).read(cx)?;
            job_control::set_foreground(cx, terminal, group)?;
        }
        ioctl::TIOCGSID => {
            let session = job_control::session(cx, terminal, is_from_master)?;
            UserPtr::<u32>::new(argument).write(cx, &session)?;
        }
        ioctl::TIOCSCTTY => control::take(cx, terminal, argument.0 == 1, open.is_readable())?,
        ioctl::TIOCGDEV => {
            // CAST: the encoding of small numbers has 32 bits.
            UserPtr::<u32>::new(argument).write(cx, &(terminal.device().encoded() as u32))?;
        }
        ioctl::TIOCGETD => UserPtr::<u32>::new(argument).write(cx, &0)?,
        _ => return Err(Errno::ENOTTY),
    }
    Ok(0)
}

fn may_administer(cx: &CurrentThread) -> bool {
    Task::current(cx).is_some_and(|task| task.credentials(cx).may(Capability::Admin))
}

/// `tcsetattr`. Output has left by the time a write returns, or is the master's to take.
fn set(cx: &mut CurrentThread, terminal: &Terminal, termios: &Termios, given: Speeds, must_flush_input: bool) {
    if must_flush_input {
        terminal.flush_input(cx, false);
    }
    let settings = to_settings(termios, terminal.is_pseudo());
    terminal.set_settings(cx, settings, speeds(termios.control, given));
}

/// `tcflow`.
fn set_flow(cx: &mut CurrentThread, terminal: &Terminal, action: usize) -> Result<()> {
    let place = match action {
        flow::TCOOFF | flow::TCOON => {
            terminal.set_stopped(cx, action == flow::TCOOFF);
            return Ok(());
        }
        flow::TCIOFF => cc::VSTOP,
        flow::TCION => cc::VSTART,
        _ => return Err(Errno::EINVAL),
    };
    let byte = terminal.settings(cx).cc[place];
    if byte != 0 {
        terminal.state.lock(cx).discipline.send(byte);
        terminal.backend.show(cx, terminal);
    }
    Ok(())
}
