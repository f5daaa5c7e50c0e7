//! x86-64's register sets. The words are those of `user_regs_struct`.
pub use crate::arch::x86_64::REGISTER_COUNT;
use crate::arch::x86_64::{FP_LEGACY_BYTES, fp_components};

/// The registers.
pub type Words = [u64; REGISTER_COUNT];

/// Whether there are GETREGS and its like, and a user area to peek into.
pub const HAS_GENERAL_REQUESTS: bool = true;
/// Whether the TLS base and the number of a system call are register sets of their own.
pub const HAS_ARM_SETS: bool = false;
/// Whether there is the set of the extended processor state.
pub const HAS_EXTENDED_SET: bool = true;
/// Place of a call's result.
pub const RESULT: usize = 10;
/// Place of the program counter.
pub const PC: usize = 16;
/// Place of the stack pointer.
pub const SP: usize = 19;
/// Bytes of the floating-point set.
pub const FP_SET_BYTES: usize = FP_LEGACY_BYTES;
/// Bytes of `struct user`.
pub const USER_AREA_BYTES: u64 = 912;
/// Where the debug registers are in it.
pub const USER_AREA_DEBUG: core::ops::Range<u64> = 848..912;

/// The number of the call, or -1 outside calls.
const NUMBER: usize = 15;
const FS_BASE: usize = 21;
const GS_BASE: usize = 22;
/// XSAVE's list of the components in use, which follows the legacy area.
const COMPONENTS: usize = FP_LEGACY_BYTES;
/// Where software notes what the processor could save.
const SOFTWARE: usize = 464;

/// Puts the bases in, which the general registers lack.
pub fn set_bases(words: &mut Words, tls: u64, gs: u64) {
    (words[FS_BASE], words[GS_BASE]) = (tls, gs);
}

/// The bases.
pub fn bases(words: &Words) -> (u64, u64) {
    (words[FS_BASE], words[GS_BASE])
}

/// As seen where a call begins.
pub fn show_entry(words: &mut Words, number: u64) {
    const ENOSYS: u64 = 38;
    words[NUMBER] = number;
    words[RESULT] = ENOSYS.wrapping_neg();
}

/// The call that the tracer lets happen.
pub fn chosen_number(words: &Words, _apart: u64) -> u64 {
    words[NUMBER]
}

/// As seen when a call was interrupted that may go on.
pub fn show_restart(words: &mut Words, number: u64, code: u16, _first_argument: u64) {
    words[NUMBER] = number;
    words[RESULT] = u64::from(code).wrapping_neg();
}

/// The call that goes on after a stop: its number and how, if the tracer left it so or made it so.
pub fn restart_after(words: &mut Words, _shown: Option<(u64, u16)>, _shown_pc: u64) -> Option<(u64, u16)> {
    let number = words[NUMBER];
    let code = super::RESTARTS.into_iter().find(|code| words[RESULT] == u64::from(*code).wrapping_neg())?;
    if (number as i64) < 0 {
        return None;
    }
    const EINTR: u64 = 4;
    words[RESULT] = EINTR.wrapping_neg();
    Some((number, code))
}

/// A call's arguments.
pub fn arguments(words: &Words) -> [u64; 6] {
    [words[14], words[13], words[12], words[7], words[9], words[8]]
}

/// Puts a floating-point set, or its beginning, into a saved state.
pub fn change_fp(image: &mut [u8], set: &[u8]) {
    let count = set.len().min(image.len()).min(FP_SET_BYTES);
    image[..count].copy_from_slice(&set[..count]);
    if let Some(components) = image.get_mut(COMPONENTS) {
        *components |= 3;
    }
}

/// Marks a saved state as the set of the extended state: which components there are.
pub fn mark_extended(image: &mut [u8]) {
    let components = fp_components(image.len());
    if let Some(place) = image.get_mut(SOFTWARE..SOFTWARE + 8) {
        place.copy_from_slice(&components.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_goes_on_unless_the_tracer_says_otherwise() {
        let mut words = [7; REGISTER_COUNT];
        show_restart(&mut words, 35, 516, 0);
        assert_eq!(words[RESULT] as i64, -516);
        assert_eq!(restart_after(&mut words, None, 7), Some((35, 516)));
        assert_eq!(words[RESULT] as i64, -4);
        show_restart(&mut words, 35, 512, 0);
        words[NUMBER] = u64::MAX;
        assert_eq!(restart_after(&mut words, None, 7), None);
    }
}
