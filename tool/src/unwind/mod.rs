//! Finding a program's callers from a copy of its registers and of a piece of its stack, by what compilers tell of each instruction
//! (`.eh_frame`): also where no frame pointers are kept.
//!
//! `registers` is the state that goes from frame to frame, `stack` the piece of memory, `table` what a file tells, `signal` the frames that the kernel made,
//! and `walk` goes from the innermost function to the outermost. `profile::resolve` calls it with the files of the root. Everything comes from
//! files and from a guest, so anything may stand there: a walk ends where something is not there, and has a bound.
mod registers;
mod signal;
mod stack;
mod table;
mod walk;

pub(crate) use registers::Registers;
pub(crate) use signal::is_return;
pub(crate) use stack::StackCopy;
pub(crate) use table::{FrameTable, Step};
pub(crate) use walk::{Code, Walk, walk};
