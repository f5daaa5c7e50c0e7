//! Load averages: how many threads ran or waited for a CPU, averaged over 1, 5 and 15 minutes.
//!
//! Sampled every five seconds by whichever CPU's timer interrupt comes first after the time. CPUs that all sleep take no
//! interrupts: the missed samples count as zero when somebody asks next.
use super::life;
use crate::cpu::{self, CpuId};
use crate::sync::RawSpin;
use crate::time;

const PERIOD_NS: u64 = 5_000_000_000;
/// e^(-5 s / 1, 5, 15 min), times 65,536.
const DECAY: [u64; 3] = [60_297, 64_453, 65_173];

struct Averages {
    next_ns: u64,
    values: [u64; 3],
}

static AVERAGES: RawSpin<Averages> = RawSpin::new("load averages", Averages { next_ns: PERIOD_NS, values: [0; 3] });

impl Averages {
    fn add(&mut self, active: u64) {
        for (value, decay) in self.values.iter_mut().zip(DECAY) {
            *value = (*value * decay + active * 65_536 * (65_536 - decay)) >> 16;
        }
    }
}

/// Threads running or waiting for a CPU.
fn active() -> usize {
    cpu::each().map(|cpu| cpu.scheduler.active(cpu)).sum()
}

/// Takes a sample if it is time. From the timer interrupt and from [`load`].
pub(crate) fn sample() {
    let now = time::now().0;
    AVERAGES.with(|averages| {
        // Beyond an hour of sleep nothing is left to decay.
        let mut missed = (now.saturating_sub(averages.next_ns) / PERIOD_NS).min(720);
        if now < averages.next_ns {
            return;
        }
        while missed > 0 {
            averages.add(0);
            missed -= 1;
        }
        averages.add(active() as u64);
        averages.next_ns = now - now % PERIOD_NS + PERIOD_NS;
    });
}

/// The three load averages times 65,536, runnable and total threads, for /proc/loadavg.
pub fn load() -> ([u64; 3], usize, usize) {
    sample();
    (AVERAGES.with(|averages| averages.values), active(), life::counts().threads)
}

/// Nanoseconds each CPU has been idle.
pub fn idle_ns(cpu: CpuId) -> u64 {
    cpu::of(cpu).map_or(0, |local| local.scheduler.idle_ns(local))
}
