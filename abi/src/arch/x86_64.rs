//! x86-64 layouts.
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `AUDIT_ARCH_*` value of this architecture.
pub const AUDIT_ARCH: u32 = 0xc000_003e;

/// `EM_*` of this architecture's programs.
pub const ELF_MACHINE: u16 = 62;

/// What a signal handler returns to when its action names no trampoline: nothing here, programs must bring one.
pub const SIGNAL_RETURN_CODE: &[u32] = &[];

/// `struct stat`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Stat {
    /// Device it is on.
    pub dev: u64,
    /// Inode number.
    pub inode: u64,
    /// Links.
    pub links: u64,
    /// Type and permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Unused.
    pub padding: u32,
    /// Device number, if it is one.
    pub rdev: u64,
    /// Bytes.
    pub size: i64,
    /// Preferred block size.
    pub block_bytes: i64,
    /// Blocks of 512 bytes.
    pub blocks: i64,
    /// Access: seconds, nanoseconds.
    pub access_time: [i64; 2],
    /// Change of the contents.
    pub modify_time: [i64; 2],
    /// Change of the inode.
    pub change_time: [i64; 2],
    /// Unused.
    pub unused: [i64; 3],
}

/// `struct epoll_event`: packed here, as Linux has it on x86-64 only.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, packed)]
pub struct EpollEvent {
    /// `EPOLL*`.
    pub events: u32,
    /// The caller's.
    pub data: u64,
}

const _: () = {
    assert!(size_of::<Stat>() == 144);
    assert!(size_of::<EpollEvent>() == 12);
};
