//! Ending the virtual machine.

/// How the machine ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Orderly: the result was already told through the control channel.
    Off,
    /// Restart asked for.
    Restart,
    /// The kernel failed; see the epitaph in the log.
    Panic,
}

/// Value written to QEMU's `isa-debug-exit` for a panic: the VMM's exit status is then `2 * value + 1`.
pub const PANIC_DEBUG_EXIT: u32 = 0x2a;

/// Stops the machine: x86-64 by `isa-debug-exit`, ACPI/GED sleep, i8042, then triple fault; ARM64 by PSCI.
/// The only function of this crate besides the panic path that does not return to its caller.
pub(crate) fn end(exit: Exit) -> ! {
    crate::arch::power::end(exit)
}
