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

/// How long a thread runs before another one of the same weight gets its turn.
const SLICE_NS: u64 = 4_000_000;

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
