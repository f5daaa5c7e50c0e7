//! Signals: numbers and sets ([`set`]), actions ([`actions`]), what is pending ([`pending`], [`state`]), sending ([`send`]),
//! forced signals of faults ([`fault`]) and of files that became ready ([`readiness`]), and delivery on the way back to the program ([`deliver`]). The frames themselves are
//! laid out by `abi::arch`.
pub mod actions;
pub mod allowance;
pub mod deliver;
pub mod fault;
pub mod pending;
pub mod readiness;
pub mod send;
pub mod set;
pub mod state;

pub use actions::Actions;
pub use send::{send_to_group, send_to_process, send_to_task};
pub use set::{Signal, SignalSet};
pub use state::{ProcessSignals, TaskSignals};
