//! Hardware random numbers: RNDR where the CPU has it, then the words of the device tree's `rng-seed`.
use super::features;
use crate::platform::device_tree;
use core::sync::atomic::{AtomicUsize, Ordering};

/// Words of the seed given out already: each is given once.
static SEED_USED: AtomicUsize = AtomicUsize::new(0);

/// A random word, if the hardware or the loader gives one.
pub(crate) fn hardware() -> Option<u64> {
    if features::has_rndr() {
        for _ in 0..8 {
            let value: u64;
            let failed: u64;
            // SAFETY: the CPU has RNDR (S3_3_C2_C4_0), which sets Z when it has no entropy now.
            unsafe {
                core::arch::asm!("mrs {}, S3_3_C2_C4_0", "cset {}, eq", out(reg) value, out(reg) failed,
                                 options(nomem, nostack));
            }
            if failed == 0 {
                return Some(value);
            }
        }
    }
    let facts = device_tree::facts()?;
    let index = SEED_USED.fetch_add(1, Ordering::Relaxed);
    let words = &facts.seed[..facts.seed_bytes];
    words.chunks_exact(8).nth(index).and_then(|word| word.first_chunk()).map(|word| u64::from_le_bytes(*word))
}
