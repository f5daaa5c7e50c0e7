//! A virtqueue in DMA memory: `pure::split_ring` over [`DmaBuffer`].
use machine::addr::PhysAddr;
use machine::mm::{DmaBuffer, OutOfMemory, device};
use pure::split_ring::{Finished, Piece, RingError, RingMemory, SplitRing};

/// The memory of a ring.
pub struct QueueMemory(DmaBuffer);

impl QueueMemory {
    pub(super) fn allocate(bytes: usize) -> Result<QueueMemory, OutOfMemory> {
        DmaBuffer::allocate(bytes).map(QueueMemory)
    }
    pub(super) fn addr(&self) -> PhysAddr {
        self.0.addr()
    }
}

impl RingMemory for QueueMemory {
    fn read(&self, offset: usize, out: &mut [u8]) {
        self.0.read(offset, out);
    }
    fn write(&self, offset: usize, bytes: &[u8]) {
        self.0.write(offset, bytes);
    }
    fn load_u16(&self, offset: usize) -> u16 {
        self.0.load_u16(offset)
    }
    fn store_u16(&self, offset: usize, value: u16) {
        self.0.store_u16(offset, value);
    }
    fn full_barrier(&self) {
        device::device_barrier();
    }
}

/// A virtqueue.
pub struct Queue {
    index: u16,
    ring: SplitRing<QueueMemory>,
}

impl Queue {
    pub(super) fn new(index: u16, ring: SplitRing<QueueMemory>) -> Queue {
        Queue { index, ring }
    }
    /// Its number, for notifying.
    pub fn index(&self) -> u16 {
        self.index
    }
    /// Offers `bytes` of `buffer` from `offset` as one request. `None` if the ring is full.
    pub fn push(
        &mut self,
        buffer: &DmaBuffer,
        offset: usize,
        bytes: usize,
        is_for_device_to_write: bool,
    ) -> Option<u16> {
        let piece =
            Piece { addr: buffer.addr().0 + offset as u64, bytes: u32::try_from(bytes).ok()?, is_for_device_to_write };
        self.ring.push(&[piece])
    }
    /// Takes a finished request.
    pub fn pop(&mut self) -> Result<Option<Finished>, RingError> {
        self.ring.pop()
    }
    /// Whether the device wants to hear of what was pushed.
    pub fn must_notify(&self) -> bool {
        self.ring.must_notify()
    }
    /// Asks for interrupts or for none.
    pub fn set_interrupts(&mut self, wanted: bool) {
        self.ring.set_interrupts(wanted);
    }
}
