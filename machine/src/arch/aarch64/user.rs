//! The general registers of a user program, entering user mode and coming back, and the program's FP and TLS registers.
//!
//! [`enter`] leaves the kernel's callee-saved registers and a pointer to the context on the kernel stack, where SP_EL1 stays
//! while the program runs: the vector finds everything from there. FP state is V0 to V31, FPSR, FPCR, as in Linux's
//! `user_fpsimd_state` without its padding; the kernel itself never touches these registers.
use super::sysreg::{isb, read_sysreg, write_sysreg};
use super::{irq, trap};
use crate::addr::UserAddr;
use crate::user::{AccessKind, Exception, FpMark, PageFault, RawExit};
use core::arch::global_asm;
use core::mem::offset_of;

/// A program's general registers. The layout is known to the assembly of this architecture.
#[derive(Clone, Default)]
#[repr(C, align(16))]
pub struct UserContext {
    x: [u64; 31],
    sp: u64,
    pc: u64,
    pstate: u64,
    /// Whether a step exception is wanted; PSTATE.SS says whether its instruction is still to come.
    is_stepping: bool,
}
const _: () = assert!(offset_of!(UserContext, sp) == 248 && offset_of!(UserContext, pc) == 256);

/// Number of words in [`UserContext::registers`].
pub const REGISTER_COUNT: usize = 34;

/// PSTATE bits a program may set: N, Z, C, V, DIT, SSBS. Everything else, the exception level and the interrupt masks
/// among them, is zero: EL0 with SP_EL0, nothing masked.
const USER_PSTATE: u64 = (0xf << 28) | (1 << 24) | (1 << 12);
/// PSTATE.SS: the next instruction is to be a step.
const SOFTWARE_STEP: u64 = 1 << 21;
/// Bytes of an instruction.
const INSTRUCTION_BYTES: u64 = 4;

impl UserContext {
    /// Registers of a program at its first instruction: all zero but the program counter and the stack pointer.
    pub fn at_entry(pc: usize, sp: usize) -> UserContext {
        UserContext { x: [0; 31], sp: sp as u64, pc: pc as u64, pstate: 0, is_stepping: false }
    }
    /// The program counter.
    pub fn pc(&self) -> usize {
        self.pc as usize
    }
    /// Sets the program counter.
    pub fn set_pc(&mut self, pc: usize) {
        self.pc = pc as u64;
    }
    /// The breakpoint instruction: BRK with the number that Linux uses for probes.
    pub const BREAKPOINT: &[u8] = &0xd420_00a0u32.to_le_bytes();
    /// Where the breakpoint stands that was just hit.
    pub fn breakpoint_address(&self) -> usize {
        self.pc()
    }
    /// The registers in which a function finds its first six arguments.
    pub fn function_arguments(&self) -> [u64; 6] {
        let [a, b, c, d, e, f, ..] = self.registers();
        [a, b, c, d, e, f]
    }
    /// The stack pointer.
    pub fn sp(&self) -> usize {
        self.sp as usize
    }
    /// Sets the stack pointer.
    pub fn set_sp(&mut self, sp: usize) {
        self.sp = sp as u64;
    }
    /// The frame pointer (for stack walks).
    pub fn frame_pointer(&self) -> usize {
        self.x[29] as usize
    }
    /// The system call's number as the program gave it (x8).
    pub fn syscall_number(&self) -> u64 {
        self.x[8]
    }
    /// Changes the number, for restarts and tracers.
    pub fn set_syscall_number(&mut self, number: u64) {
        self.x[8] = number;
    }
    /// The call's six arguments.
    pub fn syscall_arguments(&self) -> [u64; 6] {
        [self.x[0], self.x[1], self.x[2], self.x[3], self.x[4], self.x[5]]
    }
    /// Sets the call's result.
    pub fn set_result(&mut self, value: u64) {
        self.x[0] = value;
    }
    /// The call's result.
    pub fn result(&self) -> u64 {
        self.x[0]
    }
    /// Arranges that the program executes the same call again: the program counter goes back to the call instruction
    /// and x0, which held the first argument and now the result, gets its old value.
    pub fn rewind_syscall(&mut self, number: u64, first_argument: u64) {
        self.pc = self.pc.wrapping_sub(INSTRUCTION_BYTES);
        self.x[0] = first_argument;
        self.x[8] = number;
    }
    /// Whether the program is to stop after its next instruction.
    pub fn is_single_stepping(&self) -> bool {
        self.is_stepping
    }
    /// Makes it so, or not.
    pub fn set_single_stepping(&mut self, is_stepping: bool) {
        self.is_stepping = is_stepping;
        self.pstate = self.pstate & !SOFTWARE_STEP | if is_stepping { SOFTWARE_STEP } else { 0 };
    }
    /// Sets the registers in which a function finds its first three arguments, for signal handlers.
    pub fn set_function_arguments(&mut self, arguments: [u64; 3]) {
        self.x[..3].copy_from_slice(&arguments);
    }
    /// Sets the link register.
    pub fn set_link(&mut self, address: usize) {
        self.x[30] = address as u64;
    }
    /// All registers in the order of Linux's `user_pt_regs`: x0 to x30, sp, pc, pstate.
    pub fn registers(&self) -> [u64; REGISTER_COUNT] {
        let mut words = [0; REGISTER_COUNT];
        words[..31].copy_from_slice(&self.x);
        words[31] = self.sp;
        words[32] = self.pc;
        words[33] = self.pstate & !SOFTWARE_STEP;
        words
    }
    /// The reverse of [`registers`](Self::registers); bits a program may not set are masked off.
    pub fn set_registers(&mut self, words: &[u64; REGISTER_COUNT]) {
        self.x.copy_from_slice(&words[..31]);
        self.sp = words[31];
        self.pc = words[32];
        self.pstate = words[33] & USER_PSTATE | self.pstate & SOFTWARE_STEP;
    }
}

/// Program counter, stack pointer and frame pointer of a context.
///
/// # Safety
/// `context` is readable and aligned to a word.
pub(crate) unsafe fn place_of(context: *const UserContext) -> [usize; 3] {
    // SAFETY: fields of what the caller says is readable.
    let [pc, sp, frame] = unsafe {
        [&raw const (*context).pc, &raw const (*context).sp, &raw const (*context).x[29]]
            .map(|field| field.read_volatile())
    };
    [pc as usize, sp as usize, frame as usize]
}

/// Registers in [`dwarf_registers`].
pub(crate) const DWARF_REGISTERS: usize = 33;
/// The stack pointer among them.
pub(crate) const DWARF_STACK_POINTER: usize = 31;
/// Whether compilers keep frame pointers unless they are told otherwise.
pub(crate) const KEEPS_FRAME_POINTERS: bool = true;

/// A context's registers by DWARF's numbers: x0 to x30, sp, pc (DWARF for the Arm 64-bit Architecture, section 4.1).
///
/// # Safety
/// `context` is readable and aligned to a word.
pub(crate) unsafe fn dwarf_registers(context: *const UserContext) -> [u64; DWARF_REGISTERS] {
    let mut registers = [0; DWARF_REGISTERS];
    // SAFETY: fields of what the caller says is readable.
    unsafe {
        registers[..31].copy_from_slice(&(&raw const (*context).x).read_volatile());
        registers[31] = (&raw const (*context).sp).read_volatile();
        registers[32] = (&raw const (*context).pc).read_volatile();
    }
    registers
}

/// Whether programs have a GS base.
pub(crate) const HAS_GS_BASE: bool = false;
/// Alignment of the buffers of [`fp_save`] and [`fp_restore`].
pub(crate) const FP_ALIGN: usize = 16;
/// V0 to V31, FPSR, FPCR.
const FP_BYTES: usize = 520;
/// Offset of FPSR; FPCR follows.
const FP_STATUS: usize = 512;
/// Bits of FPSR that exist (N, Z, C, V, QC, the cumulative flags).
const FPSR_BITS: u32 = 0xf800_009f;
/// Bits of FPCR that a program may set: AHP, DN, FZ, rounding, FZ16, trap enables.
const FPCR_BITS: u32 = 0x07f7_9f00;

/// Where ESR has the exception's class.
const SYNDROME_CLASS: u32 = 26;
/// The class of SVC.
const SYSTEM_CALL: u64 = 0x15;

unsafe extern "C" {
    fn ochre_user_enter(context: *mut UserContext, syndrome: *mut u64) -> u64;
    fn ochre_fp_save(to: *mut u8);
    fn ochre_fp_restore(from: *const u8);
}

/// Runs the program until its next trap.
///
/// # Safety
/// Interrupts are off and stay so; the program's address space and FP state are loaded; `context` is 16-byte aligned
/// memory of a kernel stack or the heap, and no lock is held.
#[inline(always)]
pub(crate) unsafe fn enter(context: *mut UserContext) -> RawExit {
    let mut syndrome = 0;
    // SAFETY: the context is the caller's.
    let is_stepping = unsafe { (*context).is_stepping };
    if is_stepping {
        set_stepping(true);
    }
    // SAFETY: the caller keeps the promises; PSTATE in the context is masked wherever it is set.
    let kind = unsafe { ochre_user_enter(context, &mut syndrome) };
    if is_stepping {
        set_stepping(false);
    }
    if kind == 0 && syndrome >> SYNDROME_CLASS == SYSTEM_CALL {
        return RawExit::Syscall;
    }
    other_exit(kind, context, syndrome)
}

/// What came instead of a system call. Handles an interrupt.
#[inline(never)]
fn other_exit(kind: u64, context: *mut UserContext, syndrome: u64) -> RawExit {
    match kind {
        0 => decode(context, syndrome, read_sysreg!("far_el1")),
        1 => {
            irq::handle();
            RawExit::Interrupt
        }
        kind => {
            let what = if kind == 2 { "FIQ from user mode" } else { "SError from user mode" };
            // SAFETY: the context is the caller's and no longer in use by the assembly.
            trap::fatal_from_user(what, unsafe { &*context }, syndrome, read_sysreg!("far_el1"))
        }
    }
}

/// Lets this CPU stop user mode after each instruction, or not. Interrupts are off.
#[cold]
#[inline(never)]
fn set_stepping(is_on: bool) {
    // SAFETY: the OS lock does nothing but keep debug exceptions away.
    unsafe { write_sysreg!("oslar_el1", 0u64) };
    // SAFETY: MDSCR_EL1.SS concerns user mode alone, since the kernel runs with debug exceptions masked, and is cleared before
    // anything else may run.
    unsafe { write_sysreg!("mdscr_el1", u64::from(is_on)) };
    isb();
}

/// What a synchronous exception of the program means.
fn decode(context: *mut UserContext, syndrome: u64, address: u64) -> RawExit {
    let untagged = UserAddr((address & !(0xff << 56)) as usize);
    RawExit::Exception(match syndrome >> SYNDROME_CLASS {
        0x20 | 0x24 => {
            if let Some(fault) = page_fault(syndrome, address) {
                return RawExit::PageFault(fault);
            }
            match syndrome & 0x3f {
                0x21 => Exception::Misaligned(untagged),
                _ => Exception::BadAddress(UserAddr(address as usize)),
            }
        }
        0x22 => Exception::Misaligned(untagged),
        // SAFETY: the context is the caller's and no longer in use by the assembly.
        0x26 => Exception::Misaligned(UserAddr(unsafe { (*context).sp() })),
        0x2c => Exception::FloatingPoint(floating_point_code(syndrome)),
        0x30 | 0x32 | 0x34 => Exception::DebugStep,
        0x3c => Exception::Breakpoint,
        _ => Exception::IllegalInstruction,
    })
}

/// Linux's FPE_* code of a trapped floating-point exception (ESR's flags IXF to IOF).
fn floating_point_code(syndrome: u64) -> i32 {
    const FPE_FLTDIV: i32 = 3;
    const FPE_FLTOVF: i32 = 4;
    const FPE_FLTUND: i32 = 5;
    const FPE_FLTRES: i32 = 6;
    const FPE_FLTINV: i32 = 7;
    const FPE_FLTUNK: i32 = 14;
    let has = |bit: u32| syndrome & (1 << bit) != 0;
    if !has(23) {
        FPE_FLTUNK
    } else if has(0) {
        FPE_FLTINV
    } else if has(1) {
        FPE_FLTDIV
    } else if has(2) {
        FPE_FLTOVF
    } else if has(3) {
        FPE_FLTUND
    } else if has(4) {
        FPE_FLTRES
    } else {
        FPE_FLTUNK
    }
}

/// Whether the exception is a data abort.
pub(super) fn is_data_abort(syndrome: u64) -> bool {
    matches!(syndrome >> 26, 0x24 | 0x25)
}

/// The page fault that an abort on a user address is, whoever made it. `None`: another exception, another address, or an
/// abort that no mapping resolves (alignment, external).
pub(super) fn page_fault(syndrome: u64, address: u64) -> Option<PageFault> {
    /// The abort was a store.
    const WRITE: u64 = 1 << 6;
    /// The abort was cache maintenance, which counts as a load.
    const CACHE_MAINTENANCE: u64 = 1 << 8;
    let kind = match syndrome >> 26 {
        0x20 => AccessKind::Execute,
        0x24 | 0x25 if syndrome & (WRITE | CACHE_MAINTENANCE) == WRITE => AccessKind::Write,
        0x24 | 0x25 => AccessKind::Read,
        _ => return None,
    };
    // Faults of translation, access flag and permission; the low bits are the level.
    let is_present = match syndrome & 0x3c {
        0x04 => false,
        0x08 | 0x0c => true,
        _ => return None,
    };
    // Bit 55 chooses the half; the top byte is a tag; the rest must be one of 48 bits.
    if address & (0xff << 48) != 0 {
        return None;
    }
    Some(PageFault { addr: UserAddr((address & 0xffff_ffff_ffff) as usize), kind, is_present })
}

/// Bytes of a saved FP state.
pub(crate) fn fp_bytes() -> usize {
    FP_BYTES
}
/// Saves the FP state of this CPU.
///
/// # Safety
/// `to` is [`fp_bytes`] long, aligned to [`FP_ALIGN`], and was zeroed before its first use.
pub(crate) unsafe fn fp_save(to: *mut u8) {
    // SAFETY: as the caller promises.
    unsafe { ochre_fp_save(to) }
}
/// Loads an FP state.
///
/// # Safety
/// `from` was written by [`fp_save`] or [`fp_initial`], or accepted by [`fp_sanitize`].
pub(crate) unsafe fn fp_restore(from: *const u8) {
    // SAFETY: as the caller promises.
    unsafe { ochre_fp_restore(from) }
}
/// A state as at program start: all zero.
#[repr(C, align(16))]
struct Initial([u8; FP_BYTES]);
static INITIAL: Initial = Initial([0; FP_BYTES]);

/// Where a state as at program start lies, for [`fp_restore`].
pub(crate) fn fp_fresh() -> *const u8 {
    INITIAL.0.as_ptr()
}
/// Never: signal frames have another order here, and the state goes with the rest of the frame.
///
/// # Safety
/// As for x86-64.
pub(crate) unsafe fn fp_save_to_user(_to: UserAddr, _mark: &FpMark) -> bool {
    false
}
/// Never, for the same reason.
///
/// # Safety
/// As for x86-64.
pub(crate) unsafe fn fp_restore_from_user(_from: UserAddr, _mark: &FpMark) -> bool {
    false
}
/// Writes the state at program start: all zero.
///
/// # Safety
/// As for [`fp_save`].
pub(crate) unsafe fn fp_initial(to: *mut u8) {
    // SAFETY: the buffer is FP_BYTES long.
    unsafe { to.write_bytes(0, FP_BYTES) }
}
/// Makes a state that a program supplied loadable; false if it cannot be.
pub(crate) fn fp_sanitize(image: &mut [u8]) -> bool {
    if image.len() != FP_BYTES {
        return false;
    }
    let status = &mut image[FP_STATUS..];
    for (offset, bits) in [(0, FPSR_BITS), (4, FPCR_BITS)] {
        for (byte, mask) in status[offset..offset + 4].iter_mut().zip(bits.to_le_bytes()) {
            *byte &= mask;
        }
    }
    true
}
/// The program's TLS base (TPIDR_EL0).
pub(crate) fn tls() -> u64 {
    read_sysreg!("tpidr_el0")
}
/// Sets it. The caller has checked that it is a user address.
pub(crate) fn set_tls(base: u64) {
    // SAFETY: the register belongs to user mode.
    unsafe { write_sysreg!("tpidr_el0", base) };
}
/// There is no GS base here.
pub(crate) fn gs_base() -> u64 {
    0
}
/// There is no GS base here: the shared code refuses to set one.
pub(crate) fn set_gs_base(_base: u64) {}

global_asm!(
    r#"
    .section .text.ochre_user, "ax"
    // ochre_user_enter(context, syndrome out) -> 0 synchronous, 1 interrupt, 2 FIQ, 3 SError.
    // Stack while the program runs: context, syndrome pointer, two scratch words for the vector, x19 to x30.
    .balign 64
    .global ochre_user_enter
    .type ochre_user_enter, %function
ochre_user_enter:
    sub sp, sp, #128
    stp x0, x1, [sp]
    stp x19, x20, [sp, #32]
    stp x21, x22, [sp, #48]
    stp x23, x24, [sp, #64]
    stp x25, x26, [sp, #80]
    stp x27, x28, [sp, #96]
    stp x29, x30, [sp, #112]
    ldp x30, x1, [x0, #240]
    ldp x2, x3, [x0, #256]
    msr sp_el0, x1
    msr elr_el1, x2
    msr spsr_el1, x3
    ldp x2, x3, [x0, #16]
    ldp x4, x5, [x0, #32]
    ldp x6, x7, [x0, #48]
    ldp x8, x9, [x0, #64]
    ldp x10, x11, [x0, #80]
    ldp x12, x13, [x0, #96]
    ldp x14, x15, [x0, #112]
    ldp x16, x17, [x0, #128]
    ldp x18, x19, [x0, #144]
    ldp x20, x21, [x0, #160]
    ldp x22, x23, [x0, #176]
    ldp x24, x25, [x0, #192]
    ldp x26, x27, [x0, #208]
    ldp x28, x29, [x0, #224]
    ldp x0, x1, [x0]
    eret
    .size ochre_user_enter, . - ochre_user_enter

    // From the vectors: x0 and x1 are in the scratch words, x1 is the kind.
    .balign 64
    .global ochre_user_tail
    .type ochre_user_tail, %function
ochre_user_tail:
    ldr x0, [sp]
    stp x2, x3, [x0, #16]
    stp x4, x5, [x0, #32]
    stp x6, x7, [x0, #48]
    stp x8, x9, [x0, #64]
    stp x10, x11, [x0, #80]
    stp x12, x13, [x0, #96]
    stp x14, x15, [x0, #112]
    stp x16, x17, [x0, #128]
    stp x18, x19, [x0, #144]
    stp x20, x21, [x0, #160]
    stp x22, x23, [x0, #176]
    stp x24, x25, [x0, #192]
    stp x26, x27, [x0, #208]
    stp x28, x29, [x0, #224]
    mrs x2, sp_el0
    stp x30, x2, [x0, #240]
    mrs x2, elr_el1
    mrs x3, spsr_el1
    stp x2, x3, [x0, #256]
    ldp x2, x3, [sp, #16]
    stp x2, x3, [x0]
    ldr x2, [sp, #8]
    mrs x3, esr_el1
    str x3, [x2]
    mov x0, x1
    ldp x19, x20, [sp, #32]
    ldp x21, x22, [sp, #48]
    ldp x23, x24, [sp, #64]
    ldp x25, x26, [sp, #80]
    ldp x27, x28, [sp, #96]
    ldp x29, x30, [sp, #112]
    add sp, sp, #128
    ret
    .size ochre_user_tail, . - ochre_user_tail

    .arch_extension fp
    .arch_extension simd
    .global ochre_fp_save
    .type ochre_fp_save, %function
ochre_fp_save:
    stp q0, q1, [x0, #0]
    stp q2, q3, [x0, #32]
    stp q4, q5, [x0, #64]
    stp q6, q7, [x0, #96]
    stp q8, q9, [x0, #128]
    stp q10, q11, [x0, #160]
    stp q12, q13, [x0, #192]
    stp q14, q15, [x0, #224]
    stp q16, q17, [x0, #256]
    stp q18, q19, [x0, #288]
    stp q20, q21, [x0, #320]
    stp q22, q23, [x0, #352]
    stp q24, q25, [x0, #384]
    stp q26, q27, [x0, #416]
    stp q28, q29, [x0, #448]
    stp q30, q31, [x0, #480]
    mrs x1, fpsr
    mrs x2, fpcr
    str w1, [x0, #512]
    str w2, [x0, #516]
    ret
    .size ochre_fp_save, . - ochre_fp_save

    .global ochre_fp_restore
    .type ochre_fp_restore, %function
ochre_fp_restore:
    ldp q0, q1, [x0, #0]
    ldp q2, q3, [x0, #32]
    ldp q4, q5, [x0, #64]
    ldp q6, q7, [x0, #96]
    ldp q8, q9, [x0, #128]
    ldp q10, q11, [x0, #160]
    ldp q12, q13, [x0, #192]
    ldp q14, q15, [x0, #224]
    ldp q16, q17, [x0, #256]
    ldp q18, q19, [x0, #288]
    ldp q20, q21, [x0, #320]
    ldp q22, q23, [x0, #352]
    ldp q24, q25, [x0, #384]
    ldp q26, q27, [x0, #416]
    ldp q28, q29, [x0, #448]
    ldp q30, q31, [x0, #480]
    ldr w1, [x0, #512]
    ldr w2, [x0, #516]
    msr fpsr, x1
    msr fpcr, x2
    ret
    .size ochre_fp_restore, . - ochre_fp_restore
    .arch_extension nosimd
    .arch_extension nofp
"#
);
