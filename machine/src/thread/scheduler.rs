//! Which thread runs where and when: parking and waking, preemption, the switch itself.
//!
//! Each CPU has a queue of runnable threads (policy in `pure::run_queue`) under a leaf lock that also protects the state of the
//! threads at home there. The lock is held across the switch and given back by the thread switched to: whoever finds a thread
//! parked under that lock can rely on its registers being saved.
//!
//! A thread parks itself ([`park`]) unless its token is set; [`unpark`] sets the token and makes a parked thread runnable. The token is
//! cleared when the thread returns from parking, before it looks at its condition again, so no wake-up is lost.
//!
//! Locks: a run queue's; never two at once. Callers may hold leaf locks that are never taken under a run queue's.
use super::header::{self, StackHeader};
use super::thread::{RunState, Sched};
use super::{CurrentThread, Thread, stack};
use crate::arch;
use crate::cpu::{self, CpuId, CpuLocal};
use crate::irq::{self, Ipi};
use crate::sync::RawSpin;
use crate::time::{self, Instant};
use crate::trace::{self, Counter, providers};
use core::cell::Cell;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use pure::run_queue::{RunQueue, RunQueueRoom, virtual_time};

/// How long a thread runs before another one of the same weight gets its turn.
const SLICE_NS: u64 = 4_000_000;
/// How far behind the running thread a woken one must be to take the CPU from it at once.
const WAKE_GRANULARITY_NS: u64 = 1_000_000;
/// How far below the floor a thread that slept may start.
const SLEEPER_BONUS_NS: u64 = 3_000_000;

/// Runnable threads of a CPU and the account of the running one.
struct Queue {
    ready: RunQueue<NonNull<Thread>>,
    /// Ticks up to which the running thread's time is accounted.
    since: u64,
    /// Nanoseconds the running thread has had since it was switched to.
    slice_ns: u64,
}

// SAFETY: the pointers are to threads that are alive while they are runnable.
unsafe impl Send for Queue {}

/// What is left to do once the previous thread's registers are saved.
#[derive(Clone, Copy)]
enum After {
    Nothing,
    /// It has ended: its stack is free.
    Ended(NonNull<Thread>),
    /// It may not stay on this CPU.
    Move(NonNull<Thread>),
}

/// One CPU's scheduler.
pub(crate) struct Scheduler {
    queue: RawSpin<Queue>,
    /// Threads in the queue, for peeking without the lock.
    waiting: AtomicUsize,
    idle: AtomicPtr<Thread>,
    idle_ns: AtomicU64,
    switches: AtomicU64,
    /// Own CPU, across a switch.
    after: Cell<After>,
    /// Ended threads whose list reference is to be dropped, linked by `next`. Own CPU, interrupts off.
    ended: Cell<*mut Thread>,
}

impl Scheduler {
    pub(crate) const fn new() -> Scheduler {
        Scheduler {
            queue: RawSpin::new("run queue", Queue { ready: RunQueue::new(), since: 0, slice_ns: 0 }),
            waiting: AtomicUsize::new(0),
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

    /// Makes the calling context the idle thread of its CPU. Boot only, interrupts off.
    pub(super) fn adopt_idle(&self, cpu: &CpuLocal, thread: *const Thread) {
        self.idle.store(thread.cast_mut(), Ordering::Release);
        cpu.running.store(thread.cast_mut(), Ordering::Release);
        self.queue.with(|queue| queue.since = arch::timer::ticks());
    }

    /// Makes room for `count` threads; false without memory.
    pub(super) fn reserve(&self, count: usize) -> bool {
        if self.queue.with(|queue| queue.ready.capacity()) >= count {
            return true;
        }
        let Some(room) = RunQueueRoom::new(count.next_power_of_two().max(64)) else {
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
unsafe fn sched(thread: &Thread) -> &mut Sched {
    // SAFETY: exclusive by (1).
    unsafe { &mut *thread.sched.get() }
}

/// Runs `body` with interrupts off and the thread's home queue locked.
fn at_home<R>(thread: &Thread, body: impl FnOnce(&'static CpuLocal, &mut Queue) -> R) -> R {
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

fn home_of(thread: &Thread) -> &'static CpuLocal {
    // PROOF: `cpu` only ever gets numbers of CPUs that are registered.
    cpu::of(CpuId(thread.cpu.load(Ordering::Acquire))).expect("a thread's home is a CPU that is up")
}

/// Runs `body` on the scheduling state, under the home queue's lock.
pub(super) fn with_home<R>(thread: &Thread, body: impl FnOnce(&mut Sched) -> R) -> R {
    // SAFETY: `at_home` holds the lock.
    at_home(thread, |_, _| body(unsafe { sched(thread) }))
}

/// Nanoseconds a running thread has had that are not in its account yet.
pub(super) fn unaccounted_ns(thread: &Thread) -> u64 {
    at_home(thread, |_, queue| {
        // SAFETY: the lock is held.
        if unsafe { sched(thread) }.state == RunState::Running {
            time::ns_of_ticks(arch::timer::ticks().saturating_sub(queue.since))
        } else {
            0
        }
    })
}

/// Charges the running thread for its time up to now.
#[inline(always)]
fn account(cpu: &CpuLocal, queue: &mut Queue, thread: &Thread) {
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
        sched.virtual_run_time += virtual_time(ns, thread.weight.load(Ordering::Relaxed));
        queue.ready.advance(Some(sched.virtual_run_time));
    }
}

/// Puts a runnable thread into a queue, and asks for a switch if it should run at once.
fn enqueue(cpu: &'static CpuLocal, queue: &mut Queue, thread: NonNull<Thread>, may_preempt: bool) {
    // SAFETY: runnable threads are alive; the lock is held.
    let virtual_run_time = unsafe { sched(thread.as_ref()) }.virtual_run_time;
    assert!(queue.ready.push(thread, virtual_run_time).is_ok(), "every queue has room for every thread");
    cpu.scheduler.waiting.store(queue.ready.len(), Ordering::Relaxed);
    let running = cpu.running.load(Ordering::Relaxed);
    // SAFETY: the running thread is alive.
    let running = unsafe { &*running };
    let is_urgent = running.is_idle
        || may_preempt && {
            let unaccounted = time::ns_of_ticks(arch::timer::ticks().saturating_sub(queue.since));
            // SAFETY: the lock is held.
            let ran = unsafe { sched(running) }.virtual_run_time
                + virtual_time(unaccounted, running.weight.load(Ordering::Relaxed));
            virtual_run_time + WAKE_GRANULARITY_NS < ran
        };
    if is_urgent && !cpu.needs_reschedule.swap(true, Ordering::SeqCst) && cpu.id != header::current().cpu().id {
        crate::probe!(providers::sched::reschedule(cpu.id.0));
        irq::send(cpu.id, Ipi::Reschedule);
    }
}

/// A good CPU for a thread that becomes runnable: where it ran if that is idle (caches), else any idle one, else where it
/// ran, or the first one it may use.
fn choose_cpu(thread: &Thread, home: &'static CpuLocal) -> &'static CpuLocal {
    let may_stay = thread.may_run_on(home.id);
    if cpu::count() == 1 || may_stay && home.is_idle.load(Ordering::Relaxed) {
        return home;
    }
    let mut first = None;
    for other in cpu::each() {
        if thread.may_run_on(other.id) {
            if other.is_idle.load(Ordering::Relaxed) && !other.needs_reschedule() {
                return other;
            }
            first.get_or_insert(other);
        }
    }
    if may_stay { home } else { first.unwrap_or(home) }
}

/// Adapts a virtual run time to another queue's floor.
fn rebase(sched: &mut Sched, from_floor: u64, to_floor: u64) {
    sched.virtual_run_time = (sched.virtual_run_time + to_floor).saturating_sub(from_floor);
}

/// Makes a parked thread runnable if `is_meant` says so of its state.
fn wake_if(thread: &Thread, is_meant: impl FnOnce(RunState) -> bool) {
    let moved = at_home(thread, |home, queue| {
        // SAFETY: the lock is held.
        let sched = unsafe { sched(thread) };
        if !is_meant(sched.state) {
            return None;
        }
        sched.state = RunState::Runnable;
        sched.virtual_run_time = sched.virtual_run_time.max(queue.ready.floor().saturating_sub(SLEEPER_BONUS_NS));
        let target = choose_cpu(thread, home);
        if target.id == home.id {
            enqueue(home, queue, NonNull::from(thread), true);
            return Some(None);
        }
        thread.cpu.store(target.id.0, Ordering::Release);
        Some(Some((target, home.id, queue.ready.floor())))
    });
    let Some(moved) = moved else { return };
    trace::count(Counter::Wakeups);
    crate::probe!(providers::sched::wakeup(thread.id(), thread.cpu.load(Ordering::Relaxed)));
    if let Some((target, from, from_floor)) = moved {
        note_migration(thread, from, target.id);
        arrive(target, thread, from_floor, true);
    }
}

/// Counts and traces a move to another CPU.
fn note_migration(thread: &Thread, from: CpuId, to: CpuId) {
    trace::count(Counter::ThreadMigrations);
    crate::probe!(providers::sched::migrate(thread.id(), from.0, to.0));
}

/// Puts a runnable thread whose home was just set to `target` into its queue.
fn arrive(target: &'static CpuLocal, thread: &Thread, from_floor: u64, may_preempt: bool) {
    target.scheduler.queue.with(|queue| {
        // SAFETY: the lock of its home queue is held.
        rebase(unsafe { sched(thread) }, from_floor, queue.ready.floor());
        enqueue(target, queue, NonNull::from(thread), may_preempt);
    });
}

/// Wakes a thread from [`park`], or makes its next park return at once. From any context.
pub(crate) fn unpark(thread: &Thread) {
    if !thread.token.swap(true, Ordering::SeqCst) {
        wake_if(thread, |state| matches!(state, RunState::Parked { .. }));
    }
}

/// Wakes a thread for a notification, or makes it leave user mode.
pub(super) fn wake_for_notification(thread: &Thread) {
    wake_if(thread, |state| state == RunState::Parked { is_interruptible: true });
    let home = home_of(thread);
    if ptr::eq(home.running.load(Ordering::Relaxed), thread) && header::current().cpu().id != home.id {
        irq::send(home.id, Ipi::Reschedule);
    }
}

/// Sleeps until unparked (or, if so, notified). May return for no reason: callers check their condition again.
pub(crate) fn park(cx: &mut CurrentThread, reason: &'static str, is_interruptible: bool) {
    let thread: &Thread = cx.thread();
    let header = header::interrupts_off();
    let cpu = header.cpu();
    cpu.scheduler.queue.acquire();
    if thread.token.load(Ordering::SeqCst) || is_interruptible && thread.notified.load(Ordering::SeqCst) {
        // SAFETY: acquired above.
        unsafe { cpu.scheduler.queue.release() };
    } else {
        // SAFETY: acquired above.
        let queue = unsafe { cpu.scheduler.queue.value() };
        account(cpu, queue, thread);
        // SAFETY: this CPU is the running thread's home, and its lock is held.
        let sched = unsafe { sched(thread) };
        sched.state = RunState::Parked { is_interruptible };
        sched.reason = reason;
        thread.sleeps.fetch_add(1, Ordering::Relaxed);
        crate::probe!(providers::sched::sleep(thread.id(), is_interruptible));
        let next = take_next(cpu, queue);
        switch_to(header, cpu, queue, thread, next);
    }
    thread.token.store(false, Ordering::SeqCst);
    leave(header);
}

/// Gives way to the other threads of this CPU.
pub(super) fn yield_now() {
    let header = header::interrupts_off();
    reschedule(header, true);
    leave(header);
}

/// Switches if somebody else should run. Called where interrupts or preemption have just come back.
#[cold]
#[inline(never)]
pub(crate) fn preempt_if_possible(header: &'static StackHeader) {
    if header.preempt_off.get() | header.interrupts_off.get() | header.handlers.get() != 0
        || header.thread.get().is_null()
    {
        return;
    }
    header::interrupts_off();
    reschedule(header, false);
    leave(header);
}

/// At the end of an interrupt that came in the kernel, interrupts off in the hardware: switches if that is due.
pub(super) fn after_interrupt() {
    let header = header::current();
    if header.cpu().needs_reschedule()
        && header.preempt_off.get() | header.interrupts_off.get() | header.handlers.get() == 0
        && !header.thread.get().is_null()
    {
        header.interrupts_off.set(1);
        reschedule(header, false);
        header.interrupts_off.set(0);
    }
}

/// Switches if somebody else should run; interrupts are off. For the user loop.
pub(crate) fn reschedule_if_needed(header: &'static StackHeader) {
    if header.cpu().needs_reschedule() {
        reschedule(header, false);
    }
}

/// Ends a section that began with `interrupts_off`, without looking for more to switch to: that is done by the next
/// point that may preempt.
fn leave(header: &'static StackHeader) {
    let count = header.interrupts_off.get() - 1;
    header.interrupts_off.set(count);
    if count == 0 {
        arch::cpu::interrupts_on();
    }
}

/// The next thread to run: the one that has had least, else the idle thread.
fn take_next(cpu: &CpuLocal, queue: &mut Queue) -> NonNull<Thread> {
    match queue.ready.pop() {
        Some((thread, _)) => {
            cpu.scheduler.waiting.store(queue.ready.len(), Ordering::Relaxed);
            thread
        }
        // PROOF: set before interrupts were first turned on.
        None => NonNull::new(cpu.scheduler.idle.load(Ordering::Relaxed)).expect("every CPU has an idle thread"),
    }
}

/// Lets the most deserving thread run while the current one stays runnable. Interrupts are off.
fn reschedule(header: &'static StackHeader, must_give_way: bool) {
    let cpu = header.cpu();
    cpu.needs_reschedule.store(false, Ordering::SeqCst);
    // SAFETY: this runs as that thread.
    let thread = unsafe { &*header.thread.get() };
    cpu.scheduler.queue.acquire();
    // SAFETY: acquired above.
    let queue = unsafe { cpu.scheduler.queue.value() };
    account(cpu, queue, thread);
    let may_stay = thread.is_idle || thread.may_run_on(cpu.id);
    // SAFETY: this CPU is the running thread's home, and its lock is held.
    let sched = unsafe { sched(thread) };
    let should_switch = match queue.ready.least() {
        None => !may_stay,
        Some(_) if thread.is_idle || must_give_way || !may_stay => true,
        Some(least) => least < sched.virtual_run_time,
    };
    if !should_switch {
        // SAFETY: acquired above.
        unsafe { cpu.scheduler.queue.release() };
        return;
    }
    let next = take_next(cpu, queue);
    if !thread.is_idle {
        sched.state = RunState::Runnable;
        thread.preemptions.fetch_add(1, Ordering::Relaxed);
        if !may_stay {
            cpu.scheduler.after.set(After::Move(NonNull::from(thread)));
        } else {
            let least = queue.ready.least().unwrap_or(0);
            if must_give_way {
                sched.virtual_run_time = sched.virtual_run_time.max(least);
            }
            let pushed = queue.ready.push(NonNull::from(thread), sched.virtual_run_time);
            assert!(pushed.is_ok(), "every queue has room for every thread");
            cpu.scheduler.waiting.store(queue.ready.len(), Ordering::Relaxed);
        }
    }
    switch_to(header, cpu, queue, thread, next);
}

/// Switches from `previous` to `next`; returns when `previous` runs again. This CPU's queue is locked and interrupts are off;
/// when it returns the lock has been given back and interrupts are still off.
fn switch_to(
    header: &'static StackHeader,
    cpu: &'static CpuLocal,
    queue: &mut Queue,
    previous: &Thread,
    next: NonNull<Thread>,
) {
    // SAFETY: a runnable thread is alive.
    let next = unsafe { next.as_ref() };
    queue.slice_ns = 0;
    // SAFETY: this CPU's queue is locked and is its home.
    unsafe { sched(next) }.state = RunState::Running;
    if ptr::eq(previous, next) {
        // It was parked and woken in one go.
        finish_switch(header);
        return;
    }
    cpu.scheduler.switches.fetch_add(1, Ordering::Relaxed);
    // SAFETY: as above.
    note_switch(previous, unsafe { sched(previous) }.state, next);
    cpu.is_idle.store(next.is_idle, Ordering::Relaxed);
    cpu.running.store(ptr::from_ref(next).cast_mut(), Ordering::Relaxed);
    // SAFETY: interrupts are off; the previous thread's state is this CPU's.
    unsafe { &mut *previous.user.get() }.save();
    // SAFETY: the header of a thread that is off the CPU belongs to the scheduler.
    unsafe { (*header::header_of(next.stack)).cpu.set(ptr::from_ref(cpu).cast_mut()) };
    if !next.is_idle {
        // SAFETY: interrupts are off and the next thread is this CPU's.
        if let Some(space) = &unsafe { &*next.user.get() }.space {
            crate::mm::space_handle::load(cpu, space);
        }
        time::need_tick(cpu);
    }
    // SAFETY: interrupts are off; the contexts are of the thread that runs and of one that was saved or prepared.
    unsafe { arch::context::switch(previous.context.get(), next.context.get()) };
    finish_switch(self::header::current());
}

/// Counts and traces a switch. Interrupts are off.
#[inline(always)]
fn note_switch(previous: &Thread, state: RunState, next: &Thread) {
    trace::count(Counter::Switches);
    // As the probe tells it: 0 still runnable, 1 asleep, 2 ended. The idle thread is always runnable, and never preempted.
    let kind = match state {
        RunState::Parked { .. } => 1,
        RunState::Ended => 2,
        RunState::Running | RunState::Runnable => 0,
    };
    if kind != 0 {
        trace::count(Counter::SwitchesVoluntary);
    } else if !previous.is_idle {
        trace::count(Counter::SwitchesPreempted);
    }
    crate::probe!(providers::sched::off_cpu(previous.id(), next.id(), kind));
    if next.is_idle {
        trace::count(Counter::IdleEntries);
        crate::probe!(providers::sched::idle_enter());
    } else if previous.is_idle {
        crate::probe!(providers::sched::idle_exit());
    }
    // CAST: records have room for the low half, which stays unique for longer than they are kept.
    trace::set_current_thread(next.id().0 as u32);
    crate::probe!(providers::sched::on_cpu(next.id()));
}

/// On the stack of the thread switched to: gives the queue back and cleans up after the previous one.
fn finish_switch(header: &'static StackHeader) {
    let cpu = header.cpu();
    let after = cpu.scheduler.after.replace(After::Nothing);
    // SAFETY: acquired by whoever called `switch_to`.
    unsafe { cpu.scheduler.queue.release() };
    match after {
        After::Nothing => {}
        After::Ended(thread) => {
            // SAFETY: it has ended and is switched away, so nothing uses its stack; the list's reference is passed on below.
            unsafe {
                let stack = thread.as_ref().stack;
                thread.as_ref().next.store(cpu.scheduler.ended.get(), Ordering::Relaxed);
                cpu.scheduler.ended.set(thread.as_ptr());
                stack::release(stack);
            }
        }
        After::Move(thread) => {
            // SAFETY: a runnable thread is alive.
            let thread = unsafe { thread.as_ref() };
            let from_floor = cpu.scheduler.queue.with(|queue| queue.ready.floor());
            let target = choose_cpu(thread, cpu);
            thread.cpu.store(target.id.0, Ordering::Release);
            note_migration(thread, cpu.id, target.id);
            arrive(target, thread, from_floor, true);
        }
    }
}

/// The first thing on a new thread's stack.
pub(super) fn begin() -> &'static StackHeader {
    let header = header::current();
    finish_switch(header);
    leave(header);
    header
}

/// The last thing a thread does; it is off the list of threads already. Never comes back.
pub(super) fn end(thread: NonNull<Thread>) -> ! {
    let header = header::interrupts_off();
    let cpu = header.cpu();
    cpu.scheduler.queue.acquire();
    // SAFETY: acquired above.
    let queue = unsafe { cpu.scheduler.queue.value() };
    // SAFETY: the list's reference is still counted.
    let ended = unsafe { thread.as_ref() };
    account(cpu, queue, ended);
    // SAFETY: this CPU is its home, and its lock is held.
    unsafe { sched(ended) }.state = RunState::Ended;
    cpu.scheduler.after.set(After::Ended(thread));
    if cpu.user_owner.get() == thread.as_ptr().cast_const() {
        cpu.user_owner.set(ptr::null());
    }
    let next = take_next(cpu, queue);
    switch_to(header, cpu, queue, ended, next);
    unreachable!("an ended thread was switched to");
}

/// Whether [`drop_ended`] has anything to do here. Interrupts are off.
#[inline(always)]
pub(crate) fn has_ended(cpu: &CpuLocal) -> bool {
    !cpu.scheduler.ended.get().is_null()
}

/// Drops the ended threads this CPU has collected. Called where no lock is held and sleeping would be allowed: the
/// kernel's objects behind them have `Drop`s of their own.
pub(crate) fn drop_ended() {
    let header = header::interrupts_off();
    let mut first = header.cpu().scheduler.ended.replace(ptr::null_mut());
    leave(header);
    while !first.is_null() {
        // SAFETY: the list of all threads gave up its counted reference to this chain.
        let thread = unsafe { alloc::sync::Arc::from_raw(first.cast_const()) };
        first = thread.next.load(Ordering::Relaxed);
        drop(thread);
    }
}

/// Gives a new thread its first home and makes it runnable.
pub(super) fn start(thread: &Thread) {
    let header = header::preempt_off();
    let here = header.cpu();
    let target = choose_cpu(thread, here);
    thread.cpu.store(target.id.0, Ordering::Release);
    target.scheduler.queue.with(|queue| {
        // SAFETY: the lock of its home queue is held.
        unsafe { sched(thread) }.virtual_run_time = queue.ready.floor();
        enqueue(target, queue, NonNull::from(thread), false);
    });
    header::preempt_on(header);
}

/// Moves a thread that sits where it may not run any more.
pub(super) fn apply_affinity(thread: &Thread) {
    let moved = at_home(thread, |home, queue| {
        if thread.may_run_on(home.id) {
            return None;
        }
        // SAFETY: the lock is held.
        match unsafe { sched(thread) }.state {
            RunState::Runnable => {
                queue.ready.remove(|item| ptr::eq(item.as_ptr(), thread))?;
                home.scheduler.waiting.store(queue.ready.len(), Ordering::Relaxed);
                let target = choose_cpu(thread, home);
                thread.cpu.store(target.id.0, Ordering::Release);
                Some((target, queue.ready.floor()))
            }
            RunState::Running => {
                home.needs_reschedule.store(true, Ordering::SeqCst);
                if home.id != header::current().cpu().id {
                    irq::send(home.id, Ipi::Reschedule);
                }
                None
            }
            RunState::Parked { .. } | RunState::Ended => None,
        }
    });
    if let Some((target, from_floor)) = moved {
        arrive(target, thread, from_floor, true);
    }
}

/// The timer tick: charges the running thread and ends its slice. In interrupt context.
pub(crate) fn tick(cpu: &'static CpuLocal, is_user: bool) {
    // SAFETY: the running thread is alive, and this CPU runs it.
    let running = unsafe { &*cpu.running.load(Ordering::Relaxed) };
    if running.is_idle {
        return;
    }
    let samples = if is_user { &running.user_samples } else { &running.kernel_samples };
    samples.fetch_add(1, Ordering::Relaxed);
    let waiting = cpu.scheduler.queue.with(|queue| {
        account(cpu, queue, running);
        if let Some(least) = queue.ready.least()
            && queue.slice_ns >= SLICE_NS
            // SAFETY: this CPU is the running thread's home, and its lock is held.
            && least < unsafe { sched(running) }.virtual_run_time
        {
            cpu.needs_reschedule.store(true, Ordering::SeqCst);
        }
        queue.ready.len()
    });
    if waiting > 0
        && let Some(idle) = cpu::each().find(|other| other.is_idle.load(Ordering::Relaxed))
    {
        // It looks for work to steal when it wakes.
        irq::send(idle.id, Ipi::Reschedule);
    }
}

/// The body of each CPU's idle thread; interrupts are on. Never returns.
pub(crate) fn idle() -> ! {
    loop {
        let header = header::interrupts_off();
        let cpu = header.cpu();
        cpu.is_idle.store(true, Ordering::SeqCst);
        if cpu.needs_reschedule() || cpu.scheduler.waiting.load(Ordering::SeqCst) > 0 || steal(cpu) {
            cpu.is_idle.store(false, Ordering::Relaxed);
            reschedule(header, true);
            leave(header);
        } else if has_ended(cpu) || crate::mm::space_handle::has_unloaded(cpu) {
            leave(header);
            drop_ended();
            crate::mm::space_handle::drop_unloaded();
        } else {
            arch::cpu::idle_wait();
            leave(header);
        }
    }
}

/// Takes a waiting thread from another CPU. Interrupts are off.
fn steal(cpu: &'static CpuLocal) -> bool {
    for other in cpu::each() {
        let queue = &other.scheduler.queue;
        if other.id == cpu.id || other.scheduler.waiting.load(Ordering::Relaxed) == 0 || !queue.try_acquire() {
            continue;
        }
        // SAFETY: acquired above.
        let ready = unsafe { &mut queue.value().ready };
        // SAFETY: runnable threads are alive.
        let taken = ready.take_last(|thread| unsafe { thread.as_ref() }.may_run_on(cpu.id));
        if let Some((thread, _)) = taken {
            other.scheduler.waiting.store(ready.len(), Ordering::Relaxed);
            // SAFETY: as above; the lock of its old home is held.
            unsafe { thread.as_ref() }.cpu.store(cpu.id.0, Ordering::Release);
        }
        let from_floor = ready.floor();
        // SAFETY: acquired above.
        unsafe { queue.release() };
        if let Some((thread, _)) = taken {
            // SAFETY: a runnable thread is alive.
            let thread = unsafe { thread.as_ref() };
            note_migration(thread, other.id, cpu.id);
            arrive(cpu, thread, from_floor, false);
            return true;
        }
    }
    false
}

/// A thread's deadline while it waits. Nested waits put the outer one's deadline back.
pub(crate) struct Deadline {
    outer: Option<Instant>,
}

impl Deadline {
    /// From `deadline` on the thread is unparked (once).
    pub(crate) fn arm(cx: &CurrentThread, deadline: Instant) -> Deadline {
        let thread: &Thread = cx.thread();
        let outer = thread.timer.armed_for();
        thread.timer.arm_for_thread(NonNull::from(thread), deadline);
        Deadline { outer }
    }

    /// Not any more.
    pub(crate) fn disarm(self, cx: &CurrentThread) {
        let thread: &Thread = cx.thread();
        match self.outer {
            Some(outer) => thread.timer.arm_for_thread(NonNull::from(thread), outer),
            None => {
                thread.timer.disarm();
            }
        }
    }
}
