//! The first process: the kernel's own. It has no program; it starts the one that is asked for as process 2, adopts orphans,
//! and ends when that program has ended.
use super::table::{self, INIT, Node};
use super::task::Resources;
use super::wait::{self, Selector};
use super::{Credentials, Limits, Pid, Process, SIGCHLD, Task, user_loop};
use crate::console;
use crate::errno::{Errno, Result};
use crate::exec::{self, ExecRequest, Strings};
use crate::fs::{self, FileTable, FsContext};
use crate::observe;
use crate::signal::{Actions, SignalSet, TaskSignals};
use crate::syscall::{Call, Fd, strace, unknown};
use abi::linux::{__WALL, WEXITED};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};
use machine::sync::{Wait, WaitQueue};
use machine::thread::{self, CurrentThread};
use machine::user::UserContext;

/// The program to run and what it starts with.
pub struct RunRequest {
    /// Path of the program.
    pub program: Vec<u8>,
    /// Its arguments, the name it is called by first.
    pub arguments: Strings,
    /// Its environment.
    pub environment: Strings,
    /// Its descriptors 0, 1 and 2.
    pub files: Arc<FileTable>,
    /// Its root and working directory.
    pub fs: Arc<FsContext>,
}

/// Runs the program to its end and answers its wait status; an error if it could not be started. What it printed and what
/// is to be reported has been handed to the console by then; telling the host is the caller's.
pub fn start_init(cx: &mut CurrentThread, request: RunRequest) -> Result<i32> {
    let init = Process::new(INIT, 0, Limits::initial(), Actions::new());
    insert_init(cx, &init);
    let started = Arc::new(Started { state: AtomicU32::new(STARTING), queue: WaitQueue::new() });
    let pid = spawn_program(cx, request, &started)?;
    started.wait(cx)?;
    let status = reap_until(cx, &init, pid);
    unknown::report(cx);
    Ok(status)
}

/// Puts the first process and its one thread, the caller, into the table, so that listings show it as what it is.
fn insert_init(cx: &CurrentThread, init: &Arc<Process>) {
    let mut name = [0; super::task::NAME_BYTES];
    name[..4].copy_from_slice(b"init");
    let resources = Resources { files: None, fs: None, space: None, credentials: Arc::new(Credentials::root()), name };
    let task = Task::new(INIT, init.clone(), resources, TaskSignals::new(SignalSet::EMPTY), None);
    task.set_thread(cx.thread());
    let mut table = table::lock(cx);
    table.insert_process(Node::new(init.clone(), 0, INIT, INIT, 0));
    table.insert_task(task);
}

/// Whether the program has been executed: starting, running, or an error number.
struct Started {
    state: AtomicU32,
    queue: WaitQueue,
}

const STARTING: u32 = u32::MAX;

impl Started {
    fn tell(&self, result: Result<()>) {
        let state = result.err().map_or(0, |error| u32::from(error.number()));
        self.state.store(state, Ordering::Release);
        self.queue.wake_all();
    }
    fn wait(&self, cx: &mut CurrentThread) -> Result<()> {
        let state = self.queue.wait(cx, Wait::uninterruptible("the program to start"), |_| {
            let state = self.state.load(Ordering::Acquire);
            (state != STARTING).then_some(state)
        });
        match state {
            Ok(0) => Ok(()),
            // CAST: an error number, as stored.
            Ok(number) => Err(Errno::from_number(number as u16)),
            Err(_) => Err(Errno::EIO),
        }
    }
}

fn spawn_program(cx: &mut CurrentThread, request: RunRequest, started: &Arc<Started>) -> Result<Pid> {
    let resources = Resources {
        files: Some(request.files.clone()),
        fs: Some(request.fs.clone()),
        space: None,
        credentials: Arc::new(Credentials::root()),
        name: [0; super::task::NAME_BYTES],
    };
    let task = {
        let mut table = table::lock(cx);
        let pid = table.free_pid().ok_or(Errno::EAGAIN)?;
        let process = Process::new(pid, INIT, Limits::initial(), Actions::new());
        let task = Task::new(pid, process.clone(), resources, TaskSignals::new(SignalSet::EMPTY), None);
        // A session of its own, as a login gives: the terminal's signals go to it.
        table.insert_process(Node::new(process, INIT, pid, pid, SIGCHLD));
        table.insert_task(task.clone());
        task
    };
    let (entry_task, entry_started) = (task.clone(), started.clone());
    let entry = Box::new(move |cx: &mut CurrentThread| enter(cx, &entry_task, request, &entry_started));
    let thread = thread::spawn("program", task.clone(), entry)?;
    task.set_thread(&thread);
    Ok(task.tid())
}

/// The program's first thread.
fn enter(cx: &mut CurrentThread, task: &Arc<Task>, request: RunRequest, started: &Arc<Started>) {
    let thread = cx.thread().clone();
    task.set_thread(&thread);
    observe::created(cx, task);
    // The session's terminal, if the program gets one at all.
    let _ = crate::tty::take_console(cx);
    let mut user = UserContext::default();
    let result = execute(&mut Call { cx, task, user: &mut user }, request);
    if result.is_err() {
        task.process().begin_exit(cx, 127 << 8);
    }
    started.tell(result);
    user_loop::run(cx, task, &mut user);
}

fn execute(call: &mut Call<'_>, request: RunRequest) -> Result<()> {
    let file = fs::open_for_exec(call, Fd::CWD, &request.program, 0)?;
    let RunRequest { program: name, arguments, environment, files, fs } = request;
    // The request's own references would make the table look shared.
    drop((files, fs));
    strace::first_program(call, &name, &arguments, environment.count());
    let prepared = exec::prepare(call, ExecRequest { file, name, is_name_lost: false, arguments, environment })?;
    super::exec::begin(call)?;
    prepared.commit(call);
    Ok(())
}

/// Waits for children, the program among them, until the program has ended.
fn reap_until(cx: &mut CurrentThread, init: &Arc<Process>, program: Pid) -> i32 {
    loop {
        match wait::wait(cx, init, Selector::Any, WEXITED | __WALL) {
            Ok(Some(waited)) if waited.pid == program => return waited.change.wait_status(),
            Ok(_) => {}
            // The program is a child until it is found above, so an error is the kernel's own; say so and end.
            Err(error) => {
                console::report(cx, format_args!("waiting for the program failed: {error}"));
                return 127 << 8;
            }
        }
    }
}
