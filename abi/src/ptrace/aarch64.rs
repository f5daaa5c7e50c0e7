//! ARM64's register sets. The words are those of `user_pt_regs`.
pub use crate::arch::aarch64::REGISTER_COUNT;

/// The registers.
pub type Words = [u64; REGISTER_COUNT];

/// Whether there are GETREGS and its like, and a user area to peek into.
pub const HAS_GENERAL_REQUESTS: bool = false;
/// Whether the TLS base and the number of a system call are register sets of their own.
pub const HAS_ARM_SETS: bool = true;
/// Whether there is the set of the extended processor state.
pub const HAS_EXTENDED_SET: bool = false;
/// Place of a call's result.
pub const RESULT: usize = 0;
/// Place of the program counter.
pub const PC: usize = 32;
/// Place of the stack pointer.
pub const SP: usize = 31;
/// Bytes of the floating-point set: V0 to V31, FPSR, FPCR, padding.
pub const FP_SET_BYTES: usize = 528;
/// There is no user area.
pub const USER_AREA_BYTES: u64 = 0;
/// See [`USER_AREA_BYTES`].
pub const USER_AREA_DEBUG: core::ops::Range<u64> = 0..0;

/// Bytes of an instruction.
const INSTRUCTION_BYTES: u64 = 4;

/// The bases are no general registers here.
pub fn set_bases(_words: &mut Words, _tls: u64, _gs: u64) {}

/// See [`set_bases`].
pub fn bases(_words: &Words) -> (u64, u64) {
    (0, 0)
}

/// As seen where a call begins: as they are.
pub fn show_entry(_words: &mut Words, _number: u64) {}

/// The call that the tracer lets happen: the number is a register set of its own.
pub fn chosen_number(_words: &Words, apart: u64) -> u64 {
    apart
}

/// As seen when a call was interrupted that may go on: about to be made again.
pub fn show_restart(words: &mut Words, _number: u64, _code: u16, first_argument: u64) {
    words[PC] = words[PC].wrapping_sub(INSTRUCTION_BYTES);
    words[RESULT] = first_argument;
}

/// The call that goes on after a stop: its number and how, if the tracer left it so.
pub fn restart_after(words: &mut Words, shown: Option<(u64, u16)>, shown_pc: u64) -> Option<(u64, u16)> {
    let shown = shown.filter(|_| words[PC] == shown_pc)?;
    words[PC] = words[PC].wrapping_add(INSTRUCTION_BYTES);
    Some(shown)
}

/// A call's arguments.
pub fn arguments(words: &Words) -> [u64; 6] {
    [words[0], words[1], words[2], words[3], words[4], words[5]]
}

/// Puts a floating-point set, or its beginning, into a saved state.
pub fn change_fp(image: &mut [u8], set: &[u8]) {
    let count = set.len().min(image.len());
    image[..count].copy_from_slice(&set[..count]);
}

/// There is no extended state.
pub fn mark_extended(_image: &mut [u8]) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_goes_on_unless_the_tracer_moves_on() {
        let mut words = [0x1000; REGISTER_COUNT];
        show_restart(&mut words, 63, 512, 5);
        assert_eq!((words[PC], words[RESULT]), (0xffc, 5));
        let mut moved = words;
        moved[PC] = 0x2000;
        assert_eq!(restart_after(&mut moved, Some((63, 512)), 0xffc), None);
        assert_eq!(restart_after(&mut words, Some((63, 512)), 0xffc), Some((63, 512)));
        assert_eq!(words[PC], 0x1000);
    }
}
