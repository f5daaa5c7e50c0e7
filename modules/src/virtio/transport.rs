//! The virtio-mmio register window (specification 1.2, section 4.2), versions 1 (legacy) and 2.
//!
//! Main type: [`Transport`]. A driver takes it through the steps of section 3.1: [`Transport::negotiate`], queues by
//! [`Transport::queue`], [`Transport::set_running`]. The window's registers are read by the driver's thread and by its
//! interrupt handler; each is one access, so no lock is needed.
use super::queue::{Queue, QueueMemory};
use machine::addr::PAGE_SIZE;
use machine::irq::{ConnectError, IrqLine};
use machine::mm::{Mmio, OutOfMemory};
use machine::platform::VirtioMmio;
use pure::split_ring::{Layout, RingError, SplitRing};

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
const STATUS_ACKNOWLEDGE: u32 = 1;
const STATUS_DRIVER: u32 = 2;
const STATUS_DRIVER_OK: u32 = 4;
const STATUS_FEATURES_OK: u32 = 8;
const STATUS_FAILED: u32 = 128;
/// Feature that every device of version 2 offers and its driver takes.
const FEATURE_VERSION_1: u64 = 1 << 32;

/// Which device stands behind a window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeviceId(pub u32);

impl DeviceId {
    /// The console.
    pub const CONSOLE: DeviceId = DeviceId(3);
    /// The entropy source.
    pub const ENTROPY: DeviceId = DeviceId(4);
}

/// Why a device cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VirtioError {
    /// The window could not be mapped.
    NotMapped,
    /// There is no device in the window, or its version is not known.
    NoDevice,
    /// The device refused the features we chose from those it offered.
    FeaturesRefused(u64),
    /// The queue does not exist.
    NoQueue(u16),
    /// No memory.
    OutOfMemory,
    /// Its interrupt could not be connected.
    Interrupt(ConnectError),
    /// It broke a rule of the ring.
    Ring(RingError),
}
impl From<OutOfMemory> for VirtioError {
    fn from(_: OutOfMemory) -> VirtioError {
        VirtioError::OutOfMemory
    }
}
impl From<RingError> for VirtioError {
    fn from(error: RingError) -> VirtioError {
        VirtioError::Ring(error)
    }
}
impl From<ConnectError> for VirtioError {
    fn from(error: ConnectError) -> VirtioError {
        VirtioError::Interrupt(error)
    }
}

/// A device behind its window.
pub struct Transport {
    registers: Mmio,
    irq: IrqLine,
    is_legacy: bool,
    device: DeviceId,
}

impl Transport {
    /// Maps the window and looks who is there.
    pub fn probe(found: &VirtioMmio) -> Result<Transport, VirtioError> {
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
            device => Ok(Transport { registers, irq: found.irq, is_legacy, device: DeviceId(device) }),
        }
    }

    /// Which device it is.
    pub fn device(&self) -> DeviceId {
        self.device
    }

    /// Its interrupt.
    pub fn irq(&self) -> IrqLine {
        self.irq
    }

    /// Resets the device and takes those of `wanted` that it offers; answers them.
    pub fn negotiate(&self, wanted: u64) -> Result<u64, VirtioError> {
        let registers = &self.registers;
        registers.write32(register::STATUS, 0);
        registers.write32(register::STATUS, STATUS_ACKNOWLEDGE);
        registers.write32(register::STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
        let offered = self.read_features();
        let wanted = if self.is_legacy { wanted & !FEATURE_VERSION_1 } else { wanted | FEATURE_VERSION_1 };
        let taken = offered & wanted;
        for (select, half) in [(0, taken), (1, taken >> 32)] {
            registers.write32(register::DRIVER_FEATURES_SELECT, select);
            // CAST: the half that is selected.
            registers.write32(register::DRIVER_FEATURES, half as u32);
        }
        if self.is_legacy {
            // CAST: 4096.
            registers.write32(register::LEGACY_GUEST_PAGE_SIZE, PAGE_SIZE as u32);
        } else {
            registers.write32(register::STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
            if registers.read32(register::STATUS) & STATUS_FEATURES_OK == 0 {
                registers.write32(register::STATUS, STATUS_FAILED);
                return Err(VirtioError::FeaturesRefused(taken));
            }
        }
        Ok(taken)
    }

    fn read_features(&self) -> u64 {
        let half = |select| {
            self.registers.write32(register::DEVICE_FEATURES_SELECT, select);
            u64::from(self.registers.read32(register::DEVICE_FEATURES))
        };
        half(0) | half(1) << 32
    }

    /// Sets a queue up, of at most `size` descriptors (a power of two).
    pub fn queue(&self, index: u16, size: u16) -> Result<Queue, VirtioError> {
        let registers = &self.registers;
        registers.write32(register::QUEUE_SELECT, index.into());
        // A device's sizes are powers of two; if it says otherwise, the next lower one is safe.
        let most = match registers.read32(register::QUEUE_SIZE_MAX) {
            0 => return Err(VirtioError::NoQueue(index)),
            most => 1u32 << most.ilog2(),
        };
        // CAST: not above `size`.
        let size = u32::from(size).min(most) as u16;
        let memory = QueueMemory::allocate(Layout::new(size).bytes)?;
        let base = memory.addr().0;
        let ring = SplitRing::new(memory, size).ok_or(VirtioError::OutOfMemory)?;
        registers.write32(register::QUEUE_SIZE, size.into());
        if self.is_legacy {
            // CAST: DMA memory of a device without VERSION_1 lies below 2^44; both are checked by the conversions.
            let page = u32::try_from(base / PAGE_SIZE as u64).map_err(|_| VirtioError::OutOfMemory)?;
            registers.write32(register::LEGACY_QUEUE_ALIGN, PAGE_SIZE as u32);
            registers.write32(register::LEGACY_QUEUE_PAGE, page);
        } else {
            let layout = ring.layout();
            for (place, offset) in [
                (register::QUEUE_DESCRIPTORS, 0),
                (register::QUEUE_AVAILABLE, layout.available),
                (register::QUEUE_USED, layout.used),
            ] {
                let addr = base + offset as u64;
                // CAST: low and high half.
                registers.write32(place, addr as u32);
                registers.write32(place + 4, (addr >> 32) as u32);
            }
            registers.write32(register::QUEUE_READY, 1);
        }
        Ok(Queue::new(index, ring))
    }

    /// Tells the device that the driver is ready.
    pub fn set_running(&self) {
        let status = self.registers.read32(register::STATUS);
        self.registers.write32(register::STATUS, status | STATUS_DRIVER_OK);
    }

    /// Stops the device: it forgets its queues and touches memory no more.
    pub fn reset(&self) {
        self.registers.write32(register::STATUS, 0);
    }

    /// Tells the device to look at a queue.
    pub fn notify(&self, queue: u16) {
        machine::trace::count(machine::trace::Counter::VirtioNotifications);
        self.registers.write32(register::QUEUE_NOTIFY, queue.into());
    }

    /// Reads why the device interrupted and acknowledges it; 0: it was not this device.
    pub fn acknowledge(&self) -> u32 {
        let reason = self.registers.read32(register::INTERRUPT_STATUS);
        if reason != 0 {
            self.registers.write32(register::INTERRUPT_ACKNOWLEDGE, reason);
        }
        reason
    }
}
