//! The architecture, file by file; the contract is in `arch/mod.rs`.
pub mod user;
