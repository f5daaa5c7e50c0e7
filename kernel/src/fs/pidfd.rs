//! Process descriptors (`pidfd_open`, CLONE_PIDFD): a descriptor that means one process and never another one that gets its number.
//!
//! Main type: [`PidFd`]. It keeps the process's object, not its place in the tree: whether the process still runs, has ended or is gone
//! is asked of the task table. Called by the calls on them (`syscall::pidfd`), by `waitid` and by `clone`.
use super::anonymous::AnonymousInode;
use super::file::{File, PollEvents};
use super::inode::FileKind;
use super::open_file::OpenFile;
use crate::errno::{Errno, Result};
use crate::task::{Process, table};
use abi::linux::O_RDWR;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use machine::sync::WaitQueue;
use machine::thread::CurrentThread;

/// A process, as a file.
pub struct PidFd {
    process: Arc<Process>,
}

impl PidFd {
    /// An open descriptor of a process. `flags`: O_NONBLOCK or nothing.
    pub fn open(process: Arc<Process>, flags: u32) -> Arc<OpenFile> {
        // LINUX: the inode of such objects has no type; a character device is the nearest kind there is here.
        let inode = AnonymousInode::new(FileKind::CharDevice, 0o700, None);
        OpenFile::anonymous(b"anon_inode:[pidfd]", inode, Arc::new(PidFd { process }), flags | O_RDWR)
    }

    /// The process behind a description; EBADF if it is something else.
    pub fn process_of(open: &OpenFile) -> Result<&Arc<Process>> {
        open.file().as_any().downcast_ref::<PidFd>().map(|pidfd| &pidfd.process).ok_or(Errno::EBADF)
    }

    /// Whether the process has ended; `None` if it was waited for besides, and is gone.
    fn has_ended(&self, cx: &CurrentThread) -> Option<bool> {
        let table = table::lock(cx);
        let node = table.node(self.process.pid()).filter(|node| Arc::ptr_eq(&node.process, &self.process))?;
        Some(node.is_zombie())
    }
}

impl File for PidFd {
    fn is_stream(&self) -> bool {
        true
    }

    fn poll(&self, cx: &mut CurrentThread, _open: &OpenFile) -> PollEvents {
        match self.has_ended(cx) {
            Some(false) => PollEvents::NONE,
            Some(true) => PollEvents::IN,
            None => PollEvents::IN.and(PollEvents::HANG_UP),
        }
    }

    fn wait_queues(&self) -> [Option<&WaitQueue>; 2] {
        [Some(&self.process.end_events), None]
    }

    fn details(&self, cx: &CurrentThread) -> Option<String> {
        let pid = self.has_ended(cx).map_or(-1, |_| i64::from(self.process.pid()));
        Some(format!("Pid:\t{pid}\nNSpid:\t{pid}\n"))
    }
}
