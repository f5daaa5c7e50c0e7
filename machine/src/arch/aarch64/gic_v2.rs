//! GICv2 (Arm IHI 0048): a CPU interface in memory, CPUs addressed by bit masks.
use super::boot;
use super::gic::{self, PRIORITIES, PRIORITY_MASK, register};
use crate::boot::PhysRange;
use crate::cpu::{CpuId, MAX_CPUS};
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// Virtual address of the CPU interface: the same for every CPU, each sees its own.
static CPU_INTERFACE: AtomicUsize = AtomicUsize::new(0);
/// The bit of each CPU in target masks; GICv2 has at most eight CPUs.
static TARGETS: [AtomicU8; MAX_CPUS] = [const { AtomicU8::new(0) }; MAX_CPUS];

/// CPU interface registers.
const CPU_CTLR: usize = 0;
const CPU_PMR: usize = 4;
const CPU_IAR: usize = 0xc;
const CPU_EOIR: usize = 0x10;
/// Distributor registers of this version.
const ITARGETSR: usize = 0x800;
const SGIR: usize = 0xf00;

/// The distributor is reset and off: route to this CPU and turn it on.
pub(super) fn init_boot_cpu(base: usize, lines: usize, cpu_interface: PhysRange) {
    let window = boot::map_device(cpu_interface).expect("the device window has room for the CPU interface");
    CPU_INTERFACE.store(window, Ordering::Relaxed);
    let target = u32::from(own_target(base));
    for word in 8..lines / 4 {
        gic::write(base, ITARGETSR + word * 4, target * 0x0101_0101);
    }
    gic::write(base, register::CTLR, 1);
}

/// This CPU's bit: what the read-only targets of private interrupts show.
fn own_target(base: usize) -> u8 {
    let shown = (0..8).map(|word| gic::read(base, ITARGETSR + word * 4)).find(|&value| value != 0);
    // A controller for one CPU shows zero.
    shown.map_or(1, |value| value.to_le_bytes().into_iter().find(|&byte| byte != 0).unwrap_or(1))
}

/// Turns on this CPU's interface; software interrupts are always enabled or enabled here.
pub(super) fn init_this_cpu(cpu: CpuId) {
    let base = gic::distributor();
    TARGETS[cpu.0 as usize].store(own_target(base), Ordering::Release);
    gic::write(base, register::ICENABLER, 0xffff_0000);
    for word in 0..8 {
        gic::write(base, register::IPRIORITYR + word * 4, PRIORITIES);
    }
    gic::write(base, register::ISENABLER, 0xffff);
    let window = CPU_INTERFACE.load(Ordering::Relaxed);
    gic::write(window, CPU_PMR, PRIORITY_MASK);
    gic::write(window, CPU_CTLR, 1);
}

/// See [`gic::acknowledge`].
#[inline]
pub(super) fn acknowledge() -> u32 {
    gic::read(CPU_INTERFACE.load(Ordering::Relaxed), CPU_IAR)
}

/// See [`gic::end`].
#[inline]
pub(super) fn end(token: u32) {
    gic::write(CPU_INTERFACE.load(Ordering::Relaxed), CPU_EOIR, token);
}

/// See [`gic::send_software`].
pub(super) fn send_software(to: CpuId, number: u32) {
    let target = u32::from(TARGETS[to.0 as usize].load(Ordering::Acquire));
    // What was written before must be seen by the CPU that takes the interrupt.
    super::sysreg::dsb_sy();
    gic::write(gic::distributor(), SGIR, (target << 16) | number);
}
