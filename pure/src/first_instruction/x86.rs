//! First instructions on x86-64 (Intel SDM volume 2): ENDBR64 and NOP, PUSH of a register, moves, and the simple arithmetic that prologues and early
//! tests of arguments are made of, with all operands but segments. The result goes to a register, or nowhere (CMP, TEST).
use super::{Fault, Memory};

/// Where the registers stand in `user_regs_struct`, by their number in instructions.
const PLACES: [usize; 16] = [10, 11, 12, 5, 19, 4, 13, 14, 9, 8, 7, 6, 3, 2, 1, 0];
const RIP: usize = 16;
const FLAGS: usize = 18;
/// Words of `user_regs_struct`.
pub const WORDS: usize = 27;
const RSP: u8 = 4;
const ENDBR64: &[u8] = &[0xf3, 0x0f, 0x1e, 0xfa];

const CARRY: u64 = 1;
const PARITY: u64 = 1 << 2;
const ADJUST: u64 = 1 << 4;
const ZERO: u64 = 1 << 6;
const SIGN: u64 = 1 << 7;
const OVERFLOW: u64 = 1 << 11;

/// A known instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Instruction {
    /// Its bytes.
    pub bytes: u8,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    Nothing,
    Push(u8),
    Lea { to: u8, from: Address, is_wide: bool },
    Operate { operation: Operation, to: Operand, from: Operand, is_wide: bool },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Operation {
    Move,
    Add,
    Or,
    And,
    Subtract,
    Xor,
    Compare,
    Test,
}

impl Operation {
    fn writes(self) -> bool {
        !matches!(self, Operation::Compare | Operation::Test)
    }
    /// The one with this number in opcodes and extensions; those with a carry are not known.
    fn of_number(number: u8) -> Option<Operation> {
        Some(match number & 7 {
            0 => Operation::Add,
            1 => Operation::Or,
            4 => Operation::And,
            5 => Operation::Subtract,
            6 => Operation::Xor,
            7 => Operation::Compare,
            _ => return None,
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Operand {
    Register(u8),
    Memory(Address),
    Constant(u64),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Address {
    base: Base,
    index: Option<(u8, u8)>,
    displacement: i32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Base {
    None,
    Register(u8),
    /// The next instruction's address.
    Next,
}

/// Takes the instruction's bytes one after another.
struct Code<'a> {
    bytes: &'a [u8],
    at: usize,
    rex: u8,
}

impl Code<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at)?;
        self.at += 1;
        Some(*byte)
    }
    fn word(&mut self) -> Option<i32> {
        let four = self.bytes.get(self.at..self.at + 4)?;
        self.at += 4;
        Some(i32::from_le_bytes(four.try_into().ok()?))
    }
    /// A bit of the REX prefix as the fourth bit of a register's number.
    fn high(&self, bit: u8) -> u8 {
        (self.rex >> bit & 1) << 3
    }
    /// ModRM and what belongs to it: the register's field as it stands, and the other operand.
    fn operands(&mut self) -> Option<(u8, Operand)> {
        let modrm = self.byte()?;
        let (mode, field, low) = (modrm >> 6, modrm >> 3 & 7, modrm & 7);
        if mode == 3 {
            return Some((field, Operand::Register(low | self.high(0))));
        }
        let (mut base, mut index) = (Base::Register(low | self.high(0)), None);
        if low == 4 {
            let sib = self.byte()?;
            let number = sib >> 3 & 7 | self.high(1);
            index = (number != 4).then_some((number, sib >> 6));
            base = if sib & 7 == 5 && mode == 0 { Base::None } else { Base::Register(sib & 7 | self.high(0)) };
        } else if low == 5 && mode == 0 {
            base = Base::Next;
        }
        let displacement = match mode {
            1 => i32::from(self.byte()?.cast_signed()),
            2 => self.word()?,
            _ if matches!(base, Base::None | Base::Next) => self.word()?,
            _ => 0,
        };
        Some((field, Operand::Memory(Address { base, index, displacement })))
    }
}

/// The instruction that `code` begins with, if it is known.
pub fn decode(code: &[u8]) -> Option<Instruction> {
    if code.starts_with(ENDBR64) {
        return Some(Instruction { bytes: 4, what: What::Nothing });
    }
    let mut code = Code { bytes: code, at: 0, rex: 0 };
    let mut opcode = code.byte()?;
    if opcode & 0xf0 == 0x40 {
        code.rex = opcode;
        opcode = code.byte()?;
    }
    let is_wide = code.rex & 8 != 0;
    let what = match opcode {
        0x50..=0x57 => What::Push(opcode & 7 | code.high(0)),
        0x90 if code.rex == 0 => What::Nothing,
        0xb8..=0xbf => {
            let to = Operand::Register(opcode & 7 | code.high(0));
            // The one instruction with a constant of eight bytes.
            let low = u64::from(code.word()?.cast_unsigned());
            let high = if is_wide { u64::from(code.word()?.cast_unsigned()) << 32 } else { 0 };
            What::Operate { operation: Operation::Move, to, from: Operand::Constant(low | high), is_wide }
        }
        0x8d => match code.operands()? {
            (field, Operand::Memory(from)) => What::Lea { to: field | code.high(2), from, is_wide },
            _ => return None,
        },
        0x01 | 0x09 | 0x21 | 0x29 | 0x31 | 0x39 | 0x85 | 0x89 => {
            let (field, to) = code.operands()?;
            let operation = match opcode {
                0x85 => Operation::Test,
                0x89 => Operation::Move,
                _ => Operation::of_number(opcode >> 3)?,
            };
            What::Operate { operation, to, from: Operand::Register(field | code.high(2)), is_wide }
        }
        0x03 | 0x0b | 0x23 | 0x2b | 0x33 | 0x3b | 0x8b => {
            let (field, from) = code.operands()?;
            let operation = if opcode == 0x8b { Operation::Move } else { Operation::of_number(opcode >> 3)? };
            What::Operate { operation, to: Operand::Register(field | code.high(2)), from, is_wide }
        }
        0x81 | 0x83 | 0xc7 => {
            let (field, to) = code.operands()?;
            let value = if opcode == 0x83 { i32::from(code.byte()?.cast_signed()) } else { code.word()? };
            let operation = match opcode {
                0xc7 if field == 0 => Operation::Move,
                0xc7 => return None,
                _ => Operation::of_number(field)?,
            };
            What::Operate { operation, to, from: Operand::Constant(i64::from(value).cast_unsigned()), is_wide }
        }
        _ => return None,
    };
    if let What::Operate { operation, to: Operand::Memory(_), .. } = what
        && operation.writes()
    {
        return None;
    }
    // CAST: at most 15 bytes were taken.
    Some(Instruction { bytes: code.at as u8, what })
}

impl Instruction {
    /// Does what the instruction at `address` does.
    pub fn execute(&self, words: &mut [u64; WORDS], address: u64, memory: &mut dyn Memory) -> Result<(), Fault> {
        let next = address.wrapping_add(self.bytes.into());
        match self.what {
            What::Nothing => {}
            What::Push(register) => {
                let value = get(words, register);
                let top = get(words, RSP).wrapping_sub(8);
                if !memory.store(top, &[value]) {
                    return Err(Fault { address: top, is_write: true });
                }
                set(words, RSP, top, true);
            }
            What::Lea { to, from, is_wide } => {
                let place = from.place(words, next);
                set(words, to, place, is_wide);
            }
            What::Operate { operation, to, from, is_wide } => {
                let mut value = |operand: Operand| match operand {
                    Operand::Register(register) => Ok(get(words, register)),
                    Operand::Constant(value) => Ok(value),
                    Operand::Memory(from) => {
                        let address = from.place(words, next);
                        let bytes = if is_wide { 8 } else { 4 };
                        memory.load(address, bytes).ok_or(Fault { address, is_write: false })
                    }
                };
                let right = value(from)?;
                let left = if operation == Operation::Move { 0 } else { value(to)? };
                let (result, flags) = operate(operation, left, right, is_wide);
                if let Some(flags) = flags {
                    let changed = CARRY | PARITY | ADJUST | ZERO | SIGN | OVERFLOW;
                    words[FLAGS] = words[FLAGS] & !changed | flags;
                }
                if let (true, Operand::Register(to)) = (operation.writes(), to) {
                    set(words, to, result, is_wide);
                }
            }
        }
        words[RIP] = next;
        Ok(())
    }
}

impl Address {
    fn place(&self, words: &[u64; WORDS], next: u64) -> u64 {
        let base = match self.base {
            Base::None => 0,
            Base::Register(register) => get(words, register),
            Base::Next => next,
        };
        let index = self.index.map_or(0, |(register, scale)| get(words, register) << scale);
        base.wrapping_add(index).wrapping_add(i64::from(self.displacement).cast_unsigned())
    }
}

fn get(words: &[u64; WORDS], register: u8) -> u64 {
    words[PLACES[usize::from(register & 15)]]
}

/// Narrow results have zeros in the upper half.
fn set(words: &mut [u64; WORDS], register: u8, value: u64, is_wide: bool) {
    words[PLACES[usize::from(register & 15)]] = if is_wide { value } else { value & 0xffff_ffff };
}

/// The result and the flags it sets, if any.
fn operate(operation: Operation, left: u64, right: u64, is_wide: bool) -> (u64, Option<u64>) {
    let mask = if is_wide { u64::MAX } else { 0xffff_ffff };
    let sign = mask ^ mask >> 1;
    let (left, right) = (left & mask, right & mask);
    let (result, special) = match operation {
        Operation::Move => return (right, None),
        Operation::Add => {
            let sum = left.wrapping_add(right) & mask;
            let overflow = (left ^ sum) & (right ^ sum) & sign != 0;
            (sum, of(CARRY, sum < left) | of(OVERFLOW, overflow) | (left ^ right ^ sum) & ADJUST)
        }
        Operation::Subtract | Operation::Compare => {
            let difference = left.wrapping_sub(right) & mask;
            let overflow = (left ^ right) & (left ^ difference) & sign != 0;
            (difference, of(CARRY, left < right) | of(OVERFLOW, overflow) | (left ^ right ^ difference) & ADJUST)
        }
        Operation::Or => (left | right, 0),
        Operation::And | Operation::Test => (left & right, 0),
        Operation::Xor => (left ^ right, 0),
    };
    let is_even = (result & 0xff).count_ones().is_multiple_of(2);
    (result, Some(special | of(PARITY, is_even) | of(ZERO, result == 0) | of(SIGN, result & sign != 0)))
}

fn of(flag: u64, holds: bool) -> u64 {
    if holds { flag } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Memory that holds its own addresses and notes what is stored.
    struct Own(std::vec::Vec<(u64, u64)>);

    impl Memory for Own {
        fn load(&mut self, address: u64, bytes: usize) -> Option<u64> {
            (address < 0x10_0000).then_some(if bytes == 8 { address | 1 << 60 } else { address & 0xffff_ffff })
        }
        fn store(&mut self, address: u64, words: &[u64]) -> bool {
            self.0.extend(words.iter().enumerate().map(|(place, word)| (address + 8 * place as u64, *word)));
            address < 0x10_0000
        }
    }

    /// Register n holds n * 0x100, and rsp 0x8000.
    fn registers() -> [u64; WORDS] {
        let mut words = [0; WORDS];
        for number in 0..16 {
            set(&mut words, number, u64::from(number) * 0x100, true);
        }
        set(&mut words, RSP, 0x8000, true);
        words[FLAGS] = 0x202;
        words
    }

    fn run(code: &[u8]) -> [u64; WORDS] {
        let mut words = registers();
        let instruction = decode(code).expect("known");
        assert_eq!(usize::from(instruction.bytes), code.len(), "{code:x?}");
        instruction.execute(&mut words, 0x4000, &mut Own(std::vec![])).expect("memory is there");
        assert_eq!(words[RIP], 0x4000 + code.len() as u64);
        words
    }

    #[test]
    fn prologues() {
        assert_eq!(run(ENDBR64)[19], 0x8000);
        let mut memory = Own(std::vec![]);
        let mut words = registers();
        decode(&[0x41, 0x57]).unwrap().execute(&mut words, 0, &mut memory).unwrap();
        assert_eq!((memory.0, words[19], words[RIP]), (std::vec![(0x7ff8, 0xf00)], 0x7ff8, 2));
        decode(&[0x54]).unwrap().execute(&mut words, 0, &mut Own(std::vec![])).unwrap();
        assert_eq!(words[19], 0x7ff0);
        assert_eq!(run(&[0x48, 0x83, 0xec, 0x08])[19], 0x7ff8);
        assert_eq!(run(&[0x48, 0x81, 0xec, 0x00, 0x10, 0, 0])[19], 0x7000);
        assert_eq!(run(&[0x48, 0x89, 0xe5])[4], 0x8000);
        assert_eq!(run(&[0xb8, 0xff, 0xff, 0xff, 0xff])[10], 0xffff_ffff);
        assert_eq!(run(&[0x48, 0xc7, 0xc0, 0xff, 0xff, 0xff, 0xff])[10], u64::MAX);
        assert_eq!(run(&[0x49, 0xb8, 1, 0, 0, 0, 2, 0, 0, 0])[9], 0x2_0000_0001);
    }

    #[test]
    fn addresses() {
        // lea rax, [rip + 0x10]; lea eax, [rdi + rsi * 4 - 1]; mov rax, [r12]; mov eax, [0x1234]; mov rax, [rbp + 0]
        assert_eq!(run(&[0x48, 0x8d, 0x05, 0x10, 0, 0, 0])[10], 0x4017);
        assert_eq!(run(&[0x8d, 0x44, 0xb7, 0xff])[10], 0x700 + 0x1800 - 1);
        assert_eq!(run(&[0x49, 0x8b, 0x04, 0x24])[10], 1 << 60 | 0xc00);
        assert_eq!(run(&[0x8b, 0x04, 0x25, 0x34, 0x12, 0, 0])[10], 0x1234);
        assert_eq!(run(&[0x48, 0x8b, 0x45, 0x00])[10], 1 << 60 | 0x500);
        assert_eq!(run(&[0x4d, 0x8b, 0x84, 0x24, 0, 1, 0, 0])[9], 1 << 60 | 0xd00);
    }

    #[test]
    fn flags() {
        // test edi, edi; cmp edi, 0x700; xor eax, eax; cmp rdi, rsi the other way round; sub from less
        for (code, wanted) in [
            (&[0x85, 0xff][..], PARITY),
            (&[0x81, 0xff, 0, 7, 0, 0], ZERO | PARITY),
            (&[0x31, 0xc0], ZERO | PARITY),
            (&[0x48, 0x39, 0xfe], CARRY | SIGN | PARITY),
            (&[0x83, 0x3d, 0xf9, 0xff, 0xff, 0xff, 0x01], ADJUST | PARITY),
        ] {
            assert_eq!(run(code)[FLAGS] & !0x202, wanted, "{code:x?}");
        }
        let flags = |operation, left, right, is_wide| operate(operation, left, right, is_wide).1.unwrap();
        assert_eq!(flags(Operation::Add, 0x7fff_ffff, 1, false), OVERFLOW | SIGN | ADJUST | PARITY);
        assert_eq!(flags(Operation::Add, 0xffff_ffff, 1, false), CARRY | ZERO | ADJUST | PARITY);
        assert_eq!(flags(Operation::Compare, 1 << 63, 1, true), OVERFLOW | ADJUST | PARITY);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for code in [
            &[0xc3][..],
            &[0xcc],
            &[0x64, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0],
            &[0x66, 0x90],
            &[0x89, 0x07],
            &[0x83, 0x07, 1],
            &[0x83, 0xd0, 1],
            &[0xe8, 0, 0, 0, 0],
            &[0x0f, 0xb6, 0x07],
            &[0x48],
            &[],
        ] {
            assert_eq!(decode(code), None, "{code:x?}");
        }
    }

    #[test]
    fn a_fault_changes_nothing() {
        let mut words = registers();
        set(&mut words, RSP, 0x20_0000, true);
        let before = words;
        let fault = decode(&[0x55]).unwrap().execute(&mut words, 0, &mut Own(std::vec![]));
        assert_eq!((fault, words), (Err(Fault { address: 0x1f_fff8, is_write: true }), before));
    }

    #[test]
    fn any_bytes_may_come() {
        let mut state = 3u64;
        for _ in 0..200_000 {
            let mut code = [0; 15];
            for byte in &mut code {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *byte = (state >> 40) as u8;
            }
            for length in [0, 1, 2, 5, 15] {
                if let Some(instruction) = decode(&code[..length]) {
                    assert!(usize::from(instruction.bytes) <= length);
                    let _ = instruction.execute(&mut registers(), state, &mut Own(std::vec![]));
                }
            }
        }
    }
}
