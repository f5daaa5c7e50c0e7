//! The audited core. Everything that must be `unsafe`, everything written in assembly and everything
//! that differs between architectures lives here, behind interfaces that safe code cannot misuse.
//! It knows nothing of Linux: no errno, no signals, no file descriptors.
//!
//! Who calls it: `kernel`, `modules` and `image`. Whom it calls: the one entry `ochre_main` of `image`,
//! and the hooks registered with it ([`user::set_fault_resolver`], [`irq`], [`time`]).
#![no_std]

extern crate alloc;

pub mod addr;
pub mod arch;
pub mod boot;
pub mod cpu;
pub mod defect;
pub mod fail;
pub mod function_probe;
pub mod irq;
pub mod log;
pub mod mm;
pub mod platform;
pub mod power;
pub mod provoke;
pub mod random;
pub mod sample;
mod stress;
mod stress_function_probe;
mod stress_memory;
mod stress_trace;
pub mod symbols;
pub mod sync;
pub mod thread;
pub mod time;
pub mod trace;
pub mod user;
pub mod vdso;
