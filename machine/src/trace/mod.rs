//! Tracing: the mechanism. Probes, per-CPU rings of records, per-CPU counters, and the dump after a failure.
//!
//! Providers of this crate's own events are in [`providers`]; those of Linux's events are declared by `kernel`. Called by
//! everyone, from any context: firing a probe and counting take no lock and no memory and work in interrupt handlers.
//! The formats are `wire::trace`'s, the ring's algorithm is `pure::trace_ring`'s.
//!
//! `xtask build --untraced` makes a kernel in which probes, counters and the profiler's hooks are nothing: what `ochre bench trace` compares
//! with, and good for nothing else.
mod consumer;
pub(crate) mod cost;
pub(crate) mod counter;
mod dump;
pub(crate) mod flight;
pub mod layout;
mod probe;
pub mod providers;
mod ring;

/// Whether probes and counters are compiled in.
pub const IS_TRACED: bool = !cfg!(ochre_untraced);

pub(crate) use consumer::{Boundary, fire_at_boundary, fire_from_interrupt};
pub use consumer::{Consumer, Fired, fire, missed, set_consumer};
pub use counter::{add, count, per_cpu, total};
pub use dump::{dump, dump_switches, lost_of};
pub use probe::{
    Argument, Probe, ProbeValue, Provider, enable_matching, matches, providers as each_provider, register, set_watched,
};
#[doc(hidden)]
pub use ring::record_exact as record;
pub(crate) use ring::{PerCpu, fail_inside, set_current_thread};
pub use ring::{current_thread, drain, init, read, ring_records, visit};
pub use wire::trace::{ArgumentKind, Counter, Head, Record, Stability};
