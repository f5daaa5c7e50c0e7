//! `memcpy`, `memmove`, `memset` and `memcmp`, which the compiler calls by these names (psABI; ISO C 7.26).
//!
//! The target forbids unaligned access to the compiler, because it may compile for code that runs with the MMU off; so the routines
//! that come with it shift words together wherever source and target are aligned differently. Rust code here runs with the MMU on and
//! alignment checks off only (`OCHRE_SCTLR_ON`), where normal memory may be accessed at any address: these move 16 bytes with each
//! pair of instructions whatever the alignment. They override the compiler's weak ones at link. Devices are never reached by them, but
//! through `device.rs`.
use core::arch::global_asm;

global_asm!(
    r#"
    .section .text.ochre_memory_copy, "ax"

    // x0 to, x1 from, x2 bytes; x0 is the result. Source and target do not overlap.
    .balign 16
    .global memcpy
    .type memcpy, %function
memcpy:
    mov x3, x0
    cmp x2, #16
    b.lo .Lochre_copy_few
    add x4, x1, x2
    add x5, x0, x2
    subs x2, x2, #64
    b.lo 2f
1:  ldp x6, x7, [x1]
    ldp x8, x9, [x1, #16]
    ldp x10, x11, [x1, #32]
    ldp x12, x13, [x1, #48]
    add x1, x1, #64
    subs x2, x2, #64
    stp x6, x7, [x3]
    stp x8, x9, [x3, #16]
    stp x10, x11, [x3, #32]
    stp x12, x13, [x3, #48]
    add x3, x3, #64
    b.hs 1b
    // Of the rest, the low six bits of x2: whole sixteens, then the last 16 bytes of all, some of them once more.
2:  tbz x2, #5, 3f
    ldp x6, x7, [x1], #16
    ldp x8, x9, [x1], #16
    stp x6, x7, [x3], #16
    stp x8, x9, [x3], #16
3:  tbz x2, #4, 4f
    ldp x6, x7, [x1], #16
    stp x6, x7, [x3], #16
4:  tst x2, #15
    b.eq 5f
    ldp x6, x7, [x4, #-16]
    stp x6, x7, [x5, #-16]
5:  ret
    // Fewer than 16 from x1 to x3, forwards, by the low four bits of x2.
.Lochre_copy_few:
    tbz x2, #3, 1f
    ldr x6, [x1], #8
    str x6, [x3], #8
1:  tbz x2, #2, 1f
    ldr w6, [x1], #4
    str w6, [x3], #4
1:  tbz x2, #1, 1f
    ldrh w6, [x1], #2
    strh w6, [x3], #2
1:  tbz x2, #0, 1f
    ldrb w6, [x1]
    strb w6, [x3]
1:  ret
    .size memcpy, . - memcpy

    // As memcpy, but source and target may overlap: forwards without reading anything twice, or backwards.
    .balign 16
    .global memmove
    .type memmove, %function
memmove:
    sub x3, x0, x1
    cmp x3, x2
    b.lo 2f
    mov x3, x0
    subs x2, x2, #16
    b.lo .Lochre_copy_few
1:  ldp x6, x7, [x1], #16
    subs x2, x2, #16
    stp x6, x7, [x3], #16
    b.hs 1b
    b .Lochre_copy_few
    // The target begins inside the source.
2:  add x1, x1, x2
    add x3, x0, x2
    subs x2, x2, #16
    b.lo 4f
3:  ldp x6, x7, [x1, #-16]!
    subs x2, x2, #16
    stp x6, x7, [x3, #-16]!
    b.hs 3b
4:  tbz x2, #3, 1f
    ldr x6, [x1, #-8]!
    str x6, [x3, #-8]!
1:  tbz x2, #2, 1f
    ldr w6, [x1, #-4]!
    str w6, [x3, #-4]!
1:  tbz x2, #1, 1f
    ldrh w6, [x1, #-2]!
    strh w6, [x3, #-2]!
1:  tbz x2, #0, 1f
    ldrb w6, [x1, #-1]
    strb w6, [x3, #-1]
1:  ret
    .size memmove, . - memmove

    // x0 to, w1 byte, x2 bytes; x0 is the result.
    .balign 16
    .global memset
    .type memset, %function
memset:
    and x1, x1, #255
    orr x1, x1, x1, lsl #8
    orr x1, x1, x1, lsl #16
    orr x1, x1, x1, lsl #32
    mov x3, x0
    subs x2, x2, #64
    b.lo 2f
1:  stp x1, x1, [x3]
    stp x1, x1, [x3, #16]
    stp x1, x1, [x3, #32]
    stp x1, x1, [x3, #48]
    add x3, x3, #64
    subs x2, x2, #64
    b.hs 1b
2:  tbz x2, #5, 1f
    stp x1, x1, [x3], #16
    stp x1, x1, [x3], #16
1:  tbz x2, #4, 1f
    stp x1, x1, [x3], #16
1:  tbz x2, #3, 1f
    str x1, [x3], #8
1:  tbz x2, #2, 1f
    str w1, [x3], #4
1:  tbz x2, #1, 1f
    strh w1, [x3], #2
1:  tbz x2, #0, 1f
    strb w1, [x3]
1:  ret
    .size memset, . - memset

    // x0, x1, x2 bytes; w0 below, at or above zero as the first bytes that differ are, taken as unsigned. bcmp wants less.
    .balign 16
    .global memcmp
    .type memcmp, %function
    .global bcmp
    .type bcmp, %function
memcmp:
bcmp:
    subs x2, x2, #8
    b.lo 2f
1:  ldr x3, [x0], #8
    ldr x4, [x1], #8
    cmp x3, x4
    b.ne 4f
    subs x2, x2, #8
    b.hs 1b
2:  add x2, x2, #8
3:  cbz x2, 5f
    ldrb w3, [x0], #1
    ldrb w4, [x1], #1
    sub x2, x2, #1
    subs w3, w3, w4
    b.eq 3b
    mov w0, w3
    ret
    // The first byte in memory is the most significant one when the words are turned around.
4:  rev x3, x3
    rev x4, x4
    cmp x3, x4
    cset w0, hi
    csinv w0, w0, wzr, hs
    ret
5:  mov w0, wzr
    ret
    .size memcmp, . - memcmp
    .size bcmp, . - bcmp
"#
);
