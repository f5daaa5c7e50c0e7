//! The nodes of terminals outside `/dev/pts`: `/dev/console`, `/dev/tty`, which is the caller's controlling terminal, and
//! `/dev/ptmx`, which makes a pseudo-terminal.
use super::console::console_terminal;
use super::control::controlling_terminal;
use super::file::TerminalFile;
use crate::errno::{Errno, Result};
use crate::fs::{DeviceNumber, device, devpts};
use abi::linux::O_NOCTTY;
use alloc::sync::Arc;
use machine::thread::CurrentThread;

/// The number of `/dev/ptmx`.
pub const PTMX: DeviceNumber = DeviceNumber::new(5, 2);
/// The number of `/dev/console`.
pub(super) const CONSOLE: DeviceNumber = DeviceNumber::new(5, 1);
const TTY: DeviceNumber = DeviceNumber::new(5, 0);

/// Registers the nodes.
pub fn register_devices(cx: &mut CurrentThread) -> Result<()> {
    device::register(
        cx,
        "console",
        CONSOLE,
        0o600,
        // LINUX: opening the console never makes it the controlling terminal.
        Arc::new(|cx, _, flags| Ok(TerminalFile::open(cx, console_terminal().ok_or(Errno::ENXIO)?, flags | O_NOCTTY)?)),
    )?;
    device::register(
        cx,
        "tty",
        TTY,
        0o666,
        Arc::new(|cx, _, flags| {
            let terminal = controlling_terminal(cx).ok_or(Errno::ENXIO)?;
            Ok(TerminalFile::open(cx, &terminal, flags | O_NOCTTY)?)
        }),
    )?;
    device::register(cx, "ptmx", PTMX, 0o666, Arc::new(|cx, place, _| devpts::open_ptmx(cx, place)))
}
