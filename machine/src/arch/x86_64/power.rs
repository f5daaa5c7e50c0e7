//! Ending the virtual machine: QEMU's `isa-debug-exit` (port 0xf4), then what ACPI offers, then the keyboard controller,
//! then a triple fault. Ports without a device swallow a write, so each is simply tried.
use super::cpu;
use super::registers::{outb, outl, outw};
use crate::addr::PhysAddr;
use crate::boot::PhysRange;
use crate::mm::kernel_map;
use crate::platform::x86_tables::{self, Register, SoftOff};
use crate::power::{Exit, PANIC_DEBUG_EXIT};
use core::arch::asm;
use core::sync::atomic::{AtomicUsize, Ordering};

const DEBUG_EXIT: u16 = 0xf4;
/// Value for an orderly end; QEMU's exit status is then 1.
const ORDERLY_DEBUG_EXIT: u32 = 0;
const KEYBOARD_COMMAND: u16 = 0x64;
const PULSE_RESET: u8 = 0xfe;
/// Times the keyboard controller is asked before the triple fault.
const RESET_TRIES: u32 = 100;

/// Where a sleep control register in memory is mapped; zero: there is none.
static SLEEP_CONTROL: AtomicUsize = AtomicUsize::new(0);

/// Maps what [`end`] needs, since a failing kernel cannot. Boot CPU, once.
pub(crate) fn map_registers() {
    if let Some(SoftOff::SleepControl(Register { is_port: false, addr }, _)) =
        x86_tables::found().and_then(|found| found.soft_off)
    {
        let page = PhysRange { start: PhysAddr(addr & !0xfff), bytes: 4096 };
        if let Some(window) = kernel_map::map_device(page) {
            SLEEP_CONTROL.store(window.expose_provenance() + (addr & 0xfff) as usize, Ordering::Release);
        }
    }
}

/// Switches off as ACPI says.
fn soft_off() {
    match x86_tables::found().and_then(|found| found.soft_off) {
        // CAST: ports have 16 bits.
        Some(SoftOff::SleepControl(Register { is_port: true, addr }, value)) => outb(addr as u16, value),
        Some(SoftOff::SleepControl(_, value)) => {
            let register = SLEEP_CONTROL.load(Ordering::Acquire);
            if register != 0 {
                // SAFETY: mapped by `map_registers`.
                unsafe { (register as *mut u8).write_volatile(value) };
            }
        }
        Some(SoftOff::Pm1(pm1a, pm1b, value)) => {
            outw(pm1a, value);
            if pm1b != 0 {
                outw(pm1b, value);
            }
        }
        None => {}
    }
}

/// Stops the machine.
pub(crate) fn end(exit: Exit) -> ! {
    cpu::interrupts_off();
    match exit {
        Exit::Off => {
            outl(DEBUG_EXIT, ORDERLY_DEBUG_EXIT);
            soft_off();
        }
        Exit::Panic => outl(DEBUG_EXIT, PANIC_DEBUG_EXIT),
        Exit::Restart => {
            if let Some((Register { is_port: true, addr }, value)) = x86_tables::found().and_then(|found| found.reset) {
                // CAST: ports have 16 bits.
                outb(addr as u16, value);
            }
        }
    }
    for _ in 0..RESET_TRIES {
        outb(KEYBOARD_COMMAND, PULSE_RESET);
        cpu::pause();
    }
    let no_vectors = [0u16; 5];
    // SAFETY: with an empty vector table the next exception becomes a triple fault, which resets the machine: the intent.
    unsafe { asm!("lidt [{}]", "ud2", in(reg) &no_vectors, options(noreturn)) };
}
