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
