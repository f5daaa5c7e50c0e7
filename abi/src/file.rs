//! Structures of file calls. [`Stat`] and [`EpollEvent`] differ by architecture and live in [`crate::arch`].
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

pub use crate::arch::{EpollEvent, Stat};

/// `struct iovec`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Iovec {
    /// First byte.
    pub base: u64,
    /// Bytes.
    pub bytes: u64,
}

/// `struct pollfd`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Pollfd {
    /// File descriptor; ignored if negative.
    pub fd: i32,
    /// Wanted.
    pub events: i16,
    /// Found.
    pub returned: i16,
}

/// What precedes the name in a `struct linux_dirent64`; 19 bytes, no padding.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, packed)]
pub struct Dirent64Header {
    /// Inode number.
    pub inode: u64,
    /// Position of the next entry.
    pub offset: i64,
    /// Bytes of the whole entry, a multiple of eight.
    pub entry_bytes: u16,
    /// `DT_*`.
    pub kind: u8,
}

/// `struct flock`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Flock {
    /// `F_RDLCK`, `F_WRLCK` or `F_UNLCK`.
    pub kind: i16,
    /// `SEEK_*`.
    pub whence: i16,
    /// Unused.
    pub padding: i32,
    /// Start.
    pub start: i64,
    /// Length; zero is to the end.
    pub bytes: i64,
    /// Holder.
    pub pid: i32,
    /// Unused.
    pub tail: i32,
}

/// `struct open_how`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct OpenHow {
    /// `O_*`.
    pub flags: u64,
    /// Permission bits for a new file.
    pub mode: u64,
    /// `RESOLVE_*`.
    pub resolve: u64,
}

/// `struct statfs`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Statfs {
    /// Magic number of the file system.
    pub magic: i64,
    /// Bytes of a block.
    pub block_bytes: i64,
    /// Blocks.
    pub blocks: u64,
    /// Free blocks.
    pub blocks_free: u64,
    /// Free blocks for everyone.
    pub blocks_available: u64,
    /// Inodes.
    pub files: u64,
    /// Free inodes.
    pub files_free: u64,
    /// Identity.
    pub id: [i32; 2],
    /// Longest name.
    pub name_bytes: i64,
    /// Fragment size.
    pub fragment_bytes: i64,
    /// `ST_*`.
    pub flags: i64,
    /// Unused.
    pub spare: [i64; 4],
}

/// `struct statx_timestamp`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct StatxTimestamp {
    /// Seconds.
    pub seconds: i64,
    /// Nanoseconds.
    pub nanoseconds: u32,
    /// Unused.
    pub padding: i32,
}

/// `struct statx`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Statx {
    /// Which fields are filled.
    pub mask: u32,
    /// Preferred block size.
    pub block_bytes: u32,
    /// `STATX_ATTR_*`.
    pub attributes: u64,
    /// Links.
    pub links: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Type and permission bits.
    pub mode: u16,
    /// Unused.
    pub padding: u16,
    /// Inode number.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// Blocks of 512 bytes.
    pub blocks: u64,
    /// Attributes that are supported.
    pub attributes_mask: u64,
    /// Access.
    pub access_time: StatxTimestamp,
    /// Birth.
    pub birth_time: StatxTimestamp,
    /// Change of the inode.
    pub change_time: StatxTimestamp,
    /// Change of the contents.
    pub modify_time: StatxTimestamp,
    /// Device number, if it is one.
    pub rdev_major: u32,
    /// Device number, if it is one.
    pub rdev_minor: u32,
    /// Device it is on.
    pub dev_major: u32,
    /// Device it is on.
    pub dev_minor: u32,
    /// Mount.
    pub mount_id: u64,
    /// Alignment for direct I/O: memory, offset.
    pub direct_io_alignment: [u32; 2],
    /// Unused.
    pub spare: [u64; 12],
}

const _: () = {
    assert!(size_of::<Dirent64Header>() == 19);
    assert!(size_of::<Flock>() == 32);
    assert!(size_of::<Statfs>() == 120);
    assert!(size_of::<Statx>() == 256);
};
