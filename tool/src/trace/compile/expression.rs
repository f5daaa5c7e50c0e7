//! Expressions: a value into a register.
use super::body::Body;
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
                Some(index) => {
                    self.code.push(Instruction::Load { to, source: Source::Local, index: *index });
                    Ok(NUMBER)
                }
                None => mistake(at, format!("self->{name} is never set")),
            },
            ExpressionKind::Unary(operator, operand) => {
                self.number(operand, to)?;
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
                self.number(left, to)?;
                let end = self.jump_if_zero(to);
                self.number(right, to)?;
                self.arrive(end, at)?;
                self.truth(to);
                Ok(NUMBER)
            }
            ExpressionKind::Binary(Operator::Either, left, right) => {
                self.number(left, to)?;
                let right_place = self.jump_if_zero(to);
                self.code.push(Instruction::Jump { distance: 0 });
                let end = self.code.len() - 1;
                self.arrive(right_place, at)?;
                self.number(right, to)?;
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
                self.number(test, to)?;
                let otherwise = self.jump_if_zero(to);
                self.number(yes, to)?;
                self.code.push(Instruction::Jump { distance: 0 });
                let end = self.code.len() - 1;
                self.arrive(otherwise, at)?;
                self.number(no, to)?;
                self.arrive(end, at)?;
                Ok(NUMBER)
            }
        }
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
