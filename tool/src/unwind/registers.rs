//! A program's registers in one frame, by DWARF's numbers, as far as they are known there.

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Registers {
    values: Vec<Option<u64>>,
    roles: &'static Roles,
}

/// Which registers do what on an architecture.
#[derive(Debug, PartialEq, Eq)]
struct Roles {
    /// How many there are, the program counter, which DWARF numbers last, among them.
    count: usize,
    stack_pointer: u16,
    frame_pointer: u16,
    program_counter: u16,
}

/// System V ABI for AMD64, figure 3.36.
const X86_64: Roles = Roles { count: 17, stack_pointer: 7, frame_pointer: 6, program_counter: 16 };
/// DWARF for the Arm 64-bit Architecture, section 4.1.
const AARCH64: Roles = Roles { count: 33, stack_pointer: 31, frame_pointer: 29, program_counter: 32 };

impl Registers {
    /// As a sample has them: their number tells the architecture. `None` if it is no architecture's.
    pub(crate) fn of_sample(words: &[u64]) -> Option<Registers> {
        let roles = [&X86_64, &AARCH64].into_iter().find(|roles| roles.count == words.len())?;
        Some(Registers { values: words.iter().copied().map(Some).collect(), roles })
    }

    /// None of them known, on the same architecture.
    pub(super) fn unknown(&self) -> Registers {
        Registers { values: vec![None; self.values.len()], roles: self.roles }
    }

    pub(super) fn is_x86_64(&self) -> bool {
        *self.roles == X86_64
    }

    pub(crate) fn get(&self, number: u16) -> Option<u64> {
        self.values.get(usize::from(number)).copied().flatten()
    }

    /// Sets a register; those that no walk needs (vectors) are not kept.
    pub(super) fn set(&mut self, number: u16, value: Option<u64>) {
        if let Some(place) = self.values.get_mut(usize::from(number)) {
            *place = value;
        }
    }

    pub(crate) fn stack_pointer(&self) -> Option<u64> {
        self.get(self.roles.stack_pointer)
    }

    pub(super) fn frame_pointer(&self) -> Option<u64> {
        self.get(self.roles.frame_pointer)
    }

    pub(crate) fn program_counter(&self) -> Option<u64> {
        self.get(self.roles.program_counter)
    }

    pub(super) fn set_stack_pointer(&mut self, value: u64) {
        self.set(self.roles.stack_pointer, Some(value));
    }

    pub(super) fn set_frame_pointer(&mut self, value: u64) {
        self.set(self.roles.frame_pointer, Some(value));
    }

    pub(super) fn set_program_counter(&mut self, value: u64) {
        self.set(self.roles.program_counter, Some(value));
    }
}
