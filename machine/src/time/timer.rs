//! Timers. Each CPU has a queue of deadlines (`pure::timer_queue`) and programs its hardware for the soonest of them and of the
//! scheduler's tick. A timer is armed on the CPU that arms it.
//!
//! The profiler's samples (`sample`) come by the same hardware, at the beginning of its interrupt.
//!
//! The tick runs only while a thread other than the idle one does; an idle CPU is woken by nothing but its deadlines.
//!
//! Invariants: a node is in the queue of CPU `cpu`, or in none (`cpu` is [`NOWHERE`]); both change under that queue's lock.
//! Every queue has room for every timer: room is made when a timer is created.
//! Locks: one timer queue's; under it a run queue's (unparking threads).
use super::Instant;
use super::clock::{now, ticks_at};
use crate::arch;
use crate::cpu::{self, CpuId, CpuLocal};
use crate::sample::{self, SampleClock};
use crate::sync::RawSpin;
use crate::thread::{self, IrqContext, Thread, header, scheduler};
use crate::trace::providers::Hex;
use crate::trace::{self, Counter};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::{Cell, UnsafeCell};
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use pure::timer_queue::{Placed, TimerQueue};

/// In no queue.
const NOWHERE: u32 = u32::MAX;
/// Time between ticks.
const TICK_NS: u64 = 4_000_000;
/// Not programmed.
const NEVER: u64 = u64::MAX;

/// Called in interrupt context when a [`Timer`] expires. Must only record and wake.
pub trait Expire: Send + Sync {
    /// The timer armed for `deadline` has expired.
    fn expire(&self, cx: &IrqContext, deadline: Instant);
}

/// What the queues hold.
pub(crate) struct TimerNode {
    place: AtomicUsize,
    cpu: AtomicU32,
    deadline: AtomicU64,
    /// The thread to unpark, if this is a thread's own timer; it is alive while the timer is armed.
    thread: AtomicPtr<Thread>,
    /// What to call otherwise. Replaced only by [`Timer`]'s drop, when the node is in no queue and not firing.
    target: UnsafeCell<Option<Arc<dyn Expire>>>,
    /// The target is being called.
    is_firing: AtomicBool,
}

// SAFETY: `target` is written only when nobody else can reach it (see the field).
unsafe impl Send for TimerNode {}
// SAFETY: as above.
unsafe impl Sync for TimerNode {}

/// A reference as the queue keeps it.
struct Queued(Arc<TimerNode>);

impl Placed for Queued {
    fn set_place(&self, index: usize) {
        self.0.place.store(index, Ordering::Relaxed);
    }
    fn place(&self) -> usize {
        self.0.place.load(Ordering::Relaxed)
    }
}

/// One CPU's deadlines.
pub(crate) struct CpuTimers {
    queue: RawSpin<TimerQueue<Queued>>,
    /// What the hardware is programmed for, in nanoseconds since boot. Own CPU, interrupts off.
    programmed: Cell<u64>,
    /// When the next tick is due, or [`NEVER`]. Own CPU, interrupts off.
    next_tick: Cell<u64>,
    /// When the CPU is to be sampled. Own CPU, interrupts off.
    samples: SampleClock,
}

impl CpuTimers {
    pub(crate) const fn new() -> CpuTimers {
        CpuTimers {
            queue: RawSpin::new("timer queue", TimerQueue::new()),
            programmed: Cell::new(NEVER),
            next_tick: Cell::new(NEVER),
            samples: SampleClock::new(),
        }
    }

    /// The profiler's clock.
    #[inline(always)]
    pub(crate) fn samples(&self) -> &SampleClock {
        &self.samples
    }

    /// An idle CPU needs no tick. The one that is started when it has work again also sees to the samples.
    pub(crate) fn rest(&self) {
        self.next_tick.set(NEVER);
    }

    /// Programs the hardware if `deadline_ns` comes before what it is programmed for. Own CPU, interrupts off.
    pub(crate) fn program_if_sooner(&self, deadline_ns: u64) {
        if deadline_ns < self.programmed.get() {
            self.programmed.set(deadline_ns);
            arch::timer::set_deadline(Some(ticks_at(Instant(deadline_ns))));
        }
    }

    fn has_room(&self, count: usize) -> bool {
        if self.queue.with(|queue| queue.capacity()) >= count {
            return true;
        }
        let mut room = Vec::new();
        if room.try_reserve_exact(count.next_power_of_two().max(64)).is_err() {
            return false;
        }
        let old = self.queue.with(|queue| queue.grow(room));
        drop(old);
        true
    }
}

/// Timers that exist.
static TIMERS: AtomicUsize = AtomicUsize::new(0);

impl TimerNode {
    fn new(target: Option<Arc<dyn Expire>>) -> Arc<TimerNode> {
        let count = TIMERS.fetch_add(1, Ordering::Relaxed) + 1;
        let has_room = cpu::each().all(|cpu| cpu.timers.has_room(count));
        assert!(has_room, "the heap's reserve covers timer queues");
        Arc::new(TimerNode {
            place: AtomicUsize::new(0),
            cpu: AtomicU32::new(NOWHERE),
            deadline: AtomicU64::new(0),
            thread: AtomicPtr::new(ptr::null_mut()),
            target: UnsafeCell::new(target),
            is_firing: AtomicBool::new(false),
        })
    }

    /// A thread's own timer.
    pub(crate) fn for_thread() -> Arc<TimerNode> {
        TimerNode::new(None)
    }

    /// The deadline, if it is armed.
    pub(crate) fn armed_for(&self) -> Option<Instant> {
        (self.cpu.load(Ordering::Relaxed) != NOWHERE).then(|| Instant(self.deadline.load(Ordering::Relaxed)))
    }

    /// Arms it to unpark `thread`, which disarms it before it ends.
    pub(crate) fn arm_for_thread(self: &Arc<Self>, thread: NonNull<Thread>, deadline: Instant) {
        self.thread.store(thread.as_ptr(), Ordering::Relaxed);
        self.arm(deadline);
    }

    /// As probes tell it.
    fn told(&self) -> Hex {
        Hex(ptr::from_ref(self).addr() as u64)
    }

    fn arm(self: &Arc<Self>, deadline: Instant) {
        self.disarm();
        crate::probe!(trace::providers::timer::arm(self.told(), deadline.0));
        let header = header::interrupts_off();
        let cpu = header.cpu();
        cpu.timers.queue.with(|queue| {
            // Two CPUs may arm the same timer at once; one of them wins.
            if self.cpu.compare_exchange(NOWHERE, cpu.id.0, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                self.deadline.store(deadline.0, Ordering::Relaxed);
                let pushed = queue.push(deadline.0, Queued(self.clone()));
                assert!(pushed.is_ok(), "every queue has room for every timer");
            }
        });
        cpu.timers.program_if_sooner(deadline.0);
        header::interrupts_on(header);
    }

    /// Takes it out of its queue; false if it was in none.
    pub(crate) fn disarm(&self) -> bool {
        loop {
            let Some(home) = cpu::of(CpuId(self.cpu.load(Ordering::Acquire))) else {
                return false;
            };
            let removed = home.timers.queue.with(|queue| {
                if self.cpu.load(Ordering::Relaxed) != home.id.0 {
                    return None;
                }
                self.cpu.store(NOWHERE, Ordering::Release);
                queue.remove(self.place.load(Ordering::Relaxed))
            });
            if let Some(removed) = removed {
                // The queue's reference is not the last one: the caller has one.
                drop(removed);
                crate::probe!(trace::providers::timer::cancel(self.told()));
                return true;
            }
        }
    }
}

impl Drop for TimerNode {
    fn drop(&mut self) {
        TIMERS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A one-shot timer. Dropping it cancels it.
pub struct Timer {
    node: Arc<TimerNode>,
}

impl Timer {
    /// A timer that is not armed.
    pub fn new(target: Arc<dyn Expire>) -> Timer {
        Timer { node: TimerNode::new(Some(target)) }
    }

    /// Arms it, replacing an earlier deadline.
    pub fn arm(&self, deadline: Instant) {
        self.node.arm(deadline);
    }

    /// Cancels it; true if it had been armed and will now not expire.
    pub fn cancel(&self) -> bool {
        self.node.disarm()
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.node.disarm();
        if header::current().handlers.get() != 0 {
            // Perhaps in its own target's `expire`: waiting for its end would last for ever. The node drops the target.
            return;
        }
        // The interrupt must not be left with the last reference to the target: its `Drop` may take locks.
        while self.node.is_firing.load(Ordering::Acquire) {
            arch::cpu::pause();
        }
        // SAFETY: in no queue, not firing, and nobody else can arm it: this is the only use of the target.
        drop(unsafe { &mut *self.node.target.get() }.take());
    }
}

/// The CPU's timer expired, or came early because it cannot count further: run what is due and set the next deadline.
/// Called by the architecture with interrupts off.
pub(crate) fn interrupt() {
    header::in_handler(|cx| {
        let header = header::current();
        let cpu = header.cpu();
        let timers = &cpu.timers;
        trace::count(Counter::Interrupts);
        trace::count(Counter::TimerInterrupts);
        crate::probe!(trace::providers::irq::timer(timers.programmed.get()));
        timers.programmed.set(NEVER);
        let time = now().0;
        if timers.samples.due() <= time {
            sample::due(cpu, time);
        }
        while let Some(due) = pop_due(timers, time) {
            fire(cx, due);
        }
        if timers.next_tick.get() <= time {
            timers.next_tick.set(NEVER);
            scheduler::tick(cpu, header.in_user.get());
            thread::sample_load();
            need_tick(cpu);
        }
        let soonest = timers.queue.with(|queue| queue.soonest()).unwrap_or(NEVER);
        let soonest = soonest.min(timers.next_tick.get()).min(timers.samples.due());
        if soonest == NEVER {
            arch::timer::set_deadline(None);
        } else {
            timers.programmed.set(NEVER);
            timers.program_if_sooner(soonest);
        }
    });
}

/// Takes one due deadline. A thread's is answered for under the lock, so that the thread cannot end meanwhile.
fn pop_due(timers: &CpuTimers, time: u64) -> Option<(u64, Queued)> {
    timers.queue.with(|queue| {
        let (deadline, due) = queue.pop_due(time)?;
        let node = &due.0;
        // SAFETY: the thread disarms its timer, taking this lock, before it ends.
        if let Some(thread) = unsafe { node.thread.load(Ordering::Relaxed).as_ref() } {
            scheduler::unpark(thread);
        } else {
            node.is_firing.store(true, Ordering::Release);
        }
        node.cpu.store(NOWHERE, Ordering::Release);
        Some((deadline, due))
    })
}

fn fire(cx: &IrqContext, (deadline, due): (u64, Queued)) {
    trace::count(Counter::TimersExpired);
    let node = &due.0;
    crate::probe!(trace::providers::timer::expire(node.told(), deadline, now().0.saturating_sub(deadline)));
    if node.is_firing.load(Ordering::Relaxed) {
        // SAFETY: `is_firing` keeps `Timer`'s drop from taking the target.
        if let Some(target) = unsafe { &*node.target.get() } {
            target.expire(cx, Instant(deadline));
        }
        node.is_firing.store(false, Ordering::Release);
    }
    // Without its target a node's drop takes no lock; a thread's node is kept by the thread.
}

/// Makes sure that a tick comes while a thread runs. Own CPU, interrupts off.
#[inline(always)]
pub(crate) fn need_tick(cpu: &CpuLocal) {
    if cpu.timers.next_tick.get() == NEVER
        // SAFETY: the running thread is alive.
        && !unsafe { (*cpu.running.load(Ordering::Relaxed)).is_idle() }
    {
        start_tick(cpu);
    }
}

#[inline(never)]
fn start_tick(cpu: &CpuLocal) {
    let now = now().0;
    let next = now + TICK_NS;
    cpu.timers.next_tick.set(next);
    sample::resume(cpu, now);
    cpu.timers.program_if_sooner(next.min(cpu.timers.samples.due()));
}
