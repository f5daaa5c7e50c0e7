//! Device windows and memory shared with devices, as safe objects.
use super::frame::OutOfMemory;
use crate::addr::PhysAddr;
use crate::boot::PhysRange;

/// A mapped window of device registers. Accesses are volatile, bounds-checked and of natural width.
pub struct Mmio {
    _private: (),
}

impl Mmio {
    /// Maps a window; `None` if it overlaps RAM or there is no memory for the mapping.
    pub fn map(_window: PhysRange) -> Option<Mmio> {
        todo!()
    }
    /// Reads a byte register.
    pub fn read8(&self, _offset: usize) -> u8 {
        todo!()
    }
    /// Reads a 32-bit register.
    pub fn read32(&self, _offset: usize) -> u32 {
        todo!()
    }
    /// Writes a 32-bit register.
    pub fn write32(&self, _offset: usize, _value: u32) {
        todo!()
    }
}

/// Physically contiguous memory that a device may read and write at any time: only volatile copies in and out.
pub struct DmaBuffer {
    _private: (),
}

impl DmaBuffer {
    /// `bytes` (rounded up to pages) of zeroed memory.
    pub fn allocate(_bytes: usize) -> Result<DmaBuffer, OutOfMemory> {
        todo!()
    }
    /// Where the device finds it.
    pub fn addr(&self) -> PhysAddr {
        todo!()
    }
    /// Its length in bytes.
    pub fn bytes(&self) -> usize {
        todo!()
    }
    /// Copies out (bounds-checked).
    pub fn read(&self, _offset: usize, _out: &mut [u8]) {
        todo!()
    }
    /// Copies in (bounds-checked).
    pub fn write(&self, _offset: usize, _bytes: &[u8]) {
        todo!()
    }
    /// Reads a little-endian u16 with acquire ordering against the device.
    pub fn load_u16(&self, _offset: usize) -> u16 {
        todo!()
    }
    /// Writes a little-endian u16 with release ordering against the device.
    pub fn store_u16(&self, _offset: usize, _value: u16) {
        todo!()
    }
}

/// A full memory barrier towards devices.
pub fn device_barrier() {
    todo!()
}
