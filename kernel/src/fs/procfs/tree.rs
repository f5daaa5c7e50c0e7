//! The tree of `/proc`: which names there are, and what is behind each.
//!
//! Main types: [`ProcFs`]; `ProcInode`, made anew by each look-up from a [`Node`] that says what it stands for. Inode numbers
//! follow from the node, so that they are the same each time. A node of a process that has ended answers ENOENT or ESRCH.
use super::memory::MemoryFile;
use super::node::{Content, Entry, Node, OWN_LINKS, OwnLink, Who};
use super::page_map::PageMapFile;
use super::process::{self, ProcessText, Subject};
use super::system;
use super::text::Text;
use crate::errno::{Errno, Result};
use crate::fs::file::File;
use crate::fs::inode::{Attributes, DeviceNumber, FileKind, FileSystem, Inode, InodeBase, next_anonymous_device};
use crate::fs::listing::Listing;
use crate::fs::open_file::OpenFile;
use crate::fs::path::Path;
use crate::fs::text_file::{TextFile, TextInode};
use crate::fs::transfer::Sink;
use crate::syscall::Fd;
use crate::task::{Pid, Task, table};
use crate::trace::files::{FILES as TRACE_FILES, TraceFile};
use abi::linux::O_CLOEXEC;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::sync::Once;
use machine::thread::CurrentThread;

/// The file system. There is one, however often it is mounted.
pub struct ProcFs;

fn device() -> DeviceNumber {
    static DEVICE: Once<DeviceNumber> = Once::new();
    *DEVICE.call_once(next_anonymous_device)
}

impl FileSystem for ProcFs {
    fn type_name(&self) -> &'static str {
        "proc"
    }
    fn magic(&self) -> u64 {
        0x9fa0
    }
    fn device(&self) -> DeviceNumber {
        device()
    }
    fn root(&self) -> Arc<dyn Inode> {
        Arc::new(ProcInode::with_owner(Node::Root, 0, 0))
    }
}

struct ProcInode {
    base: InodeBase,
    node: Node,
}

/// The process of this number.
// LINUX: or the thread, which the listing does not name.
fn find_by_number(cx: &CurrentThread, number: Pid) -> Option<Who> {
    if table::find_process(cx, number).is_some() {
        return Some(Who { pid: number, tid: None });
    }
    table::find_task(cx, number).map(|task| Who { pid: task.process().pid(), tid: Some(number) })
}

impl ProcInode {
    fn with_owner(node: Node, uid: u32, gid: u32) -> ProcInode {
        let (kind, permissions) = node.kind_and_permissions();
        let links = if kind == FileKind::Directory { 2 } else { 1 };
        let attributes = Attributes { permissions, uid, gid, links, ..Attributes::default() };
        ProcInode { base: InodeBase::new(kind, node.number(), device(), attributes), node }
    }

    fn make(cx: &CurrentThread, node: Node) -> Result<Arc<dyn Inode>> {
        let (uid, gid) = match node.who() {
            Some(who) => {
                let subject = who.subject(cx)?;
                // LINUX: directories that everybody may list stay the user's even if the program is not dumpable.
                if node.kind_and_permissions() == (FileKind::Directory, 0o555) || subject.is_dumpable(cx) {
                    let owner = subject.credentials(cx);
                    (owner.uid.effective, owner.gid.effective)
                } else {
                    (0, 0)
                }
            }
            None => (0, 0),
        };
        let inode = ProcInode::with_owner(node, uid, gid);
        if let Node::Link(who, OwnLink::File(fd)) = node {
            let task = who.subject(cx)?.task.ok_or(Errno::ENOENT)?;
            let file = task.files_if_any(cx).ok_or(Errno::ENOENT)?.get_any(cx, fd).map_err(|_| Errno::ENOENT)?;
            // LINUX: the link's permissions tell how the file was opened.
            let reads = if file.is_readable() { 0o500 } else { 0 };
            let writes = if file.is_writable() { 0o300 } else { 0 };
            inode.base.update(cx, |attributes| attributes.permissions = reads | writes);
        }
        Ok(Arc::new(inode))
    }

    fn find(&self, cx: &CurrentThread, name: &str) -> Result<Option<Node>> {
        let found = match self.node {
            Node::Root => match name {
                "self" => Some(Node::SelfLink),
                "thread-self" => Some(Node::ThreadSelfLink),
                _ => match number(name) {
                    Some(number) => find_by_number(cx, number).map(Node::Process),
                    None => find_entry(system::ENTRIES, name),
                },
            },
            Node::Static(Entry { content: Content::Directory(entries), .. }) => find_entry(entries, name),
            Node::Static(Entry { content: Content::Trace, .. }) => {
                TRACE_FILES.iter().find(|file| file.name == name).map(Node::TraceFile)
            }
            Node::Process(who) => {
                who.subject(cx)?;
                match name {
                    "task" if who.tid.is_none() => Some(Node::Tasks(who.pid)),
                    "fd" => Some(Node::Files(who)),
                    "fdinfo" => Some(Node::FileInfos(who)),
                    "mem" => Some(Node::Memory(who)),
                    "pagemap" => Some(Node::PageMap(who)),
                    _ => OWN_LINKS
                        .iter()
                        .find(|(known, _)| *known == name)
                        .map(|(_, link)| Node::Link(who, *link))
                        .or_else(|| {
                            let text = process::entries().iter().find(|text| text.name == name);
                            text.map(|text| Node::ProcessText(who, text))
                        }),
                }
            }
            Node::Tasks(pid) => number(name)
                .filter(|&tid| Subject::thread(cx, pid, tid).is_ok())
                .map(|tid| Node::Process(Who { pid, tid: Some(tid) })),
            Node::Files(who) | Node::FileInfos(who) => {
                let subject = who.subject(cx)?;
                subject.check_may_inspect(cx)?;
                let files = subject.task.as_ref().and_then(|task| task.files_if_any(cx));
                // CAST: numbers above the largest descriptor are found in no table.
                let fd = number(name).map(|fd| Fd(fd as i32));
                fd.filter(|&fd| files.is_some_and(|files| files.get_any(cx, fd).is_ok())).map(|fd| match self.node {
                    Node::FileInfos(_) => Node::FileInfo(who, fd),
                    _ => Node::Link(who, OwnLink::File(fd)),
                })
            }
            _ => return Err(Errno::ENOTDIR),
        };
        Ok(found)
    }

    /// Where a link of a process leads.
    fn object(&self, cx: &CurrentThread) -> Result<Option<Path>> {
        let Node::Link(who, link) = self.node else { return Ok(None) };
        let subject = who.subject(cx)?;
        let task = subject.task.as_ref().ok_or(Errno::ENOENT)?;
        let path = || {
            Ok(match link {
                OwnLink::Executable => {
                    let space = subject.space(cx).ok_or(Errno::ENOENT)?;
                    space.image().ok_or(Errno::ENOENT)?.executable.path().clone()
                }
                OwnLink::Working => task.fs_if_any(cx).ok_or(Errno::ENOENT)?.working(cx),
                OwnLink::Root => task.fs_if_any(cx).ok_or(Errno::ENOENT)?.root(cx),
                OwnLink::File(fd) => {
                    let files = task.files_if_any(cx).ok_or(Errno::ENOENT)?;
                    files.get_any(cx, fd).map_err(|_| Errno::ENOENT)?.path().clone()
                }
            })
        };
        subject.inspected(cx, path)?.map(Some)
    }
}

impl TextInode for ProcInode {
    fn read_text(&self, cx: &mut CurrentThread) -> Result<Vec<u8>> {
        let mut text = Text::new();
        match self.node {
            Node::Static(Entry { content: Content::Text { read, .. }, .. }) => read(cx, &mut text)?,
            Node::TraceFile(file) => return (file.read)(cx),
            Node::ProcessText(who, entry) => {
                let subject = who.subject(cx).map_err(|_| Errno::ESRCH)?;
                (entry.read)(cx, &subject, &mut text)?;
            }
            Node::FileInfo(who, fd) => {
                let subject = who.subject(cx)?;
                let files = subject.task.as_ref().and_then(|task| task.files_if_any(cx)).ok_or(Errno::ENOENT)?;
                let file = files.get_any(cx, fd).map_err(|_| Errno::ENOENT)?;
                let position = if file.file().is_stream() { 0 } else { file.shown_position() };
                // LINUX: close-on-exec is the descriptor's, and told among the flags of what it refers to.
                let closes_on_exec = files.closes_on_exec(cx, fd).unwrap_or(false);
                let flags = file.flags() | if closes_on_exec { O_CLOEXEC } else { 0 };
                let mount = file.path().mount.id;
                let number = file.inode().base().number;
                text.add(format_args!("pos:\t{position}\nflags:\t0{flags:o}\nmnt_id:\t{mount}\nino:\t{number}\n"))?;
                if let Some(details) = file.file().details(cx) {
                    text.bytes(details.as_bytes())?;
                }
            }
            _ => return Err(Errno::EINVAL),
        }
        Ok(text.into_bytes())
    }

    fn write_text(&self, cx: &mut CurrentThread, bytes: &[u8]) -> Result<()> {
        match self.node {
            Node::Static(Entry { content: Content::Text { write: Some(write), .. }, .. }) => write(cx, bytes),
            Node::TraceFile(TraceFile { write: Some(write), .. }) => write(cx, bytes),
            Node::ProcessText(who, ProcessText { write: Some(write), .. }) => {
                let subject = who.subject(cx).map_err(|_| Errno::ESRCH)?;
                subject.check_may_inspect(cx)?;
                write(cx, &subject, bytes)
            }
            _ => Err(Errno::EACCES),
        }
    }
}

/// A decimal number without leading zeros.
fn number(name: &str) -> Option<u32> {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
    if is_plain { name.parse().ok().filter(|&number| number < 1 << 31) } else { None }
}

fn find_entry(entries: &'static [Entry], name: &str) -> Option<Node> {
    entries.iter().find(|entry| entry.name == name).map(Node::Static)
}

impl Inode for ProcInode {
    fn base(&self) -> &InodeBase {
        &self.base
    }

    fn open(self: Arc<Self>, cx: &mut CurrentThread, _flags: u32) -> Result<Arc<dyn File>> {
        match self.base.kind {
            FileKind::Directory => Ok(self),
            FileKind::Regular if let Node::Memory(who) = self.node => MemoryFile::open(cx, &who.subject(cx)?),
            FileKind::Regular if let Node::PageMap(who) = self.node => PageMapFile::open(cx, &who.subject(cx)?),
            FileKind::Regular => Ok(TextFile::new(self)),
            _ => Err(Errno::ELOOP),
        }
    }

    fn caches_names(&self) -> bool {
        false
    }

    fn lookup(&self, cx: &mut CurrentThread, name: &[u8]) -> Result<Option<Arc<dyn Inode>>> {
        let Ok(name) = core::str::from_utf8(name) else { return Ok(None) };
        match self.find(cx, name)? {
            Some(node) => ProcInode::make(cx, node).map(Some),
            None => Ok(None),
        }
    }

    fn truncate(&self, _cx: &mut CurrentThread, _bytes: u64) -> Result<()> {
        // LINUX: truncating a file of /proc succeeds and does nothing, so that `>` works.
        Ok(())
    }

    fn read_link(&self, cx: &mut CurrentThread) -> Result<Arc<[u8]>> {
        let me = |cx: &CurrentThread| Task::current(cx).ok_or(Errno::ENOENT);
        match self.node {
            Node::Static(Entry { content: Content::Link(target), .. }) => Ok(Arc::from(target.as_bytes())),
            Node::SelfLink => Ok(Arc::from(format!("{}", me(cx)?.process().pid()).as_bytes())),
            Node::ThreadSelfLink => {
                let task = me(cx)?;
                Ok(Arc::from(format!("{}/task/{}", task.process().pid(), task.tid()).as_bytes()))
            }
            _ => {
                let path = self.object(cx)?.ok_or(Errno::EINVAL)?;
                let root = me(cx)?.fs(cx).root(cx);
                Ok(Arc::from(path.absolute_name(cx, &root)?))
            }
        }
    }

    fn follow(&self, cx: &mut CurrentThread) -> Result<Option<Path>> {
        self.object(cx)
    }
}

/// Where names other than those always there begin in a listing.
const FIRST_OWN: u64 = Listing::FIRST;
/// Where processes begin in the root's listing.
const FIRST_PROCESS: u64 = 1 << 16;

impl ProcInode {
    /// The names of a directory from `offset` on, each with its offset and node, a few at a time: enough for one listing.
    fn names_from(&self, cx: &CurrentThread, offset: u64) -> Result<Vec<(u64, String, Node)>> {
        const MOST: usize = 512;
        let mut names: Vec<(u64, String, Node)> = Vec::new();
        let mut add = |at: u64, name: String, node: Node| -> Result<()> {
            if at >= offset && names.len() < MOST {
                names.try_reserve(1)?;
                names.push((at, name, node));
            }
            Ok(())
        };
        let statics = |entries: &'static [Entry]| {
            entries.iter().enumerate().map(|(index, entry)| (FIRST_OWN + index as u64, entry))
        };
        match self.node {
            Node::Root => {
                for (at, entry) in statics(system::ENTRIES) {
                    add(at, entry.name.into(), Node::Static(entry))?;
                }
                let after = FIRST_OWN + system::ENTRIES.len() as u64;
                add(after, "self".into(), Node::SelfLink)?;
                add(after + 1, "thread-self".into(), Node::ThreadSelfLink)?;
                for pid in table::pids(cx) {
                    add(FIRST_PROCESS + u64::from(pid), format!("{pid}"), Node::Process(Who { pid, tid: None }))?;
                }
            }
            Node::Static(Entry { content: Content::Directory(entries), .. }) => {
                for (at, entry) in statics(entries) {
                    add(at, entry.name.into(), Node::Static(entry))?;
                }
            }
            Node::Static(Entry { content: Content::Trace, .. }) => {
                for (index, file) in TRACE_FILES.iter().enumerate() {
                    add(FIRST_OWN + index as u64, file.name.into(), Node::TraceFile(file))?;
                }
            }
            Node::Process(who) => {
                who.subject(cx)?;
                let mut at = FIRST_OWN;
                let mut next = || {
                    at += 1;
                    at - 1
                };
                if who.tid.is_none() {
                    add(next(), "task".into(), Node::Tasks(who.pid))?;
                }
                add(next(), "fd".into(), Node::Files(who))?;
                add(next(), "fdinfo".into(), Node::FileInfos(who))?;
                add(next(), "mem".into(), Node::Memory(who))?;
                add(next(), "pagemap".into(), Node::PageMap(who))?;
                for (name, link) in OWN_LINKS {
                    add(next(), name.into(), Node::Link(who, link))?;
                }
                for text in process::entries() {
                    add(next(), text.name.into(), Node::ProcessText(who, text))?;
                }
            }
            Node::Tasks(pid) => {
                for task in table::tasks_of(cx, pid) {
                    let tid = task.tid();
                    add(FIRST_OWN + u64::from(tid), format!("{tid}"), Node::Process(Who { pid, tid: Some(tid) }))?;
                }
            }
            Node::Files(who) | Node::FileInfos(who) => {
                let subject = who.subject(cx)?;
                subject.check_may_inspect(cx)?;
                let files = subject.task.as_ref().and_then(|task| task.files_if_any(cx));
                let mut from = usize::try_from(offset.saturating_sub(FIRST_OWN)).unwrap_or(usize::MAX);
                while let Some((fd, _)) = files.as_ref().and_then(|files| files.next_used(cx, from)) {
                    let node = match self.node {
                        Node::FileInfos(_) => Node::FileInfo(who, fd),
                        _ => Node::Link(who, OwnLink::File(fd)),
                    };
                    // CAST: descriptors are not negative.
                    add(FIRST_OWN + fd.0 as u64, format!("{}", fd.0), node)?;
                    from = fd.0 as usize + 1;
                }
            }
            _ => return Err(Errno::ENOTDIR),
        }
        Ok(names)
    }
}

impl File for ProcInode {
    fn read(&self, _cx: &mut CurrentThread, _open: &OpenFile, _offset: &mut u64, _to: &mut Sink<'_>) -> Result<()> {
        Err(Errno::EISDIR)
    }

    fn read_directory(&self, cx: &mut CurrentThread, open: &OpenFile, listing: &mut Listing<'_>) -> Result<()> {
        if !listing.add_own(self.base.number, open.parent_number(cx)) {
            return Ok(());
        }
        loop {
            let names = self.names_from(cx, listing.place())?;
            if names.is_empty() {
                return Ok(());
            }
            for (place, name, node) in names {
                if !listing.add(place, name.as_bytes(), node.number(), node.kind_and_permissions().0) {
                    return Ok(());
                }
            }
        }
    }
}
