//! Interrupts: vectors of the local APIC, lines of the I/O APICs, messages between CPUs.
//!
//! A line's vector is its number plus [`FIRST_LINE_VECTOR`]: global numbers of the I/O APICs first, messages from
//! [`FIRST_MESSAGE_LINE`] on. Device interrupts all go to the boot CPU. The old
//! 8259 pair is masked for good. `irq` of the shared half calls this; `trap` and `user` call [`handle`].
use super::registers::{inb, outb};
use super::{apic, cpu, power};
use crate::addr::PhysAddr;
use crate::boot::PhysRange;
use crate::cpu::{CpuId, MAX_CPUS};
use crate::irq::{Ipi, IrqLine, Message};
use crate::mm::kernel_map;
use crate::platform::x86_tables::{self, IoApic};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

/// Vector of line 0. Below: exceptions, and what a badly masked 8259 pair could raise.
const FIRST_LINE_VECTOR: u64 = 0x30;
/// Vector after the last line's.
const LINE_VECTORS_END: u64 = 0xf0;
/// Lines from here on are messages that devices write (MSI); I/O APICs have those below.
const FIRST_MESSAGE_LINE: u32 = 128;
/// Where a message to the CPU with APIC number zero is written (Intel SDM volume 3, 11.11.1).
const MESSAGE_ADDRESS: u64 = 0xfee0_0000;
pub(crate) const TIMER_VECTOR: u64 = 0xf0;
const RESCHEDULE_VECTOR: u64 = 0xf1;
const SHOOTDOWN_VECTOR: u64 = 0xf2;
const HOLD_VECTOR: u64 = 0xf3;
const SPURIOUS_VECTOR: u64 = 0xff;

/// Interrupt command: deliver an NMI, whatever the vector.
const COMMAND_NMI: u32 = 4 << 8;
/// Interrupt command: assert, as all but one kind of INIT wants.
const COMMAND_ASSERT: u32 = 1 << 14;

/// Entry bits of an I/O APIC.
const ENTRY_LOW: u32 = 1 << 13;
const ENTRY_LEVEL: u32 = 1 << 15;
const ENTRY_MASKED: u32 = 1 << 16;
const FIRST_ENTRY: u32 = 0x10;
const VERSION: u32 = 1;

const MAX_IOAPICS: usize = 8;
/// Where the I/O APICs are mapped, in the order of the table; zero: not there.
static WINDOWS: [AtomicUsize; MAX_IOAPICS] = [const { AtomicUsize::new(0) }; MAX_IOAPICS];
/// One access takes two steps; this keeps them together. Held with interrupts off and never while calling out.
static IOAPIC_LOCK: AtomicBool = AtomicBool::new(false);
/// APIC numbers of the CPUs that have been started.
static APIC_IDS: [AtomicU32; MAX_CPUS] = [const { AtomicU32::new(0) }; MAX_CPUS];
/// Set before the NMI that stops the other CPUs.
static HALT_REQUESTED: AtomicBool = AtomicBool::new(false);

/// Whether an NMI means: stop.
pub(crate) fn is_halt_requested() -> bool {
    HALT_REQUESTED.load(Ordering::Acquire)
}

/// Notes a CPU's APIC number, before it is started.
pub(crate) fn set_apic_id(cpu: CpuId, apic_id: u32) {
    APIC_IDS[cpu.0 as usize].store(apic_id, Ordering::Release);
}

/// Masks both 8259 controllers, after moving their vectors out of the exceptions' way: they may raise a spurious
/// interrupt even so. Ports without a device swallow this.
fn mask_8259() {
    const FIRST_COMMAND: u16 = 0x20;
    const SECOND_COMMAND: u16 = 0xa0;
    let steps = [
        (FIRST_COMMAND, 0x11),
        (SECOND_COMMAND, 0x11),
        (FIRST_COMMAND + 1, 0x20),
        (SECOND_COMMAND + 1, 0x28),
        (FIRST_COMMAND + 1, 4),
        (SECOND_COMMAND + 1, 2),
        (FIRST_COMMAND + 1, 1),
        (SECOND_COMMAND + 1, 1),
        (FIRST_COMMAND + 1, 0xff),
        (SECOND_COMMAND + 1, 0xff),
    ];
    for (port, value) in steps {
        outb(port, value);
        // An access to a port that nobody minds gives an old controller its time.
        inb(0x80);
    }
}

/// Maps one page of registers.
fn map_page(addr: u64) -> Option<usize> {
    kernel_map::map_device(PhysRange { start: PhysAddr(addr), bytes: 4096 }).map(|window| window.expose_provenance())
}

/// Finds and resets the controllers.
pub(crate) fn init_boot_cpu() {
    mask_8259();
    let Some(found) = x86_tables::found() else { return };
    let window = if apic::has_x2apic() { Some(0) } else { map_page(found.local_apic) };
    // SAFETY: the window is mapped for ever, or the CPUs have x2APIC mode.
    unsafe { apic::set_window(window.expect("the first device windows fit the device area")) };
    for (slot, ioapic) in WINDOWS.iter().zip(&found.ioapics[..found.ioapic_count]) {
        if let Some(window) = map_page(ioapic.addr) {
            slot.store(window, Ordering::Release);
            for entry in 0..entry_count(window) {
                write_entry(window, entry, ENTRY_MASKED, 0);
            }
        }
    }
    power::map_registers();
    init_this_cpu();
    set_apic_id(CpuId(0), apic::id());
}

/// Turns on this CPU's part.
pub(crate) fn init_this_cpu() {
    // CAST: a vector.
    apic::enable(SPURIOUS_VECTOR as u32);
}

/// Reads or writes (`Some`) a register of an I/O APIC through its index and data words.
fn access(window: usize, register: u32, value: Option<u32>) -> u32 {
    let were_on = cpu::interrupts_off();
    while IOAPIC_LOCK.compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed).is_err() {
        cpu::pause();
    }
    let (index, data) = (window as *mut u32, (window + 0x10) as *mut u32);
    // SAFETY: the window was mapped by `init_boot_cpu`.
    unsafe { index.write_volatile(register) };
    let answer = match value {
        // SAFETY: as above.
        None => unsafe { data.read_volatile() },
        Some(value) => {
            // SAFETY: as above.
            unsafe { data.write_volatile(value) };
            value
        }
    };
    IOAPIC_LOCK.store(false, Ordering::Release);
    cpu::interrupts_restore(were_on);
    answer
}

fn entry_count(window: usize) -> u32 {
    (access(window, VERSION, None) >> 16 & 0xff) + 1
}

fn write_entry(window: usize, entry: u32, low: u32, destination: u32) {
    let register = FIRST_ENTRY + entry * 2;
    // Masked while the halves do not fit each other.
    access(window, register, Some(ENTRY_MASKED));
    access(window, register + 1, Some(destination << 24));
    access(window, register, Some(low));
}

/// The I/O APIC and entry of a line.
fn find(number: u32) -> Option<(usize, u32)> {
    let found = x86_tables::found()?;
    let windows = WINDOWS.iter().map(|window| window.load(Ordering::Acquire));
    found.ioapics[..found.ioapic_count].iter().zip(windows).find_map(|(IoApic { first_line, .. }, window)| {
        let entry = number.checked_sub(*first_line)?;
        (window != 0 && entry < entry_count(window)).then_some((window, entry))
    })
}

/// Routes `line` to the boot CPU and unmasks it. False: there is no such line.
pub(crate) fn enable(line: IrqLine) -> bool {
    let vector = FIRST_LINE_VECTOR + u64::from(line.number);
    let Some((window, entry)) = find(line.number).filter(|_| line.number < FIRST_MESSAGE_LINE) else { return false };
    // An ISA override tells how the wire behaves; other lines are as the caller says, active high.
    let isa = x86_tables::found().and_then(|found| found.isa_lines.iter().find(|isa| isa.number == line.number));
    let is_low = isa.is_some_and(|isa| isa.is_low);
    let is_level = line.is_level || isa.is_some_and(|isa| isa.is_level);
    // CAST: a vector.
    let mut low = vector as u32;
    if is_low {
        low |= ENTRY_LOW;
    }
    if is_level {
        low |= ENTRY_LEVEL;
    }
    write_entry(window, entry, low, APIC_IDS[0].load(Ordering::Relaxed));
    true
}

/// A message of its own for a device: the line it arrives on, and what to write where. `None`: all are in use.
pub(crate) fn allocate_message() -> Option<(u32, Message)> {
    static NEXT: AtomicU32 = AtomicU32::new(FIRST_MESSAGE_LINE);
    let last = (LINE_VECTORS_END - FIRST_LINE_VECTOR) as u32;
    let line =
        NEXT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |line| (line < last).then_some(line + 1)).ok()?;
    let destination = u64::from(APIC_IDS[0].load(Ordering::Relaxed));
    // Fixed delivery, edge: the data is the vector alone.
    Some((line, Message { addr: MESSAGE_ADDRESS | destination << 12, data: FIRST_LINE_VECTOR as u32 + line }))
}

/// Sends a message to another CPU.
pub(crate) fn send_ipi(to: CpuId, what: Ipi) {
    let command = match what {
        // CAST: vectors.
        Ipi::Reschedule => RESCHEDULE_VECTOR as u32,
        Ipi::Shootdown => SHOOTDOWN_VECTOR as u32,
        Ipi::Hold => HOLD_VECTOR as u32,
        Ipi::Halt => {
            HALT_REQUESTED.store(true, Ordering::Release);
            COMMAND_NMI
        }
    };
    let were_on = cpu::interrupts_off();
    apic::send(APIC_IDS[to.0 as usize].load(Ordering::Acquire), command | COMMAND_ASSERT);
    cpu::interrupts_restore(were_on);
}

/// Asks a CPU to show where it is, by an NMI.
pub(crate) fn ask_where(cpu: CpuId) -> bool {
    let were_on = cpu::interrupts_off();
    apic::send(APIC_IDS[cpu.0 as usize].load(Ordering::Acquire), COMMAND_NMI | COMMAND_ASSERT);
    cpu::interrupts_restore(were_on);
    true
}

/// Dispatches and acknowledges an interrupt. Called with interrupts off by `trap` and `user`.
pub(crate) fn handle(vector: u64) {
    match vector {
        FIRST_LINE_VECTOR..LINE_VECTORS_END => {
            // CAST: below 256. A level-triggered line is acknowledged after its device was quieted.
            crate::irq::dispatch((vector - FIRST_LINE_VECTOR) as u32);
            apic::end_interrupt();
        }
        TIMER_VECTOR => {
            apic::end_interrupt();
            crate::time::interrupt();
        }
        RESCHEDULE_VECTOR => {
            apic::end_interrupt();
            crate::thread::reschedule_interrupt();
        }
        SHOOTDOWN_VECTOR => {
            apic::end_interrupt();
            crate::mm::space::shootdown_interrupt();
        }
        HOLD_VECTOR => {
            apic::end_interrupt();
            crate::function_probe::hold_interrupt();
        }
        // Spurious, of the local APIC or an 8259: nothing to acknowledge.
        _ => {}
    }
}
