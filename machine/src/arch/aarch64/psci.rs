//! PSCI (Arm DEN 0022): starting CPUs, power off, reset, by HVC or SMC as the device tree says.
use crate::platform::device_tree::{self, Conduit};
use core::arch::asm;

/// CPU_ON, 64-bit calling convention.
const CPU_ON: u64 = 0xc400_0003;
/// SYSTEM_OFF.
const SYSTEM_OFF: u64 = 0x8400_0008;
/// SYSTEM_RESET.
const SYSTEM_RESET: u64 = 0x8400_0009;

/// One call. -1 (NOT_SUPPORTED) if there is no firmware to call.
fn call(function: u64, a: u64, b: u64, c: u64) -> i64 {
    let mut result = function;
    match device_tree::facts().and_then(|facts| facts.psci) {
        // SAFETY: the SMC calling convention clobbers x0 to x17 at most; the tree says that a hypervisor answers.
        Some(Conduit::Hvc) => unsafe {
            asm!("hvc #0", inout("x0") result, inout("x1") a => _, inout("x2") b => _, inout("x3") c => _,
                 clobber_abi("C"));
        },
        // SAFETY: the same for firmware at EL3.
        Some(Conduit::Smc) => unsafe {
            asm!("smc #0", inout("x0") result, inout("x1") a => _, inout("x2") b => _, inout("x3") c => _,
                 clobber_abi("C"));
        },
        None => return -1,
    }
    result as i64
}

/// Starts the CPU with affinity `mpidr` at physical `entry`, with `context` in x0. False if it cannot be.
pub(super) fn cpu_on(mpidr: u64, entry: u64, context: u64) -> bool {
    call(CPU_ON, mpidr, entry, context) == 0
}

/// Powers the machine off; returns only if that is not supported.
pub(super) fn system_off() {
    call(SYSTEM_OFF, 0, 0, 0);
}

/// Resets the machine; returns only if that is not supported.
pub(super) fn system_reset() {
    call(SYSTEM_RESET, 0, 0, 0);
}
