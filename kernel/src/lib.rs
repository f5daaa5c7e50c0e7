//! The Linux personality, in safe Rust: system calls, tasks, memory, files, signals, tracing.
//!
//! Who calls it: `image` ([`task::start_init`]), `modules` (file systems, devices), and `machine` through the hooks registered with it.
//! Rule of the house: nothing here returns `!`; ending is a value passed up to [`task`]'s user loop.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod console;
pub mod errno;
pub mod exec;
pub mod fs;
pub mod ipc;
pub mod lock_order;
pub mod mm;
pub mod net;
pub mod observe;
pub mod ptrace;
pub mod signal;
mod start;
pub mod syscall;
pub mod task;
pub mod timer;
pub mod trace;
pub mod tty;
pub mod user_memory;

pub use errno::{Errno, Restart, Result};
pub use start::start;
pub use syscall::Call;
