//! Probes at function boundaries, this architecture's part: functions that begin with PUSH RBP (one byte), the breakpoint INT3 (one byte), and
//! slots that hold PUSH RBP and a jump to the byte after it.
//!
//! A store of one byte is seen whole or not at all, and every CPU serializes before it executes what was stored.
use super::registers::cpuid;
use core::arch::global_asm;
use core::mem::MaybeUninit;
use core::sync::atomic::{Ordering, compiler_fence};

/// How many slots there are.
pub(crate) const SLOTS: usize = 1024;
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

/// A first instruction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code(u8);

impl Code {
    /// INT3.
    pub(crate) const BREAKPOINT: Code = Code(0xcc);
    const PUSH_RBP: Code = Code(0x55);
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

/// The first instruction in a slot.
pub(crate) fn first_of_slot(slot: usize) -> Code {
    read(slot)
}

fn read(address: usize) -> Code {
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

/// Writes a function's first instruction.
///
/// # Safety
/// 1. `place` is a writable mapping of the function's start at `_address`; no other CPU executes it, and each
///    calls [`synchronize`] before it may.
/// 2. `code` is [`Code::BREAKPOINT`], or what stood there.
pub(crate) unsafe fn write_first(place: *mut u8, _address: usize, code: Code) {
    // SAFETY: 1 and 2.
    unsafe { place.write_volatile(code.0) };
}

/// Makes this CPU execute what was written, at another address than it was written at: CPUID serializes.
pub(crate) fn synchronize() {
    compiler_fence(Ordering::SeqCst);
    let _ = core::hint::black_box(cpuid(0, 0));
}
