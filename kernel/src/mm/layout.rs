//! Where things lie in a new address space.
//!
//! The figures are Linux's: programs below, the heap after the program, mappings from the top downwards, the stack highest.
//! With randomisation each part moves by a random distance drawn once per boot ([`Randomisation::PerBoot`], the default):
//! under emulation a new distance at every exec makes the emulator translate the program's code anew, which costs five times
//! the exec itself; [`Randomisation::PerExec`] is for real processors.
use core::sync::atomic::{AtomicU8, Ordering};
use machine::addr::{PAGE_SIZE, USER_END};
use machine::sync::Once;

/// How addresses are chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Randomisation {
    /// Always the same.
    Off = 0,
    /// Random, the same until the machine ends.
    PerBoot = 1,
    /// Random at each exec.
    PerExec = 2,
}

static MODE: AtomicU8 = AtomicU8::new(Randomisation::PerBoot as u8);

/// Chooses the mode, at start.
pub fn set_randomisation(mode: Randomisation) {
    MODE.store(mode as u8, Ordering::Relaxed);
}

/// Where the parts of an address space go.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// First address after the stack.
    pub stack_top: usize,
    /// Mappings are placed below this.
    pub mmap_top: usize,
    /// Where a position-independent program is loaded.
    pub program_base: usize,
    /// Bytes from the program's end to its heap.
    pub heap_gap: usize,
}

/// Two thirds of user space, as Linux's ELF_ET_DYN_BASE.
const PROGRAM_BASE: usize = (USER_END / 3 * 2) & !(PAGE_SIZE - 1);
/// Least and greatest room for the stack below which mappings begin (Linux: 128 MiB, 5/6 of user space).
const LEAST_STACK_ROOM: usize = 128 << 20;
const MOST_STACK_ROOM: usize = USER_END / 6 * 5;
/// Bits of randomness in pages, as Linux: mappings 28, stack 22 (in pages, to 16 GiB), heap 13 (32 MiB).
const MMAP_BITS: u32 = 28;
const STACK_BITS: u32 = 22;
const HEAP_BITS: u32 = 13;

fn random_words() -> [u64; 4] {
    let mut bytes = [0u8; 32];
    machine::random::fill(&mut bytes);
    core::array::from_fn(|i| {
        let word = bytes.as_chunks::<8>().0[i];
        u64::from_le_bytes(word)
    })
}

fn pages(word: u64, bits: u32) -> usize {
    // CAST: below 2^28.
    (word & ((1 << bits) - 1)) as usize * PAGE_SIZE
}

impl Layout {
    /// A layout for a program whose stack may grow to `stack_limit_bytes`; without a random part if it `is_fixed`.
    pub fn choose(stack_limit_bytes: u64, is_fixed: bool) -> Layout {
        static PER_BOOT: Once<[u64; 4]> = Once::new();
        let words = match MODE.load(Ordering::Relaxed) {
            mode if is_fixed || mode == Randomisation::Off as u8 => [0; 4],
            mode if mode == Randomisation::PerExec as u8 => random_words(),
            _ => *PER_BOOT.call_once(random_words),
        };
        let stack_top = USER_END - pages(words[0], STACK_BITS);
        let room = usize::try_from(stack_limit_bytes).unwrap_or(usize::MAX).clamp(LEAST_STACK_ROOM, MOST_STACK_ROOM);
        // LINUX: besides the stack's limit, room for its random offset and its guard gap.
        let gap = room.saturating_add(super::vma::GUARD_GAP_BYTES).saturating_add(pages(u64::MAX, STACK_BITS));
        let mmap_top = (USER_END - gap.min(MOST_STACK_ROOM) - pages(words[1], MMAP_BITS)) & !(PAGE_SIZE - 1);
        Layout {
            stack_top,
            mmap_top,
            program_base: PROGRAM_BASE + pages(words[2], MMAP_BITS),
            heap_gap: pages(words[3], HEAP_BITS),
        }
    }
}
