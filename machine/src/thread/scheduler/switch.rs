//! Leaving the CPU: parking, giving way, preemption, the switch itself, and the first and last thing a thread does.
//!
//! Every function here runs on the CPU it concerns, with interrupts off from before the queue is locked until after the switch.
use super::queue::{After, Queue, account, sched};
use super::wake::{arrive, choose_cpu, note_migration};
use crate::arch;
use crate::cpu::CpuLocal;
use crate::thread::header::{self, StackHeader};
use crate::thread::thread::{RunState, attention};
use crate::thread::{CurrentThread, Thread, stack};
use crate::trace::flight::{self, Left};
use crate::trace::{self, Counter, providers};
use crate::{sample, time};
use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering;
use pure::ready_threads::Occasion;

/// Sleeps until unparked (or, if so, notified). May return for no reason: callers check their condition again.
pub(crate) fn park(cx: &mut CurrentThread, reason: &'static str, is_interruptible: bool) {
    let thread: &Thread = cx.thread();
    let header = header::interrupts_off();
    let cpu = header.cpu();
    cpu.scheduler.queue.acquire();
    if thread.token.load(Ordering::SeqCst)
        || is_interruptible && thread.attention.load(Ordering::SeqCst) & attention::NOTIFIED != 0
    {
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
pub(in crate::thread) fn yield_now() {
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
pub(in crate::thread) fn after_interrupt() {
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
pub(super) fn leave(header: &'static StackHeader) {
    let count = header.interrupts_off.get() - 1;
    header.interrupts_off.set(count);
    if count == 0 {
        arch::cpu::interrupts_on();
    }
}

/// The next thread to run: the one that has had least, else the idle thread.
fn take_next(cpu: &CpuLocal, queue: &mut Queue) -> NonNull<Thread> {
    match queue.ready.pop() {
        Some(thread) => {
            cpu.scheduler.note_waiting(queue);
            thread
        }
        // PROOF: set before interrupts were first turned on.
        None => NonNull::new(cpu.scheduler.idle.load(Ordering::Relaxed)).expect("every CPU has an idle thread"),
    }
}

/// Lets the most deserving thread run while the current one stays runnable. Interrupts are off.
pub(super) fn reschedule(header: &'static StackHeader, must_give_way: bool) {
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
    let occasion = if must_give_way {
        Occasion::Yield
    } else if sched.schedule.is_slice_over(queue.slice_ns) {
        Occasion::SliceOver
    } else {
        Occasion::Arrival
    };
    let should_switch = !may_stay
        || (thread.is_idle && !queue.ready.is_empty())
        || queue.ready.should_switch(sched.schedule, sched.virtual_run_time, occasion);
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
            // What interrupts a real-time thread does not take its turn away.
            let is_first = occasion == Occasion::Arrival;
            let pushed = queue.ready.push(NonNull::from(thread), sched.schedule, sched.virtual_run_time, is_first);
            assert!(pushed.is_ok(), "every queue has room for every thread");
            cpu.scheduler.note_waiting(queue);
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
    let rank = if next.is_idle { 0 } else { next.rank.load(Ordering::Relaxed) };
    cpu.scheduler.running_rank.store(rank, Ordering::Relaxed);
    if ptr::eq(previous, next) {
        // It was parked and woken in one go.
        finish_switch(header);
        return;
    }
    cpu.scheduler.switches.fetch_add(1, Ordering::Relaxed);
    let left_at = queue.since;
    // SAFETY: as above.
    let state = unsafe { sched(previous) }.state;
    note_switch(cpu, left_at, previous, state, next);
    let bits = previous.attention_after_switch.load(Ordering::Relaxed);
    if bits != 0 {
        previous.attention.fetch_or(bits, Ordering::Relaxed);
    }
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
    let header = self::header::current();
    finish_switch(header);
    note_arrival(previous);
    if sample::wants_off_cpu() {
        sample::note_off_cpu(header.cpu(), previous, left_at, matches!(state, RunState::Parked { .. }));
    }
}

/// Makes the thread that runs on this CPU look at its state as after a switch, if it wants to. In interrupt context.
pub(crate) fn mark_running(cpu: &CpuLocal) {
    // SAFETY: the running thread is alive, and this CPU runs it.
    let running = unsafe { &*cpu.running.load(Ordering::Relaxed) };
    running.attention.fetch_or(running.attention_after_switch.load(Ordering::Relaxed), Ordering::Relaxed);
}

/// Counts and traces a switch. Interrupts are off.
#[inline(always)]
fn note_switch(cpu: &CpuLocal, ticks: u64, previous: &Thread, state: RunState, next: &Thread) {
    trace::count(Counter::Switches);
    previous.calls.tell();
    // The idle thread is always runnable, and never preempted.
    let left = match state {
        RunState::Parked { .. } => Left::Asleep,
        RunState::Ended => Left::Ended,
        RunState::Running | RunState::Runnable => Left::Runnable,
    };
    flight::note_switch(cpu.id, ticks, previous.id().0, left, previous.calls.last(), next.id().0);
    if left != Left::Runnable {
        trace::count(Counter::SwitchesVoluntary);
    } else if !previous.is_idle {
        trace::count(Counter::SwitchesPreempted);
    }
    crate::probe!(providers::sched::off_cpu(previous.id(), next.id(), left as u32));
    if next.is_idle {
        trace::count(Counter::IdleEntries);
        crate::probe!(providers::sched::idle_enter());
    } else if previous.is_idle {
        crate::probe!(providers::sched::idle_exit());
    }
    // CAST: records have room for the low half, which stays unique for longer than they are kept.
    trace::set_current_thread(cpu, next.id().0 as u32);
}

/// On the stack of the thread switched to, which what a probe asks for is to be about. Interrupts are off.
#[inline(always)]
fn note_arrival(thread: &Thread) {
    crate::probe!(providers::sched::on_cpu(thread.id()));
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
pub(in crate::thread) fn begin() -> &'static StackHeader {
    let header = header::current();
    finish_switch(header);
    // SAFETY: the thread of a stack is alive while it runs there.
    note_arrival(unsafe { &*header.thread.get() });
    leave(header);
    header
}

/// The last thing a thread does; it is off the list of threads already. Never comes back.
pub(in crate::thread) fn end(thread: NonNull<Thread>) -> ! {
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
#[cold]
#[inline(never)]
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
    stack::trim();
}
