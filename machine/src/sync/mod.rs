//! Locks and waiting. Three kinds of lock: [`SpinLock`], `SpinLock<_, IrqSafe>` and [`Mutex`] (sleeps), plus
//! [`RwLock`] (sleeps). Which one is a property of the data and stands in its type.
//!
//! Every lock names its [`LockClass`]; checked builds compare ranks at each acquire: a lock may be taken only while
//! all held locks have a lower rank.
use crate::thread::{Context, CurrentThread, Thread};
use crate::time::Instant;
use alloc::sync::Arc;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

/// A kind of lock: its place in the order.
#[derive(Debug)]
pub struct LockClass {
    /// As shown in listings and panics.
    pub name: &'static str,
    /// Locks are taken in rising rank. Two of the same class are never held together.
    pub rank: u16,
}

/// Marks a spin lock taken by threads only.
pub struct ThreadOnly;
/// Marks a spin lock that interrupt handlers take too: taking it turns interrupts off.
pub struct IrqSafe;

/// A spin lock. While held, preemption is off; with [`IrqSafe`], interrupts too.
pub struct SpinLock<T, K = ThreadOnly> {
    _value: core::cell::UnsafeCell<T>,
    _kind: PhantomData<K>,
}

impl<T, K> SpinLock<T, K> {
    /// An unlocked lock.
    pub const fn new(_class: &'static LockClass, value: T) -> Self {
        SpinLock { _value: core::cell::UnsafeCell::new(value), _kind: PhantomData }
    }
    /// Runs `f` as a leaf section: no token needed because nothing else can be called under it but `f`,
    /// which must not lock, sleep or call out. Interrupts are off during `f`.
    pub fn with<R>(&self, _f: impl FnOnce(&mut T) -> R) -> R {
        todo!()
    }
}

impl<T> SpinLock<T, ThreadOnly> {
    /// Takes the lock. The guard borrows the token, so the thread cannot sleep while it lives.
    #[track_caller]
    pub fn lock<'a>(&'a self, _cx: &'a CurrentThread) -> SpinGuard<'a, T> {
        todo!()
    }
}

impl<T> SpinLock<T, IrqSafe> {
    /// Takes the lock with interrupts off.
    #[track_caller]
    pub fn lock<'a>(&'a self, _cx: &'a impl Context) -> SpinGuard<'a, T> {
        todo!()
    }
}

/// A held spin lock.
#[must_use]
pub struct SpinGuard<'a, T> {
    _lock: PhantomData<&'a mut T>,
    _not_send: PhantomData<*mut ()>,
}
impl<T> Deref for SpinGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        todo!()
    }
}
impl<T> DerefMut for SpinGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        todo!()
    }
}
impl<T> Drop for SpinGuard<'_, T> {
    fn drop(&mut self) {
        todo!()
    }
}

/// A lock whose waiters sleep. May be held while sleeping; never by an interrupt handler.
pub struct Mutex<T> {
    _value: core::cell::UnsafeCell<T>,
}

impl<T> Mutex<T> {
    /// An unlocked mutex.
    pub const fn new(_class: &'static LockClass, value: T) -> Self {
        Mutex { _value: core::cell::UnsafeCell::new(value) }
    }
    /// Takes it, sleeping as needed (not interruptibly). The guard does not borrow the token.
    #[track_caller]
    pub fn lock<'m>(&'m self, _cx: &mut CurrentThread) -> MutexGuard<'m, T> {
        todo!()
    }
    /// Takes it if it is free.
    pub fn try_lock<'m>(&'m self, _cx: &CurrentThread) -> Option<MutexGuard<'m, T>> {
        todo!()
    }
    /// The value, without locking, for sole owners.
    pub fn get_mut(&mut self) -> &mut T {
        todo!()
    }
    /// The value, without locking.
    pub fn into_inner(self) -> T {
        todo!()
    }
}

/// A held mutex; dropping it wakes one waiter.
#[must_use]
pub struct MutexGuard<'m, T> {
    _lock: &'m Mutex<T>,
    _not_send: PhantomData<*mut ()>,
}
impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        todo!()
    }
}
impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        todo!()
    }
}
impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        todo!()
    }
}

/// A sleeping lock with many readers or one writer; writers are not starved.
pub struct RwLock<T> {
    _value: core::cell::UnsafeCell<T>,
}
impl<T> RwLock<T> {
    /// An unlocked lock.
    pub const fn new(_class: &'static LockClass, value: T) -> Self {
        RwLock { _value: core::cell::UnsafeCell::new(value) }
    }
    /// Takes it for reading.
    #[track_caller]
    pub fn read<'m>(&'m self, _cx: &mut CurrentThread) -> ReadGuard<'m, T> {
        todo!()
    }
    /// Takes it for writing.
    #[track_caller]
    pub fn write<'m>(&'m self, _cx: &mut CurrentThread) -> WriteGuard<'m, T> {
        todo!()
    }
}
/// Held for reading.
#[must_use]
pub struct ReadGuard<'m, T> {
    _lock: &'m RwLock<T>,
    _not_send: PhantomData<*mut ()>,
}
/// Held for writing.
#[must_use]
pub struct WriteGuard<'m, T> {
    _lock: &'m RwLock<T>,
    _not_send: PhantomData<*mut ()>,
}
impl<T> Deref for ReadGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        todo!()
    }
}
impl<T> Deref for WriteGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        todo!()
    }
}
impl<T> DerefMut for WriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        todo!()
    }
}

/// How a wait is done.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    /// What is waited for, for listings, the watchdog and dumps.
    pub reason: &'static str,
    /// Whether [`Thread::notify`] ends it.
    pub is_interruptible: bool,
    /// When it ends with [`WaitError::TimedOut`].
    pub deadline: Option<Instant>,
}

impl Wait {
    /// An interruptible wait without a deadline.
    pub const fn interruptible(reason: &'static str) -> Wait {
        Wait { reason, is_interruptible: true, deadline: None }
    }
    /// A wait that only its event ends.
    pub const fn uninterruptible(reason: &'static str) -> Wait {
        Wait { reason, is_interruptible: false, deadline: None }
    }
    /// The same with a deadline.
    pub const fn until(self, deadline: Option<Instant>) -> Wait {
        Wait { deadline, ..self }
    }
}

/// Why a wait ended without its event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WaitError {
    /// The thread was notified (see [`Thread::notify`]).
    Interrupted,
    /// The deadline passed.
    TimedOut,
}

/// Something a [`WaitQueue`] can wake. Called with the queue's lock held and perhaps in interrupt context: must only
/// record and unpark.
pub trait Wake: Send + Sync {
    /// The event happened. Returns whether this waiter consumed a wake-up (counts for `wake(n)`).
    fn wake(&self) -> bool;
}

/// One thread's interest in one or several queues (poll waits on many).
pub struct Waiter {
    _thread: Arc<Thread>,
}

impl Waiter {
    /// A waiter for the calling thread, not yet woken.
    pub fn new(_cx: &CurrentThread) -> Arc<Waiter> {
        todo!()
    }
    /// Sleeps until woken since the last call, or as `how` says. A wake-up that came before the call is not lost.
    pub fn wait(&self, _cx: &mut CurrentThread, _how: Wait) -> Result<(), WaitError> {
        todo!()
    }
}
impl Wake for Waiter {
    fn wake(&self) -> bool {
        todo!()
    }
}

/// A place where threads wait for an event. Takes no lock of the caller's; wakes from any context.
pub struct WaitQueue {
    _private: (),
}

impl WaitQueue {
    /// An empty queue.
    pub const fn new() -> WaitQueue {
        WaitQueue { _private: () }
    }
    /// Evaluates `ready`; if `None`, sleeps and evaluates again after each wake-up. The thread is queued before `ready` is
    /// evaluated again, so a wake-up between the check and the sleep is never lost. `ready` may take sleeping locks.
    /// When notified or past the deadline `ready` has the last word.
    pub fn wait<R>(
        &self,
        _cx: &mut CurrentThread,
        _how: Wait,
        _ready: impl FnMut(&mut CurrentThread) -> Option<R>,
    ) -> Result<R, WaitError> {
        todo!()
    }
    /// Wakes every waiter.
    pub fn wake_all(&self) {
        todo!()
    }
    /// Wakes up to `n` waiters in arrival order; answers how many.
    pub fn wake(&self, _n: usize) -> usize {
        todo!()
    }
    /// Adds a waiter (poll, epoll). It stays until removed.
    pub fn add(&self, _waiter: Arc<dyn Wake>) {
        todo!()
    }
    /// Removes it again (compared by address).
    pub fn remove(&self, _waiter: &Arc<dyn Wake>) {
        todo!()
    }
}

/// A value set once at start and read by everyone after.
pub use spin::Once;

// SAFETY: the lock hands out its value to one holder at a time, so sharing the lock moves the value between threads.
unsafe impl<T: Send, K> Sync for SpinLock<T, K> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Mutex<T> {}
// SAFETY: as above, and readers share the value.
unsafe impl<T: Send + Sync> Sync for RwLock<T> {}
