//! A copy of the program's registers and of the innermost part of its stack, for an unwinder that knows the program's files: most of Debian's
//! programs for x86-64 keep no frame pointers.
//!
//! Nothing is faulted in, and nothing that stands there is believed: a stack pointer that leads nowhere gives no words.
use super::walk;
use crate::addr::{USER_END, UserAddr};
use crate::arch::{self, user::DWARF_REGISTERS};
use crate::mm::user_copy;
use crate::thread::header::StackHeader;
use pure::word_ring::Draft;
use wire::sample::MOST_REGISTERS;

const _: () = assert!(DWARF_REGISTERS <= MOST_REGISTERS);

const WORD: usize = size_of::<u64>();
/// Words copied at once, a part of any page. As words, because single bytes of them are dear where unaligned loads are not allowed.
const PIECE: usize = 64;
/// How far above the stack pointer the stack's start is believed to be of the same stack.
const MOST_STACK_BYTES: usize = 256 << 20;

/// Adds the number of registers, the registers, and at most `most_bytes` of the stack. False: there is no room for the registers.
#[inline(never)]
pub(super) fn add(header: &StackHeader, most_bytes: usize, out: &mut Draft<'_>) -> bool {
    let Some(context) = walk::user_context(header) else { return false };
    // SAFETY: `user_context` answers only what is readable and aligned.
    let registers = unsafe { arch::user::dwarf_registers(context) };
    let is_whole = out.push(DWARF_REGISTERS as u64) && registers.iter().all(|register| out.push(*register));
    if is_whole {
        // CAST: addresses are 64 bits.
        stack(registers[arch::user::DWARF_STACK_POINTER] as usize, header.user_stack.get(), most_bytes, out);
    }
    is_whole
}

/// Adds what is there of the stack from `pointer` up to its `start`, if that is known, and not more than `most_bytes`.
fn stack(pointer: usize, start: usize, most_bytes: usize, out: &mut Draft<'_>) {
    let first = pointer & !(WORD - 1);
    // On a signal's stack or one of the program's own making, the thread's start says nothing.
    let end = if start > first && start - first <= MOST_STACK_BYTES { start } else { USER_END };
    let end = end.min(first.saturating_add(most_bytes)).min(USER_END) & !(WORD - 1);
    let mut piece = [0; PIECE];
    let mut at = first;
    while at < end {
        // Pieces begin at their multiples, so that none reaches over a page's end.
        let count = (PIECE - at / WORD % PIECE).min((end - at) / WORD);
        let piece = &mut piece[..count];
        if user_copy::read_words_no_fault(UserAddr(at), piece).is_err() || !out.push_all(piece) {
            return;
        }
        at += count * WORD;
    }
}
