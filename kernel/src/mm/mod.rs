//! Placeholder until memory management arrives.
/// A process's memory.
pub struct AddressSpace;
