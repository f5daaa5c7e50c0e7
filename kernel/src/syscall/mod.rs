//! System calls: one table ([`table`]), the way from the trap to a handler and back ([`dispatch`]), argument types
//! ([`argument`]), and one file of handlers per subject.
//!
//! To add a call: write `sys_<name>` in its subject file and one row in the file of the same name under `table/`.
mod ancillary;
pub mod argument;
pub mod attributes;
pub mod call;
pub mod capability;
pub mod descriptor;
pub mod directory;
pub mod dispatch;
pub mod epoll;
pub mod exec;
pub mod extended_attributes;
pub mod file_times;
pub mod futex;
pub mod handle;
pub mod identity;
pub mod inotify;
pub mod memory;
pub mod message;
pub mod message_queue;
pub mod misc;
pub mod mount;
pub mod open;
pub mod pidfd;
pub mod pipe;
mod place;
pub mod poll;
pub mod posix_queue;
pub mod process;
pub mod ptrace;
pub mod read_write;
mod room;
pub mod schedule;
pub mod semaphore;
pub mod share;
pub mod shared_memory;
pub mod signal;
pub mod socket;
pub mod splice;
pub mod strace;
pub mod table;
pub mod thread;
pub mod time;
pub mod timer;
pub mod unknown;
pub mod vsyscall;

pub use argument::Fd;
pub use call::Call;
