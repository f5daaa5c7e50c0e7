//! A process: what its threads share besides memory and files. Its place in the tree (parent, children, group, session, wait
//! state) is in [`super::table`], under one lock.
use super::limits::{INFINITY, Limits, Resource};
use super::usage::Usage;
use super::{Pid, table};
use crate::lock_order;
use crate::signal::{Actions, ProcessSignals};
use crate::timer::cpu::CpuTimers;
use crate::timer::interval::RealTimer;
use crate::timer::posix_table::PosixTimers;
use crate::tty::TerminalTie;
use abi::Rlimit64;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};
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
    /// The thread that executes a program and waits for the others to end; 0 for none.
    replacing: AtomicU32,
    /// How many of its threads execute programs that may bring rights: see [`super::exec::GainingRights`].
    gaining_rights: AtomicU32,
    /// The first thread's wait status, should the whole process have none.
    leader_status: AtomicI32,
    /// Real user, for SIGCHLD and waitid.
    uid: AtomicU32,
    faults: AtomicU64,
    /// `oom_score_adj`.
    oom_adjustment: AtomicI32,
    limits: SpinLock<Limits>,
    usage: SpinLock<Usages>,
    /// ITIMER_REAL, once used.
    pub(crate) real_timer: SpinLock<Option<Arc<RealTimer>>>,
    /// Its POSIX timers.
    pub(crate) posix_timers: PosixTimers,
    /// Timers that its CPU time makes expire.
    pub(crate) cpu_timers: CpuTimers,
    /// Its controlling terminal.
    pub(crate) terminal: TerminalTie,
    /// Signal state common to its threads.
    pub signals: ProcessSignals,
    /// Woken when a child changes state.
    pub(crate) child_events: WaitQueue,
    /// Woken when one of its threads ends.
    pub(crate) thread_events: WaitQueue,
    /// Whether semaphores are to be given back when it ends.
    has_semaphore_undo: AtomicBool,
    /// Woken when it has ended, and when it was waited for.
    pub(crate) end_events: WaitQueue,
    /// When it was made.
    pub start_time: Instant,
}

/// What ended threads and waited-for children have used.
#[derive(Default)]
struct Usages {
    threads: Usage,
    children: Usage,
}

const EXITING: u64 = 1 << 32;

impl Process {
    /// A process without threads, not yet in the table.
    pub fn new(pid: Pid, parent: Pid, limits: Limits, actions: Arc<Actions>) -> Arc<Process> {
        let cpu_timers = CpuTimers::new();
        if limits.get(Resource::CpuSeconds).soft != INFINITY {
            cpu_timers.watch_limit();
        }
        Arc::new(Process {
            pid,
            parent_pid: AtomicU32::new(parent),
            exiting: AtomicU64::new(0),
            replacing: AtomicU32::new(0),
            gaining_rights: AtomicU32::new(0),
            leader_status: AtomicI32::new(0),
            uid: AtomicU32::new(0),
            faults: AtomicU64::new(0),
            oom_adjustment: AtomicI32::new(0),
            limits: SpinLock::new(&lock_order::PROCESS, limits),
            usage: SpinLock::new(&lock_order::PROCESS, Usages::default()),
            real_timer: SpinLock::new(&lock_order::REAL_TIMER, None),
            posix_timers: PosixTimers::new(),
            cpu_timers,
            terminal: TerminalTie::new(),
            signals: ProcessSignals::new(actions),
            child_events: WaitQueue::new(),
            thread_events: WaitQueue::new(),
            has_semaphore_undo: AtomicBool::new(false),
            end_events: WaitQueue::new(),
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
        if number == Resource::CpuSeconds as u32 {
            self.cpu_timers.watch_limit();
        }
        self.limits.with(|limits| {
            if let Some(old) = limits.by_number(number) {
                limits.set(number, change(old)?);
            }
            Ok(())
        })
    }
    /// Semaphores are to be given back when it ends (SEM_UNDO).
    pub(crate) fn note_semaphore_undo(&self) {
        self.has_semaphore_undo.store(true, Ordering::Relaxed);
    }
    /// Gives them back.
    pub(super) fn undo_semaphores(&self) {
        if self.has_semaphore_undo.swap(false, Ordering::Relaxed) {
            crate::ipc::semaphore::undo(self.pid);
        }
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

    /// What a new process takes over besides limits and actions.
    pub(super) fn inherit(&self, parent: &Process) {
        self.set_uid(parent.uid());
        self.set_oom_adjustment(parent.oom_adjustment());
        self.terminal.inherit(&parent.terminal);
    }
    /// How its size counts when memory runs out: `oom_score_adj`.
    pub fn oom_adjustment(&self) -> i32 {
        self.oom_adjustment.load(Ordering::Relaxed)
    }
    /// Changes it.
    pub fn set_oom_adjustment(&self, adjustment: i32) {
        self.oom_adjustment.store(adjustment, Ordering::Relaxed);
    }
    /// Real user.
    pub fn uid(&self) -> u32 {
        self.uid.load(Ordering::Relaxed)
    }
    /// Notes the real user when credentials change.
    pub fn set_uid(&self, uid: u32) {
        self.uid.store(uid, Ordering::Relaxed);
    }

    /// Claims the process for a thread that executes a program; false if another has, or the process is ending.
    pub(super) fn begin_replacement(&self, tid: Pid) -> bool {
        self.exit_status().is_none()
            && self.replacing.compare_exchange(0, tid, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
    /// The other threads are gone, or the claim is given up.
    pub(super) fn end_replacement(&self) {
        self.replacing.store(0, Ordering::Release);
    }
    /// Whether another thread than `tid` executes a program.
    pub(super) fn is_replaced_by_other(&self, tid: Pid) -> bool {
        let by = self.replacing.load(Ordering::Acquire);
        by != 0 && by != tid
    }

    /// Whether one of its threads is about to get rights by executing a program. Told under the table's lock, this stays so or
    /// else: nobody begins meanwhile.
    pub(crate) fn is_gaining_rights(&self) -> bool {
        self.gaining_rights.load(Ordering::Acquire) != 0
    }
    /// One more, under the table's lock, or one less.
    pub(super) fn count_gaining_rights(&self, is_more: bool) {
        if is_more {
            self.gaining_rights.fetch_add(1, Ordering::AcqRel);
        } else {
            self.gaining_rights.fetch_sub(1, Ordering::AcqRel);
        }
    }

    pub(super) fn set_leader_status(&self, status: i32) {
        self.leader_status.store(status, Ordering::Relaxed);
    }
    pub(super) fn leader_status(&self) -> i32 {
        self.leader_status.load(Ordering::Relaxed)
    }
    /// Counts a page fault served.
    pub(super) fn count_fault(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
    }
    /// Adds what an ended thread has used.
    pub(super) fn add_ended_thread(&self, usage: &Usage) {
        self.usage.with(|usages| usages.threads.add(usage));
    }
    /// Notes the size of its memory, in KiB.
    pub(super) fn note_resident(&self, kib: u64) {
        self.usage.with(|usages| usages.threads.max_resident_kib = usages.threads.max_resident_kib.max(kib));
    }
    /// Adds what a waited-for child has used.
    pub(super) fn add_child_usage(&self, usage: &Usage) {
        self.usage.with(|usages| usages.children.add(usage));
    }
    /// What ended threads have used, and the process's faults.
    pub fn ended_threads_usage(&self) -> Usage {
        let usage = self.usage.with(|usages| usages.threads);
        Usage { faults: self.faults.load(Ordering::Relaxed), ..usage }
    }
    /// What waited-for children have used.
    pub fn children_usage(&self) -> Usage {
        self.usage.with(|usages| usages.children)
    }
}
