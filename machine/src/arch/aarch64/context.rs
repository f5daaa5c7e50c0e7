//! Switching between kernel threads. Callee-saved registers go on the thread's own stack; [`Saved`] is its stack pointer.
//!
//! Called by the scheduler with interrupts off. User registers, FP state, TLS and the address space are the shared code's
//! business.
use core::arch::global_asm;

/// A thread that is off the CPU: where its registers lie.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Saved {
    /// The stack pointer; x19 to x30 lie above it.
    sp: usize,
}

/// Words that [`switch`] pushes: x19 to x30.
const SAVED_WORDS: usize = 12;

/// Where, from the stack pointer of a thread that does not run, its frame pointer lies and the place where it goes on.
pub(crate) const SAVED_PLACES: (usize, usize) = (10 * 8, 11 * 8);

/// A new thread's saved state: its first switch calls `entry(argument)` on the stack that ends at `stack_top`.
///
/// # Safety
/// 1. `stack_top` is 16-byte aligned and the memory below it is a mapped stack that nobody else uses.
pub(crate) unsafe fn prepare(stack_top: usize, entry: extern "C" fn(usize) -> !, argument: usize) -> Saved {
    let sp = stack_top - SAVED_WORDS * 8;
    let mut words = [0usize; SAVED_WORDS];
    words[0] = entry as usize; // x19
    words[1] = argument; // x20
    words[SAVED_WORDS - 1] = ochre_thread_start as *const () as usize; // x30
    // SAFETY: the twelve words lie at the top of the stack, which is the caller's (1).
    unsafe { (sp as *mut [usize; SAVED_WORDS]).write(words) };
    Saved { sp }
}

unsafe extern "C" {
    fn ochre_thread_start();
    fn ochre_context_switch(from: *mut Saved, to: *const Saved);
}

/// Saves the calling thread in `from` and continues `to`. Returns when somebody switches back.
///
/// # Safety
/// 1. Interrupts are off.
/// 2. `to` was filled by [`prepare`] or by this function and has not been continued since; both pointers are valid.
#[inline(always)]
pub(crate) unsafe fn switch(from: *mut Saved, to: *const Saved) {
    // SAFETY: as the caller promises (1, 2).
    unsafe { ochre_context_switch(from, to) }
}

global_asm!(
    r#"
    .section .text.ochre_context_switch, "ax"
    .balign 16
    .global ochre_context_switch
    .type ochre_context_switch, %function
ochre_context_switch:
    stp x19, x20, [sp, #-96]!
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    mov x9, sp
    str x9, [x0]
    ldr x9, [x1]
    mov sp, x9
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    ldp x19, x20, [sp], #96
    ret
    .size ochre_context_switch, . - ochre_context_switch

    .balign 16
    .global ochre_thread_start
    .type ochre_thread_start, %function
ochre_thread_start:
    mov x29, xzr
    mov x30, xzr
    mov x0, x20
    br x19
    .size ochre_thread_start, . - ochre_thread_start
"#
);
