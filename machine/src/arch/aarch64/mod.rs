//! ARM64, file by file; the contract is in `arch/mod.rs`. Registers and bits are named after the Arm Architecture
//! Reference Manual (DDI 0487).
pub(crate) mod boot;
pub(crate) mod clock;
pub(crate) mod context;
pub(crate) mod cpu;
pub(crate) mod device;
pub(crate) mod discovery;
pub(crate) mod features;
pub(crate) mod function_probe;
mod gic;
mod gic_v2;
mod gic_v3;
pub(crate) mod irq;
mod memory_copy;
pub(crate) mod page_table;
pub(crate) mod power;
mod psci;
pub(crate) mod random;
pub(crate) mod serial;
pub(crate) mod smp;
mod sysreg;
pub(crate) mod timer;
pub(crate) mod trap;
pub mod user;
pub(crate) mod user_copy;
pub(crate) mod vdso;
