//! ARM64: every instruction has four bytes, so only those that jump have to be known (Arm ARM C4.1).
//!
//! A function's frame is gone once the frame pointer and the return address have been loaded from the stack. A jump by a table is one to a sum that was
//! made shortly before.
use super::{Flow, MOST_BYTES, Place, Search, Unknown};
use alloc::vec::Vec;

/// How far back the sum may stand.
const NEAR: usize = 16;

/// Places where the function is left whose whole code this is, padding behind it included.
pub fn find(code: &[u8]) -> Result<Vec<Place>, Unknown> {
    let (words, rest) = code.as_chunks::<4>();
    if !rest.is_empty() || code.len() > MOST_BYTES {
        return Err(Unknown::TooLong);
    }
    let mut search = Search::new(code)?;
    for (index, word) in words.iter().enumerate() {
        let mut flow = decode(u32::from_le_bytes(*word));
        if flow == Flow::JumpsAnywhere && !search.is_leaving {
            let target = u32::from_le_bytes(*word) >> 5 & 31;
            let before = words.get(index.saturating_sub(NEAR)..index).unwrap_or_default();
            if is_sum(before, target) {
                flow = Flow::JumpsByTable;
            }
        }
        search.take(index * 4, 4, flow, index * 4)?;
    }
    search.finish()
}

fn decode(word: u32) -> Flow {
    let is = |mask: u32, value: u32| word & mask == value;
    let distance = |low: u32, bits: u32| {
        let field = word >> low << (32 - bits);
        i64::from(field.cast_signed() >> (32 - bits)) * 4
    };
    // RET by the usual register; another one is not known.
    if word == 0xd65f_03c0 {
        return Flow::Returns;
    }
    // B; B.cond and BC.cond; CBZ and CBNZ; TBZ and TBNZ.
    if is(0xfc00_0000, 0x1400_0000) {
        return Flow::Jumps(distance(0, 26));
    }
    if is(0xff00_0000, 0x5400_0000) || is(0x7e00_0000, 0x3400_0000) {
        return Flow::Branches(distance(5, 19));
    }
    if is(0x7e00_0000, 0x3600_0000) {
        return Flow::Branches(distance(5, 14));
    }
    // BLR goes on; the others of its kind (BR, RET, ERET, and those that authenticate) do not.
    if is(0xfe00_0000, 0xd600_0000) && !is(0xffff_fc1f, 0xd63f_0000) {
        return Flow::JumpsAnywhere;
    }
    // UDF and BRK.
    if is(0xffff_0000, 0) || is(0xffe0_001f, 0xd420_0000) {
        return Flow::Stops;
    }
    // LDP and STP of x29 and x30 beside the stack pointer, in each of three ways.
    if is(0xfe40_7fff, 0xa840_7bfd) {
        return Flow::EndsFrame;
    }
    if is(0xfe40_7fff, 0xa800_7bfd) {
        return Flow::MakesFrame;
    }
    Flow::On
}

/// Whether the register was set by an addition of registers last, as far as can be seen.
fn is_sum(before: &[[u8; 4]], register: u32) -> bool {
    for word in before.iter().rev().map(|word| u32::from_le_bytes(*word)) {
        // ADD of 64 bits, of registers.
        if word & 0xff20_001f == 0x8b00_0000 | register {
            return true;
        }
        // A load of one register, or of two, that may be it, or another jump.
        let is_load = word & 0x3a40_0000 == 0x3840_0000 || word & 0x3a40_0000 == 0x2840_0000;
        let is_it = word & 31 == register || word >> 10 & 31 == register;
        if is_load && is_it || !matches!(decode(word), Flow::On | Flow::Branches(_)) {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::Leave;
    use super::*;

    const MAKE: u32 = 0xa9bf_7bfd;
    const END: u32 = 0xa8c1_7bfd;
    const RET: u32 = 0xd65f_03c0;

    fn places(words: &[u32]) -> Result<Vec<(usize, Leave)>, Unknown> {
        let code: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        find(&code).map(|places| places.iter().map(|place| (place.offset, place.leave)).collect())
    }

    #[test]
    fn returns_and_tail_calls_are_found() {
        // stp; cbz x0, +3; ldp; ret; ldp; b +0x40
        let code = [MAKE, 0xb400_0060, END, RET, END, 0x1400_0010];
        assert_eq!(places(&code), Ok(std::vec![(12, Leave::Anywhere), (20, Leave::Jump(0x54))]));
        assert_eq!(places(&[0x17ff_ffff]), Ok(std::vec![(0, Leave::Jump(-4))]));
        // b.eq and tbz out of the function; a loop.
        assert_eq!(places(&[0x5400_0800, RET]), Err(Unknown::Jump(0)));
        assert_eq!(places(&[0x3600_0800, RET]), Err(Unknown::Jump(0)));
        assert_eq!(places(&[MAKE, 0x1400_0000, 0]), Err(Unknown::Diverges));
        assert_eq!(places(&[END, 0x17ff_ffff]), Ok(std::vec![(4, Leave::Jump(0))]));
        assert_eq!(find(&[0; 3]), Err(Unknown::TooLong));
    }

    #[test]
    fn jumps_to_addresses_in_registers() {
        let (br, blr, add, load) = (0xd61f_0140, 0xd63f_0140, 0x8b0b_094a, 0xf940_012a);
        assert_eq!(places(&[MAKE, END, br]), Ok(std::vec![(8, Leave::Anywhere)]));
        // A table is one of places in the function.
        assert_eq!(places(&[MAKE, add, 0x5280_02c8, br, END, RET]), Ok(std::vec![(20, Leave::Anywhere)]));
        assert_eq!(places(&[MAKE, br, END, RET]), Err(Unknown::Jump(4)));
        assert_eq!(places(&[MAKE, add, load, br, END, RET]), Err(Unknown::Jump(12)));
        assert_eq!(places(&[MAKE, blr, END, RET]), Ok(std::vec![(12, Leave::Anywhere)]));
        // RET by another register, and with authentication.
        assert_eq!(places(&[MAKE, 0xd65f_0140]), Err(Unknown::Jump(4)));
        assert_eq!(places(&[MAKE, 0xd65f_0bff]), Err(Unknown::Jump(4)));
    }
}
