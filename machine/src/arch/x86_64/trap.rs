//! Exception and interrupt vectors, and SYSCALL: assembly that saves every register in a [`Frame`], and the Rust code
//! that decides what a trap taken in the kernel means. Traps from user mode end [`super::user::enter`] instead.
//!
//! GS: a trap from user mode (seen by the privilege of the saved code selector) executes SWAPGS on entry, and the way
//! back to user mode does again. NMI, double fault and machine check may interrupt the few instructions between, where
//! the selector says kernel and GS is the program's; they run on stacks of their own, at whose end stands the right GS
//! base to compare with (the sign of the base proves nothing, since programs may set it to anything by WRGSBASE).
//!
//! Invariants: interrupts are off from entry on; the direction flag is clear and, with SMAP, user access forbidden
//! before any Rust code runs.
use super::assembly::{forbid_user_access, pop_registers, push_registers};
use super::cpu::{self, CONTEXT_END_OFFSET, KERNEL_STACK_OFFSET, SCRATCH_OFFSET, USER_CODE, USER_DATA};
use super::registers::{self, cpuid, msr};
use super::{irq, user_copy};
use crate::addr::UserAddr;
use crate::fail::TrapReport;
use crate::user::{AccessKind, PageFault};
use core::arch::global_asm;
use core::cell::UnsafeCell;

/// All general registers as the entry code saves them, lowest address first: the order of Linux's `user_regs_struct`
/// but for `vector` and `code`, which stand where that has `orig_rax`.
#[derive(Clone, Default)]
#[repr(C)]
pub(crate) struct Frame {
    pub(crate) r15: u64,
    pub(crate) r14: u64,
    pub(crate) r13: u64,
    pub(crate) r12: u64,
    pub(crate) rbp: u64,
    pub(crate) rbx: u64,
    pub(crate) r11: u64,
    pub(crate) r10: u64,
    pub(crate) r9: u64,
    pub(crate) r8: u64,
    pub(crate) rax: u64,
    pub(crate) rcx: u64,
    pub(crate) rdx: u64,
    pub(crate) rsi: u64,
    pub(crate) rdi: u64,
    /// Which vector, or [`SYSCALL_VECTOR`].
    pub(crate) vector: u64,
    /// The CPU's error code, zero where there is none; the call's number for SYSCALL.
    pub(crate) code: u64,
    pub(crate) rip: u64,
    pub(crate) cs: u64,
    pub(crate) rflags: u64,
    pub(crate) rsp: u64,
    pub(crate) ss: u64,
}

impl Frame {
    /// Where the calling convention of the System V ABI puts a function's first six arguments.
    pub(super) fn function_arguments(&self) -> [u64; 6] {
        [self.rdi, self.rsi, self.rdx, self.rcx, self.r8, self.r9]
    }
}
const _: () = assert!(size_of::<Frame>() == 22 * 8 && size_of::<Frame>().is_multiple_of(16));

/// Not a vector of the CPU: the frame was made by SYSCALL.
pub(crate) const SYSCALL_VECTOR: u64 = 0x100;
/// First vector that is not an exception.
pub(crate) const FIRST_INTERRUPT: u64 = 32;

const NMI: usize = 2;
const BREAKPOINT: usize = 3;
const OVERFLOW: usize = 4;
const DOUBLE_FAULT: usize = 8;
const GENERAL_PROTECTION: u64 = 13;
const PAGE_FAULT: u64 = 14;
const MACHINE_CHECK: usize = 18;
/// Exceptions for which the CPU pushes an error code: #DF #TS #NP #SS #GP #PF #AC #CP #VC #SX.
const WITH_CODE: u32 = 1 << 8 | 0x1f << 10 | 1 << 17 | 1 << 21 | 3 << 29;

global_asm!(
    ".pushsection .text.x86_trap, \"ax\"",
    // One stub of 16 bytes for each vector: an error code if the CPU gives none, the vector, the common part.
    ".balign 16",
    ".global x86_trap_vectors",
    ".type x86_trap_vectors, @function",
    "x86_trap_vectors:",
    ".set x86_trap_vector, 0",
    ".rept 256",
    ".balign 16",
    ".if x86_trap_vector >= 32 || (({with_code} >> x86_trap_vector) & 1) == 0",
    ".byte 0x6a, 0",
    ".endif",
    ".byte 0x68",
    ".long x86_trap_vector",
    "jmp x86_trap_common",
    ".set x86_trap_vector, x86_trap_vector + 1",
    ".endr",
    ".size x86_trap_vectors, . - x86_trap_vectors",
    ".balign 16",
    ".global x86_trap_common",
    ".type x86_trap_common, @function",
    "x86_trap_common:",
    push_registers!(),
    "cld",
    forbid_user_access!(),
    "test byte ptr [rsp + 18*8], 3",
    "jz 2f",
    // From user mode: the frame lies in the program's context; go back to where `enter` was called.
    "swapgs",
    "mov rsp, gs:[{kernel_stack}]",
    "jmp x86_user_leave",
    "2:",
    "mov rdi, rsp",
    // A frame record, so that stack walks go through the trap.
    "push qword ptr [rdi + 17*8]",
    "push rbp",
    "mov rbp, rsp",
    "call {kernel_trap}",
    ".global x86_trap_return",
    "x86_trap_return:",
    "add rsp, 16",
    pop_registers!(),
    "add rsp, 16",
    "iretq",
    ".size x86_trap_common, . - x86_trap_common",
    // SYSCALL: rcx = return address, r11 = flags, the stack still the program's.
    ".balign 16",
    ".global x86_trap_syscall",
    ".type x86_trap_syscall, @function",
    "x86_trap_syscall:",
    "swapgs",
    "mov gs:[{scratch}], rsp",
    "mov rsp, gs:[{context_end}]",
    "push {user_data}",
    "push qword ptr gs:[{scratch}]",
    "push r11",
    "push {user_code}",
    "push rcx",
    "push rax",
    "push {syscall_vector}",
    push_registers!(),
    "mov rsp, gs:[{kernel_stack}]",
    "jmp x86_user_leave",
    ".size x86_trap_syscall, . - x86_trap_syscall",
    // Vectors with stacks of their own. The stack's end holds the address of this CPU's `Cpu`.
    ".balign 16",
    ".global x86_trap_nmi",
    ".type x86_trap_nmi, @function",
    "x86_trap_nmi:",
    "push 0",
    "push 2",
    "jmp x86_trap_paranoid",
    ".size x86_trap_nmi, . - x86_trap_nmi",
    ".global x86_trap_double_fault",
    ".type x86_trap_double_fault, @function",
    "x86_trap_double_fault:",
    "push 8",
    "jmp x86_trap_paranoid",
    ".size x86_trap_double_fault, . - x86_trap_double_fault",
    ".global x86_trap_machine_check",
    ".type x86_trap_machine_check, @function",
    "x86_trap_machine_check:",
    "push 0",
    "push 18",
    "jmp x86_trap_paranoid",
    ".size x86_trap_machine_check, . - x86_trap_machine_check",
    ".balign 16",
    ".type x86_trap_paranoid, @function",
    "x86_trap_paranoid:",
    push_registers!(),
    "cld",
    forbid_user_access!(),
    "mov ecx, {gs_base}",
    "rdmsr",
    "shl rdx, 32",
    "or rdx, rax",
    "xor ebx, ebx",
    "cmp rdx, [rsp + 22*8]",
    "je 2f",
    "swapgs",
    "mov ebx, 1",
    "2:",
    "mov rdi, rsp",
    "call {paranoid_trap}",
    "test ebx, ebx",
    "jz 2f",
    "swapgs",
    "2:",
    pop_registers!(),
    "add rsp, 16",
    "iretq",
    ".size x86_trap_paranoid, . - x86_trap_paranoid",
    ".popsection",
    with_code = const WITH_CODE,
    kernel_stack = const KERNEL_STACK_OFFSET,
    context_end = const CONTEXT_END_OFFSET,
    scratch = const SCRATCH_OFFSET,
    user_data = const USER_DATA,
    user_code = const USER_CODE,
    syscall_vector = const SYSCALL_VECTOR,
    gs_base = const msr::GS_BASE,
    kernel_trap = sym kernel_trap,
    paranoid_trap = sym paranoid_trap,
);

unsafe extern "C" {
    static x86_trap_vectors: u8;
    static x86_trap_syscall: u8;
    static x86_trap_return: u8;
    static x86_trap_nmi: u8;
    static x86_trap_double_fault: u8;
    static x86_trap_machine_check: u8;
    static __smap_sites_start: [u64; 2];
    static __smap_sites_end: [u64; 2];
}

/// The interrupt descriptor table, the same for every CPU.
#[repr(C, align(4096))]
struct Vectors(UnsafeCell<[[u64; 2]; 256]>);
// SAFETY: written by `build_vectors` on the boot CPU before any CPU uses it.
unsafe impl Sync for Vectors {}
static VECTORS: Vectors = Vectors(UnsafeCell::new([[0; 2]; 256]));

/// An interrupt gate: interrupts off in the handler.
fn gate(target: u64, stack: u8, may_user_call: bool) -> [u64; 2] {
    let access: u64 = if may_user_call { 0xee } else { 0x8e };
    let low = target & 0xffff
        | u64::from(cpu::KERNEL_CODE) << 16
        | u64::from(stack) << 32
        | access << 40
        | (target >> 16 & 0xffff) << 48;
    [low, target >> 32]
}

/// Fills the table. Boot CPU, once.
pub(crate) fn build_vectors() {
    let first = (&raw const x86_trap_vectors).addr() as u64;
    let mut table = [[0; 2]; 256];
    for (vector, entry) in table.iter_mut().enumerate() {
        *entry = gate(first + vector as u64 * 16, 0, matches!(vector, BREAKPOINT | OVERFLOW));
    }
    table[NMI] = gate((&raw const x86_trap_nmi).addr() as u64, cpu::NMI_STACK, false);
    table[DOUBLE_FAULT] = gate((&raw const x86_trap_double_fault).addr() as u64, cpu::DOUBLE_FAULT_STACK, false);
    table[MACHINE_CHECK] = gate((&raw const x86_trap_machine_check).addr() as u64, cpu::MACHINE_CHECK_STACK, false);
    // SAFETY: no CPU uses the table yet.
    unsafe { *VECTORS.0.get() = table };
}

/// Address and limit of the table.
pub(crate) fn vectors() -> (u64, u16) {
    (VECTORS.0.get().addr() as u64, 256 * 16 - 1)
}

/// Where SYSCALL goes.
pub(crate) fn syscall_entry() -> u64 {
    (&raw const x86_trap_syscall).addr() as u64
}

/// Puts CLAC and STAC where the assembly left room, if the CPU has SMAP.
///
/// # Safety
/// The early tables, in which code is writable, are in force, and only this CPU runs.
pub(crate) unsafe fn patch_smap_sites() {
    if cpuid(7, 0).ebx & 1 << 20 == 0 {
        return;
    }
    let (mut site, end) = (&raw const __smap_sites_start, &raw const __smap_sites_end);
    while site < end {
        // SAFETY: the linker put whole entries between the two symbols.
        let [address, instruction] = unsafe { site.read() };
        // CAST: the low byte is the instruction's last.
        let code = [0x0f, 0x01, instruction as u8];
        // SAFETY: the address is that of a three-byte no-operation in our code, which is writable now.
        unsafe { (address as *mut [u8; 3]).write_volatile(code) };
        // SAFETY: stays within or one past the table.
        site = unsafe { site.add(1) };
    }
}

/// What a page fault's error code and address say.
pub(crate) fn page_fault(code: u64, addr: u64) -> PageFault {
    let kind = if code & 1 << 4 != 0 {
        AccessKind::Execute
    } else if code & 1 << 1 != 0 {
        AccessKind::Write
    } else {
        AccessKind::Read
    };
    // CAST: both are 64 bits.
    PageFault { addr: UserAddr(addr as usize), kind, is_present: code & 1 != 0 }
}

/// A trap taken while the kernel ran.
extern "C" fn kernel_trap(frame: &mut Frame) {
    if frame.vector >= FIRST_INTERRUPT {
        irq::handle(frame.vector);
        crate::thread::interrupt_exit();
        return;
    }
    if frame.vector == PAGE_FAULT {
        let addr = registers::read_cr2();
        if addr < 1 << 47
            // CAST: a code address.
            && let Some(fixup) = user_copy::find_fixup(frame.rip as usize)
        {
            let had_interrupts = frame.rflags & 1 << 9 != 0;
            cpu::interrupts_restore(had_interrupts);
            let is_resolved = crate::user::kernel_fault(page_fault(frame.code, addr));
            cpu::interrupts_off();
            if !is_resolved {
                frame.rip = fixup as u64;
            }
            return;
        }
        fatal(frame, Some(addr));
    }
    if frame.vector as usize == BREAKPOINT {
        let (arguments, results) = (frame.function_arguments(), [frame.rax, frame.rdx]);
        let stack = frame.rsp;
        // SAFETY: asked for where a function begins or is left only: the word at the kernel's stack pointer is its return address.
        let caller = &|| unsafe { core::ptr::with_exposed_provenance::<u64>(stack as usize).read_volatile() };
        let registers =
            crate::function_probe::Registers { arguments: &arguments, results: &results, saved: frame.rip, caller };
        // The saved address is that of the byte after INT3. CAST: a code address.
        if let Some(next) = crate::function_probe::hit((frame.rip as usize).wrapping_sub(1), &registers) {
            frame.rip = next as u64;
            return;
        }
    }
    if frame.vector == GENERAL_PROTECTION
        && user_copy::takes_state(frame.rip as usize)
        && let Some(fixup) = user_copy::find_fixup(frame.rip as usize)
    {
        frame.rip = fixup as u64;
        return;
    }
    fatal(frame, None);
}

/// NMI, double fault, machine check: anything may have been interrupted.
extern "C" fn paranoid_trap(frame: &mut Frame) {
    if frame.vector as usize == NMI {
        if irq::is_halt_requested() {
            crate::fail::halt_interrupt();
        }
        crate::fail::show_place(frame.rip as usize, frame.rsp as usize, frame.rbp as usize);
        return;
    }
    let addr = (frame.vector as usize == DOUBLE_FAULT).then(registers::read_cr2);
    fatal(frame, addr);
}

/// Whether a return address is that of the trap entry: the frame record after it is the interrupted code's.
pub(crate) fn is_interrupt_return(address: usize) -> bool {
    address == (&raw const x86_trap_return).addr()
}

/// Names of the exceptions, for the epitaph.
const NAMES: [&str; 32] = [
    "divide error",
    "debug exception",
    "non-maskable interrupt",
    "breakpoint",
    "overflow",
    "bound range exceeded",
    "invalid opcode",
    "device not available",
    "double fault",
    "reserved exception 9",
    "invalid task state segment",
    "segment not present",
    "stack fault",
    "general protection fault",
    "page fault",
    "reserved exception 15",
    "x87 floating-point error",
    "alignment check",
    "machine check",
    "SIMD floating-point error",
    "virtualization exception",
    "control protection exception",
    "reserved exception 22",
    "reserved exception 23",
    "reserved exception 24",
    "reserved exception 25",
    "reserved exception 26",
    "reserved exception 27",
    "hypervisor injection exception",
    "VMM communication exception",
    "security exception",
    "reserved exception 31",
];

/// A trap that the kernel cannot survive.
fn fatal(frame: &Frame, addr: Option<u64>) -> ! {
    let registers = [
        ("rax", frame.rax),
        ("rbx", frame.rbx),
        ("rcx", frame.rcx),
        ("rdx", frame.rdx),
        ("rsi", frame.rsi),
        ("rdi", frame.rdi),
        ("rbp", frame.rbp),
        ("rsp", frame.rsp),
        ("r8", frame.r8),
        ("r9", frame.r9),
        ("r10", frame.r10),
        ("r11", frame.r11),
        ("r12", frame.r12),
        ("r13", frame.r13),
        ("r14", frame.r14),
        ("r15", frame.r15),
        ("rip", frame.rip),
        ("cs", frame.cs),
        ("rflags", frame.rflags),
        ("ss", frame.ss),
        ("cr2", registers::read_cr2()),
        ("cr3", registers::read_cr3()),
    ];
    crate::fail::fatal_trap(&TrapReport {
        what: NAMES.get(frame.vector as usize).copied().unwrap_or("unknown trap"),
        code: frame.code,
        addr,
        pc: frame.rip as usize,
        sp: frame.rsp as usize,
        frame_pointer: frame.rbp as usize,
        registers: &registers,
    })
}
