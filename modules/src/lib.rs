//! Devices and file systems, in safe Rust. Depends on `kernel`, never the reverse, and no module on a sibling.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod virtio;
