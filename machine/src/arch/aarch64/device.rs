//! Accesses to device registers, one plain load or store each: a hypervisor that emulates the device cannot decode others
//! (post-indexed, paired), which the compiler may choose for volatile accesses.
use core::arch::asm;

/// Reads a byte.
///
/// # Safety
/// The register is mapped.
#[inline(always)]
pub(crate) unsafe fn read8(register: *const u8) -> u8 {
    let value: u32;
    // SAFETY: mapped, says the caller.
    unsafe { asm!("ldrb {:w}, [{}]", out(reg) value, in(reg) register, options(nostack, preserves_flags)) };
    // CAST: a byte was read.
    value as u8
}

/// Reads 32 bits.
///
/// # Safety
/// The register is mapped and aligned.
#[inline(always)]
pub(crate) unsafe fn read32(register: *const u32) -> u32 {
    let value;
    // SAFETY: mapped, says the caller.
    unsafe { asm!("ldr {:w}, [{}]", out(reg) value, in(reg) register, options(nostack, preserves_flags)) };
    value
}

/// Writes 32 bits.
///
/// # Safety
/// The register is mapped and aligned.
#[inline(always)]
pub(crate) unsafe fn write32(register: *mut u32, value: u32) {
    // SAFETY: mapped, says the caller.
    unsafe { asm!("str {:w}, [{}]", in(reg) value, in(reg) register, options(nostack, preserves_flags)) };
}
