//! Devices found: those the command line names, else those ACPI describes.
use crate::irq::IrqLine;
use crate::platform::{PciWindow, VirtioMmio, virtio_command_line, x86_tables};
use alloc::vec::Vec;

/// Every virtio-mmio window found.
pub(crate) fn virtio_mmio() -> Vec<VirtioMmio> {
    let named: Vec<_> = virtio_command_line::windows(crate::boot::info().command_line).collect();
    if !named.is_empty() {
        return named;
    }
    let Some(found) = x86_tables::found() else { return named };
    let described = found.windows[..found.window_count].iter();
    described
        .map(|window| VirtioMmio { window: window.range, irq: IrqLine { number: window.line, is_level: true } })
        .collect()
}

/// Every window into PCI configuration space that ACPI describes.
pub(crate) fn pci_windows() -> Vec<PciWindow> {
    x86_tables::found().map_or(Vec::new(), |found| found.pci_windows[..found.pci_window_count].to_vec())
}
