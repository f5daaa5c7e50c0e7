//! Kernel stacks: 32 KiB each in the dynamic area, with an unmapped guard below. Freed stacks stay mapped and are
//! used again, so that ending and starting threads touches no page table.
use super::header::STACK_BYTES;
use crate::mm::kernel_map;
use crate::sync::RawSpin;
use core::ptr;

/// Free stacks, linked through their lowest words, and how many exist.
struct Pool {
    first: *mut usize,
    count: usize,
}

// SAFETY: the free stacks belong to the pool, which is used under its lock.
unsafe impl Send for Pool {}

static POOL: RawSpin<Pool> = RawSpin::new("stack pool", Pool { first: ptr::null_mut(), count: 0 });

/// The lowest address of a stack that nobody uses; `None` without memory.
pub(crate) fn allocate() -> Option<usize> {
    let reused = POOL.with(|pool| {
        let first = pool.first;
        if !first.is_null() {
            // SAFETY: a free stack holds the address of the next one in its lowest word.
            pool.first = unsafe { first.read() } as *mut usize;
        }
        first
    });
    if !reused.is_null() {
        return Some(reused as usize);
    }
    let base = kernel_map::map_stack(STACK_BYTES)?;
    POOL.with(|pool| pool.count += 1);
    Some(base)
}

/// Gives a stack back.
///
/// # Safety
/// 1. `base` came from [`allocate`], and nothing runs on or points into the stack.
pub(super) unsafe fn release(base: usize) {
    POOL.with(|pool| {
        let first = base as *mut usize;
        // SAFETY: the stack is mapped and nobody's (1).
        unsafe { first.write(pool.first as usize) };
        pool.first = first;
    });
}

/// Stacks that exist, free ones included.
pub(super) fn count() -> usize {
    POOL.with(|pool| pool.count)
}
