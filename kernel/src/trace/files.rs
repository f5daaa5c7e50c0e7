//! What programs see of tracing: the files of `/proc/trace`, as text.
//!
//! | file | read | write |
//! |---|---|---|
//! | `enable` | each probe with 0 or 1 | patterns, see [`super::control`] |
//! | `events` | each probe: number, name, stability, arguments, meaning | |
//! | `buffer` | the records of each CPU, oldest first, after a header | anything: forget what was recorded |
//! | `counters` | each counter: total, and its parts by CPU that are not zero | |
//! | `profile` | the profiler's state, counts and samples, see [`super::profile`] | samples a second, or 0 |
//! | `metrics` | counters by CPU, and what each process uses, as Prometheus reads it: [`super::metrics`] | |
//! | `providers` | each provider: name, number, enabled probes as bits, stability, meaning | `NAME 0` or `NAME 1` |
//!
//! Reading takes no lock and changes nothing; only `counters` and `metrics` may ask the other CPUs first. Memory for the text may fail with ENOMEM.
use super::{control, metrics, profile};
use crate::errno::{Errno, Result};
use alloc::vec::Vec;
use core::fmt::{self, Write};
use machine::cpu::{self, CpuId};
use machine::thread::CurrentThread;
use machine::time;
use machine::trace::{Counter, each_provider};
use wire::trace::VERSION;

/// Takes the bytes of one write call.
pub type Writer = fn(&mut CurrentThread, &[u8]) -> Result<()>;

/// A file of `/proc/trace`.
pub struct TraceFile {
    /// Its name.
    pub name: &'static str,
    /// Makes its contents.
    pub read: fn(&mut CurrentThread) -> Result<Vec<u8>>,
    /// Takes what one write call gives.
    pub write: Option<Writer>,
}

/// All of them.
pub const FILES: &[TraceFile] = &[
    TraceFile { name: "enable", read: |_| text(enable), write: Some(|_, bytes| control::write_enable(bytes)) },
    TraceFile { name: "events", read: |_| text(events), write: None },
    TraceFile { name: "buffer", read: |_| text(buffer), write: Some(forget) },
    TraceFile { name: "counters", read: read_counters, write: None },
    TraceFile { name: "profile", read: |_| text(profile::read), write: Some(profile::write) },
    TraceFile { name: "metrics", read: metrics::read, write: None },
    TraceFile { name: "providers", read: |_| text(providers), write: Some(|_, bytes| control::write_enable(bytes)) },
];

/// Text that grows as long as there is memory.
pub(super) struct Text(pub(super) Vec<u8>);

impl Write for Text {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.0.try_reserve(piece.len()).map_err(|_| fmt::Error)?;
        self.0.extend_from_slice(piece.as_bytes());
        Ok(())
    }
}

fn text(make: fn(&mut Text) -> fmt::Result) -> Result<Vec<u8>> {
    let mut text = Text(Vec::new());
    // The only thing that fails is memory.
    make(&mut text).map_err(|_| Errno::ENOMEM)?;
    Ok(text.0)
}

fn forget(_cx: &mut CurrentThread, _bytes: &[u8]) -> Result<()> {
    machine::trace::drain();
    Ok(())
}

fn enable(out: &mut Text) -> fmt::Result {
    for probe in each_provider().flat_map(|provider| provider.probes) {
        writeln!(out, "{probe} {}", u8::from(probe.is_recorded()))?;
    }
    Ok(())
}

fn events(out: &mut Text) -> fmt::Result {
    for provider in each_provider() {
        for probe in provider.probes {
            write!(out, "{:#06x} {probe} {} (", probe.id, provider.stability.name())?;
            for (i, argument) in probe.arguments.iter().enumerate() {
                let comma = if i == 0 { "" } else { ", " };
                write!(out, "{comma}{}: {}", argument.name, argument.kind.name())?;
            }
            writeln!(out, ") {}", probe.meaning)?;
        }
    }
    Ok(())
}

/// Every CPU that is up.
fn cpus() -> impl Iterator<Item = CpuId> {
    // CAST: a CPU's number.
    (0..cpu::count()).map(|number| CpuId(number as u32))
}

fn buffer(out: &mut Text) -> fmt::Result {
    writeln!(
        out,
        "# version {VERSION} cpus {} ring {} ticks_per_second {} now {} dropped {}",
        cpu::count(),
        machine::trace::ring_records(),
        time::ticks_per_second(),
        time::ticks(),
        machine::trace::total(Counter::TraceDropped),
    )?;
    for cpu in cpus() {
        let (written, lost) = machine::trace::lost_of(cpu);
        writeln!(out, "# cpu {} written {written} overwritten {lost}", cpu.0)?;
    }
    writeln!(out, "# cpu index ticks event name thread arguments")?;
    machine::trace::dump(out, machine::trace::ring_records(), false)
}

fn read_counters(cx: &mut CurrentThread) -> Result<Vec<u8>> {
    machine::thread::settle(cx);
    text(counters)
}

fn counters(out: &mut Text) -> fmt::Result {
    for counter in Counter::ALL {
        let total = machine::trace::total(*counter);
        write!(out, "{} {total}", counter.name())?;
        for cpu in cpus() {
            let part = machine::trace::per_cpu(*counter, cpu);
            if part != 0 {
                write!(out, " cpu{}={part}", cpu.0)?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

fn providers(out: &mut Text) -> fmt::Result {
    for provider in each_provider() {
        let bits = provider.probes.iter().enumerate().filter(|(_, probe)| probe.is_recorded());
        let bits = bits.fold(0u64, |bits, (i, _)| bits | 1 << (i % 64));
        let stability = provider.stability.name();
        writeln!(out, "{} {:#04x} {bits:#018x} {stability} {}", provider.name, provider.id, provider.meaning)?;
    }
    Ok(())
}
