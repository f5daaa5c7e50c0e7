//! Tasks: threads ([`Task`]), processes ([`Process`]), the table and tree of both ([`table`]), the user loop, and the calls
//! that make, replace, end and wait for them.
pub mod credentials;
pub mod exec;
pub mod host;
pub mod limits;
pub mod process;
pub mod table;
#[allow(clippy::module_inception, reason = "the file of the type `Task`")]
pub mod task;

pub use credentials::Credentials;
pub use limits::Limits;
pub use process::Process;
pub use task::Task;

/// A process, thread, group or session number: positive, at most [`table::PID_MAX`].
pub type Pid = u32;
