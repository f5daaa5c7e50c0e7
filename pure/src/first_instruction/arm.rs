//! First instructions on ARM64 (Arm ARM C6): STP and STR that make room on the stack, ADD and SUB without flags, moves and constants, ADR and ADRP, loads
//! at a constant distance, B, CBZ and CBNZ, and the hints that functions begin with (BTI; PACIASP where the kernel leaves pointer
//! authentication off, as ours does).
use super::{Fault, Memory};

/// Words of `user_pt_regs`.
pub const WORDS: usize = 34;
const SP: usize = 31;
const PC: usize = 32;
const PSTATE: usize = 33;
/// PSTATE.BTYPE, which any instruction clears.
const BRANCH_TYPE: u64 = 3 << 10;
/// Bytes of each instruction.
pub const BYTES: u64 = 4;

/// A known instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Instruction(What);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    Nothing,
    /// Below the stack pointer, which moves there.
    Push {
        first: u8,
        second: Option<u8>,
        distance: i64,
    },
    /// Register 31 is the stack pointer.
    Add {
        to: u8,
        from: u8,
        value: i64,
        is_wide: bool,
    },
    /// Register 31 is zero, here and below.
    Sum {
        to: u8,
        left: u8,
        right: u8,
        shift: u32,
        is_difference: bool,
        is_wide: bool,
    },
    Move {
        to: u8,
        from: u8,
        is_wide: bool,
    },
    Constant {
        to: u8,
        value: u64,
        kept: u64,
        is_wide: bool,
    },
    Address {
        to: u8,
        distance: i64,
        is_page: bool,
    },
    Load {
        to: u8,
        base: u8,
        distance: u64,
        is_wide: bool,
    },
    Branch {
        distance: i64,
    },
    BranchIf {
        register: u8,
        is_zero: bool,
        is_wide: bool,
        distance: i64,
    },
}

/// A field's bits with its sign.
fn signed(word: u32, low: u32, bits: u32) -> i64 {
    i64::from((word << (32 - low - bits)).cast_signed() >> (32 - bits))
}

/// The instruction that `word` is, if it is known.
pub fn decode(word: u32) -> Option<Instruction> {
    let is = |mask: u32, value: u32| word & mask == value;
    // CAST: five bits.
    let register = |low: u32| (word >> low & 31) as u8;
    let is_wide = word >> 31 != 0;
    let what = if is(0xffff_f01f, 0xd503_201f) {
        // NOP, PACIASP, BTI in its four forms.
        match word >> 5 & 0x7f {
            0 | 25 | 32 | 34 | 36 | 38 => What::Nothing,
            _ => return None,
        }
    } else if is(0xffc0_03e0, 0xa980_03e0) {
        What::Push { first: register(0), second: Some(register(10)), distance: signed(word, 15, 7) * 8 }
    } else if is(0xffe0_0fe0, 0xf800_0fe0) {
        What::Push { first: register(0), second: None, distance: signed(word, 12, 9) }
    } else if is(0x3f80_0000, 0x1100_0000) {
        let value = i64::from(word >> 10 & 0xfff) << if word >> 22 & 1 != 0 { 12 } else { 0 };
        let value = if word >> 30 & 1 != 0 { -value } else { value };
        What::Add { to: register(0), from: register(5), value, is_wide }
    } else if is(0x3fe0_0000, 0x0b00_0000) {
        let (is_difference, shift) = (word >> 30 & 1 != 0, word >> 10 & 63);
        if !is_wide && shift >= 32 {
            return None;
        }
        What::Sum { to: register(0), left: register(5), right: register(16), shift, is_difference, is_wide }
    } else if is(0x7fe0_ffe0, 0x2a00_03e0) {
        What::Move { to: register(0), from: register(16), is_wide }
    } else if is(0x1f80_0000, 0x1280_0000) {
        let shift = (word >> 21 & 3) * 16;
        if !is_wide && shift >= 32 {
            return None;
        }
        let value = u64::from(word >> 5 & 0xffff) << shift;
        let (value, kept) = match word >> 29 & 3 {
            0 => (!value, 0),
            2 => (value, 0),
            3 => (value, !(0xffff << shift)),
            _ => return None,
        };
        What::Constant { to: register(0), value, kept, is_wide }
    } else if is(0x1f00_0000, 0x1000_0000) {
        let distance = signed(word, 5, 19) << 2 | i64::from(word >> 29 & 3);
        What::Address { to: register(0), distance: if is_wide { distance << 12 } else { distance }, is_page: is_wide }
    } else if is(0xffc0_0000, 0xf940_0000) {
        What::Load { to: register(0), base: register(5), distance: u64::from(word >> 10 & 0xfff) * 8, is_wide: true }
    } else if is(0xffc0_0000, 0xb940_0000) {
        What::Load { to: register(0), base: register(5), distance: u64::from(word >> 10 & 0xfff) * 4, is_wide: false }
    } else if is(0xfc00_0000, 0x1400_0000) {
        What::Branch { distance: signed(word, 0, 26) * 4 }
    } else if is(0x7e00_0000, 0x3400_0000) {
        let is_zero = word >> 24 & 1 == 0;
        What::BranchIf { register: register(0), is_zero, is_wide, distance: signed(word, 5, 19) * 4 }
    } else {
        return None;
    };
    Some(Instruction(what))
}

impl Instruction {
    /// Does what the instruction at `address` does.
    pub fn execute(&self, words: &mut [u64; WORDS], address: u64, memory: &mut dyn Memory) -> Result<(), Fault> {
        let mut next = address.wrapping_add(BYTES);
        match self.0 {
            What::Nothing => {}
            What::Push { first, second, distance } => {
                let top = words[SP].wrapping_add_signed(distance);
                let values = [get(words, first, true), second.map_or(0, |second| get(words, second, true))];
                if !memory.store(top, &values[..if second.is_some() { 2 } else { 1 }]) {
                    return Err(Fault { address: top, is_write: true });
                }
                words[SP] = top;
            }
            What::Add { to, from, value, is_wide } => {
                let sum = words[usize::from(from)].wrapping_add_signed(value);
                words[usize::from(to)] = narrowed(sum, is_wide);
            }
            What::Sum { to, left, right, shift, is_difference, is_wide } => {
                let (left, right) = (get(words, left, true), get(words, right, true) << shift);
                let sum = if is_difference { left.wrapping_sub(right) } else { left.wrapping_add(right) };
                set(words, to, narrowed(sum, is_wide));
            }
            What::Move { to, from, is_wide } => set(words, to, narrowed(get(words, from, true), is_wide)),
            What::Constant { to, value, kept, is_wide } => {
                let value = get(words, to, true) & kept | value;
                set(words, to, narrowed(value, is_wide));
            }
            What::Address { to, distance, is_page } => {
                let base = if is_page { address & !0xfff } else { address };
                set(words, to, base.wrapping_add_signed(distance));
            }
            What::Load { to, base, distance, is_wide } => {
                let place = words[usize::from(base)].wrapping_add(distance);
                let bytes = if is_wide { 8 } else { 4 };
                let value = memory.load(place, bytes).ok_or(Fault { address: place, is_write: false })?;
                set(words, to, value);
            }
            What::Branch { distance } => next = address.wrapping_add_signed(distance),
            What::BranchIf { register, is_zero, is_wide, distance } => {
                if (get(words, register, is_wide) == 0) == is_zero {
                    next = address.wrapping_add_signed(distance);
                }
            }
        }
        words[PC] = next;
        words[PSTATE] &= !BRANCH_TYPE;
        Ok(())
    }
}

fn narrowed(value: u64, is_wide: bool) -> u64 {
    if is_wide { value } else { value & 0xffff_ffff }
}

fn get(words: &[u64; WORDS], register: u8, is_wide: bool) -> u64 {
    if register >= 31 { 0 } else { narrowed(words[usize::from(register)], is_wide) }
}

fn set(words: &mut [u64; WORDS], register: u8, value: u64) {
    if register < 31 {
        words[usize::from(register)] = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Own(std::vec::Vec<(u64, u64)>);

    impl Memory for Own {
        fn load(&mut self, address: u64, bytes: usize) -> Option<u64> {
            (address < 0x10_0000).then_some(if bytes == 8 { address | 1 << 60 } else { address })
        }
        fn store(&mut self, address: u64, words: &[u64]) -> bool {
            self.0.extend(words.iter().enumerate().map(|(place, word)| (address + 8 * place as u64, *word)));
            address < 0x10_0000
        }
    }

    /// Register n holds n * 0x100, the stack pointer 0x8000.
    fn run(word: u32) -> ([u64; WORDS], std::vec::Vec<(u64, u64)>) {
        let mut words: [u64; WORDS] = core::array::from_fn(|number| number as u64 * 0x100);
        (words[SP], words[PSTATE]) = (0x8000, BRANCH_TYPE);
        let mut memory = Own(std::vec![]);
        decode(word).expect("known").execute(&mut words, 0x4004, &mut memory).expect("memory is there");
        assert_eq!(words[PSTATE], 0);
        (words, memory.0)
    }

    #[test]
    fn prologues() {
        // stp x29, x30, [sp, #-32]!; str x30, [sp, #-16]!; sub sp, sp, #0x50; sub sp, sp, #1, lsl #12
        let (words, stored) = run(0xa9be_7bfd);
        assert_eq!((words[SP], stored), (0x7fe0, std::vec![(0x7fe0, 0x1d00), (0x7fe8, 0x1e00)]));
        let (words, stored) = run(0xf81f_0ffe);
        assert_eq!((words[SP], stored), (0x7ff0, std::vec![(0x7ff0, 0x1e00)]));
        assert_eq!(run(0xd101_43ff).0[SP], 0x7fb0);
        assert_eq!(run(0xd140_07ff).0[SP], 0x7000);
        for hint in [0xd503_201f, 0xd503_233f, 0xd503_245f] {
            assert_eq!(run(hint).0[PC], 0x4008);
        }
    }

    #[test]
    fn values() {
        // mov x0, x1; mov w2, w3; mov x0, xzr; mov w0, #-1; mov x0, #-1; movz x1, #5, lsl #16; movk x1, #5
        assert_eq!(run(0xaa01_03e0).0[0], 0x100);
        assert_eq!(run(0x2a03_03e2).0[2], 0x300);
        assert_eq!(run(0xaa1f_03e0).0[0], 0);
        // add w0, w1, w2; sub x0, x1, x2; neg w0, w1
        assert_eq!(run(0x0b02_0020).0[0], 0x300);
        assert_eq!(run(0xcb02_0020).0[0], (-0x100i64).cast_unsigned());
        // add x0, x0, x1, lsl #1
        assert_eq!(run(0x8b01_0400).0[0], 0x200);
        assert_eq!(run(0x4b01_03e0).0[0], 0xffff_ff00);
        assert_eq!(run(0x1280_0000).0[0], 0xffff_ffff);
        assert_eq!(run(0x9280_0000).0[0], u64::MAX);
        assert_eq!(run(0xd2a0_00a1).0[1], 0x5_0000);
        assert_eq!(run(0xf280_00a1).0[1], 0x5);
        // adr x0, .-4; adrp x0, two pages on; ldr x0, [x1, #8]; ldr w0, [sp, #4]
        assert_eq!(run(0x10ff_ffe0).0[0], 0x4000);
        assert_eq!(run(0xd000_0000).0[0], 0x6000);
        assert_eq!(run(0xf940_0420).0[0], 1 << 60 | 0x108);
        assert_eq!(run(0xb940_07e0).0[0], 0x8004);
    }

    #[test]
    fn branches() {
        // b .-4; cbz x0, .+8; cbnz x0, .+8; cbz w1, .+8
        assert_eq!(run(0x17ff_ffff).0[PC], 0x4000);
        assert_eq!(run(0xb400_0040).0[PC], 0x400c);
        assert_eq!(run(0xb500_0040).0[PC], 0x4008);
        assert_eq!(run(0x3400_0041).0[PC], 0x4008);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        // ret, bl, brk, mrs x0, tpidr_el0, subs, wfi, autiasp
        for word in [0xd65f_03c0, 0x9400_0001, 0xd420_00a0, 0xd53b_d040, 0xf100_041f, 0xd503_207f, 0xd503_23bf, 0] {
            assert_eq!(decode(word), None, "{word:#x}");
        }
    }

    #[test]
    fn any_word_may_come() {
        let mut state = 3u64;
        for _ in 0..300_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if let Some(instruction) = decode((state >> 32) as u32) {
                let mut words = [state; WORDS];
                let _ = instruction.execute(&mut words, state, &mut Own(std::vec![]));
            }
        }
    }
}
