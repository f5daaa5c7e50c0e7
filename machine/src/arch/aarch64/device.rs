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

/// Writes a byte.
///
/// # Safety
/// The register is mapped.
#[inline(always)]
pub(crate) unsafe fn write8(register: *mut u8, value: u8) {
    // SAFETY: mapped, says the caller.
    unsafe { asm!("strb {:w}, [{}]", in(reg) u32::from(value), in(reg) register, options(nostack, preserves_flags)) };
}

/// Reads 16 bits.
///
/// # Safety
/// The register is mapped and aligned.
#[inline(always)]
pub(crate) unsafe fn read16(register: *const u16) -> u16 {
    let value: u32;
    // SAFETY: mapped, says the caller.
    unsafe { asm!("ldrh {:w}, [{}]", out(reg) value, in(reg) register, options(nostack, preserves_flags)) };
    // CAST: 16 bits were read.
    value as u16
}

/// Writes 16 bits.
///
/// # Safety
/// The register is mapped and aligned.
#[inline(always)]
pub(crate) unsafe fn write16(register: *mut u16, value: u16) {
    // SAFETY: mapped, says the caller.
    unsafe { asm!("strh {:w}, [{}]", in(reg) u32::from(value), in(reg) register, options(nostack, preserves_flags)) };
}
