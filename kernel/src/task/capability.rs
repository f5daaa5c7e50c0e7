//! The superuser's rights taken apart (`capabilities(7)`): their names, sets of them, and the securebits, which say how far user 0
//! means them.
//!
//! Main types: [`Capability`], [`CapabilitySet`]. Which sets a task has is in its [`Credentials`](super::Credentials), how exec
//! changes them in `exec/credentials.rs`.
use abi::linux;

/// One right, by Linux's number.
// Named in full so that a check reads like the manual page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Capability {
    /// Giving files to others.
    Chown = linux::CAP_CHOWN,
    /// Reading, writing and executing files of others.
    DacOverride = linux::CAP_DAC_OVERRIDE,
    /// Reading files and searching directories of others.
    DacReadSearch = linux::CAP_DAC_READ_SEARCH,
    /// What only a file's owner may do.
    FileOwner = linux::CAP_FOWNER,
    /// Keeping set-id bits where they would go.
    FileSetId = linux::CAP_FSETID,
    /// Signals to others.
    Kill = linux::CAP_KILL,
    /// Any group.
    SetGid = linux::CAP_SETGID,
    /// Any user.
    SetUid = linux::CAP_SETUID,
    /// Changing capabilities beyond what one has.
    SetCapabilities = linux::CAP_SETPCAP,
    /// Network configuration, larger socket buffers.
    NetAdmin = linux::CAP_NET_ADMIN,
    /// Locking any amount of memory.
    IpcLock = linux::CAP_IPC_LOCK,
    /// System V objects of others.
    IpcOwner = linux::CAP_IPC_OWNER,
    /// chroot.
    Chroot = linux::CAP_SYS_CHROOT,
    /// Looking into any process.
    Trace = linux::CAP_SYS_PTRACE,
    /// Mounting, host names and much else.
    Admin = linux::CAP_SYS_ADMIN,
    /// Restart.
    Boot = linux::CAP_SYS_BOOT,
    /// Scheduling of others, and more urgent than the limits say.
    Nice = linux::CAP_SYS_NICE,
    /// Exceeding limits.
    Resource = linux::CAP_SYS_RESOURCE,
    /// Setting clocks.
    Time = linux::CAP_SYS_TIME,
    /// vhangup.
    TtyConfig = linux::CAP_SYS_TTY_CONFIG,
    /// Device nodes.
    MakeNode = linux::CAP_MKNOD,
    /// The kernel's log.
    Log = linux::CAP_SYSLOG,
    /// Timers that wake a sleeping machine.
    WakeAlarm = linux::CAP_WAKE_ALARM,
}

/// A set of capabilities, known ones only.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CapabilitySet(u64);

impl CapabilitySet {
    /// None.
    pub const EMPTY: CapabilitySet = CapabilitySet(0);
    /// All there are.
    pub const ALL: CapabilitySet = CapabilitySet((1 << (linux::CAP_LAST_CAP + 1)) - 1);
    /// Those about files, which come and go with the user for file access.
    pub const OF_FILES: CapabilitySet = CapabilitySet(
        1 << linux::CAP_CHOWN
            | 1 << linux::CAP_DAC_OVERRIDE
            | 1 << linux::CAP_DAC_READ_SEARCH
            | 1 << linux::CAP_FOWNER
            | 1 << linux::CAP_FSETID
            | 1 << linux::CAP_LINUX_IMMUTABLE
            | 1 << linux::CAP_MKNOD
            | 1 << linux::CAP_MAC_OVERRIDE,
    );

    /// The known ones of these bits.
    pub const fn from_bits(bits: u64) -> CapabilitySet {
        CapabilitySet(bits & Self::ALL.0)
    }
    /// Bit n for capability n.
    pub const fn bits(self) -> u64 {
        self.0
    }
    /// The one of this number; `None` if there is none.
    pub fn of_number(number: u64) -> Option<CapabilitySet> {
        (number <= u64::from(linux::CAP_LAST_CAP)).then(|| CapabilitySet(1 << number))
    }
    /// Whether it is in the set.
    pub const fn contains(self, capability: Capability) -> bool {
        self.0 & 1 << capability as u32 != 0
    }
    /// Whether all of it is in `other`.
    pub const fn is_subset_of(self, other: CapabilitySet) -> bool {
        self.0 & !other.0 == 0
    }
    /// Both.
    pub const fn union(self, other: CapabilitySet) -> CapabilitySet {
        CapabilitySet(self.0 | other.0)
    }
    /// What is in both.
    pub const fn intersection(self, other: CapabilitySet) -> CapabilitySet {
        CapabilitySet(self.0 & other.0)
    }
    /// What is not in `other`.
    pub const fn without(self, other: CapabilitySet) -> CapabilitySet {
        CapabilitySet(self.0 & !other.0)
    }
}

/// Bits of the securebits; the bit above each forbids changing it.
pub mod secure_bits {
    /// User 0 gets no capabilities by exec.
    pub const NO_ROOT: u32 = 1 << 0;
    /// Changes of users leave capabilities alone.
    pub const NO_FIX_UP: u32 = 1 << 2;
    /// Leaving user 0 keeps the permitted ones (PR_SET_KEEPCAPS), until the next exec.
    pub const KEEP: u32 = 1 << 4;
    /// Nothing is added to the ambient set.
    pub const NO_AMBIENT_RAISE: u32 = 1 << 6;
    /// All of them.
    pub const ALL: u32 = NO_ROOT | NO_FIX_UP | KEEP | NO_AMBIENT_RAISE;
    /// Their locks.
    pub const LOCKS: u32 = ALL << 1;
}
