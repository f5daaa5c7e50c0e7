//! Probes at the boundaries of the kernel's functions: breakpoints over a function's first instruction, or over all that leave it, while somebody
//! wants to know, nothing at all otherwise (`docs/notes/0007-function-probes-are-breakpoints.md`).
//!
//! - [`table`]: which addresses have a probe: found without a lock from a trap, only ever added to.
//! - [`arm`]: which functions are offered, and writing the breakpoints.
//! - [`returns`]: where functions are left.
//! - [`hold`]: the other CPUs stand still while code changes.
//!
//! A function begins with an instruction that means the same anywhere (it saves the frame pointer or makes room on the stack). It is
//! copied once into a slot of the image's code, followed by a branch to the instruction after it. The trap tells the consumer
//! and goes on in the slot: nothing is emulated, and an interrupt, a nested trap or a switch in the slot is like any other.
//! What leaves a function (`pure::returns`) is moved likewise: a return and a jump by a register are what they were, a jump to an address
//! gets the new distance. The stack and its return addresses are never touched.
//!
//! A slot belongs to its place for ever, so a thread that was preempted in one finds it as it was.
//!
//! # Invariants
//! Only functions that `wire::symbols::may_have_probe` names have probes: nothing between the trap and the consumer's guard against itself does.
mod arm;
mod hold;
mod returns;
mod table;

pub use arm::{Refused, add, add_returns, set_armed};
pub(crate) use hold::interrupt as hold_interrupt;
pub use table::{MOST, count};

use crate::{fail, trace};

/// What the trap found.
pub(crate) struct Registers<'a> {
    /// Where C's functions have their arguments.
    pub(crate) arguments: &'a [u64],
    /// Where C's functions leave what they return.
    pub(crate) results: &'a [u64],
    /// The program counter as the trap's own frame record has it.
    pub(crate) saved: u64,
    /// Finds the address to which the function that begins or is left returns.
    pub(crate) caller: &'a dyn Fn() -> u64,
}

/// A breakpoint of the kernel at `address` was hit: tells of it and answers where to go on. `None`: it is none of ours. Interrupts are off.
pub(crate) fn hit(address: usize, registers: &Registers<'_>) -> Option<usize> {
    let found = table::find(address)?;
    // A failing kernel tells its own story.
    if !fail::has_failed() {
        let values = if found.is_return { registers.results } else { registers.arguments };
        // CAST: an address.
        let boundary =
            trace::Boundary { saved: registers.saved, address: address as u64, caller: (registers.caller)() };
        trace::fire_at_boundary(found.number, values, boundary);
    }
    Some(table::slot_address(found.slot))
}
