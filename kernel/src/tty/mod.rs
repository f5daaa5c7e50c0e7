//! Terminals: the console's, as programs see it. (Pseudo-terminals will be a second [`Backend`].)
//!
//! [`Terminal`] joins a line discipline (`pure::line_discipline`) to a backend and to job control; `file` is what descriptors
//! refer to, `ioctl` what `tcgetattr` and its like do, `device` the nodes `/dev/console` and `/dev/tty`.
mod device;
mod file;
mod ioctl;
mod job_control;
mod terminal;

pub use device::{
    console_terminal, controlling_terminal, register_devices, session_ended, standard_files, start_console,
    take_console,
};
pub use file::TerminalFile;
pub use terminal::{Backend, Terminal};
