//! Single frames that a CPU keeps at hand, so that most allocations take no lock.
//!
//! Used by its own CPU with preemption off, and not by interrupt handlers, which go to the allocator itself.
use super::frame::FrameKind;
use super::frame_table;
use crate::cpu::CpuLocal;
use crate::thread::header;
use crate::trace::{self, Counter};
use core::cell::UnsafeCell;

/// Most frames kept.
const ROOM: usize = 64;
/// Frames moved at once between cache and allocator.
const BATCH: usize = 32;

/// Most zeroed tables kept.
const TABLE_ROOM: usize = 32;

/// See the module.
pub(crate) struct FrameCache {
    stack: UnsafeCell<Stack>,
    tables: UnsafeCell<Tables>,
}

/// Frames of zeros, ready to be page tables.
struct Tables {
    count: usize,
    frames: [u32; TABLE_ROOM],
}

struct Stack {
    count: usize,
    frames: [u32; ROOM],
}

impl FrameCache {
    pub(crate) const fn new() -> FrameCache {
        FrameCache {
            stack: UnsafeCell::new(Stack { count: 0, frames: [0; ROOM] }),
            tables: UnsafeCell::new(Tables { count: 0, frames: [0; TABLE_ROOM] }),
        }
    }

    /// Frames kept now; read by others, so perhaps stale.
    pub(super) fn len(&self) -> usize {
        // SAFETY: racy reads of single words, for a count.
        unsafe {
            (&raw const (*self.stack.get()).count).read_volatile()
                + (&raw const (*self.tables.get()).count).read_volatile()
        }
    }
}

/// The calling CPU's stack.
///
/// # Safety
/// 1. Preemption is off, no handler runs, and no other reference to it is in use.
#[expect(clippy::mut_from_ref, reason = "exclusive because preemption is off")]
#[inline(always)]
unsafe fn stack(cpu: &CpuLocal) -> &mut Stack {
    // SAFETY: exclusive by (1).
    unsafe { &mut *cpu.frames.stack.get() }
}

/// One frame with unspecified contents, if one may be taken for this use.
#[inline]
pub(super) fn allocate(kind: FrameKind) -> Option<u32> {
    if !frame_table::may_take(kind) {
        trace::count(Counter::FrameAllocationsFailed);
        return None;
    }
    let header = header::preempt_off();
    let frame = if header.handlers.get() != 0 {
        frame_table::allocate(0)
    } else {
        // SAFETY: preemption is off and this is no handler.
        let stack = unsafe { stack(header.cpu()) };
        if stack.count == 0 {
            stack.count = frame_table::allocate_many(&mut stack.frames[..BATCH]);
        }
        if stack.count == 0 {
            None
        } else {
            stack.count -= 1;
            Some(stack.frames[stack.count])
        }
    };
    header::preempt_on(header);
    trace::count(if frame.is_some() { Counter::FramesAllocated } else { Counter::FrameAllocationsFailed });
    frame
}

/// Gives one frame back.
#[inline]
pub(super) fn release(frame: u32) {
    trace::count(Counter::FramesFreed);
    let header = header::preempt_off();
    if header.handlers.get() != 0 {
        frame_table::release(frame, 0);
    } else {
        // SAFETY: preemption is off and this is no handler.
        let stack = unsafe { stack(header.cpu()) };
        if stack.count == ROOM {
            // The oldest go: the newest are likely to be in the processor's cache.
            frame_table::release_many(&stack.frames[..BATCH]);
            stack.frames.copy_within(BATCH.., 0);
            stack.count -= BATCH;
        }
        stack.frames[stack.count] = frame;
        stack.count += 1;
    }
    header::preempt_on(header);
}

/// A frame of zeros, if one is at hand.
#[inline]
pub(super) fn take_table() -> Option<u32> {
    let header = header::preempt_off();
    let mut taken = None;
    if header.handlers.get() == 0 {
        // SAFETY: preemption is off and this is no handler.
        let tables = unsafe { &mut *header.cpu().frames.tables.get() };
        if tables.count > 0 {
            tables.count -= 1;
            taken = Some(tables.frames[tables.count]);
        }
    }
    header::preempt_on(header);
    taken
}

/// Keeps a frame of zeros for the next table, or gives it back if there are enough.
#[inline]
pub(super) fn put_table(frame: u32) {
    let header = header::preempt_off();
    // SAFETY: preemption is off; if this is no handler, nobody else uses the cell.
    let tables = unsafe { &mut *header.cpu().frames.tables.get() };
    if header.handlers.get() == 0 && tables.count < TABLE_ROOM {
        tables.frames[tables.count] = frame;
        tables.count += 1;
    } else {
        release(frame);
    }
    header::preempt_on(header);
}
