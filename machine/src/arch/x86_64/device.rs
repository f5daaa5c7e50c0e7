//! Accesses to device registers, one plain move each: a hypervisor that emulates the device must be able to decode it.
use core::arch::asm;

/// Reads a byte.
///
/// # Safety
/// The register is mapped.
#[inline(always)]
pub(crate) unsafe fn read8(register: *const u8) -> u8 {
    let value;
    // SAFETY: mapped, says the caller.
    unsafe { asm!("mov {}, [{}]", out(reg_byte) value, in(reg) register, options(nostack, preserves_flags)) };
    value
}

/// Reads 32 bits.
///
/// # Safety
/// The register is mapped and aligned.
#[inline(always)]
pub(crate) unsafe fn read32(register: *const u32) -> u32 {
    let value;
    // SAFETY: mapped, says the caller.
    unsafe { asm!("mov {:e}, [{}]", out(reg) value, in(reg) register, options(nostack, preserves_flags)) };
    value
}

/// Writes 32 bits.
///
/// # Safety
/// The register is mapped and aligned.
#[inline(always)]
pub(crate) unsafe fn write32(register: *mut u32, value: u32) {
    // SAFETY: mapped, says the caller.
    unsafe { asm!("mov [{}], {:e}", in(reg) register, in(reg) value, options(nostack, preserves_flags)) };
}

/// Writes a byte.
///
/// # Safety
/// The register is mapped.
#[inline(always)]
pub(crate) unsafe fn write8(register: *mut u8, value: u8) {
    // SAFETY: mapped, says the caller.
    unsafe { asm!("mov [{}], {}", in(reg) register, in(reg_byte) value, options(nostack, preserves_flags)) };
}

/// Reads 16 bits.
///
/// # Safety
/// The register is mapped and aligned.
#[inline(always)]
pub(crate) unsafe fn read16(register: *const u16) -> u16 {
    let value;
    // SAFETY: mapped, says the caller.
    unsafe { asm!("mov {:x}, [{}]", out(reg) value, in(reg) register, options(nostack, preserves_flags)) };
    value
}

/// Writes 16 bits.
///
/// # Safety
/// The register is mapped and aligned.
#[inline(always)]
pub(crate) unsafe fn write16(register: *mut u16, value: u16) {
    // SAFETY: mapped, says the caller.
    unsafe { asm!("mov [{}], {:x}", in(reg) register, in(reg) value, options(nostack, preserves_flags)) };
}
