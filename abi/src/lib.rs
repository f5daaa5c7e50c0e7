//! Linux's words: call numbers and names, error numbers, constants, and the structures that cross the system
//! call boundary, with their sizes asserted for each architecture.
//!
//! Constants come from the Linux headers through `linux-raw-sys` ([`linux`], [`ioctl`], [`auxvec`], …); structures are our
//! own, because they must be plain data for `zerocopy`, which no foreign type may be declared to be.
//! Who uses it: `kernel` and `modules`; the host tools, for names. No unsafe code, nothing that depends on a machine.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

#[macro_use]
pub mod errno;
pub mod arch;
pub mod file;
pub mod ipc;
pub mod number;
pub mod process;
pub mod ptrace;
pub mod show;
pub mod signal;
pub mod socket;
pub mod terminal;
pub mod time;

pub use file::{Dirent64Header, EpollEvent, Flock, Iovec, OpenHow, Pollfd, Stat, Statfs, Statx, StatxTimestamp};
pub use linux_raw_sys::{auxvec, elf_uapi, general as linux, ioctl, net, prctl};
pub use process::{
    CloneArgs, Rlimit64, RobustListHead, RseqSequence, Rusage, SchedAttr, SchedParam, Sysinfo, Tms, Utsname,
};
pub use signal::{Sigaction, Sigevent, Siginfo, SignalfdSiginfo, StackT};
pub use socket::{Cmsghdr, Mmsghdr, Msghdr, Ucred};
pub use terminal::{Termio, Termios, Termios2, Winsize};
pub use time::{Itimerspec, Itimerval, Timespec, Timeval, Timex, Timezone};

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Plain data: any bytes are a value and every byte of a value is initialized, so it may cross the user boundary.
pub trait Plain: FromBytes + IntoBytes + Immutable + KnownLayout + Copy {}
impl<T: FromBytes + IntoBytes + Immutable + KnownLayout + Copy> Plain for T {}
