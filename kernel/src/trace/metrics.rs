//! Everything that is counted, in one place and in the text form that Prometheus reads: the counters of each CPU, and of each process its
//! CPU time, memory, faults, switches, reads and writes. `/proc/trace/metrics` and the observation channel give it.
//!
//! Counters carry a CPU as their label, processes number and name. A process that ends meanwhile is left out.
use super::Counter;
use super::files::Text;
use crate::errno::{Errno, Result};
use crate::task::{Pid, table, usage};
use alloc::vec::Vec;
use core::fmt::{self, Write};
use machine::addr::PAGE_SIZE;
use machine::cpu::{self, CpuId};
use machine::thread::CurrentThread;
use usage::Usage;

/// What is told of a process.
struct Row {
    pid: Pid,
    name: Vec<u8>,
    usage: Usage,
    threads: u64,
    resident_bytes: u64,
    mapped_bytes: u64,
}

/// A metric of processes: name, kind, meaning, further label, value.
struct OfProcess {
    name: &'static str,
    kind: &'static str,
    meaning: &'static str,
    /// With the comma before it.
    label: &'static str,
    value: fn(&Row) -> Value,
}

/// How a value is written.
enum Value {
    Count(u64),
    Nanoseconds(u64),
}

const OF_PROCESSES: &[OfProcess] = &[
    OfProcess {
        name: "process_cpu_seconds_total",
        kind: "counter",
        meaning: "CPU time.",
        label: ",mode=\"user\"",
        value: |row| Value::Nanoseconds(row.usage.user_ns),
    },
    OfProcess {
        name: "process_cpu_seconds_total",
        kind: "counter",
        meaning: "CPU time.",
        label: ",mode=\"system\"",
        value: |row| Value::Nanoseconds(row.usage.kernel_ns),
    },
    OfProcess {
        name: "process_switches_total",
        kind: "counter",
        meaning: "Times it left a CPU.",
        label: ",why=\"sleep\"",
        value: |row| Value::Count(row.usage.voluntary_switches),
    },
    OfProcess {
        name: "process_switches_total",
        kind: "counter",
        meaning: "Times it left a CPU.",
        label: ",why=\"preempted\"",
        value: |row| Value::Count(row.usage.involuntary_switches),
    },
    OfProcess {
        name: "process_faults_total",
        kind: "counter",
        meaning: "Page faults served.",
        label: "",
        value: |row| Value::Count(row.usage.faults),
    },
    OfProcess {
        name: "process_read_bytes_total",
        kind: "counter",
        meaning: "Bytes read by calls.",
        label: "",
        value: |row| Value::Count(row.usage.io.read_bytes),
    },
    OfProcess {
        name: "process_written_bytes_total",
        kind: "counter",
        meaning: "Bytes written by calls.",
        label: "",
        value: |row| Value::Count(row.usage.io.written_bytes),
    },
    OfProcess {
        name: "process_resident_bytes",
        kind: "gauge",
        meaning: "Memory that is there.",
        label: "",
        value: |row| Value::Count(row.resident_bytes),
    },
    OfProcess {
        name: "process_mapped_bytes",
        kind: "gauge",
        meaning: "Address space in use.",
        label: "",
        value: |row| Value::Count(row.mapped_bytes),
    },
    OfProcess {
        name: "process_threads",
        kind: "gauge",
        meaning: "Threads.",
        label: "",
        value: |row| Value::Count(row.threads),
    },
];

/// The whole text.
pub fn read(cx: &mut CurrentThread) -> Result<Vec<u8>> {
    let rows = rows(cx)?;
    machine::thread::settle(cx);
    let mut text = Text(Vec::new());
    // The only thing that fails is memory.
    write(&mut text, &rows).map_err(|_| Errno::ENOMEM)?;
    Ok(text.0)
}

fn rows(cx: &mut CurrentThread) -> Result<Vec<Row>> {
    let pids = table::pids(cx);
    let mut rows = Vec::new();
    rows.try_reserve(pids.len())?;
    for pid in pids {
        let (Some(process), Some(task)) = (table::find_process(cx, pid), table::first_task(cx, pid)) else { continue };
        let memory = task.space(cx).map(|space| space.memory_use(cx)).unwrap_or_default();
        rows.push(Row {
            pid,
            name: task.name(cx),
            usage: usage::of_process(cx, &process),
            threads: table::tasks_of(cx, pid).len() as u64,
            resident_bytes: (memory.resident * PAGE_SIZE) as u64,
            mapped_bytes: (memory.mapped * PAGE_SIZE) as u64,
        });
    }
    Ok(rows)
}

fn write(out: &mut Text, rows: &[Row]) -> fmt::Result {
    for counter in Counter::ALL {
        let name = counter.name();
        let end = if name.ends_with("_total") { "" } else { "_total" };
        writeln!(out, "# HELP ochre_{name}{end} {}\n# TYPE ochre_{name}{end} counter", counter.meaning())?;
        for cpu in 0..cpu::count() {
            // CAST: a CPU's number.
            let value = machine::trace::per_cpu(*counter, CpuId(cpu as u32));
            writeln!(out, "ochre_{name}{end}{{cpu=\"{cpu}\"}} {value}")?;
        }
    }
    let mut last = "";
    for metric in OF_PROCESSES {
        let OfProcess { name, kind, meaning, label, value } = metric;
        if *name != last {
            writeln!(out, "# HELP ochre_{name} {meaning}\n# TYPE ochre_{name} {kind}")?;
            last = name;
        }
        for row in rows {
            write!(out, "ochre_{name}{{pid=\"{}\",name=\"", row.pid)?;
            escaped(out, &row.name)?;
            write!(out, "\"{label}}} ")?;
            match value(row) {
                Value::Count(count) => writeln!(out, "{count}")?,
                Value::Nanoseconds(ns) => writeln!(out, "{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000)?,
            }
        }
    }
    Ok(())
}

/// A label's value: what a program called itself.
fn escaped(out: &mut Text, name: &[u8]) -> fmt::Result {
    for byte in name {
        match byte {
            b'"' | b'\\' => write!(out, "\\{}", char::from(*byte))?,
            b' '..=b'~' => write!(out, "{}", char::from(*byte))?,
            _ => out.write_str("?")?,
        }
    }
    Ok(())
}
