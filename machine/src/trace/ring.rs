//! The rings, one per CPU: recording, and reading without disturbing.
//!
//! Invariant: a ring's only writer is its CPU with interrupts off, so records are never interleaved, whatever context they
//! come from. Before [`init`] there is no ring and records are counted as dropped.
use super::counter;
use crate::arch;
use crate::cpu::{self, CpuId, MAX_CPUS};
use crate::sync::Once;
use crate::time;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use pure::trace_ring::{Read, Ring};
use wire::trace::{Counter, Head, RECORD_WORDS, RING_RECORDS, Record};

/// What each CPU has.
struct PerCpu {
    ring: Once<Ring<RECORD_WORDS>>,
    /// Number of the thread that runs, for the records' heads.
    thread: AtomicU32,
    /// Where readers begin: moved on by [`drain`].
    begin: AtomicU64,
}

static CPUS: [PerCpu; MAX_CPUS] =
    [const { PerCpu { ring: Once::new(), thread: AtomicU32::new(0), begin: AtomicU64::new(0) } }; MAX_CPUS];

/// Makes the rings of the first `cpus` CPUs, once the heap is there, each for `records` records (rounded up to a power of two), or for as many
/// as usual if there is no memory for so many. CPUs for which there is no memory at all drop their records.
pub fn init(cpus: usize, records: usize) {
    for cpu in CPUS.iter().take(cpus) {
        if cpu.ring.get().is_none()
            && let Some(ring) = Ring::new(records).or_else(|| Ring::new(RING_RECORDS))
        {
            cpu.ring.call_once(|| ring);
        }
    }
}

/// Records that each CPU's ring keeps.
pub fn ring_records() -> usize {
    CPUS[0].ring.get().map_or(0, Ring::capacity)
}

/// For `layout`: of each CPU, where the count of records is, where the first slot, and how many slots.
pub(super) fn places() -> impl Iterator<Item = [u64; 3]> {
    CPUS.iter().map(|cpu| {
        let places = |ring: &Ring<RECORD_WORDS>| {
            let [written, slots] = ring.places();
            [written as u64, slots as u64, ring.capacity() as u64]
        };
        cpu.ring.get().map_or([0; 3], places)
    })
}

/// Tells which thread runs on this CPU from now on. Called by the scheduler with interrupts off.
pub fn set_current_thread(number: u32) {
    CPUS[cpu::current().0 as usize % MAX_CPUS].thread.store(number, Ordering::Relaxed);
}

/// The number of the thread that runs, as records carry it.
pub fn current_thread() -> u32 {
    CPUS[cpu::current().0 as usize % MAX_CPUS].thread.load(Ordering::Relaxed)
}

/// Puts a record into this CPU's ring.
pub(super) fn record(probe: u16, arguments: &[u64]) {
    let were_on = arch::cpu::interrupts_off();
    let cpu = cpu::current().0;
    let here = &CPUS[cpu as usize % MAX_CPUS];
    match here.ring.get() {
        Some(ring) => {
            // CAST: there are at most 64 CPUs; a declared probe has at most seven arguments.
            let head = Head {
                probe,
                cpu: cpu as u8,
                arguments: arguments.len() as u8,
                thread: here.thread.load(Ordering::Relaxed),
            };
            ring.push([time::ticks(), head.pack()], arguments);
        }
        None => counter::count(Counter::TraceDropped),
    }
    arch::cpu::interrupts_restore(were_on);
}

/// The indices a reader of this CPU's ring can try: from the oldest kept to the newest.
fn range(cpu: &PerCpu) -> Option<(&Ring<RECORD_WORDS>, core::ops::Range<u64>)> {
    let ring = cpu.ring.get()?;
    let begin = cpu.begin.load(Ordering::Relaxed).max(ring.oldest());
    Some((ring, begin..ring.written()))
}

/// Visits the whole records of one CPU, oldest first, at most the last `most`. Records that are overwritten meanwhile are
/// left out. Takes no lock and changes nothing.
pub fn visit(cpu: CpuId, most: usize, visit: &mut dyn FnMut(u64, &Record)) {
    let Some((ring, range)) = CPUS.get(cpu.0 as usize).and_then(range) else { return };
    let begin = range.start.max(range.end.saturating_sub(most as u64));
    for index in begin..range.end {
        if let Read::Whole(words) = ring.read(index) {
            visit(index, &Record::from_words(&words));
        }
    }
}

/// Copies one CPU's records from index `from` on; answers where to go on and how many in between were lost.
pub fn read(cpu: CpuId, from: u64, most: usize, out: &mut Vec<Record>) -> (u64, u64) {
    let Some((ring, range)) = CPUS.get(cpu.0 as usize).and_then(range) else { return (from, 0) };
    let begin = range.start.max(from);
    let mut lost = begin.saturating_sub(from);
    let end = range.end.min(begin.saturating_add(most as u64));
    for index in begin..end {
        match ring.read(index) {
            Read::Whole(words) if out.try_reserve(1).is_ok() => out.push(Record::from_words(&words)),
            Read::Whole(_) | Read::NotYet => return (index, lost),
            Read::Overwritten => lost += 1,
        }
    }
    (end.max(begin), lost)
}

/// Records a CPU wrote, and those of them that have been overwritten since the last [`drain`].
pub(super) fn written(cpu: CpuId) -> (u64, u64) {
    let here = &CPUS[cpu.0 as usize % MAX_CPUS];
    let Some(ring) = here.ring.get() else { return (0, 0) };
    (ring.written(), ring.oldest().saturating_sub(here.begin.load(Ordering::Relaxed)))
}

/// Empties the rings for readers: they begin at what is recorded from now on.
pub fn drain() {
    for cpu in &CPUS {
        if let Some(ring) = cpu.ring.get() {
            cpu.begin.store(ring.written(), Ordering::Relaxed);
        }
    }
}
