//! What the first instructions of programs' functions do. A probe puts a breakpoint over such an instruction; when it is hit, the kernel does
//! what the instruction would have done. Only those are known that functions mostly begin with; a function that begins with another has
//! no probe.
//!
//! Registers are words in the order in which debuggers get them: `user_regs_struct` on x86-64 ([`x86`]), `user_pt_regs` on ARM64
//! ([`arm`]). Nothing is changed when memory cannot be reached.
pub mod arm;
pub mod x86;

/// Most bytes of an instruction.
pub const MOST_BYTES: usize = 15;

/// The program's memory.
pub trait Memory {
    /// Reads a little-endian number of 4 or 8 bytes.
    fn load(&mut self, address: u64, bytes: usize) -> Option<u64>;
    /// Writes words, the first at `address`; all or, as far as the program can tell, none.
    fn store(&mut self, address: u64, words: &[u64]) -> bool;
}

/// Memory could not be reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Where.
    pub address: u64,
    /// By a write.
    pub is_write: bool,
}
