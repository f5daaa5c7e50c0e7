//! Signal structures, the same on both architectures. Frames are in [`crate::arch`].
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `SA_RESTORER`: [`Sigaction::restorer`] is set.
pub const SA_RESTORER: u64 = 0x0400_0000;

/// `SA_SIGINFO`: the handler takes three arguments.
pub const SA_SIGINFO: u64 = 4;

/// The kernel's `struct sigaction` (what `rt_sigaction` takes).
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Sigaction {
    /// Handler address, or 0 (default) or 1 (ignore).
    pub handler: u64,
    /// `SA_*`.
    pub flags: u64,
    /// Return trampoline, if `SA_RESTORER`.
    pub restorer: u64,
    /// Signals blocked while the handler runs; bit n-1 for signal n.
    pub mask: u64,
}

/// `stack_t`.
#[derive(Clone, Copy, Default, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct StackT {
    /// Lowest address.
    pub base: u64,
    /// `SS_*`.
    pub flags: i32,
    /// Unused.
    pub padding: i32,
    /// Bytes.
    pub size: u64,
}

/// `siginfo_t`: the three common words and a union of which the constructors fill the right member.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Siginfo {
    /// Signal number.
    pub signal: i32,
    /// Error number, mostly zero.
    pub error: i32,
    /// `SI_*` or the signal's own code.
    pub code: i32,
    /// Unused.
    pub padding: i32,
    /// The union.
    pub fields: [u64; 14],
}

/// Two 32-bit words as the 64-bit word that holds them in memory (both architectures are little-endian).
const fn pair(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

impl Siginfo {
    /// Sent by the kernel itself.
    pub const fn kernel(signal: i32) -> Siginfo {
        Siginfo { signal, error: 0, code: 0x80, padding: 0, fields: [0; 14] }
    }
    /// Sent by a process: `kill` (`SI_USER`), `tgkill` (`SI_TKILL`).
    pub const fn from_process(signal: i32, code: i32, pid: u32, uid: u32) -> Siginfo {
        let mut info = Siginfo { signal, error: 0, code, padding: 0, fields: [0; 14] };
        info.fields[0] = pair(pid, uid);
        info
    }
    /// A fault at an address.
    pub const fn fault(signal: i32, code: i32, addr: u64) -> Siginfo {
        let mut info = Siginfo { signal, error: 0, code, padding: 0, fields: [0; 14] };
        info.fields[0] = addr;
        info
    }
    /// A file became ready: `band` holds poll bits.
    pub const fn readiness(signal: i32, code: i32, band: u64, fd: i32) -> Siginfo {
        let mut info = Siginfo { signal, error: 0, code, padding: 0, fields: [0; 14] };
        info.fields[0] = band;
        info.fields[1] = pair(fd as u32, 0);
        info
    }
    /// A child changed state. Times are in clock ticks.
    pub const fn child(code: i32, pid: u32, uid: u32, status: i32, user_ticks: u64, kernel_ticks: u64) -> Siginfo {
        let mut info = Siginfo::from_process(17, code, pid, uid);
        info.fields[1] = pair(status as u32, 0);
        info.fields[2] = user_ticks;
        info.fields[3] = kernel_ticks;
        info
    }
}

/// `struct sigevent`: how a timer tells that it has expired.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Sigevent {
    /// What the signal carries.
    pub value: u64,
    /// Signal number.
    pub signal: i32,
    /// `SIGEV_*`.
    pub notify: i32,
    /// Thread number, for `SIGEV_THREAD_ID`.
    pub thread: i32,
    /// The rest of the union.
    pub padding: [i32; 11],
}

/// `struct signalfd_siginfo`: a signal as it is read from a file.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SignalfdSiginfo {
    /// Signal number.
    pub signal: u32,
    /// Error number.
    pub error: i32,
    /// `SI_*`.
    pub code: i32,
    /// Sender's process.
    pub pid: u32,
    /// Sender's user.
    pub uid: u32,
    /// Descriptor (SIGIO).
    pub fd: i32,
    /// Timer's number.
    pub timer: u32,
    /// Readiness (SIGIO).
    pub band: u32,
    /// Timer's overrun.
    pub overrun: u32,
    /// Trap that caused it.
    pub trap: u32,
    /// Exit status or signal (SIGCHLD).
    pub status: i32,
    /// The value as a number.
    pub number: i32,
    /// The value as a pointer.
    pub pointer: u64,
    /// User time of the child, in clock ticks.
    pub user_ticks: u64,
    /// Kernel time of the child, in clock ticks.
    pub kernel_ticks: u64,
    /// Address of the fault.
    pub address: u64,
    /// Least significant bit of the address.
    pub address_bit: u16,
    /// Unused.
    pub padding: u16,
    /// Number of the refused call (SIGSYS).
    pub call: i32,
    /// Address of the refused call.
    pub call_address: u64,
    /// Architecture of the refused call.
    pub architecture: u32,
    /// Unused.
    pub rest: [u32; 7],
}

const _: () = {
    assert!(size_of::<Sigevent>() == 64);
    assert!(size_of::<SignalfdSiginfo>() == 128);
    assert!(size_of::<Sigaction>() == 32);
    assert!(size_of::<StackT>() == 24);
    assert!(size_of::<Siginfo>() == 128);
};
