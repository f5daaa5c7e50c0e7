//! What each CPU keeps for scheduling: the queue of runnable threads and the account of the running one.
//!
//! Invariants: a thread's [`Sched`] is touched under the lock of the queue of its home CPU; the home changes under that lock.
use crate::arch;
use crate::cpu::{self, CpuId, CpuLocal};
use crate::sync::RawSpin;
use crate::thread::thread::{RunState, Sched};
use crate::thread::{Thread, header};
use crate::time;
use core::cell::Cell;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use pure::ready_threads::{ReadyRoom, ReadyThreads};

/// Runnable threads of a CPU and the account of the running one.
pub(super) struct Queue {
    pub(super) ready: ReadyThreads<NonNull<Thread>>,
    /// Ticks up to which the running thread's time is accounted.
    pub(super) since: u64,
    /// Nanoseconds the running thread has had since it was switched to.
    pub(super) slice_ns: u64,
}

// SAFETY: the pointers are to threads that are alive while they are runnable.
unsafe impl Send for Queue {}

/// What is left to do once the previous thread's registers are saved.
#[derive(Clone, Copy)]
pub(super) enum After {
    Nothing,
    /// It has ended: its stack is free.
    Ended(NonNull<Thread>),
    /// It may not stay on this CPU.
    Move(NonNull<Thread>),
}

/// One CPU's scheduler.
pub(crate) struct Scheduler {
    pub(super) queue: RawSpin<Queue>,
    /// Threads in the queue, for peeking without the lock.
    pub(super) waiting: AtomicUsize,
    /// The highest rank among them; 0 for none.
    pub(super) waiting_rank: AtomicU8,
    /// The rank of the running thread; 0 for the idle one.
    pub(super) running_rank: AtomicU8,
    pub(super) idle: AtomicPtr<Thread>,
    pub(super) idle_ns: AtomicU64,
    pub(super) switches: AtomicU64,
    /// Own CPU, across a switch.
    pub(super) after: Cell<After>,
    /// Ended threads whose list reference is to be dropped, linked by `next`. Own CPU, interrupts off.
    pub(super) ended: Cell<*mut Thread>,
}

impl Scheduler {
    pub(crate) const fn new() -> Scheduler {
        Scheduler {
            queue: RawSpin::new("run queue", Queue { ready: ReadyThreads::new(), since: 0, slice_ns: 0 }),
            waiting: AtomicUsize::new(0),
            waiting_rank: AtomicU8::new(0),
            running_rank: AtomicU8::new(0),
            idle: AtomicPtr::new(ptr::null_mut()),
            idle_ns: AtomicU64::new(0),
            switches: AtomicU64::new(0),
            after: Cell::new(After::Nothing),
            ended: Cell::new(ptr::null_mut()),
        }
    }

    /// Nanoseconds spent idle.
    pub(crate) fn idle_ns(&self, cpu: &CpuLocal) -> u64 {
        let current = if cpu.is_idle.load(Ordering::Relaxed) {
            self.queue.with(|queue| time::ns_of_ticks(arch::timer::ticks().saturating_sub(queue.since)))
        } else {
            0
        };
        self.idle_ns.load(Ordering::Relaxed) + current
    }

    /// Threads running or waiting here.
    pub(crate) fn active(&self, cpu: &CpuLocal) -> usize {
        let running = cpu.running.load(Ordering::Relaxed);
        let is_busy = !running.is_null() && running != self.idle.load(Ordering::Relaxed);
        self.waiting.load(Ordering::Relaxed) + usize::from(is_busy)
    }

    /// Tells those who peek what is in the queue.
    pub(super) fn note_waiting(&self, queue: &Queue) {
        self.waiting_rank.store(queue.ready.highest_rank(), Ordering::Relaxed);
        self.waiting.store(queue.ready.len(), Ordering::SeqCst);
    }

    /// Makes the calling context the idle thread of its CPU. Boot only, interrupts off.
    pub(in crate::thread) fn adopt_idle(&self, cpu: &CpuLocal, thread: *const Thread) {
        self.idle.store(thread.cast_mut(), Ordering::Release);
        cpu.running.store(thread.cast_mut(), Ordering::Release);
        self.queue.with(|queue| queue.since = arch::timer::ticks());
    }

    /// Makes room for `count` threads; false without memory.
    pub(in crate::thread) fn reserve(&self, count: usize) -> bool {
        if self.queue.with(|queue| queue.ready.capacity()) >= count {
            return true;
        }
        let Some(room) = ReadyRoom::new(count.next_power_of_two().max(64)) else {
            return false;
        };
        let old = self.queue.with(|queue| queue.ready.grow(room));
        drop(old);
        true
    }
}

/// The part of a thread that its home queue's lock protects.
///
/// # Safety
/// 1. The lock of the thread's home queue is held.
#[expect(clippy::mut_from_ref, reason = "the home queue's lock is what makes it exclusive")]
pub(super) unsafe fn sched(thread: &Thread) -> &mut Sched {
    // SAFETY: exclusive by (1).
    unsafe { &mut *thread.sched.get() }
}

/// Runs `body` with interrupts off and the thread's home queue locked.
pub(super) fn at_home<R>(thread: &Thread, body: impl FnOnce(&'static CpuLocal, &mut Queue) -> R) -> R {
    let header = header::interrupts_off();
    let (home, result) = loop {
        let home = home_of(thread);
        home.scheduler.queue.acquire();
        if thread.cpu.load(Ordering::Relaxed) == home.id.0 {
            // SAFETY: the lock is held.
            break (home, body(home, unsafe { home.scheduler.queue.value() }));
        }
        // SAFETY: acquired above.
        unsafe { home.scheduler.queue.release() };
    };
    // SAFETY: acquired above.
    unsafe { home.scheduler.queue.release() };
    header::interrupts_on(header);
    result
}

pub(super) fn home_of(thread: &Thread) -> &'static CpuLocal {
    // PROOF: `cpu` only ever gets numbers of CPUs that are registered.
    cpu::of(CpuId(thread.cpu.load(Ordering::Acquire))).expect("a thread's home is a CPU that is up")
}

/// Runs `body` on the scheduling state, under the home queue's lock.
pub(in crate::thread) fn with_home<R>(thread: &Thread, body: impl FnOnce(&mut Sched) -> R) -> R {
    // SAFETY: `at_home` holds the lock.
    at_home(thread, |_, _| body(unsafe { sched(thread) }))
}

/// As [`with_home`], if the lock is free: for a kernel that has failed, on any stack, interrupts off in the hardware.
pub(in crate::thread) fn try_with_home<R>(thread: &Thread, body: impl FnOnce(&mut Sched) -> R) -> Option<R> {
    let queue = &home_of(thread).scheduler.queue;
    if !queue.try_acquire() {
        return None;
    }
    // SAFETY: the lock is held; the other CPUs have been stopped, so the home does not change.
    let result = body(unsafe { sched(thread) });
    // SAFETY: acquired above.
    unsafe { queue.release() };
    Some(result)
}

/// Runs `body` on the scheduling state and the nanoseconds the thread has had so far, under the home queue's lock.
pub(in crate::thread) fn with_total<R>(thread: &Thread, body: impl FnOnce(&mut Sched, u64) -> R) -> R {
    at_home(thread, |_, queue| {
        // SAFETY: the lock is held.
        let sched = unsafe { sched(thread) };
        let unaccounted = match sched.state {
            RunState::Running => time::ns_of_ticks(arch::timer::ticks().saturating_sub(queue.since)),
            _ => 0,
        };
        body(sched, thread.run_ns.load(Ordering::Relaxed) + unaccounted)
    })
}

/// Charges the running thread for its time up to now.
#[inline(always)]
pub(super) fn account(cpu: &CpuLocal, queue: &mut Queue, thread: &Thread) {
    let now = arch::timer::ticks();
    let ns = time::ns_of_ticks(now.saturating_sub(queue.since));
    queue.since = now;
    queue.slice_ns += ns;
    if thread.is_idle {
        cpu.scheduler.idle_ns.fetch_add(ns, Ordering::Relaxed);
    } else {
        // A thread is charged by one CPU at a time: plain addition will do.
        thread.run_ns.store(thread.run_ns.load(Ordering::Relaxed) + ns, Ordering::Relaxed);
        // SAFETY: the caller holds the lock of this CPU's queue, which is the running thread's home.
        let sched = unsafe { sched(thread) };
        sched.virtual_run_time += sched.schedule.virtual_time(ns);
        queue.ready.account(sched.schedule, ns, sched.virtual_run_time, time::ns_of_ticks(now));
    }
}
