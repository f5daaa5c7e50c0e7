//! Devices found: the device tree.
use crate::platform::{PciWindow, VirtioMmio, device_tree};
use alloc::vec::Vec;

/// Every virtio-mmio window found.
pub(crate) fn virtio_mmio() -> Vec<VirtioMmio> {
    device_tree::facts().map_or(Vec::new(), |facts| facts.virtio[..facts.virtio_count].to_vec())
}

/// Every window into PCI configuration space: none, since nobody has assigned addresses to the devices there.
pub(crate) fn pci_windows() -> Vec<PciWindow> {
    Vec::new()
}
