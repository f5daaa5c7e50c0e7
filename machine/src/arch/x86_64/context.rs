//! Switching between kernel threads.

/// A thread's place while it is not running: its stack pointer, with the callee-saved registers on the stack.
#[derive(Default)]
#[repr(C)]
pub(crate) struct Saved {
    stack_pointer: usize,
}

/// A new thread's state: when switched to, it runs `entry(argument)` on the stack that ends at `stack_top`.
///
/// # Safety
/// The 64 bytes below `stack_top` are the caller's to write; `stack_top` is 16-byte aligned.
pub(crate) unsafe fn prepare(_stack_top: usize, _entry: extern "C" fn(usize) -> !, _argument: usize) -> Saved {
    todo!()
}

/// Saves this thread in `from` and goes on where `to` was saved.
///
/// # Safety
/// Interrupts are off; `to` was made by [`prepare`] or saved by an earlier switch, and its stack is alive.
pub(crate) unsafe extern "C" fn switch(_from: *mut Saved, _to: *const Saved) {
    todo!()
}
