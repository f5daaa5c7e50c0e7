//! What differs by architecture: `struct stat`, `struct epoll_event`, and the signal frame. Same item names on both; both are
//! compiled everywhere, so that both are tested on any host, and the one built for is re-exported.
pub mod aarch64;
pub mod frame;
pub mod x86_64;

#[cfg(target_arch = "aarch64")]
pub use aarch64::*;
#[cfg(target_arch = "x86_64")]
pub use x86_64::*;
