//! Copies to and from user memory with fix-up entries.
//!
//! LDTR and STTR access memory with the rights of user mode, whether or not the CPU has PAN, so a kernel address in a
//! register can never be reached by mistake. The compare-and-exchange has no such form: there PAN is lifted for two
//! instructions. Words first; when a word faults the loop goes on by bytes, so that the count of what was copied is exact.
//!
//! The table `.ochre.fixup` pairs each instruction that may fault with where to go on; both as distances from the entry,
//! as the kernel's image has no relocations to spare.
use super::features;
use crate::addr::UserAddr;
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

/// What the assembly answers in x0 and x1.
#[repr(C)]
struct Pair(u64, u64);

/// An entry of the table: distances from the field's own address.
#[repr(C)]
struct Fixup {
    instruction: i32,
    go_on: i32,
}

unsafe extern "C" {
    static __fixup_start: Fixup;
    static __fixup_end: Fixup;
    fn ochre_copy_in(to: *mut u8, from: usize, bytes: usize) -> usize;
    fn ochre_copy_out(to: usize, from: *const u8, bytes: usize) -> usize;
    fn ochre_zero_user(to: usize, bytes: usize) -> usize;
    fn ochre_read_string(to: *mut u8, from: usize, limit: usize) -> Pair;
    fn ochre_load_user_u32(from: usize) -> Pair;
    fn ochre_compare_exchange_user_u32(at: usize, expected: u32, new: u32, has_pan: u32) -> Pair;
}

/// Copies from user memory; answers the bytes not copied.
///
/// # Safety
/// `to` is writable for `bytes`; the source range lies in user space.
pub(crate) unsafe fn copy_in(to: *mut u8, from: UserAddr, bytes: usize) -> usize {
    // SAFETY: as the caller promises; faults go through the table.
    unsafe { ochre_copy_in(to, from.0, bytes) }
}
/// Copies to user memory; answers the bytes not copied.
///
/// # Safety
/// `from` is readable for `bytes`; the target range lies in user space.
pub(crate) unsafe fn copy_out(to: UserAddr, from: *const u8, bytes: usize) -> usize {
    // SAFETY: as the caller promises; faults go through the table.
    unsafe { ochre_copy_out(to.0, from, bytes) }
}
/// Zeroes user memory; answers the bytes not zeroed.
///
/// # Safety
/// The range lies in user space.
pub(crate) unsafe fn zero(to: UserAddr, bytes: usize) -> usize {
    // SAFETY: as the caller promises; faults go through the table.
    unsafe { ochre_zero_user(to.0, bytes) }
}
/// Copies up to `limit` bytes of a string without its zero; answers its length and how it ended.
///
/// # Safety
/// `to` is writable for `limit`; the source range lies in user space.
pub(crate) unsafe fn read_string(to: *mut u8, from: UserAddr, limit: usize) -> (usize, StringEnd) {
    // SAFETY: as the caller promises; faults go through the table.
    let Pair(length, end) = unsafe { ochre_read_string(to, from.0, limit) };
    let end = match end {
        0 => StringEnd::Zero,
        1 => StringEnd::Limit,
        _ => StringEnd::Fault,
    };
    (length as usize, end)
}
/// Reads an aligned word; `None` on a fault.
///
/// # Safety
/// The word lies in user space.
pub(crate) unsafe fn load_u32(from: UserAddr) -> Option<u32> {
    // SAFETY: as the caller promises; faults go through the table.
    let Pair(value, is_done) = unsafe { ochre_load_user_u32(from.0) };
    (is_done != 0).then_some(value as u32)
}
/// Compares and exchanges an aligned word; the old value, or `None` on a fault.
///
/// # Safety
/// The word lies in user space.
pub(crate) unsafe fn compare_exchange_u32(at: UserAddr, expected: u32, new: u32) -> Option<u32> {
    let has_pan = u32::from(features::has_pan());
    // SAFETY: as the caller promises; faults go through the table.
    let Pair(value, is_done) = unsafe { ochre_compare_exchange_user_u32(at.0, expected, new, has_pan) };
    (is_done != 0).then_some(value as u32)
}
/// Where to go on when the instruction at `pc` faults, if it belongs to a user copy.
pub(crate) fn find_fixup(pc: usize) -> Option<usize> {
    let start = &raw const __fixup_start;
    let count = (&raw const __fixup_end as usize - start as usize) / size_of::<Fixup>();
    // SAFETY: the linker script puts the whole table between the two symbols; it is never written.
    let table = unsafe { core::slice::from_raw_parts(start, count) };
    let resolve = |field: &i32| (field as *const i32 as usize).wrapping_add_signed(*field as isize);
    table.iter().find(|entry| resolve(&entry.instruction) == pc).map(|entry| resolve(&entry.go_on))
}

global_asm!(
    r#"
    // An instruction that may fault, and where to go on then.
    .macro OCHRE_MAY_FAULT go_on, instruction:vararg
9999: \instruction
    .pushsection .ochre.fixup, "a"
    .balign 4
    .long 9999b - .
    .long \go_on - .
    .popsection
    .endm

    .section .text.ochre_user_copy, "ax"
    // (to, user from, bytes) -> bytes left
    .balign 16
    .global ochre_copy_in
    .type ochre_copy_in, %function
ochre_copy_in:
    cmp x2, #32
    b.lo 2f
1:  OCHRE_MAY_FAULT 4f, ldtr x4, [x1]
    OCHRE_MAY_FAULT 4f, ldtr x5, [x1, #8]
    OCHRE_MAY_FAULT 4f, ldtr x6, [x1, #16]
    OCHRE_MAY_FAULT 4f, ldtr x7, [x1, #24]
    sub x2, x2, #32
    add x1, x1, #32
    stp x4, x5, [x0]
    stp x6, x7, [x0, #16]
    add x0, x0, #32
    cmp x2, #32
    b.hs 1b
2:  cmp x2, #8
    b.lo 4f
3:  OCHRE_MAY_FAULT 4f, ldtr x4, [x1]
    str x4, [x0], #8
    add x1, x1, #8
    sub x2, x2, #8
    cmp x2, #8
    b.hs 3b
4:  cbz x2, 6f
5:  OCHRE_MAY_FAULT 6f, ldtrb w4, [x1]
    strb w4, [x0], #1
    add x1, x1, #1
    subs x2, x2, #1
    b.ne 5b
6:  mov x0, x2
    ret
    .size ochre_copy_in, . - ochre_copy_in

    // (user to, from, bytes) -> bytes left
    .balign 16
    .global ochre_copy_out
    .type ochre_copy_out, %function
ochre_copy_out:
    cmp x2, #32
    b.lo 2f
1:  ldp x4, x5, [x1]
    ldp x6, x7, [x1, #16]
    OCHRE_MAY_FAULT 4f, sttr x4, [x0]
    OCHRE_MAY_FAULT 4f, sttr x5, [x0, #8]
    OCHRE_MAY_FAULT 4f, sttr x6, [x0, #16]
    OCHRE_MAY_FAULT 4f, sttr x7, [x0, #24]
    add x1, x1, #32
    add x0, x0, #32
    sub x2, x2, #32
    cmp x2, #32
    b.hs 1b
2:  cmp x2, #8
    b.lo 4f
3:  ldr x4, [x1]
    OCHRE_MAY_FAULT 4f, sttr x4, [x0]
    add x1, x1, #8
    add x0, x0, #8
    sub x2, x2, #8
    cmp x2, #8
    b.hs 3b
4:  cbz x2, 6f
5:  ldrb w4, [x1]
    OCHRE_MAY_FAULT 6f, sttrb w4, [x0]
    add x1, x1, #1
    add x0, x0, #1
    subs x2, x2, #1
    b.ne 5b
6:  mov x0, x2
    ret
    .size ochre_copy_out, . - ochre_copy_out

    // (user to, bytes) -> bytes left
    .balign 16
    .global ochre_zero_user
    .type ochre_zero_user, %function
ochre_zero_user:
    cmp x1, #32
    b.lo 2f
1:  OCHRE_MAY_FAULT 4f, sttr xzr, [x0]
    OCHRE_MAY_FAULT 4f, sttr xzr, [x0, #8]
    OCHRE_MAY_FAULT 4f, sttr xzr, [x0, #16]
    OCHRE_MAY_FAULT 4f, sttr xzr, [x0, #24]
    add x0, x0, #32
    sub x1, x1, #32
    cmp x1, #32
    b.hs 1b
2:  cmp x1, #8
    b.lo 4f
3:  OCHRE_MAY_FAULT 4f, sttr xzr, [x0]
    add x0, x0, #8
    sub x1, x1, #8
    cmp x1, #8
    b.hs 3b
4:  cbz x1, 6f
5:  OCHRE_MAY_FAULT 6f, sttrb wzr, [x0]
    add x0, x0, #1
    subs x1, x1, #1
    b.ne 5b
6:  mov x0, x1
    ret
    .size ochre_zero_user, . - ochre_zero_user

    // (to, user from, limit) -> (length, 0 zero found / 1 limit / 2 fault)
    .balign 16
    .global ochre_read_string
    .type ochre_read_string, %function
ochre_read_string:
    mov x3, x0
    mov x0, #0
1:  cmp x0, x2
    b.hs 2f
    OCHRE_MAY_FAULT 3f, ldtrb w4, [x1]
    cbz w4, 4f
    strb w4, [x3, x0]
    add x0, x0, #1
    add x1, x1, #1
    b 1b
2:  mov x1, #1
    ret
3:  mov x1, #2
    ret
4:  mov x1, #0
    ret
    .size ochre_read_string, . - ochre_read_string

    // (user from) -> (value, 1) or (_, 0)
    .balign 16
    .global ochre_load_user_u32
    .type ochre_load_user_u32, %function
ochre_load_user_u32:
    OCHRE_MAY_FAULT 1f, ldtr w0, [x0]
    mov x1, #1
    ret
1:  mov x1, #0
    ret
    .size ochre_load_user_u32, . - ochre_load_user_u32

    // (user at, expected, new, has PAN) -> (old value, 1) or (_, 0)
    .balign 16
    .global ochre_compare_exchange_user_u32
    .type ochre_compare_exchange_user_u32, %function
ochre_compare_exchange_user_u32:
    .arch_extension pan
    mov x6, #0
    cbz w3, 1f
    msr pan, #0
1:  OCHRE_MAY_FAULT 3f, ldaxr w4, [x0]
    cmp w4, w1
    b.ne 2f
    OCHRE_MAY_FAULT 3f, stlxr w5, w2, [x0]
    cbnz w5, 1b
2:  mov x6, #1
3:  clrex
    cbz w3, 4f
    msr pan, #1
4:  mov w0, w4
    mov x1, x6
    ret
    .size ochre_compare_exchange_user_u32, . - ochre_compare_exchange_user_u32
"#
);
