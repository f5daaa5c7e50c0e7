//! Addresses as types: a user address, a physical address and a kernel address cannot be mixed up.
//!
//! Invariants: a [`UserAddr`] is only a claim of a program; nothing here dereferences it. The kernel's
//! fixed virtual layout, the same on both architectures (48-bit, four levels), is declared here.

/// Bytes in a page and in a frame, on both architectures.
pub const PAGE_SIZE: usize = 4096;
/// log2 of [`PAGE_SIZE`].
pub const PAGE_SHIFT: u32 = 12;
/// Bytes in a large page (one entry of the second-lowest table level).
pub const LARGE_PAGE_SIZE: usize = 2 * 1024 * 1024;

/// Where all of RAM is mapped, writable and not executable: virtual = physical + this.
pub const DIRECT_MAP_BASE: usize = 0xffff_8000_0000_0000;
/// Start of the area for kernel stacks (with guard pages) and device windows.
pub const DYNAMIC_BASE: usize = 0xffff_c000_0000_0000;
/// Where the kernel image is linked.
pub const IMAGE_BASE: usize = 0xffff_ffff_8000_0000;
/// First address that user space may not use. One page below 2^47 as on Linux/x86-64; ARM64 uses the
/// same figure here so that both architectures behave alike.
pub const USER_END: usize = 0x0000_7fff_ffff_f000;
/// Lowest address a program may map (Linux's default `vm.mmap_min_addr`).
pub const USER_MIN: usize = 0x1_0000;

/// A physical address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(transparent)]
pub struct PhysAddr(pub u64);

/// An address that a user program gave us: any number whatever, a claim and not a pointer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(transparent)]
pub struct UserAddr(pub usize);

impl UserAddr {
    /// The null address.
    pub const NULL: UserAddr = UserAddr(0);
    /// `self + bytes`, or `None` on overflow.
    pub fn checked_add(self, bytes: usize) -> Option<UserAddr> {
        self.0.checked_add(bytes).map(UserAddr)
    }
    /// Whether this is the null address.
    pub fn is_null(self) -> bool {
        self.0 == 0
    }
    /// Rounded down to its page.
    pub fn page_floor(self) -> UserAddr {
        UserAddr(self.0 & !(PAGE_SIZE - 1))
    }
    /// Bytes from the start of its page.
    pub fn page_offset(self) -> usize {
        self.0 & (PAGE_SIZE - 1)
    }
}

/// `bytes` rounded up to whole pages, or `None` on overflow.
pub fn page_ceil(bytes: usize) -> Option<usize> {
    bytes.checked_add(PAGE_SIZE - 1).map(|b| b & !(PAGE_SIZE - 1))
}
