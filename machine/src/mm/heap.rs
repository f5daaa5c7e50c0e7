//! The kernel heap: size classes cut from frames, magazines per CPU, large blocks from the frame allocator.
//!
//! An allocation of up to [`MOST_SMALL`] bytes is rounded up to a class. Each CPU keeps a magazine of free objects per class;
//! a full or empty one exchanges half its objects with the class's slabs, under the class's lock. A slab is a block of frames;
//! the slot of its first frame (see `frame_table`) counts the objects in use and heads the list of free ones, and an empty slab
//! goes back to the frame allocator. Larger allocations take a block of frames of their own, contiguous in
//! physical memory, rounded up to a power of two.
//!
//! Invariants: objects of one slab are all of its class; `count` of a slab's slot is objects in use, those in magazines included;
//! a slab is on its class's list exactly while it has free objects.
//! Locks: one per class (leaf, above the frame allocator's). Handlers use the slabs directly, not the magazines.
use super::frame::FrameKind;
use super::frame_table::{self, END};
use crate::addr::{DIRECT_MAP_BASE, PAGE_SIZE, PhysAddr};
use crate::sync::RawSpin;
use crate::thread::header;
use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr;
use core::sync::atomic::Ordering;

/// Sizes of the classes. Each is a multiple of 16; those that are powers of two are aligned to their size.
const CLASSES: [u16; 18] = [16, 32, 48, 64, 96, 128, 192, 256, 320, 384, 512, 640, 768, 1024, 1280, 1536, 2048, 4096];
/// Largest small allocation.
const MOST_SMALL: usize = 4096;
/// Objects a magazine holds at most.
const MAGAZINE_ROOM: usize = 32;
/// Frames of a slab, as an order, by class.
const SLAB_ORDER: [u8; CLASSES.len()] = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3];

/// The class for sizes up to 16 * (index + 1).
static CLASS_OF: [u8; MOST_SMALL / 16] = {
    let mut table = [0; MOST_SMALL / 16];
    let mut index = 0;
    let mut class = 0;
    while index < table.len() {
        if (index + 1) * 16 > CLASSES[class] as usize {
            class += 1;
        }
        table[index] = class as u8;
        index += 1;
    }
    table
};

/// A CPU's free objects. Used by its own CPU with preemption off, not by handlers.
pub(crate) struct Magazines {
    stacks: [UnsafeCell<Magazine>; CLASSES.len()],
}

struct Magazine {
    count: usize,
    objects: [*mut u8; MAGAZINE_ROOM],
}

impl Magazines {
    pub(crate) const fn new() -> Magazines {
        Magazines {
            stacks: [const { UnsafeCell::new(Magazine { count: 0, objects: [ptr::null_mut(); MAGAZINE_ROOM] }) };
                CLASSES.len()],
        }
    }
}

/// The slabs of a class that have free objects: the first one's frame.
struct Class {
    partial: u32,
}

static SLABS: [RawSpin<Class>; CLASSES.len()] =
    [const { RawSpin::new("heap class", Class { partial: END }) }; CLASSES.len()];

/// How many objects a magazine of a class keeps: few of the large ones.
const fn magazine_room(class: usize) -> usize {
    let by_bytes = 16 * 1024 / CLASSES[class] as usize;
    if by_bytes < 4 {
        4
    } else if by_bytes > MAGAZINE_ROOM {
        MAGAZINE_ROOM
    } else {
        by_bytes
    }
}

/// The class that holds `layout`, if it is small.
#[inline(always)]
fn class_of(layout: &Layout) -> Option<usize> {
    let bytes = if layout.align() <= 16 {
        layout.size()
    } else {
        // Powers of two are aligned to themselves: a slab begins at a page boundary.
        layout.size().max(layout.align()).next_power_of_two()
    };
    if bytes > MOST_SMALL || layout.align() > PAGE_SIZE {
        return None;
    }
    Some(usize::from(CLASS_OF[bytes.saturating_sub(1) / 16]))
}

/// The order of the block of frames that holds `layout`.
fn order_of(layout: &Layout) -> Option<usize> {
    let frames = layout.size().max(layout.align()).div_ceil(PAGE_SIZE);
    let order = frames.next_power_of_two().trailing_zeros() as usize;
    (order <= pure::buddy::MAX_ORDER).then_some(order)
}

/// The frame that holds a heap address.
#[inline(always)]
fn frame_of(object: *mut u8) -> u32 {
    frame_table::index_of(PhysAddr((object as usize - DIRECT_MAP_BASE) as u64))
}

impl Class {
    /// Takes one free object, from a new slab if need be.
    fn take(&mut self, class: usize) -> Option<*mut u8> {
        if self.partial == END {
            self.add_slab(class)?;
        }
        let slab = self.partial;
        let slot = frame_table::slot(slab);
        let bytes = usize::from(CLASSES[class]);
        // The free list's head is the object's number + 1.
        let number = usize::from(slot.aux.load(Ordering::Relaxed)) - 1;
        // SAFETY: a free object of this slab, inside its block of frames; its first word holds the next one's number + 1.
        let object = unsafe { frame_table::memory(slab).add(number * bytes) };
        // SAFETY: as above.
        let next = unsafe { object.cast::<u16>().read() };
        slot.aux.store(next, Ordering::Relaxed);
        slot.count.store(slot.count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        if next == 0 {
            self.unlink(slab);
        }
        Some(object)
    }

    /// Puts an object back; answers its slab if that is empty now and no longer linked.
    fn put(&mut self, class: usize, object: *mut u8) -> Option<u32> {
        let order = SLAB_ORDER[class];
        let slab = frame_of(object) & !((1 << order) - 1);
        let slot = frame_table::slot(slab);
        let number = (object as usize - frame_table::memory(slab) as usize) / usize::from(CLASSES[class]);
        let first = slot.aux.load(Ordering::Relaxed);
        // SAFETY: the object is free now and at least 16 bytes long.
        unsafe { object.cast::<u16>().write(first) };
        slot.aux.store(number as u16 + 1, Ordering::Relaxed);
        let in_use = slot.count.load(Ordering::Relaxed) - 1;
        slot.count.store(in_use, Ordering::Relaxed);
        if first == 0 {
            self.link(slab);
        }
        // One empty slab is kept: the next allocation is likely to want it.
        if in_use == 0 && (self.partial != slab || slot.next.load(Ordering::Relaxed) != END) {
            self.unlink(slab);
            return Some(slab);
        }
        None
    }

    fn add_slab(&mut self, class: usize) -> Option<()> {
        let order = usize::from(SLAB_ORDER[class]);
        let slab = frame_table::allocate(order)?;
        frame_table::note_used(FrameKind::Kernel, 1 << order);
        let memory = frame_table::memory(slab);
        let bytes = usize::from(CLASSES[class]);
        let count = (PAGE_SIZE << order) / bytes;
        for number in 0..count {
            let next = if number + 1 == count { 0 } else { number as u16 + 2 };
            // SAFETY: within the new block.
            unsafe { memory.add(number * bytes).cast::<u16>().write(next) };
        }
        let slot = frame_table::slot(slab);
        slot.kind.store(FrameKind::Kernel as u8, Ordering::Relaxed);
        slot.count.store(0, Ordering::Relaxed);
        slot.aux.store(1, Ordering::Relaxed);
        self.link(slab);
        Some(())
    }

    fn link(&mut self, slab: u32) {
        let slot = frame_table::slot(slab);
        slot.previous.store(END, Ordering::Relaxed);
        slot.next.store(self.partial, Ordering::Relaxed);
        if self.partial != END {
            frame_table::slot(self.partial).previous.store(slab, Ordering::Relaxed);
        }
        self.partial = slab;
    }

    fn unlink(&mut self, slab: u32) {
        let slot = frame_table::slot(slab);
        let next = slot.next.load(Ordering::Relaxed);
        let previous = slot.previous.load(Ordering::Relaxed);
        if previous == END {
            self.partial = next;
        } else {
            frame_table::slot(previous).next.store(next, Ordering::Relaxed);
        }
        if next != END {
            frame_table::slot(next).previous.store(previous, Ordering::Relaxed);
        }
    }
}

/// Gives an empty slab's frames back.
fn release_slab(class: usize, slab: u32) {
    let order = usize::from(SLAB_ORDER[class]);
    frame_table::note_used(FrameKind::Kernel, -(1 << order));
    frame_table::release(slab, order);
}

#[cold]
fn refill(magazine: &mut Magazine, class: usize) {
    let wanted = magazine_room(class) / 2;
    SLABS[class].with(|slabs| {
        while magazine.count < wanted {
            let Some(object) = slabs.take(class) else {
                break;
            };
            magazine.objects[magazine.count] = object;
            magazine.count += 1;
        }
    });
}

#[cold]
fn drain(magazine: &mut Magazine, class: usize) {
    let kept = magazine_room(class) / 2;
    while magazine.count > kept {
        let mut empty = None;
        SLABS[class].with(|slabs| {
            while magazine.count > kept && empty.is_none() {
                magazine.count -= 1;
                empty = slabs.put(class, magazine.objects[magazine.count]);
            }
        });
        if let Some(slab) = empty {
            release_slab(class, slab);
        }
    }
}

fn allocate_small(class: usize) -> *mut u8 {
    let header = header::preempt_off();
    let object = if header.handlers.get() != 0 {
        SLABS[class].with(|slabs| slabs.take(class)).unwrap_or_default()
    } else {
        // SAFETY: preemption is off and this is no handler: the magazine is this context's alone.
        let magazine = unsafe { &mut *header.cpu().magazines.stacks[class].get() };
        if magazine.count == 0 {
            refill(magazine, class);
        }
        if magazine.count == 0 {
            ptr::null_mut()
        } else {
            magazine.count -= 1;
            magazine.objects[magazine.count]
        }
    };
    header::preempt_on(header);
    object
}

fn release_small(class: usize, object: *mut u8) {
    let header = header::preempt_off();
    if header.handlers.get() != 0 {
        if let Some(slab) = SLABS[class].with(|slabs| slabs.put(class, object)) {
            release_slab(class, slab);
        }
    } else {
        // SAFETY: preemption is off and this is no handler: the magazine is this context's alone.
        let magazine = unsafe { &mut *header.cpu().magazines.stacks[class].get() };
        if magazine.count == magazine_room(class) {
            drain(magazine, class);
        }
        magazine.objects[magazine.count] = object;
        magazine.count += 1;
    }
    header::preempt_on(header);
}

/// The global allocator.
struct Heap;

#[global_allocator]
static HEAP: Heap = Heap;

// SAFETY: each object is handed out once until it is released, with at least the size and alignment asked for.
unsafe impl GlobalAlloc for Heap {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match class_of(&layout) {
            Some(class) => {
                let object = allocate_small(class);
                if object.is_null() && frame_table::reclaim(32) { allocate_small(class) } else { object }
            }
            None => allocate_large(&layout),
        }
    }

    #[inline]
    unsafe fn dealloc(&self, object: *mut u8, layout: Layout) {
        match class_of(&layout) {
            Some(class) => release_small(class, object),
            None => {
                if let Some(order) = order_of(&layout) {
                    frame_table::note_used(FrameKind::Kernel, -(1 << order));
                    frame_table::release(frame_of(object), order);
                }
            }
        }
    }

    unsafe fn realloc(&self, object: *mut u8, layout: Layout, new_bytes: usize) -> *mut u8 {
        // SAFETY: the caller vouches that the new size is not zero and does not overflow.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_bytes, layout.align()) };
        let fits = match (class_of(&layout), class_of(&new_layout)) {
            (Some(old), Some(new)) => old == new,
            (None, None) => order_of(&layout) == order_of(&new_layout) && order_of(&layout).is_some(),
            _ => false,
        };
        if fits {
            return object;
        }
        // SAFETY: the new layout is valid; the old object is the caller's, and both are at least as long as what is copied.
        unsafe {
            let new = self.alloc(new_layout);
            if !new.is_null() {
                ptr::copy_nonoverlapping(object, new, layout.size().min(new_bytes));
                self.dealloc(object, layout);
            }
            new
        }
    }
}

#[cold]
fn allocate_large(layout: &Layout) -> *mut u8 {
    let Some(order) = order_of(layout) else {
        return ptr::null_mut();
    };
    // Large blocks are asked for on behalf of programs, and their callers can be told that there is none.
    let take = || frame_table::may_take(FrameKind::Kernel).then(|| frame_table::allocate(order)).flatten();
    let frame = take().or_else(|| frame_table::reclaim(1 << order).then(take).flatten());
    match frame {
        Some(frame) => {
            frame_table::note_used(FrameKind::Kernel, 1 << order);
            frame_table::memory(frame)
        }
        None => ptr::null_mut(),
    }
}
