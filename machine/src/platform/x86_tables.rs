//! What the firmware's tables say about an x86-64 machine: CPUs, interrupt controllers, the power-management timer, how to
//! switch off, and virtio windows. ACPI first (the RSDP given by the loader, else scanned for), then the MPTable, then
//! QEMU's firmware configuration port for the number of CPUs of a machine without either.
//!
//! Read once by the architecture's boot code, while the early direct map is in force; everything found is copied into
//! [`found`], which needs no memory allocation. A damaged table counts as absent.
use super::PciWindow;
use super::x86_early_read::{is_at, read_u8, read_u16, read_u32, read_u64, sums_to_zero};
use crate::addr::PhysAddr;
use crate::arch::registers::{inb, outw};
use crate::boot::PhysRange;
use crate::cpu::MAX_CPUS;
use crate::sync::Once;

const MAX_IOAPICS: usize = 8;
const ISA_LINES: usize = 16;
const MAX_WINDOWS: usize = 32;
const MAX_PCI_WINDOWS: usize = 4;
/// No table is believed to be longer: bounds the walks over damaged ones.
const MOST_TABLE_BYTES: u64 = 1 << 20;
/// Where QEMU, and every PC, has them when no table says so.
const DEFAULT_LOCAL_APIC: u64 = 0xfee0_0000;
const DEFAULT_IOAPIC: u64 = 0xfec0_0000;

/// An I/O APIC.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct IoApic {
    /// Its window.
    pub(crate) addr: u64,
    /// Its first line's global number.
    pub(crate) first_line: u32,
}

/// Where an ISA interrupt arrives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IsaLine {
    /// Global number.
    pub(crate) number: u32,
    /// Level- instead of edge-triggered.
    pub(crate) is_level: bool,
    /// Active low instead of high.
    pub(crate) is_low: bool,
}

/// A register as ACPI describes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Register {
    /// In I/O space instead of memory.
    pub(crate) is_port: bool,
    /// Its address.
    pub(crate) addr: u64,
}

/// How to switch off.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SoftOff {
    /// The sleep control register of a hardware-reduced machine, one byte.
    SleepControl(Register, u8),
    /// PM1a (and perhaps b) control ports, 16 bits.
    Pm1(u16, u16, u16),
}

/// A virtio-mmio window that ACPI describes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// Its registers.
    pub(crate) range: PhysRange,
    /// Its interrupt's global number.
    pub(crate) line: u32,
}

/// All that was found.
#[derive(Debug)]
pub(crate) struct Found {
    /// APIC numbers of the CPUs, first `cpu_count`; the boot CPU is among them unless the table forgot it.
    pub(crate) apic_ids: [u32; MAX_CPUS],
    /// Entries of `apic_ids` in use; zero: unknown.
    pub(crate) cpu_count: usize,
    /// The local APICs' common window.
    pub(crate) local_apic: u64,
    /// I/O APICs, first `ioapic_count`.
    pub(crate) ioapics: [IoApic; MAX_IOAPICS],
    /// Entries of `ioapics` in use.
    pub(crate) ioapic_count: usize,
    /// Where the ISA interrupts arrive.
    pub(crate) isa_lines: [IsaLine; ISA_LINES],
    /// Port of the 3.579545 MHz timer.
    pub(crate) pm_timer: Option<u16>,
    /// How to switch off.
    pub(crate) soft_off: Option<SoftOff>,
    /// How to reset, with the value to write.
    pub(crate) reset: Option<(Register, u8)>,
    /// Virtio windows, first `window_count`.
    pub(crate) windows: [Window; MAX_WINDOWS],
    /// Entries of `windows` in use.
    pub(crate) window_count: usize,
    /// Windows into PCI configuration space, first `pci_window_count`.
    pub(crate) pci_windows: [PciWindow; MAX_PCI_WINDOWS],
    /// Entries of `pci_windows` in use.
    pub(crate) pci_window_count: usize,
}

static FOUND: Once<Found> = Once::new();

/// What was found. `None` before [`read`].
pub(crate) fn found() -> Option<&'static Found> {
    FOUND.get()
}

/// Reads all tables. Once, at boot.
pub(crate) fn read(rsdp: Option<PhysAddr>) {
    FOUND.call_once(|| {
        let mut found = Found {
            apic_ids: [0; MAX_CPUS],
            cpu_count: 0,
            local_apic: DEFAULT_LOCAL_APIC,
            ioapics: [IoApic::default(); MAX_IOAPICS],
            ioapic_count: 0,
            isa_lines: core::array::from_fn(|line| IsaLine { number: line as u32, is_level: false, is_low: false }),
            pm_timer: None,
            soft_off: None,
            reset: None,
            windows: [Window { range: PhysRange { start: PhysAddr(0), bytes: 0 }, line: 0 }; MAX_WINDOWS],
            window_count: 0,
            pci_windows: [PciWindow { window: PhysRange { start: PhysAddr(0), bytes: 0 }, first_bus: 0, last_bus: 0 };
                MAX_PCI_WINDOWS],
            pci_window_count: 0,
        };
        let rsdp = rsdp.map(|addr| addr.0).filter(|addr| is_at(*addr, RSDP_SIGNATURE)).or_else(scan_for_rsdp);
        if let Some(rsdp) = rsdp {
            read_acpi(&mut found, rsdp);
        }
        if found.cpu_count == 0 {
            read_mp_table(&mut found);
        }
        if found.cpu_count == 0 {
            read_firmware_configuration(&mut found);
        }
        if found.ioapic_count == 0 {
            found.ioapics[0] = IoApic { addr: DEFAULT_IOAPIC, first_line: 0 };
            found.ioapic_count = 1;
        }
        found
    });
}

impl Found {
    fn add_cpu(&mut self, apic_id: u32) {
        if self.cpu_count < MAX_CPUS {
            self.apic_ids[self.cpu_count] = apic_id;
            self.cpu_count += 1;
        }
    }

    fn add_ioapic(&mut self, addr: u64, first_line: u32) {
        if self.ioapic_count < MAX_IOAPICS {
            self.ioapics[self.ioapic_count] = IoApic { addr, first_line };
            self.ioapic_count += 1;
        }
    }
}

const RSDP_SIGNATURE: &[u8] = b"RSD PTR ";

/// The first 16-byte step in the BIOS area or the extended BIOS data area at which `is_it` holds.
fn scan(is_it: impl Fn(u64) -> bool) -> Option<u64> {
    let extended_data = u64::from(read_u16(0x40e)) << 4;
    let extended = if (0x8_0000..0xa_0000).contains(&extended_data) { extended_data } else { 0x9_fc00 };
    (extended..0xa_0000).step_by(16).chain((0xe_0000..0x10_0000).step_by(16)).find(|addr| is_it(*addr))
}

fn scan_for_rsdp() -> Option<u64> {
    scan(|addr| is_at(addr, RSDP_SIGNATURE) && sums_to_zero(addr, 20))
}

/// A table with a sound header: its end.
fn table_end(addr: u64) -> Option<u64> {
    let bytes = u64::from(read_u32(addr + 4));
    ((36..=MOST_TABLE_BYTES).contains(&bytes) && sums_to_zero(addr, bytes)).then(|| addr + bytes)
}

fn read_acpi(found: &mut Found, rsdp: u64) {
    let xsdt = if read_u8(rsdp + 15) >= 2 { read_u64(rsdp + 24) } else { 0 };
    let (root, entry_bytes) = if xsdt != 0 { (xsdt, 8) } else { (u64::from(read_u32(rsdp + 16)), 4) };
    let Some(end) = table_end(root) else { return };
    for entry in (root + 36..end).step_by(entry_bytes) {
        let table = if entry_bytes == 8 { read_u64(entry) } else { u64::from(read_u32(entry)) };
        let Some(end) = table_end(table) else { continue };
        if is_at(table, b"APIC") {
            read_madt(found, table, end);
        } else if is_at(table, b"FACP") {
            read_fadt(found, table, end);
        } else if is_at(table, b"MCFG") {
            read_mcfg(found, table, end);
        }
    }
}

/// The multiple APIC description table.
fn read_madt(found: &mut Found, table: u64, end: u64) {
    found.local_apic = u64::from(read_u32(table + 36));
    let mut entry = table + 44;
    while entry + 2 <= end {
        let bytes = u64::from(read_u8(entry + 1));
        if bytes < 2 {
            return;
        }
        match read_u8(entry) {
            0 if read_u32(entry + 4) & 1 != 0 => found.add_cpu(u32::from(read_u8(entry + 3))),
            9 if read_u32(entry + 8) & 1 != 0 => found.add_cpu(read_u32(entry + 4)),
            1 => found.add_ioapic(u64::from(read_u32(entry + 4)), read_u32(entry + 8)),
            2 => {
                let flags = read_u16(entry + 8);
                if let Some(line) = found.isa_lines.get_mut(usize::from(read_u8(entry + 3))) {
                    *line =
                        IsaLine { number: read_u32(entry + 4), is_level: flags >> 2 & 3 == 3, is_low: flags & 3 == 3 };
                }
            }
            5 => found.local_apic = read_u64(entry + 4),
            _ => {}
        }
        entry += bytes;
    }
}

/// The table of windows into PCI configuration space. Segment 0 only.
fn read_mcfg(found: &mut Found, table: u64, end: u64) {
    const BYTES_PER_BUS: u64 = 1 << 20;
    for entry in (table + 44..end.saturating_sub(15)).step_by(16) {
        let (start, segment) = (read_u64(entry), read_u16(entry + 8));
        let (first_bus, last_bus) = (read_u8(entry + 10), read_u8(entry + 11));
        if segment == 0 && first_bus <= last_bus && found.pci_window_count < MAX_PCI_WINDOWS {
            // The base is that of bus 0, whether it is in the window or not.
            let window = PhysRange {
                start: PhysAddr(start + u64::from(first_bus) * BYTES_PER_BUS),
                bytes: (u64::from(last_bus - first_bus) + 1) * BYTES_PER_BUS,
            };
            found.pci_windows[found.pci_window_count] = PciWindow { window, first_bus, last_bus };
            found.pci_window_count += 1;
        }
    }
}

/// A generic address structure; `None` if it is empty or of another kind than memory or port.
fn read_register(addr: u64) -> Option<Register> {
    let (space, place) = (read_u8(addr), read_u64(addr + 4));
    (place != 0 && space <= 1).then_some(Register { is_port: space == 1, addr: place })
}

/// The fixed description table: timer, power, reset, and where the differentiated table is.
fn read_fadt(found: &mut Found, table: u64, end: u64) {
    const HARDWARE_REDUCED: u32 = 1 << 20;
    const RESET_SUPPORTED: u32 = 1 << 10;
    let flags = read_u32(table + 112);
    if end >= table + 129 && flags & RESET_SUPPORTED != 0 {
        found.reset = read_register(table + 116).map(|register| (register, read_u8(table + 128)));
    }
    let wide = if end >= table + 148 { read_u64(table + 140) } else { 0 };
    let differentiated = if wide != 0 { wide } else { u64::from(read_u32(table + 40)) };
    let differentiated = table_end(differentiated).map(|end| (differentiated, end));
    let sleep_type = differentiated.and_then(|(table, end)| find_soft_off_type(table, end));
    if flags & HARDWARE_REDUCED != 0 {
        // Sleep type in bits 2 to 4, enable in bit 5.
        found.soft_off = (end >= table + 256)
            .then(|| read_register(table + 244))
            .flatten()
            .zip(sleep_type)
            .map(|(register, kind)| SoftOff::SleepControl(register, kind << 2 | 1 << 5));
    } else {
        // CAST: port numbers.
        let (pm1a, pm1b, timer) =
            (read_u32(table + 64) as u16, read_u32(table + 68) as u16, read_u32(table + 76) as u16);
        found.pm_timer = (timer != 0 && read_u8(table + 91) == 4).then_some(timer);
        found.soft_off =
            sleep_type.filter(|_| pm1a != 0).map(|kind| SoftOff::Pm1(pm1a, pm1b, u16::from(kind) << 10 | 1 << 13));
    }
    if let Some((table, end)) = differentiated {
        find_windows(found, table, end);
    }
}

/// The value of `\_S5` without an interpreter: the name, a package, its first number.
fn find_soft_off_type(table: u64, end: u64) -> Option<u8> {
    const PACKAGE: u8 = 0x12;
    const BYTE_PREFIX: u8 = 0x0a;
    let name = (table + 36..end.saturating_sub(8)).find(|addr| is_at(*addr, b"_S5_"))?;
    if read_u8(name + 4) != PACKAGE {
        return None;
    }
    // The package's length takes one to four bytes (bits 6 and 7 of the first), then the element count.
    let first = name + 5 + u64::from(read_u8(name + 5) >> 6) + 2;
    let value = if read_u8(first) == BYTE_PREFIX { read_u8(first + 1) } else { read_u8(first) };
    (value < 8).then_some(value)
}

/// Virtio-mmio devices (hardware ID LNRO0005) without an interpreter: the resources that follow the ID, up to the next one.
/// Every VMM that describes them writes constants: a 32-bit fixed memory range and one extended interrupt.
fn find_windows(found: &mut Found, table: u64, end: u64) {
    const ID: &[u8] = b"LNRO0005";
    const FIXED_MEMORY: &[u8] = &[0x86, 9, 0];
    const INTERRUPT: u8 = 0x89;
    /// Resources come this soon after the ID.
    const NEAR: u64 = 256;
    let next_id = |from: u64| (from..end.saturating_sub(8)).find(|addr| is_at(*addr, ID));
    let mut id = next_id(table + 36);
    while let Some(addr) = id {
        id = next_id(addr + 8);
        let limit = id.unwrap_or(end).min(addr + NEAR);
        let Some(memory) = (addr..limit).find(|addr| is_at(*addr, FIXED_MEMORY)) else { continue };
        let range =
            PhysRange { start: PhysAddr(u64::from(read_u32(memory + 4))), bytes: u64::from(read_u32(memory + 8)) };
        let Some(interrupt) = (memory + 12..limit).find(|addr| read_u8(*addr) == INTERRUPT) else { continue };
        if found.window_count < MAX_WINDOWS {
            found.windows[found.window_count] = Window { range, line: read_u32(interrupt + 5) };
            found.window_count += 1;
        }
    }
}

/// Intel's multiprocessor specification, for machines without ACPI.
fn read_mp_table(found: &mut Found) {
    let Some(pointer) = scan(|addr| is_at(addr, b"_MP_") && sums_to_zero(addr, 16)) else { return };
    let table = u64::from(read_u32(pointer + 4));
    if !is_at(table, b"PCMP") || !sums_to_zero(table, u64::from(read_u16(table + 4))) {
        return;
    }
    found.local_apic = u64::from(read_u32(table + 36));
    let mut entry = table + 44;
    let mut first_line = 0;
    for _ in 0..read_u16(table + 34) {
        match read_u8(entry) {
            0 => {
                if read_u8(entry + 3) & 1 != 0 {
                    found.add_cpu(u32::from(read_u8(entry + 1)));
                }
                entry += 12;
            }
            2 => {
                found.add_ioapic(u64::from(read_u32(entry + 4)), first_line);
                first_line += 24;
            }
            _ => {}
        }
        entry += 8;
    }
}

/// QEMU without any table (microvm with `acpi=off`): APIC numbers are 0, 1, 2 and so on.
fn read_firmware_configuration(found: &mut Found) {
    const SELECTOR: u16 = 0x510;
    const DATA: u16 = 0x511;
    const SIGNATURE_ITEM: u16 = 0;
    const CPU_COUNT_ITEM: u16 = 5;
    outw(SELECTOR, SIGNATURE_ITEM);
    if core::array::from_fn(|_| inb(DATA)) != *b"QEMU" {
        return;
    }
    outw(SELECTOR, CPU_COUNT_ITEM);
    for apic_id in 0..u16::from_le_bytes([inb(DATA), inb(DATA)]).min(MAX_CPUS as u16) {
        found.add_cpu(u32::from(apic_id));
    }
}
