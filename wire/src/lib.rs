//! Ochre's words: the formats in which the kernel and the host tool speak to each other.
//!
//! Leaf crate, `no_std`, no allocation: the kernel links it, the tool links it, and every decoder is tested
//! and fuzzed on the host. Each format carries a version and says what a reader does with what it doesn't know.
//! What belongs here: layouts, encoders, decoders. What does not: who sends them, and when.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod config;
pub mod control;
pub mod layout;
pub mod observe;
pub mod sample;
pub mod strace;
pub mod symbols;
#[cfg(test)]
mod test_random;
pub mod trace;
