//! The table of `-c`: how often each call was made, how often it failed, how long it took.

use std::collections::BTreeMap;

/// Counts by call.
#[derive(Debug, Default)]
pub(super) struct Summary {
    calls: BTreeMap<String, Count>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    calls: u64,
    errors: u64,
    ns: u64,
}

impl Summary {
    /// Counts one call.
    pub(super) fn add(&mut self, name: &str, took_ns: u64, failed: bool) {
        if !self.calls.contains_key(name) {
            self.calls.insert(name.to_string(), Count::default());
        }
        if let Some(count) = self.calls.get_mut(name) {
            count.calls += 1;
            count.errors += u64::from(failed);
            count.ns = count.ns.saturating_add(took_ns);
        }
    }

    /// The table, most time first.
    pub(super) fn table(&self) -> String {
        let total = self.calls.values().fold(Count::default(), |sum, count| Count {
            calls: sum.calls + count.calls,
            errors: sum.errors + count.errors,
            ns: sum.ns.saturating_add(count.ns),
        });
        let mut rows: Vec<(&String, &Count)> = self.calls.iter().collect();
        rows.sort_by_key(|(name, count)| (std::cmp::Reverse(count.ns), (*name).clone()));
        let rule = "------ ----------- ----------- --------- --------- ----------------\n";
        let mut table = format!(
            "{:>6} {:>11} {:>11} {:>9} {:>9} syscall\n{rule}",
            "% time", "seconds", "usecs/call", "calls", "errors"
        );
        for (name, count) in rows.into_iter().map(|(name, count)| (name.as_str(), *count)) {
            table.push_str(&row(name, count, total.ns));
        }
        table.push_str(rule);
        table.push_str(&row("total", total, total.ns));
        table
    }
}

fn row(name: &str, count: Count, total_ns: u64) -> String {
    let share = if total_ns == 0 { 0.0 } else { count.ns as f64 * 100.0 / total_ns as f64 };
    let seconds = count.ns as f64 / 1e9;
    let each = count.ns / 1000 / count.calls.max(1);
    let errors = if count.errors == 0 { String::new() } else { count.errors.to_string() };
    format!("{share:>6.2} {seconds:>11.6} {each:>11} {:>9} {errors:>9} {name}\n", count.calls)
}

#[cfg(test)]
mod tests {
    use super::Summary;

    #[test]
    fn the_table_is_straces() {
        let mut summary = Summary::default();
        summary.add("read", 1_500_000, false);
        summary.add("read", 1_500_000, true);
        summary.add("close", 1_000_000, false);
        let expected = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 75.00    0.003000        1500         2         1 read
 25.00    0.001000        1000         1           close
------ ----------- ----------- --------- --------- ----------------
100.00    0.004000        1333         3         1 total
";
        assert_eq!(summary.table(), expected);
    }
}
