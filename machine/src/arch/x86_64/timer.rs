//! The time-stamp counter as the clock, and the local APIC's timer, one-shot: by TSC deadline where the CPU has it.
//!
//! The counter's rate comes from, in this order: the hypervisor's timing leaf, CPUID leaf 0x15, kvmclock, QEMU's own
//! emulation (TCG; its local APIC timer counts at 1 GHz by definition), the ACPI timer, the PIT, CPUID leaf 0x16. The
//! timer's rate is measured against the counter.
use super::apic::{self, register};
use super::boot::LOAD_BASE;
use super::irq::TIMER_VECTOR;
use super::registers::{self, Cpuid, cpuid, inb, inl, msr, outb, read_tsc, write_msr};
use crate::addr::IMAGE_BASE;
use crate::platform::x86_tables;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const DIVIDE_BY_1: u32 = 0xb;
const DEADLINE_MODE: u32 = 2 << 17;
/// How long the timer and the counter are compared, in timer ticks or nanoseconds.
const MEASURE: u64 = 2_000_000;
/// Rate of the local APIC's timer under TCG.
const TCG_TIMER_HZ: u64 = 1_000_000_000;
const ACPI_TIMER_HZ: u64 = 3_579_545;
const PIT_HZ: u64 = 1_193_182;
/// Tries to read a pair of clocks close together.
const PAIR_TRIES: u32 = 8;

static TICKS_PER_SECOND: AtomicU64 = AtomicU64::new(1_000_000_000);
/// Timer ticks for a counter tick, times 2^32.
static TIMER_RATIO: AtomicU64 = AtomicU64::new(1 << 32);
static USES_DEADLINE: AtomicBool = AtomicBool::new(false);

/// The counter.
#[inline]
pub(crate) fn ticks() -> u64 {
    read_tsc()
}

/// Its rate.
pub(crate) fn ticks_per_second() -> u64 {
    TICKS_PER_SECOND.load(Ordering::Relaxed)
}

/// Calibrates the counter.
pub(crate) fn init_boot_cpu() {
    USES_DEADLINE.store(cpuid(1, 0).ecx & 1 << 24 != 0, Ordering::Relaxed);
    let rate = hypervisor_rate().or_else(cpuid_rate).or_else(kvmclock_rate);
    let rate = match rate {
        Some(rate) => rate,
        None if is_emulated() => {
            let (timer, counter) = compare_timer(MEASURE);
            counter * TCG_TIMER_HZ / timer
        }
        None => acpi_timer_rate().or_else(pit_rate).or_else(base_rate).unwrap_or(1_000_000_000),
    };
    TICKS_PER_SECOND.store(rate, Ordering::Relaxed);
    if is_emulated() {
        TIMER_RATIO.store((TCG_TIMER_HZ << 32) / rate, Ordering::Relaxed);
    } else if !USES_DEADLINE.load(Ordering::Relaxed) {
        let (timer, counter) = compare_timer(rate / 1000);
        TIMER_RATIO.store((timer << 32) / counter, Ordering::Relaxed);
    }
    init_this_cpu();
}

/// Makes this CPU's timer ready, without a deadline.
pub(crate) fn init_this_cpu() {
    apic::write(register::DIVIDER, DIVIDE_BY_1);
    let mode = if USES_DEADLINE.load(Ordering::Relaxed) { DEADLINE_MODE } else { 0 };
    // CAST: a vector.
    apic::write(register::TIMER, TIMER_VECTOR as u32 | mode);
    // The mode must be in force before the first deadline is written (Intel SDM volume 3, 11.5.4.1).
    core::sync::atomic::fence(Ordering::SeqCst);
    set_deadline(None);
}

/// Asks for an interrupt when [`ticks`] reaches the deadline. It may come early: the timer counts 32 bits.
pub(crate) fn set_deadline(deadline: Option<u64>) {
    if USES_DEADLINE.load(Ordering::Relaxed) {
        // SAFETY: the CPU has the register; zero disarms it. A deadline of zero itself is long past.
        unsafe { write_msr(msr::TSC_DEADLINE, deadline.map_or(0, |deadline| deadline.max(1))) };
        return;
    }
    let count = deadline.map_or(0, |deadline| {
        let wait = u128::from(deadline.saturating_sub(read_tsc()));
        // Rounded up, so that it does not come early for that reason; a count of zero would disarm.
        let count = ((wait * u128::from(TIMER_RATIO.load(Ordering::Relaxed))) >> 32) + 1;
        u32::try_from(count).unwrap_or(u32::MAX)
    });
    apic::write(register::INITIAL_COUNT, count);
}

/// Whether this is QEMU without hardware virtualization.
fn is_emulated() -> bool {
    hypervisor() == Some(*b"TCGTCGTCGTCG")
}

/// The hypervisor's name for itself.
fn hypervisor() -> Option<[u8; 12]> {
    let Cpuid { eax, ebx, ecx, edx } = cpuid(0x4000_0000, 0);
    if eax == 0 {
        return None;
    }
    let mut name = [0; 12];
    for (part, word) in name.chunks_exact_mut(4).zip([ebx, ecx, edx]) {
        part.copy_from_slice(&word.to_le_bytes());
    }
    Some(name)
}

/// The timing leaf that VMware invented: kHz.
fn hypervisor_rate() -> Option<u64> {
    Some(u64::from(cpuid(0x4000_0010, 0).eax) * 1000).filter(|rate| *rate != 0)
}

/// Leaf 0x15: crystal rate times ratio.
fn cpuid_rate() -> Option<u64> {
    let Cpuid { eax: denominator, ebx: numerator, ecx: crystal, .. } = cpuid(0x15, 0);
    (u64::from(crystal) * u64::from(numerator)).checked_div(u64::from(denominator)).filter(|rate| *rate != 0)
}

/// Leaf 0x16: the nominal rate in MHz.
fn base_rate() -> Option<u64> {
    Some(u64::from(cpuid(0x16, 0).eax & 0xffff) * 1_000_000).filter(|rate| *rate != 0)
}

/// kvmclock's page for this CPU (Linux, virt/kvm/x86/msr.rst); only its scale is of use here.
#[repr(C, align(64))]
struct ClockPage(core::cell::UnsafeCell<[u32; 16]>);
// SAFETY: written by the hypervisor while `kvmclock_rate` runs on the boot CPU, and read by it volatile.
unsafe impl Sync for ClockPage {}
static CLOCK_PAGE: ClockPage = ClockPage(core::cell::UnsafeCell::new([0; 16]));

fn kvmclock_rate() -> Option<u64> {
    const SYSTEM_TIME: u32 = 0x4b56_4d01;
    const HAS_SYSTEM_TIME: u32 = 1 << 3;
    if hypervisor() != Some(*b"KVMKVMKVM\0\0\0") || cpuid(0x4000_0001, 0).eax & HAS_SYSTEM_TIME == 0 {
        return None;
    }
    let page = CLOCK_PAGE.0.get();
    let physical = (page.addr() - IMAGE_BASE) as u64 + LOAD_BASE;
    // SAFETY: the hypervisor offers the register; it writes into our page until told to stop.
    unsafe { write_msr(SYSTEM_TIME, physical | 1) };
    // SAFETY: the page is ours; word 6 is the multiplier, byte 28 the shift.
    let (scale, shift) =
        unsafe { (page.cast::<u32>().add(6).read_volatile(), page.cast::<i8>().add(28).read_volatile()) };
    // SAFETY: as above; zero stops it.
    unsafe { write_msr(SYSTEM_TIME, 0) };
    // Nanoseconds are (ticks << shift) * scale >> 32.
    let rate = (1_000_000_000u64 << 32).checked_div(u64::from(scale))?;
    Some(if shift < 0 { rate << -shift.max(-31) } else { rate >> shift.min(63) })
}

/// Runs the timer for `span` ticks of the slower-to-know clock and answers how far timer and counter went.
/// Both ends are read as close together as a few tries allow.
fn compare_timer(span: u64) -> (u64, u64) {
    let pair = || {
        let mut best = (u64::MAX, 0, 0);
        for _ in 0..PAIR_TRIES {
            let before = read_tsc();
            let timer = apic::read(register::CURRENT_COUNT);
            let after = read_tsc();
            if after - before < best.0 {
                best = (after - before, timer, before + (after - before) / 2);
            }
        }
        (best.1, best.2)
    };
    apic::write(register::DIVIDER, DIVIDE_BY_1);
    apic::write(register::TIMER, apic::MASKED | TIMER_VECTOR as u32);
    apic::write(register::INITIAL_COUNT, u32::MAX);
    let (timer_start, counter_start) = pair();
    let (mut timer, mut counter) = (timer_start, counter_start);
    while u64::from(timer_start - timer) < span && counter - counter_start < span * 16 {
        (timer, counter) = pair();
    }
    apic::write(register::INITIAL_COUNT, 0);
    (u64::from(timer_start - timer).max(1), (counter - counter_start).max(1))
}

/// The ACPI timer: 24 bits at 3.58 MHz.
fn acpi_timer_rate() -> Option<u64> {
    let port = x86_tables::found()?.pm_timer?;
    let read = || inl(port) & 0xff_ffff;
    let (start, counter_start) = (read(), read_tsc());
    let goal = ACPI_TIMER_HZ * MEASURE / 1_000_000_000;
    let (mut passed, mut polls) = (0, 0u32);
    while passed < goal {
        passed = u64::from(read().wrapping_sub(start) & 0xff_ffff);
        polls += 1;
        // A timer that stands still is none.
        if polls == 1000 && passed == 0 {
            return None;
        }
    }
    Some((read_tsc() - counter_start) * ACPI_TIMER_HZ / passed)
}

/// The PIT's second channel, gated by the keyboard controller's port.
fn pit_rate() -> Option<u64> {
    const GATE: u16 = 0x61;
    const CHANNEL_2: u16 = 0x42;
    const COMMAND: u16 = 0x43;
    const IS_OUT: u8 = 0x20;
    const COUNT: u64 = PIT_HZ * MEASURE / 1_000_000_000;
    if inb(GATE) == 0xff {
        return None;
    }
    outb(GATE, inb(GATE) & !2 | 1);
    // Channel 2, both bytes, mode 0: the output rises when the count is over.
    outb(COMMAND, 0xb0);
    // CAST: the count's two bytes.
    outb(CHANNEL_2, COUNT as u8);
    outb(CHANNEL_2, (COUNT >> 8) as u8);
    let start = read_tsc();
    // No machine's counter runs at more than 10 GHz: then the PIT is not there.
    while inb(GATE) & IS_OUT == 0 {
        if read_tsc() - start > 10 * MEASURE * 10 {
            return None;
        }
    }
    let passed = read_tsc() - start;
    outb(GATE, registers::inb(GATE) & !1);
    Some(passed * PIT_HZ / COUNT)
}
