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

/// See the module.
pub(crate) struct FrameCache {
    stack: UnsafeCell<Stack>,
}

struct Stack {
    count: usize,
    frames: [u32; ROOM],
}

impl FrameCache {
    pub(crate) const fn new() -> FrameCache {
        FrameCache { stack: UnsafeCell::new(Stack { count: 0, frames: [0; ROOM] }) }
    }

    /// Frames kept now; read by others, so perhaps stale.
    pub(super) fn len(&self) -> usize {
        // SAFETY: a racy read of one word, for a count.
        unsafe { (&raw const (*self.stack.get()).count).read_volatile() }
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
