//! The flattened device tree: everything this kernel wants from it, read once at boot into one table of fixed size.
//!
//! Called by early ARM64 boot through [`read`], before there is a heap; afterwards the blob is not looked at again and its
//! memory is ordinary RAM. The parser is the `dtoolkit` crate; this file decides what counts. Unknown nodes are passed
//! over, a malformed property counts as absent, and lists that are full drop what does not fit.
use super::VirtioMmio;
use crate::addr::{PAGE_SIZE, PhysAddr};
use crate::boot::{BootData, MAX_BOOT_RANGES, PhysRange};
use crate::cpu::MAX_CPUS;
use crate::irq::IrqLine;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};
use dtoolkit::fdt::{Fdt, FdtNode};
use dtoolkit::{Node, Property};

/// Largest blob that the boot contract allows (2 MiB).
pub(crate) const MAX_BYTES: u64 = 2 << 20;
/// Most virtio-mmio windows kept.
const MAX_VIRTIO: usize = 64;
/// Most bytes of `rng-seed` kept.
const MAX_SEED: usize = 64;

/// How PSCI is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Conduit {
    /// HVC #0.
    Hvc,
    /// SMC #0.
    Smc,
}

/// The interrupt controller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Gic {
    /// Distributor and CPU interface.
    V2 { distributor: PhysRange, cpu_interface: PhysRange },
    /// Distributor and the first region of redistributors.
    V3 { distributor: PhysRange, redistributors: PhysRange },
}

/// A kind of serial port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SerialKind {
    /// Arm PrimeCell UART.
    Pl011,
    /// 16550, with this many bytes between registers (as a shift).
    Ns16550 { register_shift: u32 },
}

/// A serial port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SerialPort {
    pub(crate) kind: SerialKind,
    pub(crate) window: PhysRange,
}

/// What the tree says.
#[derive(Debug)]
pub(crate) struct Facts {
    /// MPIDR affinity of each CPU, in the tree's order.
    pub(crate) cpus: [u64; MAX_CPUS],
    pub(crate) cpu_count: usize,
    pub(crate) psci: Option<Conduit>,
    pub(crate) gic: Option<Gic>,
    /// INTID of the virtual timer.
    pub(crate) timer: Option<u32>,
    pub(crate) serial: Option<SerialPort>,
    /// A PL031.
    pub(crate) clock: Option<PhysRange>,
    pub(crate) virtio: [VirtioMmio; MAX_VIRTIO],
    pub(crate) virtio_count: usize,
    pub(crate) seed: [u8; MAX_SEED],
    pub(crate) seed_bytes: usize,
}

const NO_RANGE: PhysRange = PhysRange { start: PhysAddr(0), bytes: 0 };
const NO_VIRTIO: VirtioMmio = VirtioMmio { window: NO_RANGE, irq: IrqLine { number: 0, is_level: true } };

impl Facts {
    const EMPTY: Facts = Facts {
        cpus: [0; MAX_CPUS],
        cpu_count: 0,
        psci: None,
        gic: None,
        timer: None,
        serial: None,
        clock: None,
        virtio: [NO_VIRTIO; MAX_VIRTIO],
        virtio_count: 0,
        seed: [0; MAX_SEED],
        seed_bytes: 0,
    };
}

/// The one table. Written by [`read`] on the boot CPU before anything else runs, then only read.
struct FactsCell(UnsafeCell<Facts>, AtomicBool);
// SAFETY: see the type.
unsafe impl Sync for FactsCell {}
static FACTS: FactsCell = FactsCell(UnsafeCell::new(Facts::EMPTY), AtomicBool::new(false));

/// What was read; `None` before boot has come that far.
pub(crate) fn facts() -> Option<&'static Facts> {
    // SAFETY: once the flag is set nobody writes any more.
    FACTS.1.load(Ordering::Acquire).then(|| unsafe { &*FACTS.0.get() })
}

/// Reads the tree at `blob`: memory, command line and RAM disk into `data`, the rest into [`facts`]. `None`: not a tree.
///
/// # Safety
/// 1. `blob` points to readable memory as long as the header there says, and at least a header's length. 2. Called once, by
///    the boot CPU, alone.
pub(crate) unsafe fn read(blob: *const u8, data: &mut BootData) -> Option<&'static Facts> {
    // SAFETY: the header is readable (1).
    let header = unsafe { core::slice::from_raw_parts(blob, 8) };
    let total = be_u32(&header[4..])?;
    if be_u32(header)? != 0xd00d_feed || u64::from(total) > MAX_BYTES {
        return None;
    }
    // SAFETY: readable for as long as the header says (1).
    let bytes = unsafe { core::slice::from_raw_parts(blob, total as usize) };
    let tree = Fdt::new(bytes).ok()?;
    // SAFETY: alone (2), and nobody has a reference before the flag is set.
    let facts = unsafe { &mut *FACTS.0.get() };
    for reservation in tree.memory_reservations() {
        push_range(&mut data.reserved, &mut data.reserved_count, reservation.address(), reservation.size());
    }
    for node in tree.root().children() {
        read_node(&node, facts, data);
        if is(&node, "simple-bus") {
            for child in node.children() {
                read_node(&child, facts, data);
            }
        }
    }
    data.ram[..data.ram_count].sort_unstable_by_key(|range| range.start);
    FACTS.1.store(true, Ordering::Release);
    self::facts()
}

/// One node below the root or below a bus.
fn read_node(node: &FdtNode<'_>, facts: &mut Facts, data: &mut BootData) {
    let name = node.name_without_address();
    match name {
        "memory" => {
            for (start, bytes) in registers(node) {
                push_ram(data, start, bytes);
            }
        }
        "reserved-memory" => {
            for child in node.children() {
                for (start, bytes) in registers(&child) {
                    push_range(&mut data.reserved, &mut data.reserved_count, start, bytes);
                }
            }
        }
        "chosen" => read_chosen(node, facts, data),
        "cpus" => {
            for cpu in node.children() {
                // The affinity fields of MPIDR_EL1.
                let id = registers(&cpu).next().map(|(id, _)| id & 0xff_00ff_ffff);
                if let (Some(id), true, true) = (id, is_available(&cpu), facts.cpu_count < MAX_CPUS) {
                    facts.cpus[facts.cpu_count] = id;
                    facts.cpu_count += 1;
                }
            }
        }
        _ if is_available(node) => read_device(node, facts),
        _ => {}
    }
}

/// Command line, RAM disk, seed.
fn read_chosen(node: &FdtNode<'_>, facts: &mut Facts, data: &mut BootData) {
    if let Some(property) = node.property("bootargs") {
        let value = property.value();
        let text = value.split(|&byte| byte == 0).next().unwrap_or(&[]);
        let length = text.len().min(data.command_line.len());
        data.command_line[..length].copy_from_slice(&text[..length]);
        data.command_line_bytes = length;
    }
    let start = node.property("linux,initrd-start").and_then(|p| be_number(p.value()));
    let end = node.property("linux,initrd-end").and_then(|p| be_number(p.value()));
    if let (Some(start), Some(end)) = (start, end)
        && start < end
    {
        data.initrd = Some(PhysRange { start: PhysAddr(start), bytes: end - start });
    }
    if let Some(property) = node.property("rng-seed") {
        let length = property.value().len().min(MAX_SEED);
        facts.seed[..length].copy_from_slice(&property.value()[..length]);
        facts.seed_bytes = length;
    }
}

/// Anything with a `compatible`.
fn read_device(node: &FdtNode<'_>, facts: &mut Facts) {
    let mut windows = registers(node).map(|(start, bytes)| PhysRange { start: PhysAddr(start), bytes });
    if is(node, "virtio,mmio") {
        if let (Some(window), Some(irq), true) = (windows.next(), interrupt(node, 0), facts.virtio_count < MAX_VIRTIO) {
            facts.virtio[facts.virtio_count] = VirtioMmio { window, irq };
            facts.virtio_count += 1;
        }
    } else if is(node, "arm,gic-v3") {
        if let (Some(distributor), Some(redistributors)) = (windows.next(), windows.next()) {
            facts.gic = Some(Gic::V3 { distributor, redistributors });
        }
    } else if is(node, "arm,cortex-a15-gic") || is(node, "arm,gic-400") || is(node, "arm,cortex-a9-gic") {
        if let (Some(distributor), Some(cpu_interface)) = (windows.next(), windows.next()) {
            facts.gic = Some(Gic::V2 { distributor, cpu_interface });
        }
    } else if is(node, "arm,armv8-timer") || is(node, "arm,armv7-timer") {
        // Secure physical, physical, virtual, hypervisor.
        facts.timer = interrupt(node, 2).map(|line| line.number);
    } else if is(node, "arm,psci-1.0") || is(node, "arm,psci-0.2") || is(node, "arm,psci") {
        facts.psci = match node.property("method").as_ref().map(|p| p.value()) {
            Some(b"hvc\0") => Some(Conduit::Hvc),
            Some(b"smc\0") => Some(Conduit::Smc),
            _ => None,
        };
    } else if is(node, "arm,pl031") {
        facts.clock = windows.next();
    } else if facts.serial.is_none() {
        let kind = if is(node, "arm,pl011") {
            SerialKind::Pl011
        } else if is(node, "ns16550a") {
            let shift = node.property("reg-shift").and_then(|p| be_u32(p.value()));
            SerialKind::Ns16550 { register_shift: shift.unwrap_or(0).min(4) }
        } else {
            return;
        };
        facts.serial = windows.next().map(|window| SerialPort { kind, window });
    }
}

/// Whether `compatible` names `what`.
fn is(node: &FdtNode<'_>, what: &str) -> bool {
    node.compatible().is_some_and(|mut names| names.any(|name| name == what))
}

/// Whether `status` is absent or okay.
fn is_available(node: &FdtNode<'_>) -> bool {
    node.property("status").is_none_or(|p| matches!(p.value(), b"okay\0" | b"ok\0"))
}

/// (address, size) of each entry of `reg`.
fn registers<'a>(node: &FdtNode<'a>) -> impl Iterator<Item = (u64, u64)> + 'a {
    node.reg().ok().flatten().into_iter().flatten().filter_map(|entry| {
        let address = entry.address::<u64>().ok()?;
        // CPU nodes have no size cells.
        Some((address, entry.size::<u64>().unwrap_or(0)))
    })
}

/// Entry `index` of `interrupts`, in the GIC's three cells: kind, number, flags.
fn interrupt(node: &FdtNode<'_>, index: usize) -> Option<IrqLine> {
    let property = node.property("interrupts")?;
    let cells = property.value().chunks_exact(12).nth(index)?;
    let first = match be_u32(cells)? {
        0 => 32, // shared
        1 => 16, // private
        _ => return None,
    };
    let number = be_u32(&cells[4..])?.checked_add(first)?;
    // Flags 4 and 8 are levels, 1 and 2 edges.
    Some(IrqLine { number, is_level: be_u32(&cells[8..])? & 0xc != 0 })
}

/// Adds RAM, page aligned inwards, unless it overlaps what is there.
fn push_ram(data: &mut BootData, start: u64, bytes: u64) {
    let page = PAGE_SIZE as u64;
    let Some(end) = start.checked_add(bytes).map(|end| end & !(page - 1)) else { return };
    let Some(start) = start.checked_next_multiple_of(page) else { return };
    let overlaps =
        data.ram[..data.ram_count].iter().any(|range| start < range.start.0 + range.bytes && range.start.0 < end);
    if start < end && !overlaps {
        push_range(&mut data.ram, &mut data.ram_count, start, end - start);
    }
}

/// Adds a range that is not empty, if there is room.
fn push_range(list: &mut [PhysRange; MAX_BOOT_RANGES], count: &mut usize, start: u64, bytes: u64) {
    if bytes > 0 && *count < MAX_BOOT_RANGES {
        list[*count] = PhysRange { start: PhysAddr(start), bytes };
        *count += 1;
    }
}

/// The big-endian word at the start.
fn be_u32(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.first_chunk()?))
}

/// A number of one or two cells.
fn be_number(bytes: &[u8]) -> Option<u64> {
    match bytes.len() {
        4 => be_u32(bytes).map(u64::from),
        _ => Some(u64::from_be_bytes(*bytes.first_chunk()?)),
    }
}
