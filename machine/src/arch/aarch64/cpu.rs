//! The CPU itself: per-CPU pointer, interrupt mask, waiting, and the control bits each CPU needs.
//!
//! The per-CPU pointer lies in TPIDR_EL1, which user mode cannot reach. Of the DAIF bits only I is used to keep interrupts
//! out; D stays set in the kernel, A and F clear once a CPU is up.
use super::features;
use super::sysreg::{isb, read_sysreg, write_sysreg};
use crate::cpu::{CpuId, CpuLocal, MAX_CPUS, UserFeatures};
use core::arch::asm;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

/// PSTATE.I as DAIF shows it.
const DAIF_IRQ: u64 = 1 << 7;

/// Each CPU's pointer to its own data, kept until that CPU takes it.
static LOCALS: [AtomicPtr<CpuLocal>; MAX_CPUS] = [const { AtomicPtr::new(null_mut()) }; MAX_CPUS];

/// The boot CPU's control bits, vectors and local pointer. Called once, first.
///
/// # Safety
/// `local` stays valid for ever.
pub(crate) unsafe fn init_boot_cpu(local: *mut CpuLocal) {
    LOCALS[0].store(local, Ordering::Relaxed);
    // SAFETY: this is the boot CPU, and its pointer is in place.
    unsafe { init_this_cpu(CpuId(0)) };
}

/// Remembers another CPU's local pointer. Always true: no tables are needed.
///
/// # Safety
/// `local` stays valid for ever; `cpu` is not running.
pub(crate) unsafe fn prepare_cpu(cpu: CpuId, local: *mut CpuLocal) -> bool {
    LOCALS[cpu.0 as usize].store(local, Ordering::Release);
    true
}

/// This CPU's own data; null before [`init_this_cpu`].
#[inline(always)]
pub(crate) fn local() -> *mut CpuLocal {
    let value: *mut CpuLocal;
    // SAFETY: reads a register. Not `volatile` semantics: `pure` is left out so that a thread that moved reads anew.
    unsafe { asm!("mrs {}, tpidr_el1", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

/// Sets this CPU's control bits, vectors and local pointer. Interrupts stay off.
///
/// # Safety
/// Called once, on the CPU `cpu`, after [`prepare_cpu`].
pub(crate) unsafe fn init_this_cpu(cpu: CpuId) {
    let local = LOCALS[cpu.0 as usize].load(Ordering::Acquire);
    // SAFETY: TPIDR_EL1 is a scratch register of the kernel; only `local` reads it.
    unsafe { write_sysreg!("tpidr_el1", local as u64) };
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
    // SAFETY: masking interrupts is always sound.
    unsafe { asm!("msr daifset, #2", options(nostack, preserves_flags)) };
    were_on
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
