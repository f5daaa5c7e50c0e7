//! Who is told by a signal that a file became ready (O_ASYNC).
//!
//! Main type: [`Listeners`], a part of every object that can tell: pipes, sockets, terminals. What is told to whom, and how, is
//! [`crate::signal::readiness`]'s.
//!
//! Signals are sent right where the change happens ([`Listeners::tell`]), so that a program that causes one itself has its signal
//! when the call returns. A destructor cannot send any: it leaves the change ([`Listeners::leave`]) to be told by its thread
//! before that goes on ([`finish`]).
//!
//! # Invariants
//! - A listener is in the list of what was left at most once (`left` is not 0), and the list has room for all there are, so that
//!   leaving never allocates.
//! - A description takes itself out before it goes ([`Listeners::remove`]), so that its address names no other one.
//!
//! Locks: `LISTENERS`, a leaf, around who listens; `CHANGES_LEFT`, likewise, around what was left. Neither is held while signals
//! are sent; `CHANGES_TOLD`, a sleeping one, is, by whoever tells what was left.
use super::OpenFile;
use crate::errno::Result;
use crate::lock_order;
use crate::signal::readiness::{self, Change, Owner};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use machine::sync::{IrqSafe, Mutex, SpinLock};
use machine::thread::{self, CurrentThread};

/// One description that listens.
struct Listener {
    /// Rises from one to the next.
    id: u64,
    /// The description's address.
    description: usize,
    /// The number by which it began to listen.
    fd: AtomicI32,
    owner: Arc<Owner>,
    /// Changes left to be told: a bit each, by its `si_code`.
    left: AtomicU32,
    _room: Room,
}

impl Listener {
    fn tell(&self, cx: &CurrentThread, change: Change) {
        readiness::tell(cx, &self.owner, self.fd.load(Ordering::Relaxed), change);
    }
}

/// Descriptions that listen to one file.
pub struct Listeners {
    /// How many, for a look without the lock.
    count: AtomicUsize,
    /// In rising order of their ids.
    list: SpinLock<Vec<Arc<Listener>>>,
}

impl Default for Listeners {
    fn default() -> Self {
        Listeners::new()
    }
}

impl Listeners {
    /// Nobody listens.
    pub const fn new() -> Listeners {
        Listeners { count: AtomicUsize::new(0), list: SpinLock::new(&lock_order::LISTENERS, Vec::new()) }
    }

    /// Whether nobody does.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// A description listens from now on, known as `fd`. One that listens already is known by its new number.
    pub(super) fn add(&self, open: &OpenFile, owner: &Arc<Owner>, fd: i32) -> Result<()> {
        let description = address(open);
        let room = Room::reserve()?;
        self.list.with(|list| {
            if let Some(known) = list.iter().find(|known| known.description == description) {
                known.fd.store(fd, Ordering::Relaxed);
                return Ok(());
            }
            list.try_reserve(1)?;
            list.push(Arc::new(Listener {
                id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
                description,
                fd: AtomicI32::new(fd),
                owner: owner.clone(),
                left: AtomicU32::new(0),
                _room: room,
            }));
            self.count.store(list.len(), Ordering::Release);
            Ok(())
        })
    }

    /// A description listens no longer.
    pub(super) fn remove(&self, open: &OpenFile) {
        self.remove_where(|listener| listener.description == address(open));
    }

    /// Nobody listens any longer.
    pub fn clear(&self) {
        self.remove_where(|_| true);
    }

    fn remove_where(&self, is_meant: impl Fn(&Listener) -> bool) {
        while !self.is_empty() {
            let gone = self.list.with(|list| {
                let place = list.iter().position(|listener| is_meant(listener))?;
                let gone = list.remove(place);
                self.count.store(list.len(), Ordering::Release);
                Some(gone)
            });
            if gone.is_none() {
                return;
            }
        }
    }

    /// All that listen, one after another: who comes or goes meanwhile makes nobody else be left out.
    fn each(&self, mut f: impl FnMut(&Arc<Listener>)) {
        let mut last = 0;
        while let Some(listener) =
            self.list.with(|list| list.get(list.partition_point(|listener| listener.id <= last)).cloned())
        {
            f(&listener);
            last = listener.id;
        }
    }

    /// Something happened: tells everybody. No spin lock may be held.
    #[inline]
    pub fn tell(&self, cx: &CurrentThread, change: Change) {
        if !self.is_empty() {
            self.tell_all(cx, change);
        }
    }

    #[inline(never)]
    fn tell_all(&self, cx: &CurrentThread, change: Change) {
        self.each(|listener| listener.tell(cx, change));
    }

    /// Something happened in a destructor: leaves it to be told. [`notify`] is due unless [`finish`] is called soon anyway.
    #[inline]
    pub fn leave(&self, change: Change) {
        if !self.is_empty() {
            self.leave_all(change);
        }
    }

    #[inline(never)]
    fn leave_all(&self, change: Change) {
        self.each(|listener| {
            if listener.left.fetch_or(1 << change as u32, Ordering::AcqRel) == 0 {
                LEFT.with(|left| {
                    // The list has room: see `Room`.
                    left.push(listener.clone());
                    HAS_LEFT.store(true, Ordering::Release);
                });
            }
        });
    }
}

fn address(open: &OpenFile) -> usize {
    core::ptr::from_ref(open).addr()
}

/// Listeners with something left to be told.
static LEFT: SpinLock<Vec<Arc<Listener>>, IrqSafe> = SpinLock::new(&lock_order::CHANGES_LEFT, Vec::new());
/// The next listener's id.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);
/// Something was left, or is being told. Changed under the list's lock.
static HAS_LEFT: AtomicBool = AtomicBool::new(false);
/// Held by whoever tells: others wait, so that what they left has been told when they go on.
static TURN: Mutex<()> = Mutex::new(&lock_order::CHANGES_TOLD, ());
/// How many listeners there are.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Makes the thread that runs here tell what was left before its program goes on.
pub fn notify() {
    if HAS_LEFT.load(Ordering::Acquire) {
        thread::notify_current();
    }
}

/// Tells what was left. Called on the way back to the program, where a task ends, and where a call waits after it left something.
#[inline]
pub fn finish(cx: &mut CurrentThread) {
    if HAS_LEFT.load(Ordering::Acquire) {
        finish_all(cx);
    }
}

#[inline(never)]
fn finish_all(cx: &mut CurrentThread) {
    let _turn = TURN.lock(cx);
    let next = || {
        LEFT.with(|left| {
            let next = left.pop();
            if next.is_none() {
                HAS_LEFT.store(false, Ordering::Release);
            }
            next
        })
    };
    while let Some(listener) = next() {
        let left = listener.left.swap(0, Ordering::AcqRel);
        for change in Change::ALL {
            if left & 1 << change as u32 != 0 {
                listener.tell(cx, change);
            }
        }
    }
}

/// Room for one listener in the list of what was left.
struct Room(());

impl Room {
    /// Fails only for want of memory.
    fn reserve() -> Result<Room> {
        let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
        let reserved = Room(());
        if LEFT.with(|left| left.capacity()) < count {
            let mut room = Vec::new();
            room.try_reserve(count.next_power_of_two().max(64))?;
            let old = LEFT.with(|left| {
                if room.capacity() > left.capacity() {
                    room.append(left);
                    core::mem::swap(left, &mut room);
                }
                room
            });
            drop(old);
        }
        Ok(reserved)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        COUNT.fetch_sub(1, Ordering::Relaxed);
    }
}
