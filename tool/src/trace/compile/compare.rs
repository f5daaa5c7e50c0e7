//! Comparisons: of numbers, and of texts as far as they can be.
use super::body::Body;
use super::expression::Type;
use super::text::Sort;
use crate::trace::source::{Mistake, mistake};
use crate::trace::syntax::Expression;
use pure::trace_program as machine;
use wire::observe::KEPT;

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
        let is_equal = operation == machine::Binary::Equal;
        match (self.sort(left), self.sort(right)) {
            (Sort::Number, _) => {
                self.operands(at, left, right, to)?;
                self.binary(operation, to, to, to + 1);
                return Ok(());
            }
            // Known now: the clause is compiled for each function.
            (Sort::Function, Sort::Known) | (Sort::Known, Sort::Function) => {
                let name = if self.sort(left) == Sort::Known { self.known(left)? } else { self.known(right)? };
                let is_same = self.event.function() == Some(name.as_str());
                self.constant(to, i64::from(is_same == is_equal));
                return Ok(());
            }
            (_, Sort::Number) => return mistake(right.at, "a text cannot be compared with a number"),
            (Sort::Known, Sort::Known) => {
                let same = self.known(left)? == self.known(right)?;
                self.constant(to, i64::from(same == is_equal));
                return Ok(());
            }
            (Sort::Comm, Sort::Known) => self.compare_comm(left, right, at, to)?,
            (Sort::Known, Sort::Comm) => self.compare_comm(right, left, at, to)?,
            (Sort::Call, Sort::Known) => self.compare_call(left, right, to)?,
            (Sort::Known, Sort::Call) => self.compare_call(right, left, to)?,
            (Sort::Kept, Sort::Known) => {
                let known = self.known(right)?;
                self.compare_read(left, &known, right.at, to)?;
            }
            (Sort::Known, Sort::Kept) => {
                let known = self.known(left)?;
                self.compare_read(right, &known, left.at, to)?;
            }
            (Sort::Kept | Sort::Comm, Sort::Kept | Sort::Comm) => {
                self.text(left, to)?;
                let above = self.register(at, to + 1)?;
                self.text(right, above)?;
                // What found no room is neither equal to another text nor different from it.
                if !is_equal {
                    self.binary(machine::Binary::NotEqual, to, to, above);
                    return Ok(());
                }
                let unknown = self.register(at, to + 2)?;
                self.constant(unknown, KEPT.cast_signed());
                self.binary(machine::Binary::NotEqual, unknown, to, unknown);
                self.binary(machine::Binary::Equal, to, to, above);
                self.binary(machine::Binary::And, to, to, unknown);
            }
            _ => return mistake(at, "these cannot be compared"),
        }
        if !is_equal {
            self.unary(machine::Unary::Not, to);
        }
        Ok(())
    }

    /// A text that is known now.
    fn known(&mut self, expression: &Expression) -> Result<String, Mistake> {
        let length = self.code.len();
        let value = self.expression(expression, 0)?;
        self.code.truncate(length);
        match value {
            Type::Text(text) => Ok(text),
            _ => mistake(expression.at, "a text is wanted here"),
        }
    }

    /// A task's name against a text: 1 or 0.
    fn compare_comm(&mut self, comm: &Expression, text: &Expression, at: usize, to: u8) -> Result<(), Mistake> {
        let text = self.known(text)?;
        let mut name = [0; 16];
        match name[..15].get_mut(..text.len()) {
            Some(place) => place.copy_from_slice(text.as_bytes()),
            None => return mistake(at, "names of programs are cut at 15 bytes: this can never be equal"),
        }
        self.expression(comm, to)?;
        let constant = self.register(at, to + 2)?;
        for (half, register) in name.as_chunks::<8>().0.iter().zip([to, to + 1]) {
            self.constant(constant, i64::from_le_bytes(*half));
            self.binary(machine::Binary::Equal, register, register, constant);
        }
        self.binary(machine::Binary::And, to, to, to + 1);
        Ok(())
    }

    /// A system call against its name: 1 or 0.
    fn compare_call(&mut self, call: &Expression, name: &Expression, to: u8) -> Result<(), Mistake> {
        let (at, text) = (name.at, self.known(name)?);
        let guest = self.of.guest;
        let Some(number) = (0..1024).find(|number| guest.call(*number) == Some(text.as_str())) else {
            return mistake(at, format!("this architecture has no system call {text}"));
        };
        self.expression(call, to)?;
        let constant = self.register(at, to + 1)?;
        self.constant(constant, number.cast_signed());
        self.binary(machine::Binary::Equal, to, to, constant);
        Ok(())
    }
}
