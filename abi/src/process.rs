//! Structures of process calls.
use crate::time::Timeval;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `personality`: programs start at the same addresses every time.
pub const ADDR_NO_RANDOMIZE: u32 = 0x0004_0000;
/// `personality`: what may be read may be executed.
pub const READ_IMPLIES_EXEC: u32 = 0x0040_0000;

/// `struct rusage`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Rusage {
    /// CPU time in user mode.
    pub user_time: Timeval,
    /// CPU time in the kernel.
    pub system_time: Timeval,
    /// Largest resident set, in KiB.
    pub max_resident_kib: i64,
    /// Unused by Linux.
    pub unused_sizes: [i64; 3],
    /// Faults served without input or output.
    pub minor_faults: i64,
    /// Faults that needed it.
    pub major_faults: i64,
    /// Unused by Linux.
    pub swaps: i64,
    /// Blocks read.
    pub blocks_in: i64,
    /// Blocks written.
    pub blocks_out: i64,
    /// Unused by Linux.
    pub unused_messages: [i64; 3],
    /// Times it slept.
    pub voluntary_switches: i64,
    /// Times it was preempted.
    pub involuntary_switches: i64,
}

/// `struct sysinfo`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Sysinfo {
    /// Seconds since boot.
    pub uptime: i64,
    /// Load averages times 65,536.
    pub loads: [u64; 3],
    /// Usable memory, in units.
    pub total_ram: u64,
    /// Free memory.
    pub free_ram: u64,
    /// Shared memory.
    pub shared_ram: u64,
    /// Buffers.
    pub buffer_ram: u64,
    /// Swap space.
    pub total_swap: u64,
    /// Free swap space.
    pub free_swap: u64,
    /// Processes.
    pub processes: u16,
    /// Unused.
    pub padding: [u16; 3],
    /// High memory.
    pub total_high: u64,
    /// Free high memory.
    pub free_high: u64,
    /// Bytes in a unit.
    pub unit: u32,
    /// Unused.
    pub tail: u32,
}

/// `struct new_utsname`.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Utsname {
    /// "Linux".
    pub system: [u8; 65],
    /// Host name.
    pub node: [u8; 65],
    /// Release.
    pub release: [u8; 65],
    /// Version.
    pub version: [u8; 65],
    /// Machine.
    pub machine: [u8; 65],
    /// NIS domain.
    pub domain: [u8; 65],
}

/// `struct rlimit64`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Rlimit64 {
    /// What holds.
    pub soft: u64,
    /// How far the program may raise it.
    pub hard: u64,
}

/// `struct clone_args`, as far as Linux 5.5 knows it.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct CloneArgs {
    /// `CLONE_*`.
    pub flags: u64,
    /// Where to put the PID file descriptor.
    pub pidfd: u64,
    /// Where to write the TID in the child.
    pub child_tid: u64,
    /// Where to write the TID in the parent.
    pub parent_tid: u64,
    /// Signal at exit.
    pub exit_signal: u64,
    /// Lowest address of the stack.
    pub stack: u64,
    /// Its size.
    pub stack_size: u64,
    /// TLS base.
    pub tls: u64,
    /// Wanted PIDs.
    pub set_tid: u64,
    /// How many.
    pub set_tid_size: u64,
    /// Control group.
    pub cgroup: u64,
}

/// `struct robust_list_head`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RobustListHead {
    /// First entry; the list ends at the head's own address.
    pub next: u64,
    /// From an entry to its futex word.
    pub futex_offset: i64,
    /// An entry being added or removed.
    pub pending: u64,
}

/// `struct tms`, in clock ticks.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Tms {
    /// User time.
    pub user: i64,
    /// Kernel time.
    pub system: i64,
    /// User time of waited-for children.
    pub children_user: i64,
    /// Kernel time of waited-for children.
    pub children_system: i64,
}

/// `struct sched_param`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SchedParam {
    /// Real-time priority.
    pub priority: i32,
}

/// `struct sched_attr`, with utilization clamps (version 1).
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SchedAttr {
    /// Bytes of it that are there.
    pub size: u32,
    /// `SCHED_*`.
    pub policy: u32,
    /// `SCHED_FLAG_*`.
    pub flags: u64,
    /// For SCHED_OTHER and SCHED_BATCH.
    pub nice: i32,
    /// For SCHED_FIFO and SCHED_RR.
    pub priority: u32,
    /// For SCHED_DEADLINE, as the next two.
    pub runtime: u64,
    /// See `runtime`.
    pub deadline: u64,
    /// See `runtime`.
    pub period: u64,
    /// Least utilization.
    pub least_utilization: u32,
    /// Most utilization.
    pub most_utilization: u32,
}

/// `struct rseq_cs`: a restartable sequence.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RseqSequence {
    /// Zero.
    pub version: u32,
    /// Zero.
    pub flags: u32,
    /// Its first instruction.
    pub start: u64,
    /// Its length.
    pub bytes: u64,
    /// Where to go when it was disturbed.
    pub abort: u64,
}

const _: () = {
    assert!(size_of::<RseqSequence>() == 32);
    assert!(size_of::<SchedAttr>() == 56);
    assert!(size_of::<Rusage>() == 144);
    assert!(size_of::<Sysinfo>() == 112);
    assert!(size_of::<Utsname>() == 390);
    assert!(size_of::<CloneArgs>() == 88);
    assert!(size_of::<RobustListHead>() == 24);
};
