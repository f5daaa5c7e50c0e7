//! `/proc`: what the kernel knows, as files. [`tree`] is the file system, [`node`] what its names stand for; [`system`] and
//! [`process`] make the texts; [`text`] is what they write into.
//!
//! Names come and go by themselves here, so nothing of it is remembered by the cache of names. A text is made when a
//! description is read from its start, and stays the same while it is read on.
mod area_files;
mod memory;
mod node;
mod oom_file;
mod page_map;
pub mod process;
pub mod system;
mod sysvipc;
pub mod text;
pub mod tree;

pub use process::Subject;
pub use tree::ProcFs;
