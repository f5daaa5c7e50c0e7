//! Comparisons: of numbers, and of texts as far as they can be.
use super::body::Body;
use super::expression::Type;
use crate::trace::source::{Mistake, mistake};
use crate::trace::syntax::Expression;
use pure::trace_program::{self as machine, Instruction};

impl Body<'_, '_> {
    /// Compares two numbers or two texts.
    pub(super) fn compare(
        &mut self,
        at: usize,
        operation: machine::Binary,
        left: &Expression,
        right: &Expression,
        to: u8,
    ) -> Result<(), Mistake> {
        let start = self.code.len();
        let left_type = self.expression(left, to)?;
        if matches!(left_type, Type::Number(_)) {
            let above = self.register(at, to + 1)?;
            self.number(right, above)?;
            self.binary(operation, to, to, above);
            return Ok(());
        }
        let above = self.register(at, to + 2)?;
        let right_type = self.expression(right, above)?;
        let is_equal = operation == machine::Binary::Equal;
        match (left_type, right_type) {
            (Type::Text(left), Type::Text(right)) => {
                self.code.truncate(start);
                self.constant(to, i64::from((left == right) == is_equal));
            }
            // Known now: the clause is compiled for each function.
            (Type::Function, Type::Text(text)) | (Type::Text(text), Type::Function) => {
                self.code.truncate(start);
                let is_same = self.event.function() == Some(text.as_str());
                self.constant(to, i64::from(is_same == is_equal));
            }
            (Type::Comm, Type::Text(text)) => self.compare_comm(at, &text, to)?,
            (Type::Text(text), Type::Comm) => {
                self.code.truncate(start);
                self.expression(right, to)?;
                self.compare_comm(at, &text, to)?;
            }
            (Type::Call, Type::Text(text)) => self.compare_call(right.at, &text, to)?,
            (Type::Text(text), Type::Call) => {
                self.code.truncate(start);
                self.expression(right, to)?;
                self.compare_call(left.at, &text, to)?;
            }
            (_, Type::Number(_)) => return mistake(right.at, "a text cannot be compared with a number"),
            _ => return mistake(at, "these texts cannot be compared"),
        }
        if !is_equal && !matches!(self.code[start..], [Instruction::Constant { .. }]) {
            self.unary(machine::Unary::Not, to);
        }
        Ok(())
    }

    /// The name in two registers against a text: 1 or 0.
    pub(super) fn compare_comm(&mut self, at: usize, text: &str, to: u8) -> Result<(), Mistake> {
        let mut name = [0; 16];
        match name[..15].get_mut(..text.len()) {
            Some(place) => place.copy_from_slice(text.as_bytes()),
            None => return mistake(at, "names of programs are cut at 15 bytes: this can never be equal"),
        }
        let constant = self.register(at, to + 2)?;
        for (half, register) in name.as_chunks::<8>().0.iter().zip([to, to + 1]) {
            self.constant(constant, i64::from_le_bytes(*half));
            self.binary(machine::Binary::Equal, register, register, constant);
        }
        self.binary(machine::Binary::And, to, to, to + 1);
        Ok(())
    }

    pub(super) fn compare_call(&mut self, at: usize, text: &str, to: u8) -> Result<(), Mistake> {
        let guest = self.of.guest;
        let Some(number) = (0..1024).find(|number| guest.call(*number) == Some(text)) else {
            return mistake(at, format!("this architecture has no system call {text}"));
        };
        let constant = self.register(at, to + 1)?;
        self.constant(constant, number.cast_signed());
        self.binary(machine::Binary::Equal, to, to, constant);
        Ok(())
    }
}
