//! The rings, one per CPU: recording, and reading without disturbing.
//!
//! Invariant: a ring's only writer is its CPU with interrupts off, so records are never interleaved, whatever context they
//! come from. Before [`init`] there is no ring and records are counted as dropped.
use super::counter;
use crate::arch;
use crate::cpu::{self, CpuId, CpuLocal};
use crate::thread::header;
use crate::time;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use pure::trace_ring::{Read, Ring};
use wire::trace::{Counter, Head, RECORD_WORDS, RING_RECORDS, Record};

/// What each CPU has.
pub(crate) struct PerCpu {
    /// [`NONE`] until [`init`] puts another there, which stays.
    ring: AtomicPtr<Ring<RECORD_WORDS>>,
    /// What is the same in the heads of all records until the next switch: the CPU and the thread.
    head: AtomicU64,
    /// Where readers begin: moved on by [`drain`].
    begin: AtomicU64,
}

impl PerCpu {
    /// Without a ring.
    pub(crate) const fn new(cpu: CpuId) -> PerCpu {
        PerCpu {
            ring: AtomicPtr::new(ptr::from_ref(&NONE).cast_mut()),
            head: AtomicU64::new(head_of(cpu, 0)),
            begin: AtomicU64::new(0),
        }
    }

    /// The ring; before [`init`], one that keeps nothing.
    #[inline(always)]
    fn ring(&self) -> &'static Ring<RECORD_WORDS> {
        // SAFETY: `NONE`, or leaked by `init`.
        unsafe { &*self.ring.load(Ordering::Acquire) }
    }
}

/// The ring of CPUs that have none. A test for a null pointer would be one more for each record.
static NONE: Ring<RECORD_WORDS> = Ring::none();

/// The part of a head that does not depend on the record.
const fn head_of(cpu: CpuId, thread: u32) -> u64 {
    // CAST: there are at most 64 CPUs.
    Head { probe: 0, cpu: cpu.0 as u8, arguments: 0, thread }.pack()
}

/// The part of a head that depends on the record only.
const fn head_with(probe: u16, arguments: usize) -> u64 {
    // CAST: a declared probe has at most seven arguments.
    Head { probe, cpu: 0, arguments: arguments as u8, thread: 0 }.pack()
}

/// Makes the rings of the first `cpus` CPUs, once the heap is there, each for `records` records (rounded up to a power of two), or for as many
/// as usual if there is no memory for so many. CPUs for which there is no memory at all drop their records.
pub fn init(cpus: usize, records: usize) {
    for cpu in cpu::each().take(cpus) {
        if cpu.trace.ring().capacity() == 0
            && let Some(ring) = Ring::new(records).or_else(|| Ring::new(RING_RECORDS))
        {
            cpu.trace.ring.store(Box::leak(Box::new(ring)), Ordering::Release);
        }
    }
}

/// Records that each CPU's ring keeps.
pub fn ring_records() -> usize {
    of(CpuId(0)).map_or(0, |cpu| cpu.ring().capacity())
}

/// For `layout`: of each CPU, where the count of records is, where the first slot, and how many slots.
pub(super) fn places() -> impl Iterator<Item = [u64; 3]> {
    cpu::each().map(|cpu| {
        let ring = cpu.trace.ring();
        let [written, slots] = ring.places();
        [written as u64, slots as u64, ring.capacity() as u64]
    })
}

fn of(cpu: CpuId) -> Option<&'static PerCpu> {
    cpu::of(cpu).map(|cpu| &cpu.trace)
}

/// Tells which thread runs on this CPU from now on. Called by the scheduler with interrupts off.
pub(crate) fn set_current_thread(cpu: &CpuLocal, number: u32) {
    cpu.trace.head.store(head_of(cpu.id, number), Ordering::Relaxed);
}

/// The number of the thread that runs, as records carry it.
pub fn current_thread() -> u32 {
    Head::unpack(header::current().cpu().trace.head.load(Ordering::Relaxed)).thread
}

/// Runs `write` on this CPU's ring with interrupts off; counts if there is none yet.
#[inline(always)]
fn with_ring(write: impl FnOnce(&Ring<RECORD_WORDS>, &AtomicU64) -> bool) {
    let were_on = arch::cpu::interrupts_off();
    // SAFETY: this CPU's data, which lives for ever.
    let here = unsafe { &(*arch::cpu::local()).trace };
    if !write(here.ring(), &here.head) {
        drop_one();
    }
    arch::cpu::interrupts_restore(were_on);
}

#[cold]
#[inline(never)]
fn drop_one() {
    counter::count(Counter::TraceDropped);
}

/// Puts a record into this CPU's ring.
pub(super) fn record(probe: u16, arguments: &[u64]) {
    with_ring(|ring, head| {
        ring.push([time::ticks(), head.load(Ordering::Relaxed) | head_with(probe, arguments.len())], arguments)
    });
}

/// Puts a record of the probe `PROBE` into this CPU's ring. For [`provider!`](crate::provider!): what is known where the probe is declared saves
/// half the instructions.
#[doc(hidden)]
#[inline(always)]
pub fn record_exact<const PROBE: u16, const COUNT: usize>(arguments: [u64; COUNT]) {
    with_ring(|ring, head| {
        let head = || [time::ticks(), head.load(Ordering::Relaxed) | const { head_with(PROBE, COUNT) }];
        ring.push_exact(head, arguments)
    });
}

/// Fails in the middle of a record, for `crate::provoke`.
pub(crate) fn fail_inside() {
    let fail = || -> [u64; 2] { panic!("provoked in the middle of a record") };
    with_ring(|ring, _| ring.push_exact(fail, [0]));
}

/// The indices a reader of this CPU's ring can try: from the oldest kept to the newest.
fn range(cpu: &PerCpu) -> (&Ring<RECORD_WORDS>, core::ops::Range<u64>) {
    let ring = cpu.ring();
    let begin = cpu.begin.load(Ordering::Relaxed).max(ring.oldest());
    (ring, begin..ring.written())
}

/// Visits the whole records of one CPU, oldest first, at most the last `most`. Records that are overwritten meanwhile are
/// left out. Takes no lock and changes nothing.
pub fn visit(cpu: CpuId, most: usize, visit: &mut dyn FnMut(u64, &Record)) {
    let Some((ring, range)) = of(cpu).map(range) else { return };
    let begin = range.start.max(range.end.saturating_sub(most as u64));
    for index in begin..range.end {
        if let Read::Whole(words) = ring.read(index) {
            visit(index, &Record::from_words(&words));
        }
    }
}

/// Copies one CPU's records from index `from` on; answers where to go on and how many in between were lost.
pub fn read(cpu: CpuId, from: u64, most: usize, out: &mut Vec<Record>) -> (u64, u64) {
    let Some((ring, range)) = of(cpu).map(range) else { return (from, 0) };
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
    let Some(here) = of(cpu) else { return (0, 0) };
    let ring = here.ring();
    (ring.written(), ring.oldest().saturating_sub(here.begin.load(Ordering::Relaxed)))
}

/// Empties the rings for readers: they begin at what is recorded from now on.
pub fn drain() {
    for cpu in cpu::each() {
        cpu.trace.begin.store(cpu.trace.ring().written(), Ordering::Relaxed);
    }
}
