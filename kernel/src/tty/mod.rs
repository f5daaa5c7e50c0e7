//! Terminals as programs see them: the console's, and pseudo-terminals.
//!
//! [`Terminal`] joins a line discipline (`pure::line_discipline`) to what is on its other side and to job control: `input` is
//! what is typed, `transfer` what programs read and write, `control` which session it belongs to, `job_control` which group is
//! in front. `file` is what descriptors refer to, `ioctl` what `tcgetattr` and its like do; `console` has the host as its other
//! side, `pty` another program. The nodes are in `device` and in [`crate::fs::devpts`].
mod console;
mod control;
mod device;
mod file;
mod input;
mod ioctl;
mod job_control;
mod pty;
mod terminal;
mod transfer;

pub use console::{console_terminal, flush_console, standard_files, start_console, take_console};
pub use control::{TerminalTie, controlling_terminal, finish_hang_ups, hang_up_own, leader_ends};
pub use device::{PTMX, register_devices};
pub use file::TerminalFile;
pub use pty::MasterFile;
pub(crate) use pty::{new_terminal as new_pseudo_terminal, open_master};
pub use terminal::{Backend, Terminal};
