//! Structures of the socket calls: message headers, control message headers, credentials. Constants: [`crate::net`].
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `struct msghdr`: where a message lies or goes.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Msghdr {
    /// Address of the other side; null for none.
    pub name: u64,
    /// Its length; signed, as the kernel reads it.
    pub name_bytes: i32,
    /// Unused.
    pub padding: u32,
    /// The segments.
    pub iovecs: u64,
    /// How many.
    pub iovec_count: u64,
    /// Control messages.
    pub control: u64,
    /// Bytes of them.
    pub control_bytes: u64,
    /// `MSG_*`, on the way back.
    pub flags: u32,
    /// Unused.
    pub padding_end: u32,
}

/// `struct mmsghdr`: one of several messages.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Mmsghdr {
    /// The message.
    pub header: Msghdr,
    /// Bytes moved.
    pub bytes: u32,
    /// Unused.
    pub padding: u32,
}

/// `struct cmsghdr`: what stands before each control message.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Cmsghdr {
    /// Bytes, this header included.
    pub bytes: u64,
    /// `SOL_*`.
    pub level: i32,
    /// `SCM_*`.
    pub kind: i32,
}

/// `struct ucred`: who is at the other end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Ucred {
    /// Process.
    pub pid: i32,
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

impl Ucred {
    /// What is told where nobody is known.
    pub const NOBODY: Ucred = Ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
}

const _: () = {
    assert!(size_of::<Msghdr>() == 56);
    assert!(size_of::<Mmsghdr>() == 64);
    assert!(size_of::<Cmsghdr>() == 16);
    assert!(size_of::<Ucred>() == 12);
};
