//! Aggregations: the CPUs' parts put together, and shown as DTrace shows them.
use super::plan::{Column, Plan, TableInfo};
use crate::observe::guest::Guest;
use pure::trace_program::{Aggregate, Shape};
use std::collections::HashMap;
use std::fmt::Write;
use wire::observe::Reader;

/// Everything gathered: for each table, values by key.
#[derive(Debug, Default)]
pub(crate) struct Aggregations {
    tables: HashMap<u8, HashMap<Vec<u64>, Vec<u64>>>,
}

impl Aggregations {
    /// Takes the entries of one CPU's table, as `Kind::Aggregations` brings them.
    pub(crate) fn take(&mut self, table: u8, shape: &Shape, payload: &[u8]) {
        let entries = self.tables.entry(table).or_default();
        let mut from = Reader(payload);
        while let Some((key, value)) = entry(&mut from, shape) {
            match entries.entry(key) {
                std::collections::hash_map::Entry::Vacant(place) => {
                    place.insert(value);
                }
                std::collections::hash_map::Entry::Occupied(mut known) => {
                    for (known, new) in known.get_mut().iter_mut().zip(value) {
                        let (a, b) = (known.cast_signed(), new.cast_signed());
                        *known = match shape.aggregate {
                            Aggregate::Min => a.min(b).cast_unsigned(),
                            Aggregate::Max => a.max(b).cast_unsigned(),
                            _ => known.wrapping_add(new),
                        };
                    }
                }
            }
        }
    }

    /// All tables as text.
    pub(crate) fn show(&self, plan: &Plan, guest: &Guest) -> String {
        let mut text = String::new();
        for (number, table) in plan.tables.iter().enumerate() {
            let entries = u8::try_from(number).ok().and_then(|number| self.tables.get(&number));
            let Some(entries) = entries.filter(|entries| !entries.is_empty()) else { continue };
            if !table.name.is_empty() {
                let _ = writeln!(text, "\n@{}", table.name);
            } else if plan.tables.len() > 1 {
                text.push('\n');
            }
            show_table(&mut text, plan, guest, table, entries);
        }
        text
    }
}

fn entry(from: &mut Reader<'_>, shape: &Shape) -> Option<(Vec<u64>, Vec<u64>)> {
    let key = (0..shape.key_words).map(|_| from.u64()).collect::<Option<Vec<u64>>>()?;
    let mut value = vec![0; shape.value_words()];
    for _ in 0..from.u16()? {
        let place = usize::from(from.u16()?);
        let word = from.u64()?;
        *value.get_mut(place)? = word;
    }
    Some((key, value))
}

/// What entries are sorted by, and what is shown of simple ones.
fn weight(shape: &Shape, value: &[u64]) -> i64 {
    let word = |place: usize| value.get(place).copied().unwrap_or(0).cast_signed();
    match shape.aggregate {
        Aggregate::Count | Aggregate::Sum | Aggregate::Min | Aggregate::Max => word(0),
        Aggregate::Average => word(1).checked_div(word(0)).unwrap_or(0),
        Aggregate::Quantize | Aggregate::LinearQuantize => {
            value.iter().fold(0u64, |sum, count| sum.saturating_add(*count)).min(i64::MAX.cast_unsigned()).cast_signed()
        }
    }
}

fn show_table(text: &mut String, plan: &Plan, guest: &Guest, table: &TableInfo, entries: &HashMap<Vec<u64>, Vec<u64>>) {
    let mut rows: Vec<(i64, Vec<String>, &Vec<u64>)> = entries
        .iter()
        .map(|(key, value)| (weight(&table.shape, value), shown_key(plan, guest, &table.columns, key), value))
        .collect();
    rows.sort();
    let widths: Vec<usize> = (0..table.columns.len())
        .map(|column| rows.iter().map(|(_, key, _)| key[column].chars().count()).max().unwrap_or(0).max(8))
        .collect();
    let is_distribution = matches!(table.shape.aggregate, Aggregate::Quantize | Aggregate::LinearQuantize);
    for (weight, key, value) in rows {
        let _ = write!(text, "  ");
        for ((column, word), width) in table.columns.iter().zip(&key).zip(&widths) {
            let _ = if column.is_text() { write!(text, "{word:<width$}  ") } else { write!(text, "{word:>width$}  ") };
        }
        if is_distribution {
            while text.ends_with(' ') {
                text.pop();
            }
            text.push('\n');
            show_distribution(text, &table.shape, value);
        } else {
            let _ = writeln!(text, "{weight:>12}");
        }
    }
}

fn shown_key(plan: &Plan, guest: &Guest, columns: &[Column], key: &[u64]) -> Vec<String> {
    let mut rest = key;
    columns
        .iter()
        .map(|column| {
            let (words, later) = rest.split_at(column.width().min(rest.len()));
            rest = later;
            column.shown(plan, guest, words)
        })
        .collect()
}

/// Width of a distribution's bars.
const BAR: u64 = 40;

fn show_distribution(text: &mut String, shape: &Shape, value: &[u64]) {
    let Some(first) = value.iter().position(|count| *count != 0) else { return };
    let last = value.iter().rposition(|count| *count != 0).unwrap_or(first);
    let total = value.iter().fold(0u64, |sum, count| sum.saturating_add(*count)).max(1);
    let _ = writeln!(text, "           value  ------------- Distribution ------------- count");
    // With its empty neighbours, as far as there are any.
    for (bucket, count) in value.iter().enumerate().take((last + 2).min(value.len())).skip(first.saturating_sub(1)) {
        let bar = u128::from(*count) * u128::from(BAR) / u128::from(total);
        let bar = "@".repeat(usize::try_from(bar).unwrap_or(0));
        let _ = writeln!(text, "{:>16} |{bar:<40} {count}", bucket_name(shape, bucket));
    }
}

/// Where a bucket begins.
fn bucket_name(shape: &Shape, bucket: usize) -> String {
    let place = i64::try_from(bucket).unwrap_or(0);
    if shape.aggregate == Aggregate::Quantize {
        return match place - 64 {
            0 => "0".into(),
            above @ 1.. => (1u64 << (above - 1)).to_string(),
            below => format!("-{}", 1u64 << (-below - 1)),
        };
    }
    let bound = |level: i64| shape.low.saturating_add(level.saturating_mul(shape.step));
    match place {
        0 => format!("< {}", shape.low),
        _ if place > i64::from(shape.levels) => format!(">= {}", bound(shape.levels.into())),
        _ => bound(place - 1).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::observe::Writer;

    /// A value: words and their places.
    type Value<'a> = &'a [(u16, u64)];
    /// What one CPU tells: keys and values.
    type Part<'a> = &'a [(u64, Value<'a>)];

    fn shape(aggregate: Aggregate) -> Shape {
        Shape { aggregate, key_words: 1, low: 0, step: 10, levels: 3 }
    }

    fn with(aggregate: Aggregate, parts: &[Part<'_>]) -> String {
        use wire::trace::ArgumentKind;
        let shape = shape(aggregate);
        let table = TableInfo { name: "x".into(), shape, columns: vec![Column::Number(ArgumentKind::Unsigned)] };
        let mut plan = Plan::default();
        plan.tables.push(table);
        let mut all = Aggregations::default();
        for part in parts {
            let mut bytes = [0; 1024];
            let mut out = Writer::new(&mut bytes);
            for (key, value) in *part {
                out.u64(*key).u16(value.len() as u16);
                value.iter().for_each(|(place, word)| {
                    out.u16(*place).u64(*word);
                });
            }
            let used = out.finish().unwrap();
            all.take(0, &shape, &bytes[..used]);
        }
        all.show(&plan, &Guest::default())
    }

    #[test]
    fn parts_of_cpus_are_put_together() {
        let parts: &[Part<'_>] = &[&[(1, &[(0, 5)]), (2, &[(0, 1)])], &[(1, &[(0, 7)])]];
        assert_eq!(with(Aggregate::Count, parts), "\n@x\n         2             1\n         1            12\n");
        assert_eq!(with(Aggregate::Min, parts), "\n@x\n         2             1\n         1             5\n");
        let parts: &[Part<'_>] = &[&[(1, &[(0, 2), (1, 10)])], &[(1, &[(0, 2), (1, 20)])]];
        assert_eq!(with(Aggregate::Average, parts), "\n@x\n         1             7\n");
    }

    #[test]
    fn distributions_have_bars() {
        let text = with(Aggregate::Quantize, &[&[(9, &[(64, 1), (66, 3)])]]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[5].contains("0 |@@@@@@@@@@ "), "{text}");
        assert!(lines[7].trim_start().starts_with("2 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"), "{text}");
        let text = with(Aggregate::LinearQuantize, &[&[(9, &[(0, 1), (4, 1)])]]);
        assert!(text.contains("< 0 |") && text.contains(">= 30 |"), "{text}");
    }

    #[test]
    fn damaged_entries_are_left_out() {
        let mut all = Aggregations::default();
        all.take(0, &shape(Aggregate::Count), &[1; 30]);
        assert!(all.tables[&0].is_empty());
    }
}
