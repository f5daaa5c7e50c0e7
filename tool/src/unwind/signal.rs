//! The frames that the kernel makes when it calls a signal's handler: the interrupted registers lie in them at fixed places
//! (Linux, arch/*/include/uapi/asm/sigcontext.h and ucontext.h).
//!
//! The C library's own function to return to has unwind notes that say the same; the vDSO's on ARM64 and other C libraries' have none.

use super::registers::Registers;
use super::stack::StackCopy;

/// The functions that a handler returns to.
const RETURNS: [&str; 3] = ["__kernel_rt_sigreturn", "__restore_rt", "__restore"];

/// Whether a function is where a signal's handler returns to.
pub(crate) fn is_return(name: &str) -> bool {
    RETURNS.contains(&name)
}

/// `siginfo` and what comes before the registers in `ucontext`, on ARM64: flags, link, stack, mask, padding, fault address.
const AARCH64_REGISTERS: u64 = 128 + 176 + 8;
/// What comes before the registers in `ucontext` on x86-64, at which the stack pointer points in the function: flags, link, stack.
const X86_64_REGISTERS: u64 = 40;
/// DWARF's numbers of the registers in the order of x86-64's `sigcontext`: r8 to r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip.
const X86_64_ORDER: [u16; 17] = [8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16];

/// The registers that the signal interrupted, if they are in the copy.
pub(super) fn interrupted(registers: &Registers, stack: &StackCopy<'_>) -> Option<Registers> {
    let mut before = registers.unknown();
    let pointer = registers.stack_pointer()?;
    if registers.is_x86_64() {
        for (number, place) in X86_64_ORDER.into_iter().zip(0..) {
            before.set(number, Some(stack.word(pointer.checked_add(X86_64_REGISTERS + place * 8)?)?));
        }
    } else {
        // In DWARF's order: x0 to x30, sp, pc.
        for number in 0..33u16 {
            let at = pointer.checked_add(AARCH64_REGISTERS + u64::from(number) * 8)?;
            before.set(number, Some(stack.word(at)?));
        }
    }
    Some(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interrupted_registers_are_found() {
        let words: Vec<u64> = (0..200).collect();
        let stack = StackCopy::new(0x1000, &words);
        let mut registers = Registers::of_sample(&[0; 33]).unwrap();
        registers.set_stack_pointer(0x1000);
        let before = interrupted(&registers, &stack).unwrap();
        assert_eq!((before.get(0), before.stack_pointer(), before.program_counter()), (Some(39), Some(70), Some(71)));
        let mut registers = Registers::of_sample(&[0; 17]).unwrap();
        registers.set_stack_pointer(0x1000);
        let before = interrupted(&registers, &stack).unwrap();
        assert_eq!((before.get(8), before.stack_pointer(), before.program_counter()), (Some(5), Some(20), Some(21)));
        registers.set_stack_pointer(0x1600);
        assert_eq!(interrupted(&registers, &stack), None, "not in the copy");
    }
}
