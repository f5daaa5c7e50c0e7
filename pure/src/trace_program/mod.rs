//! Trace programs: what the tool compiles from the user's words and the kernel runs when a probe fires.
//!
//! A [`Program`] is a list of clauses, each for some probes, and of the tables its aggregations need. A clause is a sequence of
//! [`Instruction`]s for a machine with sixteen registers of 64 bits. Jumps go forward only, so a clause ends after at most as many steps as it
//! has instructions, of which only a few may walk a stack or read a text; there is no memory to address but a program's texts, whose reading
//! never faults; what can fail (a division by zero) ends the clause. [`Program::decode`] is the
//! verifier: it trusts nothing of what came over the channel, and what it answers cannot do harm, which the tests show with random programs.
//!
//! `instruction` has the machine's words and their encoding, `image` the program's encoding and its verification, `run` the interpreter over an
//! [`Environment`], `table` the aggregations of one CPU, `interner` the stacks and texts that are kept, `variables` the threads' own variables. No locks; memory is taken only while a
//! program is loaded.
mod image;
mod instruction;
mod interner;
mod run;
mod table;
mod variables;

pub use image::{
    Clause, MAX_FRAMES, MAX_GLOBALS, MAX_IMAGE, MAX_INSTRUCTIONS, MAX_KEEPS, MAX_LOCALS, MAX_TABLES, MAX_TEXT_BYTES,
    MAX_TEXTS, Program, Refused,
};
pub use instruction::{Binary, Instruction, Keep, REGISTERS, Source, Unary};
pub use interner::{Interner, Kept, MAX_KEPT_WORDS};
pub use run::{ClauseVariables, DividedByZero, Environment, MAX_CLAUSE_VARIABLES, run};
pub use table::{Aggregate, QUANTIZE_BUCKETS, Shape, Table, linear_bucket, power_bucket};
pub use variables::Variables;
