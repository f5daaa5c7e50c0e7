//! Holding the other CPUs still for the moment in which code changes: an interrupt in which each says that it is there and spins until it may go.
//!
//! What the architectures ask for (Intel SDM volume 3, 9.1.3; Arm ARM B2.2.5, concurrent modification and execution): nobody executes
//! what is being changed, and everybody passes a synchronizing instruction before it executes what was. The return from the interrupt is one.
//!
//! A CPU with interrupts off that waits for one that is held already would never come. So patience is short: all are let go, and it is tried
//! again.
use crate::arch;
use crate::cpu::{self, CpuId, MAX_CPUS};
use crate::irq::{self, Ipi};
use crate::thread::{CurrentThread, header};
use crate::time;
use core::sync::atomic::{AtomicU64, Ordering};

/// Rises when CPUs are to be held (odd) and when they may go (even).
static ROUND: AtomicU64 = AtomicU64::new(0);
/// The last round in which each CPU was held.
static HELD: [AtomicU64; MAX_CPUS] = [const { AtomicU64::new(0) }; MAX_CPUS];

/// How long the CPUs have to come. A virtual CPU may not be run for a while.
const PATIENCE_NS: u64 = 100_000_000;
const ATTEMPTS: usize = 100;

/// Runs `action` with interrupts off while every other CPU is held. False: they did not come, and nothing was done. One caller at a time.
pub(super) fn others(cx: &mut CurrentThread, action: impl FnOnce()) -> bool {
    cx.assert_may_sleep();
    for _ in 0..ATTEMPTS {
        let header = header::preempt_off();
        let own = header.cpu().id;
        let others = || cpu::each().map(|cpu| cpu.id).filter(|id| *id != own);
        let round = ROUND.fetch_add(1, Ordering::SeqCst) + 1;
        others().for_each(|other| irq::send(other, Ipi::Hold));
        let deadline = time::now().after(PATIENCE_NS);
        let is_held = |id: CpuId| HELD[id.0 as usize].load(Ordering::Acquire) == round;
        let mut are_held = false;
        while !are_held && time::now() < deadline {
            are_held = others().all(is_held);
            arch::cpu::pause();
        }
        if are_held {
            let were_on = arch::cpu::interrupts_off();
            action();
            arch::function_probe::synchronize();
            arch::cpu::interrupts_restore(were_on);
            ROUND.fetch_add(1, Ordering::SeqCst);
            header::preempt_on(header);
            return true;
        }
        ROUND.fetch_add(1, Ordering::SeqCst);
        header::preempt_on(header);
        cx.yield_now();
    }
    false
}

/// This CPU is asked to stand still. Called by the architecture with interrupts off.
pub(crate) fn interrupt() {
    let id = header::current().cpu().id;
    let round = ROUND.load(Ordering::SeqCst);
    if round % 2 == 1 {
        HELD[id.0 as usize].store(round, Ordering::SeqCst);
        while ROUND.load(Ordering::SeqCst) == round {
            arch::cpu::pause();
        }
    }
    arch::function_probe::synchronize();
}
