//! Tracing one task by another (`ptrace(2)`): what debuggers and strace are made of. Not to be confused with [`crate::trace`].
//!
//! A traced task stops at certain points: it puts a copy of its registers where its tracer finds them ([`state`]), tells the tracer as
//! a child that stops tells its parent, and sleeps until it is resumed ([`stop`]). The points: a signal about to be taken, the
//! entry and exit of system calls, and [`event`]s such as fork and exec. The tracer's side: [`tracer`] has attaching, detaching
//! and what waiting finds, [`registers`] the register sets, [`access`] who may trace whom. The call is `syscall/ptrace.rs`.
//!
//! # Invariants
//! Who traces whom is known on both sides, and both change together under the task table's lock. A tracer sees and changes a
//! task's registers only while the task is stopped for it; they reach the task when it is resumed.
pub mod access;
pub mod event;
pub mod registers;
pub mod state;
pub mod stop;
pub mod tracer;

pub use state::Tracing;
