//! The Linux personality.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;
pub mod trace;
