//! Spin locks. [`SpinLock`] keeps preemption off while held, `SpinLock<_, IrqSafe>` interrupts.
//!
//! Two kinds because a lock that interrupt handlers take must never be held with interrupts on, and one that only threads
//! take need not pay for that. The guard borrows the token it was given, so a thread cannot sleep while it holds one.
//! A thread-only lock is never taken with interrupts off: its holder may be preempted by a handler that waits for the lock
//! that the caller holds.
use super::raw::Word;
use crate::thread::header::{self, StackHeader};
use crate::thread::{Context, CurrentThread};
use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::panic::Location;

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
    word: Word,
    class: &'static LockClass,
    value: UnsafeCell<T>,
    _kind: PhantomData<fn() -> K>,
}

// SAFETY: the word lets one thread at a time reach the value.
unsafe impl<T: Send, K> Sync for SpinLock<T, K> {}

impl<T, K> SpinLock<T, K> {
    /// An unlocked lock.
    pub const fn new(class: &'static LockClass, value: T) -> Self {
        SpinLock { word: Word::new(), class, value: UnsafeCell::new(value), _kind: PhantomData }
    }

    /// Runs `f` as a leaf section: no token needed because nothing else can be called under it but `f`,
    /// which must not lock, sleep or call out. Interrupts are off during `f`.
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        let header = header::interrupts_off();
        self.word.acquire(self.class.name, self.class.rank);
        // SAFETY: the word is ours until `release`, and `f` cannot keep the reference.
        let result = f(unsafe { &mut *self.value.get() });
        self.word.release();
        header::interrupts_on(header);
        result
    }

    /// The value, without locking, for sole owners.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// The value, without locking.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }

    #[inline(always)]
    fn acquire(
        &self,
        header: &'static StackHeader,
        site: &'static Location<'static>,
        is_irq_safe: bool,
    ) -> SpinGuard<'_, T> {
        header.push_held(self.class, core::ptr::from_ref(&self.word) as usize, site);
        self.word.acquire(self.class.name, self.class.rank);
        header.note_got(core::ptr::from_ref(&self.word) as usize);
        SpinGuard { word: &self.word, value: self.value.get(), is_irq_safe, _value: PhantomData }
    }
}

impl<T> SpinLock<T, ThreadOnly> {
    /// Takes the lock. The guard borrows the token, so the thread cannot sleep while it lives.
    #[track_caller]
    #[inline]
    pub fn lock<'a>(&'a self, _cx: &'a CurrentThread) -> SpinGuard<'a, T> {
        let header = header::preempt_off();
        if header.interrupts_off.get() != 0 {
            interrupts_are_off(self.class);
        }
        self.acquire(header, Location::caller(), false)
    }
}

impl<T> SpinLock<T, IrqSafe> {
    /// Takes the lock with interrupts off.
    #[track_caller]
    #[inline]
    pub fn lock<'a>(&'a self, _cx: &'a impl Context) -> SpinGuard<'a, T> {
        let header = header::interrupts_off();
        self.acquire(header, Location::caller(), true)
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn interrupts_are_off(class: &'static LockClass) -> ! {
    panic!("spin lock {} is for threads and was taken with interrupts off", class.name);
}

/// A held spin lock.
#[must_use]
#[clippy::has_significant_drop]
pub struct SpinGuard<'a, T> {
    word: &'a Word,
    value: *mut T,
    is_irq_safe: bool,
    _value: PhantomData<&'a mut T>,
}

impl<T> Deref for SpinGuard<'_, T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the word is ours while the guard lives.
        unsafe { &*self.value }
    }
}

impl<T> DerefMut for SpinGuard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the word is ours while the guard lives, and the guard is borrowed mutably.
        unsafe { &mut *self.value }
    }
}

impl<T> Drop for SpinGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.word.release();
        let header = header::current();
        header.pop_held(core::ptr::from_ref(self.word) as usize);
        if self.is_irq_safe {
            header::interrupts_on(header);
        } else {
            header::preempt_on(header);
        }
    }
}
