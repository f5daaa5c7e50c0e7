//! The channel's thread: asks every source for what it has, every few milliseconds, while somebody listens.
use super::carrier::{carrier, dropped, try_send};
use super::session::{self, is_on};
use crate::lock_order;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use machine::sync::{Mutex, Once, Wait, WaitQueue};
use machine::thread::{self, CurrentThread, Placement, Schedule};
use machine::{log, time};
use wire::observe::{Dropped, Drops, Kind};

/// How often sources are asked while they have something, and while they have nothing.
const BUSY_NS: u64 = 1_000_000;
const QUIET_NS: u64 = 10_000_000;
/// The thread's real-time priority, of 1 to 99.
const PRIORITY: u8 = 50;
/// Most sources.
const SOURCES: usize = 8;

/// Gives what it has to the channel with [`try_send`](super::try_send): what is not taken it keeps, or drops and counts. Answers whether it had
/// anything. The argument says whether this is the last time of a session: then it may use [`send`](super::send), and forgets all wishes.
pub type Source = fn(cx: &mut CurrentThread, is_last: bool) -> bool;

static REGISTERED: [Once<Source>; SOURCES] = [const { Once::new() }; SOURCES];
/// What is known while the sources are asked.
struct Drain {
    /// Frames whose loss has been told.
    told: u64,
    /// Sources may be asked: a session has begun, and they have not been asked for the last time.
    is_open: bool,
}

static DRAIN: Mutex<Drain> = Mutex::new(&lock_order::OBSERVE_DRAIN, Drain { told: 0, is_open: false });
/// The session is to end.
static WANTS_END: AtomicBool = AtomicBool::new(false);
/// Woken when a session begins, when it is to end, and when the program has ended.
static CHANGED: WaitQueue = WaitQueue::new();

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
    while !session::is_over() {
        let is_wanted = || WANTS_END.load(Ordering::Relaxed);
        let how = if !is_on() {
            Wait::interruptible("somebody who observes")
        } else if WANTS_END.swap(false, Ordering::Relaxed) {
            session::end_now(cx);
            continue;
        } else {
            let pause = if ask(cx, false) { BUSY_NS } else { QUIET_NS };
            Wait::interruptible("something to observe").until(Some(time::now().after(pause)))
        };
        let was_on = is_on();
        // Over in time, or because of a change: it is looked at above.
        let has_changed = || is_on() != was_on || was_on && is_wanted() || session::is_over();
        let _ = CHANGED.wait(cx, how, |_| has_changed().then_some(()));
        // Nobody sends signals to this thread; a notification would only make it spin.
        cx.take_notification();
    }
}

/// Wakes the thread.
pub(super) fn wake() {
    CHANGED.wake_all();
}

/// Ends the session, unless it is for the whole run, as soon as the thread comes to it. In any context.
pub fn end_soon() {
    WANTS_END.store(true, Ordering::Relaxed);
    wake();
}

/// Lets sources be asked.
pub(super) fn open(cx: &mut CurrentThread) {
    let mut drain = DRAIN.lock(cx);
    *drain = Drain { told: dropped(), is_open: true };
    WANTS_END.store(false, Ordering::Relaxed);
}

/// Asks every source for the last time.
pub(super) fn close(cx: &mut CurrentThread) {
    ask(cx, true);
}

/// Asks every source once.
fn ask(cx: &mut CurrentThread, is_last: bool) -> bool {
    let mut drain = DRAIN.lock(cx);
    if !drain.is_open {
        return false;
    }
    drain.is_open = !is_last;
    let mut had_any = false;
    for source in REGISTERED.iter().filter_map(|place| place.get()) {
        had_any |= source(cx, is_last);
    }
    let lost = dropped();
    if lost != drain.told {
        let drops = Drops { what: Dropped::Frames, count: lost - drain.told };
        if try_send(cx, Kind::Drops, 0, &drops.encode()) {
            drain.told = lost;
        }
    }
    if had_any && let Some(carrier) = carrier() {
        carrier.hand_over(cx);
    }
    had_any
}
