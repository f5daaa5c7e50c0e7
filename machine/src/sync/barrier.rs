//! A memory barrier on every CPU, for programs whose rare side pays for what the frequent side leaves out (`membarrier`).
//!
//! [`everywhere`] raises a number and interrupts the other CPUs; each answers with the number it has seen, having passed a full
//! barrier by taking the interrupt. The interrupt is the one that asks for a look at the run queue: there is no own vector for it.
use crate::arch;
use crate::cpu::{self, CpuLocal};
use crate::irq::{self, Ipi};
use crate::thread::{self, CurrentThread, header, scheduler};
use core::sync::atomic::{AtomicU64, Ordering, fence};

/// The latest barrier asked for.
static WANTED: AtomicU64 = AtomicU64::new(0);

/// Makes every CPU pass a full barrier, and every thread that runs a program look at its restartable sequence before it goes on.
/// Returns when all have.
pub fn everywhere(cx: &mut CurrentThread) {
    cx.assert_may_sleep();
    fence(Ordering::SeqCst);
    let number = WANTED.fetch_add(1, Ordering::SeqCst) + 1;
    let header = header::preempt_off();
    let own = header.cpu().id;
    for other in cpu::each().filter(|other| other.id != own) {
        irq::send(other.id, Ipi::Reschedule);
    }
    for other in cpu::each().filter(|other| other.id != own) {
        // Interrupts are on here, so two CPUs that wait for each other both get their answer.
        while other.barrier_seen.load(Ordering::Acquire) < number {
            arch::cpu::pause();
        }
    }
    header::preempt_on(header);
    fence(Ordering::SeqCst);
}

/// In the interrupt: answers, if a barrier was asked for.
pub(crate) fn answer(cpu: &CpuLocal) {
    let wanted = WANTED.load(Ordering::SeqCst);
    if cpu.barrier_seen.load(Ordering::Relaxed) != wanted {
        fence(Ordering::SeqCst);
        scheduler::mark_running(cpu);
        crate::sample::look_again(cpu);
        thread::tell_here();
        cpu.barrier_seen.store(wanted, Ordering::Release);
    }
}
