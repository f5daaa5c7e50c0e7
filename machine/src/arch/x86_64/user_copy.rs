//! Copies to and from user memory: short assembly with a fix-up entry for each instruction that may fault. A fault that
//! cannot be resolved continues at the fix-up, which reports how much was left.
//!
//! By 8-byte words, never by string instructions, which cost about a nanosecond a byte under emulation. A word that
//! faults is tried again byte by byte, so that the count of bytes left is exact.
use super::assembly::{allow_user_access, forbid_user_access};
use crate::addr::UserAddr;
use crate::user::FpMark;
use core::arch::global_asm;

/// How a string copy ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum StringEnd {
    /// At its zero byte.
    Zero,
    /// At the limit.
    Limit,
    /// At memory that could not be read.
    Fault,
}

global_asm!(
    // The labelled instruction may fault; if it does for good, go on at `target`.
    ".macro x86_fixup site, target",
    ".pushsection .ochre.fixup, \"a\"",
    ".quad \\site, \\target",
    ".popsection",
    ".endm",
    ".pushsection .text.x86_user_copy, \"ax\"",
    // (rdi = to, rsi = from, rdx = bytes) -> rax = bytes left
    ".balign 16",
    ".type x86_user_copy, @function",
    "x86_user_copy:",
    allow_user_access!(),
    "mov rcx, rdx",
    "sub rcx, 32",
    "jb 3f",
    "2:",
    "30: mov rax, [rsi]",
    "31: mov r8, [rsi + 8]",
    "32: mov r9, [rsi + 16]",
    "33: mov r10, [rsi + 24]",
    "34: mov [rdi], rax",
    "35: mov [rdi + 8], r8",
    "36: mov [rdi + 16], r9",
    "37: mov [rdi + 24], r10",
    "add rsi, 32",
    "add rdi, 32",
    "sub rcx, 32",
    "jae 2b",
    "3:",
    "add rcx, 32",
    "4:",
    "cmp rcx, 8",
    "jb 5f",
    "38: mov rax, [rsi]",
    "39: mov [rdi], rax",
    "add rsi, 8",
    "add rdi, 8",
    "sub rcx, 8",
    "jmp 4b",
    "5:",
    "test rcx, rcx",
    "jz 7f",
    "6:",
    "40: mov al, [rsi]",
    "41: mov [rdi], al",
    "inc rsi",
    "inc rdi",
    "dec rcx",
    "jnz 6b",
    "7:",
    "mov rax, rcx",
    forbid_user_access!(),
    "ret",
    // A wide step failed: rcx is 32 short there.
    "8:",
    "add rcx, 32",
    "jmp 6b",
    "x86_fixup 30b, 8b",
    "x86_fixup 31b, 8b",
    "x86_fixup 32b, 8b",
    "x86_fixup 33b, 8b",
    "x86_fixup 34b, 8b",
    "x86_fixup 35b, 8b",
    "x86_fixup 36b, 8b",
    "x86_fixup 37b, 8b",
    "x86_fixup 38b, 6b",
    "x86_fixup 39b, 6b",
    "x86_fixup 40b, 7b",
    "x86_fixup 41b, 7b",
    ".size x86_user_copy, . - x86_user_copy",
    // (rdi = to, rsi = bytes) -> rax = bytes left
    ".balign 16",
    ".type x86_user_zero, @function",
    "x86_user_zero:",
    allow_user_access!(),
    "xor eax, eax",
    "mov rcx, rsi",
    "2:",
    "cmp rcx, 8",
    "jb 3f",
    "30: mov [rdi], rax",
    "add rdi, 8",
    "sub rcx, 8",
    "jmp 2b",
    "3:",
    "test rcx, rcx",
    "jz 5f",
    "4:",
    "31: mov [rdi], al",
    "inc rdi",
    "dec rcx",
    "jnz 4b",
    "5:",
    "mov rax, rcx",
    forbid_user_access!(),
    "ret",
    "x86_fixup 30b, 4b",
    "x86_fixup 31b, 5b",
    ".size x86_user_zero, . - x86_user_zero",
    // (rdi = to, rsi = from, rdx = limit) -> rax = length * 4 + end (0 zero, 1 limit, 2 fault)
    ".balign 16",
    ".type x86_user_string, @function",
    "x86_user_string:",
    allow_user_access!(),
    "xor eax, eax",
    "2:",
    "cmp rax, rdx",
    "je 4f",
    "30: mov cl, [rsi + rax]",
    "test cl, cl",
    "jz 3f",
    "mov [rdi + rax], cl",
    "inc rax",
    "jmp 2b",
    "3:",
    "shl rax, 2",
    forbid_user_access!(),
    "ret",
    "4:",
    "lea rax, [rax*4 + 1]",
    forbid_user_access!(),
    "ret",
    "5:",
    "lea rax, [rax*4 + 2]",
    forbid_user_access!(),
    "ret",
    "x86_fixup 30b, 5b",
    ".size x86_user_string, . - x86_user_string",
    // (rdi = from) -> rax = the word, or all ones
    ".balign 16",
    ".type x86_user_load, @function",
    "x86_user_load:",
    allow_user_access!(),
    "30: mov eax, [rdi]",
    "2:",
    forbid_user_access!(),
    "ret",
    "3:",
    "mov rax, -1",
    "jmp 2b",
    "x86_fixup 30b, 3b",
    ".size x86_user_load, . - x86_user_load",
    // (rdi = at, esi = expected, edx = new) -> rax = the old word, or all ones
    ".balign 16",
    ".type x86_user_exchange, @function",
    "x86_user_exchange:",
    allow_user_access!(),
    "mov eax, esi",
    "30: lock cmpxchg [rdi], edx",
    "mov eax, eax",
    "2:",
    forbid_user_access!(),
    "ret",
    "3:",
    "mov rax, -1",
    "jmp 2b",
    "x86_fixup 30b, 3b",
    ".size x86_user_exchange, . - x86_user_exchange",
    // (rdi = to, rsi = mark, rdx = components, rcx = length) -> rax = 0, or 1 on a fault
    ".balign 16",
    ".global x86_user_fp_save",
    ".type x86_user_fp_save, @function",
    "x86_user_fp_save:",
    allow_user_access!(),
    // XSAVE writes of the header only the bits of the components asked for, and none of the words left to software.
    "xor eax, eax",
    "29: mov [rdi + 512], rax",
    "30: mov [rdi + 520], rax",
    "31: mov [rdi + 528], rax",
    "32: mov [rdi + 536], rax",
    "33: mov [rdi + 544], rax",
    "34: mov [rdi + 552], rax",
    "35: mov [rdi + 560], rax",
    "36: mov [rdi + 568], rax",
    "mov eax, edx",
    "shr rdx, 32",
    "37: xsave64 [rdi]",
    // A program may change vectors that were in their initial state: present they must be.
    "38: or qword ptr [rdi + 512], 3",
    "xor eax, eax",
    "mov r8, [rsi]",
    "39: mov [rdi + 464], r8",
    "mov r8, [rsi + 8]",
    "40: mov [rdi + 472], r8",
    "mov r8, [rsi + 16]",
    "41: mov [rdi + 480], r8",
    "42: mov [rdi + 488], rax",
    "43: mov [rdi + 496], rax",
    "44: mov [rdi + 504], rax",
    "mov r8d, [rsi + 24]",
    "45: mov [rdi + rcx], r8d",
    "2:",
    forbid_user_access!(),
    "ret",
    "3:",
    "mov eax, 1",
    "jmp 2b",
    ".irp site, 29b, 30b, 31b, 32b, 33b, 34b, 35b, 36b, 37b, 38b, 39b, 40b, 41b, 42b, 43b, 44b, 45b",
    "x86_fixup \\site, 3b",
    ".endr",
    ".size x86_user_fp_save, . - x86_user_fp_save",
    // (rdi = from, rsi = mark, rdx = components) -> rax = 0, or 1 if it is marked otherwise, and on a fault
    ".balign 16",
    ".global x86_user_fp_restore",
    ".type x86_user_fp_restore, @function",
    "x86_user_fp_restore:",
    allow_user_access!(),
    "mov r8, [rsi]",
    "30: cmp [rdi + 464], r8",
    "jne 3f",
    "mov r8, [rsi + 8]",
    "31: cmp [rdi + 472], r8",
    "jne 3f",
    "mov r8, [rsi + 16]",
    "32: cmp [rdi + 480], r8",
    "jne 3f",
    "mov eax, edx",
    "shr rdx, 32",
    ".global x86_user_fp_restore_site",
    "x86_user_fp_restore_site:",
    "xrstor64 [rdi]",
    "xor eax, eax",
    "2:",
    forbid_user_access!(),
    "ret",
    "3:",
    "mov eax, 1",
    "jmp 2b",
    "x86_fixup 30b, 3b",
    "x86_fixup 31b, 3b",
    "x86_fixup 32b, 3b",
    "x86_fixup x86_user_fp_restore_site, 3b",
    ".size x86_user_fp_restore, . - x86_user_fp_restore",
    ".popsection",
);

unsafe extern "C" {
    fn x86_user_copy(to: usize, from: usize, bytes: usize) -> usize;
    fn x86_user_zero(to: usize, bytes: usize) -> usize;
    fn x86_user_string(to: *mut u8, from: usize, limit: usize) -> usize;
    fn x86_user_load(from: usize) -> u64;
    fn x86_user_exchange(at: usize, expected: u32, new: u32) -> u64;
    pub(super) fn x86_user_fp_save(to: usize, mark: &FpMark, components: u64, bytes: usize) -> u64;
    pub(super) fn x86_user_fp_restore(from: usize, mark: &FpMark, components: u64) -> u64;
    static x86_user_fp_restore_site: u8;
    static __fixup_start: [usize; 2];
    static __fixup_end: [usize; 2];
}

/// Copies from user memory; answers the bytes not copied.
///
/// # Safety
/// `to` is writable for `bytes`; the source range lies in user space.
pub(crate) unsafe fn copy_in(to: *mut u8, from: UserAddr, bytes: usize) -> usize {
    // SAFETY: the kernel side is valid, says the caller; the user side has fix-ups.
    unsafe { x86_user_copy(to.expose_provenance(), from.0, bytes) }
}

/// Copies to user memory; answers the bytes not copied.
///
/// # Safety
/// `from` is readable for `bytes`; the target range lies in user space.
pub(crate) unsafe fn copy_out(to: UserAddr, from: *const u8, bytes: usize) -> usize {
    // SAFETY: the kernel side is valid, says the caller; the user side has fix-ups.
    unsafe { x86_user_copy(to.0, from.expose_provenance(), bytes) }
}

/// Zeroes user memory; answers the bytes not zeroed.
///
/// # Safety
/// The range lies in user space.
pub(crate) unsafe fn zero(to: UserAddr, bytes: usize) -> usize {
    // SAFETY: the range is in user space, says the caller, and has fix-ups.
    unsafe { x86_user_zero(to.0, bytes) }
}

/// Copies up to `limit` bytes of a string without its zero; answers its length and how it ended.
///
/// # Safety
/// `to` is writable for `limit`; the source range lies in user space.
pub(crate) unsafe fn read_string(to: *mut u8, from: UserAddr, limit: usize) -> (usize, StringEnd) {
    // SAFETY: the kernel side is valid, says the caller; the user side has fix-ups.
    let answer = unsafe { x86_user_string(to, from.0, limit) };
    let end = match answer & 3 {
        0 => StringEnd::Zero,
        1 => StringEnd::Limit,
        _ => StringEnd::Fault,
    };
    (answer >> 2, end)
}

/// Reads an aligned word; `None` on a fault.
///
/// # Safety
/// The word lies in user space.
pub(crate) unsafe fn load_u32(from: UserAddr) -> Option<u32> {
    // SAFETY: the word is in user space, says the caller, and has a fix-up.
    u32::try_from(unsafe { x86_user_load(from.0) }).ok()
}

/// Compares and exchanges an aligned word; the old value, or `None` on a fault.
///
/// # Safety
/// The word lies in user space.
pub(crate) unsafe fn compare_exchange_u32(at: UserAddr, expected: u32, new: u32) -> Option<u32> {
    // SAFETY: the word is in user space, says the caller, and has a fix-up.
    u32::try_from(unsafe { x86_user_exchange(at.0, expected, new) }).ok()
}

/// Whether the instruction at `pc` takes an FP state from user memory: the one that may fail for what is in it.
pub(crate) fn takes_state(pc: usize) -> bool {
    pc == (&raw const x86_user_fp_restore_site).addr()
}

/// Where to go on when the instruction at `pc` faults, if it belongs to a user copy.
pub(crate) fn find_fixup(pc: usize) -> Option<usize> {
    let start = &raw const __fixup_start;
    // SAFETY: the linker put whole entries between the two symbols.
    let count = unsafe { (&raw const __fixup_end).offset_from_unsigned(start) };
    // SAFETY: the table is constant and `count` entries long.
    let table = unsafe { core::slice::from_raw_parts(start, count) };
    table.iter().find(|[site, _]| *site == pc).map(|[_, target]| *target)
}
