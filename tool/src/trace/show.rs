//! A record as a line: seconds since the guest's hello, CPU, process, program, probe, arguments by name.
use super::plan::Plan;
use crate::observe::guest::Guest;
use std::fmt::Write;
use wire::trace::{ArgumentKind, Record};

/// The heading of the lines.
pub(crate) const HEADING: &str = "     SECONDS CPU   PID PROGRAM          PROBE";

/// The line, without its end.
pub(crate) fn line(plan: &Plan, guest: &Guest, record: &Record) -> String {
    let ns = guest.nanoseconds(record.ticks);
    let (seconds, rest) = (ns.div_euclid(1_000_000_000), ns.rem_euclid(1_000_000_000));
    let (pid, name) = match guest.task(record.head.thread, record.ticks) {
        Some(task) => (task.pid, task.name.as_str()),
        None => (0, "kernel"),
    };
    let mut line = format!("{seconds:>5}.{:06} {:>3} {pid:>5} {name:<16} ", rest / 1000, record.head.cpu);
    // Writing to a string cannot fail.
    let _ = match guest.probe(record.head.probe) {
        Some(probe) => {
            let call = guest.call_of(record).unwrap_or_default();
            write!(line, "{}::{call}:{}", probe.provider, probe.name)
        }
        None => match plan.function(record.head.probe) {
            Some(function) => write!(line, "{}", function.probe_name()),
            None => write!(line, "{:#06x}", record.head.probe),
        },
    };
    let arguments = guest.probe(record.head.probe).map_or(&[][..], |probe| &probe.arguments);
    for (number, value) in record.values().iter().enumerate() {
        let (name, kind) = match arguments.get(number) {
            Some((name, kind)) => (name.clone(), *kind),
            None => (format!("arg{number}"), ArgumentKind::Hex),
        };
        let _ = write!(line, " {name}={}", shown(kind, *value));
    }
    line
}

/// A value as its kind is shown.
pub(crate) fn shown(kind: ArgumentKind, value: u64) -> String {
    match kind {
        ArgumentKind::Unsigned | ArgumentKind::Bool => value.to_string(),
        ArgumentKind::Signed => value.cast_signed().to_string(),
        ArgumentKind::Hex => format!("{value:#x}"),
    }
}
