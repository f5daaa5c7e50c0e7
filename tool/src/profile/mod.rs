//! The profiler's half on the host: from samples to names, and from stacks to what people look at.
//!
//! `observer` conducts; `gather` takes what the guest sends (`spool` keeps the samples), `resolve` finds the names, `stacks` is the result; `folded`, `svg`, `pprof`, `speedscope` and `top` write
//! it. `output` chooses by the file's name. The guest's half is `machine::sample`, the format `wire::sample`.
mod folded;
mod gather;
pub(crate) mod observer;
pub(crate) mod output;
mod pprof;
pub(crate) mod resolve;
mod speedscope;
mod spool;
pub(crate) mod stacks;
mod svg;
mod top;
