//! The spinning itself: one word, test and set. [`RawSpin`] is the leaf lock that `machine` uses for its own innermost
//! structures (run queues, frames, heap, timers): it turns interrupts off, records nothing and checks no order.
//!
//! Test and set rather than tickets: with more virtual CPUs than real ones a ticket's owner is often not running, and
//! then nobody gets the lock.
use crate::arch;
use crate::thread::header;
use crate::time;
use crate::trace::providers::{Hex, lock};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

/// Seconds after which a spinning CPU says so in the log, once. It spins on: on a busy host the holder's virtual CPU may simply
/// not be run.
const STUCK_SECONDS: u64 = 20;

/// The word of a spin lock.
pub(super) struct Word(AtomicBool);

impl Word {
    pub(super) const fn new() -> Word {
        Word(AtomicBool::new(false))
    }

    #[inline(always)]
    pub(super) fn try_acquire(&self) -> bool {
        !self.0.swap(true, Ordering::Acquire)
    }

    #[inline(always)]
    pub(super) fn acquire(&self, name: &'static str, rank: u16) {
        if !self.try_acquire() {
            self.spin(name, rank);
        }
    }

    #[inline(always)]
    pub(super) fn release(&self) {
        self.0.store(false, Ordering::Release);
    }

    #[cold]
    #[inline(never)]
    fn spin(&self, name: &'static str, rank: u16) {
        crate::trace::count(crate::trace::Counter::SpinContentions);
        let mut rounds = 0u32;
        let spin_began = arch::timer::ticks();
        let mut started = 0;
        let mut is_told = false;
        loop {
            while self.0.load(Ordering::Relaxed) {
                arch::cpu::pause();
                rounds = rounds.wrapping_add(1);
                if rounds & 0xffff == 0 {
                    let now = arch::timer::ticks();
                    if started == 0 {
                        started = now;
                    } else if !is_told && now - started > STUCK_SECONDS * arch::timer::ticks_per_second() {
                        is_told = true;
                        crate::log!(Error, "spin lock {name}: not free for {STUCK_SECONDS} s, spinning on");
                    }
                }
            }
            if self.try_acquire() {
                let lock = Hex(core::ptr::from_ref(self) as u64);
                let waited_ns = time::ns_of_ticks(arch::timer::ticks() - spin_began);
                crate::probe!(lock::spin(lock, waited_ns, rank.into()));
                return;
            }
        }
    }
}

/// A leaf lock of `machine`; see the module.
pub(crate) struct RawSpin<T> {
    word: Word,
    name: &'static str,
    value: UnsafeCell<T>,
}

// SAFETY: the word lets one CPU at a time reach the value; a thread keeps it on one CPU by turning interrupts off.
unsafe impl<T: Send> Sync for RawSpin<T> {}
// SAFETY: as for the value itself.
unsafe impl<T: Send> Send for RawSpin<T> {}

impl<T> RawSpin<T> {
    pub(crate) const fn new(name: &'static str, value: T) -> RawSpin<T> {
        RawSpin { word: Word::new(), name, value: UnsafeCell::new(value) }
    }

    /// Runs `body` with the lock held and interrupts off.
    #[inline(always)]
    pub(crate) fn with<R>(&self, body: impl FnOnce(&mut T) -> R) -> R {
        let header = header::interrupts_off();
        self.word.acquire(self.name, 0);
        // SAFETY: the word is ours until `release`, and `body` cannot keep the reference.
        let result = body(unsafe { &mut *self.value.get() });
        self.word.release();
        header::interrupts_on(header);
        result
    }

    /// Takes the lock. Interrupts are off already.
    #[inline(always)]
    pub(crate) fn acquire(&self) {
        self.word.acquire(self.name, 0);
    }

    /// Takes the lock if it is free. Interrupts are off already.
    #[inline(always)]
    pub(crate) fn try_acquire(&self) -> bool {
        self.word.try_acquire()
    }

    /// Gives the lock back.
    ///
    /// # Safety
    /// 1. This CPU holds it, and no reference from [`value`](Self::value) is used after.
    #[inline(always)]
    pub(crate) unsafe fn release(&self) {
        self.word.release();
    }

    /// The value.
    ///
    /// # Safety
    /// 1. This CPU holds the lock (or nobody else exists yet), and no other reference to the value is in use.
    #[expect(clippy::mut_from_ref, reason = "the lock's word is what makes it exclusive")]
    #[inline(always)]
    pub(crate) unsafe fn value(&self) -> &mut T {
        // SAFETY: exclusive by (1).
        unsafe { &mut *self.value.get() }
    }
}
