//! The channel's thread: asks every source for what it has, every few milliseconds; and the end of a run.
use super::carrier::{carrier, dropped, send, try_send};
use super::samples;
use crate::lock_order;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use machine::sync::{Mutex, Once};
use machine::thread::{self, CurrentThread, Placement, Schedule};
use machine::{log, time};
use wire::observe::{Dropped, Drops, Kind};

/// How often sources are asked while they have something, and while they have nothing.
const BUSY_NS: u64 = 1_000_000;
const QUIET_NS: u64 = 10_000_000;
/// How long a host may take nothing at the end of a run before the rest is given up.
const END_PATIENCE_NS: u64 = 5_000_000_000;
/// The thread's real-time priority, of 1 to 99.
const PRIORITY: u8 = 50;
/// Most sources.
const SOURCES: usize = 8;

/// Gives what it has to the channel with [`try_send`](super::try_send): what is not taken it keeps, or drops and counts. Answers whether it had
/// anything. The argument says whether this is the last time; then it may use [`send`](super::send).
pub type Source = fn(cx: &mut CurrentThread, is_last: bool) -> bool;

static REGISTERED: [Once<Source>; SOURCES] = [const { Once::new() }; SOURCES];
/// Frames whose loss has been told; held while the sources are asked.
static DRAIN: Mutex<u64> = Mutex::new(&lock_order::OBSERVE_DRAIN, 0);
static HAS_ENDED: AtomicBool = AtomicBool::new(false);

/// Registers a source. Panics if there are too many: the kernel's bug, seen at the first run.
pub fn add_source(source: Source) {
    let mut is_new = false;
    for place in &REGISTERED {
        place.call_once(|| {
            is_new = true;
            source
        });
        if is_new {
            return;
        }
    }
    panic!("more than {SOURCES} sources for the observation channel");
}

/// Starts it.
pub(super) fn start() {
    // Before ordinary threads, or the rings go round while a busy program has the CPU. It never runs for long.
    let schedule = Schedule::RealTime { priority: PRIORITY, is_round_robin: false };
    let placement = Placement { schedule, ..Placement::ANYWHERE };
    if thread::spawn_at("observe", Arc::new(()), Box::new(run), placement).is_err() {
        log!(Warn, "no memory for the observation channel's thread; everything comes at the end of the run");
    }
}

fn run(cx: &mut CurrentThread) {
    while !HAS_ENDED.load(Ordering::Relaxed) {
        let had_any = ask(cx, false);
        let pause = if had_any { BUSY_NS } else { QUIET_NS };
        // Not interruptible, so there is no error.
        let _ = cx.sleep_until(time::now().after(pause), "something to observe", true);
        // Nobody sends signals to this thread; a notification would only make it spin.
        cx.take_notification();
    }
}

/// Asks every source once.
fn ask(cx: &mut CurrentThread, is_last: bool) -> bool {
    let mut told = DRAIN.lock(cx);
    let mut had_any = false;
    for source in REGISTERED.iter().filter_map(|place| place.get()) {
        had_any |= source(cx, is_last);
    }
    let lost = dropped();
    if lost != *told {
        let drops = Drops { what: Dropped::Frames, count: lost - *told };
        if try_send(cx, Kind::Drops, 0, &drops.encode()) {
            *told = lost;
        }
    }
    if had_any && let Some(carrier) = carrier() {
        carrier.hand_over(cx);
    }
    had_any
}

/// The program has ended: what is left is sent, then `End`, and the host is waited for as long as it takes something.
pub fn finish(cx: &mut CurrentThread) {
    let Some(carrier) = carrier() else { return };
    HAS_ENDED.store(true, Ordering::Relaxed);
    samples::finish(cx);
    ask(cx, true);
    send(cx, Kind::End, 0, &[]);
    carrier.drain(cx, END_PATIENCE_NS);
}
