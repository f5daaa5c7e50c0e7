//! User mode: the program's registers, the way in and back, and its floating-point state.
//!
//! [`enter`] points the CPU's trap stack at the end of the [`UserContext`], so that the next trap pushes the program's
//! registers straight into it, and returns to its caller then. The vectors of `trap` do the pushing.
use super::assembly::pop_registers;
use super::cpu::{self, CONTEXT_END_OFFSET, KERNEL_STACK_OFFSET, RSP0_OFFSET};
use super::registers::{self, cpuid, msr};
use super::trap::{self, FIRST_INTERRUPT, Frame, SYSCALL_VECTOR};
use super::user_copy::{x86_user_fp_restore, x86_user_fp_save};
use crate::addr::UserAddr;
use crate::user::{Exception, FpMark, RawExit};
use core::arch::{asm, global_asm};
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// A program's general registers. The layout is known to the assembly of this architecture.
///
/// # Invariants
/// The selectors are the user's and the flags leave interrupts on and I/O privilege at zero: the return to user mode
/// relies on it.
#[derive(Clone)]
#[repr(C, align(16))]
pub struct UserContext {
    frame: Frame,
}
const _: () = assert!(size_of::<UserContext>() == size_of::<Frame>());

/// Number of words in [`UserContext::registers`].
pub const REGISTER_COUNT: usize = 27;

/// Flags that a program may set: the arithmetic ones, trap, direction, resume, alignment check, ID.
const USER_FLAGS: u64 = 0xcd5 | 1 << 8 | 1 << 10 | 1 << 16 | 1 << 18 | 1 << 21;
/// Flags that are always set in user mode: interrupts, and bit 1.
const FIXED_FLAGS: u64 = 1 << 9 | 1 << 1;
/// The trap flag.
const TRAP_FLAG: u64 = 1 << 8;
/// Bytes of SYSCALL.
const SYSCALL_BYTES: u64 = 2;
/// First address that is not canonical.
const CANONICAL_END: u64 = 1 << 47;

impl Default for UserContext {
    fn default() -> UserContext {
        UserContext::at_entry(0, 0)
    }
}

impl UserContext {
    /// Registers of a program at its first instruction: all zero but the program counter and the stack pointer.
    pub fn at_entry(pc: usize, sp: usize) -> UserContext {
        UserContext {
            frame: Frame {
                rip: pc as u64,
                rsp: sp as u64,
                cs: u64::from(cpu::USER_CODE),
                ss: u64::from(cpu::USER_DATA),
                rflags: FIXED_FLAGS,
                ..Frame::default()
            },
        }
    }
    /// The program counter.
    pub fn pc(&self) -> usize {
        self.frame.rip as usize
    }
    /// Sets the program counter.
    pub fn set_pc(&mut self, pc: usize) {
        self.frame.rip = pc as u64;
    }
    /// The breakpoint instruction.
    pub const BREAKPOINT: &[u8] = &[0xcc];
    /// Where the breakpoint stands that was just hit.
    pub fn breakpoint_address(&self) -> usize {
        self.pc().wrapping_sub(UserContext::BREAKPOINT.len())
    }
    /// The registers in which a function finds its first six arguments.
    pub fn function_arguments(&self) -> [u64; 6] {
        self.frame.function_arguments()
    }
    /// The stack pointer.
    pub fn sp(&self) -> usize {
        self.frame.rsp as usize
    }
    /// Sets the stack pointer.
    pub fn set_sp(&mut self, sp: usize) {
        self.frame.rsp = sp as u64;
    }
    /// The frame pointer (for stack walks).
    pub fn frame_pointer(&self) -> usize {
        self.frame.rbp as usize
    }
    /// The system call's number as the program gave it (rax, x8).
    pub fn syscall_number(&self) -> u64 {
        self.frame.code
    }
    /// Changes the number, for restarts and tracers.
    pub fn set_syscall_number(&mut self, number: u64) {
        self.frame.code = number;
    }
    /// The call's six arguments.
    pub fn syscall_arguments(&self) -> [u64; 6] {
        let frame = &self.frame;
        [frame.rdi, frame.rsi, frame.rdx, frame.r10, frame.r8, frame.r9]
    }
    /// Sets the call's result.
    pub fn set_result(&mut self, value: u64) {
        self.frame.rax = value;
    }
    /// The call's result.
    pub fn result(&self) -> u64 {
        self.frame.rax
    }
    /// Arranges that the program executes the same call again: the program counter goes back to the call instruction
    /// and the register that result and number or first argument share gets its old value (`first_argument` matters on
    /// ARM64, `number` on x86-64).
    pub fn rewind_syscall(&mut self, number: u64, _first_argument: u64) {
        self.frame.rip = self.frame.rip.wrapping_sub(SYSCALL_BYTES);
        self.frame.rax = number;
    }
    /// Whether the program is to stop after its next instruction.
    pub fn is_single_stepping(&self) -> bool {
        self.frame.rflags & TRAP_FLAG != 0
    }
    /// Makes it so, or not.
    pub fn set_single_stepping(&mut self, is_stepping: bool) {
        self.frame.rflags = self.frame.rflags & !TRAP_FLAG | if is_stepping { TRAP_FLAG } else { 0 };
    }
    /// Sets the registers in which a function finds its first three arguments, for signal handlers.
    pub fn set_function_arguments(&mut self, arguments: [u64; 3]) {
        [self.frame.rdi, self.frame.rsi, self.frame.rdx] = arguments;
    }
    /// Sets the link register (ARM64); nothing on x86-64, where the return address is on the stack.
    pub fn set_link(&mut self, _address: usize) {}
    /// All registers in the order of Linux's `user_regs_struct` (x86-64: 27 words) or `user_pt_regs` (ARM64: 34 words).
    /// The FS and GS bases are zero here: they belong to the thread (see `CurrentThread::tls`).
    pub fn registers(&self) -> [u64; REGISTER_COUNT] {
        let f = &self.frame;
        // LINUX: orig_rax is -1 outside system calls.
        let orig_rax = if f.vector == SYSCALL_VECTOR { f.code } else { u64::MAX };
        [
            f.r15, f.r14, f.r13, f.r12, f.rbp, f.rbx, f.r11, f.r10, f.r9, f.r8, f.rax, f.rcx, f.rdx, f.rsi, f.rdi,
            orig_rax, f.rip, f.cs, f.rflags, f.rsp, f.ss, 0, 0, 0, 0, 0, 0,
        ]
    }
    /// The reverse of [`registers`](Self::registers); bits a program may not set are masked off.
    pub fn set_registers(&mut self, words: &[u64; REGISTER_COUNT]) {
        let Frame { vector, code, .. } = self.frame;
        let [r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, ..] = *words;
        let (rip, flags, rsp) = (words[16], words[18], words[19]);
        // INVARIANT: selectors fixed, flags masked.
        self.frame = Frame {
            r15,
            r14,
            r13,
            r12,
            rbp,
            rbx,
            r11,
            r10,
            r9,
            r8,
            rax,
            rcx,
            rdx,
            rsi,
            rdi,
            vector,
            code,
            rip,
            cs: u64::from(cpu::USER_CODE),
            rflags: flags & USER_FLAGS | FIXED_FLAGS,
            rsp,
            ss: u64::from(cpu::USER_DATA),
        };
    }
}

global_asm!(
    ".pushsection .text.x86_user, \"ax\"",
    // (rdi = context). Comes back through x86_user_leave after the next trap.
    ".balign 16",
    ".global x86_user_enter",
    ".type x86_user_enter, @function",
    "x86_user_enter:",
    "push rbp",
    "push rbx",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "mov gs:[{kernel_stack}], rsp",
    "lea rax, [rdi + {context_bytes}]",
    "mov gs:[{context_end}], rax",
    "mov gs:[{rsp0}], rax",
    "mov rsp, rdi",
    // SYSRET only gives back what SYSCALL took: rcx = rip and r11 = flags must still hold. The caller has made sure
    // that rip is canonical; on Intel a SYSRET to another address faults in kernel mode on the user's stack.
    "cmp qword ptr [rsp + 15*8], {syscall_vector}",
    "jne 2f",
    "mov rax, [rsp + 17*8]",
    "cmp rax, [rsp + 11*8]",
    "jne 2f",
    "mov rax, [rsp + 19*8]",
    "cmp rax, [rsp + 6*8]",
    "jne 2f",
    pop_registers!(),
    "mov rsp, [rsp + 5*8]",
    "swapgs",
    "sysretq",
    "2:",
    pop_registers!(),
    "add rsp, 16",
    "swapgs",
    "iretq",
    ".size x86_user_enter, . - x86_user_enter",
    // The vectors jump here, on the stack that x86_user_enter left.
    ".balign 16",
    ".global x86_user_leave",
    ".type x86_user_leave, @function",
    "x86_user_leave:",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    "pop rbp",
    "ret",
    ".size x86_user_leave, . - x86_user_leave",
    ".popsection",
    kernel_stack = const KERNEL_STACK_OFFSET,
    context_end = const CONTEXT_END_OFFSET,
    rsp0 = const RSP0_OFFSET,
    context_bytes = const size_of::<UserContext>(),
    syscall_vector = const SYSCALL_VECTOR,
);

unsafe extern "C" {
    fn x86_user_enter(context: *mut UserContext);
}

/// Runs the program until its next trap.
///
/// # Safety
/// 1. Interrupts are off and stay so.
/// 2. The program's address space and FP state are loaded.
/// 3. `context` is 16-byte aligned memory of a kernel stack or the heap, used by nobody else meanwhile.
#[inline(always)]
pub(crate) unsafe fn enter(context: *mut UserContext) -> RawExit {
    // SAFETY: 3.
    let frame = unsafe { &raw mut (*context).frame };
    // SAFETY: 3.
    if unsafe { (*frame).rip } >= CANONICAL_END {
        // What the return instruction would answer, but in the kernel.
        return RawExit::Exception(Exception::GeneralProtection);
    }
    // SAFETY: 1 to 3, and the address is canonical.
    unsafe { x86_user_enter(context) };
    // SAFETY: 3.
    let (vector, code) = unsafe { ((*frame).vector, (*frame).code) };
    if vector == SYSCALL_VECTOR { RawExit::Syscall } else { decode(vector, code) }
}

/// What a trap that is not a system call means. Handles an interrupt.
#[inline(never)]
fn decode(vector: u64, code: u64) -> RawExit {
    match vector {
        FIRST_INTERRUPT.. => {
            super::irq::handle(vector);
            RawExit::Interrupt
        }
        14 => {
            let addr = registers::read_cr2();
            if addr < CANONICAL_END {
                RawExit::PageFault(trap::page_fault(code, addr))
            } else {
                RawExit::Exception(Exception::BadAddress(UserAddr(addr as usize)))
            }
        }
        _ => RawExit::Exception(exception(vector)),
    }
}

/// A fault of the program that is not a page fault.
fn exception(vector: u64) -> Exception {
    match vector {
        0 => Exception::DivideError,
        1 => Exception::DebugStep,
        3 => Exception::Breakpoint,
        6 | 7 => Exception::IllegalInstruction,
        16 => Exception::FloatingPoint(floating_point_code(pending_x87())),
        17 => Exception::Misaligned(UserAddr::NULL),
        19 => Exception::FloatingPoint(floating_point_code(pending_sse())),
        // Overflow, bounds, segments, protection.
        _ => Exception::GeneralProtection,
    }
}

/// Unmasked x87 exceptions that have happened.
fn pending_x87() -> u32 {
    let (mut status, mut control) = (0u16, 0u16);
    // SAFETY: stores two words; neither instruction raises a pending exception.
    unsafe { asm!("fnstsw [{}]", "fnstcw [{}]", in(reg) &mut status, in(reg) &mut control, options(nostack)) };
    u32::from(status & !control)
}

/// Unmasked SSE exceptions that have happened.
fn pending_sse() -> u32 {
    let mut control = 0u32;
    // SAFETY: stores one word.
    unsafe { asm!("stmxcsr [{}]", in(reg) &mut control, options(nostack)) };
    control & !(control >> 7)
}

/// Linux's FPE_* code of the first of the exceptions in Linux's order.
fn floating_point_code(exceptions: u32) -> i32 {
    const INVALID: u32 = 1;
    const DENORMAL: u32 = 2;
    const ZERO_DIVIDE: u32 = 4;
    const OVERFLOW: u32 = 8;
    const UNDERFLOW: u32 = 0x10;
    const INEXACT: u32 = 0x20;
    const CODES: [(u32, i32); 5] =
        [(INVALID, 7), (ZERO_DIVIDE, 3), (OVERFLOW, 4), (DENORMAL | UNDERFLOW, 5), (INEXACT, 6)];
    CODES.iter().find(|(mask, _)| exceptions & mask != 0).map_or(0, |(_, code)| *code)
}

/// Program counter, stack pointer and frame pointer of a context.
///
/// # Safety
/// `context` is readable and aligned to a word.
pub(crate) unsafe fn place_of(context: *const UserContext) -> [usize; 3] {
    // SAFETY: fields of what the caller says is readable.
    let [pc, sp, frame] = unsafe {
        let frame = &raw const (*context).frame;
        [&raw const (*frame).rip, &raw const (*frame).rsp, &raw const (*frame).rbp].map(|field| field.read_volatile())
    };
    [pc as usize, sp as usize, frame as usize]
}

/// Registers in [`dwarf_registers`].
pub(crate) const DWARF_REGISTERS: usize = 17;
/// The stack pointer among them.
pub(crate) const DWARF_STACK_POINTER: usize = 7;
/// Whether compilers keep frame pointers unless they are told otherwise.
pub(crate) const KEEPS_FRAME_POINTERS: bool = false;

/// A context's registers by DWARF's numbers (System V ABI for AMD64, figure 3.36).
///
/// # Safety
/// `context` is readable and aligned to a word.
pub(crate) unsafe fn dwarf_registers(context: *const UserContext) -> [u64; DWARF_REGISTERS] {
    // SAFETY: fields of what the caller says is readable.
    unsafe {
        let frame = &raw const (*context).frame;
        [
            &raw const (*frame).rax,
            &raw const (*frame).rdx,
            &raw const (*frame).rcx,
            &raw const (*frame).rbx,
            &raw const (*frame).rsi,
            &raw const (*frame).rdi,
            &raw const (*frame).rbp,
            &raw const (*frame).rsp,
            &raw const (*frame).r8,
            &raw const (*frame).r9,
            &raw const (*frame).r10,
            &raw const (*frame).r11,
            &raw const (*frame).r12,
            &raw const (*frame).r13,
            &raw const (*frame).r14,
            &raw const (*frame).r15,
            &raw const (*frame).rip,
        ]
        .map(|field| field.read_volatile())
    }
}

/// Whether programs have a GS base.
pub(crate) const HAS_GS_BASE: bool = true;
/// Alignment of the buffers of [`fp_save`] and [`fp_restore`].
pub(crate) const FP_ALIGN: usize = 64;
/// Bytes of the FXSAVE area, the first part of every state.
const FXSAVE_BYTES: usize = 512;
const XSAVE_HEADER: usize = 64;
/// State components that are saved: x87, SSE, AVX, AVX-512. Not protection keys (the kernel does not use them) nor AMX
/// (whose state programs must ask for).
const WANTED_COMPONENTS: u64 = 0x7 | 0xe0;
const INITIAL_MXCSR: u32 = 0x1f80;
const INITIAL_X87_CONTROL: u16 = 0x37f;

/// Components in use; zero means FXSAVE only.
static COMPONENTS: AtomicU64 = AtomicU64::new(0);
static FP_BYTES: AtomicUsize = AtomicUsize::new(FXSAVE_BYTES);
static MXCSR_MASK: AtomicU64 = AtomicU64::new(0xffbf);
static HAS_FSGSBASE: AtomicBool = AtomicBool::new(false);

/// Turns on this CPU's floating-point state for programs. After the control bits.
pub(crate) fn init_fp() {
    let cr4 = registers::read_cr4();
    HAS_FSGSBASE.store(cr4 & 1 << 16 != 0, Ordering::Relaxed);
    if cr4 & 1 << 18 != 0 {
        let offered = cpuid(0xd, 0);
        let components = (u64::from(offered.edx) << 32 | u64::from(offered.eax)) & WANTED_COMPONENTS;
        // AVX-512 goes together or not at all.
        let components = if components & 0xe0 == 0xe0 { components } else { components & 7 };
        // SAFETY: CR4.OSXSAVE is set and CPUID offers the components.
        unsafe { registers::write_xcr0(components) };
        COMPONENTS.store(components, Ordering::Relaxed);
        // With XCR0 set, EBX is the size of the standard format for these components.
        FP_BYTES.store(cpuid(0xd, 0).ebx as usize, Ordering::Relaxed);
    }
    #[repr(C, align(16))]
    struct Area([u8; FXSAVE_BYTES]);
    let mut area = Area([0; FXSAVE_BYTES]);
    // SAFETY: CR4.OSFXSR is set; the area is large and aligned enough.
    unsafe { asm!("fninit", "fxsave64 [{}]", in(reg) &mut area, options(nostack)) };
    let mask = u32::from_le_bytes([area.0[28], area.0[29], area.0[30], area.0[31]]);
    if mask != 0 {
        MXCSR_MASK.store(u64::from(mask), Ordering::Relaxed);
    }
}

/// Bytes of a saved FP state.
pub(crate) fn fp_bytes() -> usize {
    FP_BYTES.load(Ordering::Relaxed)
}

/// Saves the FP state of this CPU.
///
/// # Safety
/// `to` is [`fp_bytes`] long, aligned to [`FP_ALIGN`], and was zeroed before its first use.
pub(crate) unsafe fn fp_save(to: *mut u8) {
    let components = COMPONENTS.load(Ordering::Relaxed);
    if components == 0 {
        // SAFETY: the area is large and aligned enough, says the caller.
        unsafe { asm!("fxsave64 [{}]", in(reg) to, options(nostack, preserves_flags)) };
    } else {
        // CAST: the two halves.
        let (low, high) = (components as u32, (components >> 32) as u32);
        // SAFETY: as above; the CPU has XSAVE.
        unsafe {
            asm!("xsave64 [{}]", in(reg) to, in("eax") low, in("edx") high, options(nostack, preserves_flags));
        }
    }
}

/// Loads an FP state.
///
/// # Safety
/// `from` is aligned to [`FP_ALIGN`] and was written by [`fp_save`] or [`fp_initial`], or accepted by [`fp_sanitize`].
pub(crate) unsafe fn fp_restore(from: *const u8) {
    let components = COMPONENTS.load(Ordering::Relaxed);
    if components == 0 {
        // SAFETY: the area holds a valid state, says the caller.
        unsafe { asm!("fxrstor64 [{}]", in(reg) from, options(nostack, preserves_flags, readonly)) };
    } else {
        // CAST: the two halves.
        let (low, high) = (components as u32, (components >> 32) as u32);
        // SAFETY: as above; the CPU has XSAVE.
        unsafe {
            asm!("xrstor64 [{}]", in(reg) from, in("eax") low, in("edx") high,
                options(nostack, preserves_flags, readonly));
        }
    }
}

/// What [`fp_restore`] makes the state at program start of: with no component present, each is as after a reset but for the
/// two control words, which are taken from here.
#[repr(C, align(64))]
struct Initial([u8; FXSAVE_BYTES + XSAVE_HEADER]);
static INITIAL: Initial = {
    let mut state = [0; FXSAVE_BYTES + XSAVE_HEADER];
    [state[0], state[1]] = INITIAL_X87_CONTROL.to_le_bytes();
    [state[24], state[25], state[26], state[27]] = INITIAL_MXCSR.to_le_bytes();
    Initial(state)
};

/// Where a state as at program start lies, for [`fp_restore`].
pub(crate) fn fp_fresh() -> *const u8 {
    INITIAL.0.as_ptr()
}

/// Saves the FP state of this CPU to user memory, marked as Linux marks it in a signal frame: false if memory is not there, or the
/// CPU has no XSAVE. Then some of it may have been written.
///
/// # Safety
/// 1. `to` is aligned to [`FP_ALIGN`], and [`fp_bytes`] and four more bytes from there on are in user space.
/// 2. Interrupts are off.
pub(crate) unsafe fn fp_save_to_user(to: UserAddr, mark: &FpMark) -> bool {
    let components = COMPONENTS.load(Ordering::Relaxed);
    // SAFETY: the range is in user space (1), and each access has a fix-up. (2) keeps the fault from sleeping.
    components != 0 && unsafe { x86_user_fp_save(to.0, mark, components, fp_bytes()) } == 0
}

/// Loads an FP state from user memory if it is marked so; false if it is not, or memory is not there, or the CPU refuses the state. Then
/// the CPU holds no particular state.
///
/// # Safety
/// As for [`fp_save_to_user`].
pub(crate) unsafe fn fp_restore_from_user(from: UserAddr, mark: &FpMark) -> bool {
    let components = COMPONENTS.load(Ordering::Relaxed);
    // SAFETY: as above; XRSTOR takes any bytes: a state that is not valid is refused by an exception, which has a fix-up too.
    components != 0 && unsafe { x86_user_fp_restore(from.0, mark, components) } == 0
}

/// Writes the state at program start.
///
/// # Safety
/// As for [`fp_save`].
pub(crate) unsafe fn fp_initial(to: *mut u8) {
    // SAFETY: the buffer is `fp_bytes` long, says the caller.
    let state = unsafe { core::slice::from_raw_parts_mut(to, fp_bytes()) };
    state.fill(0);
    state[..2].copy_from_slice(&INITIAL_X87_CONTROL.to_le_bytes());
    state[24..28].copy_from_slice(&INITIAL_MXCSR.to_le_bytes());
}

/// Makes a state that a program supplied loadable; false if it cannot be.
pub(crate) fn fp_sanitize(image: &mut [u8]) -> bool {
    if image.len() != fp_bytes() {
        return false;
    }
    // CAST: the mask is 32 bits wide.
    let mask = (MXCSR_MASK.load(Ordering::Relaxed) as u32).to_le_bytes();
    for (byte, allowed) in image[24..28].iter_mut().zip(mask) {
        *byte &= allowed;
    }
    let components = COMPONENTS.load(Ordering::Relaxed);
    if components != 0 {
        let header = &mut image[FXSAVE_BYTES..FXSAVE_BYTES + XSAVE_HEADER];
        for (byte, allowed) in header[..8].iter_mut().zip(components.to_le_bytes()) {
            *byte &= allowed;
        }
        // Standard format, reserved bytes zero: anything else makes XRSTOR fault.
        header[8..].fill(0);
    }
    true
}

/// The program's TLS base (FS).
pub(crate) fn tls() -> u64 {
    if HAS_FSGSBASE.load(Ordering::Relaxed) {
        let base;
        // SAFETY: CR4.FSGSBASE is set.
        unsafe { asm!("rdfsbase {}", out(reg) base, options(nomem, nostack, preserves_flags)) };
        return base;
    }
    // SAFETY: every 64-bit CPU has the register.
    unsafe { registers::read_msr(msr::FS_BASE) }
}

/// Sets it. The caller has checked that it is a user address.
pub(crate) fn set_tls(base: u64) {
    if HAS_FSGSBASE.load(Ordering::Relaxed) {
        // SAFETY: CR4.FSGSBASE is set; the kernel does not use FS.
        unsafe { asm!("wrfsbase {}", in(reg) base, options(nomem, nostack, preserves_flags)) };
        return;
    }
    // SAFETY: every 64-bit CPU has the register; the kernel does not use FS.
    unsafe { registers::write_msr(msr::FS_BASE, base) };
}

/// The program's GS base.
pub(crate) fn gs_base() -> u64 {
    // SAFETY: in the kernel the program's base is in this register.
    unsafe { registers::read_msr(msr::KERNEL_GS_BASE) }
}

/// Sets it. The caller has checked that it is a user address.
pub(crate) fn set_gs_base(base: u64) {
    // SAFETY: in the kernel the program's base is in this register.
    unsafe { registers::write_msr(msr::KERNEL_GS_BASE, base) };
}
