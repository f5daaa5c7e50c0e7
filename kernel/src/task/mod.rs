//! Tasks: threads ([`Task`]), processes ([`Process`]), the table and tree of both ([`table`]), the user loop, and what
//! makes ([`mod@clone`]), replaces ([`exec`]), ends and waits for ([`wait`]) them.
pub mod capability;
pub mod clone;
mod completion;
pub mod credentials;
pub mod exec;
mod exit;
pub mod futex;
mod glance;
pub mod host;
pub mod init;
pub mod io_count;
pub mod limits;
pub mod pi_futex;
mod pi_lending;
pub mod process;
pub mod rseq;
pub mod scheduling;
pub mod table;
#[allow(clippy::module_inception, reason = "the file of the type `Task`")]
pub mod task;
pub mod usage;
mod user_loop;
pub mod wait;

pub use capability::{Capability, CapabilitySet};
pub use credentials::Credentials;
pub use init::{RunRequest, start_init};
pub use limits::Limits;
pub use process::Process;
pub use task::{RestartBlock, Task};

/// A process, thread, group or session number: positive, below [`table::PID_MAX`].
pub type Pid = u32;

/// The number of SIGCHLD, as exit signals are kept: as numbers, zero for none.
pub(crate) const SIGCHLD: i32 = 17;
