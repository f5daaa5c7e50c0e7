//! Probes at the boundaries of the kernel's functions: a breakpoint over a function's first instruction while somebody wants to know, nothing
//! at all otherwise (`docs/notes/0007-function-probes-are-breakpoints.md`).
//!
//! - [`table`]: which addresses have a probe: found without a lock from a trap, only ever added to.
//! - [`arm`]: which functions are offered, and writing the breakpoints.
//! - [`hold`]: the other CPUs stand still while code changes.
//!
//! A function begins with an instruction that means the same anywhere (it saves the frame pointer or makes room on the stack). It is
//! copied once into a slot of the image's code, followed by a branch to the instruction after it. The trap tells the consumer
//! (`trace::fire`) and goes on in the slot: nothing is emulated, and an interrupt, a nested trap or a switch in the slot is like any other.
//! A slot belongs to its function for ever, so a thread that was preempted in one finds it as it was.
//!
//! # Invariants
//! Only functions that `wire::symbols::may_have_probe` names have probes: nothing between the trap and the consumer's guard against itself does.
mod arm;
mod hold;
mod table;

pub use arm::{Refused, add, set_armed};
pub(crate) use hold::interrupt as hold_interrupt;
pub use table::{MOST, count};

use crate::{fail, trace};

/// A breakpoint of the kernel at `address` was hit, with these values in the argument registers: tells of it and answers where to go on.
/// `None`: it is none of ours. Interrupts are off.
pub(crate) fn hit(address: usize, arguments: &[u64]) -> Option<usize> {
    let found = table::find(address)?;
    // A failing kernel tells its own story.
    if !fail::has_failed() {
        trace::fire(found.number, arguments);
    }
    Some(table::slot_address(found.slot))
}
