//! Reading and writing system registers by name: the two macros everything else in this architecture uses.
//!
//! A register is a literal in the instruction, so these are macros. Both count as touching memory, so that the compiler
//! never moves an access to memory across them.

/// Reads a system register.
macro_rules! read_sysreg {
    ($name:literal) => {{
        let value: u64;
        // SAFETY: reading a system register changes no memory and no state; every name used in this crate is readable
        // at EL1 on each CPU where the code runs.
        unsafe { core::arch::asm!(concat!("mrs {}, ", $name), out(reg) value, options(nostack, preserves_flags)) };
        value
    }};
}

/// Writes a system register. What that does is the caller's responsibility: use inside `unsafe`.
macro_rules! write_sysreg {
    ($name:literal, $value:expr) => {{
        let value: u64 = $value;
        core::arch::asm!(concat!("msr ", $name, ", {}"), in(reg) value, options(nostack, preserves_flags))
    }};
}

/// A field of an ID register: four bits from `shift`.
pub(super) fn id_field(register: u64, shift: u32) -> u64 {
    (register >> shift) & 0xf
}

/// Instruction barrier: system registers written before it are in force after it.
#[inline(always)]
pub(super) fn isb() {
    // SAFETY: a barrier only orders.
    unsafe { core::arch::asm!("isb", options(nostack, preserves_flags)) };
}

/// Data barrier over the whole system, device accesses and table walks included.
#[inline(always)]
pub(super) fn dsb_sy() {
    // SAFETY: a barrier only orders.
    unsafe { core::arch::asm!("dsb sy", options(nostack, preserves_flags)) };
}

pub(super) use {read_sysreg, write_sysreg};
