//! Starting the other CPUs by PSCI, and which CPU is which.
//!
//! CPU 0 is the one that booted; the others follow in the device tree's order. They are started one after the other, so one
//! record tells each its root and its stack.
use super::sysreg::{read_sysreg, write_sysreg};
use super::{boot, psci, timer};
use crate::cpu::{CpuId, MAX_CPUS};
use crate::platform::device_tree;
use core::arch::asm;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Affinity bits of MPIDR_EL1.
const AFFINITY: u64 = 0xff_00ff_ffff;
/// Seconds a CPU has to come up.
const PATIENCE_SECONDS: u64 = 5;

/// MPIDR affinity of each CPU that was started.
static AFFINITIES: [AtomicU64; MAX_CPUS] = [const { AtomicU64::new(0) }; MAX_CPUS];
/// CPUs that have reached Rust.
static ARRIVED: AtomicU32 = AtomicU32::new(1);

/// What the entry assembly of another CPU reads, with its MMU off and on. Its layout is known there.
#[repr(C, align(16))]
struct SecondaryBoot {
    root: AtomicU64,
    stack_top: AtomicU64,
}

#[unsafe(no_mangle)]
static ochre_secondary_boot: SecondaryBoot = SecondaryBoot { root: AtomicU64::new(0), stack_top: AtomicU64::new(0) };

unsafe extern "C" {
    fn ochre_secondary_entry();
}

/// The affinity of the CPU this runs on.
pub(super) fn own_affinity() -> u64 {
    read_sysreg!("mpidr_el1") & AFFINITY
}

/// The affinity of a CPU that was started.
pub(super) fn affinity(cpu: CpuId) -> u64 {
    AFFINITIES[cpu.0 as usize].load(Ordering::Acquire)
}

/// The index of the CPU this runs on: found by affinity, so that it needs no per-CPU data yet. The boot CPU notes its
/// affinity on the way.
pub(super) fn own_id() -> CpuId {
    let own = own_affinity();
    let started = ARRIVED.load(Ordering::Acquire) as usize;
    if started == 1 {
        AFFINITIES[0].store(own, Ordering::Release);
    }
    let index = AFFINITIES[..started].iter().position(|a| a.load(Ordering::Acquire) == own);
    CpuId(index.expect("a CPU that runs was started") as u32)
}

/// Starts up to `most - 1` other CPUs; answers how many run, this one included. `prepare` makes a CPU's data and
/// answers its boot stack's top, or `None` to stop there.
pub(crate) fn start_secondaries(most: usize, prepare: &mut dyn FnMut(CpuId) -> Option<usize>) -> usize {
    let Some(facts) = device_tree::facts() else { return 1 };
    let boot_affinity = own_affinity();
    AFFINITIES[0].store(boot_affinity, Ordering::Release);
    let mut count = 1;
    for &target in facts.cpus[..facts.cpu_count].iter().filter(|&&cpu| cpu != boot_affinity) {
        if count >= most.min(MAX_CPUS) {
            break;
        }
        let Some(stack_top) = prepare(CpuId(count as u32)) else { break };
        AFFINITIES[count].store(target, Ordering::Release);
        if !start(target, count, stack_top) {
            break;
        }
        count += 1;
    }
    count
}

/// Starts one CPU and waits until it has arrived.
fn start(target: u64, index: usize, stack_top: usize) -> bool {
    let record = &ochre_secondary_boot;
    record.root.store(boot::final_root().0, Ordering::Relaxed);
    record.stack_top.store(stack_top as u64, Ordering::Relaxed);
    // The other CPU reads the record with its caches off.
    // SAFETY: cleans the line of a static that does not cross one (16 bytes, aligned below).
    unsafe { asm!("dc civac, {}", "dsb sy", in(reg) record, options(nostack, preserves_flags)) };
    let entry = boot::image_to_phys(ochre_secondary_entry as *const () as usize);
    if !psci::cpu_on(target, entry.0, index as u64) {
        return false;
    }
    let deadline = timer::ticks() + PATIENCE_SECONDS * timer::ticks_per_second();
    while ARRIVED.load(Ordering::Acquire) as usize <= index {
        if timer::ticks() > deadline {
            return false;
        }
        super::cpu::pause();
    }
    true
}

/// First Rust code of another CPU, on its boot stack, under the final tables.
///
/// # Safety
/// Called by the entry assembly only.
#[unsafe(no_mangle)]
unsafe extern "C" fn ochre_secondary_rust(index: u64) -> ! {
    // Off the identity map.
    // SAFETY: the kernel runs in the upper half.
    unsafe { write_sysreg!("ttbr0_el1", boot::empty_root().0) };
    // SAFETY: forgets this CPU's translations of the identity map.
    unsafe { asm!("isb", "tlbi vmalle1", "dsb nsh", "isb", options(nostack, preserves_flags)) };
    ARRIVED.store(index as u32 + 1, Ordering::Release);
    crate::boot::start_secondary(CpuId(index as u32))
}
