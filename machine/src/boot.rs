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

/// Most stretches of memory that boot data can name.
pub(crate) const MAX_BOOT_RANGES: usize = 64;
/// Most bytes of a command line.
pub(crate) const MAX_COMMAND_LINE: usize = 65_536;

/// What the architecture collected before [`start`], copied out of the loader's memory. Written once, in a static.
#[allow(dead_code)]
pub(crate) struct BootData {
    /// Usable RAM as the loader described it (first `ram_count`), page aligned inwards, not overlapping, in rising order.
    /// It still contains the image, the initial RAM disk and what `reserved` names.
    pub(crate) ram: [PhysRange; MAX_BOOT_RANGES],
    /// Entries of `ram` in use.
    pub(crate) ram_count: usize,
    /// Stretches in RAM that must not be handed out: the image with its `.bss`, the trampoline page, firmware tables,
    /// the device tree. Not the initial RAM disk.
    pub(crate) reserved: [PhysRange; MAX_BOOT_RANGES],
    /// Entries of `reserved` in use.
    pub(crate) reserved_count: usize,
    /// The command line.
    pub(crate) command_line: [u8; MAX_COMMAND_LINE],
    /// Its length.
    pub(crate) command_line_bytes: usize,
    /// The initial RAM disk.
    pub(crate) initrd: Option<PhysRange>,
    /// Where the image lies: link address `IMAGE_BASE` + n is physical `image.start` + n.
    pub(crate) image: PhysRange,
    /// RSDP (x86-64) or device tree (ARM64), if the loader gave one.
    pub(crate) firmware_tables: Option<PhysAddr>,
    /// End (physical) of what the early direct map covers; it begins at zero (x86-64) or at the start of RAM (ARM64).
    pub(crate) early_map_end: PhysAddr,
}

impl BootData {
    /// Nothing found yet; all zero, so that a static of it lies in `.bss`.
    #[allow(dead_code)]
    pub(crate) const EMPTY: BootData = {
        const NOTHING: PhysRange = PhysRange { start: PhysAddr(0), bytes: 0 };
        BootData {
            ram: [NOTHING; MAX_BOOT_RANGES],
            ram_count: 0,
            reserved: [NOTHING; MAX_BOOT_RANGES],
            reserved_count: 0,
            command_line: [0; MAX_COMMAND_LINE],
            command_line_bytes: 0,
            initrd: None,
            image: NOTHING,
            firmware_tables: None,
            early_map_end: PhysAddr(0),
        }
    };
}

/// Shared start on the boot CPU. Called once by the architecture, on the boot stack, interrupts off.
#[allow(dead_code)]
pub(crate) fn start(_data: &'static BootData) -> ! {
    todo!()
}

/// Shared start on every other CPU, on its boot stack, interrupts off, with the kernel's root loaded and
/// `arch::cpu::init_this_cpu` not yet called.
#[allow(dead_code)]
pub(crate) fn start_secondary(_cpu: crate::cpu::CpuId) -> ! {
    todo!()
}
