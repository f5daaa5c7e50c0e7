//! Starting programs: execve in two steps.
//!
//! [`prepare`] does everything that may fail — find the file, follow `#!` lines, read the ELF headers, build a *new* address
//! space that nobody runs in, lay out the first stack — and leaves the caller as it was. [`PreparedExec::commit`] cannot fail: it
//! swaps the space, closes descriptors, resets signals and sets the registers. There is no moment at which a program is half
//! replaced, and no global "next" state.
//!
//! Called by `syscall/exec.rs` and, for the first program, by `task`. Format knowledge is in `pure::{elf_image, script_line,
//! stack_image}`.
pub mod arguments;
mod auxiliary;
pub mod commit;
mod credentials;
mod load;
pub mod prepare;
pub mod vdso;

pub use commit::PreparedExec;
pub use prepare::{ExecRequest, prepare};
pub use pure::stack_image::Strings;
