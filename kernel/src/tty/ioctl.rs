//! Terminal control: `ioctl_tty(2)`. Requests that make no sense on this terminal answer ENOTTY, as unknown ones do.
use super::job_control;
use super::terminal::Terminal;
use crate::errno::{Errno, Result};
use crate::user_memory::UserPtr;
use abi::{Termios, Termios2, Winsize, ioctl};
use alloc::sync::Arc;
use machine::addr::UserAddr;
use machine::thread::CurrentThread;
use pure::line_discipline::Settings;

/// Baud of a console whose speed means nothing: B38400.
const SPEED: u32 = 38_400;
/// `tcflow` arguments.
mod flow {
    pub(super) const TCOOFF: usize = 0;
    pub(super) const TCOON: usize = 1;
    pub(super) const TCIOFF: usize = 2;
    pub(super) const TCION: usize = 3;
}
/// `tcflush` arguments.
mod flush {
    pub(super) const TCIFLUSH: usize = 0;
    pub(super) const TCOFLUSH: usize = 1;
    pub(super) const TCIOFLUSH: usize = 2;
}

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

fn to_settings(termios: &Termios) -> Settings {
    Settings {
        iflag: termios.input,
        oflag: termios.output,
        cflag: termios.control,
        lflag: termios.local,
        cc: termios.characters,
    }
}

/// Serves a request on `terminal`.
pub(super) fn ioctl(cx: &mut CurrentThread, terminal: &Arc<Terminal>, request: u32, argument: UserAddr) -> Result<u64> {
    match request {
        ioctl::TCGETS => {
            let termios = to_termios(&terminal.settings(cx));
            UserPtr::<Termios>::new(argument).write(cx, &termios)?;
        }
        ioctl::TCGETS2 => {
            let base = to_termios(&terminal.settings(cx));
            let termios = Termios2 { base, input_speed: SPEED, output_speed: SPEED };
            UserPtr::<Termios2>::new(argument).write(cx, &termios)?;
        }
        ioctl::TCSETS | ioctl::TCSETSW | ioctl::TCSETSF => {
            let termios = UserPtr::<Termios>::new(argument).read(cx)?;
            set(cx, terminal, &termios, request == ioctl::TCSETSF)?;
        }
        ioctl::TCSETS2 | ioctl::TCSETSW2 | ioctl::TCSETSF2 => {
            let termios = UserPtr::<Termios2>::new(argument).read(cx)?;
            set(cx, terminal, &termios.base, request == ioctl::TCSETSF2)?;
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
            let group = job_control::foreground(cx, terminal)?;
            UserPtr::<u32>::new(argument).write(cx, &group)?;
        }
        ioctl::TIOCSPGRP => {
            let group = UserPtr::<u32>::new(argument).read(cx)?;
            job_control::set_foreground(cx, terminal, group)?;
        }
        ioctl::TIOCGSID => {
            let session = job_control::session(cx, terminal)?;
            UserPtr::<u32>::new(argument).write(cx, &session)?;
        }
        ioctl::TIOCSCTTY => job_control::take_control(cx, terminal, argument.0 == 1)?,
        ioctl::TIOCNOTTY => job_control::give_up_control(cx, terminal)?,
        ioctl::FIONREAD => {
            let state = terminal.state.lock(cx);
            let bytes = if state.discipline.is_readable() { state.discipline.readable_bytes() } else { 0 };
            drop(state);
            // CAST: at most the line discipline's capacity.
            UserPtr::<u32>::new(argument).write(cx, &(bytes as u32))?;
        }
        // Output has left by the time a write returns.
        ioctl::TIOCOUTQ => UserPtr::<u32>::new(argument).write(cx, &0)?,
        ioctl::TCSBRK | ioctl::TCSBRKP => terminal.backend.submit(cx),
        ioctl::TCXONC => match argument.0 {
            flow::TCOOFF | flow::TCOON => {
                terminal.state.lock(cx).discipline.set_stopped(argument.0 == flow::TCOOFF);
                terminal.writable.wake_all();
            }
            // The host's keyboard cannot be stopped.
            flow::TCIOFF | flow::TCION => {}
            _ => return Err(Errno::EINVAL),
        },
        ioctl::TCFLSH => match argument.0 {
            flush::TCIFLUSH | flush::TCIOFLUSH => terminal.flush_input(cx),
            flush::TCOFLUSH => {}
            _ => return Err(Errno::EINVAL),
        },
        // The one line discipline there is.
        ioctl::TIOCGETD => UserPtr::<u32>::new(argument).write(cx, &0)?,
        ioctl::TIOCSETD => {
            if UserPtr::<u32>::new(argument).read(cx)? != 0 {
                return Err(Errno::EINVAL);
            }
        }
        _ => return Err(Errno::ENOTTY),
    }
    Ok(0)
}

fn set(cx: &mut CurrentThread, terminal: &Arc<Terminal>, termios: &Termios, must_flush_input: bool) -> Result<()> {
    job_control::check_change(cx, terminal)?;
    terminal.set_settings(cx, to_settings(termios), must_flush_input);
    Ok(())
}
