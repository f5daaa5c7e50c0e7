//! Hardware random numbers.

/// A random word, if the hardware gives one.
pub(crate) fn hardware() -> Option<u64> {
    todo!()
}
