//! Random numbers fit for programs: ChaCha20 with fast key erasure, seeded from the machine (RDSEED/RDRAND, RNDR, the device
//! tree's `rng-seed`, timing jitter as the last resort) and reseeded by drivers through [`add_entropy`].
//!
//! The key is replaced by the generator's own output before any output is given away, so that a later look into memory
//! does not tell earlier numbers. Callable from anywhere: the lock is a bare flag with interrupts off, held for one block.
use crate::arch;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};
use pure::chacha20::{self, Key};

/// Rounds of timing jitter gathered when the hardware has no source: each gives perhaps a tenth of a bit.
const JITTER_ROUNDS: usize = 512;

struct Generator {
    key: Key,
    is_seeded: bool,
}

struct Shared(UnsafeCell<Generator>);
// SAFETY: reached under `IS_TAKEN` only.
unsafe impl Sync for Shared {}

static GENERATOR: Shared = Shared(UnsafeCell::new(Generator { key: [0; 8], is_seeded: false }));
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// Runs `body` on the generator, alone.
fn with_generator<R>(body: impl FnOnce(&mut Generator) -> R) -> R {
    let were_on = arch::cpu::interrupts_off();
    while IS_TAKEN.swap(true, Ordering::Acquire) {
        arch::cpu::pause();
    }
    // SAFETY: the flag is ours.
    let result = body(unsafe { &mut *GENERATOR.0.get() });
    IS_TAKEN.store(false, Ordering::Release);
    arch::cpu::interrupts_restore(were_on);
    result
}

impl Generator {
    /// A block's first half becomes the key, its second half is the answer.
    fn step(&mut self) -> [u32; 8] {
        let block = chacha20::block(&self.key, 0, [0; 3]);
        let (key, answer) = block.split_at(8);
        self.key.copy_from_slice(key);
        core::array::from_fn(|word| answer[word])
    }

    /// Mixes 32 bytes in: the old key still counts, so bad input cannot lower the quality.
    fn mix(&mut self, words: &Key) {
        for (word, new) in self.key.iter_mut().zip(words) {
            *word ^= new;
        }
        self.step();
    }

    fn seed(&mut self) {
        for _ in 0..4 {
            let mut words = [0; 8];
            for pair in words.chunks_exact_mut(2) {
                let value = arch::random::hardware().unwrap_or(0) ^ arch::timer::ticks();
                // CAST: the two halves.
                pair.copy_from_slice(&[value as u32, (value >> 32) as u32]);
            }
            self.mix(&words);
        }
        if arch::random::hardware().is_none() {
            for round in 0..JITTER_ROUNDS {
                // CAST: the low half moves fastest; each mix takes time that varies with caches and the host.
                self.mix(&[arch::timer::ticks() as u32, round as u32, 0, 0, 0, 0, 0, 0]);
            }
        }
        self.is_seeded = true;
    }
}

/// Fills `bytes` from the kernel's cryptographic generator, seeded at boot and reseeded from devices.
pub fn fill(bytes: &mut [u8]) {
    for part in bytes.chunks_mut(32) {
        let words = with_generator(|generator| {
            if !generator.is_seeded {
                generator.seed();
            }
            generator.step()
        });
        for (target, word) in part.chunks_mut(4).zip(words) {
            target.copy_from_slice(&word.to_le_bytes()[..target.len()]);
        }
    }
}

/// Mixes `bytes` into the generator (a virtio-rng driver calls this). Never lowers its quality.
pub fn add_entropy(bytes: &[u8]) {
    for part in bytes.chunks(32) {
        let mut words = [0; 8];
        for (word, four) in words.iter_mut().zip(part.chunks(4)) {
            let mut padded = [0; 4];
            padded[..four.len()].copy_from_slice(four);
            *word = u32::from_le_bytes(padded);
        }
        with_generator(|generator| generator.mix(&words));
    }
}
