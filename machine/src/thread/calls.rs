//! What a thread notes of its system calls: the last one's number, for dumps, and how many there were.
//!
//! Main types: [`CallNotes`] in each thread, [`CallCount`] in the loop that serves the thread's calls, which keeps it in a register. Where the
//! CPU adds to memory in one instruction, calls are counted like everything else ([`counter`]). Where it cannot, that would be four
//! instructions in each call: there the count goes into the thread beside the number, in one store of a pair, and what is new of it becomes
//! the CPU's at a switch, at a tick and when somebody is about to read ([`settle`]).
//!
//! Invariants: `made` is stored by its own thread only; `told` by the CPU that runs the thread, with interrupts off. `made - told` calls are not
//! in any CPU's counter yet, the others are in that of the CPU where they were made.
use super::{CurrentThread, Thread, header};
use crate::arch;
use crate::sync::barrier;
use crate::trace::{self, Counter, IS_TRACED};
use core::mem::offset_of;
use core::sync::atomic::{AtomicU64, Ordering};

/// The notes of a thread. The first two words are stored as a pair, see `arch::cpu::note_call`.
#[repr(C)]
pub(crate) struct CallNotes {
    /// The last call's number, one added; 0: none yet.
    last: AtomicU64,
    /// Calls made, where threads count them.
    made: AtomicU64,
    /// How many of them the CPUs' counters have.
    told: AtomicU64,
}
const _: () = assert!(offset_of!(CallNotes, last) == 0 && offset_of!(CallNotes, made) == size_of::<u64>());

/// How many calls the loop of a thread has served: starts with the thread.
#[derive(Debug, Default)]
pub struct CallCount(u64);

/// Whether calls are counted in threads first.
const IN_THREADS: bool = IS_TRACED && arch::cpu::COUNTS_CALLS_IN_THREADS;

/// The number of a call as threads keep it: one less, and none for zero.
pub(crate) fn call_number(kept: u64) -> Option<u64> {
    kept.checked_sub(1)
}

impl CallNotes {
    /// No call yet.
    pub(super) const fn new() -> CallNotes {
        CallNotes { last: AtomicU64::new(0), made: AtomicU64::new(0), told: AtomicU64::new(0) }
    }

    /// The last call as it is kept; see [`call_number`].
    #[inline(always)]
    pub(super) fn last(&self) -> u64 {
        self.last.load(Ordering::Relaxed)
    }

    /// Counts what is not in this CPU's counter yet. The thread runs on this CPU, or did until now; interrupts are off.
    #[inline(always)]
    pub(super) fn tell(&self) {
        if IN_THREADS {
            let made = self.made.load(Ordering::Relaxed);
            trace::add(Counter::Syscalls, made.wrapping_sub(self.told.load(Ordering::Relaxed)));
            self.told.store(made, Ordering::Relaxed);
        }
    }
}

impl CurrentThread {
    /// Notes and counts the system call that the thread is about to make, so cheaply that it can always be on.
    #[inline(always)]
    pub fn note_call(&self, number: u64, count: &mut CallCount) {
        let thread: &Thread = self.thread();
        let kept = number.wrapping_add(1);
        if IS_TRACED {
            const OFFSET: usize = offset_of!(Thread, calls);
            const COUNTER: usize = Counter::Syscalls as usize * size_of::<AtomicU64>();
            // SAFETY: at this offset of the thread lie two words that other CPUs only read.
            unsafe { arch::cpu::note_call::<OFFSET, COUNTER>(core::ptr::from_ref(thread).cast(), kept, &mut count.0) };
        } else {
            thread.calls.last.store(kept, Ordering::Relaxed);
        }
    }
}

/// Counts what this CPU's thread has not told yet. Interrupts are off.
pub(crate) fn tell_here() {
    if IN_THREADS {
        // SAFETY: null or this CPU's data, which lives for ever. Not from the stack, which may be a failing CPU's last one.
        let running = unsafe { arch::cpu::local().as_ref() }.map(|cpu| cpu.running.load(Ordering::Relaxed));
        // SAFETY: null before the first thread, else the thread that runs here, which is alive.
        if let Some(running) = running.and_then(|running| unsafe { running.as_ref() }) {
            running.calls.tell();
        }
    }
}

/// Makes the counters hold all that has been counted until now, by threads that run as well: asks every CPU, where that is needed.
pub fn settle(cx: &mut CurrentThread) {
    if IN_THREADS {
        barrier::everywhere(cx);
        let header = header::interrupts_off();
        tell_here();
        header::interrupts_on(header);
    }
}
