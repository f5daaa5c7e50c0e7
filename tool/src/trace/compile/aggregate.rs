//! Aggregations: their functions, their tables and keys.
use super::body::Body;
use crate::trace::plan::TableInfo;
use crate::trace::source::{Mistake, mistake};
use crate::trace::syntax::{Expression, ExpressionKind, Unary};
use pure::trace_program::{self as machine, Aggregate, Instruction, Shape};

impl Body<'_, '_> {
    pub(super) fn aggregate(
        &mut self,
        at: usize,
        name: &str,
        keys: &[Expression],
        function: &(usize, String),
        arguments: &[Expression],
    ) -> Result<(), Mistake> {
        let (aggregate, wanted) = match function.1.as_str() {
            "count" => (Aggregate::Count, 0..=0),
            "sum" => (Aggregate::Sum, 1..=1),
            "min" => (Aggregate::Min, 1..=1),
            "max" => (Aggregate::Max, 1..=1),
            "avg" => (Aggregate::Average, 1..=1),
            "stddev" => (Aggregate::Deviation, 1..=1),
            "quantize" => (Aggregate::Quantize, 1..=1),
            "lquantize" => (Aggregate::LinearQuantize, 3..=4),
            other => return mistake(function.0, format!("there is no aggregating function called {other}")),
        };
        if !wanted.contains(&arguments.len()) {
            let wanted = if wanted.start() == wanted.end() { wanted.end().to_string() } else { "3 or 4".into() };
            return mistake(function.0, format!("{} takes {wanted} values, not {}", function.1, arguments.len()));
        }
        let (low, step, levels) = match arguments {
            [_, low, high, step @ ..] => linear(low, high, step.first())?,
            _ => (0, 1, 1),
        };
        let (columns, count) = self.words(keys, 8)?;
        let value = self.register(at, count)?;
        match arguments.first() {
            Some(argument) => self.number(argument, value)?,
            None => self.constant(value, 1),
        }
        let shape = Shape { aggregate, key_words: count, low, step, levels };
        let table = self.table(at, TableInfo { name: name.to_string(), shape, columns })?;
        self.code.push(Instruction::Aggregate { table, key: 0, value });
        Ok(())
    }

    /// The table of an aggregation, which must be the same wherever it stands.
    pub(super) fn table(&mut self, at: usize, info: TableInfo) -> Result<u8, Mistake> {
        let plan = &mut self.of.plan;
        if let Some(number) = plan.tables.iter().position(|table| table.name == info.name) {
            let known = &mut plan.tables[number];
            if known.shape != info.shape {
                return mistake(at, format!("@{} is another aggregation elsewhere", info.name));
            }
            for (known, new) in known.columns.iter_mut().zip(&info.columns) {
                match known.with(new) {
                    Some(both) => *known = both,
                    None => return mistake(at, format!("the keys of @{} are of other kinds elsewhere", info.name)),
                }
            }
            // CAST: below MAX_TABLES.
            return Ok(number as u8);
        }
        if plan.tables.len() == machine::MAX_TABLES {
            return mistake(at, format!("there can be {} aggregations", machine::MAX_TABLES));
        }
        plan.program.tables.push(info.shape);
        plan.tables.push(info);
        // CAST: as above.
        Ok(plan.tables.len() as u8 - 1)
    }
}

/// The bounds of a linear distribution: low, step, levels.
fn linear(low: &Expression, high: &Expression, step: Option<&Expression>) -> Result<(i64, i64, u16), Mistake> {
    let constant = |expression: &Expression| match &expression.kind {
        ExpressionKind::Number(number) => Ok(*number),
        ExpressionKind::Unary(Unary::Negate, inner) => match inner.kind {
            ExpressionKind::Number(number) => Ok(number.wrapping_neg()),
            _ => mistake(expression.at, "a number is wanted here"),
        },
        _ => mistake(expression.at, "a number is wanted here"),
    };
    let (from, to) = (constant(low)?, constant(high)?);
    let by = step.map_or(Ok(1), constant)?;
    let levels = to.checked_sub(from).filter(|range| *range > 0 && by > 0).map(|range| range / by);
    match levels.and_then(|levels| u16::try_from(levels).ok()).filter(|levels| (1..=254).contains(levels)) {
        Some(levels) => Ok((from, by, levels)),
        None => mistake(high.at, "a linear distribution goes from low to a higher bound in 1 to 254 steps"),
    }
}
