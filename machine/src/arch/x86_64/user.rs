//! The general registers of a user program, as the trap entry saves them.

/// A program's general registers. The layout is known to the assembly of this architecture.
#[derive(Clone, Default)]
#[repr(C)]
pub struct UserContext {
    todo: u64,
}

/// Number of words in [`UserContext::registers`].
pub const REGISTER_COUNT: usize = 27;

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
