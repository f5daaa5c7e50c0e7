//! What a name of `/proc` stands for: a [`Node`], from which inode number, kind and permissions follow.
use super::process::{self, ProcessText, Subject};
use super::text::Text;
use crate::errno::Result;
use crate::fs::inode::FileKind;
use crate::syscall::Fd;
use crate::task::Pid;
use crate::trace::files::TraceFile;
use machine::thread::CurrentThread;

/// Makes a text.
pub(super) type ReadText = fn(&mut CurrentThread, &mut Text) -> Result<()>;
/// Takes what one write gives.
pub(super) type WriteText = fn(&mut CurrentThread, &[u8]) -> Result<()>;

/// A name that is always there.
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) content: Content,
}

/// What is behind such a name.
pub(super) enum Content {
    /// More names.
    Directory(&'static [Entry]),
    /// A text.
    Text { permissions: u32, read: ReadText, write: Option<WriteText> },
    /// A symbolic link.
    Link(&'static str),
    /// The files of tracing.
    Trace,
}

/// Which process, or which thread of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Who {
    pub(super) pid: Pid,
    pub(super) tid: Option<Pid>,
}

impl Who {
    pub(super) fn subject(self, cx: &CurrentThread) -> Result<Subject> {
        match self.tid {
            None => Subject::process(cx, self.pid),
            Some(tid) => Subject::thread(cx, self.pid, tid),
        }
    }
    /// A number of its own for each process and thread.
    fn number(self) -> u64 {
        u64::from(self.tid.unwrap_or(self.pid)) << 1 | u64::from(self.tid.is_some())
    }
}

/// A link of a process to something it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum OwnLink {
    Executable,
    Working,
    Root,
    File(Fd),
}

pub(super) const OWN_LINKS: [(&str, OwnLink); 3] =
    [("cwd", OwnLink::Working), ("exe", OwnLink::Executable), ("root", OwnLink::Root)];

/// What an inode stands for.
#[derive(Clone, Copy)]
pub(super) enum Node {
    Root,
    Static(&'static Entry),
    TraceFile(&'static TraceFile),
    SelfLink,
    ThreadSelfLink,
    Process(Who),
    ProcessText(Who, &'static ProcessText),
    Tasks(Pid),
    Files(Who),
    FileInfos(Who),
    FileInfo(Who, Fd),
    Memory(Who),
    PageMap(Who),
    Link(Who, OwnLink),
}

/// Where the numbers of entries of a process begin; below are those that are always there.
const PROCESS_NUMBERS: u64 = 1 << 20;
/// Numbers that each process has room for: texts, links, and one per descriptor twice.
const NUMBERS_EACH: u64 = 1 << 24;

impl Node {
    /// The inode number, which stays the same.
    pub(super) fn number(self) -> u64 {
        let own = |who: Who, index: u64| PROCESS_NUMBERS + who.number() * NUMBERS_EACH + index;
        match self {
            Node::Root => 1,
            Node::SelfLink => 2,
            Node::ThreadSelfLink => 3,
            // An address is as unique as it is stable.
            Node::Static(entry) => {
                16 + (core::ptr::from_ref(entry).addr() as u64 & 0x7fff_ffff) / 8 % (PROCESS_NUMBERS - 16)
            }
            Node::TraceFile(file) => {
                16 + (core::ptr::from_ref(file).addr() as u64 & 0x7fff_ffff) / 8 % (PROCESS_NUMBERS - 16)
            }
            Node::Process(who) => own(who, 0),
            Node::Tasks(pid) => own(Who { pid, tid: None }, 1),
            Node::Files(who) => own(who, 2),
            Node::FileInfos(who) => own(who, 3),
            Node::Link(who, OwnLink::Executable) => own(who, 4),
            Node::Link(who, OwnLink::Working) => own(who, 5),
            Node::Link(who, OwnLink::Root) => own(who, 6),
            Node::Memory(who) => own(who, 7),
            Node::PageMap(who) => own(who, 8),
            Node::ProcessText(who, text) => {
                let index = process::entries().iter().position(|entry| core::ptr::eq(entry, text)).unwrap_or(0);
                own(who, 16 + index as u64)
            }
            // CAST: descriptors are not negative.
            Node::Link(who, OwnLink::File(fd)) => own(who, (1 << 21) + fd.0 as u64),
            Node::FileInfo(who, fd) => own(who, (1 << 22) + fd.0 as u64),
        }
    }

    pub(super) fn kind_and_permissions(self) -> (FileKind, u32) {
        match self {
            Node::Root | Node::Process(_) | Node::Tasks(_) => (FileKind::Directory, 0o555),
            Node::Files(_) | Node::FileInfos(_) => (FileKind::Directory, 0o500),
            Node::Static(entry) => match entry.content {
                Content::Directory(_) | Content::Trace => (FileKind::Directory, 0o555),
                Content::Text { permissions, .. } => (FileKind::Regular, permissions),
                Content::Link(_) => (FileKind::Symlink, 0o777),
            },
            Node::TraceFile(file) => (FileKind::Regular, if file.write.is_some() { 0o600 } else { 0o400 }),
            Node::SelfLink | Node::ThreadSelfLink => (FileKind::Symlink, 0o777),
            Node::ProcessText(_, text) => (FileKind::Regular, text.permissions),
            Node::FileInfo(..) | Node::PageMap(_) => (FileKind::Regular, 0o400),
            Node::Memory(_) => (FileKind::Regular, 0o600),
            Node::Link(_, OwnLink::File(_)) => (FileKind::Symlink, 0o700),
            Node::Link(..) => (FileKind::Symlink, 0o777),
        }
    }

    /// Whose it is.
    pub(super) fn who(self) -> Option<Who> {
        match self {
            Node::Process(who)
            | Node::ProcessText(who, _)
            | Node::Files(who)
            | Node::FileInfos(who)
            | Node::FileInfo(who, _)
            | Node::Memory(who)
            | Node::PageMap(who)
            | Node::Link(who, _) => Some(who),
            Node::Tasks(pid) => Some(Who { pid, tid: None }),
            _ => None,
        }
    }
}
