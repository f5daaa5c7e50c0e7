//! Where things are: device tree, ACPI, MPTable, the command line.
use crate::irq::IrqLine;
use alloc::vec::Vec;

#[cfg(target_arch = "aarch64")]
pub(crate) mod device_tree;
#[cfg(target_arch = "x86_64")]
pub(crate) mod virtio_command_line;
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86_boot_data;
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86_early_read;
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86_tables;

/// A virtio-mmio window that discovery found.
#[derive(Clone, Copy, Debug)]
pub struct VirtioMmio {
    /// Its register window.
    pub window: crate::boot::PhysRange,
    /// Its interrupt.
    pub irq: IrqLine,
}

/// Every virtio-mmio window found, in the platform's order. A window without a device has device id 0.
pub fn virtio_mmio() -> Vec<VirtioMmio> {
    crate::arch::discovery::virtio_mmio()
}

/// A memory-mapped window into PCI configuration space: 4 KiB for each function, from `first_bus` on.
#[derive(Clone, Copy, Debug)]
pub struct PciWindow {
    /// The window.
    pub window: crate::boot::PhysRange,
    /// Bus at its start.
    pub first_bus: u8,
    /// Last bus in it.
    pub last_bus: u8,
}

/// Every window into PCI configuration space of segment 0. Firmware has assigned addresses to the devices behind it.
pub fn pci_windows() -> Vec<PciWindow> {
    crate::arch::discovery::pci_windows()
}
