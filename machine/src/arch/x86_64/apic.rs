//! The local APIC, in x2APIC mode where the CPU has it, else through its window. Each CPU sees its own at the same place.
use super::registers::{cpuid, msr, read_msr, write_msr};
use core::sync::atomic::{AtomicUsize, Ordering};

/// Registers by their offset in the window.
pub(crate) mod register {
    /// This CPU's number.
    pub(crate) const ID: usize = 0x20;
    /// Task priority.
    pub(crate) const PRIORITY: usize = 0x80;
    /// End of interrupt.
    pub(crate) const END: usize = 0xb0;
    /// Spurious vector and software enable.
    pub(crate) const SPURIOUS: usize = 0xf0;
    /// Interrupt command, low half; in x2APIC mode all 64 bits.
    pub(crate) const COMMAND: usize = 0x300;
    /// Interrupt command, high half: the destination.
    pub(crate) const DESTINATION: usize = 0x310;
    /// Timer's vector and mode.
    pub(crate) const TIMER: usize = 0x320;
    /// First local interrupt pin.
    pub(crate) const PIN_0: usize = 0x350;
    /// Second local interrupt pin (NMI).
    pub(crate) const PIN_1: usize = 0x360;
    /// Error interrupt.
    pub(crate) const ERROR: usize = 0x370;
    /// Timer's start value.
    pub(crate) const INITIAL_COUNT: usize = 0x380;
    /// Timer's value now.
    pub(crate) const CURRENT_COUNT: usize = 0x390;
    /// Timer's divider.
    pub(crate) const DIVIDER: usize = 0x3e0;
}

/// A vector register's mask bit.
pub(crate) const MASKED: u32 = 1 << 16;
const DELIVER_NMI: u32 = 4 << 8;
const ENABLE: u64 = 1 << 11;
const ENABLE_X2APIC: u64 = 1 << 10;
const SOFTWARE_ENABLE: u32 = 1 << 8;
const IS_SENDING: u32 = 1 << 12;

/// The window's address; zero in x2APIC mode.
static WINDOW: AtomicUsize = AtomicUsize::new(0);

/// Whether the CPU has x2APIC mode, so that no window is needed.
pub(crate) fn has_x2apic() -> bool {
    cpuid(1, 0).ecx & 1 << 21 != 0
}

/// Sets where the window is mapped; zero for x2APIC mode. Boot CPU, once.
///
/// # Safety
/// The address maps the local APIC's page, uncached, for ever; or it is zero and the CPUs have x2APIC mode.
pub(crate) unsafe fn set_window(address: usize) {
    WINDOW.store(address, Ordering::Release);
}

/// Reads a register.
#[inline]
pub(crate) fn read(offset: usize) -> u32 {
    match WINDOW.load(Ordering::Relaxed) {
        // SAFETY: zero means x2APIC mode, in which the register exists. CAST: the low half is all there is.
        0 => (unsafe { read_msr(msr::X2APIC + (offset >> 4) as u32) }) as u32,
        // SAFETY: `set_window` was given the mapped window.
        window => unsafe { ((window + offset) as *const u32).read_volatile() },
    }
}

/// Writes a register.
#[inline]
pub(crate) fn write(offset: usize, value: u32) {
    match WINDOW.load(Ordering::Relaxed) {
        // SAFETY: zero means x2APIC mode, in which the register exists.
        0 => unsafe { write_msr(msr::X2APIC + (offset >> 4) as u32, u64::from(value)) },
        // SAFETY: `set_window` was given the mapped window.
        window => unsafe { ((window + offset) as *mut u32).write_volatile(value) },
    }
}

/// Turns on this CPU's local APIC with everything masked but the NMI pin.
pub(crate) fn enable(spurious_vector: u32) {
    let mode = if WINDOW.load(Ordering::Relaxed) == 0 { ENABLE | ENABLE_X2APIC } else { ENABLE };
    // SAFETY: the register exists on every CPU with an APIC; x2APIC mode only where the CPUs have it.
    unsafe { write_msr(msr::APIC_BASE, read_msr(msr::APIC_BASE) | mode) };
    write(register::SPURIOUS, SOFTWARE_ENABLE | spurious_vector);
    write(register::TIMER, MASKED);
    write(register::PIN_0, MASKED);
    write(register::PIN_1, DELIVER_NMI);
    write(register::ERROR, MASKED);
    write(register::PRIORITY, 0);
}

/// This CPU's APIC number.
pub(crate) fn id() -> u32 {
    let value = read(register::ID);
    if WINDOW.load(Ordering::Relaxed) == 0 { value } else { value >> 24 }
}

/// Ends the interrupt in service.
#[inline]
pub(crate) fn end_interrupt() {
    write(register::END, 0);
}

/// Sends a command to another CPU and waits until it is on its way. Interrupts must be off, or a handler that sends could
/// come between the two halves.
pub(crate) fn send(to: u32, command: u32) {
    if WINDOW.load(Ordering::Relaxed) == 0 {
        // What was written before must be seen by the receiver: WRMSR to the command register does not order stores.
        core::sync::atomic::fence(Ordering::SeqCst);
        // SAFETY: x2APIC mode is on.
        unsafe {
            write_msr(msr::X2APIC + (register::COMMAND >> 4) as u32, u64::from(to) << 32 | u64::from(command));
        }
        return;
    }
    write(register::DESTINATION, to << 24);
    write(register::COMMAND, command);
    while read(register::COMMAND) & IS_SENDING != 0 {
        core::hint::spin_loop();
    }
}
