//! From the architecture's first Rust instruction to `ochre_main`: the order in which the machine comes up.
//!
//! Boot data (memory map, command line, device tree, module list) is copied before anything can overwrite it.
use crate::addr::PhysAddr;

/// A stretch of physical memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhysRange {
    /// First byte.
    pub start: PhysAddr,
    /// Length in bytes.
    pub bytes: u64,
}

/// What the boot loader told us, copied into memory of our own.
#[derive(Debug)]
pub struct BootInfo {
    /// The command line, bytes as given, without the terminating zero.
    pub command_line: &'static [u8],
    /// The initial RAM disk, if one was given. Its frames are not handed out until
    /// [`release_initrd`](crate::mm::release_initrd) is called.
    pub initrd: Option<PhysRange>,
    /// Bytes of usable RAM found.
    pub ram_bytes: u64,
}

/// The boot information. Available from the start of `ochre_main`.
pub fn info() -> &'static BootInfo {
    todo!()
}

/// Bytes of the initial RAM disk through the direct map (empty when there is none). Read-only for the
/// whole life of the kernel: nobody writes there.
pub fn initrd() -> &'static [u8] {
    todo!()
}

unsafe extern "Rust" {
    /// The kernel proper, defined once in `image`. It runs as the first thread, on the boot CPU, with
    /// interrupts on and all CPUs up, and returns when the machine should stop: the exit to report.
    pub(crate) safe fn ochre_main(cx: &mut crate::thread::CurrentThread) -> crate::power::Exit;
}
