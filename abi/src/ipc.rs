//! Structures and numbers of inter-process communication, System V's and POSIX's. `linux-raw-sys` does not have these headers.
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The key that is nobody's.
pub const IPC_PRIVATE: i32 = 0;
/// Make it if it is not there.
pub const IPC_CREAT: u32 = 0o1000;
/// Fail if it is there.
pub const IPC_EXCL: u32 = 0o2000;
/// Do not wait.
pub const IPC_NOWAIT: u32 = 0o4000;
/// Remove.
pub const IPC_RMID: i32 = 0;
/// Change owner and permissions.
pub const IPC_SET: i32 = 1;
/// Tell.
pub const IPC_STAT: i32 = 2;
/// Tell the limits.
pub const IPC_INFO: i32 = 3;

/// semctl: the process that changed a semaphore last.
pub const GETPID: i32 = 11;
/// semctl: a value.
pub const GETVAL: i32 = 12;
/// semctl: all values.
pub const GETALL: i32 = 13;
/// semctl: those who wait for a larger value.
pub const GETNCNT: i32 = 14;
/// semctl: those who wait for zero.
pub const GETZCNT: i32 = 15;
/// semctl: set a value.
pub const SETVAL: i32 = 16;
/// semctl: set all values.
pub const SETALL: i32 = 17;
/// semctl: tell by place in the table.
pub const SEM_STAT: i32 = 18;
/// semctl: tell what is used.
pub const SEM_INFO: i32 = 19;
/// semctl: tell by place, without a right to read.
pub const SEM_STAT_ANY: i32 = 20;
/// An operation is undone when its process ends.
pub const SEM_UNDO: u32 = 0x1000;

/// msgctl: tell by place in the table.
pub const MSG_STAT: i32 = 11;
/// msgctl: tell what is used.
pub const MSG_INFO: i32 = 12;
/// msgctl: tell by place, without a right to read.
pub const MSG_STAT_ANY: i32 = 13;
/// msgrcv: cut what is too long.
pub const MSG_NOERROR: u32 = 0o10000;
/// msgrcv: any other type.
pub const MSG_EXCEPT: u32 = 0o20000;
/// msgrcv: a copy, by place.
pub const MSG_COPY: u32 = 0o40000;

/// shmctl: lock in memory.
pub const SHM_LOCK: i32 = 11;
/// shmctl: unlock.
pub const SHM_UNLOCK: i32 = 12;
/// shmctl: tell by place in the table.
pub const SHM_STAT: i32 = 13;
/// shmctl: tell what is used.
pub const SHM_INFO: i32 = 14;
/// shmctl: tell by place, without a right to read.
pub const SHM_STAT_ANY: i32 = 15;
/// shmat: for reading.
pub const SHM_RDONLY: u32 = 0o10000;
/// shmat: round the address down.
pub const SHM_RND: u32 = 0o20000;
/// shmat: in the place of what is there.
pub const SHM_REMAP: u32 = 0o40000;
/// shmat: allow execution.
pub const SHM_EXEC: u32 = 0o100000;
/// shmget: huge pages.
pub const SHM_HUGETLB: u32 = 0o4000;
/// In the permissions told: removed, gone with the last mapping.
pub const SHM_DEST: u32 = 0o1000;
/// In the permissions told: locked.
pub const SHM_LOCKED: u32 = 0o2000;

/// `struct ipc64_perm`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct IpcPerm {
    /// Key it is found by.
    pub key: i32,
    /// Owner.
    pub uid: u32,
    /// Owner's group.
    pub gid: u32,
    /// Maker.
    pub maker_uid: u32,
    /// Maker's group.
    pub maker_gid: u32,
    /// Permission bits.
    pub mode: u32,
    /// Counts the uses of its place.
    pub sequence: u16,
    /// Zero.
    pub padding: u16,
    /// Zero.
    pub padding2: u32,
    /// Zero.
    pub unused: [u64; 2],
}

/// `struct shmid64_ds`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ShmidDs {
    /// Whose it is.
    pub perm: IpcPerm,
    /// Bytes.
    pub bytes: u64,
    /// Last mapped, in seconds.
    pub attach_time: i64,
    /// Last unmapped.
    pub detach_time: i64,
    /// Last changed.
    pub change_time: i64,
    /// Who made it.
    pub maker: i32,
    /// Who mapped or unmapped it last.
    pub last: i32,
    /// Mappings.
    pub attached: u64,
    /// Zero.
    pub unused: [u64; 2],
}

/// `struct msqid64_ds`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct MsqidDs {
    /// Whose it is.
    pub perm: IpcPerm,
    /// Last sent to, in seconds.
    pub send_time: i64,
    /// Last received from.
    pub receive_time: i64,
    /// Last changed.
    pub change_time: i64,
    /// Bytes in it.
    pub bytes: u64,
    /// Messages in it.
    pub messages: u64,
    /// Most bytes in it.
    pub most_bytes: u64,
    /// Who sent last.
    pub last_sender: i32,
    /// Who received last.
    pub last_receiver: i32,
    /// Zero.
    pub unused: [u64; 2],
}

/// `struct sembuf`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Sembuf {
    /// Which semaphore of the set.
    pub number: u16,
    /// What to add; zero waits for zero.
    pub change: i16,
    /// [`IPC_NOWAIT`], [`SEM_UNDO`].
    pub flags: i16,
}

/// `struct shminfo64`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Shminfo {
    /// Most bytes of a segment.
    pub most_bytes: u64,
    /// Least bytes.
    pub least_bytes: u64,
    /// Most segments.
    pub most_segments: u64,
    /// Most mapped by one process.
    pub most_of_process: u64,
    /// Most pages in all.
    pub most_pages: u64,
    /// Zero.
    pub unused: [u64; 4],
}

/// `struct shm_info`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ShmUse {
    /// Segments.
    pub segments: i32,
    /// Zero.
    pub padding: i32,
    /// Pages in all.
    pub pages: u64,
    /// Present.
    pub resident: u64,
    /// Swapped out.
    pub swapped: u64,
    /// Zero, as the next.
    pub attempts: u64,
    /// See `attempts`.
    pub successes: u64,
}

/// `struct seminfo`: limits for IPC_INFO; with SEM_INFO two of them tell what is used.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Seminfo {
    /// Entries of a table there is not.
    pub map: i32,
    /// Most sets.
    pub most_sets: i32,
    /// Most semaphores in all.
    pub most_semaphores: i32,
    /// Undo structures there are not.
    pub undos: i32,
    /// Most semaphores in a set.
    pub most_in_set: i32,
    /// Most operations of a call.
    pub most_operations: i32,
    /// Most undo entries of a process.
    pub most_undo: i32,
    /// Bytes of an undo structure, or sets there are.
    pub undo_bytes: i32,
    /// Largest value.
    pub most_value: i32,
    /// Largest undo, or semaphores there are.
    pub most_adjust: i32,
}

/// `struct msginfo`: limits for IPC_INFO; with MSG_INFO three of them tell what is used.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Msginfo {
    /// Kilobytes of a pool there is not, or queues there are.
    pub pool: i32,
    /// Entries of a table there is not, or messages there are.
    pub map: i32,
    /// Most bytes of a message.
    pub most_message: i32,
    /// Most bytes of a queue.
    pub most_queue: i32,
    /// Most queues.
    pub most_queues: i32,
    /// Bytes of a segment there is not.
    pub segment_bytes: i32,
    /// Headers there are not, or bytes there are.
    pub headers: i32,
    /// Segments there are not.
    pub segments: u16,
    /// Zero.
    pub padding: u16,
}

/// `struct mq_attr`: a POSIX message queue's figures.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct MqAttr {
    /// O_NONBLOCK or nothing.
    pub flags: i64,
    /// Most messages.
    pub most_messages: i64,
    /// Most bytes of a message.
    pub most_bytes: i64,
    /// Messages in it.
    pub messages: i64,
    /// Nothing yet.
    pub reserved: [i64; 4],
}

const _: () = {
    assert!(size_of::<MqAttr>() == 64);
    assert!(size_of::<IpcPerm>() == 48);
    assert!(size_of::<ShmidDs>() == 112);
    assert!(size_of::<MsqidDs>() == 120);
    assert!(size_of::<Sembuf>() == 6);
    assert!(size_of::<Shminfo>() == 72);
    assert!(size_of::<ShmUse>() == 48);
    assert!(size_of::<Seminfo>() == 40);
    assert!(size_of::<Msginfo>() == 32);
};
