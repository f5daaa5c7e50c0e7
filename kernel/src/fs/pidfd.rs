//! Process descriptors (`pidfd_open`, CLONE_PIDFD): a descriptor that means one process, or one of its threads (PIDFD_THREAD), and
//! never another one that gets its number.
//!
//! Main type: [`PidFd`]. It keeps the process's object, not its place in the tree: whether the process still runs, has ended or is gone
//! is asked of the task table. Called by the calls on them (`syscall::pidfd`), by `waitid` and by `clone`.
use super::anonymous::AnonymousInode;
use super::file::{File, PollEvents};
use super::inode::FileKind;
use super::open_file::OpenFile;
use crate::errno::{Errno, Result};
use crate::task::{Pid, Process, Task, table};
use abi::linux::{O_EXCL, O_RDWR};
use alloc::format;
use alloc::string::String;
use alloc::sync::{Arc, Weak};
use machine::sync::WaitQueue;
use machine::thread::CurrentThread;

/// `PIDFD_THREAD`, which F_GETFL tells too.
pub const THREAD: u32 = O_EXCL;

/// The thread that is meant.
struct Thread {
    tid: Pid,
    /// Who had the number, which of the first thread belongs to whoever is the first.
    task: Weak<Task>,
}

/// A process or a thread, as a file.
pub struct PidFd {
    process: Arc<Process>,
    thread: Option<Thread>,
}

/// How it is with the process or thread.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Alive,
    Ended,
    /// It was waited for besides.
    Gone,
}

impl PidFd {
    /// An open descriptor of a process. `flags`: O_NONBLOCK or nothing.
    pub fn open(process: Arc<Process>, flags: u32) -> Arc<OpenFile> {
        describe(PidFd { process, thread: None }, flags)
    }

    /// An open descriptor of the thread `tid` of a process; `task` is that thread, if it has not ended.
    pub fn open_thread(process: Arc<Process>, tid: Pid, task: Option<&Arc<Task>>, flags: u32) -> Arc<OpenFile> {
        let task = task.map_or_else(Weak::new, Arc::downgrade);
        describe(PidFd { process, thread: Some(Thread { tid, task }) }, flags | THREAD)
    }

    /// What is behind a description; EBADF if it is something else.
    pub fn of(open: &OpenFile) -> Result<&PidFd> {
        open.file().as_any().downcast_ref::<PidFd>().ok_or(Errno::EBADF)
    }

    /// The process behind a description; EBADF if it is something else.
    pub fn process_of(open: &OpenFile) -> Result<&Arc<Process>> {
        PidFd::of(open).map(|pidfd| &pidfd.process)
    }

    /// The process.
    pub fn process(&self) -> &Arc<Process> {
        &self.process
    }

    /// Whether a thread is meant.
    pub fn is_of_thread(&self) -> bool {
        self.thread.is_some()
    }

    /// The number: the thread's, or the process's.
    pub fn number(&self) -> Pid {
        self.thread.as_ref().map_or(self.process.pid(), |thread| thread.tid)
    }

    /// The thread that is meant, of a process the first one. ESRCH if it is gone, `None` if it has only ended.
    pub fn task(&self, cx: &CurrentThread) -> Result<Option<Arc<Task>>> {
        match self.state(cx) {
            State::Gone => Err(Errno::ESRCH),
            _ => Ok(table::find_task(cx, self.number()).filter(|task| Arc::ptr_eq(task.process(), &self.process))),
        }
    }

    fn state(&self, cx: &CurrentThread) -> State {
        let table = table::lock(cx);
        let pid = self.process.pid();
        let Some(node) = table.node(pid).filter(|node| Arc::ptr_eq(&node.process, &self.process)) else {
            return State::Gone;
        };
        match self.thread.as_ref().filter(|thread| thread.tid != pid) {
            Some(thread) => {
                let is_it = |task: &&Arc<Task>| core::ptr::eq(Arc::as_ptr(task), thread.task.as_ptr());
                if table.task(thread.tid).filter(is_it).is_some() { State::Alive } else { State::Gone }
            }
            // LINUX: a first thread that ends before the others is told of when the last one has ended.
            None if node.is_zombie() => State::Ended,
            None => State::Alive,
        }
    }
}

fn describe(file: PidFd, flags: u32) -> Arc<OpenFile> {
    // LINUX: the inode of such objects has no type; a character device is the nearest kind there is here.
    let inode = AnonymousInode::new(FileKind::CharDevice, 0o700, None);
    OpenFile::anonymous(b"anon_inode:[pidfd]", inode, Arc::new(file), flags | O_RDWR)
}

impl File for PidFd {
    fn is_stream(&self) -> bool {
        true
    }

    fn poll(&self, cx: &mut CurrentThread, _open: &OpenFile) -> PollEvents {
        match self.state(cx) {
            State::Alive => PollEvents::NONE,
            State::Ended => PollEvents::IN,
            State::Gone => PollEvents::IN.and(PollEvents::HANG_UP),
        }
    }

    fn wait_queues(&self) -> [Option<&WaitQueue>; 2] {
        [Some(&self.process.end_events), self.thread.is_some().then_some(&self.process.thread_events)]
    }

    fn details(&self, cx: &CurrentThread) -> Option<String> {
        let number = if self.state(cx) == State::Gone { -1 } else { i64::from(self.number()) };
        Some(format!("Pid:\t{number}\nNSpid:\t{number}\n"))
    }
}
