//! x86-64 (Intel SDM volume 2, appendix A): how long instructions are that a compiler makes for a kernel, and which of them jump.
//!
//! Not known are vector extensions with prefixes of their own, far jumps and returns, and addresses of 32 bits. A jump by a table is one whose address stands
//! in memory at a constant and a scaled index.
use super::{Flow, Place, Search, Unknown};
use alloc::vec::Vec;

/// Places where the function is left whose whole code this is, padding behind it included.
pub fn find(code: &[u8]) -> Result<Vec<Place>, Unknown> {
    let mut search = Search::new(code)?;
    let mut offset = 0;
    while let Some(rest) = code.get(offset..).filter(|rest| !rest.is_empty()) {
        let mut bytes = Bytes { code: rest, used: 0 };
        let flow = decode(&mut bytes).filter(|_| bytes.used <= MOST).ok_or(Unknown::Instruction(offset))?;
        search.take(offset, bytes.used, flow, offset + bytes.used)?;
        offset += bytes.used;
    }
    search.finish()
}

/// Longest instruction.
const MOST: usize = 15;

/// An instruction's bytes.
struct Bytes<'a> {
    code: &'a [u8],
    used: usize,
}

impl Bytes<'_> {
    fn next(&mut self) -> Option<u8> {
        let byte = *self.code.get(self.used)?;
        self.used += 1;
        Some(byte)
    }
    fn skip(&mut self, count: usize) -> Option<()> {
        self.used += count;
        (self.used <= self.code.len()).then_some(())
    }
    fn distance(&mut self, is_long: bool) -> Option<i64> {
        if !is_long {
            return Some(i64::from(self.next()?.cast_signed()));
        }
        let four = *self.code.get(self.used..)?.first_chunk()?;
        self.used += 4;
        Some(i64::from(i32::from_le_bytes(four)))
    }
    /// The operand that ModRM tells of: ModRM itself, and what kind of address it is.
    fn operand(&mut self) -> Option<(u8, Address)> {
        let modrm = self.next()?;
        let (mode, low) = (modrm >> 6, modrm & 7);
        if mode == 3 {
            return Some((modrm, Address::Usual));
        }
        let mut address = Address::Usual;
        let mut displacement = [0, 1, 4][usize::from(mode)];
        if low == 4 {
            let sib = self.next()?;
            if mode == 0 && sib & 7 == 5 {
                (address, displacement) = (Address::Table, 4);
            }
        } else if mode == 0 && low == 5 {
            (address, displacement) = (Address::Counter, 4);
        }
        self.skip(displacement)?;
        Some((modrm, address))
    }
}

/// Kinds of operands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Address {
    /// A register, or memory found by registers.
    Usual,
    /// Memory at a constant and an index.
    Table,
    /// Memory beside the instruction.
    Counter,
}

/// Reads an instruction. `None`: it is not known.
fn decode(bytes: &mut Bytes<'_>) -> Option<Flow> {
    let (mut is_short, mut repeats, mut is_wide) = (false, false, false);
    let mut opcode = bytes.next()?;
    loop {
        match opcode {
            0x66 => is_short = true,
            0xf2 | 0xf3 => repeats = true,
            0xf0 | 0x2e | 0x36 | 0x3e | 0x26 | 0x64 | 0x65 => {}
            _ => break,
        }
        opcode = bytes.next()?;
    }
    let mut extended = 0;
    if opcode & 0xf0 == 0x40 {
        is_wide = opcode & 8 != 0;
        extended = opcode & 7;
        opcode = bytes.next()?;
    }
    let immediate = if is_short && !is_wide { 2 } else { 4 };
    let is_plain = !is_short && !repeats;
    match opcode {
        0x0f => return decode_second(bytes, is_plain),
        0x00..=0x3f => match opcode & 7 {
            0..=3 => bytes.operand().map(drop),
            4 => bytes.skip(1),
            5 => bytes.skip(immediate),
            _ => None,
        },
        // RBP, whose number has no extension.
        0x55 if is_plain && extended & 1 == 0 => return Some(Flow::MakesFrame),
        0x5d if is_plain && extended & 1 == 0 => return Some(Flow::EndsFrame),
        0x50..=0x5f | 0x90..=0x99 | 0x9c | 0x9d | 0xa4..=0xa7 | 0xaa..=0xaf | 0xec..=0xef | 0xf5 | 0xf8..=0xfd => {
            Some(())
        }
        0x63 | 0x84..=0x8f | 0xd0..=0xd3 | 0xd8..=0xdf | 0xfe => bytes.operand().map(drop),
        0x68 => bytes.skip(immediate),
        0x69 | 0x81 | 0xc7 => bytes.operand().and_then(|_| bytes.skip(immediate)),
        0x6b | 0x80 | 0x83 | 0xc0 | 0xc1 | 0xc6 => bytes.operand().and_then(|_| bytes.skip(1)),
        0x6a | 0xa8 | 0xb0..=0xb7 | 0xcd | 0xe4..=0xe7 => bytes.skip(1),
        0x70..=0x7f if is_plain => return bytes.distance(false).map(Flow::Branches),
        0xa0..=0xa3 => bytes.skip(8),
        0xa9 => bytes.skip(immediate),
        0xb8..=0xbf => bytes.skip(if is_wide { 8 } else { immediate }),
        0xc3 if is_plain => return Some(Flow::Returns),
        // INT3 and HLT: padding, and the end of what never returns.
        0xcc | 0xf4 => return Some(Flow::Stops),
        0xe8 if is_plain => bytes.skip(4),
        0xe9 if is_plain => return bytes.distance(true).map(Flow::Jumps),
        0xeb if is_plain => return bytes.distance(false).map(Flow::Jumps),
        0xf6 | 0xf7 => {
            let (modrm, _) = bytes.operand()?;
            // TEST has an immediate, the others have none.
            let count = if modrm >> 3 & 6 != 0 {
                0
            } else if opcode == 0xf6 {
                1
            } else {
                immediate
            };
            bytes.skip(count)
        }
        0xff => {
            let (modrm, address) = bytes.operand()?;
            return match modrm >> 3 & 7 {
                0 | 1 | 2 | 6 => Some(Flow::On),
                4 if is_plain => match address {
                    Address::Usual => Some(Flow::JumpsAnywhere),
                    Address::Table => Some(Flow::JumpsByTable),
                    Address::Counter => None,
                },
                _ => None,
            };
        }
        _ => None,
    }
    .map(|()| Flow::On)
}

/// Reads an instruction whose opcode begins with 0F.
fn decode_second(bytes: &mut Bytes<'_>, is_plain: bool) -> Option<Flow> {
    match bytes.next()? {
        0x0b => return Some(Flow::Stops),
        0x80..=0x8f if is_plain => return bytes.distance(true).map(Flow::Branches),
        0x05..=0x09 | 0x30..=0x33 | 0x77 | 0xa0..=0xa2 | 0xa8 | 0xa9 | 0xc8..=0xcf => Some(()),
        0x00..=0x03 | 0x0d | 0x10..=0x23 | 0x28..=0x2f | 0x40..=0x6f | 0x74..=0x76 | 0x7c..=0x7f => {
            bytes.operand().map(drop)
        }
        0x90..=0x9f | 0xa3 | 0xa5 | 0xab | 0xad..=0xb9 | 0xbb..=0xc1 | 0xc3 | 0xc7 | 0xd0..=0xfe => {
            bytes.operand().map(drop)
        }
        0x70..=0x73 | 0xa4 | 0xac | 0xba | 0xc2 | 0xc4..=0xc6 => bytes.operand().and_then(|_| bytes.skip(1)),
        0x38 => bytes.next().and_then(|_| bytes.operand()).map(drop),
        0x3a => bytes.next().and_then(|_| bytes.operand()).and_then(|_| bytes.skip(1)),
        _ => None,
    }
    .map(|()| Flow::On)
}

#[cfg(test)]
mod tests {
    use super::super::Leave;
    use super::*;

    /// A place without its number of bytes.
    fn places(code: &[u8]) -> Result<Vec<(usize, Leave)>, Unknown> {
        find(code).map(|places| places.iter().map(|place| (place.offset, place.leave)).collect())
    }

    #[test]
    fn returns_and_tail_calls_are_found() {
        // push rbp; mov rbp, rsp; test edi, edi; je +2; pop rbp; ret; pop rbp; jmp +0x100; int3
        let code = [0x55, 0x48, 0x89, 0xe5, 0x85, 0xff, 0x74, 2, 0x5d, 0xc3, 0x5d, 0xe9, 0, 1, 0, 0, 0xcc];
        assert_eq!(places(&code), Ok(std::vec![(9, Leave::Anywhere), (11, Leave::Jump(0x110))]));
        // A jump out of the function by a condition; one that leads between instructions; a function without an end.
        assert_eq!(places(&[0x74, 0x70, 0xc3]), Err(Unknown::Jump(0)));
        assert_eq!(places(&[0x74, 1, 0xb8, 0xc3, 0, 0, 0, 0xc3]), Err(Unknown::Instruction(3)));
        assert_eq!(places(&[0xf3, 0x90, 0xeb, 0xfc]), Err(Unknown::Diverges));
        assert_eq!(places(&[0xc3, 0xb8, 0]), Err(Unknown::Instruction(1)));
        assert_eq!(places(&[]), Err(Unknown::Diverges));
    }

    #[test]
    fn jumps_to_addresses_in_registers_are_tail_calls_without_a_frame() {
        // pop rbp; jmp rax, jmp [rcx + 0x30], jmp [8 * rax + table] as a table of functions.
        assert_eq!(places(&[0x55, 0x5d, 0xff, 0xe0]), Ok(std::vec![(2, Leave::Anywhere)]));
        assert_eq!(places(&[0x55, 0x5d, 0xff, 0x61, 0x30]), Ok(std::vec![(2, Leave::Anywhere)]));
        assert_eq!(places(&[0x55, 0xff, 0xe0]), Err(Unknown::Jump(1)));
        // With a frame the table is one of places in the function.
        assert_eq!(places(&[0x55, 0xff, 0x24, 0xc5, 0, 0, 0, 0x80, 0x5d, 0xc3]), Ok(std::vec![(9, Leave::Anywhere)]));
        assert_eq!(places(&[0x5d, 0xff, 0x24, 0xc5, 0, 0, 0, 0x80]), Ok(std::vec![(1, Leave::Anywhere)]));
        // A loop to the first instruction, and the function as its own tail call.
        assert_eq!(places(&[0x55, 0x5d, 0xeb, 0xfc]), Ok(std::vec![(2, Leave::Jump(0))]));
        assert_eq!(places(&[0x90, 0x74, 0xfd, 0xeb, 0xfb, 0xc3]), Ok(std::vec![(5, Leave::Anywhere)]));
    }

    #[test]
    fn instructions_have_their_lengths() {
        let known: [&[u8]; 20] = [
            &[0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8],
            &[0xb8, 1, 2, 3, 4],
            &[0x66, 0xb8, 1, 2],
            &[0x66, 0x81, 0x3c, 0x24, 1, 2],
            &[0x48, 0xc7, 0x44, 0x24, 8, 1, 2, 3, 4],
            &[0x41, 0xf6, 0x87, 1, 2, 3, 4, 5],
            &[0xf7, 0xc1, 1, 2, 3, 4],
            &[0x48, 0xf7, 0xd9],
            &[0xf0, 0x48, 0x0f, 0xb1, 0x0d, 1, 2, 3, 4],
            &[0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
            &[0xf3, 0x48, 0xa5],
            &[0x0f, 0xac, 0xd0, 5],
            &[0x0f, 0xba, 0x28, 7],
            &[0x66, 0x0f, 0x38, 0x00, 0xc1],
            &[0x66, 0x0f, 0x3a, 0x0f, 0xc1, 3],
            &[0xff, 0x15, 1, 2, 3, 4],
            &[0x8d, 0x04, 0x85, 1, 2, 3, 4],
            &[0x8b, 0x44, 0x24, 8],
            &[0x69, 0xc0, 1, 2, 3, 4],
            &[0x0f, 0x01, 0xca],
        ];
        for code in known {
            let mut bytes = Bytes { code, used: 0 };
            assert_eq!((decode(&mut bytes), bytes.used), (Some(Flow::On), code.len()), "{code:x?}");
        }
        for code in [[0xc5, 0xf8, 0x77], [0x62, 0, 0], [0x67, 0x8b, 0], [0xca, 0, 0], [0x82, 0, 0], [0xff, 0x25, 0]] {
            assert_eq!(decode(&mut Bytes { code: &code, used: 0 }), None, "{code:x?}");
        }
    }

    /// Any bytes: never a panic, and places are within.
    #[test]
    fn any_bytes_are_read() {
        let mut state = 1u64;
        for length in 0..4000 {
            let mut code = std::vec![0u8; length % 96];
            for byte in &mut code {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *byte = (state >> 40) as u8;
            }
            for place in find(&code).unwrap_or_default() {
                assert!(place.offset + place.bytes <= code.len());
            }
        }
    }
}
