//! The serial port of the device tree (PL011 or 16550), written without locks: boot marks, the early log, the epitaph.
//!
//! The loader or the hypervisor has set the line up; only the transmitter is used, and a port that never gets ready is given
//! up after a bounded wait, so that a panic cannot hang here.
use super::boot;
use crate::platform::device_tree::{self, SerialKind};
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// Virtual address of the registers; zero while there is no port.
static BASE: AtomicUsize = AtomicUsize::new(0);
/// Offset of the status register, the bit in it, and whether the bit must be set (above bit 31 of neither).
static STATUS_OFFSET: AtomicU32 = AtomicU32::new(0);
/// The status bit that matters.
static STATUS_MASK: AtomicU32 = AtomicU32::new(0);
/// Its value when a byte may be written.
static STATUS_READY: AtomicU32 = AtomicU32::new(0);

/// PL011 flag register and its bit «transmit FIFO full».
const PL011_FLAGS: u32 = 0x18;
const PL011_TRANSMIT_FULL: u32 = 1 << 5;
/// 16550 line status register and its bit «transmitter holding register empty».
const NS16550_STATUS: u32 = 5;
const NS16550_TRANSMIT_EMPTY: u32 = 1 << 5;
/// Looks at the status before a byte is given up.
const MOST_WAITS: u32 = 1_000_000;

/// Finds and maps the port. Harmless when called again.
pub(crate) fn init_early() {
    if BASE.load(Ordering::Relaxed) != 0 {
        return;
    }
    let Some(port) = device_tree::facts().and_then(|facts| facts.serial) else { return };
    let (offset, mask, ready) = match port.kind {
        SerialKind::Pl011 => (PL011_FLAGS, PL011_TRANSMIT_FULL, 0),
        SerialKind::Ns16550 { register_shift } => {
            (NS16550_STATUS << register_shift, NS16550_TRANSMIT_EMPTY, NS16550_TRANSMIT_EMPTY)
        }
    };
    STATUS_OFFSET.store(offset, Ordering::Relaxed);
    STATUS_MASK.store(mask, Ordering::Relaxed);
    STATUS_READY.store(ready, Ordering::Relaxed);
    if let Some(base) = boot::map_device(port.window) {
        BASE.store(base, Ordering::Release);
    }
}

/// Writes bytes, waiting for the transmitter.
pub(crate) fn write(bytes: &[u8]) {
    let base = BASE.load(Ordering::Acquire);
    if base == 0 {
        return;
    }
    let status = (base + STATUS_OFFSET.load(Ordering::Relaxed) as usize) as *const u8;
    let mask = STATUS_MASK.load(Ordering::Relaxed) as u8;
    let ready = STATUS_READY.load(Ordering::Relaxed) as u8;
    for &byte in bytes {
        for _ in 0..MOST_WAITS {
            // SAFETY: a register of the mapped port; both kinds allow byte reads of the status' low byte.
            if unsafe { status.read_volatile() } & mask == ready {
                break;
            }
        }
        // SAFETY: the data register of the mapped port; both kinds take byte writes.
        unsafe { (base as *mut u8).write_volatile(byte) };
    }
}
