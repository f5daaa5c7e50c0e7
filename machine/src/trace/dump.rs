//! What tracing knows, as text: for the epitaph (no lock, no allocation) and for `/proc/trace/buffer`.
use super::probe::find;
use super::{counter, flight, ring};
use crate::cpu::{self, CpuId};
use crate::thread;
use core::fmt::{self, Write};
use wire::trace::{ArgumentKind, Counter, Record};

/// One record as a line: index, clock, name, thread, arguments by name.
struct Line<'a>(u64, &'a Record);

impl fmt::Display for Line<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line(index, record) = self;
        let head = record.head;
        write!(out, "{} {index} {} {:#06x} ", head.cpu, record.ticks, head.probe)?;
        let Some(probe) = find(head.probe) else {
            write!(out, "unknown thread={}", head.thread)?;
            return record.values().iter().try_for_each(|value| write!(out, " {value:#x}"));
        };
        write!(out, "{probe} thread={}", head.thread)?;
        for (argument, value) in probe.arguments.iter().zip(record.values()) {
            match argument.kind {
                ArgumentKind::Unsigned | ArgumentKind::Bool => write!(out, " {}={value}", argument.name)?,
                ArgumentKind::Signed => write!(out, " {}={}", argument.name, value.cast_signed())?,
                ArgumentKind::Hex => write!(out, " {}={value:#x}", argument.name)?,
            }
        }
        Ok(())
    }
}

/// Records of a CPU that were written, and how many of them readers can no longer see.
pub fn lost_of(cpu: CpuId) -> (u64, u64) {
    ring::written(cpu)
}

/// Writes the last switches of each CPU, which are kept whatever probes are on. Takes no lock and no memory.
pub fn dump_switches(out: &mut dyn Write) -> fmt::Result {
    // CAST: a CPU's number fits.
    (0..cpu::count()).try_for_each(|cpu| flight::dump(out, CpuId(cpu as u32)))
}

/// Writes the last `most` events of the probes that are on, oldest first, and with `with_counters` the counters that are not
/// zero. Takes no lock and no memory; works after a failure, and in the middle of one.
pub fn dump(out: &mut dyn Write, most: usize, with_counters: bool) -> fmt::Result {
    for cpu in 0..cpu::count() {
        // CAST: a CPU's number fits.
        let cpu = CpuId(cpu as u32);
        let mut result = Ok(());
        ring::visit(cpu, most, &mut |index, record| {
            if result.is_ok() {
                result = writeln!(out, "{}", Line(index, record));
            }
        });
        result?;
    }
    if with_counters {
        thread::tell_here();
        for counter in Counter::ALL {
            let total = counter::total(*counter);
            if total != 0 {
                writeln!(out, "{} {total}", counter.name())?;
            }
        }
    }
    Ok(())
}
