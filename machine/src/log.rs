//! The kernel's log: levels, a ring kept in memory (`/dev/kmsg`, the epitaph), and the early console.
//! For people, rare, never on a hot path. Lines go to the ring always and to the UART if they matter enough for it
//! (`ochre.log=` on the command line: off, error, warn, info, debug).
//!
//! Works from the first Rust instruction on, in any context: the ring's lock is a bare flag with interrupts off, tried
//! for a while and then taken for lost, so that a CPU that died inside cannot silence the others.
use crate::arch;
use core::cell::UnsafeCell;
use core::fmt::{self, Write};
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

/// How much a line matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// Something failed.
    Error,
    /// Something is odd.
    Warn,
    /// Milestones.
    Info,
    /// For developers.
    Debug,
}

/// Bytes of text kept.
const RING_BYTES: usize = 64 * 1024;
/// Longest line; the rest is cut.
const LINE_BYTES: usize = 320;
/// Tries to get the ring before its holder counts as lost.
const MOST_TRIES: u32 = 10_000_000;

struct Ring(UnsafeCell<[u8; RING_BYTES]>);
// SAFETY: reached under `IS_TAKEN` only; should that be broken after a crash, the bytes are text and any value is valid.
unsafe impl Sync for Ring {}

static RING: Ring = Ring(UnsafeCell::new([0; RING_BYTES]));
static IS_TAKEN: AtomicBool = AtomicBool::new(false);
/// Bytes ever written.
static END: AtomicU64 = AtomicU64::new(0);
/// Levels below this number go to the UART: one more than the last level shown.
static SHOWN: AtomicU8 = AtomicU8::new(Level::Info as u8 + 1);
/// The counter when the first line was written.
static FIRST_TICK: AtomicU64 = AtomicU64::new(0);

/// Runs `body` on the ring, alone.
fn with_ring<R>(body: impl FnOnce(&mut [u8; RING_BYTES]) -> R) -> R {
    let were_on = arch::cpu::interrupts_off();
    let mut tries = 0;
    while IS_TAKEN.swap(true, Ordering::Acquire) && tries < MOST_TRIES {
        tries += 1;
        arch::cpu::pause();
    }
    // SAFETY: the flag is ours, or its holder is dead.
    let result = body(unsafe { &mut *RING.0.get() });
    IS_TAKEN.store(false, Ordering::Release);
    arch::cpu::interrupts_restore(were_on);
    result
}

/// A line being put together, cut at its end.
struct Line {
    bytes: [u8; LINE_BYTES],
    length: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // One byte stays free for the line's end.
        let room = LINE_BYTES - 1 - self.length;
        let taken = &text.as_bytes()[..text.len().min(room)];
        self.bytes[self.length..self.length + taken.len()].copy_from_slice(taken);
        self.length += taken.len();
        Ok(())
    }
}

/// Records one line. Use [`log!`](crate::log!).
pub fn record(level: Level, module: &str, text: fmt::Arguments<'_>) {
    let now = arch::timer::ticks();
    let first = FIRST_TICK.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed).unwrap_or_else(|first| first);
    let first = if first == 0 { now } else { first };
    let microseconds =
        u128::from(now.saturating_sub(first)) * 1_000_000 / u128::from(arch::timer::ticks_per_second().max(1));
    let (seconds, fraction) = (microseconds / 1_000_000, microseconds % 1_000_000);
    let mut line = Line { bytes: [0; LINE_BYTES], length: 0 };
    // `Line` never fails; a failing `Display` of the caller's only cuts the line.
    let _ = write!(line, "[{seconds:5}.{fraction:06}] {module}: {text}");
    line.bytes[line.length] = b'\n';
    let line = &line.bytes[..line.length + 1];
    crate::trace::count(crate::trace::Counter::LogLines);
    with_ring(|ring| {
        let end = END.load(Ordering::Relaxed);
        for (position, byte) in (end..).zip(line) {
            // CAST: below the ring's length.
            ring[(position % RING_BYTES as u64) as usize] = *byte;
        }
        END.store(end + line.len() as u64, Ordering::Relaxed);
    });
    if (level as u8) < SHOWN.load(Ordering::Relaxed) {
        early_write(line);
    }
}

/// Writes bytes to the early console (UART), without locks; for boot marks, the epitaph and dumps.
pub fn early_write(bytes: &[u8]) {
    arch::serial::write(bytes);
}

/// The early console as a formatter, without locks.
pub struct EarlyConsole;

impl Write for EarlyConsole {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        early_write(text.as_bytes());
        Ok(())
    }
}

/// Sets which lines go to the UART: those of `most` and above, or none.
pub fn set_shown(most: Option<Level>) {
    SHOWN.store(most.map_or(0, |level| level as u8 + 1), Ordering::Relaxed);
}

/// Takes the level from `ochre.log=` if the command line has it.
pub(crate) fn configure(command_line: &[u8]) {
    let words = command_line.split(u8::is_ascii_whitespace);
    for value in words.filter_map(|word| word.strip_prefix(b"ochre.log=")) {
        match value {
            b"off" => set_shown(None),
            b"error" => set_shown(Some(Level::Error)),
            b"warn" => set_shown(Some(Level::Warn)),
            b"info" => set_shown(Some(Level::Info)),
            b"debug" => set_shown(Some(Level::Debug)),
            _ => {}
        }
    }
}

/// Copies the log ring's bytes from `position` on into `out`; answers how many, and the position after them.
/// A position that has been overwritten is moved to the oldest byte kept.
pub fn read(position: u64, out: &mut [u8]) -> (usize, u64) {
    with_ring(|ring| {
        let end = END.load(Ordering::Relaxed);
        let start = position.clamp(end.saturating_sub(RING_BYTES as u64), end);
        // CAST: at most the ring's length.
        let count = ((end - start) as usize).min(out.len());
        for (position, byte) in (start..).zip(&mut out[..count]) {
            *byte = ring[(position % RING_BYTES as u64) as usize];
        }
        (count, start + count as u64)
    })
}

/// Fails while the ring is held, for `crate::provoke`.
pub(crate) fn fail_inside() {
    with_ring(|_| panic!("provoked while the log was held"));
}

/// For a debugger and `ochre dump`: where the kept bytes are, how many, and where the count of bytes ever written.
pub(crate) fn places() -> [u64; 3] {
    [RING.0.get().addr() as u64, RING_BYTES as u64, core::ptr::from_ref(&END).addr() as u64]
}

/// `log!(Level, "text {}", value)`: one line, prefixed with its module.
#[macro_export]
macro_rules! log {
    ($level:ident, $($arg:tt)*) => {
        $crate::log::record($crate::log::Level::$level, module_path!(), format_args!($($arg)*))
    };
}
