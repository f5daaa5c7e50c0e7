//! The words of the machine, and how they are encoded: one 64-bit word each, the operation in the low byte, then three bytes for
//! registers and small numbers, then 32 bits for a constant or a distance.

/// Registers of the machine. All are zero when a clause begins.
pub const REGISTERS: u8 = 16;

/// Declares an enumeration with the numbers of its encoding.
macro_rules! numbered {
    ($(#[$meta:meta])* $name:ident { $($(#[$item_meta:meta])* $item:ident = $number:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum $name { $($(#[$item_meta])* $item = $number),* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [$name] = &[$($name::$item),*];
            /// The one with this number.
            pub const fn from_u8(number: u8) -> Option<$name> {
                match number { $($number => Some($name::$item),)* _ => None }
            }
        }
    };
}

numbered! {
    /// Where a word can be loaded from.
    Source {
        /// The probe's argument of this index; zero if it has fewer.
        Argument = 0,
        /// The process; zero in the kernel's own threads.
        Pid = 1,
        /// The task; zero in the kernel's own threads.
        Tid = 2,
        /// The user it acts for.
        Uid = 3,
        /// The CPU.
        Cpu = 4,
        /// Nanoseconds since the machine started.
        Timestamp = 5,
        /// Nanoseconds since 1970.
        WallTimestamp = 6,
        /// Half (index 0 or 1) of the sixteen bytes of the task's comm, as a little-endian word.
        Name = 7,
        /// A variable of the whole program.
        Global = 8,
        /// A variable of the thread.
        Local = 9,
        /// The kernel's number of the thread.
        Thread = 10,
        /// The parent's process.
        ParentPid = 11,
        /// A variable of the clauses of one firing.
        Clause = 12,
        /// The number under which the program's text of this index is kept.
        Text = 13,
        /// The probe's number.
        Probe = 16,
    }
}

numbered! {
    /// Operations on two words, taken as signed numbers that wrap. Comparisons give 1 or 0.
    Binary {
        /// Sum.
        Add = 0,
        /// Difference.
        Subtract = 1,
        /// Product.
        Multiply = 2,
        /// Quotient; by zero ends the clause.
        Divide = 3,
        /// Remainder; by zero ends the clause.
        Remainder = 4,
        /// Bits in both.
        And = 5,
        /// Bits in either.
        Or = 6,
        /// Bits in one.
        Xor = 7,
        /// Shifted left; by 64 and more gives zero.
        ShiftLeft = 8,
        /// Shifted right, with the sign.
        ShiftRight = 9,
        /// Equal.
        Equal = 10,
        /// Not equal.
        NotEqual = 11,
        /// Less.
        Less = 12,
        /// Less or equal.
        LessOrEqual = 13,
    }
}

numbered! {
    /// Operations on one word.
    Unary {
        /// The word itself.
        Copy = 0,
        /// Its negative.
        Negate = 1,
        /// Its bits turned round.
        Invert = 2,
        /// 1 if it is zero, else 0.
        Not = 3,
    }
}

numbered! {
    /// What is kept under a number, see [`Interner`](super::Interner).
    Keep {
        /// The kernel's stack, of so many frames at most.
        KernelStack = 0,
        /// The program's stack, of so many frames at most.
        UserStack = 1,
        /// The text at an address of the program, of so many bytes at most.
        Text = 2,
        /// The same, but only its number if it is kept already: for comparisons.
        KnownText = 3,
        /// The task's comm.
        Name = 4,
    }
}

/// A step of a clause. Registers are numbers below [`REGISTERS`]; distances are instructions to leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// Sets a register to a constant.
    Constant {
        /// The register.
        to: u8,
        /// The constant, extended with its sign.
        value: i32,
    },
    /// Sets the upper half of a register.
    High {
        /// The register.
        to: u8,
        /// The upper half.
        value: u32,
    },
    /// Loads a register.
    Load {
        /// The register.
        to: u8,
        /// From where.
        source: Source,
        /// Which of them.
        index: u8,
    },
    /// Sets a variable of the program.
    StoreGlobal {
        /// Which.
        index: u8,
        /// From this register.
        from: u8,
    },
    /// Sets a variable of the thread.
    StoreLocal {
        /// Which.
        index: u8,
        /// From this register.
        from: u8,
    },
    /// Sets a variable of the clauses of this firing.
    StoreClause {
        /// Which.
        index: u8,
        /// From this register.
        from: u8,
    },
    /// Keeps something and loads its number.
    Keep {
        /// What.
        what: Keep,
        /// The number's register.
        to: u8,
        /// The address's register, for texts.
        from: u8,
        /// Frames or bytes at most.
        most: u16,
    },
    /// Combines two registers.
    Binary {
        /// How.
        operation: Binary,
        /// The result's register.
        to: u8,
        /// The first.
        left: u8,
        /// The second.
        right: u8,
    },
    /// Changes a register.
    Unary {
        /// How.
        operation: Unary,
        /// The result's register.
        to: u8,
        /// From this register.
        from: u8,
    },
    /// Leaves out some instructions.
    Jump {
        /// How many.
        distance: u16,
    },
    /// Leaves out some instructions if a register is zero.
    JumpIfZero {
        /// The register.
        test: u8,
        /// How many.
        distance: u16,
    },
    /// Adds a value to an aggregation.
    Aggregate {
        /// Which table.
        table: u8,
        /// The first of the key's registers, of which the table says how many.
        key: u8,
        /// The value's register.
        value: u8,
    },
    /// Writes an output record of some registers.
    Emit {
        /// Which output of the program, for whoever shows it.
        output: u16,
        /// The first register.
        first: u8,
        /// How many, at most seven.
        count: u8,
    },
    /// Records the probe with its arguments.
    Record,
    /// Has what was aggregated so far told before the records that follow.
    Snapshot,
    /// Asks for the end of the run.
    Exit {
        /// The status's register.
        status: u8,
    },
}

impl Instruction {
    /// As a word.
    pub const fn encode(self) -> u64 {
        // CAST: bits.
        match self {
            Instruction::Constant { to, value } => word(0, to, 0, 0, value.cast_unsigned()),
            Instruction::High { to, value } => word(1, to, 0, 0, value),
            Instruction::Load { to, source, index } => word(2, to, source as u8, index, 0),
            Instruction::StoreGlobal { index, from } => word(3, from, index, 0, 0),
            Instruction::StoreLocal { index, from } => word(4, from, index, 0, 0),
            Instruction::Binary { operation, to, left, right } => word(5, to, left, right, operation as u32),
            Instruction::Unary { operation, to, from } => word(6, to, from, 0, operation as u32),
            Instruction::Jump { distance } => word(7, 0, 0, 0, distance as u32),
            Instruction::JumpIfZero { test, distance } => word(8, test, 0, 0, distance as u32),
            Instruction::Aggregate { table, key, value } => word(9, table, key, value, 0),
            Instruction::Emit { output, first, count } => word(10, first, count, 0, output as u32),
            Instruction::Record => word(11, 0, 0, 0, 0),
            Instruction::Exit { status } => word(12, status, 0, 0, 0),
            Instruction::StoreClause { index, from } => word(13, from, index, 0, 0),
            Instruction::Keep { what, to, from, most } => word(14, to, from, what as u8, most as u32),
            Instruction::Snapshot => word(15, 0, 0, 0, 0),
        }
    }

    /// From a word; `None` if it is none. Registers and the like are the verifier's to check.
    pub fn decode(encoded: u64) -> Option<Instruction> {
        let [operation, a, b, c, ..] = encoded.to_le_bytes();
        // CAST: the upper half.
        let immediate = (encoded >> 32) as u32;
        let distance = u16::try_from(immediate);
        let small = u8::try_from(immediate);
        Some(match operation {
            0 => Instruction::Constant { to: a, value: immediate.cast_signed() },
            1 => Instruction::High { to: a, value: immediate },
            2 => Instruction::Load { to: a, source: Source::from_u8(b)?, index: c },
            3 => Instruction::StoreGlobal { index: b, from: a },
            4 => Instruction::StoreLocal { index: b, from: a },
            5 => Instruction::Binary { operation: Binary::from_u8(small.ok()?)?, to: a, left: b, right: c },
            6 => Instruction::Unary { operation: Unary::from_u8(small.ok()?)?, to: a, from: b },
            7 => Instruction::Jump { distance: distance.ok()? },
            8 => Instruction::JumpIfZero { test: a, distance: distance.ok()? },
            9 => Instruction::Aggregate { table: a, key: b, value: c },
            10 => Instruction::Emit { output: distance.ok()?, first: a, count: b },
            11 => Instruction::Record,
            12 => Instruction::Exit { status: a },
            13 => Instruction::StoreClause { index: b, from: a },
            14 => Instruction::Keep { what: Keep::from_u8(c)?, to: a, from: b, most: distance.ok()? },
            15 => Instruction::Snapshot,
            _ => return None,
        })
    }
}

const fn word(operation: u8, a: u8, b: u8, c: u8, immediate: u32) -> u64 {
    let [i, j, k, l] = immediate.to_le_bytes();
    u64::from_le_bytes([operation, a, b, c, i, j, k, l])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_survive_the_trip() {
        let mut all = std::vec![
            Instruction::Constant { to: 15, value: -1 },
            Instruction::High { to: 1, value: u32::MAX },
            Instruction::StoreGlobal { index: 3, from: 4 },
            Instruction::StoreLocal { index: 5, from: 6 },
            Instruction::Jump { distance: 7 },
            Instruction::JumpIfZero { test: 8, distance: u16::MAX },
            Instruction::Aggregate { table: 9, key: 10, value: 11 },
            Instruction::Emit { output: 12, first: 13, count: 3 },
            Instruction::Record,
            Instruction::Exit { status: 14 },
            Instruction::StoreClause { index: 1, from: 2 },
            Instruction::Snapshot,
        ];
        all.extend(Keep::ALL.iter().map(|what| Instruction::Keep { what: *what, to: 1, from: 2, most: 300 }));
        all.extend(Source::ALL.iter().map(|source| Instruction::Load { to: 1, source: *source, index: 2 }));
        let binary = |operation: &Binary| Instruction::Binary { operation: *operation, to: 1, left: 2, right: 3 };
        all.extend(Binary::ALL.iter().map(binary));
        all.extend(Unary::ALL.iter().map(|operation| Instruction::Unary { operation: *operation, to: 1, from: 2 }));
        for instruction in all {
            assert_eq!(Instruction::decode(instruction.encode()), Some(instruction));
        }
        assert_eq!(Instruction::decode(16), None);
        assert_eq!(Instruction::decode(u64::MAX), None);
    }
}
