//! The table of tasks and processes, and the process tree, under one lock (`TASK_TABLE`). Links are numbers, not references,
//! so nothing keeps anything else alive. Numbers are reused only after the counter has wrapped.
use super::{Pid, Process, Task};
use crate::lock_order;
use crate::ptrace::tracer::{self, Ended};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Bound;
use machine::sync::{SpinGuard, SpinLock};
use machine::thread::CurrentThread;

/// One above the largest number given: Linux's default for 64-bit machines.
pub const PID_MAX: Pid = 4_194_304;
/// The first process: the kernel's own, which adopts orphans.
pub const INIT: Pid = 1;
/// The first process with a program: the one the machine was started for.
pub const FIRST_PROGRAM: Pid = 2;

/// What a process has to tell those who wait for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reports {
    /// Wait status, once it has ended (then it is a zombie).
    pub ended: Option<i32>,
    /// Stopped by this signal and not yet told.
    pub stopped: Option<i32>,
    /// Continued and not yet told.
    pub continued: bool,
}

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
    /// Tasks that its threads trace.
    pub tracees: Vec<Pid>,
    /// Those of them that have ended and are not waited for as children.
    pub ended_tracees: Vec<Ended>,
    /// What waiting would find.
    pub reports: Reports,
    /// Signal to the parent at its end; 0 for none.
    pub exit_signal: i32,
    /// Whether it has executed a program since it was forked (setpgid asks).
    pub has_executed: bool,
    /// Signal to get when the parent ends; 0 for none.
    pub parent_death_signal: i32,
    /// Whether orphans below it become its children (PR_SET_CHILD_SUBREAPER).
    pub is_subreaper: bool,
}

impl Node {
    /// The node of a new process.
    pub fn new(process: Arc<Process>, parent: Pid, group: Pid, session: Pid, exit_signal: i32) -> Node {
        Node {
            process,
            parent,
            children: Vec::new(),
            group,
            session,
            tasks: Vec::new(),
            tracees: Vec::new(),
            ended_tracees: Vec::new(),
            reports: Reports::default(),
            exit_signal,
            has_executed: false,
            parent_death_signal: 0,
            is_subreaper: false,
        }
    }
    /// Whether it has ended and only its status is left.
    pub fn is_zombie(&self) -> bool {
        self.reports.ended.is_some()
    }
}

/// All of it.
pub struct TaskTable {
    nodes: BTreeMap<Pid, Node>,
    tasks: BTreeMap<Pid, Arc<Task>>,
    last_pid: Pid,
    /// Whether numbers have been given twice: before, a number above the last is free without looking.
    has_wrapped: bool,
}

static TABLE: SpinLock<TaskTable> = SpinLock::new(
    &lock_order::TASK_TABLE,
    TaskTable { nodes: BTreeMap::new(), tasks: BTreeMap::new(), last_pid: INIT, has_wrapped: false },
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
    lock(cx).task(tid).cloned()
}

/// The numbers of all processes, in order, zombies included.
pub fn pids(cx: &CurrentThread) -> Vec<Pid> {
    lock(cx).nodes.keys().copied().collect()
}

/// One of a process's threads, the first if it has not ended.
pub fn first_task(cx: &CurrentThread, pid: Pid) -> Option<Arc<Task>> {
    lock(cx).node(pid).and_then(|node| node.tasks.first().cloned())
}

/// Live threads of a process, the first of them its leader while that lives.
pub fn tasks_of(cx: &CurrentThread, pid: Pid) -> Vec<Arc<Task>> {
    lock(cx).node(pid).map(|node| node.tasks.clone()).unwrap_or_default()
}

/// (parent, group, session) of a process.
pub fn place_of(cx: &CurrentThread, pid: Pid) -> Option<(Pid, Pid, Pid)> {
    lock(cx).node(pid).map(|node| (node.parent, node.group, node.session))
}

/// What a process has to tell, for listings (zombie, stopped).
pub fn reports_of(cx: &CurrentThread, pid: Pid) -> Option<Reports> {
    lock(cx).node(pid).map(|node| node.reports)
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
        self.nodes.get(&pid)
    }
    /// The same, to change.
    pub fn node_mut(&mut self, pid: Pid) -> Option<&mut Node> {
        self.nodes.get_mut(&pid)
    }
    /// All nodes, by number.
    pub fn nodes(&self) -> impl Iterator<Item = (&Pid, &Node)> {
        self.nodes.iter()
    }
    /// A live thread.
    pub fn task(&self, tid: Pid) -> Option<&Arc<Task>> {
        self.tasks.get(&tid)
    }
    /// Live threads in all.
    pub fn task_count(&self) -> usize {
        self.tasks.len()
    }

    /// A free number; it stays free until a process or task of that number is inserted, so the caller keeps the lock.
    /// `None` if all are in use.
    pub fn free_pid(&mut self) -> Option<Pid> {
        for _ in 0..PID_MAX {
            self.last_pid += 1;
            if self.last_pid >= PID_MAX {
                (self.last_pid, self.has_wrapped) = (FIRST_PROGRAM, true);
            }
            let pid = self.last_pid;
            if !self.has_wrapped || !self.is_in_use(pid) {
                return Some(pid);
            }
        }
        None
    }
    /// Whether a number names a process, thread, group or session. Groups and sessions outlive the process they are named
    /// after; they are looked for only once the counter may have wrapped.
    fn is_in_use(&self, pid: Pid) -> bool {
        self.nodes.contains_key(&pid)
            || self.tasks.contains_key(&pid)
            || self.nodes.values().any(|node| node.group == pid || node.session == pid)
    }
    /// Inserts a process as the last child of its parent.
    pub fn insert_process(&mut self, node: Node) {
        let (pid, parent) = (node.process.pid(), node.parent);
        self.nodes.insert(pid, node);
        if let Some(parent) = self.nodes.get_mut(&parent) {
            parent.children.push(pid);
        }
    }
    /// Inserts a thread of a process that is in the table.
    pub fn insert_task(&mut self, task: Arc<Task>) {
        if let Some(node) = self.nodes.get_mut(&task.process().pid()) {
            node.tasks.push(task.clone());
            self.tasks.insert(task.tid(), task);
        }
    }
    /// Takes a thread out; answers how many its process still has.
    pub fn remove_task(&mut self, task: &Task) -> usize {
        self.tasks.remove(&task.tid());
        match self.nodes.get_mut(&task.process().pid()) {
            Some(node) => {
                node.tasks.retain(|other| !core::ptr::eq(Arc::as_ptr(other), task));
                node.tasks.len()
            }
            None => 0,
        }
    }
    /// Gives a thread the number of its process (exec by a thread that is not the first).
    pub fn rename_to_leader(&mut self, task: &Arc<Task>) {
        tracer::renamed(self, task, task.process().pid());
        self.tasks.remove(&task.tid());
        task.set_tid(task.process().pid());
        self.tasks.insert(task.tid(), task.clone());
    }
    /// Takes a process out for good: its number is free.
    pub fn remove_process(&mut self, pid: Pid) -> Option<Node> {
        let node = self.nodes.remove(&pid)?;
        node.process.end_events.wake_all();
        if let Some(parent) = self.nodes.get_mut(&node.parent) {
            parent.children.retain(|child| *child != pid);
        }
        Some(node)
    }
    /// Gives the children of `pid`, zombies included, to whoever adopts them; answers the adopter and their numbers.
    pub fn give_children_away(&mut self, pid: Pid) -> (Pid, Vec<Pid>) {
        let adopter = self.adopter_for(pid);
        let children = self.nodes.get_mut(&pid).map(|node| core::mem::take(&mut node.children)).unwrap_or_default();
        for child in &children {
            if let Some(node) = self.nodes.get_mut(child) {
                node.parent = adopter;
                node.process.set_parent_pid(adopter);
                // LINUX: an adopter is told by SIGCHLD whatever signal the first parent had chosen.
                node.exit_signal = super::SIGCHLD;
            }
        }
        if let Some(node) = self.nodes.get_mut(&adopter) {
            node.children.extend_from_slice(&children);
        }
        (adopter, children)
    }
    /// The nearest living ancestor that is a subreaper, else init.
    fn adopter_for(&self, pid: Pid) -> Pid {
        let mut next = self.nodes.get(&pid).map_or(INIT, |node| node.parent);
        while let Some(node) = self.nodes.get(&next) {
            if node.is_subreaper && !node.is_zombie() && node.process.exit_status().is_none() {
                return next;
            }
            if node.parent == 0 {
                break;
            }
            next = node.parent;
        }
        INIT
    }
    /// Whether no member of the group, `except` left aside, has a parent in the same session but another group: then nobody
    /// would continue its stopped members.
    pub fn is_orphaned_group(&self, group: Pid, except: Pid) -> bool {
        !self.nodes.values().any(|node| {
            node.group == group
                && node.process.pid() != except
                && !node.is_zombie()
                && node.parent != INIT
                && self
                    .nodes
                    .get(&node.parent)
                    .is_some_and(|parent| parent.session == node.session && parent.group != group)
        })
    }
    /// Whether a group has a member.
    pub fn has_group(&self, group: Pid) -> bool {
        self.nodes.values().any(|node| node.group == group)
    }
    /// The first process above `after` that `is_meant`. Whoever changes the table from process to process goes through it so,
    /// for a list would have to be allocated under the lock; no process has number 0.
    pub fn next_process(&self, after: Pid, is_meant: impl Fn(Pid, &Node) -> bool) -> Option<Pid> {
        let above = (Bound::Excluded(after), Bound::Unbounded);
        self.nodes.range(above).find(|(pid, node)| is_meant(**pid, node)).map(|(pid, _)| *pid)
    }
    /// The first member of a group above `after`.
    pub fn next_member(&self, group: Pid, after: Pid) -> Option<Pid> {
        self.next_process(after, |_, node| node.group == group)
    }
}
