//! Making threads runnable, and choosing where: wake-ups, notifications, new threads, changed affinity.
//!
//! Locks: the home queue's, then (not nested) the target's.
use super::queue::{Queue, at_home, home_of, sched};
use crate::arch;
use crate::cpu::{self, CpuId, CpuLocal};
use crate::irq::{self, Ipi};
use crate::thread::thread::{RunState, Sched};
use crate::thread::{Thread, header};
use crate::time;
use crate::trace::{self, Counter, providers};
use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering;
use pure::ready_threads::Schedule;

/// How far behind the running thread a woken one must be to take the CPU from it at once.
const WAKE_GRANULARITY_NS: u64 = 1_000_000;

/// How far below the floor a thread that slept may start.
const SLEEPER_BONUS_NS: u64 = 3_000_000;

/// Puts a runnable thread into a queue, and asks for a switch if it should run at once.
fn enqueue(cpu: &'static CpuLocal, queue: &mut Queue, thread: NonNull<Thread>, may_preempt: bool) {
    enqueue_at(cpu, queue, thread, may_preempt, false);
}

/// The same; with `is_first` before others of its real-time priority.
fn enqueue_at(cpu: &'static CpuLocal, queue: &mut Queue, thread: NonNull<Thread>, may_preempt: bool, is_first: bool) {
    // SAFETY: runnable threads are alive; the lock is held.
    let new = unsafe { sched(thread.as_ref()) };
    let (schedule, virtual_run_time) = (new.schedule, new.virtual_run_time);
    let pushed = queue.ready.push(thread, schedule, virtual_run_time, is_first);
    assert!(pushed.is_ok(), "every queue has room for every thread");
    cpu.scheduler.note_waiting(queue);
    let running = cpu.running.load(Ordering::Relaxed);
    // SAFETY: the running thread is alive.
    let running = unsafe { &*running };
    let is_urgent = running.is_idle
        || (may_preempt || schedule.rank() > 1) && {
            let unaccounted = time::ns_of_ticks(arch::timer::ticks().saturating_sub(queue.since));
            // SAFETY: the lock is held.
            let running = unsafe { sched(running) };
            let ran = running.virtual_run_time + running.schedule.virtual_time(unaccounted);
            queue.ready.is_urgent((schedule, virtual_run_time), (running.schedule, ran), WAKE_GRANULARITY_NS)
        };
    if is_urgent && !cpu.needs_reschedule.swap(true, Ordering::SeqCst) && cpu.id != header::current().cpu().id {
        crate::probe!(providers::sched::reschedule(cpu.id.0));
        irq::send(cpu.id, Ipi::Reschedule);
    }
}

/// A good CPU for a thread that becomes runnable: where it ran if that is idle (caches), else any idle one, else (for a
/// real-time thread) the one that runs the least, if that is less than it, else where it ran, or the first one it may use.
pub(super) fn choose_cpu(thread: &Thread, home: &'static CpuLocal) -> &'static CpuLocal {
    let may_stay = thread.may_run_on(home.id);
    if cpu::count() == 1 || may_stay && home.is_idle.load(Ordering::Relaxed) {
        return home;
    }
    let mut first = None;
    let mut least: Option<(u8, &'static CpuLocal)> = None;
    let rank = thread.rank.load(Ordering::Relaxed);
    for other in cpu::each() {
        if thread.may_run_on(other.id) {
            if other.is_idle.load(Ordering::Relaxed) && !other.needs_reschedule() {
                return other;
            }
            first.get_or_insert(other);
            let running = other.scheduler.running_rank.load(Ordering::Relaxed);
            if running < rank && least.is_none_or(|(known, _)| running < known) {
                least = Some((running, other));
            }
        }
    }
    match least {
        Some((known, other))
            if rank > 1 && !(may_stay && home.scheduler.running_rank.load(Ordering::Relaxed) <= known) =>
        {
            other
        }
        _ if may_stay => home,
        _ => first.unwrap_or(home),
    }
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
pub(super) fn note_migration(thread: &Thread, from: CpuId, to: CpuId) {
    trace::count(Counter::ThreadMigrations);
    crate::probe!(providers::sched::migrate(thread.id(), from.0, to.0));
}

/// Puts a runnable thread whose home was just set to `target` into its queue.
pub(super) fn arrive(target: &'static CpuLocal, thread: &Thread, from_floor: u64, may_preempt: bool) {
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
pub(in crate::thread) fn wake_for_notification(thread: &Thread) {
    wake_if(thread, |state| state == RunState::Parked { is_interruptible: true });
    let home = home_of(thread);
    if ptr::eq(home.running.load(Ordering::Relaxed), thread) && header::current().cpu().id != home.id {
        irq::send(home.id, Ipi::Reschedule);
    }
}

/// Gives a new thread its first home and makes it runnable.
pub(in crate::thread) fn start(thread: &Thread) {
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

/// Makes a CPU ask itself whether another thread should run.
fn ask_to_reschedule(cpu: &'static CpuLocal) {
    cpu.needs_reschedule.store(true, Ordering::SeqCst);
    if cpu.id != header::current().cpu().id {
        irq::send(cpu.id, Ipi::Reschedule);
    }
}

/// Changes how a thread is scheduled, wherever it is.
pub(in crate::thread) fn apply_schedule(thread: &Thread, schedule: Schedule) {
    at_home(thread, |home, queue| {
        // SAFETY: the lock is held.
        let sched = unsafe { sched(thread) };
        // Its place in the queue goes by the old schedule. One on the way to another CPU is in none.
        let was_waiting =
            sched.state == RunState::Runnable && queue.ready.remove(|item| ptr::eq(item.as_ptr(), thread)).is_some();
        if matches!(sched.schedule, Schedule::RealTime { .. }) {
            // Its virtual clock stood still.
            sched.virtual_run_time = sched.virtual_run_time.max(queue.ready.floor());
        }
        // LINUX: whoever loses priority goes before those who have the new one, whoever gains goes behind them.
        let is_lowered = schedule.rank() < sched.schedule.rank();
        sched.schedule = schedule;
        thread.rank.store(schedule.rank(), Ordering::Relaxed);
        if was_waiting {
            enqueue_at(home, queue, NonNull::from(thread), true, is_lowered);
        } else if sched.state == RunState::Running {
            home.scheduler.running_rank.store(schedule.rank(), Ordering::Relaxed);
            ask_to_reschedule(home);
        }
    });
}

/// Moves a thread that sits where it may not run any more.
pub(in crate::thread) fn apply_affinity(thread: &Thread) {
    let moved = at_home(thread, |home, queue| {
        if thread.may_run_on(home.id) {
            return None;
        }
        // SAFETY: the lock is held.
        match unsafe { sched(thread) }.state {
            RunState::Runnable => {
                queue.ready.remove(|item| ptr::eq(item.as_ptr(), thread))?;
                home.scheduler.note_waiting(queue);
                let target = choose_cpu(thread, home);
                thread.cpu.store(target.id.0, Ordering::Release);
                Some((target, queue.ready.floor()))
            }
            RunState::Running => {
                ask_to_reschedule(home);
                None
            }
            RunState::Parked { .. } | RunState::Ended => None,
        }
    });
    if let Some((target, from_floor)) = moved {
        arrive(target, thread, from_floor, true);
    }
}
