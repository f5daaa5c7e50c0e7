//! The one filter through which questions about the processor go: ID registers in, yes or no out.
//!
//! Linux's bit numbers are from `arch/arm64/include/uapi/asm/hwcap.h`. A feature is announced only if programs can use it
//! under this kernel: SVE, SME, MTE, pointer authentication and BTI need kernel support and stay hidden (the instructions
//! that are hints then do nothing).
use super::sysreg::{id_field, read_sysreg};

/// Whether the CPU has PAN (privileged access never).
pub(super) fn has_pan() -> bool {
    id_field(read_sysreg!("id_aa64mmfr1_el1"), 20) != 0
}

/// Whether ASIDs have 16 bits; 8 otherwise.
pub(super) fn has_wide_asid() -> bool {
    id_field(read_sysreg!("id_aa64mmfr0_el1"), 4) == 2
}

/// Whether the CPU has the RNDR random number registers.
pub(super) fn has_rndr() -> bool {
    id_field(read_sysreg!("id_aa64isar0_el1"), 60) != 0
}

/// ID_AA64DFR0_EL1.PMUVer: 0 is none, 15 is not an architected one.
pub(super) fn pmu_version() -> u64 {
    id_field(read_sysreg!("id_aa64dfr0_el1"), 8)
}

/// Where a feature is described: register value, shift of the field, smallest value, Linux's bit.
struct Capability {
    register: u64,
    shift: u32,
    at_least: u64,
    bit: u32,
}

/// (AT_HWCAP, AT_HWCAP2).
pub(super) fn hardware_capabilities() -> (u64, u64) {
    let isar0 = read_sysreg!("id_aa64isar0_el1");
    let isar1 = read_sysreg!("id_aa64isar1_el1");
    let pfr0 = read_sysreg!("id_aa64pfr0_el1");
    let pfr1 = read_sysreg!("id_aa64pfr1_el1");
    let mmfr2 = read_sysreg!("id_aa64mmfr2_el1");
    let mmfr0 = read_sysreg!("id_aa64mmfr0_el1");
    let is = |register, shift, at_least, bit| Capability { register, shift, at_least, bit };
    let first = [
        is(isar0, 4, 1, 3),   // AES
        is(isar0, 4, 2, 4),   // PMULL
        is(isar0, 8, 1, 5),   // SHA1
        is(isar0, 12, 1, 6),  // SHA2
        is(isar0, 16, 1, 7),  // CRC32
        is(isar0, 20, 2, 8),  // ATOMICS
        is(isar0, 28, 1, 12), // ASIMDRDM
        is(isar1, 12, 1, 13), // JSCVT
        is(isar1, 16, 1, 14), // FCMA
        is(isar1, 20, 1, 15), // LRCPC
        is(isar1, 0, 1, 16),  // DCPOP
        is(isar0, 32, 1, 17), // SHA3
        is(isar0, 36, 1, 18), // SM3
        is(isar0, 40, 1, 19), // SM4
        is(isar0, 44, 1, 20), // ASIMDDP
        is(isar0, 12, 2, 21), // SHA512
        is(isar0, 48, 1, 23), // ASIMDFHM
        is(pfr0, 48, 1, 24),  // DIT
        is(mmfr2, 32, 1, 25), // USCAT
        is(isar1, 20, 2, 26), // ILRCPC
        is(isar0, 52, 1, 27), // FLAGM
        is(pfr1, 4, 2, 28),   // SSBS
        is(isar1, 36, 1, 29), // SB
    ];
    let second = [
        is(isar1, 0, 2, 0),   // DCPODP
        is(isar0, 52, 2, 7),  // FLAGM2
        is(isar1, 32, 1, 8),  // FRINT
        is(isar1, 52, 1, 13), // I8MM
        is(isar1, 44, 1, 14), // BF16
        is(isar1, 48, 1, 15), // DGH
        is(isar0, 60, 1, 16), // RNG
        is(mmfr0, 60, 1, 19), // ECV
    ];
    let mut hwcap = collect(&first);
    // FP and AdvSIMD: 0 is present, 1 adds half precision, 15 is absent.
    for (shift, plain, half) in [(16, 0, 9), (20, 1, 10)] {
        let value = id_field(pfr0, shift);
        if value != 15 {
            hwcap |= 1 << plain;
            if value >= 1 {
                hwcap |= 1 << half;
            }
        }
    }
    (hwcap, collect(&second))
}

/// The bits of the capabilities that are there.
fn collect(capabilities: &[Capability]) -> u64 {
    capabilities.iter().filter(|c| id_field(c.register, c.shift) >= c.at_least).fold(0, |bits, c| bits | 1 << c.bit)
}
