//! The interpreter.
use super::instruction::{Binary, Instruction, Keep, REGISTERS, Source, Unary};

/// What a clause sees of the world and does to it. Implemented by the kernel, and by tests.
pub trait Environment {
    /// A word to load.
    fn load(&self, source: Source, index: u8) -> u64;
    /// Sets a variable of the program.
    fn store_global(&self, index: u8, value: u64);
    /// Sets a variable of the thread.
    fn store_local(&self, index: u8, value: u64);
    /// Keeps something, of at most so many frames or bytes; answers its number as a word.
    fn keep(&self, what: Keep, address: u64, most: u16) -> u64;
    /// Has what was aggregated so far told.
    fn snapshot(&self);
    /// Adds a value to an aggregation. `registers` begin with the key; the table says how many of them it takes.
    fn aggregate(&self, table: u8, registers: &[u64], value: i64);
    /// Writes an output record.
    fn emit(&self, output: u16, values: &[u64]);
    /// Records the probe itself.
    fn record(&self);
    /// Asks for the end of the run.
    fn exit(&self, status: u64);
}

/// Variables that the clauses of one firing share; zero before the first.
pub type ClauseVariables = [u64; MAX_CLAUSE_VARIABLES as usize];
/// How many there are.
pub const MAX_CLAUSE_VARIABLES: u8 = 16;

/// A clause divided by zero, and was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DividedByZero;

/// Runs a verified clause to its end. Never panics, whatever the instructions: what does not make sense has no effect.
pub fn run(
    instructions: &[Instruction],
    variables: &mut ClauseVariables,
    world: &impl Environment,
) -> Result<(), DividedByZero> {
    let mut registers = [0u64; REGISTERS as usize];
    let place = |register: u8| usize::from(register % REGISTERS);
    let mut rest = instructions.iter();
    while let Some(instruction) = rest.next() {
        match *instruction {
            // CAST: extended with the sign.
            Instruction::Constant { to, value } => registers[place(to)] = i64::from(value).cast_unsigned(),
            Instruction::High { to, value } => {
                let register = &mut registers[place(to)];
                *register = *register & 0xffff_ffff | u64::from(value) << 32;
            }
            Instruction::Load { to, source: Source::Clause, index } => {
                registers[place(to)] = variables.get(usize::from(index)).copied().unwrap_or(0);
            }
            Instruction::Load { to, source, index } => registers[place(to)] = world.load(source, index),
            Instruction::StoreClause { index, from } => {
                if let Some(variable) = variables.get_mut(usize::from(index)) {
                    *variable = registers[place(from)];
                }
            }
            Instruction::Keep { what, to, from, most } => {
                registers[place(to)] = world.keep(what, registers[place(from)], most);
            }
            Instruction::StoreGlobal { index, from } => world.store_global(index, registers[place(from)]),
            Instruction::StoreLocal { index, from } => world.store_local(index, registers[place(from)]),
            Instruction::Binary { operation, to, left, right } => {
                registers[place(to)] = combine(operation, registers[place(left)], registers[place(right)])?;
            }
            Instruction::Unary { operation, to, from } => {
                let value = registers[place(from)];
                registers[place(to)] = match operation {
                    Unary::Copy => value,
                    Unary::Negate => value.wrapping_neg(),
                    Unary::Invert => !value,
                    Unary::Not => u64::from(value == 0),
                };
            }
            Instruction::Jump { distance } => leave_out(&mut rest, distance),
            Instruction::JumpIfZero { test, distance } => {
                if registers[place(test)] == 0 {
                    leave_out(&mut rest, distance);
                }
            }
            Instruction::Aggregate { table, key, value } => {
                world.aggregate(table, &registers[place(key)..], registers[place(value)].cast_signed());
            }
            Instruction::Emit { output, first, count } => {
                let values = registers.get(place(first)..).unwrap_or_default();
                world.emit(output, &values[..values.len().min(usize::from(count))]);
            }
            Instruction::Record => world.record(),
            Instruction::Snapshot => world.snapshot(),
            Instruction::Exit { status } => world.exit(registers[place(status)]),
        }
    }
    Ok(())
}

fn leave_out(rest: &mut core::slice::Iter<'_, Instruction>, distance: u16) {
    if let Some(last) = usize::from(distance).checked_sub(1) {
        rest.nth(last);
    }
}

fn combine(operation: Binary, left: u64, right: u64) -> Result<u64, DividedByZero> {
    let (a, b) = (left.cast_signed(), right.cast_signed());
    Ok(match operation {
        Binary::Add => left.wrapping_add(right),
        Binary::Subtract => left.wrapping_sub(right),
        Binary::Multiply => left.wrapping_mul(right),
        Binary::Divide if b == 0 => return Err(DividedByZero),
        Binary::Divide => a.wrapping_div(b).cast_unsigned(),
        Binary::Remainder if b == 0 => return Err(DividedByZero),
        Binary::Remainder => a.wrapping_rem(b).cast_unsigned(),
        Binary::And => left & right,
        Binary::Or => left | right,
        Binary::Xor => left ^ right,
        // CAST: 64 and more are cut to 64, which gives the value for "all bits gone".
        Binary::ShiftLeft => left.checked_shl(right.min(64) as u32).unwrap_or(0),
        Binary::ShiftRight => (a >> right.min(63)).cast_unsigned(),
        Binary::Equal => u64::from(a == b),
        Binary::NotEqual => u64::from(a != b),
        Binary::Less => u64::from(a < b),
        Binary::LessOrEqual => u64::from(a <= b),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use core::cell::{Cell, RefCell};
    use std::vec::Vec;

    /// An environment that remembers what was done to it.
    #[derive(Default)]
    pub(crate) struct Recorder {
        pub(crate) emitted: RefCell<Vec<Vec<u64>>>,
        pub(crate) others: Cell<usize>,
    }

    impl Recorder {
        pub(crate) fn actions(&self) -> usize {
            self.others.get() + self.emitted.borrow().len()
        }
        fn another(&self) {
            self.others.set(self.others.get() + 1);
        }
    }

    impl Environment for Recorder {
        fn load(&self, source: Source, index: u8) -> u64 {
            source as u64 * 1000 + u64::from(index)
        }
        fn store_global(&self, _index: u8, _value: u64) {
            self.another();
        }
        fn store_local(&self, _index: u8, _value: u64) {
            self.another();
        }
        fn keep(&self, what: Keep, address: u64, most: u16) -> u64 {
            self.another();
            address ^ u64::from(most) << 8 ^ what as u64
        }
        fn snapshot(&self) {
            self.another();
        }
        fn aggregate(&self, _table: u8, registers: &[u64], _value: i64) {
            assert!(!registers.is_empty());
            self.another();
        }
        fn emit(&self, _output: u16, values: &[u64]) {
            self.emitted.borrow_mut().push(values.to_vec());
        }
        fn record(&self) {
            self.another();
        }
        fn exit(&self, _status: u64) {
            self.another();
        }
    }

    fn value_of(operation: Binary, left: i32, right: i32) -> Option<i64> {
        let recorder = Recorder::default();
        let program = [
            Instruction::Constant { to: 0, value: left },
            Instruction::Constant { to: 1, value: right },
            Instruction::Binary { operation, to: 2, left: 0, right: 1 },
            Instruction::Emit { output: 0, first: 2, count: 1 },
        ];
        run(&program, &mut [0; 16], &recorder).ok()?;
        let emitted = recorder.emitted.borrow();
        Some(emitted[0][0].cast_signed())
    }

    #[test]
    fn numbers_have_signs() {
        assert_eq!(value_of(Binary::Divide, -7, 2), Some(-3));
        assert_eq!(value_of(Binary::Remainder, -7, 2), Some(-1));
        assert_eq!(value_of(Binary::Less, -1, 1), Some(1));
        assert_eq!(value_of(Binary::ShiftRight, -8, 1), Some(-4));
        assert_eq!(value_of(Binary::ShiftRight, -8, 100), Some(-1));
        assert_eq!(value_of(Binary::ShiftLeft, 1, 64), Some(0));
        assert_eq!(value_of(Binary::ShiftLeft, 1, -1), Some(0));
        assert_eq!(value_of(Binary::Divide, 1, 0), None);
        assert_eq!(value_of(Binary::Remainder, 1, 0), None);
    }

    #[test]
    fn jumps_leave_out() {
        let recorder = Recorder::default();
        let program = [
            Instruction::JumpIfZero { test: 0, distance: 1 },
            Instruction::Exit { status: 0 },
            Instruction::Jump { distance: 0 },
            Instruction::Jump { distance: 2 },
            Instruction::Record,
            Instruction::Record,
            Instruction::Emit { output: 0, first: 15, count: 1 },
        ];
        assert_eq!(run(&program, &mut [0; 16], &recorder), Ok(()));
        assert_eq!((recorder.others.get(), recorder.emitted.borrow().len()), (0, 1));
    }

    #[test]
    fn clauses_share_their_variables() {
        let recorder = Recorder::default();
        let mut variables = [0; 16];
        let set = [Instruction::Constant { to: 1, value: 9 }, Instruction::StoreClause { index: 15, from: 1 }];
        assert_eq!(run(&set, &mut variables, &recorder), Ok(()));
        let show = [
            Instruction::Load { to: 0, source: Source::Clause, index: 15 },
            Instruction::Keep { what: Keep::Text, to: 1, from: 0, most: 1 },
            Instruction::Emit { output: 0, first: 0, count: 2 },
        ];
        assert_eq!(run(&show, &mut variables, &recorder), Ok(()));
        assert_eq!(recorder.emitted.borrow()[0], [9, 9 ^ 0x100 ^ 2]);
    }

    #[test]
    fn large_constants_are_made_of_halves() {
        let recorder = Recorder::default();
        let program = [
            Instruction::Constant { to: 3, value: -2 },
            Instruction::High { to: 3, value: 0x1234 },
            Instruction::Emit { output: 0, first: 3, count: 1 },
        ];
        assert_eq!(run(&program, &mut [0; 16], &recorder), Ok(()));
        assert_eq!(recorder.emitted.borrow()[0], [0x1234_ffff_fffe]);
    }
}
