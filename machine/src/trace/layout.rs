//! The header by which a debugger and `ochre dump` find rings, counters, threads and locks (`wire::layout`), and two places at which a debugger
//! may want to stop. Filled once, by [`publish`]; nothing in the kernel reads it.
use super::probe::Argument;
use super::{counter, flight, probe, ring};
use crate::addr::{DIRECT_MAP_BASE, IMAGE_BASE};
use crate::arch;
use crate::cpu::{self, CpuId, MAX_CPUS};
use crate::log;
use crate::mm;
use crate::symbols;
use crate::sync::LockClass;
use crate::thread;
use crate::thread::header::HELD_PLACES;
use crate::time;
use core::mem::offset_of;
use core::panic::Location;
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
static PROBE_NAMES: Table<7, PROBES> = [const { [const { AtomicU64::new(0) }; 7] }; PROBES];
static RUNNING: Table<1, MAX_CPUS> = [const { [const { AtomicU64::new(0) }; 1] }; MAX_CPUS];
static SWITCHES: Table<2, MAX_CPUS> = [const { [const { AtomicU64::new(0) }; 2] }; MAX_CPUS];

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
        let (provider, name, arguments) = (probe.provider, probe.name, probe.arguments);
        let names = [provider, name].map(|text| [place(text), text.len() as u64]);
        set(&row[..1], &[probe.id.into()]);
        set(&row[1..5], names.as_flattened());
        set(&row[5..], &[place(arguments), arguments.len() as u64]);
        probes += 1;
    }
    for (row, cpu) in RUNNING.iter().zip(cpu::each()) {
        set(row, &[place(&cpu.running)]);
    }
    for (row, places) in SWITCHES.iter().zip(flight::places()) {
        set(row, &places);
    }
    let site = Location::caller();
    let [log, log_bytes, log_end] = log::places();
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
        (Word::ArgumentBytes, size_of::<Argument>() as u64),
        (Word::ArgumentName, offset_of!(Argument, name) as u64),
        (Word::ArgumentKind, offset_of!(Argument, kind) as u64),
        (Word::Running, place(&RUNNING)),
        (Word::Switches, place(&SWITCHES)),
        (Word::SwitchCount, flight::ENTRIES as u64),
        (Word::Log, log),
        (Word::LogBytes, log_bytes),
        (Word::LogEnd, log_end),
        (Word::ThreadBase, threads.base),
        (Word::HeldCount, HELD_PLACES.count as u64),
        (Word::Held, HELD_PLACES.first as u64),
        (Word::HeldBytes, HELD_PLACES.bytes as u64),
        (Word::HeldMost, HELD_PLACES.most as u64),
        (Word::HeldClass, HELD_PLACES.class as u64),
        (Word::HeldLock, HELD_PLACES.lock as u64),
        (Word::HeldSite, HELD_PLACES.site as u64),
        (Word::ClassName, offset_of!(LockClass, name) as u64),
        (Word::ClassRank, offset_of!(LockClass, rank) as u64),
        (Word::Site, place(site)),
        (Word::SiteFile, place(site.file())),
        (Word::SiteLine, site.line().into()),
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
