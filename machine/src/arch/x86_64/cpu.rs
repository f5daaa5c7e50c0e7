//! One CPU: its descriptor tables and stacks, its control bits, its interrupt flag, the pointer to the shared code's data.
//!
//! Each CPU has one [`Cpu`]. In the kernel, GS points at it; in user mode KERNEL_GS_BASE does, and SWAPGS exchanges the
//! two at every crossing. The assembly of `trap` and `user` knows the offsets of its first fields.
//!
//! Who calls it: `boot`/`cpu`/`thread` of the shared half through the contract, and every file of this architecture.
use super::registers::{self, cpuid, msr};
use super::{trap, user};
use crate::cpu::{CpuId, CpuLocal, MAX_CPUS, UserFeatures};
use crate::trace::counter::Block;
use alloc::boxed::Box;
use core::arch::asm;
use core::mem::offset_of;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// Selectors. The order user data, user code follows from what SYSRET computes; the numbers are Linux's.
pub(crate) const KERNEL_CODE: u16 = 0x10;
pub(crate) const KERNEL_DATA: u16 = 0x18;
pub(crate) const USER_DATA: u16 = 0x2b;
pub(crate) const USER_CODE: u16 = 0x33;
const TASK_STATE: u16 = 0x38;
/// SYSRET adds 8 for the stack's selector and 16 for the code's.
const SYSRET_BASE: u16 = 0x23;

/// Interrupt stack table slots (1 is the first).
pub(crate) const NMI_STACK: u8 = 1;
pub(crate) const DOUBLE_FAULT_STACK: u8 = 2;
pub(crate) const MACHINE_CHECK_STACK: u8 = 3;
const IST_STACKS: usize = 3;
/// Enough for the epitaph, which formats text.
const IST_STACK_BYTES: usize = 16 * 1024;

const FLAG_INTERRUPTS: u64 = 1 << 9;
/// Flags that SYSCALL clears: trap, interrupts, direction, I/O privilege, nested task, alignment check (SMAP).
const SYSCALL_CLEARS: u64 = 1 << 8 | 1 << 9 | 1 << 10 | 3 << 12 | 1 << 14 | 1 << 18;

/// The 64-bit task state segment: stacks for traps.
#[repr(C, packed(4))]
struct TaskState {
    reserved_0: u32,
    /// The stack on a trap from user mode: the end of the running program's `UserContext`.
    rsp0: u64,
    rsp1_rsp2: [u64; 2],
    reserved_1: u64,
    ist: [u64; 7],
    reserved_2: u64,
    reserved_3: u16,
    io_map_base: u16,
}
const _: () = assert!(size_of::<TaskState>() == 104);

/// An IST stack. Its last 16 bytes hold the address of its [`Cpu`], so that a handler that interrupted anything
/// can tell which GS base is right.
#[repr(C, align(16))]
struct IstStack([u8; IST_STACK_BYTES]);

/// What the architecture keeps for a CPU. The assembly knows the first fields.
#[repr(C, align(64))]
pub(crate) struct Cpu {
    /// The shared code's data.
    local: *mut CpuLocal,
    /// Kernel stack pointer at the last entry to user mode.
    kernel_stack: usize,
    /// End of the running program's context: where SYSCALL pushes.
    context_end: usize,
    /// The program's stack pointer for the first instructions of SYSCALL.
    scratch: usize,
    index: usize,
    counters: Block,
    gdt: [u64; 9],
    task_state: TaskState,
    stacks: [IstStack; IST_STACKS],
}

/// Offsets for the assembly.
pub(crate) const LOCAL_OFFSET: usize = offset_of!(Cpu, local);
pub(crate) const KERNEL_STACK_OFFSET: usize = offset_of!(Cpu, kernel_stack);
pub(crate) const CONTEXT_END_OFFSET: usize = offset_of!(Cpu, context_end);
pub(crate) const SCRATCH_OFFSET: usize = offset_of!(Cpu, scratch);
const COUNTERS_OFFSET: usize = offset_of!(Cpu, counters);
pub(crate) const RSP0_OFFSET: usize = offset_of!(Cpu, task_state) + offset_of!(TaskState, rsp0);

impl Cpu {
    /// All zero, so that it costs the image nothing; [`fill`](Self::fill) completes it.
    const fn new() -> Cpu {
        Cpu {
            local: null_mut(),
            kernel_stack: 0,
            context_end: 0,
            scratch: 0,
            index: 0,
            counters: Block::new(),
            gdt: [0; 9],
            task_state: TaskState {
                reserved_0: 0,
                rsp0: 0,
                rsp1_rsp2: [0; 2],
                reserved_1: 0,
                ist: [0; 7],
                reserved_2: 0,
                reserved_3: 0,
                io_map_base: 0,
            },
            stacks: [const { IstStack([0; IST_STACK_BYTES]) }; IST_STACKS],
        }
    }

    /// Fills in what depends on the object's address.
    ///
    /// # Safety
    /// `this` is valid, in its final place, and used by nobody yet.
    unsafe fn fill(this: *mut Cpu, index: usize, local: *mut CpuLocal) {
        // SAFETY: nobody else uses it.
        let cpu = unsafe { &mut *this };
        cpu.local = local;
        cpu.index = index;
        // No I/O permission map: the limit ends before it.
        cpu.task_state.io_map_base = size_of::<TaskState>() as u16;
        let task_state = (&raw const cpu.task_state).addr() as u64;
        let limit = size_of::<TaskState>() as u64 - 1;
        cpu.gdt = [
            0,
            0,
            0x00af_9b00_0000_ffff, // kernel code
            0x00cf_9300_0000_ffff, // kernel data
            // SYSRET counts from here. Linux has 32-bit user code in this place; here there must be none, since SYSCALL
            // from 32-bit code would go to an address that is not set.
            0,
            0x00cf_f300_0000_ffff, // user data
            0x00af_fb00_0000_ffff, // user code
            limit | (task_state & 0xff_ffff) << 16 | 0x89 << 40 | (task_state >> 24 & 0xff) << 56,
            task_state >> 32,
        ];
        for (slot, stack) in cpu.stacks.iter_mut().enumerate() {
            let top = stack.0.as_mut_ptr_range().end.addr() - 16;
            // SAFETY: the last 16 bytes of the stack, 16-byte aligned.
            unsafe { (top as *mut usize).write(this.addr()) };
            cpu.task_state.ist[slot] = top as u64;
        }
    }
}

struct BootCpu(core::cell::UnsafeCell<Cpu>);
// SAFETY: used by the boot CPU alone, through GS.
unsafe impl Sync for BootCpu {}
static BOOT_CPU: BootCpu = BootCpu(core::cell::UnsafeCell::new(Cpu::new()));
/// Tables made by [`prepare_cpu`] for CPUs that are to start.
static CPUS: [AtomicPtr<Cpu>; MAX_CPUS] = [const { AtomicPtr::new(null_mut()) }; MAX_CPUS];

/// The boot CPU's tables, control bits and local pointer. Called once, first.
///
/// # Safety
/// `local` stays valid for ever.
pub(crate) unsafe fn init_boot_cpu(local: *mut CpuLocal) {
    trap::build_vectors();
    // SAFETY: nothing uses the boot CPU's tables yet.
    unsafe { Cpu::fill(BOOT_CPU.0.get(), 0, local) };
    CPUS[0].store(BOOT_CPU.0.get(), Ordering::Release);
    // SAFETY: the tables are filled, and this is their CPU.
    unsafe { init_this_cpu(CpuId(0)) };
}

/// Makes the tables of another CPU. False: no memory.
///
/// # Safety
/// `local` stays valid for ever; `cpu` is not running.
pub(crate) unsafe fn prepare_cpu(cpu: CpuId, local: *mut CpuLocal) -> bool {
    // Made in place: the stacks are too large to pass through this one.
    let Ok(memory) = alloc::alloc::Layout::new::<Cpu>().pad_to_align().try_into_zeroed() else { return false };
    // SAFETY: zeroed memory is a valid `Cpu` (integers and null pointers), of the right size and alignment.
    let this = Box::leak(unsafe { Box::from_raw(memory) });
    // SAFETY: nobody uses it yet, and it never moves.
    unsafe { Cpu::fill(this, cpu.0 as usize, local) };
    CPUS[cpu.0 as usize].store(this, Ordering::Release);
    true
}

/// Zeroed memory for a [`Cpu`], or an error instead of an abort.
trait ZeroedMemory {
    fn try_into_zeroed(self) -> Result<*mut Cpu, ()>;
}
impl ZeroedMemory for alloc::alloc::Layout {
    fn try_into_zeroed(self) -> Result<*mut Cpu, ()> {
        // SAFETY: the layout has a size.
        let memory = unsafe { alloc::alloc::alloc_zeroed(self) }.cast::<Cpu>();
        if memory.is_null() { Err(()) } else { Ok(memory) }
    }
}

/// Loads this CPU's tables, sets its control bits and local pointer.
///
/// # Safety
/// Called once, on the CPU `cpu`, after [`prepare_cpu`].
pub(crate) unsafe fn init_this_cpu(cpu: CpuId) {
    let this = CPUS[cpu.0 as usize].load(Ordering::Acquire);
    #[repr(C, packed)]
    struct Pointer {
        limit: u16,
        base: u64,
    }
    // SAFETY: the object lives for ever.
    let gdt_address = unsafe { &raw const (*this).gdt }.addr() as u64;
    let gdt = Pointer { limit: 9 * 8 - 1, base: gdt_address };
    let (idt_base, idt_limit) = trap::vectors();
    let idt = Pointer { limit: idt_limit, base: idt_base };
    // SAFETY: both tables are complete and live for ever; the selectors exist in the new table with the meaning
    // that the old one gave them.
    unsafe {
        asm!(
            "lgdt [{gdt}]",
            "lidt [{idt}]",
            "push {code}",
            "lea {scratch}, [rip + 2f]",
            "push {scratch}",
            "retfq",
            "2:",
            "mov ss, {data:x}",
            "mov ds, {data:x}",
            "mov es, {data:x}",
            "mov fs, {zero:x}",
            "mov gs, {zero:x}",
            "ltr {task:x}",
            gdt = in(reg) &gdt,
            idt = in(reg) &idt,
            code = const KERNEL_CODE,
            data = in(reg) KERNEL_DATA,
            zero = in(reg) 0,
            task = in(reg) TASK_STATE,
            scratch = out(reg) _,
        );
    }
    // SAFETY: the registers exist on every 64-bit CPU; GS is what the kernel expects from here on.
    unsafe {
        registers::write_msr(msr::GS_BASE, this.addr() as u64);
        registers::write_msr(msr::KERNEL_GS_BASE, 0);
        registers::write_msr(msr::FS_BASE, 0);
        registers::write_msr(msr::EFER, registers::read_msr(msr::EFER) | 1 | 1 << 11);
        registers::write_msr(msr::STAR, u64::from(SYSRET_BASE) << 48 | u64::from(KERNEL_CODE) << 32);
        registers::write_msr(msr::LSTAR, trap::syscall_entry());
        registers::write_msr(msr::SFMASK, SYSCALL_CLEARS);
    }
    if tells_number_to_users() {
        // SAFETY: the register exists where RDTSCP does, and only programs read it.
        unsafe { registers::write_msr(msr::TSC_AUX, u64::from(cpu.0)) };
    }
    set_control_bits();
    user::init_fp();
}

/// CR0 and CR4 as the kernel wants them, within what the CPU has.
fn set_control_bits() {
    let features = cpuid(7, 0);
    let basic = cpuid(1, 0);
    // Write protection, numeric errors, monitor coprocessor; no emulation, no task-switched trap, caches on.
    let cr0 = (registers::read_cr0() | 1 << 16 | 1 << 5 | 1 << 1) & !(1 << 2 | 1 << 3 | 1 << 29 | 1 << 30);
    // PAE, PGE, FXSR, SIMD exceptions; large pages and machine checks as they come with PAE.
    let mut cr4 = 1 << 5 | 1 << 7 | 1 << 9 | 1 << 10;
    let optional = [
        (basic.edx, 7, 6),      // machine check
        (features.ebx, 7, 20),  // SMEP
        (features.ebx, 20, 21), // SMAP
        (features.ecx, 2, 11),  // UMIP
        (features.ebx, 0, 16),  // FSGSBASE
        (basic.ecx, 26, 18),    // XSAVE
        // PCID only with INVPCID, which can reach a number that is not loaded. CR3 holds number 0 now, as it must.
        (basic.ecx & features.ebx << 7, 17, 17),
    ];
    for (word, feature_bit, control_bit) in optional {
        if word & 1 << feature_bit != 0 {
            cr4 |= 1 << control_bit;
        }
    }
    // SAFETY: the bits are checked against CPUID, and the kernel is written for all of them.
    unsafe {
        registers::write_cr0(cr0);
        registers::write_cr4(cr4);
    }
}

/// This CPU's local data.
#[inline]
pub(crate) fn local() -> *mut CpuLocal {
    let local;
    // SAFETY: in the kernel GS points at this CPU's `Cpu`, whose first field this is.
    unsafe {
        asm!("mov {}, gs:[{offset}]", out(reg) local, offset = const LOCAL_OFFSET,
            options(nostack, preserves_flags, readonly));
    }
    local
}

/// Counts one in this CPU's block, at an offset in bytes. One instruction, so interrupts and switches come before or after it; it has no
/// LOCK, since other CPUs only read.
#[inline(always)]
pub(crate) fn count_here<const OFFSET: usize>() {
    // SAFETY: in the kernel GS points at this CPU's `Cpu`; the offset is that of a counter.
    unsafe { asm!("inc qword ptr gs:[{place}]", place = const COUNTERS_OFFSET + OFFSET, options(nostack)) };
}

/// Whether [`note_call`] counts in the thread rather than in this CPU's block.
pub(crate) const COUNTS_CALLS_IN_THREADS: bool = false;

/// Stores `number` at an offset of `thread`, and counts one in this CPU's block.
///
/// # Safety
/// 1. An [`AtomicU64`] lies there.
#[inline(always)]
pub(crate) unsafe fn note_call<const OFFSET: usize, const COUNTER: usize>(thread: *const u8, number: u64, _: &mut u64) {
    // SAFETY: as the caller promises (1).
    unsafe { (*thread.add(OFFSET).cast::<AtomicU64>()).store(number, Ordering::Relaxed) };
    count_here::<COUNTER>();
}

/// For the trials: one instruction cannot be interrupted.
pub(crate) fn check_counting() {}

/// Counts `amount`, likewise.
#[inline(always)]
pub(crate) fn add_here<const OFFSET: usize>(amount: u64) {
    // SAFETY: as in `count_here`.
    unsafe {
        asm!("add qword ptr gs:[{place}], {}", in(reg) amount, place = const COUNTERS_OFFSET + OFFSET, options(nostack));
    }
}

/// A CPU's counters, if it has been prepared.
pub(crate) fn counters(cpu: CpuId) -> Option<&'static Block> {
    let this = CPUS.get(cpu.0 as usize)?.load(Ordering::Acquire);
    if this.is_null() {
        return None;
    }
    // SAFETY: what is there lives for ever. A reference to the block alone, which is made of atomics: the rest of it is that CPU's to write.
    Some(unsafe { &(*this).counters })
}

/// Whether this CPU takes interrupts.
#[inline]
pub(crate) fn interrupts_are_on() -> bool {
    registers::read_flags() & FLAG_INTERRUPTS != 0
}

/// Turns interrupts off; answers whether they were on.
#[inline(always)]
pub(crate) fn interrupts_off() -> bool {
    let were_on = interrupts_are_on();
    mask_interrupts();
    were_on
}

/// Turns interrupts off.
#[inline(always)]
pub(crate) fn mask_interrupts() {
    // SAFETY: having interrupts off is always allowed.
    unsafe { asm!("cli", options(nostack, preserves_flags)) };
}

/// Turns interrupts on if `were_on`.
#[inline]
pub(crate) fn interrupts_restore(were_on: bool) {
    if were_on {
        interrupts_on();
    }
}

/// Turns interrupts on.
#[inline]
pub(crate) fn interrupts_on() {
    // SAFETY: the vectors are set before anything turns interrupts on. Memory is clobbered: a section ends here.
    unsafe { asm!("sti", options(nostack, preserves_flags)) };
}

/// Called with interrupts off: turns them on and waits for one, as one step. Returns with them off.
pub(crate) fn idle_wait() {
    // SAFETY: STI takes effect after the next instruction, so an interrupt cannot slip in before HLT.
    unsafe { asm!("sti", "hlt", "cli", options(nostack)) };
}

/// Eases a spinning loop.
#[inline]
pub(crate) fn pause() {
    core::hint::spin_loop();
}

/// Stops this CPU for good.
pub(crate) fn halt_forever() -> ! {
    loop {
        // SAFETY: stops the CPU; only NMI gets through, and the loop catches that.
        unsafe { asm!("cli", "hlt", options(nomem, nostack)) };
    }
}

/// The caller's frame pointer.
#[inline(always)]
pub(crate) fn frame_pointer() -> usize {
    let value;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, rbp", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

/// The stack pointer, somewhere in the caller's frame.
#[inline(always)]
pub(crate) fn stack_pointer() -> usize {
    let value;
    // SAFETY: reads a register. Pure: any value it had in this function lies in the same stack.
    unsafe { asm!("mov {}, rsp", out(reg) value, options(pure, nomem, nostack, preserves_flags)) };
    value
}

/// Whether RDTSCP tells programs the CPU's number.
pub(crate) fn tells_number_to_users() -> bool {
    cpuid(0x8000_0001, 0).edx & 1 << 27 != 0
}

/// What programs may know of the CPU.
pub(crate) fn user_features() -> UserFeatures {
    /// AT_HWCAP2: FS and GS bases may be set by instructions.
    const HWCAP2_FSGSBASE: u64 = 1 << 1;
    let has_fsgsbase = registers::read_cr4() & 1 << 16 != 0;
    UserFeatures {
        hwcap: u64::from(cpuid(1, 0).edx),
        hwcap2: if has_fsgsbase { HWCAP2_FSGSBASE } else { 0 },
        platform: "x86_64",
        fp_frame_bytes: user::fp_bytes(),
    }
}
