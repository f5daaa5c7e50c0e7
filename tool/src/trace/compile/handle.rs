//! What is done with whole aggregations: `printa`, `clear` and the like. The kernel only tells what it has so far, and that the moment has come;
//! the rest is done by the tool.
use super::body::Body;
use super::program::Compiler;
use crate::trace::plan::{Handle, HandlePiece, Output};
use crate::trace::printf::{self, Part};
use crate::trace::source::{Mistake, mistake};
use crate::trace::syntax::{Expression, Handling};
use pure::trace_program::Instruction;
use wire::observe::END;

impl Body<'_, '_> {
    pub(super) fn handle(
        &mut self,
        what: Handling,
        (at, name): &(usize, String),
        format: Option<&(usize, String)>,
        number: Option<&Expression>,
    ) -> Result<(), Mistake> {
        if !self.of.aggregations.contains(name) {
            return mistake(*at, format!("there is no aggregation @{name}"));
        }
        let format = match format {
            None => None,
            Some((at, text)) => Some((*at, pieces(*at, text)?)),
        };
        let count = match number {
            None => 0,
            Some(number) => {
                self.number(number, 0)?;
                1
            }
        };
        // At the end everything is told anyway.
        if self.event.number() != END {
            self.code.push(Instruction::Snapshot);
        }
        let handle = Handle { what, name: name.clone(), format: format.as_ref().map(|(_, pieces)| pieces.clone()) };
        if let Some((at, pieces)) = format {
            self.of.formats.push((at, name.clone(), pieces));
        }
        self.emit(*at, Output::Handled(handle), count)
    }
}

impl Compiler<'_> {
    /// Whether every format of `printa` fits the keys of its aggregation, now that all are known.
    pub(super) fn check_formats(&self) -> Result<(), Mistake> {
        for (at, name, pieces) in &self.formats {
            let Some(table) = self.plan.tables.iter().find(|table| table.name == *name) else {
                return mistake(*at, format!("there is no aggregation @{name}"));
            };
            let mut columns = table.columns.iter();
            for piece in pieces {
                let HandlePiece::Key(conversion) = piece else { continue };
                match columns.next() {
                    None => {
                        return mistake(
                            *at,
                            format!("@{name} has {} keys, the format shows more", table.columns.len()),
                        );
                    }
                    Some(column) if column.is_text() && !conversion.is_text() => {
                        return mistake(*at, format!("a key of @{name} is text, which %s shows"));
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(())
    }
}

/// A format of `printa`: keys in their order, and values.
fn pieces(at: usize, format: &str) -> Result<Vec<HandlePiece>, Mistake> {
    let parts =
        printf::parse_with_values(format).map_err(|(offset, message)| Mistake { at: at + 1 + offset, message })?;
    let mut pieces = Vec::new();
    for part in parts {
        pieces.push(match part {
            Part::Text(text) => HandlePiece::Text(text),
            Part::Value(conversion) if conversion.is_of_aggregation() => HandlePiece::Value(conversion),
            Part::Value(conversion) => HandlePiece::Key(conversion),
        });
    }
    Ok(pieces)
}
