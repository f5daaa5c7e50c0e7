//! A whole program: its encoding and its verification.
//!
//! Encoding, little endian: u8 [`VERSION`], u8 tables, u16 clauses, u16 texts; each table: u8 kind, u8 words of its key, i64 low, i64 step,
//! u16 levels; each text: u16 bytes, and they; each clause: u16 probes, u16 instructions, then the probes' numbers (u16) and the instructions (u64).
use super::instruction::{Instruction, Keep, REGISTERS, Source};
use super::run::MAX_CLAUSE_VARIABLES;
use super::table::{Aggregate, MAX_KEY, MAX_LEVELS, Shape};
use alloc::vec::Vec;
use core::fmt;

/// Version of the encoding and of the machine.
const VERSION: u8 = 2;
/// Most bytes of an encoded program.
pub const MAX_IMAGE: usize = 128 * 1024;
/// Most aggregations.
pub const MAX_TABLES: usize = 16;
/// Most variables of the program.
pub const MAX_GLOBALS: u8 = 32;
/// Most variables of a thread.
pub const MAX_LOCALS: u8 = 16;
/// Most instructions of a clause.
pub const MAX_INSTRUCTIONS: usize = 1024;
/// Most texts.
pub const MAX_TEXTS: usize = 128;
/// Most bytes of a text, also of one that is read from a program's memory.
pub const MAX_TEXT_BYTES: u16 = 256;
/// Most frames of a stack that is kept.
pub const MAX_FRAMES: u16 = 127;
/// Most stacks and texts that a clause keeps: each takes a while.
pub const MAX_KEEPS: usize = 16;
/// Most words of an output record.
const MAX_OUTPUT: u8 = 7;

/// What is done when some probes fire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The probes' numbers.
    pub probes: Vec<u16>,
    /// The steps.
    pub instructions: Vec<Instruction>,
}

/// A program that has been found sound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// What its aggregations are like.
    pub tables: Vec<Shape>,
    /// Texts to compare with.
    pub texts: Vec<Vec<u8>>,
    /// Its clauses, in the order in which they are run.
    pub clauses: Vec<Clause>,
}

/// Why a program is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Of another version.
    Version(u8),
    /// It ends too early, or goes on after its end.
    Length,
    /// Too many tables, or one that makes no sense.
    Table(usize),
    /// Too many texts, or one that is too long.
    Text(usize),
    /// This clause has too many instructions.
    TooLong(usize),
    /// In this clause, this instruction is not known or asks for something that is not there.
    Instruction(usize, usize),
    /// No memory for it.
    OutOfMemory,
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Version(version) => write!(out, "the trace program is of version {version}"),
            Refused::Length => write!(out, "the trace program has the wrong length"),
            Refused::Table(table) => write!(out, "aggregation {table} of the trace program makes no sense"),
            Refused::Text(text) => write!(out, "text {text} of the trace program is too long, or one too many"),
            Refused::TooLong(clause) => write!(out, "clause {clause} of the trace program is too long"),
            Refused::Instruction(clause, at) => {
                write!(out, "instruction {at} of clause {clause} of the trace program makes no sense")
            }
            Refused::OutOfMemory => write!(out, "no memory for the trace program"),
        }
    }
}

/// Takes numbers from the front of bytes.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Refused> {
        let (bytes, rest) = self.0.split_first_chunk::<N>().ok_or(Refused::Length)?;
        self.0 = rest;
        Ok(*bytes)
    }
    fn u8(&mut self) -> Result<u8, Refused> {
        self.take().map(u8::from_le_bytes)
    }
    fn u16(&mut self) -> Result<u16, Refused> {
        self.take().map(u16::from_le_bytes)
    }
    fn u64(&mut self) -> Result<u64, Refused> {
        self.take().map(u64::from_le_bytes)
    }
    fn i64(&mut self) -> Result<i64, Refused> {
        self.take().map(i64::from_le_bytes)
    }
}

impl Program {
    /// Whether an instruction of some kind is in it.
    pub fn has(&self, is_wanted: fn(&Instruction) -> bool) -> bool {
        self.clauses.iter().any(|clause| clause.instructions.iter().any(is_wanted))
    }

    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        // CAST: whoever makes a program keeps to the limits; the decoder finds it out otherwise.
        let mut bytes = alloc::vec![VERSION, self.tables.len() as u8];
        bytes.extend((self.clauses.len() as u16).to_le_bytes());
        bytes.extend((self.texts.len() as u16).to_le_bytes());
        for shape in &self.tables {
            bytes.extend([shape.aggregate as u8, shape.key_words]);
            bytes.extend(shape.low.to_le_bytes());
            bytes.extend(shape.step.to_le_bytes());
            bytes.extend(shape.levels.to_le_bytes());
        }
        for text in &self.texts {
            bytes.extend((text.len() as u16).to_le_bytes());
            bytes.extend(text);
        }
        for clause in &self.clauses {
            bytes.extend((clause.probes.len() as u16).to_le_bytes());
            bytes.extend((clause.instructions.len() as u16).to_le_bytes());
            clause.probes.iter().for_each(|probe| bytes.extend(probe.to_le_bytes()));
            clause.instructions.iter().for_each(|instruction| bytes.extend(instruction.encode().to_le_bytes()));
        }
        bytes
    }

    /// From bytes, whoever sent them: what is answered has been verified.
    pub fn decode(bytes: &[u8]) -> Result<Program, Refused> {
        if bytes.len() > MAX_IMAGE {
            return Err(Refused::Length);
        }
        let mut from = Cursor(bytes);
        let version = from.u8()?;
        if version != VERSION {
            return Err(Refused::Version(version));
        }
        let (tables, clauses, texts) = (usize::from(from.u8()?), from.u16()?, usize::from(from.u16()?));
        let mut program = Program::default();
        if tables > MAX_TABLES {
            return Err(Refused::Table(MAX_TABLES));
        }
        program.tables.try_reserve_exact(tables).map_err(|_| Refused::OutOfMemory)?;
        for number in 0..tables {
            let shape = decode_table(&mut from)?.ok_or(Refused::Table(number))?;
            program.tables.push(shape);
        }
        if texts > MAX_TEXTS {
            return Err(Refused::Text(MAX_TEXTS));
        }
        program.texts.try_reserve_exact(texts).map_err(|_| Refused::OutOfMemory)?;
        for number in 0..texts {
            program.texts.push(decode_text(&mut from, number)?);
        }
        for number in 0..usize::from(clauses) {
            let clause = decode_clause(&mut from, &program, number)?;
            program.clauses.try_reserve(1).map_err(|_| Refused::OutOfMemory)?;
            program.clauses.push(clause);
        }
        if from.0.is_empty() { Ok(program) } else { Err(Refused::Length) }
    }
}

fn decode_text(from: &mut Cursor<'_>, number: usize) -> Result<Vec<u8>, Refused> {
    let length = from.u16()?;
    if length > MAX_TEXT_BYTES {
        return Err(Refused::Text(number));
    }
    let (bytes, rest) = from.0.split_at_checked(length.into()).ok_or(Refused::Length)?;
    from.0 = rest;
    let mut text = Vec::new();
    text.try_reserve_exact(bytes.len()).map_err(|_| Refused::OutOfMemory)?;
    text.extend_from_slice(bytes);
    Ok(text)
}

fn decode_table(from: &mut Cursor<'_>) -> Result<Option<Shape>, Refused> {
    let (kind, key_words, low, step, levels) = (from.u8()?, from.u8()?, from.i64()?, from.i64()?, from.u16()?);
    let Some(aggregate) = Aggregate::from_u8(kind) else { return Ok(None) };
    let is_linear = aggregate == Aggregate::LinearQuantize;
    let makes_sense = key_words <= MAX_KEY && (!is_linear || step > 0 && (1..=MAX_LEVELS).contains(&levels));
    Ok(makes_sense.then_some(Shape { aggregate, key_words, low, step, levels }))
}

fn decode_clause(from: &mut Cursor<'_>, program: &Program, number: usize) -> Result<Clause, Refused> {
    let (probes, length) = (usize::from(from.u16()?), usize::from(from.u16()?));
    if length > MAX_INSTRUCTIONS {
        return Err(Refused::TooLong(number));
    }
    let mut clause = Clause { probes: Vec::new(), instructions: Vec::new() };
    // Both are bounded by what the bytes hold, which is bounded.
    if from.0.len() < probes * 2 + length * 8 {
        return Err(Refused::Length);
    }
    clause.probes.try_reserve_exact(probes).map_err(|_| Refused::OutOfMemory)?;
    clause.instructions.try_reserve_exact(length).map_err(|_| Refused::OutOfMemory)?;
    for _ in 0..probes {
        clause.probes.push(from.u16()?);
    }
    let mut keeps = 0;
    for at in 0..length {
        let refused = Refused::Instruction(number, at);
        let instruction = Instruction::decode(from.u64()?).ok_or(refused)?;
        keeps += usize::from(matches!(instruction, Instruction::Keep { .. }));
        if !is_sound(instruction, program, length - at - 1) || keeps > MAX_KEEPS {
            return Err(refused);
        }
        clause.instructions.push(instruction);
    }
    Ok(clause)
}

/// Whether an instruction, with `left` instructions after it, asks only for what is there.
fn is_sound(instruction: Instruction, program: &Program, left: usize) -> bool {
    let is_register = |register: u8| register < REGISTERS;
    let are_registers = |first: u8, count: u8| first.checked_add(count).is_some_and(|end| end <= REGISTERS);
    match instruction {
        Instruction::Constant { to, .. } | Instruction::High { to, .. } => is_register(to),
        Instruction::Load { to, source, index } => {
            let count = match source {
                Source::Argument => MAX_OUTPUT,
                Source::Name => 2,
                Source::Global => MAX_GLOBALS,
                Source::Local => MAX_LOCALS,
                Source::Clause => MAX_CLAUSE_VARIABLES,
                // CAST: a program has at most 128.
                Source::Text => program.texts.len() as u8,
                _ => 1,
            };
            is_register(to) && index < count
        }
        Instruction::StoreClause { index, from } => index < MAX_CLAUSE_VARIABLES && is_register(from),
        Instruction::Keep { what, to, from, most } => {
            let limit = match what {
                Keep::KernelStack | Keep::UserStack => MAX_FRAMES,
                Keep::Text | Keep::KnownText | Keep::Name => MAX_TEXT_BYTES,
            };
            is_register(to) && is_register(from) && (1..=limit).contains(&most)
        }
        Instruction::StoreGlobal { index, from } => index < MAX_GLOBALS && is_register(from),
        Instruction::StoreLocal { index, from } => index < MAX_LOCALS && is_register(from),
        Instruction::Binary { to, left, right, .. } => is_register(to) && is_register(left) && is_register(right),
        Instruction::Unary { to, from, .. } => is_register(to) && is_register(from),
        Instruction::Jump { distance } => usize::from(distance) <= left,
        Instruction::JumpIfZero { test, distance } => is_register(test) && usize::from(distance) <= left,
        Instruction::Aggregate { table, key, value } => {
            let shape = program.tables.get(usize::from(table));
            shape.is_some_and(|shape| are_registers(key, shape.key_words)) && is_register(value)
        }
        Instruction::Emit { first, count, .. } => count <= MAX_OUTPUT && are_registers(first, count),
        Instruction::Record | Instruction::Snapshot => true,
        Instruction::Exit { status } => is_register(status),
    }
}

#[cfg(test)]
mod tests {
    use super::super::run::tests::Recorder;
    use super::*;
    use proptest::prelude::*;

    fn program(instructions: Vec<Instruction>) -> Program {
        let shape = Shape { aggregate: Aggregate::Count, key_words: 2, low: 0, step: 1, levels: 1 };
        let texts = std::vec![b"read".to_vec(), Vec::new()];
        Program {
            tables: std::vec![shape],
            texts,
            clauses: std::vec![Clause { probes: std::vec![0x301], instructions }],
        }
    }

    #[test]
    fn sound_programs_survive_the_trip() {
        let sound = program(std::vec![
            Instruction::JumpIfZero { test: 0, distance: 1 },
            Instruction::Record,
            Instruction::Aggregate { table: 0, key: 14, value: 0 },
            Instruction::Load { to: 0, source: Source::Text, index: 1 },
            Instruction::Keep { what: Keep::UserStack, to: 1, from: 0, most: MAX_FRAMES },
            Instruction::Snapshot,
        ]);
        assert!(sound.has(|instruction| *instruction == Instruction::Snapshot));
        assert_eq!(Program::decode(&sound.encode()), Ok(sound));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bad in [
            Instruction::Constant { to: 16, value: 0 },
            Instruction::Load { to: 0, source: Source::Argument, index: 7 },
            Instruction::Jump { distance: 1 },
            Instruction::Aggregate { table: 1, key: 0, value: 0 },
            Instruction::Aggregate { table: 0, key: 15, value: 0 },
            Instruction::Emit { output: 0, first: 10, count: 7 },
            Instruction::StoreGlobal { index: 32, from: 0 },
            Instruction::StoreClause { index: 16, from: 0 },
            Instruction::Load { to: 0, source: Source::Clause, index: 16 },
            Instruction::Load { to: 0, source: Source::Text, index: 2 },
            Instruction::Keep { what: Keep::UserStack, to: 0, from: 0, most: MAX_FRAMES + 1 },
            Instruction::Keep { what: Keep::Text, to: 0, from: 0, most: MAX_TEXT_BYTES + 1 },
            Instruction::Keep { what: Keep::Text, to: 0, from: 0, most: 0 },
            Instruction::Keep { what: Keep::Text, to: 0, from: 16, most: 1 },
        ] {
            let bytes = program(std::vec![bad]).encode();
            assert_eq!(Program::decode(&bytes), Err(Refused::Instruction(0, 0)), "{bad:?}");
        }
        let mut bytes = program(std::vec![Instruction::Record]).encode();
        bytes.push(0);
        assert_eq!(Program::decode(&bytes), Err(Refused::Length));
        assert_eq!(Program::decode(&bytes[..9]), Err(Refused::Length));
        let keep = Instruction::Keep { what: Keep::KernelStack, to: 0, from: 0, most: 1 };
        let costly = program(std::vec![keep; MAX_KEEPS + 1]);
        assert_eq!(Program::decode(&costly.encode()), Err(Refused::Instruction(0, MAX_KEEPS)));
        let mut wordy = program(std::vec![]);
        wordy.texts[1] = std::vec![b'x'; 257];
        assert_eq!(Program::decode(&wordy.encode()), Err(Refused::Text(1)));
        wordy.texts = std::vec![Vec::new(); MAX_TEXTS + 1];
        assert_eq!(Program::decode(&wordy.encode()), Err(Refused::Text(MAX_TEXTS)));
        let long = program(std::vec![Instruction::Record; MAX_INSTRUCTIONS + 1]);
        assert_eq!(Program::decode(&long.encode()), Err(Refused::TooLong(0)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 10 } else { 4096 }))]

        /// Whatever bytes: no panic; and what is accepted runs to its end in as many steps as it is long.
        #[test]
        fn random_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut bytes = bytes;
            if let Some(first) = bytes.first_mut() {
                *first = VERSION;
            }
            if let Ok(program) = Program::decode(&bytes) {
                prop_assert_eq!(program.encode(), bytes);
            }
        }

        /// Random instructions of plausible fields, whole and damaged: accepted or refused, never a panic when run.
        #[test]
        fn random_programs_do_no_harm(
            words in prop::collection::vec((0u8..17, 0u8..18, 0u8..18, 0u8..18, -2i32..20), 0..60),
            kind in 0u8..9,
        ) {
            let mut bytes = std::vec![VERSION, 1, 1, 0, 0, 0, kind, 3];
            bytes.extend(0i64.to_le_bytes());
            bytes.extend(1i64.to_le_bytes());
            bytes.extend(5u16.to_le_bytes());
            let mut fitting = std::vec::Vec::new();
            for (operation, a, b, c, immediate) in words {
                let [i, j, k, l] = immediate.to_le_bytes();
                let word = u64::from_le_bytes([operation, a, b, c, i, j, k, l]);
                // Most random programs have some bad instruction: the others are tried too.
                let decoded = Instruction::decode(word);
                let shape = Shape { aggregate: Aggregate::Count, key_words: 3, low: 0, step: 1, levels: 5 };
                let program = Program { tables: std::vec![shape], ..Program::default() };
                if decoded.is_some_and(|decoded| is_sound(decoded, &program, 0)) {
                    fitting.push(word);
                }
            }
            let is_keep = |word: &u64| matches!(Instruction::decode(*word), Some(Instruction::Keep { .. }));
            while fitting.iter().filter(|word| is_keep(word)).count() > MAX_KEEPS {
                fitting.pop();
            }
            bytes.extend(1u16.to_le_bytes());
            bytes.extend((fitting.len() as u16).to_le_bytes());
            bytes.extend(0x301u16.to_le_bytes());
            fitting.iter().for_each(|word| bytes.extend(word.to_le_bytes()));
            match Program::decode(&bytes) {
                Ok(program) => {
                    let recorder = Recorder::default();
                    let _ = super::super::run(&program.clauses[0].instructions, &mut [0; 16], &recorder);
                    prop_assert!(recorder.actions() <= fitting.len());
                }
                Err(refused) => prop_assert_eq!(refused, Refused::Table(0)),
            }
        }
    }
}
