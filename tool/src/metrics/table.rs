//! Metrics as a table: what the CPUs did since the table before, and each process, the busiest first.

use super::pages::{Pages, label};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::time::Instant;

/// What CPUs are shown to do: heading and counter.
const OF_CPUS: [(&str, &str); 4] = [
    ("calls/s", "ochre_syscall_total"),
    ("switches/s", "ochre_sched_switch_total"),
    ("faults/s", "ochre_fault_user_total"),
    ("interrupts/s", "ochre_irq_total"),
];

/// Most processes shown.
const ROWS: usize = 20;

/// What processes are ordered by, the greatest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    /// Share of a processor since the table before.
    #[default]
    Busy,
    /// Memory.
    Resident,
    /// Processor time since the start.
    Time,
    /// Number, the smallest first.
    Pid,
}

impl Order {
    /// The order that a key stands for, as in other programs of this kind.
    pub(super) fn of_key(key: u8) -> Option<Order> {
        match key {
            b'c' => Some(Order::Busy),
            b'm' => Some(Order::Resident),
            b't' => Some(Order::Time),
            b'i' => Some(Order::Pid),
            _ => None,
        }
    }
}

/// Makes tables, each of the difference to the one before.
#[derive(Debug, Default)]
pub(super) struct Table {
    before: HashMap<(&'static str, String), f64>,
    when: Option<Instant>,
    /// How processes are ordered.
    pub(super) order: Order,
}

/// A process.
#[derive(Default)]
struct Row {
    name: String,
    busy: f64,
    user: f64,
    system: f64,
    resident: f64,
    faults: f64,
    read: f64,
    written: f64,
    threads: f64,
}

impl Table {
    /// The table of now.
    pub(super) fn next(&mut self, pages: &Pages, now: Instant) -> String {
        let seconds = self.when.map_or(0.0, |when| now.duration_since(when).as_secs_f64());
        let mut after = HashMap::new();
        let mut rate = |name: &'static str, labels: &str, value: f64| {
            let key = (name, labels.to_string());
            let before = self.before.get(&key).copied();
            after.insert(key, value);
            // A first table has no time before it.
            if seconds > 0.0 { (value - before.unwrap_or(0.0)).max(0.0) / seconds } else { 0.0 }
        };
        let mut text = format!("{:>4}", "CPU");
        let mut cpus: Vec<(String, Vec<f64>)> = Vec::new();
        for (column, (heading, name)) in OF_CPUS.into_iter().enumerate() {
            text.push_str(&format!(" {heading:>13}"));
            for (labels, value) in pages.live(name) {
                let cpu = label(labels, "cpu").unwrap_or_default();
                let rate = rate(name, labels, value);
                match cpus.iter_mut().find(|(known, _)| known == cpu) {
                    Some((_, rates)) => rates.push(rate),
                    None => cpus.push((cpu.to_string(), [vec![0.0; column], vec![rate]].concat())),
                }
            }
        }
        text.push('\n');
        for (cpu, rates) in cpus {
            let rates: String = rates.iter().map(|rate| format!(" {rate:>13.0}")).collect();
            text.push_str(&format!("{cpu:>4}{rates}\n"));
        }
        let mut rows: HashMap<u64, Row> = HashMap::new();
        const CPU: &str = "ochre_process_cpu_seconds_total";
        for (labels, value) in pages.live(CPU) {
            let row = row_of(&mut rows, labels);
            row.busy += 100.0 * rate(CPU, labels, value);
            match label(labels, "mode") {
                Some("user") => row.user = value,
                _ => row.system = value,
            }
        }
        type Part = fn(&mut Row) -> &mut f64;
        let parts: [(&str, Part); 5] = [
            ("ochre_process_resident_bytes", |row| &mut row.resident),
            ("ochre_process_faults_total", |row| &mut row.faults),
            ("ochre_process_read_bytes_total", |row| &mut row.read),
            ("ochre_process_written_bytes_total", |row| &mut row.written),
            ("ochre_process_threads", |row| &mut row.threads),
        ];
        for (name, part) in parts {
            for (labels, value) in pages.live(name) {
                *part(row_of(&mut rows, labels)) = value;
            }
        }
        let mut rows: Vec<(u64, Row)> = rows.into_iter().collect();
        let time = |row: &Row| row.user + row.system;
        rows.sort_by(|(a, x), (b, y)| {
            let first = match self.order {
                Order::Busy => y.busy.total_cmp(&x.busy),
                Order::Resident => y.resident.total_cmp(&x.resident),
                Order::Time => Ordering::Equal,
                Order::Pid => a.cmp(b),
            };
            first.then(time(y).total_cmp(&time(x))).then(a.cmp(b))
        });
        text.push_str(&format!(
            "\n{:>7} {:<16} {:>6} {:>8} {:>8} {:>9} {:>9} {:>9} {:>9} {:>4}\n",
            "PID", "NAME", "%CPU", "USER s", "SYS s", "RES KiB", "FAULTS", "READ KiB", "WRIT KiB", "THR"
        ));
        for (pid, row) in rows.into_iter().take(ROWS) {
            let Row { name, busy, user, system, resident, faults, read, written, threads } = row;
            let kib = |bytes: f64| bytes / 1024.0;
            text.push_str(&format!(
                "{pid:>7} {name:<16} {busy:>6.1} {user:>8.2} {system:>8.2} {:>9.0} {faults:>9.0} {:>9.0} {:>9.0} {threads:>4.0}\n",
                kib(resident),
                kib(read),
                kib(written)
            ));
        }
        self.before = after;
        self.when = Some(now);
        text
    }
}

fn row_of<'a>(rows: &'a mut HashMap<u64, Row>, labels: &str) -> &'a mut Row {
    let pid = label(labels, "pid").and_then(|pid| pid.parse().ok()).unwrap_or(0);
    let row = rows.entry(pid).or_default();
    row.name = label(labels, "name").unwrap_or_default().to_string();
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_busiest_is_first() {
        let page = |a: &str, b: &str| {
            format!(
                "ochre_syscall_total{{cpu=\"0\"}} {a}\nochre_process_cpu_seconds_total{{pid=\"2\",name=\"sh\",mode=\"user\"}} 1\n\
                 ochre_process_cpu_seconds_total{{pid=\"3\",name=\"sort\",mode=\"user\"}} {b}\n"
            )
        };
        let (mut pages, mut table, start) = (Pages::default(), Table::default(), Instant::now());
        pages.take(&page("100", "0.0"));
        table.next(&pages, start);
        pages.take(&page("300", "0.5"));
        let text = table.next(&pages, start + Duration::from_secs(1));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("   0           200"), "{text}");
        assert!(lines[4].starts_with("      3 sort               50.0     0.50"), "{text}");
        assert!(lines[5].starts_with("      2 sh                  0.0     1.00"), "{text}");
        let orders =
            [(2, b't', "      2 sh"), (3, b'i', "      2 sh"), (4, b'm', "      2 sh"), (5, b'c', "      3 sort")];
        for (second, key, first) in orders {
            table.order = Order::of_key(key).unwrap();
            pages.take(&page("300", if key == b'c' { "0.9" } else { "0.5" }));
            let text = table.next(&pages, start + Duration::from_secs(second));
            assert!(text.lines().nth(4).is_some_and(|line| line.starts_with(first)), "{key}: {text}");
        }
        assert_eq!(Order::of_key(b'x'), None);
    }
}
