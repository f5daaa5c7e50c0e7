//! The interrupt controller, whichever version the device tree names. [`super::irq`] and the trap path call here; the two
//! versions differ in where registers are and how CPUs are addressed.
//!
//! All interrupts have one priority; shared ones go to the boot CPU. Distributor registers that several CPUs change
//! (enable bits) are write-one-to-set or -clear, so no lock is needed.
use super::boot;
use super::{gic_v2, gic_v3};
use crate::cpu::CpuId;
use crate::irq::IrqLine;
use crate::platform::device_tree::{self, Gic};
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// First shared interrupt.
pub(super) const FIRST_SHARED: u32 = 32;
/// INTIDs from here on are special: nothing to handle.
pub(super) const FIRST_SPECIAL: u32 = 1020;

/// 0: none, 2 or 3: the version.
static VERSION: AtomicU8 = AtomicU8::new(0);
/// Virtual address of the distributor.
static DISTRIBUTOR: AtomicUsize = AtomicUsize::new(0);
/// Shared interrupts are below this.
static LINE_COUNT: AtomicUsize = AtomicUsize::new(0);

/// Distributor registers, the same in both versions.
pub(super) mod register {
    pub(in super::super) const CTLR: usize = 0;
    pub(in super::super) const TYPER: usize = 4;
    pub(in super::super) const IGROUPR: usize = 0x80;
    pub(in super::super) const ISENABLER: usize = 0x100;
    pub(in super::super) const ICENABLER: usize = 0x180;
    pub(in super::super) const ICACTIVER: usize = 0x380;
    pub(in super::super) const IPRIORITYR: usize = 0x400;
    pub(in super::super) const ICFGR: usize = 0xc00;
}

/// The priority of every interrupt, in all four bytes of a word.
pub(super) const PRIORITIES: u32 = 0xa0a0_a0a0;
/// Priority mask that lets it through.
pub(super) const PRIORITY_MASK: u32 = 0xf0;

/// Reads a register of a mapped controller.
pub(super) fn read(base: usize, offset: usize) -> u32 {
    // SAFETY: `base` is a mapped register window of the controller, and `offset` one of its registers.
    unsafe { ((base + offset) as *const u32).read_volatile() }
}

/// Writes a register of a mapped controller.
pub(super) fn write(base: usize, offset: usize, value: u32) {
    // SAFETY: as for `read`.
    unsafe { ((base + offset) as *mut u32).write_volatile(value) };
}

/// The distributor's window.
pub(super) fn distributor() -> usize {
    DISTRIBUTOR.load(Ordering::Relaxed)
}

/// Whether the controller is a GICv3.
#[inline]
fn is_v3() -> bool {
    VERSION.load(Ordering::Relaxed) == 3
}

/// Finds and resets the controller.
pub(super) fn init_boot_cpu() {
    let gic = device_tree::facts().and_then(|facts| facts.gic).expect("the device tree names an interrupt controller");
    let (window, version) = match gic {
        Gic::V2 { distributor, .. } => (distributor, 2),
        Gic::V3 { distributor, .. } => (distributor, 3),
    };
    let base = boot::map_device(window).expect("the device window has room for the interrupt controller");
    DISTRIBUTOR.store(base, Ordering::Relaxed);
    VERSION.store(version, Ordering::Relaxed);
    let lines = ((read(base, register::TYPER) as usize & 0x1f) + 1) * 32;
    LINE_COUNT.store(lines.min(FIRST_SPECIAL as usize), Ordering::Relaxed);
    write(base, register::CTLR, 0);
    for word in 1..lines / 32 {
        write(base, register::ICENABLER + word * 4, u32::MAX);
        write(base, register::ICACTIVER + word * 4, u32::MAX);
    }
    for word in 8..lines / 4 {
        write(base, register::IPRIORITYR + word * 4, PRIORITIES);
    }
    match gic {
        Gic::V2 { cpu_interface, .. } => gic_v2::init_boot_cpu(base, lines, cpu_interface),
        Gic::V3 { redistributors, .. } => gic_v3::init_boot_cpu(base, lines, redistributors),
    }
}

/// Turns on this CPU's part.
pub(super) fn init_this_cpu(cpu: CpuId) {
    if is_v3() { gic_v3::init_this_cpu(cpu) } else { gic_v2::init_this_cpu(cpu) }
}

/// Unmasks a private interrupt (SGI or PPI) of this CPU.
pub(super) fn enable_private(number: u32) {
    let base = if is_v3() { gic_v3::private_window() } else { distributor() };
    write(base, register::ISENABLER, 1 << (number & 31));
}

/// Configures and unmasks a shared interrupt. False: there is no such line.
pub(super) fn enable_shared(line: IrqLine) -> bool {
    let number = line.number as usize;
    if number < FIRST_SHARED as usize || number >= LINE_COUNT.load(Ordering::Relaxed) {
        return false;
    }
    mask(line.number);
    // Two bits a line, of which the upper says edge. Lines that share the word are set up by the boot CPU too.
    let offset = register::ICFGR + number / 16 * 4;
    let bit = 2 << (number % 16 * 2);
    let others = read(distributor(), offset) & !bit;
    write(distributor(), offset, if line.is_level { others } else { others | bit });
    unmask(line.number);
    true
}

/// Masks a shared interrupt.
pub(super) fn mask(number: u32) {
    write(distributor(), register::ICENABLER + number as usize / 32 * 4, 1 << (number % 32));
}

/// Unmasks a shared interrupt.
pub(super) fn unmask(number: u32) {
    write(distributor(), register::ISENABLER + number as usize / 32 * 4, 1 << (number % 32));
}

/// Takes the interrupt that is pending; the answer goes to [`end`]. Its low ten bits are the INTID.
#[inline]
pub(super) fn acknowledge() -> u32 {
    if is_v3() { gic_v3::acknowledge() } else { gic_v2::acknowledge() }
}

/// The interrupt has been handled.
#[inline]
pub(super) fn end(token: u32) {
    if is_v3() { gic_v3::end(token) } else { gic_v2::end(token) }
}

/// Sends software interrupt `number` to another CPU.
pub(super) fn send_software(to: CpuId, number: u32) {
    if is_v3() { gic_v3::send_software(to, number) } else { gic_v2::send_software(to, number) }
}
