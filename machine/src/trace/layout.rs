//! The header by which a debugger and `ochre dump` find rings, counters and threads (`wire::layout`), and two places at which a debugger
//! may want to stop. Filled once, by [`publish`]; nothing in the kernel reads it.
use super::{counter, probe, ring};
use crate::addr::{DIRECT_MAP_BASE, IMAGE_BASE};
use crate::arch;
use crate::cpu::{self, CpuId, MAX_CPUS};
use crate::mm;
use crate::symbols;
use crate::thread;
use crate::time;
use core::sync::atomic::{AtomicU64, Ordering};
use wire::layout::{MAGIC, PROBES, VERSION, WORDS, Word};
use wire::trace::{COUNTERS, Counter, RECORD_WORDS};

/// Words that others read from outside.
type Table<const WORDS: usize, const ROWS: usize> = [[AtomicU64; WORDS]; ROWS];

// SAFETY: the name is this crate's own and no other item has it.
#[unsafe(export_name = "ochre_layout")]
static LAYOUT: [AtomicU64; WORDS] = [const { AtomicU64::new(0) }; WORDS];
static RINGS: Table<3, MAX_CPUS> = [const { [const { AtomicU64::new(0) }; 3] }; MAX_CPUS];
static COUNTER_BLOCKS: Table<1, MAX_CPUS> = [const { [const { AtomicU64::new(0) }; 1] }; MAX_CPUS];
static COUNTER_NAMES: Table<2, COUNTERS> = [const { [const { AtomicU64::new(0) }; 2] }; COUNTERS];
static PROBE_NAMES: Table<5, PROBES> = [const { [const { AtomicU64::new(0) }; 5] }; PROBES];

fn set(row: &[AtomicU64], words: &[u64]) {
    for (place, word) in row.iter().zip(words) {
        place.store(*word, Ordering::Relaxed);
    }
}

fn place<T: ?Sized>(of: &T) -> u64 {
    core::ptr::from_ref(of).addr() as u64
}

/// Fills the header. To be called once the rings and all providers are there.
pub fn publish() {
    for (row, [written, slots, count]) in RINGS.iter().zip(ring::places()) {
        set(row, &[written, slots, count]);
    }
    for (row, cpu) in COUNTER_BLOCKS.iter().zip(0..) {
        set(row, &[counter::place(CpuId(cpu))]);
    }
    for (row, counter) in COUNTER_NAMES.iter().zip(Counter::ALL) {
        set(row, &[place(counter.name()), counter.name().len() as u64]);
    }
    let mut probes = 0;
    for (row, probe) in PROBE_NAMES.iter().zip(probe::providers().flat_map(|provider| provider.probes)) {
        let (provider, name) = (probe.provider, probe.name);
        set(row, &[probe.id.into(), place(provider), provider.len() as u64, place(name), name.len() as u64]);
        probes += 1;
    }
    let threads = thread::places();
    let (saved_frame, saved_return) = arch::context::SAVED_PLACES;
    let words = [
        (Word::Version, VERSION),
        (Word::Own, place(&LAYOUT)),
        (Word::DirectMap, DIRECT_MAP_BASE as u64),
        (Word::PageTable, mm::kernel_map::root().0),
        (Word::TicksPerSecond, time::ticks_per_second()),
        (Word::Cpus, cpu::count() as u64),
        (Word::Rings, place(&RINGS)),
        (Word::SlotWords, 1 + RECORD_WORDS as u64),
        (Word::Counters, place(&COUNTER_BLOCKS)),
        (Word::CounterCount, COUNTERS as u64),
        (Word::CounterNames, place(&COUNTER_NAMES)),
        (Word::Probes, place(&PROBE_NAMES)),
        (Word::ProbeCount, probes),
        (Word::Threads, threads.first),
        (Word::ThreadNext, threads.next),
        (Word::ThreadNumber, threads.number),
        (Word::ThreadName, threads.name),
        (Word::ThreadReason, threads.reason),
        (Word::ThreadCall, threads.call),
        (Word::ThreadRun, threads.run),
        (Word::ThreadStack, threads.stack),
        (Word::SavedFrame, saved_frame as u64),
        (Word::SavedReturn, saved_return as u64),
        (Word::Symbols, symbols::place()),
        (Word::Image, IMAGE_BASE as u64),
    ];
    for (word, value) in words {
        LAYOUT[word as usize].store(value, Ordering::Relaxed);
    }
    LAYOUT[Word::Magic as usize].store(MAGIC, Ordering::Release);
}

/// For a debugger: the kernel is up, the program is about to be started.
// SAFETY: the name is this crate's own and no other item has it.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn ochre_program_starts() {
    core::hint::black_box(1);
}

/// For a debugger: the program has ended, the machine is about to.
// SAFETY: as above.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn ochre_program_ended() {
    core::hint::black_box(2);
}
