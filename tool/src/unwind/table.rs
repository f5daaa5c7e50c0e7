//! What a file tells of how to find a function's caller, at each of its instructions (DWARF 5, section 6.4, as `.eh_frame`; the tables are
//! read by the `gimli` library).

use super::registers::Registers;
use super::stack::StackCopy;
use gimli::{
    BaseAddresses, CfaRule, CieOrFde, EhFrame, EndianSlice, EvaluationResult, LittleEndian, RegisterRule,
    UnwindContext, UnwindExpression, UnwindSection, Value, Vendor,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

type Bytes<'a> = EndianSlice<'a, LittleEndian>;

/// Most operations of one expression: far more than compilers write.
const MOST_OPERATIONS: u32 = 1000;
/// Bits of an address of a program; those above may hold a signature (ARM64's pointer authentication).
const ADDRESS_BITS: u32 = 48;

/// A file's table.
#[derive(Debug)]
pub(crate) struct FrameTable {
    section: Vec<u8>,
    bases: BaseAddresses,
    is_aarch64: bool,
    /// Functions in order of address: first address, address after the last, the entry's place.
    entries: Vec<(u64, u64, usize)>,
    /// Rules that were asked for, by address.
    rules: Mutex<HashMap<u64, Option<Arc<Rules>>>>,
}

/// How registers are found before one instruction is carried out.
#[derive(Debug)]
struct Rules {
    /// The canonical frame address: the caller's stack pointer.
    cfa: CfaRule<usize>,
    registers: Vec<(u16, RegisterRule<usize>)>,
    return_address: u16,
    is_signal: bool,
}

/// What a step to the caller came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The registers are the caller's. `is_exact`: its program counter is not one after a call, but one that a signal interrupted.
    Caller { is_exact: bool },
    /// There is no caller.
    Outermost,
    /// Nothing is told of this address.
    NotTold,
    /// What is told cannot be followed: the copy of the stack ends before, or a register is not known.
    NotFound,
}

impl FrameTable {
    /// From the section, which is loaded at `address`, and where the code begins.
    pub(crate) fn new(section: Vec<u8>, address: u64, text: u64, is_aarch64: bool) -> FrameTable {
        let bases = BaseAddresses::default().set_eh_frame(address).set_text(text);
        let mut table = FrameTable { section, bases, is_aarch64, entries: Vec::new(), rules: Mutex::default() };
        table.entries = table.read_entries();
        table
    }

    fn frames(&self) -> EhFrame<Bytes<'_>> {
        let mut frames = EhFrame::new(&self.section, LittleEndian);
        frames.set_address_size(8);
        if self.is_aarch64 {
            frames.set_vendor(Vendor::AArch64);
        }
        frames
    }

    /// Every function's entry; what cannot be read is left out.
    fn read_entries(&self) -> Vec<(u64, u64, usize)> {
        let frames = self.frames();
        let (mut found, mut entries) = (Vec::new(), frames.entries(&self.bases));
        while let Ok(Some(entry)) = entries.next() {
            let CieOrFde::Fde(partial) = entry else { continue };
            if let Ok(entry) = partial.parse(EhFrame::cie_from_offset)
                && let Some(end) = entry.initial_address().checked_add(entry.len())
            {
                found.push((entry.initial_address(), end, entry.offset()));
            }
        }
        found.sort_unstable();
        found
    }

    fn rules(&self, address: u64) -> Option<Arc<Rules>> {
        // What a thread that panicked left is whole.
        let mut known = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(address).or_insert_with(|| self.read_rules(address).map(Arc::new)).clone()
    }

    fn read_rules(&self, address: u64) -> Option<Rules> {
        let after = self.entries.partition_point(|(start, ..)| *start <= address);
        let (_, end, offset) = *self.entries.get(after.checked_sub(1)?)?;
        if address >= end {
            return None;
        }
        let frames = self.frames();
        let entry = frames.fde_from_offset(&self.bases, offset.into(), EhFrame::cie_from_offset).ok()?;
        let mut context = UnwindContext::new();
        let row = entry.unwind_info_for_address(&frames, &self.bases, &mut context, address).ok()?;
        Some(Rules {
            cfa: row.cfa().clone(),
            registers: row.registers().map(|(register, rule)| (register.0, rule.clone())).collect(),
            return_address: entry.cie().return_address_register().0,
            is_signal: entry.is_signal_trampoline(),
        })
    }

    /// Goes from the frame of a function that is at `address` to its caller's. The registers change only if there is one.
    pub(crate) fn step(&self, address: u64, registers: &mut Registers, stack: &StackCopy<'_>) -> Step {
        let Some(rules) = self.rules(address) else { return Step::NotTold };
        let is_outermost = |(number, rule): &(u16, RegisterRule<usize>)| {
            *number == rules.return_address && *rule == RegisterRule::Undefined
        };
        if rules.registers.iter().any(is_outermost) {
            return Step::Outermost;
        }
        let Some((caller, return_address)) = self.caller(&rules, registers, stack) else { return Step::NotFound };
        if return_address == 0 {
            return Step::Outermost;
        }
        *registers = caller;
        Step::Caller { is_exact: rules.is_signal }
    }

    /// The caller's registers, and the address at which it goes on.
    fn caller(&self, rules: &Rules, registers: &Registers, stack: &StackCopy<'_>) -> Option<(Registers, u64)> {
        let cfa = match &rules.cfa {
            CfaRule::RegisterAndOffset { register, offset } => {
                registers.get(register.0)?.checked_add_signed(*offset)?
            }
            CfaRule::Expression(expression) => self.evaluate(*expression, None, registers, stack)?,
        };
        // What no rule tells of is as it was; where it is not, the caller does not rely on it.
        let mut caller = registers.clone();
        caller.set_stack_pointer(cfa);
        for (number, rule) in &rules.registers {
            let value = match rule {
                RegisterRule::SameValue => registers.get(*number),
                RegisterRule::Offset(offset) => cfa.checked_add_signed(*offset).and_then(|at| stack.word(at)),
                RegisterRule::ValOffset(offset) => cfa.checked_add_signed(*offset),
                RegisterRule::Register(other) => registers.get(other.0),
                RegisterRule::Expression(expression) => {
                    self.evaluate(*expression, Some(cfa), registers, stack).and_then(|at| stack.word(at))
                }
                RegisterRule::ValExpression(expression) => self.evaluate(*expression, Some(cfa), registers, stack),
                RegisterRule::Constant(value) => Some(*value),
                RegisterRule::Undefined | RegisterRule::Architectural => None,
            };
            caller.set(*number, value);
        }
        let return_address = caller.get(rules.return_address)? & ((1 << ADDRESS_BITS) - 1);
        caller.set_program_counter(return_address);
        Some((caller, return_address))
    }

    fn evaluate(
        &self,
        expression: UnwindExpression<usize>,
        first: Option<u64>,
        registers: &Registers,
        stack: &StackCopy<'_>,
    ) -> Option<u64> {
        let encoding = gimli::Encoding { format: gimli::Format::Dwarf32, version: 5, address_size: 8 };
        let mut evaluation = expression.get(&self.frames()).ok()?.evaluation(encoding);
        evaluation.set_max_iterations(MOST_OPERATIONS);
        if let Some(first) = first {
            evaluation.set_initial_value(first);
        }
        let mut result = evaluation.evaluate().ok()?;
        loop {
            result = match result {
                EvaluationResult::Complete => break,
                EvaluationResult::RequiresMemory { address, size: 8, space: None, .. } => {
                    evaluation.resume_with_memory(Value::Generic(stack.word(address)?)).ok()?
                }
                EvaluationResult::RequiresRegister { register, .. } => {
                    evaluation.resume_with_register(Value::Generic(registers.get(register.0)?)).ok()?
                }
                EvaluationResult::RequiresCallFrameCfa => evaluation.resume_with_call_frame_cfa(first?).ok()?,
                _ => return None,
            };
        }
        match evaluation.result().first()?.location {
            gimli::Location::Address { address } => Some(address),
            _ => None,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn entry(id: u32, body: &[u8], out: &mut Vec<u8>) {
        let bytes = (body.len() + 4).next_multiple_of(8) + 4;
        let start = out.len();
        // CAST: a few bytes.
        out.extend_from_slice(&(bytes as u32).to_le_bytes());
        out.extend_from_slice(&id.to_le_bytes());
        out.extend_from_slice(body);
        // What is left says nothing (DW_CFA_nop).
        out.resize(start + 4 + bytes, 0);
    }

    /// Two functions for x86-64: one at 0x1000 pushes rbp with its first instruction, of one byte; one at 0x2000 has no caller.
    pub(crate) fn two_functions() -> FrameTable {
        let mut section = Vec::new();
        // Version 1, "zR", factors 1 and -8, return address 16, absolute addresses; CFA = rsp + 8, return address below it.
        entry(0, &[1, b'z', b'R', 0, 1, 0x78, 16, 1, 0, 0x0c, 7, 8, 0x90, 1], &mut section);
        let function = |start: u64, code: &[u8], section: &mut Vec<u8>| {
            let body = [&start.to_le_bytes()[..], &0x100u64.to_le_bytes(), &[0], code].concat();
            // CAST: the place of the pointer to the common entry, which is at 0.
            entry(section.len() as u32 + 4, &body, section);
        };
        function(0x1000, &[0x41, 0x0e, 16, 0x86, 2], &mut section);
        function(0x2000, &[0x07, 16], &mut section);
        section.extend_from_slice(&[0; 4]);
        FrameTable::new(section, 0x9000, 0x1000, false)
    }

    fn registers(stack_pointer: u64) -> Registers {
        let mut words = [0; 17];
        (words[6], words[7], words[16]) = (77, stack_pointer, 0x1000);
        Registers::of_sample(&words).unwrap()
    }

    #[test]
    fn rules_hold_for_their_instructions() {
        let table = two_functions();
        let words = [0xaaaa, 0x2001];
        let stack = StackCopy::new(0x8000, &words);
        let mut after = registers(0x8000);
        assert_eq!(table.step(0x1001, &mut after, &stack), Step::Caller { is_exact: false });
        assert_eq!((after.stack_pointer(), after.program_counter()), (Some(0x8010), Some(0x2001)));
        assert_eq!(after.get(6), Some(0xaaaa), "rbp is restored");
        let mut after = registers(0x8008);
        assert_eq!(table.step(0x1000, &mut after, &stack), Step::Caller { is_exact: false });
        assert_eq!((after.stack_pointer(), after.get(6)), (Some(0x8010), Some(77)), "before the push");
        let before = registers(0x8010);
        let mut after = before.clone();
        assert_eq!(table.step(0x1000, &mut after, &stack), Step::NotFound, "the copy ends before");
        assert_eq!(
            (table.step(0x2000, &mut after, &stack), table.step(0x1100, &mut after, &stack)),
            (Step::Outermost, Step::NotTold)
        );
        assert_eq!(after, before);
    }

    #[test]
    fn anything_may_stand_in_a_section() {
        let mut state = 5u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let sound = two_functions().section;
        for _ in 0..3000 {
            let mut section = sound.clone();
            for _ in 0..random() % 12 {
                let place = random() as usize % section.len();
                section[place] = random() as u8;
            }
            let table = FrameTable::new(section, 0x9000, 0x1000, random() % 2 == 0);
            let words: Vec<u64> = (0..random() % 20).map(|_| random() >> (random() % 64)).collect();
            for address in [0x1000, 0x1001, 0x2010, random()] {
                let _ = table.step(address, &mut registers(0x8000), &StackCopy::new(0x8000, &words));
            }
        }
    }
}
