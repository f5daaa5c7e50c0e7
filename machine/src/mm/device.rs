//! Device windows and memory shared with devices, as safe objects. Called by drivers.
//!
//! Another party reads and writes here at any time, so there are never references into it: every access is volatile, of
//! natural width for registers and by aligned words for copies, and checked against the bounds.
use super::frame::{FrameKind, OutOfMemory};
use super::{frame_table, kernel_map};
use crate::addr::{PAGE_SIZE, PhysAddr};
use crate::boot::{self, PhysRange};
use core::sync::atomic::{Ordering, fence};

/// What the start of a window is a multiple of: the widest register's size.
const REGISTER_ALIGN: u64 = 4;

/// A mapped window of device registers. Accesses are volatile, bounds-checked and of natural width.
///
/// # Invariants
/// `start` maps `bytes` bytes of registers for ever and is a multiple of [`REGISTER_ALIGN`].
#[derive(Debug)]
pub struct Mmio {
    start: *mut u8,
    bytes: usize,
}

// SAFETY: an address; what is behind it may be accessed from any CPU, and devices order accesses themselves.
unsafe impl Send for Mmio {}
// SAFETY: as above.
unsafe impl Sync for Mmio {}

impl Mmio {
    /// Maps a window; `None` if it overlaps RAM, is not aligned for its registers, or there is no memory for the mapping.
    pub fn map(window: PhysRange) -> Option<Mmio> {
        let page = PAGE_SIZE as u64;
        let last = window.start.0.checked_add(window.bytes.checked_sub(1)?)?;
        let first_page = window.start.0 & !(page - 1);
        let is_aligned = window.start.0.is_multiple_of(REGISTER_ALIGN);
        if !is_aligned || boot::info().has_ram_within(PhysAddr(first_page), PhysAddr(last)) {
            return None;
        }
        let pages = PhysRange { start: PhysAddr(first_page), bytes: (last - first_page) / page * page + page };
        // CAST: both are small or the mapping would have failed.
        let (offset, bytes) = ((window.start.0 - first_page) as usize, window.bytes as usize);
        // INVARIANT: device windows are never unmapped.
        kernel_map::map_device(pages).map(|start| Mmio { start: start.wrapping_add(offset), bytes })
    }

    /// Whether a register of `bytes` bytes at `offset` lies in the window, for offsets that a device gave.
    pub fn has(&self, offset: usize, bytes: usize) -> bool {
        offset.checked_add(bytes).is_some_and(|end| end <= self.bytes) && offset.is_multiple_of(bytes)
    }

    /// The address of a register of `T` at `offset`.
    fn register<T>(&self, offset: usize) -> *mut T {
        let end = offset.checked_add(size_of::<T>());
        assert!(
            end.is_some_and(|end| end <= self.bytes) && offset.is_multiple_of(align_of::<T>()),
            "register {offset:#x} of a window of {:#x} bytes",
            self.bytes
        );
        self.start.wrapping_add(offset).cast()
    }

    /// Reads a byte register.
    #[inline]
    pub fn read8(&self, offset: usize) -> u8 {
        let register = self.register(offset);
        // SAFETY: in the window by the check, mapped by the invariant.
        unsafe { crate::arch::device::read8(register) }
    }
    /// Writes a byte register.
    #[inline]
    pub fn write8(&self, offset: usize, value: u8) {
        let register = self.register(offset);
        // SAFETY: in the window by the check, mapped by the invariant.
        unsafe { crate::arch::device::write8(register, value) };
    }
    /// Reads a 16-bit register.
    #[inline]
    pub fn read16(&self, offset: usize) -> u16 {
        let register = self.register(offset);
        // SAFETY: in the window by the check, mapped by the invariant.
        unsafe { crate::arch::device::read16(register) }
    }
    /// Writes a 16-bit register.
    #[inline]
    pub fn write16(&self, offset: usize, value: u16) {
        let register = self.register(offset);
        // SAFETY: in the window by the check, mapped by the invariant.
        unsafe { crate::arch::device::write16(register, value) };
    }
    /// Reads a 32-bit register.
    #[inline]
    pub fn read32(&self, offset: usize) -> u32 {
        let register = self.register(offset);
        // SAFETY: in the window by the check, mapped by the invariant.
        unsafe { crate::arch::device::read32(register) }
    }
    /// Writes a 32-bit register.
    #[inline]
    pub fn write32(&self, offset: usize, value: u32) {
        let register = self.register(offset);
        // SAFETY: in the window by the check, mapped by the invariant.
        unsafe { crate::arch::device::write32(register, value) };
    }
}

/// Physically contiguous memory that a device may read and write at any time: only volatile copies in and out.
///
/// # Invariants
/// The 2^`order` frames from `first` are ours alone (and the device's) until dropped.
#[derive(Debug)]
pub struct DmaBuffer {
    first: u32,
    order: usize,
}

const WORD: usize = size_of::<u64>();

impl DmaBuffer {
    /// `bytes` (rounded up to pages) of zeroed memory.
    pub fn allocate(bytes: usize) -> Result<DmaBuffer, OutOfMemory> {
        let pages = bytes.div_ceil(PAGE_SIZE).max(1).checked_next_power_of_two().ok_or(OutOfMemory)?;
        // CAST: below 64.
        let order = pages.trailing_zeros() as usize;
        let first = frame_table::allocate(order).ok_or(OutOfMemory)?;
        frame_table::note_used(FrameKind::Dma, pages as isize);
        let buffer = DmaBuffer { first, order };
        let start = buffer.memory().cast::<u64>();
        for word in 0..buffer.bytes() / WORD {
            // SAFETY: within the buffer, aligned; no device knows it yet.
            unsafe { start.add(word).write_volatile(0) };
        }
        Ok(buffer)
    }

    fn memory(&self) -> *mut u8 {
        frame_table::memory(self.first)
    }

    /// Where the device finds it.
    pub fn addr(&self) -> PhysAddr {
        frame_table::addr_of(self.first)
    }
    /// Its length in bytes.
    pub fn bytes(&self) -> usize {
        PAGE_SIZE << self.order
    }

    /// The address of `bytes` bytes at `offset`.
    fn place(&self, offset: usize, bytes: usize) -> *mut u8 {
        let end = offset.checked_add(bytes);
        assert!(
            end.is_some_and(|end| end <= self.bytes()),
            "{bytes:#x} bytes at {offset:#x} of a buffer of {:#x}",
            self.bytes()
        );
        self.memory().wrapping_add(offset)
    }

    /// Copies out (bounds-checked).
    pub fn read(&self, offset: usize, out: &mut [u8]) {
        let from = self.place(offset, out.len());
        let head = from.align_offset(WORD).min(out.len());
        let (first, rest) = out.split_at_mut(head);
        let (words, last) = rest.as_chunks_mut::<WORD>();
        for (index, byte) in first.iter_mut().enumerate() {
            // SAFETY: within the buffer by the check.
            *byte = unsafe { from.add(index).read_volatile() };
        }
        let middle = from.wrapping_add(head);
        for (index, word) in words.iter_mut().enumerate() {
            // SAFETY: within the buffer by the check, aligned by `head`.
            *word = unsafe { middle.cast::<u64>().add(index).read_volatile() }.to_ne_bytes();
        }
        let end = middle.wrapping_add(words.len() * WORD);
        for (index, byte) in last.iter_mut().enumerate() {
            // SAFETY: within the buffer by the check.
            *byte = unsafe { end.add(index).read_volatile() };
        }
    }
    /// Copies in (bounds-checked).
    pub fn write(&self, offset: usize, bytes: &[u8]) {
        let to = self.place(offset, bytes.len());
        let head = to.align_offset(WORD).min(bytes.len());
        let (first, rest) = bytes.split_at(head);
        let (words, last) = rest.as_chunks::<WORD>();
        for (index, byte) in first.iter().enumerate() {
            // SAFETY: within the buffer by the check.
            unsafe { to.add(index).write_volatile(*byte) };
        }
        let middle = to.wrapping_add(head);
        for (index, word) in words.iter().enumerate() {
            // SAFETY: within the buffer by the check, aligned by `head`.
            unsafe { middle.cast::<u64>().add(index).write_volatile(u64::from_ne_bytes(*word)) };
        }
        let end = middle.wrapping_add(words.len() * WORD);
        for (index, byte) in last.iter().enumerate() {
            // SAFETY: within the buffer by the check.
            unsafe { end.add(index).write_volatile(*byte) };
        }
    }
    /// Reads a little-endian u16 with acquire ordering against the device.
    pub fn load_u16(&self, offset: usize) -> u16 {
        assert!(offset.is_multiple_of(2), "unaligned word at {offset:#x}");
        let place = self.place(offset, 2).cast::<u16>();
        // SAFETY: within the buffer by the check, aligned.
        let value = unsafe { place.read_volatile() };
        device_barrier();
        u16::from_le(value)
    }
    /// Writes a little-endian u16 with release ordering against the device.
    pub fn store_u16(&self, offset: usize, value: u16) {
        assert!(offset.is_multiple_of(2), "unaligned word at {offset:#x}");
        let place = self.place(offset, 2).cast::<u16>();
        device_barrier();
        // SAFETY: within the buffer by the check, aligned.
        unsafe { place.write_volatile(value.to_le()) };
    }
}

impl Drop for DmaBuffer {
    fn drop(&mut self) {
        frame_table::note_used(FrameKind::Dma, -(1 << self.order));
        frame_table::release(self.first, self.order);
    }
}

/// A full memory barrier towards devices.
pub fn device_barrier() {
    fence(Ordering::SeqCst);
}
