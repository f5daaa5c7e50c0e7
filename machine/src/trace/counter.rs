//! Per-CPU counters: always on, exact, summed by whoever reads.
//!
//! Each CPU has a block of all counters at a place that its own per-CPU register leads to, on cache lines of its own. Counting is one step for
//! interrupts and switches ([`arch::cpu::count_here`]) without being one for the other CPUs, which only read. The list of counters is
//! [`wire::trace::Counter`].
use super::IS_TRACED;
use crate::arch;
use crate::cpu::{self, CpuId};
use core::sync::atomic::{AtomicU64, Ordering};
use wire::trace::{COUNTERS, Counter};

/// One CPU's counters, on cache lines of their own.
#[repr(C, align(64))]
pub(crate) struct Block([AtomicU64; COUNTERS]);

impl Block {
    /// All zero.
    pub(crate) const fn new() -> Block {
        Block([const { AtomicU64::new(0) }; COUNTERS])
    }
}

/// The instructions have a counter's place in them, so there is a piece of code for each; of a call only one remains.
macro_rules! by_place {
    ($counter:expr, $do:ident $arguments:tt, $($place:literal)*) => {
        match $counter as usize {
            $($place => arch::cpu::$do::<{ $place * size_of::<AtomicU64>() }> $arguments,)*
            _ => unreachable!(),
        }
    };
    ($counter:expr, $do:ident $arguments:tt) => {
        by_place!(
            $counter, $do $arguments,
            0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
            32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63
            64 65 66 67 68 69 70 71 72 73 74 75 76 77 78 79 80 81 82 83 84 85 86 87 88 89 90 91 92 93 94 95
            96 97 98 99 100 101 102 103 104 105 106 107 108 109 110 111 112 113 114 115 116 117 118 119 120 121 122 123 124 125 126 127
        )
    };
}
const _: () = assert!(COUNTERS <= 128);

/// Counts one.
#[inline(always)]
pub fn count(counter: Counter) {
    if IS_TRACED {
        by_place!(counter, count_here());
    }
}

/// Counts `amount`.
#[inline(always)]
pub fn add(counter: Counter, amount: u64) {
    if IS_TRACED {
        by_place!(counter, add_here(amount));
    }
}

/// For `layout`: where a CPU's block is; zero: it has none.
pub(super) fn place(cpu: CpuId) -> u64 {
    arch::cpu::counters(cpu).map_or(0, |block| core::ptr::from_ref(block).addr() as u64)
}

/// One CPU's count.
pub fn per_cpu(counter: Counter, cpu: CpuId) -> u64 {
    arch::cpu::counters(cpu).map_or(0, |block| block.0[counter as usize].load(Ordering::Relaxed))
}

/// The sum over all CPUs.
pub fn total(counter: Counter) -> u64 {
    // CAST: a CPU's number.
    (0..cpu::count()).map(|cpu| per_cpu(counter, CpuId(cpu as u32))).fold(0, u64::wrapping_add)
}
