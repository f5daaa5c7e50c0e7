//! The sampling profiler's half in the kernel: at a given rate each CPU's timer interrupt notes what it came upon, with the stacks of
//! kernel and program; and where a thread waited, if that is wanted too; or it fires a probe instead. No CPU, thread or memory is needed while it runs.
//!
//! `clock` says when a CPU is to be sampled, `walk` follows stacks, `copy` takes along what an unwinder needs, `take` puts samples into one ring per CPU. Called by
//! `time::timer` (the interrupt), `thread::scheduler` (switches), and by `kernel`, which starts, stops and empties the rings.
//! The format is `wire::sample`'s.
mod clock;
mod copy;
mod take;
pub(crate) mod walk;

pub(crate) use clock::{SampleClock, due, look_again, resume};
pub use clock::{fires_probe, rate, start, start_probe, stop, stop_probe};
pub use take::{Empty, counts, waiting};
pub(crate) use take::{note_off_cpu, wants_off_cpu};
pub(crate) use walk::note_user_context;
pub use wire::sample::{Counts, Wish};
