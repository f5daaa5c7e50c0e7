//! Expressions: a value into a register.
use super::body::Body;
use super::program::Variable;
use super::text::Sort;
use crate::trace::plan::Stack;
use crate::trace::source::{Mistake, mistake};
use crate::trace::syntax::{Expression, ExpressionKind, Operator, Unary};
use pure::trace_program::{self as machine, Instruction, Source};
use wire::trace::ArgumentKind;

/// What an expression's value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// A number, shown so.
    Number(ArgumentKind),
    /// A text known now; nothing is in the register.
    Text(String),
    /// A task's name: two registers.
    Comm,
    /// A system call's number, which stands for its name.
    Call,
    /// The probe's number, which stands for the name of the kernel's function.
    Function,
    /// The number of a text that is kept.
    Kept,
    /// The number of a stack that is kept.
    Stack(Stack),
}

impl Body<'_, '_> {
    pub(super) fn expression(&mut self, expression: &Expression, to: u8) -> Result<Type, Mistake> {
        let at = expression.at;
        const NUMBER: Type = Type::Number(ArgumentKind::Signed);
        match &expression.kind {
            ExpressionKind::Number(value) => {
                self.constant(to, *value);
                Ok(NUMBER)
            }
            ExpressionKind::Text(text) => Ok(Type::Text(text.clone())),
            ExpressionKind::Name(name) => self.name(at, name, to),
            ExpressionKind::Local(name) => match self.of.locals.get(name) {
                Some(variable) => Ok(self.load(*variable, Source::Local, to)),
                None => mistake(at, format!("self->{name} is never set")),
            },
            ExpressionKind::This(name) => match self.of.shared.get(name) {
                Some(variable) => Ok(self.load(*variable, Source::Clause, to)),
                None => mistake(at, format!("this->{name} is never set")),
            },
            ExpressionKind::Call(function, arguments) => self.call(at, *function, arguments, to),
            ExpressionKind::Unary(operator, operand) => {
                match operator {
                    Unary::Not => self.condition(operand, to)?,
                    _ => self.number(operand, to)?,
                }
                self.unary(
                    match operator {
                        Unary::Negate => machine::Unary::Negate,
                        Unary::Invert => machine::Unary::Invert,
                        Unary::Not => machine::Unary::Not,
                    },
                    to,
                );
                Ok(NUMBER)
            }
            ExpressionKind::Binary(Operator::Both, left, right) => {
                self.condition(left, to)?;
                let end = self.jump_if_zero(to);
                self.condition(right, to)?;
                self.arrive(end, at)?;
                self.truth(to);
                Ok(NUMBER)
            }
            ExpressionKind::Binary(Operator::Either, left, right) => {
                self.condition(left, to)?;
                let right_place = self.jump_if_zero(to);
                let end = self.jump();
                self.arrive(right_place, at)?;
                self.condition(right, to)?;
                self.arrive(end, at)?;
                self.truth(to);
                Ok(NUMBER)
            }
            ExpressionKind::Binary(Operator::Plain(operation), left, right) => {
                if matches!(operation, machine::Binary::Equal | machine::Binary::NotEqual) {
                    self.compare(at, *operation, left, right, to)?;
                    return Ok(NUMBER);
                }
                self.operands(at, left, right, to)?;
                self.binary(*operation, to, to, to + 1);
                Ok(NUMBER)
            }
            ExpressionKind::Binary(Operator::Swapped(operation), left, right) => {
                self.operands(at, left, right, to)?;
                self.binary(*operation, to, to + 1, to);
                Ok(NUMBER)
            }
            ExpressionKind::Choice(parts) => {
                let [test, yes, no] = &**parts;
                let is_text = self.sort(expression) == Sort::Kept;
                let either = if is_text { Self::text } else { Self::number };
                self.condition(test, to)?;
                let otherwise = self.jump_if_zero(to);
                either(self, yes, to)?;
                let end = self.jump();
                self.arrive(otherwise, at)?;
                either(self, no, to)?;
                self.arrive(end, at)?;
                Ok(if is_text { Type::Kept } else { NUMBER })
            }
        }
    }

    /// Loads a variable.
    pub(super) fn load(&mut self, variable: Variable, source: Source, to: u8) -> Type {
        self.code.push(Instruction::Load { to, source, index: variable.index });
        if variable.is_text { Type::Kept } else { Type::Number(ArgumentKind::Signed) }
    }

    pub(super) fn operands(&mut self, at: usize, left: &Expression, right: &Expression, to: u8) -> Result<(), Mistake> {
        self.number(left, to)?;
        let above = self.register(at, to + 1)?;
        self.number(right, above)
    }

    /// Makes a number 0 or 1.
    pub(super) fn truth(&mut self, register: u8) {
        self.unary(machine::Unary::Not, register);
        self.unary(machine::Unary::Not, register);
    }
}
