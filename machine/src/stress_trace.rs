//! A trial of the trace rings: four threads on as many CPUs and timers' interrupts record events whose words belong together, while a reader
//! follows all rings. No record is torn, and what was read and what was lost make up exactly what was written.
//!
//! And a trial of the counters: no count is lost, whatever comes between.
//!
//! It is short among the other trials; `ochre.events=NUMBER` on the command line makes each thread write so many:
//! `./ochre run --cpus 4 --timeout 2h --kernel-log=info --append 'ochre.test=machine ochre.events=10000000' -- true` writes more than 10^8 in three rounds.
//! The provider is declared as anybody would declare one.
#![allow(unreachable_pub, reason = "what `provider!` declares is public, as providers usually are")]
use crate::arch;
use crate::boot;
use crate::cpu::{self, CpuId};
use crate::stress::{random, team};
use crate::thread::{CpuSet, CurrentThread, IrqContext};
use crate::time::{self, Expire, Instant, Timer};
use crate::trace::{self, Counter, Record};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use wire::trace::RING_RECORDS;

crate::provider! {
    /// Events of this trial.
    pub mod trial = 31, Private;
    /// An event: who wrote it, its number there, and a sum of both.
    event(writer: u64, number: u64, sum: u64);
}

/// Threads that write.
const WRITERS: usize = 4;
/// Events of each of them, unless the command line says otherwise.
const EVENTS: u64 = 20_000;
/// How often a thread arms a timer.
const TIMER_EVERY: u64 = 64;
/// Who writes in interrupts.
const INTERRUPT: u64 = 1000;

/// What the threads share.
struct Shared {
    writing: AtomicUsize,
    /// Events written by interrupts.
    interrupts: AtomicU64,
}

impl Expire for Shared {
    fn expire(&self, _cx: &IrqContext, _deadline: Instant) {
        write(INTERRUPT, self.interrupts.fetch_add(1, Ordering::Relaxed));
    }
}

fn sum_of(writer: u64, number: u64) -> u64 {
    (writer ^ number.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn write(writer: u64, number: u64) {
    crate::probe!(trial::event(writer, number, sum_of(writer, number)));
}

fn wanted_events() -> u64 {
    let words = boot::info().command_line.split(u8::is_ascii_whitespace);
    let told = words.filter_map(|word| word.strip_prefix(b"ochre.events=")).next_back();
    told.and_then(|text| core::str::from_utf8(text).ok()?.parse().ok()).unwrap_or(EVENTS)
}

/// Records ever written into each ring.
fn written() -> Vec<u64> {
    // CAST: a CPU's number.
    (0..cpu::count()).map(|cpu| trace::lost_of(CpuId(cpu as u32)).0).collect()
}

pub(crate) fn rings(cx: &mut CurrentThread) {
    trace::init(cpu::count(), RING_RECORDS);
    trace::register(&trial::PROVIDER);
    let events = wanted_events();
    let shared = Arc::new(Shared { writing: AtomicUsize::new(WRITERS), interrupts: AtomicU64::new(0) });
    let (before, told) = (written(), Arc::new(AtomicU64::new(0)));
    trial::event::PROBE.set_recorded(true);
    let (mine, start, found) = (shared.clone(), before.clone(), told.clone());
    team(cx, WRITERS + 1, move |cx, number| {
        if number < WRITERS {
            cx.thread().set_affinity(CpuSet(1 << (number % cpu::count())));
            let timer = Timer::new(mine.clone());
            for event in 0..events {
                if event % TIMER_EVERY == 0 {
                    timer.arm(time::now().after(random() % 50_000));
                }
                write(number as u64, event);
            }
            drop(timer);
            mine.writing.fetch_sub(1, Ordering::AcqRel);
        } else {
            found.store(follow(cx, &mine, &start), Ordering::Relaxed);
        }
    });
    trial::event::PROBE.set_recorded(false);
    let after: u64 = written().iter().zip(&before).map(|(after, before)| after - before).sum();
    let expected = WRITERS as u64 * events + shared.interrupts.load(Ordering::Relaxed);
    assert!(after == expected, "{expected} events were written, the rings say {after}");
    let told = told.load(Ordering::Relaxed);
    assert!(told == expected, "{expected} events were written, {told} were read or lost");
}

/// What counts in interrupts.
struct Counting(AtomicU64);

impl Expire for Counting {
    fn expire(&self, _cx: &IrqContext, _deadline: Instant) {
        self.0.fetch_add(1, Ordering::Relaxed);
        trace::count(Counter::TraceDropped);
    }
}

/// Threads that move between CPUs, and interrupts, count the same: nothing is lost. Here there are rings, so nobody else counts that.
pub(crate) fn counters(cx: &mut CurrentThread) {
    let counting = Arc::new(Counting(AtomicU64::new(0)));
    let before = trace::total(Counter::TraceDropped);
    let mine = counting.clone();
    team(cx, WRITERS, move |cx, _| {
        let timer = Timer::new(mine.clone());
        for event in 0..EVENTS {
            if event % TIMER_EVERY == 0 {
                timer.arm(time::now().after(random() % 50_000));
                cx.yield_now();
            }
            trace::count(Counter::TraceDropped);
        }
        drop(timer);
    });
    let expected = WRITERS as u64 * EVENTS + counting.0.load(Ordering::Relaxed);
    let counted = trace::total(Counter::TraceDropped) - before;
    assert!(counted == expected, "{expected} were counted, the counter says {counted}");
    arch::cpu::check_counting();
}

/// Follows every ring until nobody writes any more; answers how many records it read or lost.
fn follow(cx: &mut CurrentThread, shared: &Shared, start: &[u64]) -> u64 {
    let mut next = start.to_vec();
    let (mut records, mut total) = (Vec::<Record>::with_capacity(256), 0);
    loop {
        // Looked at before the rings: what was written before the last writer ended is then read below.
        let is_over = shared.writing.load(Ordering::Acquire) == 0;
        let mut had_any = false;
        for (cpu, place) in next.iter_mut().enumerate() {
            records.clear();
            // CAST: a CPU's number.
            let (later, lost) = trace::read(CpuId(cpu as u32), *place, 256, &mut records);
            had_any |= later != *place;
            *place = later;
            total += lost + records.len() as u64;
            for record in &records {
                let right = match record.values() {
                    [writer, number, sum] => *sum == sum_of(*writer, *number),
                    _ => false,
                };
                assert!(right, "a torn record: {record:x?}");
                assert!(usize::from(record.head.cpu) == cpu, "a record of another CPU: {record:x?}");
            }
        }
        if is_over && !had_any {
            return total;
        }
        if !had_any {
            cx.yield_now();
        }
    }
}
