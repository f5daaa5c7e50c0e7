//! The observation channel: a second byte stream each way between guest and host, for what is watched rather than for the
//! program: trace records, samples, process events, lines of `strace`, counters. It is there if the kernel's command line says so
//! (`ochre.observe=`) and a console port is called [`PORT_NAME`]; nothing of it touches the program's output.
//!
//! It is cut into frames with the header of [`crate::control`]: kind, stream, two zeros, length; then at most [`MAX_PAYLOAD`]
//! bytes. Kinds have their own numbers, [`Kind`]; unknown ones are skipped. [`Pieces`] takes a stream apart without memory of its own;
//! whoever wants whole frames gathers the pieces. Everything is little endian.
//!
//! Order: a session begins when the machine starts (`ochre.observe=1`), or by the host's `Begin` (`ochre.observe=later`). The guest sends `Hello`,
//! what processes there are, then `Probes`; the host answers with its wishes (`Program`, `Sample`, `Query`) and
//! `Start`, for which the kernel waits before it starts the program, if it has not. The session ends with the guest's `End`, after the host's
//! `Stop`, or before the program's status goes over the control channel; another may follow. A host that does not read never stops the guest: what finds no room is dropped and counted ([`Kind::Drops`]).
//!
//! Called by `kernel::observe` and by the tool. No locks, no allocation, no panic on any input.
//!
//! `frame` has the frames, `bytes` what payloads are written and read with, `message`, `process`, `program` and `function` what stands in them.
mod bytes;
mod frame;
mod function;
mod message;
mod process;
mod program;
#[cfg(test)]
mod tests;

pub use bytes::{Reader, Writer};
pub use frame::{FILE_BEGINS, Kind, MAX_PAYLOAD, PORT_NAME, Piece, Pieces, TooLong, VERSION, encode_header};
pub use function::{FUNCTION, FUNCTION_LAST, FunctionProbe, UserFunctionProbe};
pub use message::{Dropped, Drops, Hello, MAX_RECORD_BYTES, ProbeDescription, put_record, take_record};
pub use process::{Happened, ProcessEvent};
pub use program::{
    BEGIN, END, EXIT, KEPT, KEPT_ABSENT, KEPT_COUNTER, KEPT_CUT, Kept, KeptKind, OUTPUT, OUTPUT_LAST, PROFILE, TICK,
};
