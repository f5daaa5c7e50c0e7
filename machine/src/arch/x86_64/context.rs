//! Switching between kernel threads: callee-saved registers go on the stack, the stack pointer into [`Saved`].
//! Called by the scheduler with interrupts off.
use core::arch::global_asm;

/// A thread's place while it is not running: its stack pointer, with the callee-saved registers on the stack.
#[derive(Clone, Copy, Default, Debug)]
#[repr(C)]
pub(crate) struct Saved {
    stack_pointer: usize,
}

/// Words that [`x86_context_switch`] keeps on the stack: r15, r14, r13, r12, rbx, rbp, return address.
const SAVED_WORDS: usize = 7;

/// Where, from the stack pointer of a thread that does not run, its frame pointer lies and the place where it goes on.
pub(crate) const SAVED_PLACES: (usize, usize) = (5 * 8, 6 * 8);

/// A new thread's state: when switched to, it runs `entry(argument)` on the stack that ends at `stack_top`.
///
/// # Safety
/// 1. The 64 bytes below `stack_top` are the caller's to write.
/// 2. `stack_top` is 16-byte aligned.
pub(crate) unsafe fn prepare(stack_top: usize, entry: extern "C" fn(usize) -> !, argument: usize) -> Saved {
    unsafe extern "C" {
        fn x86_thread_start();
    }
    let words: [usize; SAVED_WORDS] = [0, 0, 0, argument, entry as usize, 0, x86_thread_start as *const () as usize];
    // After the last pop the stack pointer is the top again: aligned, as a call needs it.
    let stack_pointer = stack_top - SAVED_WORDS * 8;
    // SAFETY: 1. the 64 bytes below the top are ours; aligned by 2.
    unsafe { (stack_pointer as *mut [usize; SAVED_WORDS]).write(words) };
    Saved { stack_pointer }
}

unsafe extern "C" {
    /// Saves this thread in `from` and goes on where `to` was saved.
    ///
    /// # Safety
    /// Interrupts are off; `to` was made by [`prepare`] or saved by an earlier switch, and its stack is alive.
    #[link_name = "x86_context_switch"]
    pub(crate) fn switch(from: *mut Saved, to: *const Saved);
}

global_asm!(
    ".pushsection .text.x86_context, \"ax\"",
    ".balign 16",
    ".global x86_context_switch",
    ".type x86_context_switch, @function",
    "x86_context_switch:",
    "push rbp",
    "push rbx",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "mov [rdi], rsp",
    "mov rsp, [rsi]",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    "pop rbp",
    "ret",
    ".size x86_context_switch, . - x86_context_switch",
    ".balign 16",
    ".global x86_thread_start",
    ".type x86_thread_start, @function",
    "x86_thread_start:",
    "mov rdi, r12",
    // The frame chain ends here.
    "xor ebp, ebp",
    "call rbx",
    "ud2",
    ".size x86_thread_start, . - x86_thread_start",
    ".popsection",
);
