//! The kernel's end of the control channel: what programs and the kernel say to the host and the host says to them.
//!
//! A driver registers itself as the [`Channel`]; without one, output goes to the UART and there is no input. `output` is
//! what goes out, `input` what comes in. The frames are `wire::control`'s.
mod channel;
mod input;
mod output;
mod streams;

pub use channel::{Channel, ROOM_BYTES, flush, register};
pub use input::{Input, TerminalInput, channel_lost, input, receive, set_signal_handler, set_terminal};
pub use output::{
    Stream, exit, has_room, is_closed, report, room, send_credit, start_failed, strace, submit, wait_for_room,
    write_output,
};
pub use streams::HostStream;
