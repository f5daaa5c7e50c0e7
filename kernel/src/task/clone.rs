//! Making tasks: fork, vfork, clone, clone3 are one function with flags.
use super::completion::Completion;
use super::limits::Resource;
use super::table::{self, Node};
use super::task::Resources;
use super::{Pid, Process, SIGCHLD, Task, user_loop};
use crate::errno::{Errno, Result};
use crate::fs::pidfd::PidFd;
use crate::mm::oom;
use crate::observe;
use crate::ptrace::{event, tracer};
use crate::signal::{Signal, TaskSignals};
use crate::syscall::Call;
use crate::task::Capability;
use crate::trace::{self, Counter};
use crate::user_memory::UserPtr;
use abi::linux::{
    CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID, CLONE_CLEAR_SIGHAND, CLONE_FILES, CLONE_FS, CLONE_INTO_CGROUP,
    CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWUTS, CLONE_PARENT,
    CLONE_PARENT_SETTID, CLONE_PIDFD, CLONE_SETTLS, CLONE_SIGHAND, CLONE_THREAD, CLONE_VFORK, CLONE_VM,
};
use alloc::boxed::Box;
use alloc::format;
use alloc::sync::Arc;
use machine::addr::UserAddr;
use machine::thread::{self, CurrentThread, Placement};
use machine::user::{FpImage, UserContext};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct CloneRequest {
    /// `CLONE_*`, without the exit signal.
    pub flags: u64,
    /// Signal to the parent at the child's end; 0 for none.
    pub exit_signal: i32,
    /// The child's stack pointer; 0 for the parent's.
    pub stack: u64,
    /// The child's TLS base, if CLONE_SETTLS.
    pub tls: u64,
    /// Where to write the child's number in the parent, if CLONE_PARENT_SETTID.
    pub parent_tid: UserAddr,
    /// Where to write (CLONE_CHILD_SETTID) and at the end clear (CLONE_CHILD_CLEARTID) it in the child.
    pub child_tid: UserAddr,
    /// Where to write a descriptor of the child, if CLONE_PIDFD.
    pub pidfd: UserAddr,
}

impl CloneRequest {
    /// fork.
    pub const FORK: CloneRequest = CloneRequest {
        flags: 0,
        exit_signal: SIGCHLD,
        stack: 0,
        tls: 0,
        parent_tid: UserAddr::NULL,
        child_tid: UserAddr::NULL,
        pidfd: UserAddr::NULL,
    };

    fn has(&self, flag: u32) -> bool {
        self.flags & u64::from(flag) != 0
    }

    /// Linux's rules about which flags go together, and what is not supported here.
    fn check(&self) -> Result<()> {
        const NAMESPACES: u64 = CLONE_NEWNS as u64
            | CLONE_NEWCGROUP as u64
            | CLONE_NEWUTS as u64
            | CLONE_NEWIPC as u64
            | CLONE_NEWUSER as u64
            | CLONE_NEWPID as u64
            | CLONE_NEWNET as u64;
        let is_bad = (self.has(CLONE_THREAD) && !self.has(CLONE_SIGHAND))
            || (self.has(CLONE_SIGHAND) && !self.has(CLONE_VM))
            || (self.has(CLONE_SIGHAND) && self.flags & CLONE_CLEAR_SIGHAND != 0)
            // Namespaces and control groups are not there, as in a Linux built without them.
            || self.flags & NAMESPACES != 0
            || self.flags & CLONE_INTO_CGROUP != 0
            || (self.exit_signal != 0 && Signal::from_number(self.exit_signal).is_none());
        if is_bad { Err(Errno::EINVAL) } else { Ok(()) }
    }
}

/// What the child's thread starts with, besides its task.
struct Start {
    user: UserContext,
    fp: FpImage,
    tls: u64,
    gs_base: u64,
    /// Where its stack begins.
    stack: usize,
    set_tid: Option<UserAddr>,
}

/// Makes a task; answers its number. The child begins with the parent's registers and result 0.
pub fn clone(call: &mut Call<'_>, request: &CloneRequest) -> Result<u64> {
    request.check()?;
    check_room(call)?;
    let resources = child_resources(call, request)?;
    let start = child_start(call, request)?;
    let completion = request.has(CLONE_VFORK).then(|| Arc::new(Completion::new()));
    let number = if request.has(CLONE_PIDFD) { Some(call.reserve_fd()?) } else { None };
    let task = insert(call, request, resources, completion.clone())?;
    let tid = task.tid();
    if let Some(number) = &number
        && let Err(error) = UserPtr::<i32>::new(request.pidfd).write(call.cx, &number.fd().0)
    {
        withdraw(call.cx, &task);
        return Err(error);
    }
    if request.has(CLONE_PARENT_SETTID) {
        // LINUX: a bad address is not an error.
        let _ = UserPtr::<u32>::new(request.parent_tid).write(call.cx, &tid);
    }
    let entry_task = task.clone();
    let entry = Box::new(move |cx: &mut CurrentThread| enter(cx, &entry_task, start));
    let placement = Placement { affinity: call.cx.thread().affinity(), schedule: task.scheduling().schedule() };
    match thread::spawn_at(&format!("task {tid}"), task.clone(), entry, placement) {
        Ok(thread) => {
            task.set_thread(&thread);
            // Somebody may have changed it before there was a thread to tell.
            task.apply_scheduling(&thread, placement.schedule);
        }
        Err(error) => {
            withdraw(call.cx, &task);
            return Err(error.into());
        }
    }
    if let Some(number) = number {
        let process = task.process().clone();
        let file = match request.has(CLONE_THREAD) {
            true => PidFd::open_thread(process, tid, Some(&task), 0),
            false => PidFd::open(process, 0),
        };
        number.fill(file, true);
    }
    event::after_clone(call, request.flags, request.exit_signal, tid);
    if let Some(completion) = completion {
        completion.wait(call.cx, "vfork's child", || call.task.leaving().is_some());
        event::after_vfork(call, tid);
    }
    Ok(u64::from(tid))
}

/// Part of the memory that new tasks leave to those that run, and its bound in frames. A new task takes most of its frames
/// only when it runs, and many may be waiting to: a fork bomb is to fail here, not to take the last frames from the pages of
/// running programs.
const RESERVE: usize = 16;
const RESERVE_FRAMES: usize = 4096;

/// ENOMEM if memory is nearly gone; EAGAIN if the user has as many tasks as its limit allows.
fn check_room(call: &mut Call<'_>) -> Result<()> {
    let memory = machine::mm::counts();
    if memory.free < (memory.total / RESERVE).min(RESERVE_FRAMES) && !oom::relieve_of_large(call.cx) {
        return Err(Errno::ENOMEM);
    }
    // LINUX: the bound is the real user's, and user 0 has none.
    let who = call.task.credentials(call.cx);
    if who.uid.real == 0 || who.may(Capability::Resource) || who.may(Capability::Admin) {
        return Ok(());
    }
    let (process, limit) = (call.process(), call.process().limit(Resource::Processes));
    let table = table::lock(call.cx);
    let own = table.nodes().filter(|(_, node)| node.process.uid() == process.uid());
    let count: usize = own.map(|(_, node)| node.tasks.len()).sum();
    if count as u64 >= limit { Err(Errno::EAGAIN) } else { Ok(()) }
}

fn child_resources(call: &mut Call<'_>, request: &CloneRequest) -> Result<Resources> {
    let parent = call.task.with_resources(call.cx, |resources| resources.clone());
    let files = match parent.files {
        Some(files) if !request.has(CLONE_FILES) => Some(files.copy(call.cx)?),
        files => files,
    };
    let fs = match parent.fs {
        Some(fs) if !request.has(CLONE_FS) => Some(fs.copy(call.cx)),
        fs => fs,
    };
    let space = match parent.space {
        Some(space) if !request.has(CLONE_VM) => Some(space.fork(call.cx)?),
        space => space,
    };
    Ok(Resources { files, fs, space, ..parent })
}

fn child_start(call: &mut Call<'_>, request: &CloneRequest) -> Result<Start> {
    let mut user = call.user.clone();
    user.set_result(0);
    let mut stack = call.cx.user_stack();
    if request.stack != 0 {
        // CAST: usize is 64 bits on both architectures.
        stack = request.stack as usize;
        user.set_sp(stack);
    }
    let tls = if request.has(CLONE_SETTLS) { request.tls } else { call.cx.tls() };
    let fp = call.cx.save_fp().ok_or(Errno::ENOMEM)?;
    let set_tid = request.has(CLONE_CHILD_SETTID).then_some(request.child_tid);
    Ok(Start { user, fp, tls, gs_base: call.cx.gs_base(), stack, set_tid })
}

/// Makes the task, and its process unless it is a thread, and puts them into the table. From here on others see them.
fn insert(
    call: &mut Call<'_>,
    request: &CloneRequest,
    resources: Resources,
    completion: Option<Arc<Completion>>,
) -> Result<Arc<Task>> {
    let parent = call.process().clone();
    let signals = TaskSignals::new(call.task.signals.blocked());
    if !request.has(CLONE_VM) || request.has(CLONE_VFORK) {
        signals.set_alternate_stack(call.task.signals.alternate_stack());
    }
    let actions = if request.has(CLONE_SIGHAND) {
        parent.signals.actions()
    } else if request.flags & CLONE_CLEAR_SIGHAND != 0 {
        parent.signals.actions().for_exec()
    } else {
        parent.signals.actions().duplicate()
    };
    let limits = parent.limits();

    let mut table = table::lock(call.cx);
    let shares = request.has(CLONE_FS) || request.has(CLONE_FILES);
    if shares && !request.has(CLONE_THREAD) && parent.is_gaining_rights() {
        // LINUX: nobody is to share with a program what it gets rights for (`in_exec`).
        return Err(Errno::EAGAIN);
    }
    let tid: Pid = table.free_pid().ok_or(Errno::EAGAIN)?;
    let process = if request.has(CLONE_THREAD) {
        parent
    } else {
        let node = table.node(parent.pid()).ok_or(Errno::EAGAIN)?;
        let (group, session) = (node.group, node.session);
        let (real_parent, exit_signal) = if request.has(CLONE_PARENT) {
            (node.parent, node.exit_signal)
        } else {
            (parent.pid(), request.exit_signal)
        };
        let process = Process::new(tid, real_parent, limits, actions);
        process.inherit(&parent);
        table.insert_process(Node::new(process.clone(), real_parent, group, session, exit_signal));
        process
    };
    let task = Task::new(tid, process, resources, signals, completion);
    if request.has(CLONE_CHILD_CLEARTID) {
        task.set_clear_child_tid(request.child_tid);
    }
    task.inherit(call.task);
    if !request.has(CLONE_VM) {
        task.rseq.copy_from(&call.task.rseq);
    }
    trace::count(if request.has(CLONE_THREAD) { Counter::ThreadsCloned } else { Counter::ProcessesForked });
    table.insert_task(task.clone());
    event::task_made(&mut table, call.task, &task, request.flags, request.exit_signal);
    Ok(task)
}

/// Takes a task that never ran out of the table again.
fn withdraw(cx: &CurrentThread, task: &Arc<Task>) {
    let mut table = table::lock(cx);
    tracer::withdrawn(&mut table, task);
    if table.remove_task(task) == 0 {
        table.remove_process(task.process().pid());
    }
}

/// The child's thread.
fn enter(cx: &mut CurrentThread, task: &Arc<Task>, mut start: Start) {
    let thread = cx.thread().clone();
    task.set_thread(&thread);
    observe::created(cx, task);
    thread.watch_switches(task.rseq.is_there());
    let handle = task.space(cx).map(|space| space.handle());
    cx.set_space(handle);
    // The image was saved by this machine, and the parent's base addresses were accepted by it.
    cx.load_fp(&mut start.fp.bytes);
    if !cx.set_tls(start.tls) {
        task.process().begin_exit(cx, Signal::SIGSEGV.number());
    }
    cx.set_gs_base(start.gs_base);
    cx.set_user_stack(start.stack);
    if let Some(addr) = start.set_tid {
        // LINUX: a bad address is not an error.
        let _ = UserPtr::<u32>::new(addr).write(cx, &task.tid());
    }
    user_loop::run(cx, task, &mut start.user);
}
