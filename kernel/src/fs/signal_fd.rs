//! `signalfd`: pending signals that are read as a file.
//!
//! Main type: [`SignalFd`], a set of signals; what is pending is that of whoever reads or polls, as on Linux. All of them wait at one
//! queue, `signal::send::ARRIVALS`.
//! Lock: `SIGNAL_FD` around the set.
use super::anonymous::AnonymousInode;
use super::file::{File, PollEvents};
use super::inode::FileKind;
use super::open_file::OpenFile;
use super::transfer::Sink;
use crate::errno::{Errno, Result};
use crate::lock_order;
use crate::signal::send::{ARRIVALS, take_pending};
use crate::signal::{Signal, SignalSet};
use crate::task::Task;
use abi::linux::O_RDWR;
use abi::{Siginfo, SignalfdSiginfo};
use alloc::sync::Arc;
use machine::sync::{SpinLock, Wait, WaitQueue};
use machine::thread::CurrentThread;
use zerocopy::IntoBytes;

/// A set of signals to be read.
pub struct SignalFd {
    set: SpinLock<SignalSet>,
}

impl SignalFd {
    /// An open one. `flags`: O_NONBLOCK or nothing.
    pub fn open(set: SignalSet, flags: u32) -> Arc<OpenFile> {
        let set = SpinLock::new(&lock_order::SIGNAL_FD, set.without(SignalSet::UNBLOCKABLE));
        let inode = AnonymousInode::new(FileKind::CharDevice, 0o600, None);
        OpenFile::anonymous(b"anon_inode:[signalfd]", inode, Arc::new(SignalFd { set }), flags | O_RDWR)
    }

    /// Changes which signals are read.
    pub fn set(&self, set: SignalSet) {
        self.set.with(|own| *own = set.without(SignalSet::UNBLOCKABLE));
        ARRIVALS.wake_all();
    }

    fn take(&self, cx: &CurrentThread) -> Option<Siginfo> {
        let task = Task::current(cx)?;
        take_pending(cx, &task, self.set.with(|set| *set)).map(|(_, info)| info)
    }
}

impl File for SignalFd {
    fn is_stream(&self) -> bool {
        true
    }

    fn read(&self, cx: &mut CurrentThread, open: &OpenFile, _offset: &mut u64, to: &mut Sink<'_>) -> Result<()> {
        if to.left() < size_of::<SignalfdSiginfo>() {
            return Err(Errno::EINVAL);
        }
        let mut next = match self.take(cx) {
            Some(info) => Some(info),
            None if open.is_non_blocking() => return Err(Errno::EAGAIN),
            None => Some(ARRIVALS.wait(cx, Wait::interruptible("signals"), |cx| self.take(cx))?),
        };
        while let Some(info) = next {
            to.put(cx, show(&info).as_bytes())?;
            next = if to.left() < size_of::<SignalfdSiginfo>() { None } else { self.take(cx) };
        }
        Ok(())
    }

    fn poll(&self, cx: &mut CurrentThread, _open: &OpenFile) -> PollEvents {
        let Some(task) = Task::current(cx) else { return PollEvents::NONE };
        let pending = task.signals.pending().union(task.process().signals.pending());
        let is_ready = !pending.intersection(self.set.with(|set| *set)).is_empty();
        PollEvents::NONE.and_if(is_ready, PollEvents::IN)
    }

    fn wait_queues(&self) -> [Option<&WaitQueue>; 2] {
        [Some(&ARRIVALS), None]
    }
}

/// `si_code` of a timer's signal, of a process's, of one that changed its readiness, and of the kernel.
const SI_TIMER: i32 = -2;
const SI_SIGIO: i32 = -5;
const SI_USER: i32 = 0;
const SI_TKILL: i32 = -6;
const SI_KERNEL: i32 = 0x80;
/// The last of the codes that tell what happened to a file.
const POLL_HUP: i32 = 6;

/// A signal as such a file tells it: which members are meant follows from the code, and for the kernel's own codes from the signal.
fn show(info: &Siginfo) -> SignalfdSiginfo {
    let [first, second, third, fourth] = [info.fields[0], info.fields[1], info.fields[2], info.fields[3]];
    // CAST: members of 32 bits, in halves of the words.
    let (low, high) = (first as u32, (first >> 32) as u32);
    let common =
        SignalfdSiginfo { signal: info.signal as u32, error: info.error, code: info.code, ..Default::default() };
    // CAST: as above; values are shown as number and as pointer.
    let valued = SignalfdSiginfo { number: second as i32, pointer: second, ..common };
    let is_of_kernel = info.code > SI_USER && info.code < SI_KERNEL;
    match Signal::from_number(info.signal) {
        _ if info.code == SI_TIMER => SignalfdSiginfo { timer: low, overrun: high, ..valued },
        _ if info.code == SI_SIGIO => SignalfdSiginfo { band: low, fd: second as i32, ..common },
        _ if info.code == SI_USER || info.code == SI_TKILL || info.code == SI_KERNEL => {
            SignalfdSiginfo { pid: low, uid: high, ..common }
        }
        Some(Signal::SIGCHLD) if is_of_kernel => SignalfdSiginfo {
            pid: low,
            uid: high,
            status: second as i32,
            user_ticks: third,
            kernel_ticks: fourth,
            ..common
        },
        Some(Signal::SIGIO) if is_of_kernel => SignalfdSiginfo { band: low, fd: second as i32, ..common },
        Some(signal) if is_of_kernel && SignalSet::SYNCHRONOUS.contains(signal) => {
            SignalfdSiginfo { address: first, ..common }
        }
        // A file's readiness by a signal of the program's choice (F_SETSIG).
        Some(signal) if is_of_kernel && signal != Signal::SIGCHLD && info.code <= POLL_HUP => {
            SignalfdSiginfo { band: low, fd: second as i32, ..common }
        }
        _ if info.code < 0 => SignalfdSiginfo { pid: low, uid: high, ..valued },
        _ => SignalfdSiginfo { pid: low, uid: high, ..common },
    }
}
