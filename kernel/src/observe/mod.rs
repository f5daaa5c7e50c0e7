//! The kernel's end of the observation channel (`wire::observe`): how what is watched leaves the machine without touching the program's output.
//!
//! Whether somebody listens [`is_on`] tells, with one load: from the start of the machine on, or while a tool is attached ([`session`]). A
//! subsystem that has something to say
//! - says it in thread context with [`send`]: sleeps while there is no room, but never for long: a host that does not read costs the
//!   frame, which is counted ([`dropped`]) and told;
//! - or keeps it in memory of its own and registers a [`Source`] with [`add_source`]: the channel's thread asks every source every few
//!   milliseconds, and once more at the end of the session, before `End`; if that is the program's end, before its status.
//!
//! What the host wishes arrives as whole frames at the function that registered for its kind with [`on_request`], in the channel's
//! receiving thread, before the program starts (`Start` ends the wait, see [`wait_for_start`]) or while it runs. What a session asked for ends with
//! it: a source forgets its wishes when it is asked for the last time.
//!
//! `carrier` is the way to the device, `session` its beginnings and ends, `thread` the draining, `request` the host's wishes, `records` the source that follows the trace
//! rings, `samples` that of the profiler, `metrics` that of counts, `process` what happens to processes.
//!
//! Locks: `OBSERVE_SESSION`, held by whoever begins or ends a session or grants a wish; `OBSERVE_DRAIN`, held by whoever asks the sources.
mod carrier;
mod metrics;
mod process;
mod records;
mod request;
mod samples;
mod session;
mod thread;

pub use carrier::{Carrier, dropped, lose, send, try_send};
pub use process::{copy_of_path, created, ended, executed, mapped, renamed};
pub use request::{Receiver, Request, on_request, refuse, wait_for_start};
pub use session::{finish, is_expected, is_for_whole_run, is_on, register};
pub use thread::{Source, add_source, end_soon};
