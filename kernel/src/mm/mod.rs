//! Memory of programs: address spaces, their areas (VMAs), page faults, fork's copy, the heap.
//!
//! - [`AddressSpace`]: what tasks share; everything is a method of it.
//! - [`Vma`]: one area; the map of areas is `pure::range_map`.
//! - [`resolve_user_copy_fault`]: what `machine` calls when a copy to or from user memory faults.
//!
//! Called by `syscall/memory.rs`, `exec`, `task` (fork, faults) and `/proc`. Frames and page tables are `machine`'s; file pages
//! come from `fs::PageCache`.
pub mod advise;
pub mod build;
pub mod error;
pub mod fault;
pub mod figures;
pub mod file_at;
pub mod fork;
pub mod heap;
pub mod layout;
pub mod listing;
pub mod locking;
pub mod map;
pub mod oom;
pub mod populate;
pub mod remap;
pub mod remote;
pub mod space;
pub mod vma;
pub mod word_key;

pub use error::{FaultError, MapError};
pub use fault::resolve_user_copy_fault;
pub use layout::Layout;
pub use map::{MapRequest, Place};
pub use populate::Populate;
pub use space::{AddressSpace, MemoryUse, ProgramImage};
pub use vma::{Backing, Blocks, CacheBacking, Locking, Protection, Vma};
pub use word_key::WordKey;

/// Registers with `machine` what this module serves. Called once at start, before the first program.
pub fn init() {
    machine::user::set_fault_resolver(resolve_user_copy_fault);
}
