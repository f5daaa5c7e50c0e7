//! From clauses to the program that the kernel runs, once the guest has told its probes.
//!
//! A clause is compiled for each of its probes by itself: what `arg0`, `probename` or an argument's name means differs. Probes for which the
//! same comes out share it. Registers are a stack: an expression's value goes where its caller says, what it needs meanwhile above.
//!
//! For system calls, arguments are counted as DTrace's users know it: at `entry` arg0 is the call's first argument, at `return` arg0 and arg1 are the
//! result; `probefunc` is the call's name. Every argument also has a name.
//!
//! `program` goes through the clauses, `events` finds the probes that a pattern means; for one clause and one probe, `body` has the registers and
//! jumps, `statement` the actions, `aggregate` the aggregations and `handle` what is done with them, `expression`, `compare`, `name` and `text` the
//! values.
mod aggregate;
mod body;
mod compare;
mod events;
mod expression;
mod handle;
mod name;
mod program;
mod statement;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use program::compile;
