//! The kernel's end of the control channel: what programs and the kernel say to the host and the host says to them.
//!
//! A driver registers itself as the [`Channel`]; without one, output goes to the UART and there is no input. `output` is
//! what goes out, `input` what comes in. The frames are `wire::control`'s.
mod channel;
mod input;
mod output;

pub use channel::{Channel, flush, register};
pub use input::{Input, TerminalInput, channel_lost, input, receive, set_signal_handler, set_terminal};
pub use output::{Stream, exit, is_closed, report, send_credit, start_failed, strace_line, write_output};
