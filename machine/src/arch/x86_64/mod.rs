//! The architecture, file by file; the contract is in `arch/mod.rs`.
#![allow(dead_code)]
pub(crate) mod apic;
pub(crate) mod assembly;
pub(crate) mod boot;
pub(crate) mod clock;
pub(crate) mod context;
pub(crate) mod cpu;
pub(crate) mod device;
pub(crate) mod discovery;
pub(crate) mod irq;
pub(crate) mod page_table;
pub(crate) mod power;
pub(crate) mod random;
pub(crate) mod registers;
pub(crate) mod serial;
pub(crate) mod smp;
pub(crate) mod timer;
pub(crate) mod trap;
pub mod user;
pub(crate) mod user_copy;
