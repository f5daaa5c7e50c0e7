//! The watchdog for threads: tells of each one that has waited for more than [`LIMIT_NS`] for something that only its event
//! can end, with what it waits for. A wait that ends by a notification may take for ever; one that does not is for locks and devices.
//!
//! A timer looks four times per limit, on an idle machine too: a deadlock leaves nothing to run. The limit is
//! `ochre.watchdog=SECONDS` on the command line; 0 turns it off. (The watchdog for CPUs is in `fail`.)
//!
//! Locks: the list of threads, and under it one run queue at a time.
use crate::sync::Once;
use crate::thread::{self, IrqContext};
use crate::time::{self, Expire, Instant, Timer};
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};

/// What counts as stuck when the command line says nothing.
const DEFAULT_NS: u64 = 120_000_000_000;

static LIMIT_NS: AtomicU64 = AtomicU64::new(DEFAULT_NS);
static TIMER: Once<Timer> = Once::new();

struct Look;

impl Expire for Look {
    fn expire(&self, _cx: &IrqContext, _deadline: Instant) {
        let limit = LIMIT_NS.load(Ordering::Relaxed);
        thread::each_blocked(&mut |thread, ns, reason| {
            // Each wait is told of once: in the one look that finds it past the limit for the first time.
            if ns >= limit && ns - limit < limit / 4 {
                let seconds = ns / 1_000_000_000;
                crate::log!(Warn, "thread {} \"{}\" has been blocked for {seconds} s: {reason}", thread.id().0, thread.name());
            }
        });
        arm(limit);
    }
}

fn arm(limit: u64) {
    if let Some(timer) = TIMER.get() {
        timer.arm(time::now().after(limit / 4));
    }
}

/// Starts it. Called once, by the first thread.
pub(crate) fn start(command_line: &[u8]) {
    let told = command_line.split(u8::is_ascii_whitespace).find_map(|word| word.strip_prefix(b"ochre.watchdog="));
    let seconds = told.and_then(|word| core::str::from_utf8(word).ok()?.parse::<u64>().ok());
    let limit = seconds.map_or(DEFAULT_NS, |seconds| seconds.saturating_mul(1_000_000_000));
    if limit > 0 {
        LIMIT_NS.store(limit, Ordering::Relaxed);
        TIMER.call_once(|| Timer::new(Arc::new(Look)));
        arm(limit);
    }
}
