//! What a driver says to a virtio device, however the device is reached: [`Transport`], over registers behind virtio-mmio
//! (`mmio`) or PCI (`pci`).
//!
//! A driver takes it through the steps of section 3.1 of the specification (1.2): [`Transport::negotiate`], queues by
//! [`Transport::queue`], [`Transport::connect`], [`Transport::set_running`]. Registers are read by the driver's thread and by its
//! interrupt handler; each is one access, so no lock is needed.
use super::queue::{Queue, QueueMemory};
use alloc::boxed::Box;
use alloc::sync::Arc;
use machine::irq::{ConnectError, Handler};
use machine::mm::OutOfMemory;
use pure::split_ring::{Layout, RingError, SplitRing};

const STATUS_ACKNOWLEDGE: u8 = 1;
const STATUS_DRIVER: u8 = 2;
const STATUS_DRIVER_OK: u8 = 4;
const STATUS_FEATURES_OK: u8 = 8;
const STATUS_FAILED: u8 = 128;
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

/// Where a queue's parts are.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueuePlaces {
    /// Descriptors it has.
    pub(super) size: u16,
    /// The descriptor table; the whole queue is one stretch from here on.
    pub(super) descriptors: u64,
    /// The available ring.
    pub(super) available: u64,
    /// The used ring.
    pub(super) used: u64,
}

/// A device's registers, as each bus has them.
pub(super) trait Registers: Send + Sync {
    /// Whether the device only knows the interface before version 1.
    fn is_legacy(&self) -> bool;
    /// Reads the status.
    fn status(&self) -> u8;
    /// Writes the status; 0 resets.
    fn set_status(&self, status: u8);
    /// Reads the features offered.
    fn read_features(&self) -> u64;
    /// Writes the features taken.
    fn set_features(&self, taken: u64);
    /// Most descriptors of a queue; 0: there is no such queue.
    fn queue_limit(&self, index: u16) -> u32;
    /// Sets a queue up.
    fn set_queue(&self, index: u16, places: QueuePlaces) -> Result<(), VirtioError>;
    /// Tells the device to look at a queue.
    fn notify(&self, queue: u16);
    /// Reads why the device interrupted and acknowledges it; 0: it was not this device.
    fn acknowledge(&self) -> u32;
    /// Connects the device's interrupt.
    fn connect(&self, handler: Arc<dyn Handler>) -> Result<(), ConnectError>;
}

/// A device behind its registers.
pub struct Transport {
    registers: Box<dyn Registers>,
    device: DeviceId,
}

impl Transport {
    /// A device that was found.
    pub(super) fn new(device: DeviceId, registers: Box<dyn Registers>) -> Transport {
        Transport { registers, device }
    }

    /// Which device it is.
    pub fn device(&self) -> DeviceId {
        self.device
    }

    /// Connects its interrupt. After the queues are set up.
    pub fn connect(&self, handler: Arc<dyn Handler>) -> Result<(), ConnectError> {
        self.registers.connect(handler)
    }

    /// Resets the device and takes those of `wanted` that it offers; answers them.
    pub fn negotiate(&self, wanted: u64) -> Result<u64, VirtioError> {
        let registers = &self.registers;
        registers.set_status(0);
        registers.set_status(STATUS_ACKNOWLEDGE);
        registers.set_status(STATUS_ACKNOWLEDGE | STATUS_DRIVER);
        let is_legacy = registers.is_legacy();
        let wanted = if is_legacy { wanted & !FEATURE_VERSION_1 } else { wanted | FEATURE_VERSION_1 };
        let taken = registers.read_features() & wanted;
        registers.set_features(taken);
        if !is_legacy {
            registers.set_status(STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
            if registers.status() & STATUS_FEATURES_OK == 0 {
                registers.set_status(STATUS_FAILED);
                return Err(VirtioError::FeaturesRefused(taken));
            }
        }
        Ok(taken)
    }

    /// Sets a queue up, of at most `size` descriptors (a power of two).
    pub fn queue(&self, index: u16, size: u16) -> Result<Queue, VirtioError> {
        // A device's sizes are powers of two; if it says otherwise, the next lower one is safe.
        let most = match self.registers.queue_limit(index) {
            0 => return Err(VirtioError::NoQueue(index)),
            most => 1u32 << most.ilog2(),
        };
        // CAST: not above `size`.
        let size = u32::from(size).min(most) as u16;
        let memory = QueueMemory::allocate(Layout::new(size).bytes)?;
        let base = memory.addr().0;
        let ring = SplitRing::new(memory, size).ok_or(VirtioError::OutOfMemory)?;
        let layout = ring.layout();
        let places = QueuePlaces {
            size,
            descriptors: base,
            available: base + layout.available as u64,
            used: base + layout.used as u64,
        };
        self.registers.set_queue(index, places)?;
        Ok(Queue::new(index, ring))
    }

    /// Tells the device that the driver is ready.
    pub fn set_running(&self) {
        self.registers.set_status(self.registers.status() | STATUS_DRIVER_OK);
    }

    /// Stops the device: it forgets its queues and touches memory no more.
    pub fn reset(&self) {
        self.registers.set_status(0);
    }

    /// Tells the device to look at a queue.
    pub fn notify(&self, queue: u16) {
        machine::trace::count(machine::trace::Counter::VirtioNotifications);
        self.registers.notify(queue);
    }

    /// Reads why the device interrupted and acknowledges it; 0: it was not this device.
    pub fn acknowledge(&self) -> u32 {
        self.registers.acknowledge()
    }
}
