//! Aggregations as text, as DTrace shows them.
use super::aggregation::Row;
use super::plan::{Column, HandlePiece, TableInfo};
use pure::trace_program::{Aggregate, Shape};
use std::fmt::Write;

/// Rows as text.
pub(super) fn shown(table: &TableInfo, divisor: i64, rows: &[Row]) -> String {
    let mut text = String::new();
    let widths: Vec<usize> = (0..table.columns.len())
        .map(|column| rows.iter().map(|row| row.key[column].chars().count()).max().unwrap_or(0).max(8))
        .collect();
    let is_distribution = matches!(table.shape.aggregate, Aggregate::Quantize | Aggregate::LinearQuantize);
    for row in rows {
        text.push_str("  ");
        for ((column, word), width) in table.columns.iter().zip(&row.key).zip(&widths) {
            let _ = match column {
                // On lines of its own.
                Column::Stack(_) => {
                    end_line(&mut text);
                    write!(text, "{word}  ")
                }
                column if column.is_text() => write!(text, "{word:<width$}  "),
                _ => write!(text, "{word:>width$}  "),
            };
        }
        if is_distribution {
            end_line(&mut text);
            show_distribution(&mut text, &table.shape, divisor, &row.value);
        } else {
            let _ = writeln!(text, "{:>12}", row.weight.wrapping_div(divisor));
        }
    }
    text
}

/// Goes on on a new line, unless one begins here.
fn end_line(text: &mut String) {
    text.truncate(text.trim_end_matches(' ').len());
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}

/// Rows by a format of `printa`.
pub(super) fn formatted(table: &TableInfo, divisor: i64, rows: &[Row], pieces: &[HandlePiece]) -> String {
    let mut text = String::new();
    for row in rows {
        let mut keys = table.columns.iter().zip(&row.key);
        let mut rest = &row.words[..];
        for piece in pieces {
            match piece {
                HandlePiece::Text(piece) => text.push_str(piece),
                HandlePiece::Key(conversion) => {
                    let Some((column, shown)) = keys.next() else { continue };
                    let (words, later) = rest.split_at(column.width().min(rest.len()));
                    rest = later;
                    if matches!(column, Column::Stack(_)) {
                        text.push('\n');
                    }
                    let is_text = column.is_text() || conversion.is_text();
                    let value = if is_text { Err(shown.as_str()) } else { Ok(words.first().copied().unwrap_or(0)) };
                    text.push_str(&conversion.apply(value));
                }
                HandlePiece::Value(conversion) => match table.shape.aggregate {
                    Aggregate::Quantize | Aggregate::LinearQuantize => {
                        text.push('\n');
                        show_distribution(&mut text, &table.shape, divisor, &row.value);
                    }
                    _ => text.push_str(&conversion.apply(Ok(row.weight.wrapping_div(divisor).cast_unsigned()))),
                },
            }
        }
    }
    text
}

/// Width of a distribution's bars.
const BAR: u64 = 40;

fn show_distribution(text: &mut String, shape: &Shape, divisor: i64, value: &[u64]) {
    let Some(first) = value.iter().position(|count| *count != 0) else { return };
    let last = value.iter().rposition(|count| *count != 0).unwrap_or(first);
    let total = value.iter().fold(0u64, |sum, count| sum.saturating_add(*count)).max(1);
    let _ = writeln!(text, "           value  ------------- Distribution ------------- count");
    // With its empty neighbours, as far as there are any.
    for (bucket, count) in value.iter().enumerate().take((last + 2).min(value.len())).skip(first.saturating_sub(1)) {
        let bar = u128::from(*count) * u128::from(BAR) / u128::from(total);
        let bar = "@".repeat(usize::try_from(bar).unwrap_or(0));
        let _ = writeln!(
            text,
            "{:>16} |{bar:<40} {}",
            bucket_name(shape, bucket),
            count.cast_signed().wrapping_div(divisor)
        );
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
