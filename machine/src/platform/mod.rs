//! Where things are: device tree, ACPI, MPTable, the command line.
use crate::irq::IrqLine;
use alloc::vec::Vec;

#[cfg(target_arch = "aarch64")]
pub(crate) mod device_tree;

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
