//! Probes at function boundaries, this architecture's part: functions that begin with an instruction that only makes room on the stack, the
//! breakpoint BRK, and slots that hold that instruction and a branch to the one after it, or what leaves the function (`pure::returns`).
//!
//! Neither instruction is one that may be executed while it is replaced (Arm ARM B2.2.5), so the other CPUs are held meanwhile.
use super::sysreg::isb;
use alloc::vec::Vec;
use core::arch::{asm, global_asm};
use core::mem::MaybeUninit;
use pure::returns::{Leave, Place, Unknown};

/// How many slots there are.
pub(crate) const SLOTS: usize = 2048;
/// Bytes of each.
pub(crate) const SLOT_BYTES: usize = 8;
/// What stands in our BRK: no other of the kernel's has it.
const IMMEDIATE: u32 = 0x0c4e;

global_asm!(
    ".pushsection .text.ochre_function_probe_slots, \"ax\"",
    ".balign 64",
    ".global ochre_function_probe_slots",
    ".type ochre_function_probe_slots, %function",
    "ochre_function_probe_slots:",
    ".rept {words}",
    "brk #0",
    ".endr",
    ".size ochre_function_probe_slots, . - ochre_function_probe_slots",
    ".popsection",
    words = const SLOTS * SLOT_BYTES / 4,
);

unsafe extern "C" {
    static ochre_function_probe_slots: [MaybeUninit<u8>; SLOTS * SLOT_BYTES];
}

/// An instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Code(u32);

impl Code {
    /// BRK with our number.
    pub(crate) const BREAKPOINT: Code = Code(0xd420_0000 | IMMEDIATE << 5);

    /// As it is kept.
    pub(crate) fn word(self) -> u32 {
        self.0
    }
    /// The one that was kept.
    pub(crate) fn of_word(word: u32) -> Code {
        Code(word)
    }
}

/// Exception class of BRK.
const BREAKPOINT_CLASS: u64 = 0x3c;

/// Whether a syndrome is that of our breakpoint.
pub(in super::super) fn is_breakpoint(syndrome: u64) -> bool {
    syndrome >> 26 == BREAKPOINT_CLASS && syndrome & 0xffff == u64::from(IMMEDIATE)
}

/// Where the slots begin.
pub(crate) fn slots() -> usize {
    (&raw const ochre_function_probe_slots).addr()
}

/// The instruction at a function's start, if it means the same elsewhere: STP (two registers, before the stack pointer, which is moved), STR
/// likewise, or SUB from the stack pointer.
pub(crate) fn displaced(address: usize) -> Option<Code> {
    if !address.is_multiple_of(4) {
        return None;
    }
    let first = read(address);
    let is = |mask: u32, value: u32| first.0 & mask == value;
    let makes_room = is(0xffc0_03e0, 0xa980_03e0) || is(0xffe0_0fe0, 0xf800_0fe0) || is(0xff80_03ff, 0xd100_03ff);
    makes_room.then_some(first)
}

/// The code of the slot at `slot` for a function that begins with `first` at `address`.
pub(crate) fn slot_code(slot: usize, first: Code, address: usize) -> [u8; SLOT_BYTES] {
    let mut code = [0; SLOT_BYTES];
    code[..4].copy_from_slice(&first.0.to_le_bytes());
    code[4..].copy_from_slice(&branch(slot + 4, address as i64 + 4).to_le_bytes());
    code
}

/// B from `from` to `to`.
fn branch(from: usize, to: i64) -> u32 {
    // CAST: both lie in the image, which is shorter than the 128 MiB that a branch reaches.
    let distance = (to - from as i64) as u32;
    0x1400_0000 | distance >> 2 & 0x03ff_ffff
}

/// Where the function is left whose code this is.
pub(crate) fn places(code: &[u8]) -> Result<Vec<Place>, Unknown> {
    pure::returns::arm::find(code)
}

/// Puts an instruction back.
pub(crate) fn put_back(there: &mut [u8], code: Code) {
    if let Some(first) = there.first_chunk_mut() {
        *first = code.0.to_le_bytes();
    }
}

/// The code of the slot at `slot` for an instruction that leaves the function at `address`: it, or a branch, and one that is undefined (zero).
pub(crate) fn way_out(slot: usize, address: usize, instruction: &[u8], leave: Leave) -> [u8; SLOT_BYTES] {
    let mut code = [0; SLOT_BYTES];
    match leave {
        Leave::Anywhere => code[..instruction.len()].copy_from_slice(instruction),
        Leave::Jump(target) => code[..4].copy_from_slice(&branch(slot, address as i64 + target).to_le_bytes()),
    }
    code
}

/// The instruction at `address`.
pub(crate) fn read(address: usize) -> Code {
    // SAFETY: callers give addresses of the image's code, whole instructions, which can be read.
    Code(unsafe { core::ptr::with_exposed_provenance::<u32>(address).read_volatile() })
}

/// Writes a slot's code.
///
/// # Safety
/// 1. `place` is a writable mapping of the slot at `slot`, which nobody executes.
/// 2. `code` came from [`slot_code`] for it.
pub(crate) unsafe fn write_slot(place: *mut u8, slot: usize, code: [u8; SLOT_BYTES]) {
    // SAFETY: 1 and 2.
    unsafe { place.cast::<u64>().write_volatile(u64::from_le_bytes(code)) };
    make_visible(place, slot);
}

/// Writes a function's first instruction, or one that leaves it.
///
/// # Safety
/// 1. `place` is a writable mapping of the instruction at `address`; no other CPU executes it.
/// 2. `code` is [`Code::BREAKPOINT`], or what stood there.
pub(crate) unsafe fn write_place(place: *mut u8, address: usize, code: Code) {
    // SAFETY: 1 and 2.
    unsafe { place.cast::<u32>().write_volatile(code.0) };
    make_visible(place, address);
}

/// Makes what was written at `place` what every CPU fetches at `address`: data to the point of unification, instruction caches forget.
fn make_visible(place: *mut u8, address: usize) {
    // SAFETY: cleans a line of mapped memory and forgets cached instructions; barriers only order.
    unsafe {
        asm!(
            "dc cvau, {place}",
            "dsb ish",
            "ic ivau, {address}",
            "dsb ish",
            "isb",
            place = in(reg) place,
            address = in(reg) address,
            options(nostack, preserves_flags),
        );
    }
}

/// Makes this CPU execute what was written.
pub(crate) fn synchronize() {
    isb();
}
