//! The table of tasks and processes, and the process tree, under one lock (`TASK_TABLE`). Links are numbers, not references,
//! so nothing keeps anything else alive. Numbers are reused only after the counter has wrapped.
use super::{Pid, Process, Task};
use crate::lock_order;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::sync::{SpinGuard, SpinLock};
use machine::thread::CurrentThread;

/// Largest number given, as Linux's default for 64-bit machines.
pub const PID_MAX: Pid = 4_194_304;

/// A process's place in the tree.
pub struct Node {
    /// The process.
    pub process: Arc<Process>,
    /// Its parent's number.
    pub parent: Pid,
    /// Its children's numbers, zombies included, oldest first.
    pub children: Vec<Pid>,
    /// Process group.
    pub group: Pid,
    /// Session.
    pub session: Pid,
    /// Live threads, oldest first.
    pub tasks: Vec<Arc<Task>>,
}

/// All of it.
pub struct TaskTable {
    processes: BTreeMap<Pid, Node>,
    tasks: BTreeMap<Pid, Arc<Task>>,
    last_pid: Pid,
}

static TABLE: SpinLock<TaskTable> = SpinLock::new(
    &lock_order::TASK_TABLE,
    TaskTable { processes: BTreeMap::new(), tasks: BTreeMap::new(), last_pid: 0 },
);

/// Takes the lock.
pub fn lock(cx: &CurrentThread) -> SpinGuard<'_, TaskTable> {
    TABLE.lock(cx)
}

/// The process of this number, zombies included.
pub fn find_process(cx: &CurrentThread, pid: Pid) -> Option<Arc<Process>> {
    lock(cx).node(pid).map(|node| node.process.clone())
}

/// The live thread of this number.
pub fn find_task(cx: &CurrentThread, tid: Pid) -> Option<Arc<Task>> {
    lock(cx).tasks.get(&tid).cloned()
}

/// The numbers of all processes, in order.
pub fn pids(cx: &CurrentThread) -> Vec<Pid> {
    lock(cx).processes.keys().copied().collect()
}

/// Live threads of a process, the first of them its leader while that lives.
pub fn tasks_of(cx: &CurrentThread, pid: Pid) -> Vec<Arc<Task>> {
    lock(cx).node(pid).map(|node| node.tasks.clone()).unwrap_or_default()
}

/// Makes every thread of a process attend to its state.
pub(super) fn notify_tasks(cx: &CurrentThread, pid: Pid) {
    if let Some(node) = lock(cx).node(pid) {
        node.tasks.iter().for_each(|task| task.notify());
    }
}

impl TaskTable {
    /// A process's node.
    pub fn node(&self, pid: Pid) -> Option<&Node> {
        self.processes.get(&pid)
    }
}
