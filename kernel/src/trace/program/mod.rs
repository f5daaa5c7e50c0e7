//! The trace program of a run: loaded once, before the program starts; run by the probes it is for; told at the end, or when it asks for it.
//!
//! The host sends it in pieces ([`Kind::Program`](wire::observe::Kind::Program), each after a byte that is 1 for the last). It is verified here
//! ([`Program::decode`](pure::trace_program::Program::decode)) whatever the tool did. Its clauses run where the probes stand, with interrupts
//! off: what they touch is per CPU or atomic, and was allocated when the program was loaded. What finds no place is counted and told as
//! `Dropped::Updates` and `Dropped::Kept`.
//!
//! Besides the probes of the kernel there are some of the program itself, whose numbers belong to no provider: `BEGIN`, `END`, `PROFILE`, fired by
//! the CPUs' clocks as often as the host said before the program; and `TICK` and the following, fired by the observation channel's thread, whose
//! intervals came before the program, too.
//!
//! `load` takes what the host sends, `world` runs clauses, `keep` has the stacks and texts they keep, `tell` sends what was gathered.
mod keep;
mod load;
mod tell;
mod world;

pub(crate) use load::start;
pub(crate) use tell::before_mark;
