//! Frames of physical memory. One metadata slot per frame (count, kind, state) in an array at a computable
//! address (`frame_table`); a buddy allocator below, per-CPU caches above (`frame_cache`). A [`Frame`] is one counted reference.
//!
//! Invariants: a frame's count is the number of [`Frame`] values and page-table leaves that refer to it; at zero it goes
//! back to the allocator.
use super::frame_table::{self, Slot};
use super::user_copy::{self, UserFault};
use super::{frame_cache, kernel_map};
use crate::addr::{PAGE_SIZE, PhysAddr, UserAddr};
use crate::arch;
use crate::defect::{self, Defect};
use crate::thread::CurrentThread;
use core::ptr;
use core::sync::atomic::{AtomicU8, Ordering, fence};

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
    /// Of the initial RAM disk: never written, never free. Not counted as in use.
    Boot,
}

impl FrameKind {
    #[inline(always)]
    fn of(slot: &Slot) -> FrameKind {
        match slot.kind.load(Ordering::Relaxed) {
            0 => FrameKind::Anonymous,
            1 => FrameKind::PageCache,
            2 => FrameKind::PageTable,
            4 => FrameKind::Dma,
            5 => FrameKind::Boot,
            _ => FrameKind::Kernel,
        }
    }
}

/// Frames by use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MemoryCounts {
    /// Usable frames in all.
    pub total: usize,
    /// Free frames, those in per-CPU caches included.
    pub free: usize,
    /// In use, by [`FrameKind`] as index ([`FrameKind::Boot`] excepted).
    pub used: [usize; 5],
}

/// A counted reference to one frame. Its contents may be shared with user space, so they are only ever copied, never
/// borrowed.
pub struct Frame {
    index: u32,
}

impl Frame {
    /// A frame with unspecified contents. Callers must overwrite all of it before user space can see it.
    #[inline]
    pub fn allocate(kind: FrameKind) -> Result<Frame, OutOfMemory> {
        let index = match frame_cache::allocate(kind) {
            Some(index) => index,
            None => Self::allocate_after_reclaim(kind)?,
        };
        let slot = frame_table::slot(index);
        slot.count.store(1, Ordering::Relaxed);
        slot.kind.store(kind as u8, Ordering::Relaxed);
        slot.aux.store(0, Ordering::Relaxed);
        frame_table::note_used(kind, 1);
        Ok(Frame { index })
    }

    #[cold]
    fn allocate_after_reclaim(kind: FrameKind) -> Result<u32, OutOfMemory> {
        while frame_table::reclaim(32) {
            if let Some(index) = frame_cache::allocate(kind) {
                return Ok(index);
            }
        }
        Err(OutOfMemory)
    }

    /// The frame in which `page`, a whole page of the initial RAM disk, lies; `None` if it is not just that. Nobody writes
    /// there: neither through this type nor through a mapping (both panic).
    pub fn of_boot(page: &'static [u8]) -> Option<Frame> {
        let initrd = crate::boot::info().initrd?;
        let distance = page.as_ptr().addr().checked_sub(kernel_map::direct(initrd.start).addr())?;
        let addr = PhysAddr(initrd.start.0 + distance as u64);
        let is_inside = distance as u64 + PAGE_SIZE as u64 <= initrd.bytes;
        if page.len() != PAGE_SIZE || !addr.0.is_multiple_of(PAGE_SIZE as u64) || !is_inside || !open_boot() {
            return None;
        }
        let index = frame_table::index_of(addr);
        let slot = frame_table::slot(index);
        if slot.count.load(Ordering::Acquire) == 0 {
            slot.kind.store(FrameKind::Boot as u8, Ordering::Relaxed);
            // The RAM disk's own reference, which nobody gives back; another CPU may have been quicker.
            let _ = slot.count.compare_exchange(0, 1, Ordering::AcqRel, Ordering::Acquire);
        }
        slot.count.fetch_add(1, Ordering::Relaxed);
        Some(Frame { index })
    }

    /// Whether it is one of the initial RAM disk, which must not be written.
    #[inline]
    pub fn is_boot(&self) -> bool {
        is_boot(self.slot())
    }

    /// A frame of zeros.
    #[inline]
    pub fn allocate_zeroed(kind: FrameKind) -> Result<Frame, OutOfMemory> {
        let frame = Frame::allocate(kind)?;
        // SAFETY: the frame is new, so nobody else looks at it.
        unsafe { frame_table::zero_words(frame.memory(), PAGE_SIZE) };
        Ok(frame)
    }

    /// References that exist to this frame, mappings included.
    #[inline]
    pub fn count(&self) -> u32 {
        self.slot().count.load(Ordering::Acquire)
    }

    /// Physical address, for devices and for telling frames apart.
    #[inline]
    pub fn addr(&self) -> PhysAddr {
        frame_table::addr_of(self.index)
    }

    /// Copies out. Panics unless `offset + out.len() <= PAGE_SIZE`.
    pub fn read(&self, offset: usize, out: &mut [u8]) {
        assert!(offset <= PAGE_SIZE && out.len() <= PAGE_SIZE - offset, "a copy stays within its frame");
        // SAFETY: within the frame; the destination is the caller's. The source may change meanwhile: bytes are just copied.
        unsafe { ptr::copy_nonoverlapping(self.memory().add(offset).cast_const(), out.as_mut_ptr(), out.len()) };
    }

    /// Copies in. Panics unless it fits.
    pub fn write(&self, offset: usize, bytes: &[u8]) {
        assert!(offset <= PAGE_SIZE && bytes.len() <= PAGE_SIZE - offset, "a copy stays within its frame");
        self.note_written();
        // SAFETY: within the frame, which is never borrowed.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.memory().add(offset), bytes.len()) };
    }

    /// Zeroes `bytes` from `offset`. Panics unless it fits.
    pub fn zero(&self, offset: usize, bytes: usize) {
        assert!(offset <= PAGE_SIZE && bytes <= PAGE_SIZE - offset, "zeroing stays within its frame");
        self.note_written();
        // SAFETY: within the frame, which is never borrowed.
        unsafe { ptr::write_bytes(self.memory().add(offset), 0, bytes) };
    }

    /// Copies a whole frame.
    pub fn copy_from(&self, source: &Frame) {
        self.note_written();
        // SAFETY: two frames, by words; a frame copied onto itself stays as it is.
        unsafe { copy_frame(self.memory(), source.memory()) };
    }

    /// Copies from this frame to user memory; fails at the first fault that cannot be resolved.
    pub fn copy_to_user(
        &self,
        cx: &mut CurrentThread,
        offset: usize,
        to: UserAddr,
        bytes: usize,
    ) -> Result<(), UserFault> {
        assert!(offset <= PAGE_SIZE && bytes <= PAGE_SIZE - offset, "a copy stays within its frame");
        // SAFETY: within the frame, which the reference keeps alive.
        unsafe { user_copy::write_raw(cx, to, self.memory().add(offset), bytes) }
    }

    /// Copies from user memory into this frame.
    pub fn copy_from_user(
        &self,
        cx: &mut CurrentThread,
        offset: usize,
        from: UserAddr,
        bytes: usize,
    ) -> Result<(), UserFault> {
        assert!(offset <= PAGE_SIZE && bytes <= PAGE_SIZE - offset, "a copy stays within its frame");
        self.note_written();
        // SAFETY: within the frame, which is never borrowed.
        unsafe { user_copy::read_raw(cx, from, self.memory().add(offset), bytes) }
    }

    #[inline(always)]
    fn slot(&self) -> &'static Slot {
        frame_table::slot(self.index)
    }

    #[inline(always)]
    pub(crate) fn memory(&self) -> *mut u8 {
        kernel_map::direct(self.addr())
    }

    /// See [`make_executable`].
    #[inline]
    pub(crate) fn make_executable(&self) {
        make_executable(self.addr());
    }

    /// Notes that the contents change.
    #[inline(always)]
    fn note_written(&self) {
        assert!(!self.is_boot(), "the initial RAM disk is never written");
        self.slot().aux.store(0, Ordering::Relaxed);
    }

    /// Gives the reference to a page table: the leaf owns it from now on.
    #[inline(always)]
    pub(crate) fn into_mapping(self) -> PhysAddr {
        let addr = self.addr();
        let _ = core::mem::ManuallyDrop::new(self);
        addr
    }

    /// Takes back the reference that a leaf owned.
    ///
    /// # Safety
    /// 1. `addr` came from [`into_mapping`](Self::into_mapping) (or [`add_mapping`]), once for each time it is taken back.
    #[inline(always)]
    pub(crate) unsafe fn from_mapping(addr: PhysAddr) -> Frame {
        Frame { index: frame_table::index_of(addr) }
    }
}

/// Counts one more leaf that refers to the frame at `addr`, which another leaf refers to.
#[inline(always)]
pub(crate) fn add_mapping(addr: PhysAddr) {
    frame_table::slot(frame_table::index_of(addr)).count.fetch_add(1, Ordering::Relaxed);
}

/// Makes what was written to the frame visible to instruction fetch, unless that was done since it was written last.
#[inline]
pub(crate) fn make_executable(addr: PhysAddr) {
    let slot = frame_table::slot(frame_table::index_of(addr));
    if slot.aux.load(Ordering::Relaxed) != FETCHABLE {
        arch::page_table::make_executable(addr);
        slot.aux.store(FETCHABLE, Ordering::Relaxed);
    }
}

/// Whether frames of the initial RAM disk were made, or its memory was given back: one excludes the other.
static BOOT: AtomicU8 = AtomicU8::new(UNDECIDED);
const UNDECIDED: u8 = 0;
const IN_USE: u8 = 1;
const GIVEN_BACK: u8 = 2;

/// Whether frames of the initial RAM disk may be made.
#[inline]
fn open_boot() -> bool {
    match BOOT.load(Ordering::Acquire) {
        UNDECIDED => match BOOT.compare_exchange(UNDECIDED, IN_USE, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(decided) => decided == IN_USE,
        },
        decided => decided == IN_USE,
    }
}

/// Whether the initial RAM disk may be given back, now and once.
pub(super) fn close_boot() -> bool {
    BOOT.compare_exchange(UNDECIDED, GIVEN_BACK, Ordering::AcqRel, Ordering::Acquire).is_ok()
}

#[inline(always)]
fn is_boot(slot: &Slot) -> bool {
    slot.kind.load(Ordering::Relaxed) == FrameKind::Boot as u8
}

/// What the page table needs to know of the frame at `addr`: its references, and what it is.
#[inline(always)]
pub(crate) fn facts(addr: PhysAddr) -> (u32, FrameKind) {
    let slot = frame_table::slot(frame_table::index_of(addr));
    (slot.count.load(Ordering::Acquire), FrameKind::of(slot))
}

/// Value of a user frame's `aux`: instruction fetch sees what was written.
const FETCHABLE: u16 = 1;

impl Clone for Frame {
    #[inline]
    fn clone(&self) -> Frame {
        self.slot().count.fetch_add(1, Ordering::Relaxed);
        Frame { index: self.index }
    }
}

impl Drop for Frame {
    #[inline]
    fn drop(&mut self) {
        let slot = self.slot();
        if slot.count.fetch_sub(1, Ordering::Release) == 1 {
            fence(Ordering::Acquire);
            frame_table::note_freed(slot);
            if defect::is_one_of(4, Defect::LeakedFrame) {
                return;
            }
            frame_cache::release(self.index);
        }
    }
}

/// Copies one frame by words.
///
/// # Safety
/// 1. Both are page-aligned; `to` is valid for writes and `from` for reads of a page.
#[inline(always)]
unsafe fn copy_frame(to: *mut u8, from: *const u8) {
    let (mut to, mut from) = (to.cast::<u64>(), from.cast::<u64>());
    // SAFETY: within the page (1).
    unsafe {
        let end = to.add(PAGE_SIZE / 8);
        while to < end {
            let words = [
                from.read(),
                from.add(1).read(),
                from.add(2).read(),
                from.add(3).read(),
                from.add(4).read(),
                from.add(5).read(),
                from.add(6).read(),
                from.add(7).read(),
            ];
            to.write(words[0]);
            to.add(1).write(words[1]);
            to.add(2).write(words[2]);
            to.add(3).write(words[3]);
            to.add(4).write(words[4]);
            to.add(5).write(words[5]);
            to.add(6).write(words[6]);
            to.add(7).write(words[7]);
            // Keeps the compiler from making a call to `memcpy` of this loop.
            core::arch::asm!("", options(nostack, preserves_flags));
            to = to.add(8);
            from = from.add(8);
        }
    }
}
