//! The copied piece of a program's stack.

/// Words from an address upwards.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StackCopy<'a> {
    base: u64,
    words: &'a [u64],
}

impl<'a> StackCopy<'a> {
    /// The words that begin at `stack_pointer`, rounded down to a word.
    pub(crate) fn new(stack_pointer: u64, words: &'a [u64]) -> StackCopy<'a> {
        StackCopy { base: stack_pointer & !7, words }
    }

    /// The word at an address.
    pub(crate) fn word(&self, address: u64) -> Option<u64> {
        let offset = address.checked_sub(self.base)?;
        if !offset.is_multiple_of(8) {
            return None;
        }
        self.words.get(usize::try_from(offset / 8).ok()?).copied()
    }
}
