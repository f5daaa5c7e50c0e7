//! What building and taking down a signal frame needs and gives, the same on both architectures. The layouts are in
//! `x86_64.rs` and `aarch64.rs`: `build_frame`, `frame_address`, `parse_frame`, `HEAD_WORDS`.
//!
//! A frame leaves in up to three pieces, each copied to the program straight from where it is made: the head, the floating-point
//! image where it lies apart (x86-64), which the processor itself can write, the tail where a gap lies before it (ARM64). Signals are
//! frequent: nothing is allocated, and the head is words, not bytes, for a kernel that may not access memory unaligned would have to take bytes one by one.
use crate::signal::{Sigaction, Siginfo, StackT};
use alloc::vec::Vec;

/// The fault that raised a signal, as the frame shows it.
#[derive(Clone, Copy, Default, Debug)]
pub struct FaultRecord {
    /// Faulting address (`cr2`, `fault_address`).
    pub address: u64,
    /// Hardware's error code (`err`, the syndrome).
    pub code: u64,
    /// Vector (`trapno`); unused on ARM64.
    pub vector: u64,
}

/// Everything that goes into a frame.
pub struct FrameInput<'a, const N: usize> {
    /// The signal's details.
    pub info: &'a Siginfo,
    /// Its action.
    pub action: &'a Sigaction,
    /// The interrupted program's registers, in the order of `user_regs_struct` or `user_pt_regs`.
    pub registers: &'a [u64; N],
    /// The mask to put back.
    pub mask: u64,
    /// The alternate stack as set.
    pub alternate: StackT,
    /// Whether the frame begins a new stack: then `stack_top` is the alternate stack's end, else the stack pointer.
    pub is_new_stack: bool,
    /// Where the frame goes below.
    pub stack_top: u64,
    /// Bytes of the floating-point image in the processor's format.
    pub fp_bytes: usize,
    /// The fault behind the signal, or zeros.
    pub fault: FaultRecord,
    /// Where a handler returns to when its action names no trampoline.
    pub trampoline: u64,
}

/// A frame ready to be copied out; its first bytes are in the head that the caller gave.
pub struct BuiltFrame<const N: usize> {
    /// Where its first byte goes.
    pub address: u64,
    /// How many words of the head there are.
    pub head_words: usize,
    /// Where the floating-point image goes.
    pub fp: FpGoes,
    /// Its last words, and where they go.
    pub tail: Option<(u64, [u64; 2])>,
    /// The registers with which the handler begins.
    pub registers: [u64; N],
}

/// What is left to do with the floating-point image of a frame being built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FpGoes {
    /// Into the head, at this byte, by `place_fp`.
    Within(usize),
    /// To this address by itself, marked with `fp_mark`.
    Apart(u64),
}

/// Where a frame keeps the floating-point state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FpPlace {
    /// Nowhere: the state at program start.
    Absent,
    /// In user memory, at this address.
    At(u64),
    /// In the frame.
    Inline(Vec<u8>),
}

/// Why a frame cannot be taken down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// More of it must be read: this many words.
    Longer(usize),
    /// It makes no sense.
    Malformed,
    /// There is no memory.
    NoMemory,
}

/// What a frame puts back.
#[derive(Debug)]
pub struct ParsedFrame<const N: usize> {
    /// Registers; some not meaningful here are left as they were.
    pub registers: [u64; N],
    /// Mask.
    pub mask: u64,
    /// Alternate stack.
    pub alternate: StackT,
    /// Floating-point state.
    pub fp: FpPlace,
}

/// The word at a byte offset, a multiple of 8; beyond the end, zero.
pub(super) fn word(words: &[u64], offset: usize) -> u64 {
    words.get(offset / 8).copied().unwrap_or(0)
}

/// The half word at a byte offset, a multiple of 4.
pub(super) fn half(words: &[u64], offset: usize) -> u32 {
    // CAST: takes one half.
    (word(words, offset) >> (offset % 8 * 8)) as u32
}

/// Puts a word at a byte offset, a multiple of 8.
pub(super) fn put(words: &mut [u64], offset: usize, value: u64) {
    words[offset / 8] = value;
}

/// Two half words as they lie in memory, the first below.
pub(super) const fn pair(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}
