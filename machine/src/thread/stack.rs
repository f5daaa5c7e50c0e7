//! Kernel stacks: 32 KiB each in the dynamic area, with an unmapped guard below. Some free stacks stay mapped and are used
//! again, so that ending and starting threads touches no page table; what is more than that is unmapped, a batch at a time, and
//! only its addresses are kept.
use super::header::STACK_BYTES;
use crate::mm::kernel_map;
use crate::sync::RawSpin;
use alloc::vec::Vec;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};

/// Free stacks that stay mapped (2 MiB).
const MOST_FREE: usize = 64;
/// Stacks unmapped in one go: each time costs every CPU its translations.
const BATCH: usize = 32;

/// Free stacks, linked through their lowest words, and how many are mapped.
struct Pool {
    first: *mut usize,
    count: usize,
    /// Addresses of stacks that are not mapped now.
    unmapped: Vec<usize>,
}

// SAFETY: the free stacks belong to the pool, which is used under its lock.
unsafe impl Send for Pool {}

static POOL: RawSpin<Pool> =
    RawSpin::new("stack pool", Pool { first: ptr::null_mut(), count: 0, unmapped: Vec::new() });
/// Free stacks that are mapped, for looking without the lock.
static FREE: AtomicUsize = AtomicUsize::new(0);

impl Pool {
    /// Takes a free stack.
    fn take(&mut self) -> Option<usize> {
        if self.first.is_null() {
            return None;
        }
        let base = self.first as usize;
        // SAFETY: a free stack holds the address of the next one in its lowest word.
        self.first = unsafe { self.first.read() } as *mut usize;
        FREE.fetch_sub(1, Ordering::Relaxed);
        Some(base)
    }

    /// Puts a free stack back.
    ///
    /// # Safety
    /// 1. `base` is a mapped stack that nobody uses.
    unsafe fn put(&mut self, base: usize) {
        let first = base as *mut usize;
        // SAFETY: the stack is mapped and nobody's (1).
        unsafe { first.write(self.first as usize) };
        self.first = first;
        FREE.fetch_add(1, Ordering::Relaxed);
    }
}

/// The lowest address of a stack that nobody uses; `None` without memory.
pub(crate) fn allocate() -> Option<usize> {
    let (mapped, unmapped) = POOL.with(|pool| match pool.take() {
        Some(base) => (Some(base), None),
        None => (None, pool.unmapped.pop()),
    });
    if mapped.is_some() {
        return mapped;
    }
    let base = match unmapped {
        Some(base) => base,
        None => kernel_map::stack_addresses(STACK_BYTES)?,
    };
    kernel_map::map_stack(base, STACK_BYTES)?;
    POOL.with(|pool| pool.count += 1);
    Some(base)
}

/// Gives a stack back.
///
/// # Safety
/// 1. `base` came from [`allocate`], and nothing runs on or points into the stack.
pub(super) unsafe fn release(base: usize) {
    // SAFETY: mapped since `allocate`, and nobody's (1).
    POOL.with(|pool| unsafe { pool.put(base) });
}

/// Gives the frames of some free stacks back if there are far more than are likely to be used again soon. No lock is
/// held and interrupts are on.
pub(super) fn trim() {
    while FREE.load(Ordering::Relaxed) >= MOST_FREE + BATCH && unmap_some() {}
}

/// Unmaps a batch; false for want of memory.
fn unmap_some() -> bool {
    let mut room = Vec::new();
    let wanted = POOL.with(|pool| pool.unmapped.len() + BATCH);
    if room.try_reserve_exact(wanted.next_power_of_two()).is_err() {
        return false;
    }
    let mut bases = [0; BATCH];
    let mut taken = 0;
    let old = POOL.with(|pool| {
        if pool.unmapped.capacity() < pool.unmapped.len() + BATCH && room.capacity() >= pool.unmapped.len() + BATCH {
            room.append(&mut pool.unmapped);
            core::mem::swap(&mut room, &mut pool.unmapped);
        }
        while taken < BATCH
            && pool.unmapped.len() + BATCH <= pool.unmapped.capacity()
            && let Some(base) = pool.take()
        {
            bases[taken] = base;
            taken += 1;
        }
        core::mem::take(&mut room)
    });
    drop(old);
    let bases = &bases[..taken];
    // SAFETY: they were free and are ours now.
    let is_done = !bases.is_empty() && unsafe { kernel_map::unmap_stacks(bases, STACK_BYTES) };
    POOL.with(|pool| {
        for &base in bases {
            if is_done {
                pool.count -= 1;
                // There was room when they were taken; others may have used it, and then only the addresses are lost.
                if pool.unmapped.len() < pool.unmapped.capacity() {
                    pool.unmapped.push(base);
                }
            } else {
                // SAFETY: still mapped, and nobody has used it.
                unsafe { pool.put(base) };
            }
        }
    });
    is_done
}

/// Stacks that are mapped, free ones included.
pub(super) fn count() -> usize {
    POOL.with(|pool| pool.count)
}
