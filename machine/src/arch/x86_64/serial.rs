//! The first serial port (16550 at 0x3f8), written without locks: for the log, boot marks and the epitaph.
//! A port where nothing answers is left alone.
use super::registers::{inb, outb};
use core::sync::atomic::{AtomicBool, Ordering};

const PORT: u16 = 0x3f8;
const LINE_STATUS: u16 = PORT + 5;
const TRANSMITTER_EMPTY: u8 = 1 << 5;
/// Polls of the line status before a byte is given up: a wedged port must not hold up the kernel.
const MOST_POLLS: u32 = 100_000;

static IS_PRESENT: AtomicBool = AtomicBool::new(false);

/// Sets the line up: 115200 baud, 8 bits, FIFO on, no interrupts.
pub(crate) fn init_early() {
    // A bus without a device reads as ones.
    if inb(LINE_STATUS) == 0xff {
        return;
    }
    outb(PORT + 1, 0);
    outb(PORT + 3, 0x80);
    outb(PORT, 1);
    outb(PORT + 1, 0);
    outb(PORT + 3, 3);
    outb(PORT + 2, 7);
    outb(PORT + 4, 3);
    IS_PRESENT.store(true, Ordering::Relaxed);
}

/// Writes bytes, waiting for the transmitter.
pub(crate) fn write(bytes: &[u8]) {
    if !IS_PRESENT.load(Ordering::Relaxed) {
        return;
    }
    for &byte in bytes {
        let mut polls = 0;
        while inb(LINE_STATUS) & TRANSMITTER_EMPTY == 0 && polls < MOST_POLLS {
            polls += 1;
            core::hint::spin_loop();
        }
        outb(PORT, byte);
    }
}
