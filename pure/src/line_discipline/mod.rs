//! A terminal's line discipline as POSIX and Linux's `n_tty` have it: bytes typed go in at one end; what the program reads, what
//! the terminal shows and which signals are due come out. No locks, no waiting: the tty around it does both.
//!
//! Main types: [`LineDiscipline`], [`Settings`] (Linux's `termios`, whose values are the same on both architectures).
//! `discipline` holds the state and what changes it as a whole, `input` takes what is typed, `erase` edits the line, `echo`
//! keeps what is to be shown of it, `output` processes what goes to the terminal. Called by `kernel::tty`.
//!
//! # Invariants
//! Every queue is bounded: [`CAPACITY`] bytes unread, as many echoes, [`OUTPUT_CAPACITY`] bytes on the way out. What has no
//! room waits outside; only a line that is being edited goes on taking bytes, so that it can be ended.
//!
//! Sources: POSIX.1-2017 chapter 11; what Linux 6 does was seen by typing at its pseudo-terminals (`user/line_discipline_test.c`).
mod character;
mod discipline;
mod echo;
mod erase;
mod input;
mod output;
mod settings;
#[cfg(test)]
mod tests;

pub use discipline::{CAPACITY, LineDiscipline, OUTPUT_CAPACITY, Outcome, Packet, Signal};
pub use settings::{NCCS, Settings, cc, iflag, lflag, oflag};
