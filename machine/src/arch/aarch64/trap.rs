//! Exceptions: the vector table, and what a trap of the kernel itself leads to. Traps of user mode end in
//! [`super::user::enter`]; this file only holds their vectors.
//!
//! A trap of the kernel saves a [`KernelFrame`] on the stack in use. When that stack cannot be trusted — a data abort on a
//! kernel address (a stack that ran into its guard page among them) or a misaligned stack pointer — the frame goes to one
//! emergency stack instead. No such trap is ever resolved, so the stack is needed once: a second CPU that fails at the same
//! moment may garble the report, no more.
//!
//! TPIDRRO_EL0 serves as a scratch register between the vector's first instructions; it is zero again before user mode runs.
use super::sysreg::write_sysreg;
use super::{cpu, function_probe, irq, user, user_copy};
use crate::fail::TrapReport;
use core::arch::global_asm;

/// The registers of the kernel at a trap. The layout is known to the assembly below.
#[repr(C)]
pub(super) struct KernelFrame {
    x: [u64; 31],
    sp: u64,
    pc: u64,
    pstate: u64,
    syndrome: u64,
    fault_address: u64,
}
const _: () = assert!(size_of::<KernelFrame>() == 288);

/// PSTATE.I in a saved state.
const PSTATE_IRQ_MASKED: u64 = 1 << 7;

unsafe extern "C" {
    static ochre_vectors: u8;
    static ochre_irq_return: u8;
}

/// Points VBAR_EL1 to the vectors.
pub(super) fn install_vectors() {
    // SAFETY: the table is part of the image and stays where it is.
    unsafe { write_sysreg!("vbar_el1", &raw const ochre_vectors as u64) };
    super::sysreg::isb();
}

/// A synchronous exception of the kernel. Returns to go on at the frame's program counter.
///
/// # Safety
/// Called by the vectors only, with interrupts off; `frame` is what they saved.
#[unsafe(no_mangle)]
unsafe extern "C" fn ochre_kernel_sync(frame: *mut KernelFrame) {
    // SAFETY: the vectors give the frame they just wrote; nobody else has it.
    let frame = unsafe { &mut *frame };
    let fault = user::page_fault(frame.syndrome, frame.fault_address);
    if let (Some(fault), Some(fixup)) = (fault, user_copy::find_fixup(frame.pc as usize)) {
        let were_on = frame.pstate & PSTATE_IRQ_MASKED == 0;
        cpu::interrupts_restore(were_on);
        let is_resolved = crate::user::kernel_fault(fault);
        cpu::interrupts_off();
        if !is_resolved {
            frame.pc = fixup as u64;
        }
        return;
    }
    // An address that is not the program's (a tag, the kernel half) in a user copy fails the copy.
    if user::is_data_abort(frame.syndrome)
        && let Some(fixup) = user_copy::find_fixup(frame.pc as usize)
    {
        frame.pc = fixup as u64;
        return;
    }
    if function_probe::is_breakpoint(frame.syndrome) {
        // The saved address is that of BRK itself. Where a function begins and where it is left x30 is its return address.
        let (arguments, results, caller) = (&frame.x[..6], &frame.x[..2], &|| frame.x[30]);
        let registers = crate::function_probe::Registers { arguments, results, saved: frame.pc, caller };
        if let Some(next) = crate::function_probe::hit(frame.pc as usize, &registers) {
            frame.pc = next as u64;
            return;
        }
    }
    report(frame, describe(frame.syndrome))
}

/// An interrupt taken while the kernel ran, to go on at `pc` afterwards.
///
/// # Safety
/// Called by the vectors only, with the place where they saved the program counter.
#[unsafe(no_mangle)]
unsafe extern "C" fn ochre_kernel_irq(pc: *mut usize) {
    // SAFETY: the caller's place; nobody else has it.
    let pc = unsafe { &mut *pc };
    // SAFETY: the kernel ran there.
    *pc = unsafe { cpu::rewind_counting(*pc) };
    irq::handle();
    crate::thread::interrupt_exit();
}

/// Whether a return address is that of the interrupt's entry: the frame record after it is the interrupted code's.
pub(crate) fn is_interrupt_return(address: usize) -> bool {
    address == (&raw const ochre_irq_return).addr()
}

/// An exception that should not exist. `kind` counts the vectors: 0 to 15.
///
/// # Safety
/// As for [`ochre_kernel_sync`].
#[unsafe(no_mangle)]
unsafe extern "C" fn ochre_kernel_fatal(frame: *mut KernelFrame, kind: u64) -> ! {
    // SAFETY: as in `ochre_kernel_sync`.
    let frame = unsafe { &*frame };
    let what = match kind % 4 {
        0 => describe(frame.syndrome),
        1 => "unexpected interrupt",
        2 => "unexpected FIQ",
        _ => "SError",
    };
    report(frame, what)
}

/// An SError or FIQ taken while a program ran: reported like one of the kernel.
pub(super) fn fatal_from_user(what: &'static str, context: &user::UserContext, syndrome: u64, address: u64) -> ! {
    let words = context.registers();
    let mut x = [0; 31];
    x.copy_from_slice(&words[..31]);
    report(&KernelFrame { x, sp: words[31], pc: words[32], pstate: words[33], syndrome, fault_address: address }, what)
}

/// The name of an exception class.
fn describe(syndrome: u64) -> &'static str {
    match syndrome >> 26 {
        0x00 => "unknown instruction",
        0x07 => "floating-point access",
        0x0e => "illegal execution state",
        0x18 => "trapped system instruction",
        0x20 | 0x21 => "instruction abort",
        0x22 => "misaligned program counter",
        0x24 | 0x25 => "data abort",
        0x26 => "misaligned stack pointer",
        0x2f => "SError",
        0x3c => "breakpoint instruction",
        _ => "unexpected exception",
    }
}

/// Hands the frame to the panic path.
fn report(frame: &KernelFrame, what: &'static str) -> ! {
    const NAMES: [&str; 31] = [
        "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
        "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x29", "x30",
    ];
    let mut registers = [("", 0); 34];
    for (slot, (name, value)) in registers.iter_mut().zip(NAMES.into_iter().zip(frame.x)) {
        *slot = (name, value);
    }
    registers[31] = ("sp", frame.sp);
    registers[32] = ("pc", frame.pc);
    registers[33] = ("pstate", frame.pstate);
    crate::fail::fatal_trap(&TrapReport {
        what,
        code: frame.syndrome,
        addr: matches!(frame.syndrome >> 26, 0x20..=0x22 | 0x24 | 0x25).then_some(frame.fault_address),
        pc: frame.pc as usize,
        sp: frame.sp as usize,
        frame_pointer: frame.x[29] as usize,
        registers: &registers,
    })
}

global_asm!(
    r#"
    // Saves x2 to x30 and the rest of a KernelFrame at sp. x0 and x1 are saved; x1 holds the old sp.
    .macro OCHRE_SAVE_REST
    stp x2, x3, [sp, #16]
    stp x4, x5, [sp, #32]
    stp x6, x7, [sp, #48]
    stp x8, x9, [sp, #64]
    stp x10, x11, [sp, #80]
    stp x12, x13, [sp, #96]
    stp x14, x15, [sp, #112]
    stp x16, x17, [sp, #128]
    stp x18, x19, [sp, #144]
    stp x20, x21, [sp, #160]
    stp x22, x23, [sp, #176]
    stp x24, x25, [sp, #192]
    stp x26, x27, [sp, #208]
    stp x28, x29, [sp, #224]
    stp x30, x1, [sp, #240]
    mrs x2, elr_el1
    mrs x3, spsr_el1
    stp x2, x3, [sp, #256]
    mrs x4, esr_el1
    mrs x5, far_el1
    stp x4, x5, [sp, #272]
    // A frame record, so that stack walks go through the trap.
    stp x29, x2, [sp, #288]
    add x29, sp, #288
    .endm

    // Opens a frame on the stack in use. x0 is in TPIDRRO_EL0 or untouched.
    .macro OCHRE_OPEN_FRAME
    sub sp, sp, #304
    stp x0, x1, [sp]
    add x1, sp, #304
    OCHRE_SAVE_REST
    .endm

    .macro OCHRE_FATAL_VECTOR kind
    .balign 0x80
    OCHRE_OPEN_FRAME
    mov x1, #\kind
    b ochre_fatal_tail
    .endm

    .section .text.ochre_vectors, "ax"
    .balign 2048
    .global ochre_vectors
    .type ochre_vectors, %function
ochre_vectors:
    // EL1 with SP_EL0: never used.
    OCHRE_FATAL_VECTOR 0
    OCHRE_FATAL_VECTOR 1
    OCHRE_FATAL_VECTOR 2
    OCHRE_FATAL_VECTOR 3
    // EL1 with SP_EL1: the kernel.
    .balign 0x80
    msr tpidrro_el0, x0
    mrs x0, esr_el1
    lsr x0, x0, #26
    cmp x0, #0x26                   // misaligned stack pointer
    b.eq ochre_bad_stack
    cmp x0, #0x25                   // data abort
    b.ne 1f
    mrs x0, far_el1
    tbnz x0, #63, ochre_bad_stack   // on a kernel address
1:  mrs x0, tpidrro_el0
    msr tpidrro_el0, xzr
    b ochre_sync_tail
    .balign 0x80
    b ochre_irq_tail
    OCHRE_FATAL_VECTOR 6
    OCHRE_FATAL_VECTOR 7
    // EL0, AArch64.
    .balign 0x80
    stp x0, x1, [sp, #16]
    mov x1, #0
    b ochre_user_tail
    .balign 0x80
    stp x0, x1, [sp, #16]
    mov x1, #1
    b ochre_user_tail
    .balign 0x80
    stp x0, x1, [sp, #16]
    mov x1, #2
    b ochre_user_tail
    .balign 0x80
    stp x0, x1, [sp, #16]
    mov x1, #3
    b ochre_user_tail
    // EL0, AArch32: cannot run here.
    OCHRE_FATAL_VECTOR 12
    OCHRE_FATAL_VECTOR 13
    OCHRE_FATAL_VECTOR 14
    OCHRE_FATAL_VECTOR 15
    .balign 0x80
    .size ochre_vectors, . - ochre_vectors

    .global ochre_sync_tail
    .type ochre_sync_tail, %function
ochre_sync_tail:
    OCHRE_OPEN_FRAME
    mov x0, sp
    bl ochre_kernel_sync
    ldp x2, x3, [sp, #256]
    msr elr_el1, x2
    msr spsr_el1, x3
    ldp x2, x3, [sp, #16]
    ldp x4, x5, [sp, #32]
    ldp x6, x7, [sp, #48]
    ldp x8, x9, [sp, #64]
    ldp x10, x11, [sp, #80]
    ldp x12, x13, [sp, #96]
    ldp x14, x15, [sp, #112]
    ldp x16, x17, [sp, #128]
    ldp x18, x19, [sp, #144]
    ldp x20, x21, [sp, #160]
    ldp x22, x23, [sp, #176]
    ldp x24, x25, [sp, #192]
    ldp x26, x27, [sp, #208]
    ldp x28, x29, [sp, #224]
    ldr x30, [sp, #240]
    ldp x0, x1, [sp], #304
    eret
    .size ochre_sync_tail, . - ochre_sync_tail

    // Only what a called function may change is saved; the rest stays where the calling convention puts it.
    .type ochre_irq_tail, %function
ochre_irq_tail:
    sub sp, sp, #192
    stp x0, x1, [sp, #16]
    mrs x0, elr_el1
    mrs x1, spsr_el1
    stp x29, x0, [sp]               // frame record
    stp x2, x3, [sp, #32]
    stp x4, x5, [sp, #48]
    stp x6, x7, [sp, #64]
    stp x8, x9, [sp, #80]
    stp x10, x11, [sp, #96]
    stp x12, x13, [sp, #112]
    stp x14, x15, [sp, #128]
    stp x16, x17, [sp, #144]
    stp x18, x30, [sp, #160]
    str x1, [sp, #176]
    mov x29, sp
    add x0, sp, #8                  // the record's program counter
    bl ochre_kernel_irq
    .global ochre_irq_return
ochre_irq_return:
    ldr x1, [sp, #176]
    ldp x29, x0, [sp]
    msr elr_el1, x0
    msr spsr_el1, x1
    ldp x2, x3, [sp, #32]
    ldp x4, x5, [sp, #48]
    ldp x6, x7, [sp, #64]
    ldp x8, x9, [sp, #80]
    ldp x10, x11, [sp, #96]
    ldp x12, x13, [sp, #112]
    ldp x14, x15, [sp, #128]
    ldp x16, x17, [sp, #144]
    ldp x18, x30, [sp, #160]
    ldp x0, x1, [sp, #16]
    add sp, sp, #192
    eret
    .size ochre_irq_tail, . - ochre_irq_tail

    // x0 is in TPIDRRO_EL0. The user's TLS register is spent for x1: this path does not come back.
    .type ochre_bad_stack, %function
ochre_bad_stack:
    msr tpidr_el0, x1
    mov x1, sp
    adrp x0, ochre_emergency_stack_end
    sub x0, x0, #512                // where a stack has its header (see crate::thread::header)
    mov sp, x0
    sub sp, sp, #304
    str x1, [sp, #248]
    mrs x1, tpidr_el1
    ldr x1, [x1]
    str x1, [x0]                    // the header's first word: this CPU's data
    mrs x0, tpidrro_el0
    mrs x1, tpidr_el0
    stp x0, x1, [sp]
    ldr x1, [sp, #248]
    OCHRE_SAVE_REST
    mov x1, #4
    .size ochre_bad_stack, . - ochre_bad_stack
    // Falls through.

    .type ochre_fatal_tail, %function
ochre_fatal_tail:
    mov x0, sp
    bl ochre_kernel_fatal
    .size ochre_fatal_tail, . - ochre_fatal_tail

    .section .bss.ochre_emergency_stack, "aw", %nobits
    .balign 32768
    .type ochre_emergency_stack, %object
ochre_emergency_stack:
    .skip 32768
ochre_emergency_stack_end:
    .size ochre_emergency_stack, . - ochre_emergency_stack
"#
);
