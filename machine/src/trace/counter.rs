//! Per-CPU counters: always on, relaxed, summed by whoever reads.
//!
//! Each CPU has its own block of all counters, so CPUs never share a cache line; a block is one page at most. The list
//! of counters is [`wire::trace::Counter`].
use super::IS_TRACED;
use crate::cpu::{self, CpuId, MAX_CPUS};
use core::sync::atomic::{AtomicU64, Ordering};
use wire::trace::{COUNTERS, Counter};

/// One CPU's counters, on cache lines of their own.
#[repr(align(64))]
struct Block([AtomicU64; COUNTERS]);

static BLOCKS: [Block; MAX_CPUS] = [const { Block([const { AtomicU64::new(0) }; COUNTERS]) }; MAX_CPUS];

/// Counts one.
#[inline]
pub fn count(counter: Counter) {
    add(counter, 1);
}

/// Counts `amount`. If the thread moves between finding its CPU and adding, the count goes to the old CPU's block: it is
/// still counted once.
#[inline]
pub fn add(counter: Counter, amount: u64) {
    if !IS_TRACED {
        return;
    }
    let block = &BLOCKS[cpu::current().0 as usize % MAX_CPUS];
    block.0[counter as usize].fetch_add(amount, Ordering::Relaxed);
}

/// For `layout`: where the first block is, and how far it is to the next.
pub(super) fn place() -> (u64, u64) {
    (BLOCKS.as_ptr().addr() as u64, size_of::<Block>() as u64)
}

/// One CPU's count.
pub fn per_cpu(counter: Counter, cpu: CpuId) -> u64 {
    BLOCKS[cpu.0 as usize % MAX_CPUS].0[counter as usize].load(Ordering::Relaxed)
}

/// The sum over all CPUs.
pub fn total(counter: Counter) -> u64 {
    BLOCKS.iter().map(|block| block.0[counter as usize].load(Ordering::Relaxed)).fold(0, u64::wrapping_add)
}
