//! Actions.
use super::body::Body;
use super::expression::Type;
use crate::trace::plan::{Column, Output, Piece};
use crate::trace::printf;
use crate::trace::source::{Mistake, mistake};
use crate::trace::syntax::{Expression, Statement};
use pure::trace_program::Instruction;
use wire::observe::{OUTPUT, OUTPUT_LAST};

impl Body<'_, '_> {
    pub(super) fn statement(&mut self, statement: &Statement) -> Result<(), Mistake> {
        match statement {
            Statement::Aggregate { at, name, keys, function, arguments } => {
                self.aggregate(*at, name, keys, function, arguments)
            }
            Statement::Assign { is_local, name, value, .. } => {
                self.number(value, 0)?;
                let variables = if *is_local { &self.of.locals } else { &self.of.globals };
                // Every variable that is set was declared.
                let index = variables.get(name).copied().unwrap_or(0);
                self.code.push(match is_local {
                    true => Instruction::StoreLocal { index, from: 0 },
                    false => Instruction::StoreGlobal { index, from: 0 },
                });
                Ok(())
            }
            Statement::Print { at, format, values } => self.print(*at, format, values),
            Statement::Trace(value) => {
                let (columns, count) = self.words(std::slice::from_ref(value), 7)?;
                let mut pieces: Vec<Piece> = columns.into_iter().map(Piece::plain).collect();
                pieces.push(Piece::Text("\n".into()));
                self.emit(value.at, Output { pieces }, count)
            }
            Statement::Exit(value) => {
                self.number(value, 0)?;
                self.code.push(Instruction::Exit { status: 0 });
                Ok(())
            }
        }
    }

    pub(super) fn print(&mut self, at: usize, format: &str, values: &[Expression]) -> Result<(), Mistake> {
        let parts = printf::parse(format).map_err(|(offset, message)| Mistake { at: at + 1 + offset, message })?;
        let wanted = parts.iter().filter(|part| matches!(part, printf::Part::Value(..))).count();
        if wanted != values.len() {
            return mistake(at, format!("the format has {wanted} values, but {} are given", values.len()));
        }
        let (columns, count) = self.words(values, 7)?;
        let mut columns = columns.into_iter().zip(values);
        let mut pieces = Vec::new();
        for part in parts {
            pieces.push(match part {
                printf::Part::Text(text) => Piece::Text(text),
                printf::Part::Value(conversion) => {
                    let Some((column, value)) = columns.next() else { unreachable!("as many as there are values") };
                    if conversion.is_text() != column.is_text() {
                        let what =
                            if column.is_text() { "text: its conversion is %s" } else { "a number: %s is for text" };
                        return mistake(value.at, format!("this is {what}"));
                    }
                    Piece::Value(conversion, column)
                }
            });
        }
        self.emit(at, Output { pieces }, count)
    }

    pub(super) fn emit(&mut self, at: usize, output: Output, count: u8) -> Result<(), Mistake> {
        let outputs = &mut self.of.plan.outputs;
        let number = outputs.iter().position(|other| *other == output).unwrap_or(outputs.len());
        if number == outputs.len() {
            outputs.push(output);
        }
        let number = u16::try_from(number).ok().filter(|number| *number <= OUTPUT_LAST - OUTPUT);
        let Some(output) = number else { return mistake(at, "there are too many different outputs") };
        self.code.push(Instruction::Emit { output, first: 0, count });
        Ok(())
    }

    /// Puts values one after another into the registers from the first on; answers what they are and how many registers they take.
    pub(super) fn words(&mut self, values: &[Expression], most: u8) -> Result<(Vec<Column>, u8), Mistake> {
        let (mut columns, mut used) = (Vec::new(), 0);
        for value in values {
            let kind = self.expression(value, self.register(value.at, used)?)?;
            let (column, width) = match kind {
                Type::Number(kind) => (Column::Number(kind), 1),
                Type::Comm => (Column::Comm, 2),
                Type::Call | Type::Function => (Column::Name, 1),
                Type::Text(text) => {
                    let word = self.of.plan.text(&text);
                    self.constant(used, word);
                    (Column::Name, 1)
                }
            };
            used += width;
            if used > most {
                return mistake(value.at, format!("at most {most} words fit (execname takes two)"));
            }
            columns.push(column);
        }
        Ok((columns, used))
    }

    /// A number into a register.
    pub(super) fn number(&mut self, expression: &Expression, to: u8) -> Result<(), Mistake> {
        match self.expression(expression, self.register(expression.at, to)?)? {
            Type::Number(_) => Ok(()),
            Type::Text(_) | Type::Comm | Type::Call | Type::Function => {
                mistake(expression.at, "a number is wanted here, this is text")
            }
        }
    }
}
