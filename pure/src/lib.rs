//! Algorithms without a machine: no hardware, no Linux, no locks; tested on the host, with properties and fuzzing.
//!
//! Belongs here: what can be said in data in and data out. May depend on nothing of ours.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod buddy;
pub mod chacha20;
pub mod control_message;
pub mod cpio;
pub mod elf_image;
pub mod first_instruction;
pub mod glob;
pub mod gzip;
pub mod line_discipline;
pub mod path;
pub mod pci;
pub mod radix_tree;
pub mod range_map;
pub mod ready_threads;
pub mod returns;
pub mod ring_span;
pub mod run_queue;
pub mod schedule;
pub mod script_line;
pub mod split_ring;
pub mod stack_image;
pub mod timer_queue;
pub mod tmpfs_options;
pub mod trace_program;
pub mod trace_ring;
pub mod unix_address;
pub mod vdso_image;
pub mod word_ring;
