//! The flight recorder: the last switches of each CPU, kept whether or not anybody traces, for the dumps of a failing kernel and of the
//! watchdog.
//!
//! A switch costs it about ten instructions, a system call none: with the switch goes what the thread that left had called last
//! (see [`CurrentThread::note_call`](crate::thread::CurrentThread::note_call)). Invariant: an entry's only writer is its CPU with interrupts off; a
//! reader on another CPU may see the entry being written as a mixture of old and new, which a dump can live with.
use crate::arch;
use crate::cpu::{CpuId, MAX_CPUS};
use crate::time;
use core::fmt::{self, Write};
use core::ptr;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Switches kept for each CPU.
pub(super) const ENTRIES: usize = 16;

/// What became of the thread that left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Left {
    /// It could have gone on.
    Runnable = 0,
    /// It waits.
    Asleep = 1,
    /// It is no more.
    Ended = 2,
}

/// A switch. Times and numbers of zero: none yet. Laid out as `wire::layout::Word::Switches` says.
#[repr(C)]
struct Entry {
    ticks: AtomicU64,
    /// The thread that left, with what became of it in the two highest bits, and the one that came.
    from: AtomicU64,
    to: AtomicU64,
    /// The last system call of the thread that left.
    call: AtomicU64,
}

struct PerCpu {
    written: AtomicU32,
    entries: [Entry; ENTRIES],
}

impl Entry {
    /// Nothing noted yet.
    const fn none() -> Entry {
        Entry { ticks: AtomicU64::new(0), from: AtomicU64::new(0), to: AtomicU64::new(0), call: AtomicU64::new(0) }
    }
}

static CPUS: [PerCpu; MAX_CPUS] =
    [const { PerCpu { written: AtomicU32::new(0), entries: [const { Entry::none() }; ENTRIES] } }; MAX_CPUS];

const LEFT_SHIFT: u32 = 62;
const NUMBER_MASK: u64 = (1 << LEFT_SHIFT) - 1;

/// Notes a switch of this CPU, with interrupts off.
#[inline(always)]
pub(crate) fn note_switch(cpu: CpuId, ticks: u64, from: u64, left: Left, call: u64, to: u64) {
    let cpu = &CPUS[cpu.0 as usize % MAX_CPUS];
    let written = cpu.written.load(Ordering::Relaxed);
    let entry = &cpu.entries[written as usize % ENTRIES];
    entry.ticks.store(ticks, Ordering::Relaxed);
    entry.from.store(from | (left as u64) << LEFT_SHIFT, Ordering::Relaxed);
    entry.to.store(to, Ordering::Relaxed);
    entry.call.store(call, Ordering::Relaxed);
    cpu.written.store(written.wrapping_add(1), Ordering::Relaxed);
}

/// For `layout`: of each CPU, where the count of switches is and where they are.
pub(super) fn places() -> impl Iterator<Item = [u64; 2]> {
    let place = |cpu: &PerCpu| [ptr::from_ref(&cpu.written).addr() as u64, ptr::from_ref(&cpu.entries).addr() as u64];
    CPUS.iter().map(place)
}

/// Writes the last switches of `cpu`, oldest first. Takes no lock and no memory.
pub(super) fn dump(out: &mut dyn Write, cpu: CpuId) -> fmt::Result {
    let now = arch::timer::ticks();
    let recorder = &CPUS[cpu.0 as usize % MAX_CPUS];
    let written = recorder.written.load(Ordering::Relaxed);
    for number in 0..ENTRIES as u32 {
        let entry = &recorder.entries[written.wrapping_add(number) as usize % ENTRIES];
        let ticks = entry.ticks.load(Ordering::Relaxed);
        if ticks == 0 {
            continue;
        }
        let (from, to) = (entry.from.load(Ordering::Relaxed), entry.to.load(Ordering::Relaxed));
        let left = ["runnable", "asleep", "ended", "lost"][(from >> LEFT_SHIFT) as usize];
        let us = time::ns_of_ticks(now.saturating_sub(ticks)) / 1000;
        write!(out, "CPU {}, {us} us ago: thread {} ({left}", cpu.0, from & NUMBER_MASK)?;
        if let Some(call) = crate::thread::call_number(entry.call.load(Ordering::Relaxed)) {
            write!(out, ", system call {call}")?;
        }
        writeln!(out, ") gave way to {to}")?;
    }
    Ok(())
}
