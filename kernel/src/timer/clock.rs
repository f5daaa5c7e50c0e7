//! The clocks that programs name: by a small number, or (CPU time of another process or thread) by a negative one that holds a
//! process's or thread's number.
//!
//! Main types: [`Clock`], what a number means; [`CpuClock`], a clock of CPU time; [`Watch`], who wants to know that the wall clock was
//! set. Called by the time calls and by everything that keeps timers.
//! Lock: `CLOCK_WATCHES` around the list of those who watch the wall clock.
use crate::errno::{Errno, Result};
use crate::lock_order;
use crate::task::{Pid, Process, Task, table, usage};
use abi::linux::{
    CLOCK_BOOTTIME, CLOCK_BOOTTIME_ALARM, CLOCK_MONOTONIC, CLOCK_MONOTONIC_COARSE, CLOCK_MONOTONIC_RAW,
    CLOCK_PROCESS_CPUTIME_ID, CLOCK_REALTIME, CLOCK_REALTIME_ALARM, CLOCK_REALTIME_COARSE, CLOCK_TAI,
    CLOCK_THREAD_CPUTIME_ID,
};
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use machine::sync::{SpinLock, WaitQueue};
use machine::thread::CurrentThread;
use machine::time;

/// Wall-clock time in nanoseconds since 1970.
pub fn wall_clock_ns() -> u64 {
    time::now().0.saturating_add(time::wall_clock_offset())
}

/// What part of CPU time a clock counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CpuKind {
    /// User mode and kernel.
    All,
    /// User mode.
    User,
}

/// Whose CPU time a clock counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CpuOwner {
    /// A process; 0 is the caller's.
    Process(Pid),
    /// A thread; 0 is the caller.
    Thread(Pid),
}

/// A clock as its number names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Clock {
    /// Since 1970; can be set.
    Wall,
    /// Since boot.
    Monotonic,
    /// CPU time.
    Cpu(CpuOwner, CpuKind),
}

/// A clock's number, judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Named {
    /// What it counts.
    pub clock: Clock,
    /// Whether it is told in ticks only.
    pub is_coarse: bool,
    /// Whether timers may use it: the raw and coarse clocks are for reading only.
    pub has_timers: bool,
    /// Whether its timers would wake a sleeping machine.
    pub is_alarm: bool,
}

impl Named {
    /// EINVAL for numbers that name nothing. Processes and threads are looked up later, when the clock is used.
    pub fn from_number(number: i32) -> Result<Named> {
        let plain = |clock| Named { clock, is_coarse: false, has_timers: true, is_alarm: false };
        let Ok(small) = u32::try_from(number) else {
            return Ok(plain(cpu_clock(number)?));
        };
        Ok(match small {
            CLOCK_REALTIME | CLOCK_TAI => plain(Clock::Wall),
            CLOCK_MONOTONIC | CLOCK_BOOTTIME => plain(Clock::Monotonic),
            CLOCK_REALTIME_ALARM => Named { is_alarm: true, ..plain(Clock::Wall) },
            CLOCK_BOOTTIME_ALARM => Named { is_alarm: true, ..plain(Clock::Monotonic) },
            CLOCK_MONOTONIC_RAW => Named { has_timers: false, ..plain(Clock::Monotonic) },
            CLOCK_REALTIME_COARSE => Named { is_coarse: true, has_timers: false, ..plain(Clock::Wall) },
            CLOCK_MONOTONIC_COARSE => Named { is_coarse: true, has_timers: false, ..plain(Clock::Monotonic) },
            CLOCK_PROCESS_CPUTIME_ID => plain(Clock::Cpu(CpuOwner::Process(0), CpuKind::All)),
            CLOCK_THREAD_CPUTIME_ID => plain(Clock::Cpu(CpuOwner::Thread(0), CpuKind::All)),
            _ => return Err(Errno::EINVAL),
        })
    }
}

/// Linux's encoding: the complement of the number above three bits: one says "thread", two say which part.
fn cpu_clock(number: i32) -> Result<Clock> {
    let owner = Pid::try_from(!(number >> 3)).map_err(|_| Errno::EINVAL)?;
    let owner = if number & 4 != 0 { CpuOwner::Thread(owner) } else { CpuOwner::Process(owner) };
    match number & 3 {
        0 | 2 => Ok(Clock::Cpu(owner, CpuKind::All)),
        1 => Ok(Clock::Cpu(owner, CpuKind::User)),
        _ => Err(Errno::EINVAL),
    }
}

/// Whose time a clock of CPU time counts, found.
#[derive(Clone)]
pub enum CpuTarget {
    /// A process.
    Process(Arc<Process>),
    /// A thread.
    Thread(Arc<Task>),
}

/// A clock of CPU time with its owner.
#[derive(Clone)]
pub struct CpuClock {
    /// Whose.
    pub target: CpuTarget,
    /// Which part.
    pub kind: CpuKind,
}

impl CpuClock {
    /// Finds the owner. EINVAL if there is none, or it is a thread of another process.
    pub fn find(cx: &CurrentThread, caller: &Arc<Task>, owner: CpuOwner, kind: CpuKind) -> Result<CpuClock> {
        let target = match owner {
            CpuOwner::Process(0) => CpuTarget::Process(caller.process().clone()),
            CpuOwner::Thread(0) => CpuTarget::Thread(caller.clone()),
            CpuOwner::Process(pid) => {
                let table = table::lock(cx);
                let node = table.node(pid).filter(|node| !node.is_zombie()).ok_or(Errno::EINVAL)?;
                CpuTarget::Process(node.process.clone())
            }
            CpuOwner::Thread(tid) => {
                let task = table::find_task(cx, tid).ok_or(Errno::EINVAL)?;
                if !Arc::ptr_eq(task.process(), caller.process()) {
                    return Err(Errno::EINVAL);
                }
                CpuTarget::Thread(task)
            }
        };
        Ok(CpuClock { target, kind })
    }

    /// The process whose threads make this clock advance.
    pub fn process(&self) -> &Arc<Process> {
        match &self.target {
            CpuTarget::Process(process) => process,
            CpuTarget::Thread(task) => task.process(),
        }
    }

    /// Nanoseconds used so far.
    pub fn read(&self, cx: &CurrentThread) -> u64 {
        let used = match &self.target {
            CpuTarget::Process(process) => usage::of_process(cx, process),
            CpuTarget::Thread(task) => {
                task.thread().map_or_else(usage::Usage::default, |thread| usage::Usage::of_thread(&thread))
            }
        };
        match self.kind {
            CpuKind::All => used.user_ns + used.kernel_ns,
            CpuKind::User => used.user_ns,
        }
    }
}

/// Who wants to know that the wall clock was set.
pub trait Watch: Send + Sync {
    /// It was set.
    fn clock_was_set(&self, cx: &CurrentThread);
}

static WATCHES: SpinLock<Vec<Weak<dyn Watch>>> = SpinLock::new(&lock_order::CLOCK_WATCHES, Vec::new());

/// Woken when the wall clock was set, for those who sleep by it.
pub static WAS_SET: WaitQueue = WaitQueue::new();

/// Tells `watch` from now on, as long as it exists.
pub fn watch(cx: &CurrentThread, watch: Weak<dyn Watch>) -> Result<()> {
    let mut watches = WATCHES.lock(cx);
    if watches.len() == watches.capacity() {
        watches.retain(|watch| watch.strong_count() != 0);
        let more = watches.len().max(8);
        watches.try_reserve(more)?;
    }
    watches.push(watch);
    Ok(())
}

/// Sets the wall clock and tells everybody who keeps time by it.
pub fn set_wall_clock(cx: &CurrentThread, ns: u64) {
    time::set_wall_clock(ns.saturating_sub(time::now().0));
    let mut index = 0;
    loop {
        let Some(watch) = WATCHES.lock(cx).get(index).cloned() else { break };
        if let Some(watch) = watch.upgrade() {
            watch.clock_was_set(cx);
        }
        index += 1;
    }
    WAS_SET.wake_all();
}
