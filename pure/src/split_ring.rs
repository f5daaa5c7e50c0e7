//! The split virtqueue of virtio (specification 1.2, section 2.7), driver's side, over any memory.
//!
//! Main type: [`SplitRing`]. `modules::virtio` puts it over DMA memory; the tests here put it over a plain array and play
//! the device, an honest one and a hostile one. The device's words are only claims: an id that is out of range or not in
//! flight, or an index that has run too far, is an error value, and nothing the device writes can lead outside the ring.
//!
//! Invariant: chains are linked by the private copy in `next`, never by what stands in shared memory.
use alloc::vec::Vec;

/// Memory shared with the device. Offsets are bounds-checked by the implementation.
pub trait RingMemory {
    /// Copies out.
    fn read(&self, offset: usize, out: &mut [u8]);
    /// Copies in.
    fn write(&self, offset: usize, bytes: &[u8]);
    /// Reads a little-endian u16; later reads see what the device wrote before it.
    fn load_u16(&self, offset: usize) -> u16;
    /// Writes a little-endian u16; the device sees earlier writes before it.
    fn store_u16(&self, offset: usize, value: u16);
    /// Orders earlier writes before later reads, towards the device.
    fn full_barrier(&self);
}

/// One piece of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where the device finds it.
    pub addr: u64,
    /// Its length.
    pub bytes: u32,
    /// Whether the device writes it (else it reads it).
    pub is_for_device_to_write: bool,
}

/// A finished request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    /// What [`SplitRing::push`] answered.
    pub head: u16,
    /// Bytes the device says it wrote; never more than the request offered.
    pub bytes: u32,
}

/// A device broke the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RingError {
    /// It finished a request that is not in flight.
    NotInFlight(u32),
    /// It claims to have written more than there was room for.
    TooLong {
        /// Claimed.
        claimed: u32,
        /// Offered.
        offered: u32,
    },
    /// Its index ran further than there are requests.
    Overrun(u16),
}

const DESCRIPTOR_BYTES: usize = 16;
const FLAG_NEXT: u16 = 1;
const FLAG_WRITE: u16 = 2;
const AVAILABLE_NO_INTERRUPT: u16 = 1;
const USED_NO_NOTIFY: u16 = 1;

/// Where the three parts lie, as offsets; the used ring is aligned to a page as legacy devices want it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The ring of requests offered.
    pub available: usize,
    /// The ring of requests finished.
    pub used: usize,
    /// Bytes in all.
    pub bytes: usize,
}

impl Layout {
    /// For a ring of `size` descriptors.
    pub const fn new(size: u16) -> Layout {
        let size = size as usize;
        let available = size * DESCRIPTOR_BYTES;
        let used = (available + 6 + 2 * size).next_multiple_of(4096);
        Layout { available, used, bytes: used + 6 + 8 * size }
    }
}

/// What is known of a chain that starts at a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    /// In the middle of a chain.
    Linked,
    /// First of a request in flight that offers so many bytes to write.
    Head {
        offered: u32,
    },
}

/// The driver's side of a split virtqueue.
pub struct SplitRing<M> {
    memory: M,
    layout: Layout,
    size: u16,
    /// First free descriptor, and how many are free.
    free: u16,
    free_count: u16,
    next: Vec<u16>,
    state: Vec<State>,
    available_index: u16,
    used_index: u16,
}

impl<M: RingMemory> SplitRing<M> {
    /// Over zeroed memory of at least [`Layout::bytes`]. `size` must be a power of two; `None` if it is not, or without memory.
    pub fn new(memory: M, size: u16) -> Option<SplitRing<M>> {
        if !size.is_power_of_two() {
            return None;
        }
        let (mut next, mut state) = (Vec::new(), Vec::new());
        next.try_reserve_exact(size.into()).ok()?;
        state.try_reserve_exact(size.into()).ok()?;
        next.extend(1..=size);
        state.resize(size.into(), State::Free);
        Some(SplitRing {
            memory,
            layout: Layout::new(size),
            size,
            free: 0,
            free_count: size,
            next,
            state,
            available_index: 0,
            used_index: 0,
        })
    }

    /// The memory it lies in.
    pub fn memory(&self) -> &M {
        &self.memory
    }

    /// Where the parts lie.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Descriptors not in use.
    pub fn free_count(&self) -> u16 {
        self.free_count
    }

    /// Offers a request, pieces to read first. Answers its head, or `None` without enough free descriptors (or pieces).
    /// The device may see it at once.
    pub fn push(&mut self, pieces: &[Piece]) -> Option<u16> {
        if pieces.is_empty() || pieces.len() > usize::from(self.free_count) {
            return None;
        }
        let head = self.free;
        let mut at = head;
        let mut offered = 0u32;
        for (i, piece) in pieces.iter().enumerate() {
            let following = self.next[usize::from(at)];
            let is_last = i + 1 == pieces.len();
            let mut flags = 0;
            if !is_last {
                flags |= FLAG_NEXT;
            }
            if piece.is_for_device_to_write {
                flags |= FLAG_WRITE;
                offered = offered.saturating_add(piece.bytes);
            }
            let mut descriptor = [0; DESCRIPTOR_BYTES];
            descriptor[..8].copy_from_slice(&piece.addr.to_le_bytes());
            descriptor[8..12].copy_from_slice(&piece.bytes.to_le_bytes());
            descriptor[12..14].copy_from_slice(&flags.to_le_bytes());
            if !is_last {
                descriptor[14..].copy_from_slice(&following.to_le_bytes());
            }
            self.memory.write(usize::from(at) * DESCRIPTOR_BYTES, &descriptor);
            self.state[usize::from(at)] = State::Linked;
            if is_last {
                self.free = following;
                // The end of the chain, for `release`.
                self.next[usize::from(at)] = self.size;
            } else {
                at = following;
            }
        }
        self.state[usize::from(head)] = State::Head { offered };
        // CAST: at most `free_count`, a u16.
        self.free_count -= pieces.len() as u16;
        let slot = usize::from(self.available_index & (self.size - 1));
        self.memory.write(self.layout.available + 4 + 2 * slot, &head.to_le_bytes());
        self.available_index = self.available_index.wrapping_add(1);
        self.memory.store_u16(self.layout.available + 2, self.available_index);
        Some(head)
    }

    /// Whether the device wants to be told of what was pushed.
    pub fn must_notify(&self) -> bool {
        // The index must be out before the flag is read, or both sides may go to sleep.
        self.memory.full_barrier();
        self.memory.load_u16(self.layout.used) & USED_NO_NOTIFY == 0
    }

    /// Asks for interrupts, or for none (a hint). After asking for them, look with [`pop`](Self::pop) once more.
    pub fn set_interrupts(&mut self, wanted: bool) {
        let flags = if wanted { 0 } else { AVAILABLE_NO_INTERRUPT };
        self.memory.store_u16(self.layout.available, flags);
        self.memory.full_barrier();
    }

    /// Takes a finished request off the ring.
    pub fn pop(&mut self) -> Result<Option<Finished>, RingError> {
        let index = self.memory.load_u16(self.layout.used + 2);
        let waiting = index.wrapping_sub(self.used_index);
        if waiting == 0 {
            return Ok(None);
        }
        if waiting > self.size - self.free_count {
            return Err(RingError::Overrun(index));
        }
        let slot = usize::from(self.used_index & (self.size - 1));
        let mut element = [0; 8];
        self.memory.read(self.layout.used + 4 + 8 * slot, &mut element);
        let [a, b, c, d, e, f, g, h] = element;
        let (id, bytes) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        let Some(State::Head { offered }) = self.state.get(id as usize).copied() else {
            return Err(RingError::NotInFlight(id));
        };
        if bytes > offered {
            return Err(RingError::TooLong { claimed: bytes, offered });
        }
        self.used_index = self.used_index.wrapping_add(1);
        // CAST: an index into `state`, whose length is a u16.
        let head = id as u16;
        self.release(head);
        Ok(Some(Finished { head, bytes }))
    }

    /// Gives a chain's descriptors back.
    fn release(&mut self, head: u16) {
        let mut at = head;
        loop {
            self.state[usize::from(at)] = State::Free;
            self.free_count += 1;
            let following = self.next[usize::from(at)];
            if following == self.size {
                self.next[usize::from(at)] = self.free;
                self.free = head;
                return;
            }
            at = following;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::RefCell;
    use std::collections::VecDeque;
    use std::rc::Rc;
    use std::vec;

    #[derive(Clone)]
    struct Shared(Rc<RefCell<Vec<u8>>>);
    impl RingMemory for Shared {
        fn read(&self, offset: usize, out: &mut [u8]) {
            out.copy_from_slice(&self.0.borrow()[offset..offset + out.len()]);
        }
        fn write(&self, offset: usize, bytes: &[u8]) {
            self.0.borrow_mut()[offset..offset + bytes.len()].copy_from_slice(bytes);
        }
        fn load_u16(&self, offset: usize) -> u16 {
            let mut word = [0; 2];
            self.read(offset, &mut word);
            u16::from_le_bytes(word)
        }
        fn store_u16(&self, offset: usize, value: u16) {
            self.write(offset, &value.to_le_bytes());
        }
        fn full_barrier(&self) {}
    }

    /// The device's side, as the specification describes it.
    struct Device {
        memory: Shared,
        layout: Layout,
        size: u16,
        seen: u16,
        used: u16,
    }
    impl Device {
        fn take(&mut self) -> Option<(u16, Vec<Piece>)> {
            if self.memory.load_u16(self.layout.available + 2) == self.seen {
                return None;
            }
            let slot = usize::from(self.seen % self.size);
            self.seen = self.seen.wrapping_add(1);
            let head = self.memory.load_u16(self.layout.available + 4 + 2 * slot);
            let (mut at, mut pieces) = (head, vec![]);
            loop {
                let mut raw = [0; 16];
                self.memory.read(usize::from(at) * 16, &mut raw);
                let flags = u16::from_le_bytes([raw[12], raw[13]]);
                pieces.push(Piece {
                    addr: u64::from_le_bytes(raw[..8].try_into().unwrap()),
                    bytes: u32::from_le_bytes(raw[8..12].try_into().unwrap()),
                    is_for_device_to_write: flags & 2 != 0,
                });
                if flags & 1 == 0 {
                    return Some((head, pieces));
                }
                at = u16::from_le_bytes([raw[14], raw[15]]);
            }
        }
        fn finish(&mut self, id: u32, bytes: u32) {
            let slot = usize::from(self.used % self.size);
            let place = self.layout.used + 4 + 8 * slot;
            self.memory.write(place, &id.to_le_bytes());
            self.memory.write(place + 4, &bytes.to_le_bytes());
            self.used = self.used.wrapping_add(1);
            self.memory.store_u16(self.layout.used + 2, self.used);
        }
    }

    fn pair(size: u16) -> (SplitRing<Shared>, Device) {
        let layout = Layout::new(size);
        let memory = Shared(Rc::new(RefCell::new(vec![0; layout.bytes])));
        let ring = SplitRing::new(memory.clone(), size).unwrap();
        (ring, Device { memory, layout, size, seen: 0, used: 0 })
    }

    fn piece(addr: u64, is_for_device_to_write: bool) -> Piece {
        Piece { addr, bytes: 100, is_for_device_to_write }
    }

    #[test]
    fn requests_arrive_and_come_back_in_any_order() {
        let (mut ring, mut device) = pair(8);
        let mut in_flight = VecDeque::new();
        let mut number = 0;
        for round in 0..100_000u64 {
            while let Some(head) = {
                let pieces: Vec<Piece> = (0..1 + round % 3).map(|i| piece(number + i, i > 0)).collect();
                ring.push(&pieces)
            } {
                let (seen, pieces) = device.take().unwrap();
                assert_eq!((seen, pieces[0].addr, pieces.len() as u64), (head, number, 1 + round % 3));
                in_flight.push_back((head, (pieces.len() as u32 - 1) * 100));
                number += 10;
            }
            assert!(device.take().is_none());
            for _ in 0..1 + round % 4 {
                let which = (round * 7 % 5) as usize % in_flight.len().max(1);
                let Some((head, bytes)) = in_flight.remove(which) else { break };
                device.finish(head.into(), bytes);
                assert_eq!(ring.pop(), Ok(Some(Finished { head, bytes })));
            }
            assert_eq!(ring.pop(), Ok(None));
        }
    }

    #[test]
    fn a_full_ring_takes_no_more() {
        let (mut ring, _) = pair(4);
        assert!(ring.push(&[piece(0, false); 5]).is_none());
        assert!(ring.push(&[piece(0, false); 4]).is_some());
        assert!(ring.push(&[piece(0, false)]).is_none());
        assert_eq!(ring.free_count(), 0);
    }

    #[test]
    fn a_hostile_device_gets_errors() {
        let (mut ring, mut device) = pair(4);
        let head = ring.push(&[piece(0, false), piece(1, true)]).unwrap();
        for (id, bytes, expected) in [
            (77, 0, RingError::NotInFlight(77)),
            (u32::from(head) + 1, 0, RingError::NotInFlight(u32::from(head) + 1)),
            (head.into(), 101, RingError::TooLong { claimed: 101, offered: 100 }),
        ] {
            device.used = 0;
            device.finish(id, bytes);
            assert_eq!(ring.pop(), Err(expected));
        }
        device.used = 0;
        device.finish(head.into(), 100);
        assert_eq!(ring.pop(), Ok(Some(Finished { head, bytes: 100 })));
        device.finish(head.into(), 0);
        assert_eq!(ring.pop(), Err(RingError::Overrun(2)));
        assert_eq!(ring.free_count(), 4);
    }
}
