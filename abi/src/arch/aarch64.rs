//! ARM64 layouts.
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `AUDIT_ARCH_*` value of this architecture.
pub const AUDIT_ARCH: u32 = 0xc000_00b7;

/// `EM_*` of this architecture's programs.
pub const ELF_MACHINE: u16 = 183;

/// What a signal handler returns to when its action names no trampoline: `mov x8, #__NR_rt_sigreturn; svc #0`.
pub const SIGNAL_RETURN_CODE: &[u32] = &[0xd280_1168, 0xd400_0001];

/// `struct stat`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Stat {
    /// Device it is on.
    pub dev: u64,
    /// Inode number.
    pub inode: u64,
    /// Type and permission bits.
    pub mode: u32,
    /// Links.
    pub links: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Device number, if it is one.
    pub rdev: u64,
    /// Unused.
    pub padding: u64,
    /// Bytes.
    pub size: i64,
    /// Preferred block size.
    pub block_bytes: i32,
    /// Unused.
    pub padding_2: i32,
    /// Blocks of 512 bytes.
    pub blocks: i64,
    /// Access: seconds, nanoseconds.
    pub access_time: [i64; 2],
    /// Change of the contents.
    pub modify_time: [i64; 2],
    /// Change of the inode.
    pub change_time: [i64; 2],
    /// Unused.
    pub unused: [u32; 2],
}

/// `struct epoll_event`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct EpollEvent {
    /// `EPOLL*`.
    pub events: u32,
    /// Unused.
    pub padding: u32,
    /// The caller's.
    pub data: u64,
}

const _: () = {
    assert!(size_of::<Stat>() == 128);
    assert!(size_of::<EpollEvent>() == 16);
};
