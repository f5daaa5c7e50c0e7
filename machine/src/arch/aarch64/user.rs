//! The general registers of a user program, as the trap entry saves them.

/// A program's general registers. The layout is known to the assembly of this architecture.
#[derive(Clone, Default)]
#[repr(C, align(16))]
pub struct UserContext {
    todo: u64,
}

/// Number of words in [`UserContext::registers`].
pub const REGISTER_COUNT: usize = 34;

impl UserContext {
    /// Registers of a program at its first instruction: all zero but the program counter and the stack pointer.
    pub fn at_entry(_pc: usize, _sp: usize) -> UserContext { todo!() }
    /// The program counter.
    pub fn pc(&self) -> usize { todo!() }
    /// Sets the program counter.
    pub fn set_pc(&mut self, _pc: usize) { todo!() }
    /// The stack pointer.
    pub fn sp(&self) -> usize { todo!() }
    /// Sets the stack pointer.
    pub fn set_sp(&mut self, _sp: usize) { todo!() }
    /// The frame pointer (for stack walks).
    pub fn frame_pointer(&self) -> usize { todo!() }
    /// The system call's number as the program gave it (rax, x8).
    pub fn syscall_number(&self) -> u64 { todo!() }
    /// Changes the number, for restarts and tracers.
    pub fn set_syscall_number(&mut self, _number: u64) { todo!() }
    /// The call's six arguments.
    pub fn syscall_arguments(&self) -> [u64; 6] { todo!() }
    /// Sets the call's result.
    pub fn set_result(&mut self, _value: u64) { todo!() }
    /// The call's result.
    pub fn result(&self) -> u64 { todo!() }
    /// Arranges that the program executes the same call again: the program counter goes back to the call instruction
    /// and the register that result and number or first argument share gets its old value (`first_argument` matters on ARM64,
    /// `number` on x86-64).
    pub fn rewind_syscall(&mut self, _number: u64, _first_argument: u64) { todo!() }
    /// Sets the registers in which a function finds its first three arguments, for signal handlers.
    pub fn set_function_arguments(&mut self, _arguments: [u64; 3]) { todo!() }
    /// Sets the link register (ARM64); nothing on x86-64, where the return address is on the stack.
    pub fn set_link(&mut self, _address: usize) { todo!() }
    /// All registers in the order of Linux's `user_regs_struct` (x86-64: 27 words) or `user_pt_regs` (ARM64: 34 words).
    pub fn registers(&self) -> [u64; REGISTER_COUNT] { todo!() }
    /// The reverse of [`registers`](Self::registers); bits a program may not set are masked off.
    pub fn set_registers(&mut self, _words: &[u64; REGISTER_COUNT]) { todo!() }
}

/// Alignment of the buffers of [`fp_save`] and [`fp_restore`].
pub(crate) const FP_ALIGN: usize = 16;

/// Runs the program until its next trap.
///
/// # Safety
/// Interrupts are off and stay so; the program's address space and FP state are loaded; `context` is 16-byte aligned
/// memory of a kernel stack or the heap, and no lock is held.
pub(crate) unsafe fn enter(_context: *mut UserContext) -> crate::user::RawExit {
    todo!()
}
/// Bytes of a saved FP state.
pub(crate) fn fp_bytes() -> usize {
    todo!()
}
/// Saves the FP state of this CPU.
///
/// # Safety
/// `to` is [`fp_bytes`] long, aligned to [`FP_ALIGN`], and was zeroed before its first use.
pub(crate) unsafe fn fp_save(_to: *mut u8) {
    todo!()
}
/// Loads an FP state.
///
/// # Safety
/// `from` was written by [`fp_save`] or [`fp_initial`], or accepted by [`fp_sanitize`].
pub(crate) unsafe fn fp_restore(_from: *const u8) {
    todo!()
}
/// Writes the state at program start.
///
/// # Safety
/// As for [`fp_save`].
pub(crate) unsafe fn fp_initial(_to: *mut u8) {
    todo!()
}
/// Makes a state that a program supplied loadable; false if it cannot be.
pub(crate) fn fp_sanitize(_image: &mut [u8]) -> bool {
    todo!()
}
/// The program's TLS base (TPIDR_EL0).
pub(crate) fn tls() -> u64 {
    todo!()
}
/// Sets it. The caller has checked that it is a user address.
pub(crate) fn set_tls(_base: u64) {
    todo!()
}
/// The program's GS base.
pub(crate) fn gs_base() -> u64 {
    todo!()
}
/// Sets it. The caller has checked that it is a user address.
pub(crate) fn set_gs_base(_base: u64) {
    todo!()
}
