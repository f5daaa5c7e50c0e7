//! The tick, which ends slices, and the idle thread, which takes work from other CPUs before it waits.
use super::queue::{account, sched};
use super::switch::{drop_ended, has_ended, leave, reschedule};
use super::wake::{arrive, note_migration};
use crate::arch;
use crate::cpu::{self, CpuLocal};
use crate::irq::{self, Ipi};
use crate::thread::header;
use crate::thread::thread::attention;
use core::sync::atomic::Ordering;
use pure::ready_threads::Occasion;

/// The timer tick: charges the running thread and ends its slice. In interrupt context.
pub(crate) fn tick(cpu: &'static CpuLocal, is_user: bool) {
    // SAFETY: the running thread is alive, and this CPU runs it.
    let running = unsafe { &*cpu.running.load(Ordering::Relaxed) };
    if running.is_idle {
        return;
    }
    let samples = if is_user { &running.user_samples } else { &running.kernel_samples };
    samples.fetch_add(1, Ordering::Relaxed);
    running.attention.fetch_or(attention::TICKED, Ordering::Relaxed);
    running.calls.tell();
    let waiting = cpu.scheduler.queue.with(|queue| {
        account(cpu, queue, running);
        // SAFETY: this CPU is the running thread's home, and its lock is held.
        let sched = unsafe { sched(running) };
        let is_over = sched.schedule.is_slice_over(queue.slice_ns);
        let occasion = if is_over { Occasion::SliceOver } else { Occasion::Tick };
        if queue.ready.should_switch(sched.schedule, sched.virtual_run_time, occasion) {
            cpu.needs_reschedule.store(true, Ordering::SeqCst);
        }
        queue.ready.len()
    });
    let rank = running.rank.load(Ordering::Relaxed);
    if cpu::each().any(|other| other.scheduler.waiting_rank.load(Ordering::Relaxed) > rank.max(1)) {
        // A real-time thread waits elsewhere for less than what runs here.
        steal(cpu, rank.max(1));
    }
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
        if cpu.needs_reschedule() || cpu.scheduler.waiting.load(Ordering::SeqCst) > 0 || steal(cpu, 0) {
            cpu.is_idle.store(false, Ordering::Relaxed);
            reschedule(header, true);
            leave(header);
        } else if has_ended(cpu) || crate::mm::space_handle::has_unloaded(cpu) {
            leave(header);
            drop_ended();
            crate::mm::space_handle::drop_unloaded();
        } else if crate::mm::space_handle::unload_dead(cpu) {
            leave(header);
        } else {
            arch::cpu::idle_wait();
            leave(header);
        }
    }
}

/// Takes a waiting thread of more than `above` in rank from another CPU. Interrupts are off.
fn steal(cpu: &'static CpuLocal, above: u8) -> bool {
    for other in cpu::each() {
        let queue = &other.scheduler.queue;
        let has_any = other.scheduler.waiting_rank.load(Ordering::Relaxed) > above;
        if other.id == cpu.id || !has_any || !queue.try_acquire() {
            continue;
        }
        // SAFETY: acquired above.
        let waiting = unsafe { queue.value() };
        // SAFETY: runnable threads are alive.
        let taken = waiting.ready.take_for_other(above, |thread| unsafe { thread.as_ref() }.may_run_on(cpu.id));
        if let Some(thread) = taken {
            other.scheduler.note_waiting(waiting);
            // SAFETY: as above; the lock of its old home is held.
            unsafe { thread.as_ref() }.cpu.store(cpu.id.0, Ordering::Release);
        }
        let from_floor = waiting.ready.floor();
        // SAFETY: acquired above.
        unsafe { queue.release() };
        if let Some(thread) = taken {
            // SAFETY: a runnable thread is alive.
            let thread = unsafe { thread.as_ref() };
            note_migration(thread, other.id, cpu.id);
            arrive(cpu, thread, from_floor, false);
            return true;
        }
    }
    false
}
