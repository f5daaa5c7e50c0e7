//! System calls as text, in the form that strace's users know: `openat(AT_FDCWD, "x", O_RDONLY) = 3`.
//!
//! A table says how each argument is to be shown ([`Shown`], [`Data`]) and [`begin`] and [`end`] write it, reading the program's
//! memory through [`Memory`]. What can be told before the call is written by `begin`; from the first argument that the call fills,
//! `end` goes on. Nothing here can fail: an address at which nothing can be read is shown as a number, a text that is too long or
//! finds no memory is cut. The kernel calls it; it is in this crate because names and layouts are Linux's, and to be tested on the host.

use alloc::vec::Vec;

mod call;
mod control;
mod line;
pub mod names;
mod scalar;
mod shown;
mod signals;
mod sockets;
mod structures;
mod text;

pub use call::{Begun, Outcome, begin, end};
pub use line::Line;
pub use names::Names;
pub use scalar::signal;
pub use shown::{Answer, Data, Shown};
pub use signals::{exit, siginfo, sigset};
pub use text::quoted;

/// The memory of the program whose calls are shown, and its open files.
pub trait Memory {
    /// Copies from `address` on; false if some byte is not there. Changes nothing that the program could see.
    fn read(&mut self, address: u64, to: &mut [u8]) -> bool;
    /// Copies up to a zero: how many bytes stand before it; `to.len()` if there is none among so many. `None` if they are not there.
    fn read_string(&mut self, address: u64, to: &mut [u8]) -> Option<usize>;
    /// What a descriptor is of: a path, or another object's name as `/proc/self/fd` has it; of [`WORKING_DIRECTORY`] that one's path. `None` if it
    /// is not open, or such names are not wanted.
    fn name_of(&mut self, descriptor: i32) -> Option<Vec<u8>>;
}

/// The descriptor that is none: `AT_FDCWD`.
pub const WORKING_DIRECTORY: i32 = -100;

/// Reads plain data.
fn read<T: crate::Plain>(memory: &mut dyn Memory, address: u64) -> Option<T> {
    let mut value = T::new_zeroed();
    (address != 0 && memory.read(address, value.as_mut_bytes())).then_some(value)
}

#[cfg(test)]
mod tests;
