//! A thread of a program: its numbers, and its references to files, memory and credentials.
//!
//! Shared as `Arc<Task>`: by the task table, by its own user loop, and as the data of its machine thread
//! ([`Task::current`]). The machine thread is referred to weakly, so that the two do not keep each other alive.
//! Locks: `TASK_RESOURCES` around the references; what only the task itself writes is atomic.
use super::completion::Completion;
use super::glance::Glance;
use super::io_count::IoCounters;
use super::process::Process;
use super::rseq::Registration;
use super::scheduling::Scheduling;
use super::{Credentials, Pid};
use crate::errno::Result;
use crate::fs::{FileTable, FsContext};
use crate::lock_order;
use crate::mm::AddressSpace;
use crate::ptrace::Tracing;
use crate::signal::TaskSignals;
use crate::syscall::Call;
use crate::trace::{self, probe};
use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use machine::addr::UserAddr;
use machine::sync::{Once, SpinLock};
use machine::thread::{CurrentThread, Schedule, Thread};

/// Bytes of a task's name, terminating zero included.
pub const NAME_BYTES: usize = 16;

/// What a task refers to and others may share.
#[derive(Clone)]
pub struct Resources {
    /// Open files; `None` once the task has ended.
    pub files: Option<Arc<FileTable>>,
    /// Root, working directory, umask; `None` once the task has ended.
    pub fs: Option<Arc<FsContext>>,
    /// Memory; `None` for kernel tasks and ended ones.
    pub space: Option<Arc<AddressSpace>>,
    /// Who it acts as.
    pub credentials: Arc<Credentials>,
    /// Name, zero-filled.
    pub name: [u8; NAME_BYTES],
}

/// How an interrupted call with a relative timeout goes on (`restart_syscall`).
pub type RestartBlock = Box<dyn FnOnce(&mut Call<'_>) -> Result<u64> + Send>;

/// A thread of a program.
pub struct Task {
    tid: AtomicU32,
    process: Arc<Process>,
    thread: Once<Weak<Thread>>,
    resources: SpinLock<Resources>,
    glance: Glance,
    /// Signal state.
    pub signals: TaskSignals,
    /// Whether and how it is traced.
    pub tracing: Tracing,
    /// What it has read and written.
    pub io: IoCounters,
    /// Its restartable sequences.
    pub(crate) rseq: Registration,
    /// Its locks with an owner have been given away: it ends, or its program does.
    pub(super) has_released_locks: AtomicBool,
    clear_child_tid: AtomicUsize,
    robust_list: AtomicUsize,
    /// [`LEAVING`] and a wait status, once the task alone is to end.
    leaving: AtomicU64,
    /// Whom to tell when the memory shared with vfork's parent is given back.
    vfork: SpinLock<Option<Arc<Completion>>>,
    restart_block: SpinLock<Option<RestartBlock>>,
    scheduling: SpinLock<Scheduling>,
    no_new_privileges: AtomicBool,
    personality: AtomicU32,
    io_priority: AtomicU32,
    timer_slack_ns: AtomicU64,
    /// What [`Task::reset_timer_slack`] goes back to: the maker's value when the task was made.
    default_timer_slack_ns: AtomicU64,
}

/// The first program's timer slack.
// LINUX: 50 us, which programs read back.
const TIMER_SLACK_NS: u64 = 50_000;

const LEAVING: u64 = 1 << 32;

impl Task {
    /// A task that has no thread yet.
    pub(crate) fn new(
        tid: Pid,
        process: Arc<Process>,
        resources: Resources,
        signals: TaskSignals,
        vfork: Option<Arc<Completion>>,
    ) -> Arc<Task> {
        Arc::new(Task {
            tid: AtomicU32::new(tid),
            process,
            thread: Once::new(),
            glance: Glance::of(&resources),
            resources: SpinLock::new(&lock_order::TASK_RESOURCES, resources),
            signals,
            tracing: Tracing::new(),
            io: IoCounters::default(),
            rseq: Registration::none(),
            has_released_locks: AtomicBool::new(false),
            clear_child_tid: AtomicUsize::new(0),
            robust_list: AtomicUsize::new(0),
            leaving: AtomicU64::new(0),
            vfork: SpinLock::new(&lock_order::TASK_RESOURCES, vfork),
            restart_block: SpinLock::new(&lock_order::TASK_RESOURCES, None),
            scheduling: SpinLock::new(&lock_order::SCHEDULING, Scheduling::INITIAL),
            no_new_privileges: AtomicBool::new(false),
            personality: AtomicU32::new(0),
            io_priority: AtomicU32::new(0),
            timer_slack_ns: AtomicU64::new(TIMER_SLACK_NS),
            default_timer_slack_ns: AtomicU64::new(TIMER_SLACK_NS),
        })
    }
    /// The task whose thread this is; `None` in kernel threads.
    pub fn current(cx: &CurrentThread) -> Option<Arc<Task>> {
        cx.thread().data().clone().downcast::<Task>().ok()
    }
    /// Thread number; equal to the process's for its first thread.
    pub fn tid(&self) -> Pid {
        self.tid.load(Ordering::Relaxed)
    }
    /// Changes it, under the table's lock.
    pub(super) fn set_tid(&self, tid: Pid) {
        self.tid.store(tid, Ordering::Relaxed);
        if let Some(thread) = self.thread() {
            self.label_thread(&thread);
        }
    }
    /// The process it belongs to.
    pub fn process(&self) -> &Arc<Process> {
        &self.process
    }
    /// Its machine thread, while that exists.
    pub fn thread(&self) -> Option<Arc<Thread>> {
        self.thread.get().and_then(Weak::upgrade)
    }
    /// Ties the machine thread to it, once.
    pub(crate) fn set_thread(&self, thread: &Arc<Thread>) {
        self.thread.call_once(|| {
            self.label_thread(thread);
            let (pid, parent) = (self.process.pid(), self.process.parent_pid());
            probe!(trace::proc::create(self.tid(), pid, parent, thread.id()));
            Arc::downgrade(thread)
        });
    }
    /// Tells the profiler whose thread it is.
    fn label_thread(&self, thread: &Thread) {
        thread.set_label(u64::from(self.process.pid()) << 32 | u64::from(self.tid()));
    }
    /// Makes it attend to its state: see [`Thread::notify`].
    pub fn notify(&self) {
        if let Some(thread) = self.thread() {
            thread.notify();
        }
    }

    /// Runs `f` on its references, under the lock.
    pub fn with_resources<R>(&self, cx: &CurrentThread, f: impl FnOnce(&mut Resources) -> R) -> R {
        f(&mut self.resources.lock(cx))
    }
    /// Its open files. A task that still runs has them; an ended one (seen through /proc) answers `None`.
    pub fn files_if_any(&self, cx: &CurrentThread) -> Option<Arc<FileTable>> {
        self.resources.lock(cx).files.clone()
    }
    /// Open files of the calling task.
    pub fn files(&self, cx: &CurrentThread) -> Arc<FileTable> {
        self.files_if_any(cx).expect("a running task has files")
    }
    /// Root and working directory, if it still runs.
    pub fn fs_if_any(&self, cx: &CurrentThread) -> Option<Arc<FsContext>> {
        self.resources.lock(cx).fs.clone()
    }
    /// Root and working directory of the calling task.
    pub fn fs(&self, cx: &CurrentThread) -> Arc<FsContext> {
        self.fs_if_any(cx).expect("a running task has a file system context")
    }
    /// Memory, if it has any.
    pub fn space(&self, cx: &CurrentThread) -> Option<Arc<AddressSpace>> {
        self.resources.lock(cx).space.clone()
    }
    /// Who it acts as.
    pub fn credentials(&self, cx: &CurrentThread) -> Arc<Credentials> {
        self.resources.lock(cx).credentials.clone()
    }
    /// Changes who it acts as.
    pub fn set_credentials(&self, cx: &CurrentThread, credentials: Arc<Credentials>) {
        let mut resources = self.resources.lock(cx);
        resources.credentials = credentials;
        self.glance.update(&resources);
    }
    /// Its name (`comm`), without the zeros.
    pub fn name(&self, cx: &CurrentThread) -> alloc::vec::Vec<u8> {
        let name = self.resources.lock(cx).name;
        name.iter().copied().take_while(|byte| *byte != 0).collect()
    }
    /// What can be seen of it in any context.
    pub fn glance(&self) -> &Glance {
        &self.glance
    }
    /// Sets its name, cut at 15 bytes.
    pub fn set_name(&self, cx: &CurrentThread, name: &[u8]) {
        let mut field = [0; NAME_BYTES];
        let length = name.len().min(NAME_BYTES - 1);
        field[..length].copy_from_slice(&name[..length]);
        let mut resources = self.resources.lock(cx);
        resources.name = field;
        self.glance.update(&resources);
    }

    /// How it is scheduled.
    pub fn scheduling(&self) -> Scheduling {
        self.scheduling.with(|scheduling| *scheduling)
    }
    /// Changes how it is scheduled as `change` decides from what is. Its thread is told under the same lock, so that the last
    /// change is the one that counts.
    pub fn change_scheduling(&self, change: impl FnOnce(&mut Scheduling) -> Result<()>) -> Result<()> {
        let thread = self.thread();
        self.scheduling.with(|scheduling| {
            change(scheduling)?;
            if let Some(thread) = &thread {
                thread.set_schedule(scheduling.schedule());
            }
            Ok(())
        })
    }
    /// The real-time priority that it runs with, 0 for none.
    pub(super) fn priority_in_effect(&self) -> u8 {
        self.scheduling().priority_in_effect()
    }
    /// Lends it a real-time priority, in place of what was lent before; zero takes it back. Answers what it runs with.
    pub(super) fn lend_priority(&self, lent: u8) -> u8 {
        let thread = self.thread();
        self.scheduling.with(|scheduling| {
            if core::mem::replace(&mut scheduling.lent, lent) != lent
                && let Some(thread) = &thread
            {
                thread.set_schedule(scheduling.schedule());
            }
            scheduling.priority_in_effect()
        })
    }
    /// Tells its new thread how it is scheduled, unless that is as it was `placed`.
    pub(super) fn apply_scheduling(&self, thread: &Thread, placed: Schedule) {
        self.scheduling.with(|scheduling| {
            if scheduling.schedule() != placed {
                thread.set_schedule(scheduling.schedule());
            }
        });
    }
    /// Whether exec gives it no rights it does not have.
    pub fn has_no_new_privileges(&self) -> bool {
        self.no_new_privileges.load(Ordering::Relaxed)
    }
    /// Makes that so, for good, and for the tasks it makes.
    pub(crate) fn set_no_new_privileges(&self) {
        self.no_new_privileges.store(true, Ordering::Relaxed);
    }

    /// How programs see the machine that it executes, `ADDR_NO_RANDOMIZE` or nothing.
    pub fn personality(&self) -> u32 {
        self.personality.load(Ordering::Relaxed)
    }
    /// Sets it, for itself and the tasks it makes from now on.
    pub(crate) fn set_personality(&self, personality: u32) {
        self.personality.store(personality, Ordering::Relaxed);
    }

    /// How its requests to disks are ordered: class and level, as `ioprio_get` tells them; 0 if nobody has said.
    pub fn io_priority(&self) -> u32 {
        self.io_priority.load(Ordering::Relaxed)
    }
    /// Sets it, for itself and the tasks it makes from now on.
    pub(crate) fn set_io_priority(&self, priority: u32) {
        self.io_priority.store(priority, Ordering::Relaxed);
    }

    /// By how much its timers may be late. They are exact; the value is kept for those who read it back.
    pub fn timer_slack_ns(&self) -> u64 {
        self.timer_slack_ns.load(Ordering::Relaxed)
    }
    /// Sets it.
    pub fn set_timer_slack_ns(&self, ns: u64) {
        self.timer_slack_ns.store(ns, Ordering::Relaxed);
    }
    /// Sets it to what it was when the task was made.
    pub fn reset_timer_slack(&self) {
        self.set_timer_slack_ns(self.default_timer_slack_ns.load(Ordering::Relaxed));
    }
    /// What a new task takes over from its maker besides resources, signals and numbers.
    pub(super) fn inherit(&self, maker: &Task) {
        if maker.has_no_new_privileges() {
            self.set_no_new_privileges();
        }
        self.set_personality(maker.personality());
        self.set_io_priority(maker.io_priority());
        let scheduling = maker.scheduling().for_child();
        self.scheduling.with(|own| *own = scheduling);
        let slack = maker.timer_slack_ns();
        self.set_timer_slack_ns(slack);
        self.default_timer_slack_ns.store(slack, Ordering::Relaxed);
    }

    /// The word to clear and wake when it ends; null for none.
    pub fn clear_child_tid(&self) -> UserAddr {
        UserAddr(self.clear_child_tid.load(Ordering::Relaxed))
    }
    /// Sets it.
    pub fn set_clear_child_tid(&self, address: UserAddr) {
        self.clear_child_tid.store(address.0, Ordering::Relaxed);
    }
    /// Head of the list of robust futexes; null for none.
    pub fn robust_list(&self) -> UserAddr {
        UserAddr(self.robust_list.load(Ordering::Relaxed))
    }
    /// Sets it.
    pub fn set_robust_list(&self, address: UserAddr) {
        self.robust_list.store(address.0, Ordering::Relaxed);
    }

    /// Makes this task alone end, with `status` as the wait status if it is the last of its process.
    pub fn leave(&self, status: i32) {
        // CAST: the bits of a wait status.
        self.leaving.store(LEAVING | u64::from(status as u32), Ordering::Release);
        self.notify();
    }
    /// Tells vfork's parent that its memory is its own again, once.
    pub(super) fn complete_vfork(&self) {
        if let Some(completion) = self.vfork.with(Option::take) {
            completion.complete();
        }
    }
    /// Keeps how the present call goes on; the handler then answers [`crate::Restart::WithBlock`].
    pub fn set_restart_block(&self, block: RestartBlock) {
        let _old = self.restart_block.with(|place| place.replace(block));
    }
    /// What was kept, which is then forgotten.
    pub(crate) fn take_restart_block(&self) -> Option<RestartBlock> {
        self.restart_block.with(Option::take)
    }

    /// The wait status with which it is to end, if it is.
    pub(crate) fn leaving(&self) -> Option<i32> {
        if let Some(status) = self.process.exit_status() {
            return Some(status);
        }
        if self.process.is_replaced_by_other(self.tid()) {
            return Some(0);
        }
        let value = self.leaving.load(Ordering::Acquire);
        // CAST: the bits of a wait status.
        (value & LEAVING != 0).then_some(value as u32 as i32)
    }
}
