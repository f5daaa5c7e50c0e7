//! The virtio-mmio register window (specification 1.2, section 4.2), versions 1 (legacy) and 2.
//!
//! Main item: [`probe`], called by `start` for each window that discovery found.
use super::transport::{DeviceId, QueuePlaces, Registers, Transport, VirtioError};
use alloc::boxed::Box;
use alloc::sync::Arc;
use machine::addr::PAGE_SIZE;
use machine::irq::{self, ConnectError, Handler, IrqLine};
use machine::mm::Mmio;
use machine::platform::VirtioMmio;

mod register {
    pub(super) const MAGIC: usize = 0x00;
    pub(super) const VERSION: usize = 0x04;
    pub(super) const DEVICE_ID: usize = 0x08;
    pub(super) const DEVICE_FEATURES: usize = 0x10;
    pub(super) const DEVICE_FEATURES_SELECT: usize = 0x14;
    pub(super) const DRIVER_FEATURES: usize = 0x20;
    pub(super) const DRIVER_FEATURES_SELECT: usize = 0x24;
    pub(super) const LEGACY_GUEST_PAGE_SIZE: usize = 0x28;
    pub(super) const QUEUE_SELECT: usize = 0x30;
    pub(super) const QUEUE_SIZE_MAX: usize = 0x34;
    pub(super) const QUEUE_SIZE: usize = 0x38;
    pub(super) const LEGACY_QUEUE_ALIGN: usize = 0x3c;
    pub(super) const LEGACY_QUEUE_PAGE: usize = 0x40;
    pub(super) const QUEUE_READY: usize = 0x44;
    pub(super) const QUEUE_NOTIFY: usize = 0x50;
    pub(super) const INTERRUPT_STATUS: usize = 0x60;
    pub(super) const INTERRUPT_ACKNOWLEDGE: usize = 0x64;
    pub(super) const STATUS: usize = 0x70;
    pub(super) const QUEUE_DESCRIPTORS: usize = 0x80;
    pub(super) const QUEUE_AVAILABLE: usize = 0x90;
    pub(super) const QUEUE_USED: usize = 0xa0;
}

const MAGIC: u32 = u32::from_le_bytes(*b"virt");

/// A device's window.
struct Window {
    registers: Mmio,
    irq: IrqLine,
    is_legacy: bool,
}

/// Maps a window and looks who is there.
pub(super) fn probe(found: &VirtioMmio) -> Result<Transport, VirtioError> {
    let registers = Mmio::map(found.window).ok_or(VirtioError::NotMapped)?;
    if registers.read32(register::MAGIC) != MAGIC {
        return Err(VirtioError::NoDevice);
    }
    let is_legacy = match registers.read32(register::VERSION) {
        1 => true,
        2 => false,
        _ => return Err(VirtioError::NoDevice),
    };
    match registers.read32(register::DEVICE_ID) {
        0 => Err(VirtioError::NoDevice),
        device => Ok(Transport::new(DeviceId(device), Box::new(Window { registers, irq: found.irq, is_legacy }))),
    }
}

impl Registers for Window {
    fn is_legacy(&self) -> bool {
        self.is_legacy
    }

    fn status(&self) -> u8 {
        // CAST: the status has 8 bits.
        self.registers.read32(register::STATUS) as u8
    }

    fn set_status(&self, status: u8) {
        self.registers.write32(register::STATUS, status.into());
    }

    fn read_features(&self) -> u64 {
        let half = |select| {
            self.registers.write32(register::DEVICE_FEATURES_SELECT, select);
            u64::from(self.registers.read32(register::DEVICE_FEATURES))
        };
        half(0) | half(1) << 32
    }

    fn set_features(&self, taken: u64) {
        for (select, half) in [(0, taken), (1, taken >> 32)] {
            self.registers.write32(register::DRIVER_FEATURES_SELECT, select);
            // CAST: the half that is selected.
            self.registers.write32(register::DRIVER_FEATURES, half as u32);
        }
        if self.is_legacy {
            // CAST: 4096.
            self.registers.write32(register::LEGACY_GUEST_PAGE_SIZE, PAGE_SIZE as u32);
        }
    }

    fn queue_limit(&self, index: u16) -> u32 {
        self.registers.write32(register::QUEUE_SELECT, index.into());
        self.registers.read32(register::QUEUE_SIZE_MAX)
    }

    fn set_queue(&self, index: u16, places: QueuePlaces) -> Result<(), VirtioError> {
        let registers = &self.registers;
        registers.write32(register::QUEUE_SELECT, index.into());
        registers.write32(register::QUEUE_SIZE, places.size.into());
        if self.is_legacy {
            // CAST: DMA memory of a device without VERSION_1 lies below 2^44; both are checked by the conversions.
            let page = u32::try_from(places.descriptors / PAGE_SIZE as u64).map_err(|_| VirtioError::OutOfMemory)?;
            registers.write32(register::LEGACY_QUEUE_ALIGN, PAGE_SIZE as u32);
            registers.write32(register::LEGACY_QUEUE_PAGE, page);
            return Ok(());
        }
        for (place, addr) in [
            (register::QUEUE_DESCRIPTORS, places.descriptors),
            (register::QUEUE_AVAILABLE, places.available),
            (register::QUEUE_USED, places.used),
        ] {
            // CAST: low and high half.
            registers.write32(place, addr as u32);
            registers.write32(place + 4, (addr >> 32) as u32);
        }
        registers.write32(register::QUEUE_READY, 1);
        Ok(())
    }

    fn notify(&self, queue: u16) {
        self.registers.write32(register::QUEUE_NOTIFY, queue.into());
    }

    fn acknowledge(&self) -> u32 {
        let reason = self.registers.read32(register::INTERRUPT_STATUS);
        if reason != 0 {
            self.registers.write32(register::INTERRUPT_ACKNOWLEDGE, reason);
        }
        reason
    }

    fn connect(&self, handler: Arc<dyn Handler>) -> Result<(), ConnectError> {
        irq::connect(self.irq, handler)
    }
}
