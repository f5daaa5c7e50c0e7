//! A process: what its threads share besides memory and files. Its place in the tree (parent, children, group, session, wait
//! state) is in [`super::table`], under one lock.
use super::limits::{Limits, Resource};
use super::{Pid, table};
use crate::lock_order;
use crate::signal::{Actions, ProcessSignals};
use abi::Rlimit64;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use machine::sync::{SpinLock, WaitQueue};
use machine::thread::CurrentThread;
use machine::time::Instant;

/// A process.
pub struct Process {
    pid: Pid,
    /// The parent's number; written under the table's lock, read by getppid without it.
    parent_pid: AtomicU32,
    /// [`EXITING`] and the wait status, once the whole process is to end.
    exiting: AtomicU64,
    limits: SpinLock<Limits>,
    /// Signal state common to its threads.
    pub signals: ProcessSignals,
    /// Woken when a child changes state.
    pub(crate) child_events: WaitQueue,
    /// Woken when one of its threads ends.
    pub(crate) thread_events: WaitQueue,
    /// When it was made.
    pub start_time: Instant,
}

const EXITING: u64 = 1 << 32;

impl Process {
    /// A process without threads, not yet in the table.
    pub fn new(pid: Pid, parent: Pid, limits: Limits, actions: Arc<Actions>) -> Arc<Process> {
        Arc::new(Process {
            pid,
            parent_pid: AtomicU32::new(parent),
            exiting: AtomicU64::new(0),
            limits: SpinLock::new(&lock_order::PROCESS, limits),
            signals: ProcessSignals::new(actions),
            child_events: WaitQueue::new(),
            thread_events: WaitQueue::new(),
            start_time: machine::time::now(),
        })
    }
    /// Its number.
    pub fn pid(&self) -> Pid {
        self.pid
    }
    /// The parent's number; 0 for the first process.
    pub fn parent_pid(&self) -> Pid {
        self.parent_pid.load(Ordering::Relaxed)
    }
    pub(super) fn set_parent_pid(&self, parent: Pid) {
        self.parent_pid.store(parent, Ordering::Relaxed);
    }
    /// A limit in force.
    pub fn limit(&self, resource: Resource) -> u64 {
        self.limits.with(|limits| limits.get(resource).soft)
    }
    /// A copy of all limits.
    pub fn limits(&self) -> Limits {
        self.limits.with(|limits| limits.clone())
    }
    /// Changes one limit as `change` decides from the old value.
    pub fn change_limit<R>(&self, number: u32, change: impl FnOnce(Rlimit64) -> Result<Rlimit64, R>) -> Result<(), R> {
        self.limits.with(|limits| {
            if let Some(old) = limits.by_number(number) {
                limits.set(number, change(old)?);
            }
            Ok(())
        })
    }
    /// Makes every thread end. The first caller's wait status counts.
    pub fn begin_exit(&self, cx: &CurrentThread, status: i32) {
        if self.set_exit_status(status) {
            table::notify_tasks(cx, self.pid);
        }
    }
    /// The same without waking anyone; true for the first caller.
    pub(crate) fn set_exit_status(&self, status: i32) -> bool {
        // CAST: the bits of a wait status.
        let value = EXITING | u64::from(status as u32);
        self.exiting.compare_exchange(0, value, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
    /// The wait status with which the whole process is ending, if it is.
    pub fn exit_status(&self) -> Option<i32> {
        let value = self.exiting.load(Ordering::Acquire);
        // CAST: the bits of a wait status.
        (value & EXITING != 0).then_some(value as u32 as i32)
    }
}
