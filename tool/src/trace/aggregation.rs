//! Aggregations: the CPUs' parts put together, and what the program does with them as a whole.
use super::aggregation_text::{formatted, shown};
use super::plan::{Column, Handle, Meaning, Plan, TableInfo};
use super::syntax::Handling;
use crate::profile::stacks::{Profile, Unit};
use pure::trace_program::{Aggregate, Shape};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use wire::observe::{KEPT, Reader};

/// Everything gathered, by the number of the table.
#[derive(Debug, Default)]
pub(crate) struct Aggregations {
    tables: HashMap<u8, Gathered>,
}

/// What one aggregation came to.
#[derive(Debug)]
struct Gathered {
    /// Values by key.
    entries: HashMap<Vec<u64>, Vec<u64>>,
    /// Values are shown divided by this.
    divisor: i64,
    /// `printa` has shown it: it need not be shown at the end.
    is_shown: bool,
}

impl Default for Gathered {
    fn default() -> Gathered {
        Gathered { entries: HashMap::new(), divisor: 1, is_shown: false }
    }
}

/// A row as it is shown: what it is sorted by, its keys, its value.
#[derive(Debug)]
pub(super) struct Row {
    /// What simple values are, and distributions hold together.
    pub(super) weight: i64,
    /// A text for each column.
    pub(super) key: Vec<String>,
    /// The words.
    pub(super) value: Vec<u64>,
    /// The key as it came, or one of several that are shown alike.
    pub(super) words: Vec<u64>,
}

impl Aggregations {
    /// Takes the entries of one CPU's table, as `Kind::Aggregations` brings them.
    pub(crate) fn take(&mut self, table: u8, shape: &Shape, payload: &[u8]) {
        let entries = &mut self.tables.entry(table).or_default().entries;
        let mut from = Reader(payload);
        while let Some((key, value)) = entry(&mut from, shape) {
            match entries.entry(key) {
                std::collections::hash_map::Entry::Vacant(place) => {
                    place.insert(value);
                }
                std::collections::hash_map::Entry::Occupied(mut known) => combine(shape, known.get_mut(), &value),
            }
        }
    }

    /// Does what the program says; answers what is to be shown.
    pub(crate) fn handle(&mut self, meaning: &Meaning<'_>, handle: &Handle, number: Option<i64>) -> String {
        let Some((place, table)) = find(meaning.plan, &handle.name) else { return String::new() };
        let gathered = self.tables.entry(place).or_default();
        match handle.what {
            Handling::Print => {
                gathered.is_shown = true;
                let rows = rows(meaning, table, gathered);
                return match &handle.format {
                    Some(pieces) => formatted(table, gathered.divisor, &rows, pieces),
                    None => shown(table, gathered.divisor, &rows),
                };
            }
            Handling::Clear => match table.shape.aggregate {
                // There is no number that means "none yet".
                Aggregate::Min | Aggregate::Max => gathered.entries.clear(),
                _ => gathered.entries.values_mut().for_each(|value| value.fill(0)),
            },
            Handling::Truncate => truncate(&table.shape, gathered, number),
            Handling::Normalize => gathered.divisor = number.filter(|number| *number != 0).unwrap_or(1),
            Handling::Denormalize => gathered.divisor = 1,
        }
        String::new()
    }

    /// All tables that were not shown yet, as text.
    pub(crate) fn show(&self, meaning: &Meaning<'_>) -> String {
        let tables = &meaning.plan.tables;
        let mut text = String::new();
        for (number, table) in tables.iter().enumerate() {
            let gathered = u8::try_from(number).ok().and_then(|number| self.tables.get(&number));
            let Some(gathered) = gathered.filter(|all| !all.entries.is_empty() && !all.is_shown) else { continue };
            if !table.name.is_empty() {
                let _ = writeln!(text, "\n@{}", table.name);
            } else if tables.len() > 1 {
                text.push('\n');
            }
            text.push_str(&shown(table, gathered.divisor, &rows(meaning, table, gathered)));
        }
        text
    }

    /// The first table that has stacks in its key, as a profile: what else is in the key is the outermost part.
    pub(crate) fn profile(&self, meaning: &Meaning<'_>) -> Profile {
        let mut profile = Profile::new(Unit::Events);
        let place = meaning.plan.stacks();
        let table = place.and_then(|place| meaning.plan.tables.get(usize::from(place)));
        let gathered = place.and_then(|place| self.tables.get(&place));
        let Some((table, gathered)) = table.zip(gathered) else { return profile };
        for (key, value) in &gathered.entries {
            let (mut owner, mut user, mut kernel) = (Vec::new(), Vec::new(), Vec::new());
            let mut rest = &key[..];
            for column in &table.columns {
                let (words, later) = rest.split_at(column.width().min(rest.len()));
                rest = later;
                match column {
                    Column::Stack(stack) => {
                        let number = words.first().copied().unwrap_or(0).saturating_sub(KEPT);
                        let frames = meaning.kept.frames(number, *stack).into_iter().rev();
                        if stack.is_user { user.extend(frames) } else { kernel.extend(frames) }
                    }
                    column => owner.push(column.shown(meaning, words)),
                }
            }
            user.append(&mut kernel);
            let owner = if owner.is_empty() { "all".into() } else { owner.join(" ") };
            let weight = weight(&table.shape, value).wrapping_div(gathered.divisor);
            profile.add(owner.into(), user, weight.max(0).cast_unsigned());
        }
        profile
    }
}

/// An aggregation by its name, with its number.
fn find<'a>(plan: &'a Plan, name: &str) -> Option<(u8, &'a TableInfo)> {
    let place = plan.tables.iter().position(|table| table.name == name)?;
    Some((u8::try_from(place).ok()?, plan.tables.get(place)?))
}

/// Adds a value to one of the same key.
fn combine(shape: &Shape, known: &mut [u64], new: &[u64]) {
    if let (Aggregate::Deviation, [.., low, high], [.., new_low, new_high]) = (shape.aggregate, &mut *known, new) {
        // The others are added one by one below; these two are one number.
        let sum = wide(*low, *high).wrapping_add(wide(*new_low, *new_high));
        // CAST: the halves, less what is added below.
        (*low, *high) = ((sum as u64).wrapping_sub(*new_low), ((sum >> 64) as u64).wrapping_sub(*new_high));
    }
    for (known, new) in known.iter_mut().zip(new) {
        let (a, b) = (known.cast_signed(), new.cast_signed());
        *known = match shape.aggregate {
            Aggregate::Min => a.min(b).cast_unsigned(),
            Aggregate::Max => a.max(b).cast_unsigned(),
            _ => known.wrapping_add(*new),
        };
    }
}

/// A number of two words.
fn wide(low: u64, high: u64) -> u128 {
    u128::from(low) | u128::from(high) << 64
}

/// The standard deviation of so many values, from their sum and the sum of their squares, as DTrace reckons it.
fn deviation(count: u64, sum: u64, squares: u128) -> i64 {
    let Some(mean_of_squares) = squares.checked_div(count.into()) else { return 0 };
    let mean = i128::from(sum.cast_signed()) / i128::from(count);
    let variance = mean_of_squares.saturating_sub(mean.unsigned_abs().saturating_mul(mean.unsigned_abs()));
    i64::try_from(variance.isqrt()).unwrap_or(i64::MAX)
}

/// Forgets all keys, or all but the `number` greatest, or (negative) least.
fn truncate(shape: &Shape, gathered: &mut Gathered, number: Option<i64>) {
    let Some(number) = number else { return gathered.entries.clear() };
    let most = usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX);
    let mut keys: Vec<(i64, Vec<u64>)> =
        gathered.entries.iter().map(|(key, value)| (weight(shape, value), key.clone())).collect();
    keys.sort();
    if number > 0 {
        keys.reverse();
    }
    for (_, key) in keys.into_iter().skip(most) {
        gathered.entries.remove(&key);
    }
}

/// The rows in the order in which they are shown. Keys that are shown alike, such as the same stack in several processes, are one row.
fn rows(meaning: &Meaning<'_>, table: &TableInfo, gathered: &Gathered) -> Vec<Row> {
    let mut by_key: BTreeMap<Vec<String>, (Vec<u64>, Vec<u64>)> = BTreeMap::new();
    for (words, value) in &gathered.entries {
        let key = shown_key(meaning, &table.columns, words);
        match by_key.entry(key) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert((words.clone(), value.clone()));
            }
            std::collections::btree_map::Entry::Occupied(mut known) => {
                combine(&table.shape, &mut known.get_mut().1, value);
            }
        }
    }
    let mut rows: Vec<Row> = by_key
        .into_iter()
        .map(|(key, (words, value))| Row { weight: weight(&table.shape, &value), key, value, words })
        .collect();
    rows.sort_by(|a, b| (a.weight, &a.key).cmp(&(b.weight, &b.key)));
    rows
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
        Aggregate::Deviation => match value {
            [count, sum, low, high] => deviation(*count, *sum, wide(*low, *high)),
            _ => 0,
        },
        Aggregate::Quantize | Aggregate::LinearQuantize => {
            value.iter().fold(0u64, |sum, count| sum.saturating_add(*count)).min(i64::MAX.cast_unsigned()).cast_signed()
        }
    }
}

fn shown_key(meaning: &Meaning<'_>, columns: &[Column], key: &[u64]) -> Vec<String> {
    let mut rest = key;
    columns
        .iter()
        .map(|column| {
            let (words, later) = rest.split_at(column.width().min(rest.len()));
            rest = later;
            column.shown(meaning, words)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::guest::Guest;
    use crate::trace::kept::Kept;
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
        let (guest, kept) = (Guest::default(), Kept::default());
        all.show(&Meaning { plan: &plan, guest: &guest, kept: &kept })
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
    fn deviations_are_put_together() {
        // 2, 4, 4, 4 and 5, 5, 7, 9: their mean is 5, their deviation 2. A carry goes over the half.
        let parts: &[Part<'_>] = &[&[(1, &[(0, 4), (1, 14), (2, 52)])], &[(1, &[(0, 4), (1, 26), (2, 180)])]];
        assert_eq!(with(Aggregate::Deviation, parts), "\n@x\n         1             2\n");
        let half = u64::MAX / 2 + 1;
        let parts: &[Part<'_>] = &[&[(1, &[(0, 1), (2, half)])], &[(1, &[(0, 1), (2, half), (3, 1)])]];
        assert_eq!(deviation(2, 0, 2 << 64), 1 << 32);
        assert_eq!(with(Aggregate::Deviation, parts), format!("\n@x\n         1    {:>10}\n", 1u64 << 32));
        assert_eq!((deviation(0, 0, 0), deviation(3, 30, 300)), (0, 0));
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
        assert!(all.tables[&0].entries.is_empty());
    }
}
