//! One clause, for one probe: its code, with jumps that know where to only later.
use super::program::Compiler;
use crate::trace::plan::Event;
use crate::trace::source::{Mistake, mistake};
use crate::trace::syntax::{Clause, ExpressionKind, Function, Statement};
use pure::trace_program::{self as machine, Instruction, REGISTERS, Source};

/// One clause, for one probe.
pub(super) struct Body<'a, 'b> {
    pub(super) of: &'b mut Compiler<'a>,
    pub(super) event: Event<'b>,
    pub(super) code: Vec<Instruction>,
}

impl Body<'_, '_> {
    pub(super) fn compile(&mut self, clause: &Clause, at: usize, calls: Option<&[u64]>) -> Result<(), Mistake> {
        let mut ends = Vec::new();
        if let Some(calls) = calls {
            // The number is none of them: r0 = (n == a) | (n == b) | …
            self.code.push(Instruction::Load { to: 1, source: Source::Argument, index: 0 });
            self.code.push(Instruction::Constant { to: 0, value: 0 });
            for call in calls {
                self.constant(2, call.cast_signed());
                self.binary(machine::Binary::Equal, 2, 1, 2);
                self.binary(machine::Binary::Or, 0, 0, 2);
            }
            ends.push(self.jump_if_zero(0));
        }
        if let Some(predicate) = &clause.predicate {
            self.condition(predicate, 0)?;
            ends.push(self.jump_if_zero(0));
        }
        match &clause.actions {
            None if matches!(self.event, Event::Own(..)) => {
                return mistake(at, "this probe has nothing to record: say { what to do }");
            }
            None => self.code.push(Instruction::Record),
            Some(statements) => {
                // A stack by itself stands under its event.
                if statements.iter().any(is_stack)
                    && !statements.iter().any(says_something)
                    && !matches!(self.event, Event::Own(..))
                {
                    self.code.push(Instruction::Record);
                }
                self.statements(statements)?;
            }
        }
        for end in ends {
            self.arrive(end, at)?;
        }
        Ok(())
    }

    pub(super) fn constant(&mut self, to: u8, value: i64) {
        // CAST: the low half, with its sign; the high half follows unless that is what the sign made.
        let low = value as i32;
        self.code.push(Instruction::Constant { to, value: low });
        if i64::from(low) != value {
            self.code.push(Instruction::High { to, value: (value >> 32) as u32 });
        }
    }

    pub(super) fn binary(&mut self, operation: machine::Binary, to: u8, left: u8, right: u8) {
        self.code.push(Instruction::Binary { operation, to, left, right });
    }

    pub(super) fn unary(&mut self, operation: machine::Unary, to: u8) {
        self.code.push(Instruction::Unary { operation, to, from: to });
    }

    /// A jump whose distance is not known yet: its place.
    pub(super) fn jump_if_zero(&mut self, test: u8) -> usize {
        self.code.push(Instruction::JumpIfZero { test, distance: 0 });
        self.code.len() - 1
    }

    /// The same of a jump whatever happens.
    pub(super) fn jump(&mut self) -> usize {
        self.code.push(Instruction::Jump { distance: 0 });
        self.code.len() - 1
    }

    /// Lets the jump at `place` arrive here.
    pub(super) fn arrive(&mut self, place: usize, at: usize) -> Result<(), Mistake> {
        let Ok(to) = u16::try_from(self.code.len() - place - 1) else { return mistake(at, "this is too long") };
        match self.code.get_mut(place) {
            Some(Instruction::JumpIfZero { distance, .. } | Instruction::Jump { distance }) => *distance = to,
            _ => unreachable!("a jump was left there"),
        }
        Ok(())
    }

    pub(super) fn register(&self, at: usize, register: u8) -> Result<u8, Mistake> {
        if register < REGISTERS {
            Ok(register)
        } else {
            mistake(at, "this needs more registers than there are: make it simpler")
        }
    }
}

/// Whether a statement shows a stack and nothing else.
fn is_stack(statement: &Statement) -> bool {
    let is_stack =
        |kind: &ExpressionKind| matches!(kind, ExpressionKind::Call(Function::KernelStack | Function::UserStack, _));
    matches!(statement, Statement::Trace(value) if is_stack(&value.kind))
}

/// Whether a statement shows anything else.
fn says_something(statement: &Statement) -> bool {
    matches!(statement, Statement::Print { .. } | Statement::Trace(_)) && !is_stack(statement)
}
