//! When a CPU is to be sampled: once in each period, at a random moment of it, so that a program whose own period is a multiple of ours
//! is not always met at the same place.
//!
//! An idle CPU is not woken to be found idle: its clock rests, and the periods that passed are counted when it has work again.
//!
//! Invariant: a clock is touched by its own CPU only, with interrupts off.
use super::take;
use crate::cpu::CpuLocal;
use crate::sync::barrier;
use crate::thread::{CurrentThread, header};
use crate::time;
use core::cell::Cell;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use wire::sample::{RATES, Wish};

/// Never.
const NEVER: u64 = u64::MAX;
const NS_PER_SECOND: u64 = 1_000_000_000;

/// Nanoseconds between samples; zero: no sampling.
static PERIOD_NS: AtomicU64 = AtomicU64::new(0);

/// Whether the clocks fire the profile probe rather than take samples.
static FIRES_PROBE: AtomicBool = AtomicBool::new(false);

/// One CPU's clock.
pub(crate) struct SampleClock {
    /// The period it runs with; zero: it stands.
    period: Cell<u64>,
    /// Start of the current period.
    begin: Cell<u64>,
    /// When the sample of the current period is due, or [`NEVER`].
    due: Cell<u64>,
    /// The CPU is idle.
    is_resting: Cell<bool>,
    random: Cell<u64>,
}

impl SampleClock {
    pub(crate) const fn new() -> SampleClock {
        SampleClock {
            period: Cell::new(0),
            begin: Cell::new(0),
            due: Cell::new(NEVER),
            is_resting: Cell::new(false),
            random: Cell::new(0x9e37_79b9_7f4a_7c15),
        }
    }

    /// When the next sample is due; `u64::MAX` for never.
    #[inline(always)]
    pub(crate) fn due(&self) -> u64 {
        self.due.get()
    }

    /// A number below `bound` (xorshift; G. Marsaglia, 2003).
    fn random_below(&self, bound: u64) -> u64 {
        let mut x = self.random.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.random.set(x);
        ((u128::from(x) * u128::from(bound)) >> 64) as u64
    }

    /// Ends every period that is over at `now`; answers how many that were.
    fn pass(&self, now: u64) -> u64 {
        let period = self.period.get();
        let over = now.saturating_sub(self.begin.get()) / period;
        self.begin.set(self.begin.get() + over * period);
        over
    }

    /// Sets the moment of the current period's sample, and answers it.
    fn plan(&self) -> u64 {
        let at = self.begin.get() + self.random_below(self.period.get());
        self.due.set(at);
        at
    }

    /// The current period has had its sample.
    fn next_period(&self) {
        self.begin.set(self.begin.get() + self.period.get());
    }

    /// Does what the rate asked for says, if that is news; counts idle periods up to `now`.
    fn look(&self, cpu: &CpuLocal, now: u64, is_idle: bool) {
        if self.is_resting.get() {
            take::count_idle(cpu, self.pass(now));
        }
        let period = PERIOD_NS.load(Ordering::Relaxed);
        if self.period.get() == period {
            return;
        }
        self.period.set(period);
        self.begin.set(now);
        self.due.set(NEVER);
        self.is_resting.set(period != 0 && is_idle);
        if period != 0 && !is_idle {
            self.plan();
        }
    }
}

/// Samples every CPU from now on as `wish` says. False: no such rate, or no memory for the rings, or the clocks fire a
/// probe. When it returns every CPU has begun.
pub fn start(cx: &mut CurrentThread, wish: Wish) -> bool {
    let Wish { hz, off_cpu, call_graph, stack_bytes } = wish;
    if !RATES.contains(&hz) || fires_probe() || !take::prepare(call_graph, stack_bytes) {
        return false;
    }
    take::set_off_cpu(off_cpu);
    set_period(cx, NS_PER_SECOND / u64::from(hz));
    true
}

/// Ends sampling. When it returns no CPU takes samples any more; what is in the rings stays there.
pub fn stop(cx: &mut CurrentThread) {
    if fires_probe() {
        return;
    }
    take::set_off_cpu(false);
    set_period(cx, 0);
}

/// Fires the profile probe (`wire::observe::PROFILE`) on every CPU that is not idle, `hz` times a second from now on, in place of taking samples.
/// False: no such rate, or samples are taken.
pub fn start_probe(cx: &mut CurrentThread, hz: u32) -> bool {
    if !RATES.contains(&hz) || rate() != 0 || FIRES_PROBE.swap(true, Ordering::Relaxed) {
        return false;
    }
    set_period(cx, NS_PER_SECOND / u64::from(hz));
    true
}

/// Ends what [`start_probe`] began.
pub fn stop_probe(cx: &mut CurrentThread) {
    if fires_probe() {
        set_period(cx, 0);
        FIRES_PROBE.store(false, Ordering::Relaxed);
    }
}

/// Whether the profile probe has the clocks: then no samples can be taken.
pub fn fires_probe() -> bool {
    FIRES_PROBE.load(Ordering::Relaxed)
}

/// Samples a second; zero: none are taken.
pub fn rate() -> u32 {
    let period = PERIOD_NS.load(Ordering::Relaxed);
    // CAST: no more than the greatest rate.
    NS_PER_SECOND.checked_div(period).unwrap_or(0) as u32
}

fn set_period(cx: &mut CurrentThread, period: u64) {
    PERIOD_NS.store(period, Ordering::SeqCst);
    // The other CPUs look when the barrier's interrupt comes.
    barrier::everywhere(cx);
    let header = header::interrupts_off();
    look_again(header.cpu());
    header::interrupts_on(header);
}

/// Sampling was begun or ended: sets this CPU's clock. Interrupts are off.
pub(crate) fn look_again(cpu: &CpuLocal) {
    let clock = cpu.timers.samples();
    clock.look(cpu, time::now().0, cpu.runs_idle());
    if clock.is_resting.get() {
        cpu.timers.rest();
    }
    cpu.timers.program_if_sooner(clock.due.get());
}

/// A sample may be due at `now`. In the timer's interrupt.
#[cold]
pub(crate) fn due(cpu: &'static CpuLocal, now: u64) {
    let clock = cpu.timers.samples();
    if PERIOD_NS.load(Ordering::Relaxed) != clock.period.get() {
        return clock.look(cpu, now, cpu.runs_idle());
    }
    let late = clock.pass(now);
    clock.next_period();
    if cpu.runs_idle() {
        take::count_idle(cpu, late + 1);
        clock.is_resting.set(true);
        clock.due.set(NEVER);
        cpu.timers.rest();
    } else {
        if fires_probe() {
            take::fire();
        } else {
            take::sample(cpu);
            take::count_missed(cpu, late);
        }
        clock.plan();
    }
}

/// The CPU stops being idle at `now`. Interrupts are off.
pub(crate) fn resume(cpu: &CpuLocal, now: u64) {
    let clock = cpu.timers.samples();
    if !clock.is_resting.get() {
        return;
    }
    clock.look(cpu, now, false);
    if clock.is_resting.replace(false) && clock.plan() <= now {
        // It would have found the CPU idle.
        take::count_idle(cpu, 1);
        clock.next_period();
        clock.plan();
    }
}
