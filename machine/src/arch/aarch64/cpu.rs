//! The CPU itself: per-CPU pointer, interrupt mask, waiting, and the control bits each CPU needs.
//!
//! The per-CPU pointer lies in TPIDR_EL1, which user mode cannot reach. Of the DAIF bits only I is used to keep interrupts
//! out; D stays set in the kernel, A and F clear once a CPU is up.
use super::features;
use super::sysreg::{isb, read_sysreg, write_sysreg};
use crate::cpu::{CpuId, CpuLocal, MAX_CPUS, UserFeatures};
use crate::trace::counter::Block;
use core::arch::asm;
use core::mem::offset_of;
use core::ptr::{self, null_mut};
use core::sync::atomic::{AtomicPtr, Ordering};

/// PSTATE.I as DAIF shows it.
const DAIF_IRQ: u64 = 1 << 7;

/// What TPIDR_EL1 points at. The assembly of `trap` knows the first field.
#[repr(C)]
struct Cpu {
    /// The shared code's data.
    local: AtomicPtr<CpuLocal>,
    counters: Block,
}
const _: () = assert!(offset_of!(Cpu, local) == 0);
const COUNTERS_OFFSET: usize = offset_of!(Cpu, counters);

/// Of each CPU.
static CPUS: [Cpu; MAX_CPUS] = [const { Cpu { local: AtomicPtr::new(null_mut()), counters: Block::new() } }; MAX_CPUS];

/// The boot CPU's control bits, vectors and local pointer. Called once, first.
///
/// # Safety
/// `local` stays valid for ever.
pub(crate) unsafe fn init_boot_cpu(local: *mut CpuLocal) {
    CPUS[0].local.store(local, Ordering::Relaxed);
    // SAFETY: this is the boot CPU, and its pointer is in place.
    unsafe { init_this_cpu(CpuId(0)) };
}

/// Remembers another CPU's local pointer. Always true: no tables are needed.
///
/// # Safety
/// `local` stays valid for ever; `cpu` is not running.
pub(crate) unsafe fn prepare_cpu(cpu: CpuId, local: *mut CpuLocal) -> bool {
    CPUS[cpu.0 as usize].local.store(local, Ordering::Release);
    true
}

/// This CPU's own data; null before [`init_this_cpu`].
#[inline(always)]
pub(crate) fn local() -> *mut CpuLocal {
    let cpu: *const Cpu;
    // SAFETY: reads a register. Not `volatile` semantics: `pure` is left out so that a thread that moved reads anew.
    unsafe { asm!("mrs {}, tpidr_el1", out(reg) cpu, options(nomem, nostack, preserves_flags)) };
    // SAFETY: null, or what `init_this_cpu` put there.
    unsafe { cpu.as_ref() }.map_or(null_mut(), |cpu| cpu.local.load(Ordering::Relaxed))
}

/// Counts one in this CPU's block, at an offset in bytes. As one step: if an interrupt comes between these instructions, it sets the program
/// counter back to the first ([`rewind_counting`]), so that nothing is lost when its handler counts too or the thread goes on elsewhere.
/// Exclusive loads and stores would be two instructions more and slower.
#[inline(always)]
pub(crate) fn count_here<const OFFSET: usize>() {
    // SAFETY: TPIDR_EL1 points at this CPU's `Cpu`; the offset is that of a counter.
    unsafe {
        asm!(
            "mrs x16, tpidr_el1",
            "ldr x17, [x16, #{place}]",
            "add x17, x17, #1",
            "str x17, [x16, #{place}]",
            place = const COUNTERS_OFFSET + OFFSET,
            out("x16") _,
            out("x17") _,
            options(nostack, preserves_flags),
        );
    }
}

/// Counts `amount`, likewise.
#[inline(always)]
pub(crate) fn add_here<const OFFSET: usize>(amount: u64) {
    // SAFETY: as in `count_here`.
    unsafe {
        asm!(
            "mrs x16, tpidr_el1",
            "ldr x17, [x16, #{place}]",
            "add x17, x17, {amount}",
            "str x17, [x16, #{place}]",
            amount = in(reg) amount,
            place = const COUNTERS_OFFSET + OFFSET,
            out("x16") _,
            out("x17") _,
            options(nostack, preserves_flags),
        );
    }
}

/// Whether [`note_call`] counts in the thread rather than in this CPU's block.
pub(crate) const COUNTS_CALLS_IN_THREADS: bool = true;

/// Counts one in `made`, and stores `number` and that at an offset of `thread`: two instructions, one of which would be there without the count.
///
/// # Safety
/// 1. Two words lie there, aligned, that are atomic and that nobody else stores to.
#[inline(always)]
pub(crate) unsafe fn note_call<const OFFSET: usize, const COUNTER: usize>(
    thread: *const u8,
    number: u64,
    made: &mut u64,
) {
    /// Callers have the address of what a thread is counted with, so far below it, and need no instruction for the sum.
    const BELOW: usize = 16;
    *made = made.wrapping_add(1);
    // SAFETY: as the caller promises (1). Each of the two is stored as a whole (Arm ARM B2.2.1).
    unsafe {
        asm!(
            "stp {number}, {made}, [{base}, #{offset}]",
            base = in(reg) thread.wrapping_sub(BELOW),
            number = in(reg) number,
            made = in(reg) *made,
            offset = const BELOW + OFFSET,
            options(nostack, preserves_flags),
        );
    }
}

/// Where an interrupted kernel is to go on: at `pc`, or at the beginning of [`count_here`] or [`add_here`] if it was inside. Until its store such
/// a sequence has changed nothing but two registers that it sets first, so it may begin again.
///
/// # Safety
/// `pc` is an address in the kernel's code.
#[inline(always)]
pub(super) unsafe fn rewind_counting(pc: usize) -> usize {
    // SAFETY: the caller's.
    let next = unsafe { ptr::with_exposed_provenance::<u32>(pc).read() };
    // All but the first of the sequence's instructions have x17 as their destination; hardly any other has.
    if next & 0x1f == 17 {
        // SAFETY: as above.
        return unsafe { start_of_counting(pc) };
    }
    pc
}

/// `mrs x16, tpidr_el1`.
const FIRST: u32 = 0xd538_d090;

/// # Safety
/// As for [`rewind_counting`].
#[cold]
unsafe fn start_of_counting(pc: usize) -> usize {
    /// The others without what varies: `ldr x17, [x16, #_]`, `add x17, x17, _` in two forms, `str x17, [x16, #_]`.
    const LOAD: (u32, u32) = (0xffc0_03ff, 0xf940_0211);
    const ADD_ONE: u32 = 0x9100_0631;
    const ADD: (u32, u32) = (0xffe0_ffff, 0x8b00_0231);
    const STORE: (u32, u32) = (0xffc0_03ff, 0xf900_0211);
    let is = |word: u32, (mask, value): (u32, u32)| word & mask == value;
    for inside in 1..4 {
        let start = pc - inside * size_of::<u32>();
        // SAFETY: the kernel's code is mapped, has more than these four instructions before and behind any of them (the vectors, the
        // functions of the panic path), and does not change.
        let [first, load, add, store] = unsafe { ptr::with_exposed_provenance::<[u32; 4]>(start).read() };
        if first == FIRST && is(load, LOAD) && (add == ADD_ONE || is(add, ADD)) && is(store, STORE) {
            return start;
        }
    }
    pc
}

/// For the trials: an interrupt inside such a sequence goes back to its beginning, one before or behind it stays. Emulators hardly ever take one
/// inside.
pub(crate) fn check_counting() {
    #[inline(never)]
    fn one() {
        count_here::<0>();
    }
    #[inline(never)]
    fn more(amount: u64) {
        add_here::<8>(amount);
    }
    for function in [one as fn() as usize, more as fn(u64) as usize] {
        // SAFETY: an address in the kernel's code, which has more behind it.
        let words = unsafe { ptr::with_exposed_provenance::<[u32; 8]>(function).read() };
        let first = words.iter().position(|word| *word == FIRST);
        assert!(first.is_some(), "no counting in {words:x?}");
        let start = function + first.unwrap_or(0) * size_of::<u32>();
        for (at, expected) in [(0, 0), (4, 0), (8, 0), (12, 0), (16, 16)] {
            // SAFETY: as above.
            let found = unsafe { rewind_counting(start + at) } - start;
            assert!(found == expected, "{at} bytes inside, the way back leads to {found}");
        }
    }
}

/// A CPU's counters.
pub(crate) fn counters(cpu: CpuId) -> Option<&'static Block> {
    CPUS.get(cpu.0 as usize).map(|cpu| &cpu.counters)
}

/// Sets this CPU's control bits, vectors and local pointer. Interrupts stay off.
///
/// # Safety
/// Called once, on the CPU `cpu`, after [`prepare_cpu`].
pub(crate) unsafe fn init_this_cpu(cpu: CpuId) {
    // SAFETY: TPIDR_EL1 is a scratch register of the kernel, read by this file and by the vectors for a stack that went bad.
    unsafe { write_sysreg!("tpidr_el1", ptr::from_ref(&CPUS[cpu.0 as usize]).expose_provenance() as u64) };
    super::trap::install_vectors();
    // FP and SIMD for user mode and for the save and restore code (FPEN = 0b11); SVE and SME trap.
    // SAFETY: the kernel is compiled without floating point, so enabling it changes nothing here.
    unsafe { write_sysreg!("cpacr_el1", 0b11 << 20) };
    // User mode reads CNTVCT_EL0 and CNTFRQ_EL0 (EL0VCTEN); timers and the physical counter trap.
    // SAFETY: gives user mode a counter, nothing else.
    unsafe { write_sysreg!("cntkctl_el1", 1 << 1) };
    // No self-hosted debug until a debugger asks for it.
    // SAFETY: switches debug events off.
    unsafe { write_sysreg!("mdscr_el1", 0) };
    // PMU counters are not readable from user mode, where there is a PMU.
    if matches!(features::pmu_version(), 1..=14) {
        // SAFETY: the ID register says that the register exists.
        unsafe { write_sysreg!("pmuserenr_el0", 0) };
    }
    // SAFETY: TPIDRRO_EL0 is readable by user mode: it must not show what firmware left there.
    unsafe { write_sysreg!("tpidrro_el0", 0) };
    if features::has_pan() {
        // SAFETY: the CPU has PAN. User memory is touched by unprivileged instructions only, which PAN does not concern.
        unsafe { asm!(".arch_extension pan", "msr pan, #1", options(nostack, preserves_flags)) };
    }
    isb();
    // SError and FIQ are unmasked for good: neither is used, and a real one must be reported at once.
    // SAFETY: the vectors are installed.
    unsafe { asm!("msr daifclr, #0b0101", options(nostack, preserves_flags)) };
}

/// Whether this CPU takes interrupts now.
#[inline(always)]
pub(crate) fn interrupts_are_on() -> bool {
    read_sysreg!("daif") & DAIF_IRQ == 0
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
    // SAFETY: masking interrupts is always sound.
    unsafe { asm!("msr daifset, #2", options(nostack, preserves_flags)) };
}

/// Turns interrupts on if `were_on`.
#[inline(always)]
pub(crate) fn interrupts_restore(were_on: bool) {
    if were_on {
        // SAFETY: the caller had them on before; the vectors are installed.
        unsafe { asm!("msr daifclr, #2", options(nostack, preserves_flags)) };
    }
}

/// Turns interrupts on.
#[inline(always)]
pub(crate) fn interrupts_on() {
    interrupts_restore(true);
}

/// Waits for an interrupt and handles it. Called with interrupts off, returns with them off. WFI ends for a pending
/// interrupt even when it is masked, so none is lost between the caller's check and the wait.
pub(crate) fn idle_wait() {
    // SAFETY: waits; then a window with interrupts on in which the pending ones are taken.
    unsafe {
        asm!("dsb sy", "wfi", "msr daifclr, #2", "isb", "msr daifset, #2", options(nostack, preserves_flags));
    }
}

/// A hint inside a spin loop.
#[inline(always)]
pub(crate) fn pause() {
    // SAFETY: a hint.
    unsafe { asm!("yield", options(nomem, nostack, preserves_flags)) };
}

/// Stops this CPU for good.
pub(crate) fn halt_forever() -> ! {
    loop {
        // SAFETY: all maskable exceptions off, then wait: nothing happens on this CPU any more.
        unsafe { asm!("msr daifset, #0xf", "wfi", options(nostack, preserves_flags)) };
    }
}

/// The caller's frame pointer, to walk the stack from.
#[inline(always)]
pub(crate) fn frame_pointer() -> usize {
    let value: usize;
    // SAFETY: copies a register.
    unsafe { asm!("mov {}, x29", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

/// No register that programs can read holds the CPU's number.
pub(crate) fn tells_number_to_users() -> bool {
    false
}

/// What programs may use, for the auxiliary vector.
pub(crate) fn user_features() -> UserFeatures {
    let (hwcap, hwcap2) = features::hardware_capabilities();
    // fpsimd_context of a signal frame: 16 bytes of header and status, 512 of registers.
    UserFeatures { hwcap, hwcap2, platform: "aarch64", fp_frame_bytes: 528 }
}

/// The stack pointer, somewhere in the caller's frame.
#[inline(always)]
pub(crate) fn stack_pointer() -> usize {
    let value;
    // SAFETY: reads a register. Pure: any value it had in this function lies in the same stack.
    unsafe { core::arch::asm!("mov {}, sp", out(reg) value, options(pure, nomem, nostack, preserves_flags)) };
    value
}
