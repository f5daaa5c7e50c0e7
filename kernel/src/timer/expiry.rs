//! Timers whose expiry needs a thread: a machine timer expires in interrupt context, where no signal can be sent.
//!
//! Main types: [`ServedTimer`], a timer of which each expiry is served by one kernel thread, started with the first; [`Serve`], what is
//! to be done. Called by everything that sends signals by time.
//!
//! Invariants: a timer is in the list at most once (`is_listed`), and the list has room for all there are ([`Room`]), so that
//! the interrupt never allocates. The mark is taken off before the timer is served, so no expiry is lost.
//! Lock: `TIMERS_DUE`, also taken in interrupts.
use crate::errno::Result;
use crate::lock_order;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use machine::sync::{IrqSafe, SpinLock, Wait, WaitQueue};
use machine::thread::{self, CurrentThread, IrqContext};
use machine::time::{Expire, Instant, Timer};

/// What the thread does for a timer that has expired.
pub trait Serve: Send + Sync {
    /// It has expired, perhaps long ago, and may have been armed anew since.
    fn serve(&self, cx: &mut CurrentThread);
}

/// What the interrupt lists.
struct Due {
    me: Weak<Due>,
    owner: Weak<dyn Serve>,
    is_listed: AtomicBool,
    _room: Room,
}

impl Expire for Due {
    fn expire(&self, cx: &IrqContext, _deadline: Instant) {
        if !self.is_listed.swap(true, Ordering::AcqRel) {
            // The timer keeps it alive while it expires.
            if let Some(me) = self.me.upgrade() {
                DUE.lock(cx).push_back(me);
            }
            ANY_DUE.wake_all();
        }
    }
}

static DUE: SpinLock<VecDeque<Arc<Due>>, IrqSafe> = SpinLock::new(&lock_order::TIMERS_DUE, VecDeque::new());
static ANY_DUE: WaitQueue = WaitQueue::new();
static COUNT: AtomicUsize = AtomicUsize::new(0);
static HAS_SERVER: AtomicBool = AtomicBool::new(false);

/// Room in the list for one timer, so that making one cannot fail half-way.
pub struct Room(());

impl Room {
    /// Fails only for want of memory.
    pub fn reserve() -> Result<Room> {
        ensure_server()?;
        let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
        let room = Room(());
        grow(count)?;
        Ok(room)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        COUNT.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A timer served by the thread.
pub struct ServedTimer {
    timer: Timer,
}

impl ServedTimer {
    /// A timer that is not armed.
    pub fn new(room: Room, owner: Weak<dyn Serve>) -> ServedTimer {
        let due = Arc::new_cyclic(|me| Due { me: me.clone(), owner, is_listed: AtomicBool::new(false), _room: room });
        ServedTimer { timer: Timer::new(due) }
    }

    /// Arms it, replacing an earlier deadline.
    pub fn arm(&self, deadline: Instant) {
        self.timer.arm(deadline);
    }

    /// Cancels it; an expiry on its way may still be served.
    pub fn cancel(&self) {
        self.timer.cancel();
    }
}

/// Makes the list hold `count` timers.
fn grow(count: usize) -> Result<()> {
    if DUE.with(|due| due.capacity()) >= count {
        return Ok(());
    }
    let mut room = VecDeque::new();
    room.try_reserve(count.next_power_of_two().max(64))?;
    let old = DUE.with(|due| {
        if room.capacity() > due.capacity() {
            room.append(due);
            core::mem::swap(due, &mut room);
        }
        room
    });
    drop(old);
    Ok(())
}

/// Starts the thread, the first time.
fn ensure_server() -> Result<()> {
    if HAS_SERVER.swap(true, Ordering::AcqRel) {
        return Ok(());
    }
    let started = thread::spawn("timers", Arc::new(()), Box::new(serve_all));
    if started.is_err() {
        HAS_SERVER.store(false, Ordering::Release);
    }
    started?;
    Ok(())
}

/// The thread, for as long as the machine runs.
fn serve_all(cx: &mut CurrentThread) {
    loop {
        let next = ANY_DUE.wait(cx, Wait::uninterruptible("a timer"), |cx| DUE.lock(cx).pop_front());
        if let Ok(due) = next {
            due.is_listed.store(false, Ordering::Release);
            if let Some(owner) = due.owner.upgrade() {
                owner.serve(cx);
            }
        }
    }
}
