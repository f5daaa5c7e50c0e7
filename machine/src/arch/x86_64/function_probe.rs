//! Probes at function boundaries, this architecture's part: functions that begin with PUSH RBP (one byte), the breakpoint INT3 (one byte), and
//! slots that hold PUSH RBP and a jump to the byte after it, or what leaves the function (`pure::returns`).
//!
//! A store of one byte is seen whole or not at all, and every CPU serializes before it executes what was stored.
use super::registers::cpuid;
use alloc::vec::Vec;
use core::arch::global_asm;
use core::mem::MaybeUninit;
use core::sync::atomic::{Ordering, compiler_fence};
use pure::returns::{Leave, Place, Unknown};

/// How many slots there are.
pub(crate) const SLOTS: usize = 2048;
/// Bytes of each.
pub(crate) const SLOT_BYTES: usize = 8;

global_asm!(
    ".pushsection .text.x86_function_probe_slots, \"ax\"",
    ".balign 16",
    ".global x86_function_probe_slots",
    ".type x86_function_probe_slots, @function",
    "x86_function_probe_slots:",
    ".fill {bytes}, 1, 0xcc",
    ".size x86_function_probe_slots, . - x86_function_probe_slots",
    ".popsection",
    bytes = const SLOTS * SLOT_BYTES,
);

unsafe extern "C" {
    static x86_function_probe_slots: [MaybeUninit<u8>; SLOTS * SLOT_BYTES];
}

/// The first byte of an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Code(u8);

impl Code {
    /// INT3.
    pub(crate) const BREAKPOINT: Code = Code(0xcc);
    const PUSH_RBP: Code = Code(0x55);

    /// As it is kept.
    pub(crate) fn word(self) -> u32 {
        self.0.into()
    }
    /// The one that was kept.
    pub(crate) fn of_word(word: u32) -> Code {
        // CAST: it was a byte.
        Code(word as u8)
    }
}

/// JMP with a distance of 32 bits.
const JUMP: u8 = 0xe9;

/// Where the slots begin.
pub(crate) fn slots() -> usize {
    (&raw const x86_function_probe_slots).addr()
}

/// The instruction at a function's start, if it means the same elsewhere.
pub(crate) fn displaced(address: usize) -> Option<Code> {
    let first = read(address);
    (first == Code::PUSH_RBP).then_some(first)
}

/// The code of the slot at `slot` for a function that begins with `first` at `address`.
pub(crate) fn slot_code(slot: usize, first: Code, address: usize) -> [u8; SLOT_BYTES] {
    let mut code = [0xcc; SLOT_BYTES];
    // CAST: both lie in the image, which is shorter than 2 GiB.
    let distance = (address as i64 + 1 - (slot as i64 + 6)) as i32;
    code[0] = first.0;
    code[1] = JUMP;
    code[2..6].copy_from_slice(&distance.to_le_bytes());
    code
}

/// Where the function is left whose code this is.
pub(crate) fn places(code: &[u8]) -> Result<Vec<Place>, Unknown> {
    pure::returns::x86::find(code)
}

/// Puts the instruction back of which `code` is the first byte.
pub(crate) fn put_back(there: &mut [u8], code: Code) {
    if let Some(first) = there.first_mut() {
        *first = code.0;
    }
}

/// The code of the slot at `slot` for an instruction that leaves the function at `address`. Those that [`places`] finds have eight bytes at most.
pub(crate) fn way_out(slot: usize, address: usize, instruction: &[u8], leave: Leave) -> [u8; SLOT_BYTES] {
    let mut code = [0xcc; SLOT_BYTES];
    match leave {
        Leave::Anywhere => code[..instruction.len()].copy_from_slice(instruction),
        Leave::Jump(target) => {
            // CAST: both lie in the image, which is shorter than 2 GiB.
            let distance = (address as i64 + target - (slot as i64 + 5)) as i32;
            code[0] = JUMP;
            code[1..5].copy_from_slice(&distance.to_le_bytes());
        }
    }
    code
}

/// The first byte of the instruction at `address`.
pub(crate) fn read(address: usize) -> Code {
    // SAFETY: callers give addresses of the image's code, which can be read.
    Code(unsafe { core::ptr::with_exposed_provenance::<u8>(address).read_volatile() })
}

/// Writes a slot's code.
///
/// # Safety
/// 1. `place` is a writable mapping of the slot at `_slot`, which nobody executes.
/// 2. `code` came from [`slot_code`] for it.
pub(crate) unsafe fn write_slot(place: *mut u8, _slot: usize, code: [u8; SLOT_BYTES]) {
    // SAFETY: 1 and 2.
    unsafe { place.cast::<[u8; SLOT_BYTES]>().write_volatile(code) };
}

/// Writes the first byte of a function's first instruction, or of one that leaves it.
///
/// # Safety
/// 1. `place` is a writable mapping of the instruction at `_address`; no other CPU executes it, and each
///    calls [`synchronize`] before it may.
/// 2. `code` is [`Code::BREAKPOINT`], or what stood there.
pub(crate) unsafe fn write_place(place: *mut u8, _address: usize, code: Code) {
    // SAFETY: 1 and 2.
    unsafe { place.write_volatile(code.0) };
}

/// Makes this CPU execute what was written, at another address than it was written at: CPUID serializes.
pub(crate) fn synchronize() {
    compiler_fence(Ordering::SeqCst);
    let _ = core::hint::black_box(cpuid(0, 0));
}
