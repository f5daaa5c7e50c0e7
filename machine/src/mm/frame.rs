//! Frames of physical memory. One metadata slot per frame (count, kind, state) in an array at a computable
//! address; a buddy allocator below, per-CPU caches above. A [`Frame`] is one counted reference.
use super::super::thread::CurrentThread;
use super::user_copy::UserFault;
use crate::addr::{PhysAddr, UserAddr};

/// No frame is free.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfMemory;

/// What a frame is used for, for counts and dumps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum FrameKind {
    /// Private memory of a program.
    Anonymous,
    /// File contents.
    PageCache,
    /// A page table.
    PageTable,
    /// The kernel's heap, stacks and the like.
    Kernel,
    /// Shared with a device.
    Dma,
}

/// Frames by use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MemoryCounts {
    /// Usable frames in all.
    pub total: usize,
    /// Free frames, those in per-CPU caches included.
    pub free: usize,
    /// In use, by [`FrameKind`] as index.
    pub used: [usize; 5],
}

/// A counted reference to one frame. Its contents may be shared with user space, so they are only ever copied, never
/// borrowed.
pub struct Frame {
    _private: (),
}

impl Frame {
    /// A frame with unspecified contents. Callers must overwrite all of it before user space can see it.
    pub fn allocate(_kind: FrameKind) -> Result<Frame, OutOfMemory> {
        todo!()
    }
    /// A frame of zeros.
    pub fn allocate_zeroed(_kind: FrameKind) -> Result<Frame, OutOfMemory> {
        todo!()
    }
    /// References that exist to this frame, mappings included.
    pub fn count(&self) -> u32 {
        todo!()
    }
    /// Physical address, for devices and for telling frames apart.
    pub fn addr(&self) -> PhysAddr {
        todo!()
    }
    /// Copies out. Panics unless `offset + out.len() <= PAGE_SIZE`.
    pub fn read(&self, _offset: usize, _out: &mut [u8]) {
        todo!()
    }
    /// Copies in. Panics unless it fits.
    pub fn write(&self, _offset: usize, _bytes: &[u8]) {
        todo!()
    }
    /// Zeroes `bytes` from `offset`. Panics unless it fits.
    pub fn zero(&self, _offset: usize, _bytes: usize) {
        todo!()
    }
    /// Copies a whole frame.
    pub fn copy_from(&self, _source: &Frame) {
        todo!()
    }
    /// Copies from this frame to user memory; answers bytes copied before a fault, if any.
    pub fn copy_to_user(
        &self,
        _cx: &mut CurrentThread,
        _offset: usize,
        _to: UserAddr,
        _bytes: usize,
    ) -> Result<(), UserFault> {
        todo!()
    }
    /// Copies from user memory into this frame.
    pub fn copy_from_user(
        &self,
        _cx: &mut CurrentThread,
        _offset: usize,
        _from: UserAddr,
        _bytes: usize,
    ) -> Result<(), UserFault> {
        todo!()
    }
}

impl Clone for Frame {
    fn clone(&self) -> Frame {
        todo!()
    }
}
impl Drop for Frame {
    fn drop(&mut self) {
        todo!()
    }
}
