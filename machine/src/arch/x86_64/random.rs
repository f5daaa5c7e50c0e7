//! Hardware random numbers: RDSEED where present, else RDRAND.
use super::registers::cpuid;
use core::arch::asm;

/// Tries before an exhausted source counts as absent.
const MOST_TRIES: u32 = 16;

/// A random word, if the hardware gives one.
pub(crate) fn hardware() -> Option<u64> {
    let has_rdseed = cpuid(7, 0).ebx & 1 << 18 != 0;
    let has_rdrand = cpuid(1, 0).ecx & 1 << 30 != 0;
    for _ in 0..MOST_TRIES {
        let (mut value, mut is_good): (u64, u8) = (0, 0);
        if has_rdseed {
            // SAFETY: the CPU has the instruction; it changes registers and flags only.
            unsafe { asm!("rdseed {}", "setc {}", out(reg) value, out(reg_byte) is_good, options(nomem, nostack)) };
        }
        if is_good == 0 && has_rdrand {
            // SAFETY: the CPU has the instruction; it changes registers and flags only.
            unsafe { asm!("rdrand {}", "setc {}", out(reg) value, out(reg_byte) is_good, options(nomem, nostack)) };
        }
        if is_good != 0 {
            return Some(value);
        }
    }
    None
}
