//! GICv3 (Arm IHI 0069): the CPU interface in system registers, a redistributor per CPU, CPUs addressed by affinity.
use super::boot;
use super::gic::{self, PRIORITIES, PRIORITY_MASK, register};
use super::smp;
use super::sysreg::{dsb_sy, isb, read_sysreg, write_sysreg};
use crate::boot::PhysRange;
use crate::cpu::{CpuId, MAX_CPUS};
use core::sync::atomic::{AtomicUsize, Ordering};

/// Virtual address and length of the redistributor region.
static REGION: AtomicUsize = AtomicUsize::new(0);
static REGION_BYTES: AtomicUsize = AtomicUsize::new(0);
/// The redistributor of each CPU.
static REDISTRIBUTORS: [AtomicUsize; MAX_CPUS] = [const { AtomicUsize::new(0) }; MAX_CPUS];

/// GICD_CTLR: affinity routing, both group 1 enables (as seen with one or two security states).
const CTLR_AFFINITY: u32 = 1 << 4;
const CTLR_GROUPS: u32 = 0b11;
const CTLR_PENDING: u32 = 1 << 31;
/// GICD_IROUTER of interrupt 0.
const IROUTER: usize = 0x6000;
/// Redistributor registers.
const GICR_TYPER: usize = 8;
const GICR_WAKER: usize = 0x14;
const WAKER_SLEEP: u32 = 1 << 1;
const WAKER_CHILDREN_ASLEEP: u32 = 1 << 2;
/// The second frame of a redistributor: private interrupts.
const PRIVATE_FRAME: usize = 0x1_0000;

/// The distributor is reset and off: route to this CPU and turn it on.
pub(super) fn init_boot_cpu(base: usize, lines: usize, redistributors: PhysRange) {
    let most = MAX_CPUS as u64 * 4 * PRIVATE_FRAME as u64;
    let window = PhysRange { start: redistributors.start, bytes: redistributors.bytes.min(most) };
    let region = boot::map_device(window).expect("the device window has room for the redistributors");
    REGION.store(region, Ordering::Relaxed);
    REGION_BYTES.store(window.bytes as usize, Ordering::Relaxed);
    for word in 1..lines / 32 {
        gic::write(base, register::IGROUPR + word * 4, u32::MAX);
    }
    gic::write(base, register::CTLR, CTLR_AFFINITY);
    wait_for_distributor(base);
    let affinity = smp::own_affinity();
    for number in gic::FIRST_SHARED as usize..lines {
        gic::write(base, IROUTER + number * 8, affinity as u32);
        gic::write(base, IROUTER + number * 8 + 4, (affinity >> 32) as u32);
    }
    gic::write(base, register::CTLR, CTLR_AFFINITY | CTLR_GROUPS);
    wait_for_distributor(base);
}

/// Waits until the distributor has taken a change of its control register.
fn wait_for_distributor(base: usize) {
    while gic::read(base, register::CTLR) & CTLR_PENDING != 0 {
        super::cpu::pause();
    }
}

/// This CPU's redistributor, by its affinity.
fn find_redistributor() -> Option<usize> {
    let affinity = smp::own_affinity();
    // Aff3..Aff0 in one word, as GICR_TYPER has them.
    let wanted = (((affinity >> 32) & 0xff) << 24 | (affinity & 0xff_ffff)) as u32;
    let region = REGION.load(Ordering::Relaxed);
    let mut offset = 0;
    while offset + 2 * PRIVATE_FRAME <= REGION_BYTES.load(Ordering::Relaxed) {
        let low = gic::read(region + offset, GICR_TYPER);
        if gic::read(region + offset, GICR_TYPER + 4) == wanted {
            return Some(region + offset);
        }
        // Bit 4: the last one. Bit 1: virtual LPIs, two more frames.
        if low & (1 << 4) != 0 {
            return None;
        }
        offset += if low & (1 << 1) != 0 { 4 } else { 2 } * PRIVATE_FRAME;
    }
    None
}

/// Wakes this CPU's redistributor and turns on its interface.
pub(super) fn init_this_cpu(cpu: CpuId) {
    let base = find_redistributor().expect("every CPU has a redistributor");
    REDISTRIBUTORS[cpu.0 as usize].store(base, Ordering::Release);
    gic::write(base, GICR_WAKER, gic::read(base, GICR_WAKER) & !WAKER_SLEEP);
    while gic::read(base, GICR_WAKER) & WAKER_CHILDREN_ASLEEP != 0 {
        super::cpu::pause();
    }
    let private = base + PRIVATE_FRAME;
    gic::write(private, register::IGROUPR, u32::MAX);
    gic::write(private, register::ICENABLER, 0xffff_0000);
    gic::write(private, register::ICACTIVER, u32::MAX);
    for word in 0..8 {
        gic::write(private, register::IPRIORITYR + word * 4, PRIORITIES);
    }
    gic::write(private, register::ISENABLER, 0xffff);
    let enabled = read_sysreg!("S3_0_C12_C12_5") | 1;
    // SAFETY: ICC_SRE_EL1: the system register interface, which a GICv3 has.
    unsafe { write_sysreg!("S3_0_C12_C12_5", enabled) };
    isb();
    // SAFETY: ICC_PMR_EL1, ICC_BPR1_EL1, ICC_CTLR_EL1 (EOI also deactivates), ICC_IGRPEN1_EL1: interrupts get through to
    // this CPU, which has its vectors and still masks them.
    unsafe {
        write_sysreg!("S3_0_C4_C6_0", u64::from(PRIORITY_MASK));
        write_sysreg!("S3_0_C12_C12_3", 0);
        write_sysreg!("S3_0_C12_C12_4", 0);
        write_sysreg!("S3_0_C12_C12_7", 1);
    }
    isb();
}

/// The window with this CPU's private interrupts.
pub(super) fn private_window() -> usize {
    find_redistributor().expect("init_this_cpu found it") + PRIVATE_FRAME
}

/// See [`gic::acknowledge`].
#[inline]
pub(super) fn acknowledge() -> u32 {
    let value = read_sysreg!("S3_0_C12_C12_0") as u32; // ICC_IAR1_EL1
    dsb_sy();
    value
}

/// See [`gic::end`].
#[inline]
pub(super) fn end(token: u32) {
    // SAFETY: ICC_EOIR1_EL1, for an interrupt that was acknowledged.
    unsafe { write_sysreg!("S3_0_C12_C12_1", u64::from(token)) };
    isb();
}

/// See [`gic::send_software`].
pub(super) fn send_software(to: CpuId, number: u32) {
    let affinity = smp::affinity(to);
    let level = |shift: u32| (affinity >> shift) & 0xff;
    let value = (level(32) << 48)
        | ((level(0) >> 4) << 44)
        | (level(16) << 32)
        | (u64::from(number) << 24)
        | (level(8) << 16)
        | (1 << (level(0) & 0xf));
    // What was written before must be seen by the CPU that takes the interrupt.
    dsb_sy();
    // SAFETY: ICC_SGI1R_EL1: sends an interrupt that every CPU handles.
    unsafe { write_sysreg!("S3_0_C12_C11_5", value) };
    isb();
}
