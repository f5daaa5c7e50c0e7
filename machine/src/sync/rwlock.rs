//! The sleeping lock with many readers or one writer.
//!
//! One word: the readers' count, a bit for the writer, a bit that a writer waits. A waiting writer keeps new readers out, so it is
//! not starved; readers that wait are all let in when the writer leaves.
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

const WRITER: u32 = 1 << 31;
const WRITER_WAITS: u32 = 1 << 30;
const READERS: u32 = WRITER_WAITS - 1;

/// A sleeping lock with many readers or one writer; writers are not starved.
pub struct RwLock<T> {
    state: AtomicU32,
    class: &'static LockClass,
    readers: WaitQueue,
    writers: WaitQueue,
    value: UnsafeCell<T>,
}

// SAFETY: the state lets many readers or one writer reach the value.
unsafe impl<T: Send + Sync> Sync for RwLock<T> {}

impl<T> RwLock<T> {
    /// An unlocked lock.
    pub const fn new(class: &'static LockClass, value: T) -> Self {
        RwLock {
            state: AtomicU32::new(0),
            class,
            readers: WaitQueue::new(),
            writers: WaitQueue::new(),
            value: UnsafeCell::new(value),
        }
    }

    fn identity(&self) -> usize {
        core::ptr::from_ref(&self.state) as usize
    }

    fn try_read(&self) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        while state & (WRITER | WRITER_WAITS) == 0 {
            match self.state.compare_exchange_weak(state, state + 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    /// Takes the word for writing, or leaves the mark that a writer waits.
    fn try_write(&self) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            let is_free = state & (WRITER | READERS) == 0;
            // A writer that enters clears the mark; other waiting writers set it again when they look.
            let new = if is_free { WRITER } else { state | WRITER_WAITS };
            match self.state.compare_exchange_weak(state, new, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return is_free,
                Err(now) => state = now,
            }
        }
    }

    /// Waits until `attempt` succeeds.
    #[cold]
    #[inline(never)]
    fn wait(&self, cx: &mut CurrentThread, queue: &WaitQueue, is_write: bool, attempt: fn(&Self) -> bool) {
        crate::trace::count(crate::trace::Counter::LockContentions);
        let began = time::now();
        let taken = queue.wait(cx, Wait::uninterruptible(self.class.name), |_| attempt(self).then_some(()));
        debug_assert!(taken.is_ok(), "an uninterruptible wait without a deadline ends only with its event");
        let lock = Hex(self.identity() as u64);
        crate::probe!(lock::rwlock(lock, time::now().since(began), self.class.rank.into(), is_write));
    }

    /// Takes it for reading.
    #[track_caller]
    pub fn read<'m>(&'m self, cx: &mut CurrentThread) -> ReadGuard<'m, T> {
        cx.assert_may_sleep();
        header::current().push_held(self.class, self.identity(), Location::caller());
        if !self.try_read() {
            self.wait(cx, &self.readers, false, Self::try_read);
        }
        header::current().note_got(self.identity());
        ReadGuard { lock: self, _not_send: PhantomData }
    }

    /// Takes it for writing.
    #[track_caller]
    pub fn write<'m>(&'m self, cx: &mut CurrentThread) -> WriteGuard<'m, T> {
        cx.assert_may_sleep();
        header::current().push_held(self.class, self.identity(), Location::caller());
        if self.state.compare_exchange(0, WRITER, Ordering::Acquire, Ordering::Relaxed).is_err() {
            self.wait(cx, &self.writers, true, Self::try_write);
        }
        header::current().note_got(self.identity());
        WriteGuard { lock: self, _not_send: PhantomData }
    }

    /// The value, without locking, for sole owners.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

/// Held for reading.
#[must_use]
#[clippy::has_significant_drop]
pub struct ReadGuard<'m, T> {
    lock: &'m RwLock<T>,
    _not_send: PhantomData<*mut ()>,
}

/// Held for writing.
#[must_use]
#[clippy::has_significant_drop]
pub struct WriteGuard<'m, T> {
    lock: &'m RwLock<T>,
    _not_send: PhantomData<*mut ()>,
}

impl<T> Deref for ReadGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: no writer while a reader's guard lives.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> Deref for WriteGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: nobody else while the writer's guard lives.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for WriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: nobody else while the writer's guard lives, and the guard is borrowed mutably.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for ReadGuard<'_, T> {
    fn drop(&mut self) {
        header::current().pop_held(self.lock.identity());
        let before = self.lock.state.fetch_sub(1, Ordering::Release);
        if before & READERS == 1 && before & WRITER_WAITS != 0 {
            self.lock.writers.wake(1);
        }
    }
}

impl<T> Drop for WriteGuard<'_, T> {
    fn drop(&mut self) {
        header::current().pop_held(self.lock.identity());
        // The mark goes too: readers get their turn, and a writer that still waits marks again when it looks.
        self.lock.state.store(0, Ordering::Release);
        self.lock.writers.wake(1);
        self.lock.readers.wake_all();
    }
}
