//! The sleeping lock with one owner.
//!
//! One word: free, held, or held with waiters perhaps. Taking and giving back a free one is two atomic operations. Waiters queue in
//! arrival order; the one woken competes with newcomers for the word, which keeps the lock busy instead of handing it to
//! a thread that has yet to be scheduled.
//!
//! A holder may sleep, so mutexes count as held in the stack header (rank order, no user entry, no thread end) but do not turn preemption off.
use super::LockClass;
use super::wait_queue::{Wait, WaitQueue};
use crate::thread::{CurrentThread, header};
use crate::time;
use crate::trace::providers::{Hex, lock};
use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::panic::Location;
use core::sync::atomic::{AtomicU32, Ordering};

const FREE: u32 = 0;
const HELD: u32 = 1;
const CONTENDED: u32 = 2;

/// A lock whose waiters sleep. May be held while sleeping; never by an interrupt handler.
pub struct Mutex<T> {
    state: AtomicU32,
    class: &'static LockClass,
    queue: WaitQueue,
    value: UnsafeCell<T>,
}

// SAFETY: the state lets one thread at a time reach the value.
unsafe impl<T: Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    /// An unlocked mutex.
    pub const fn new(class: &'static LockClass, value: T) -> Self {
        Mutex { state: AtomicU32::new(FREE), class, queue: WaitQueue::new(), value: UnsafeCell::new(value) }
    }

    /// Takes it, sleeping as needed (not interruptibly). The guard does not borrow the token.
    #[track_caller]
    #[inline]
    pub fn lock<'m>(&'m self, cx: &mut CurrentThread) -> MutexGuard<'m, T> {
        cx.assert_may_sleep();
        header::current().push_held(self.class, core::ptr::from_ref(&self.state) as usize, Location::caller());
        if self.state.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_err() {
            self.lock_slow(cx);
        }
        header::current().note_got(core::ptr::from_ref(&self.state) as usize);
        MutexGuard { lock: self, _not_send: PhantomData }
    }

    #[cold]
    #[inline(never)]
    fn lock_slow(&self, cx: &mut CurrentThread) {
        crate::trace::count(crate::trace::Counter::LockContentions);
        let began = time::now();
        // Whoever has waited cannot know whether others wait too, so it takes the word as contended.
        let taken = self.queue.wait(cx, Wait::uninterruptible(self.class.name), |_| {
            (self.state.swap(CONTENDED, Ordering::Acquire) == FREE).then_some(())
        });
        debug_assert!(taken.is_ok(), "an uninterruptible wait without a deadline ends only with its event");
        let lock = Hex(core::ptr::from_ref(&self.state) as u64);
        crate::probe!(lock::mutex(lock, time::now().since(began), self.class.rank.into()));
    }

    /// Takes it if it is free.
    #[track_caller]
    pub fn try_lock<'m>(&'m self, _cx: &CurrentThread) -> Option<MutexGuard<'m, T>> {
        self.state.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).ok()?;
        header::current().push_held(self.class, core::ptr::from_ref(&self.state) as usize, Location::caller());
        header::current().note_got(core::ptr::from_ref(&self.state) as usize);
        Some(MutexGuard { lock: self, _not_send: PhantomData })
    }

    /// The value, without locking, for sole owners.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// The value, without locking.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

/// A held mutex; dropping it wakes one waiter.
#[must_use]
#[clippy::has_significant_drop]
pub struct MutexGuard<'m, T> {
    lock: &'m Mutex<T>,
    _not_send: PhantomData<*mut ()>,
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the mutex is ours while the guard lives.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the mutex is ours while the guard lives, and the guard is borrowed mutably.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        header::current().pop_held(core::ptr::from_ref(&self.lock.state) as usize);
        if self.lock.state.swap(FREE, Ordering::Release) == CONTENDED {
            self.lock.queue.wake(1);
        }
    }
}
