//! What differs by architecture: `struct stat`, `struct epoll_event`, and the signal frame. Same file and item names on both.
#[cfg(target_arch = "x86_64")]
#[path = "x86_64.rs"]
mod current;

#[cfg(target_arch = "aarch64")]
#[path = "aarch64.rs"]
mod current;

pub use current::*;
