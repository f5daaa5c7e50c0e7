//! Virtio over PCI (specification 1.2, section 4.1), the interface from version 1 on, with one MSI-X message for everything
//! a device has to say.
//!
//! Main item: [`probe_all`], called by `start`: walks the buses from those that the platform names, through bridges. Firmware has
//! given the functions their addresses. A function without MSI-X is left alone: where its wire leads stands in ACPI code.
use super::transport::{DeviceId, QueuePlaces, Registers, Transport, VirtioError};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};
use machine::addr::PhysAddr;
use machine::boot::PhysRange;
use machine::irq::{self, ConnectError, Handler};
use machine::log;
use machine::mm::Mmio;
use machine::platform::{self, PciWindow};
use machine::time;
use pure::pci::{self, ConfigSpace, MsixTable};

/// The common structure (section 4.1.4.3).
mod common {
    pub(super) const DEVICE_FEATURES_SELECT: usize = 0;
    pub(super) const DEVICE_FEATURES: usize = 4;
    pub(super) const DRIVER_FEATURES_SELECT: usize = 8;
    pub(super) const DRIVER_FEATURES: usize = 12;
    pub(super) const CONFIG_MESSAGE: usize = 16;
    pub(super) const QUEUE_COUNT: usize = 18;
    pub(super) const STATUS: usize = 20;
    pub(super) const QUEUE_SELECT: usize = 22;
    pub(super) const QUEUE_SIZE: usize = 24;
    pub(super) const QUEUE_MESSAGE: usize = 26;
    pub(super) const QUEUE_ENABLE: usize = 28;
    pub(super) const QUEUE_NOTIFY_OFFSET: usize = 30;
    pub(super) const QUEUE_DESCRIPTORS: usize = 32;
    pub(super) const QUEUE_AVAILABLE: usize = 40;
    pub(super) const QUEUE_USED: usize = 48;
    /// What a driver must find.
    pub(super) const BYTES: u32 = 56;
}

const VENDOR_VIRTIO: u16 = 0x1af4;
const KIND_COMMON: u8 = 1;
const KIND_NOTIFY: u8 = 2;
/// Configuration space of a bus: 32 devices of 8 functions of 4 KiB.
const BYTES_PER_BUS: u64 = 1 << 20;
const COMMAND: u16 = 4;
/// Memory answers, the function may write memory, its wire stays silent.
const COMMAND_BITS: u32 = 1 << 1 | 1 << 2 | 1 << 10;
const MSIX_ENABLE: u32 = 1 << 31;
const MSIX_MASK_ALL: u32 = 1 << 30;
/// The one message: entry 0 of the table.
const MESSAGE: u16 = 0;
/// Bytes of an entry of the MSI-X table.
const ENTRY_BYTES: u64 = 16;
/// What [`Registers::acknowledge`] says: a message says only that something happened.
const SOMETHING: u32 = 3;

/// A bus's configuration space.
struct Bus {
    registers: Mmio,
}

/// A function's configuration space.
#[derive(Clone, Copy)]
struct Config<'a> {
    bus: &'a Bus,
    start: usize,
}

impl ConfigSpace for Config<'_> {
    fn read32(&self, offset: u16) -> u32 {
        self.bus.registers.read32(self.start + usize::from(offset))
    }
}

impl Config<'_> {
    fn write32(&self, offset: u16, value: u32) {
        self.bus.registers.write32(self.start + usize::from(offset), value);
    }

    /// Maps a part of what one of the function's base address registers maps.
    fn map(&self, bar: u8, offset: u32, bytes: u64) -> Result<Mmio, VirtioError> {
        let base = pci::memory_base(self, bar).ok_or(VirtioError::NotMapped)?;
        let start = pci::structure_start(base, offset).ok_or(VirtioError::NotMapped)?;
        Mmio::map(PhysRange { start: PhysAddr(start), bytes }).ok_or(VirtioError::NotMapped)
    }
}

/// How long a device may take for a reset.
const RESET_NS: u64 = 2_000_000_000;

/// A device's registers.
struct Function {
    common: Mmio,
    notify: Mmio,
    notify_step: usize,
    /// Where each queue is notified, as an offset in `notify`.
    notify_places: Vec<AtomicUsize>,
    messages: Mmio,
}

/// Every virtio function behind the platform's windows. One that cannot be used is logged and left alone.
pub(super) fn probe_all() -> Vec<Transport> {
    let mut found = Vec::new();
    for window in platform::pci_windows() {
        let mut buses: Vec<u8> = Vec::from([window.first_bus]);
        let mut next = 0;
        // Each bus is looked at once, so a ring of bridges ends.
        while let Some(&number) = buses.get(next) {
            next += 1;
            if let Some(bus) = map_bus(&window, number) {
                probe_bus(&bus, &window, &mut buses, &mut found);
            }
        }
    }
    found
}

fn map_bus(window: &PciWindow, number: u8) -> Option<Bus> {
    let start = window.window.start.0 + u64::from(number.checked_sub(window.first_bus)?) * BYTES_PER_BUS;
    Mmio::map(PhysRange { start: PhysAddr(start), bytes: BYTES_PER_BUS }).map(|registers| Bus { registers })
}

/// Looks at each function of a bus; adds the buses behind bridges to `buses`.
fn probe_bus(bus: &Bus, window: &PciWindow, buses: &mut Vec<u8>, found: &mut Vec<Transport>) {
    for device in 0..32 {
        let function = |number: usize| Config { bus, start: (device << 3 | number) << 12 };
        if pci::identity(&function(0)).is_none() {
            continue;
        }
        let functions = if pci::is_multifunction(&function(0)) { 8 } else { 1 };
        for config in (0..functions).map(function) {
            if let Some(behind) = pci::bus_behind(&config)
                && (window.first_bus..=window.last_bus).contains(&behind)
                && !buses.contains(&behind)
            {
                buses.push(behind);
            }
            let is_virtio = pci::identity(&config).is_some_and(|identity| identity.vendor == VENDOR_VIRTIO);
            if !is_virtio {
                continue;
            }
            match probe(config) {
                Ok(transport) => found.push(transport),
                Err(error) => log!(Warn, "virtio function {:#x}: {error:?}", config.start >> 12),
            }
        }
    }
}

fn probe(config: Config<'_>) -> Result<Transport, VirtioError> {
    let device = pci::virtio_device(&config).ok_or(VirtioError::NoDevice)?;
    let common = pci::virtio_structure(&config, KIND_COMMON).ok_or(VirtioError::NoDevice)?;
    let notify = pci::virtio_structure(&config, KIND_NOTIFY).ok_or(VirtioError::NoDevice)?;
    let MsixTable { capability, bar, offset, entries: 1.. } =
        pci::msix_table(&config).ok_or(VirtioError::Interrupt(ConnectError::NoSuchLine))?
    else {
        return Err(VirtioError::Interrupt(ConnectError::NoSuchLine));
    };
    if common.bytes < common::BYTES {
        return Err(VirtioError::NoDevice);
    }
    // The upper half is the status, whose bits are cleared by writing ones.
    config.write32(COMMAND, config.read32(COMMAND) & 0xffff | COMMAND_BITS);
    let registers = config.map(common.bar, common.offset, common.bytes.into())?;
    let queues = registers.read16(common::QUEUE_COUNT);
    let function = Function {
        notify: config.map(notify.bar, notify.offset, notify.bytes.into())?,
        // CAST: 32 bits.
        notify_step: notify.notify_step as usize,
        notify_places: (0..queues).map(|_| AtomicUsize::new(0)).collect(),
        messages: config.map(bar, offset, ENTRY_BYTES)?,
        common: registers,
    };
    config.write32(capability, config.read32(capability) & !MSIX_MASK_ALL | MSIX_ENABLE);
    Ok(Transport::new(DeviceId(device), Box::new(function)))
}

impl Registers for Function {
    fn is_legacy(&self) -> bool {
        false
    }

    fn status(&self) -> u8 {
        self.common.read8(common::STATUS)
    }

    fn set_status(&self, status: u8) {
        self.common.write8(common::STATUS, status);
        // A reset is over when the status reads zero (section 4.1.4.3.2). A device that never gets there fails at its features.
        let deadline = time::now().after(RESET_NS);
        while status == 0 && self.status() != 0 {
            if time::now() > deadline {
                log!(Error, "a virtio device was reset and is not done after {} s", RESET_NS / 1_000_000_000);
                return;
            }
            core::hint::spin_loop();
        }
    }

    fn read_features(&self) -> u64 {
        let half = |select| {
            self.common.write32(common::DEVICE_FEATURES_SELECT, select);
            u64::from(self.common.read32(common::DEVICE_FEATURES))
        };
        half(0) | half(1) << 32
    }

    fn set_features(&self, taken: u64) {
        for (select, half) in [(0, taken), (1, taken >> 32)] {
            self.common.write32(common::DRIVER_FEATURES_SELECT, select);
            // CAST: the half that is selected.
            self.common.write32(common::DRIVER_FEATURES, half as u32);
        }
    }

    fn queue_limit(&self, index: u16) -> u32 {
        if usize::from(index) >= self.notify_places.len() {
            return 0;
        }
        self.common.write16(common::QUEUE_SELECT, index);
        self.common.read16(common::QUEUE_SIZE).into()
    }

    fn set_queue(&self, index: u16, places: QueuePlaces) -> Result<(), VirtioError> {
        let common = &self.common;
        common.write16(common::QUEUE_SELECT, index);
        common.write16(common::QUEUE_SIZE, places.size);
        common.write16(common::QUEUE_MESSAGE, MESSAGE);
        if common.read16(common::QUEUE_MESSAGE) != MESSAGE {
            return Err(VirtioError::Interrupt(ConnectError::OutOfMemory));
        }
        for (place, addr) in [
            (common::QUEUE_DESCRIPTORS, places.descriptors),
            (common::QUEUE_AVAILABLE, places.available),
            (common::QUEUE_USED, places.used),
        ] {
            // CAST: low and high half.
            common.write32(place, addr as u32);
            common.write32(place + 4, (addr >> 32) as u32);
        }
        let place = usize::from(common.read16(common::QUEUE_NOTIFY_OFFSET)) * self.notify_step;
        let slot = self.notify_places.get(usize::from(index)).ok_or(VirtioError::NoQueue(index))?;
        if !self.notify.has(place, size_of::<u16>()) {
            return Err(VirtioError::NotMapped);
        }
        slot.store(place, Ordering::Relaxed);
        common.write16(common::QUEUE_ENABLE, 1);
        Ok(())
    }

    fn notify(&self, queue: u16) {
        if let Some(place) = self.notify_places.get(usize::from(queue)) {
            self.notify.write16(place.load(Ordering::Relaxed), queue);
        }
    }

    fn acknowledge(&self) -> u32 {
        SOMETHING
    }

    fn connect(&self, handler: Arc<dyn Handler>) -> Result<(), ConnectError> {
        let message = irq::connect_message(handler)?;
        // CAST: low and high half.
        let words = [message.addr as u32, (message.addr >> 32) as u32, message.data, 0];
        for (index, word) in words.into_iter().enumerate() {
            self.messages.write32(index * 4, word);
        }
        self.common.write16(common::CONFIG_MESSAGE, MESSAGE);
        Ok(())
    }
}
