//! Actions.
use super::body::Body;
use super::expression::Type;
use super::text::Sort;
use crate::trace::plan::{Column, Output, Piece};
use crate::trace::printf;
use crate::trace::source::{Mistake, mistake};
use crate::trace::syntax::{Expression, ExpressionKind, Scope, Statement};
use pure::trace_program::Instruction;
use wire::observe::{OUTPUT, OUTPUT_LAST};

impl Body<'_, '_> {
    pub(super) fn statements(&mut self, statements: &[Statement]) -> Result<(), Mistake> {
        statements.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Statement) -> Result<(), Mistake> {
        match statement {
            Statement::Aggregate { at, name, keys, function, arguments } => {
                self.aggregate(*at, name, keys, function, arguments)
            }
            Statement::Assign { scope, name, value, .. } => self.assign(*scope, name, value),
            Statement::Print { at, format, values } => self.print(*at, format, values),
            Statement::Trace(value) => {
                let (columns, count) = self.words(std::slice::from_ref(value), 7)?;
                let has_end = matches!(columns[..], [Column::Stack(_)]);
                let mut pieces: Vec<Piece> = columns.into_iter().map(Piece::plain).collect();
                if !has_end {
                    pieces.push(Piece::Text("\n".into()));
                }
                self.emit(value.at, Output::Said(pieces), count)
            }
            Statement::Exit(value) => {
                self.number(value, 0)?;
                self.code.push(Instruction::Exit { status: 0 });
                Ok(())
            }
            Statement::Handle { what, name, format, number } => {
                self.handle(*what, name, format.as_ref(), number.as_ref())
            }
            Statement::If { test, then, otherwise } => {
                self.condition(test, 0)?;
                let to_else = self.jump_if_zero(0);
                self.statements(then)?;
                let to_end = self.jump();
                self.arrive(to_else, test.at)?;
                self.statements(otherwise)?;
                self.arrive(to_end, test.at)
            }
        }
    }

    fn assign(&mut self, scope: Scope, name: &str, value: &Expression) -> Result<(), Mistake> {
        let variables = match scope {
            Scope::Program => &self.of.globals,
            Scope::Thread => &self.of.locals,
            Scope::Clause => &self.of.shared,
        };
        // Every variable that is set was declared.
        let Some(variable) = variables.get(name).copied() else { return mistake(value.at, "this cannot be set") };
        let is_zero = value.kind == ExpressionKind::Number(0);
        match variable.is_text {
            // Zero forgets a text, too.
            true if !is_zero => self.text(value, 0)?,
            _ => self.number(value, 0)?,
        }
        let index = variable.index;
        self.code.push(match scope {
            Scope::Program => Instruction::StoreGlobal { index, from: 0 },
            Scope::Thread => Instruction::StoreLocal { index, from: 0 },
            Scope::Clause => Instruction::StoreClause { index, from: 0 },
        });
        Ok(())
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
        self.emit(at, Output::Said(pieces), count)
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
                Type::Kept => (Column::Text, 1),
                Type::Stack(stack) => (Column::Stack(stack), 1),
                Type::Text(text) => {
                    let word = self.of.plan.text(&text);
                    self.constant(used, word);
                    (Column::Text, 1)
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
            Type::Stack(_) => mistake(expression.at, "a number is wanted here, this is a stack"),
            _ => mistake(expression.at, "a number is wanted here, this is text"),
        }
    }

    /// A number into a register, or a variable that may hold a text: zero if it does not.
    pub(super) fn condition(&mut self, expression: &Expression, to: u8) -> Result<(), Mistake> {
        let is_variable =
            matches!(expression.kind, ExpressionKind::Name(_) | ExpressionKind::Local(_) | ExpressionKind::This(_));
        match is_variable && self.sort(expression) == Sort::Kept {
            true => self.expression(expression, self.register(expression.at, to)?).map(|_| ()),
            false => self.number(expression, to),
        }
    }
}
