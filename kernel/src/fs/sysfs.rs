//! `/sys`: the part of Linux's tree of devices that programs and C libraries ask for, which is how many processors there are and
//! how they hang together (`nproc`, `lscpu`, run-times that size their pools). All of it is read-only.
//!
//! Main type: [`SysFs`]. The tree is a constant, [`ROOT`]; below [`Content::Processor`] a subtree repeats for each processor. The
//! machine is told of as virtual machines are on Linux: one package, one node, each processor a core of its own. Nothing else of
//! Linux's `/sys` is there; a missing name is ENOENT, which programs take as "not on this machine".
use super::file::File;
use super::inode::{Attributes, DeviceNumber, FileKind, FileSystem, Inode, InodeBase, NewNode, next_anonymous_device};
use super::listing::Listing;
use super::open_file::OpenFile;
use super::procfs::text::{Text, put};
use super::text_file::{TextFile, TextInode};
use super::transfer::Sink;
use crate::errno::{Errno, Result};
use abi::linux::{O_ACCMODE, O_RDONLY};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::cpu;
use machine::sync::Once;
use machine::thread::CurrentThread;

/// A name and what is behind it. Texts get the number of the processor they are below, or 0.
struct Entry {
    name: &'static str,
    content: Content,
}

enum Content {
    Directory(&'static [Entry]),
    /// The same, and a directory of [`PROCESSOR`] for each processor.
    Processors(&'static [Entry]),
    Text(fn(u32, &mut Text) -> Result<()>),
}

const fn directory(name: &'static str, entries: &'static [Entry]) -> Entry {
    Entry { name, content: Content::Directory(entries) }
}

const fn text(name: &'static str, read: fn(u32, &mut Text) -> Result<()>) -> Entry {
    Entry { name, content: Content::Text(read) }
}

static ROOT: Entry = directory("", &[directory("devices", &[directory("system", SYSTEM)])]);

const SYSTEM: &[Entry] = &[Entry { name: "cpu", content: Content::Processors(CPU) }, directory("node", NODES)];

const CPU: &[Entry] = &[
    text("isolated", |_, out| put!(out, "\n")),
    text("kernel_max", |_, out| put!(out, "{}\n", cpu::MAX_CPUS - 1)),
    text("offline", |_, out| put!(out, "\n")),
    text("online", all_processors),
    text("possible", all_processors),
    text("present", all_processors),
];

/// What each processor's directory holds.
static PROCESSOR: Entry = directory("", &[directory("topology", TOPOLOGY)]);

const TOPOLOGY: &[Entry] = &[
    text("core_cpus", own_mask),
    text("core_cpus_list", own_number),
    text("core_id", own_number),
    text("core_siblings", all_mask),
    text("core_siblings_list", all_processors),
    text("die_cpus", all_mask),
    text("die_cpus_list", all_processors),
    text("die_id", zero),
    text("package_cpus", all_mask),
    text("package_cpus_list", all_processors),
    text("physical_package_id", zero),
    text("thread_siblings", own_mask),
    text("thread_siblings_list", own_number),
];

const NODES: &[Entry] = &[
    text("has_cpu", zero),
    text("has_memory", zero),
    text("has_normal_memory", zero),
    directory(
        "node0",
        &[text("cpulist", all_processors), text("cpumap", all_mask), text("distance", |_, out| put!(out, "10\n"))],
    ),
    text("online", zero),
    text("possible", zero),
];

fn zero(_processor: u32, out: &mut Text) -> Result<()> {
    put!(out, "0\n")
}

fn own_number(processor: u32, out: &mut Text) -> Result<()> {
    put!(out, "{processor}\n")
}

fn all_processors(_processor: u32, out: &mut Text) -> Result<()> {
    match cpu::count() {
        1 => put!(out, "0\n"),
        count => put!(out, "0-{}\n", count - 1),
    }
}

fn own_mask(processor: u32, out: &mut Text) -> Result<()> {
    mask(out, |number| number == processor as usize)
}

fn all_mask(_processor: u32, out: &mut Text) -> Result<()> {
    mask(out, |_| true)
}

/// A mask as Linux prints it: as many hexadecimal digits as the processors need, in groups of 32 bits from the highest.
fn mask(out: &mut Text, contains: impl Fn(usize) -> bool) -> Result<()> {
    let count = cpu::count();
    for digit in (0..count.div_ceil(4)).rev() {
        let bits = (0..4).filter(|bit| digit * 4 + bit < count && contains(digit * 4 + bit));
        let value = bits.fold(0, |value, bit| value | 1u32 << bit);
        let group_end = if digit > 0 && digit % 8 == 0 { "," } else { "" };
        put!(out, "{value:x}{group_end}")?;
    }
    put!(out, "\n")
}

/// The file system. There is one, however often it is mounted.
pub struct SysFs;

fn device() -> DeviceNumber {
    static DEVICE: Once<DeviceNumber> = Once::new();
    *DEVICE.call_once(next_anonymous_device)
}

impl FileSystem for SysFs {
    fn type_name(&self) -> &'static str {
        "sysfs"
    }
    fn magic(&self) -> u64 {
        0x6265_6572
    }
    fn device(&self) -> DeviceNumber {
        device()
    }
    fn root(&self) -> Arc<dyn Inode> {
        Arc::new(SysInode::new(Node { entry: &ROOT, processor: 0 }))
    }
}

/// What an inode stands for: an entry, below a processor or not.
#[derive(Clone, Copy)]
struct Node {
    entry: &'static Entry,
    processor: u32,
}

impl Node {
    fn kind(self) -> FileKind {
        match self.entry.content {
            Content::Directory(_) | Content::Processors(_) => FileKind::Directory,
            Content::Text(_) => FileKind::Regular,
        }
    }

    /// An address is as unique as it is stable; the root is 1, as on Linux.
    fn number(self) -> u64 {
        if core::ptr::eq(self.entry, &ROOT) {
            return 1;
        }
        (core::ptr::from_ref(self.entry).addr() as u64 & 0x7fff_ffff) | u64::from(self.processor) << 32
    }

    /// The names in a directory, in the order of their listing.
    fn names(self) -> Result<Vec<(String, Node)>> {
        let (entries, processors) = match self.entry.content {
            Content::Directory(entries) => (entries, 0),
            Content::Processors(entries) => (entries, cpu::count()),
            Content::Text(_) => return Err(Errno::ENOTDIR),
        };
        let mut names = Vec::new();
        names.try_reserve_exact(entries.len() + processors)?;
        let Node { processor, .. } = self;
        names.extend(entries.iter().map(|entry| (entry.name.into(), Node { entry, processor })));
        // CAST: processors are numbered in 32 bits.
        let numbers = (0..processors).map(|number| number as u32);
        names.extend(numbers.map(|processor| (format!("cpu{processor}"), Node { entry: &PROCESSOR, processor })));
        Ok(names)
    }
}

struct SysInode {
    base: InodeBase,
    node: Node,
}

impl SysInode {
    fn new(node: Node) -> SysInode {
        let kind = node.kind();
        let (permissions, links) = if kind == FileKind::Directory { (0o755, 2) } else { (0o444, 1) };
        let attributes = Attributes { permissions, links, ..Attributes::default() };
        SysInode { base: InodeBase::new(kind, node.number(), device(), attributes), node }
    }
}

impl Inode for SysInode {
    fn base(&self) -> &InodeBase {
        &self.base
    }

    /// LINUX: a file that takes nothing cannot be opened for writing, by root either.
    fn open(self: Arc<Self>, _cx: &mut CurrentThread, flags: u32) -> Result<Arc<dyn File>> {
        match self.base.kind {
            FileKind::Directory => Ok(self),
            _ if flags & O_ACCMODE != O_RDONLY => Err(Errno::EACCES),
            _ => Ok(TextFile::new(self)),
        }
    }

    /// LINUX: a file of `/sys` says that it has a page, whatever it holds.
    fn size_bytes(&self) -> u64 {
        if self.base.kind == FileKind::Directory { 0 } else { 4096 }
    }

    fn caches_names(&self) -> bool {
        false
    }

    fn create(&self, _cx: &mut CurrentThread, _name: &[u8], new: &NewNode<'_>) -> Result<Arc<dyn Inode>> {
        Err(if new.kind == FileKind::Regular { Errno::EACCES } else { Errno::EPERM })
    }

    fn lookup(&self, _cx: &mut CurrentThread, name: &[u8]) -> Result<Option<Arc<dyn Inode>>> {
        let names = self.node.names()?;
        let found = names.into_iter().find(|(known, _)| known.as_bytes() == name);
        Ok(found.map(|(_, node)| Arc::new(SysInode::new(node)) as Arc<dyn Inode>))
    }
}

impl TextInode for SysInode {
    fn read_text(&self, _cx: &mut CurrentThread) -> Result<Vec<u8>> {
        let mut out = Text::new();
        match self.node.entry.content {
            Content::Text(read) => read(self.node.processor, &mut out)?,
            Content::Directory(_) | Content::Processors(_) => return Err(Errno::EISDIR),
        }
        Ok(out.into_bytes())
    }

    fn write_text(&self, _cx: &mut CurrentThread, _bytes: &[u8]) -> Result<()> {
        Err(Errno::EACCES)
    }
}

impl File for SysInode {
    fn read(&self, _cx: &mut CurrentThread, _open: &OpenFile, _offset: &mut u64, _to: &mut Sink<'_>) -> Result<()> {
        Err(Errno::EISDIR)
    }

    fn read_directory(&self, cx: &mut CurrentThread, open: &OpenFile, listing: &mut Listing<'_>) -> Result<()> {
        let names = self.node.names()?;
        if !listing.add_own(self.base.number, open.parent_number(cx)) {
            return Ok(());
        }
        for (place, (name, node)) in (Listing::FIRST..).zip(names) {
            if !listing.add(place, name.as_bytes(), node.number(), node.kind()) {
                break;
            }
        }
        Ok(())
    }
}
