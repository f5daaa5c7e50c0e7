//! The file system of pseudo-terminals (`/dev/pts`): a directory with `ptmx`, which makes one, and a node for each.
//!
//! Main types: [`DevPts`], an instance, of which each mount has its own; `PtsInode`. `/dev/ptmx` means the instance mounted on
//! `pts` beside it. Names come and go with the masters, so look-ups are not remembered. Source: Linux's `filesystems/devpts`.
//!
//! Lock: `DEVPTS` around options and nodes.
use super::dentry::Dentry;
use super::file::File;
use super::inode::{Attributes, DeviceNumber, FileKind, FileSystem, Inode, InodeBase, next_anonymous_device};
use super::listing::Listing;
use super::open_file::OpenFile;
use super::path::Path;
use super::walk::Walk;
use crate::errno::{Errno, Result};
use crate::lock_order;
use crate::task::{Credentials, Task};
use crate::tty::{self, Terminal, TerminalFile};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::sync::{Arc, Weak};
use core::sync::atomic::{AtomicU32, Ordering};
use machine::sync::SpinLock;
use machine::thread::CurrentThread;

/// Most pseudo-terminals there may be (`/proc/sys/kernel/pty/max`).
pub const MOST: u32 = 4096;
/// Number of `ptmx`, and its place in the listing; the root's number is 1.
const PTMX_NUMBER: u64 = 2;
/// Number of the first slave's node, and its place in the listing.
const FIRST_NUMBER: u64 = 3;

/// Pseudo-terminals in all instances.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// How many pseudo-terminals there are.
pub fn count() -> u32 {
    COUNT.load(Ordering::Relaxed)
}

/// What the mount options say.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Owner of new nodes, if not who makes them.
    pub uid: Option<u32>,
    /// Group of new nodes, if not that of who makes them.
    pub gid: Option<u32>,
    /// Permissions of new nodes.
    pub mode: u32,
    /// Permissions of `ptmx`.
    pub ptmx_mode: u32,
    /// Most nodes.
    pub most: u32,
}

impl Options {
    /// What is mounted at start: as Debian mounts it, `tty` being group 5, and with a `ptmx` for everyone.
    pub const AT_START: Options = Options { uid: None, gid: Some(5), mode: 0o620, ptmx_mode: 0o666, most: MOST };

    /// From the text of `mount`. EINVAL for what is unknown.
    pub fn parse(text: &[u8]) -> Result<Options> {
        let mut options = Options { uid: None, gid: None, mode: 0o600, ptmx_mode: 0, most: MOST };
        let text = core::str::from_utf8(text).map_err(|_| Errno::EINVAL)?;
        for option in text.split(',').filter(|option| !option.is_empty() && *option != "newinstance") {
            let (name, value) = option.split_once('=').ok_or(Errno::EINVAL)?;
            let radix = if name.ends_with("mode") { 8 } else { 10 };
            let number = u32::from_str_radix(value, radix).map_err(|_| Errno::EINVAL)?;
            match name {
                "uid" => options.uid = Some(number),
                "gid" => options.gid = Some(number),
                "mode" => options.mode = number & 0o7777,
                "ptmxmode" => options.ptmx_mode = number & 0o7777,
                "max" => options.most = number.min(1 << 20),
                _ => return Err(Errno::EINVAL),
            }
        }
        Ok(options)
    }
}

/// An instance.
pub struct DevPts {
    device: DeviceNumber,
    root: Arc<PtsInode>,
    ptmx: Arc<PtsInode>,
    inner: SpinLock<Inner>,
}

struct Inner {
    options: Options,
    nodes: BTreeMap<u32, Arc<PtsInode>>,
}

impl DevPts {
    /// An instance without terminals.
    pub fn new(options: Options) -> Arc<DevPts> {
        let device = next_anonymous_device();
        Arc::new_cyclic(|me: &Weak<DevPts>| {
            let own = |kind, number, node, permissions, links, role| {
                let attributes = Attributes { permissions, links, ..Attributes::default() };
                let base = InodeBase::for_device(kind, number, device, node, attributes);
                Arc::new(PtsInode { base, file_system: me.clone(), role })
            };
            let none = DeviceNumber::default();
            DevPts {
                device,
                root: own(FileKind::Directory, 1, none, 0o755, 2, Role::Root),
                ptmx: own(FileKind::CharDevice, PTMX_NUMBER, tty::PTMX, options.ptmx_mode, 1, Role::Ptmx),
                inner: SpinLock::new(&lock_order::DEVPTS, Inner { options, nodes: BTreeMap::new() }),
            }
        })
    }

    /// Makes a pseudo-terminal, which the caller owns; answers its number. ENOSPC if there are as many as there may be.
    pub(crate) fn add(self: &Arc<Self>, cx: &CurrentThread) -> Result<(u32, Arc<Terminal>)> {
        let who = Task::current(cx).map(|task| task.credentials(cx));
        let (uid, gid) = who.map_or((0, 0), |who| (who.uid.file_system, who.gid.file_system));
        let more = |count: u32| (count < MOST).then_some(count + 1);
        COUNT.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).map_err(|_| Errno::ENOSPC)?;
        let mut inner = self.inner.lock(cx);
        let Inner { options, nodes } = &mut *inner;
        let free = (0u32..).zip(nodes.keys()).find(|(number, used)| number != *used);
        // CAST: no more than MOST.
        let number = free.map_or(nodes.len() as u32, |(number, _)| number);
        if number >= options.most {
            drop(inner);
            COUNT.fetch_sub(1, Ordering::AcqRel);
            return Err(Errno::ENOSPC);
        }
        let terminal = tty::new_pseudo_terminal(number);
        let attributes = Attributes {
            permissions: options.mode,
            uid: options.uid.unwrap_or(uid),
            gid: options.gid.unwrap_or(gid),
            links: 1,
            ..Attributes::default()
        };
        let place = FIRST_NUMBER + u64::from(number);
        let base = InodeBase::for_device(FileKind::CharDevice, place, self.device, terminal.device(), attributes);
        let role = Role::Slave(terminal.clone());
        nodes.insert(number, Arc::new(PtsInode { base, file_system: Arc::downgrade(self), role }));
        Ok((number, terminal))
    }

    /// The master of `number` is gone. Called by a destructor.
    pub(crate) fn remove(&self, number: u32) {
        let removed = self.inner.with(|inner| inner.nodes.remove(&number));
        if let Some(node) = removed {
            node.base.update_as_leaf(|attributes| attributes.links = 0);
            COUNT.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// The node of `number` as seen below `root`, a root of this file system.
    pub(crate) fn place_of(&self, root: &Path, number: u32) -> Option<Path> {
        let node = self.inner.with(|inner| inner.nodes.get(&number).cloned())?;
        let dentry = Dentry::new_child(&root.dentry, format!("{number}").as_bytes(), Some(node));
        Some(Path { mount: root.mount.clone(), dentry })
    }

    fn node(&self, cx: &CurrentThread, name: &[u8]) -> Option<Arc<PtsInode>> {
        if name == b"ptmx" {
            return Some(self.ptmx.clone());
        }
        let text = core::str::from_utf8(name).ok()?;
        let is_canonical = text == "0" || !text.starts_with(['0', '+']);
        let number = text.parse().ok().filter(|_| is_canonical)?;
        self.inner.lock(cx).nodes.get(&number).cloned()
    }
}

impl FileSystem for DevPts {
    fn type_name(&self) -> &'static str {
        "devpts"
    }
    fn magic(&self) -> u64 {
        0x1cd1
    }
    fn device(&self) -> DeviceNumber {
        self.device
    }
    fn root(&self) -> Arc<dyn Inode> {
        self.root.clone()
    }
    // LINUX: what is not said goes back to its default.
    fn reconfigure(&self, options: &[u8]) -> Result<()> {
        if options.is_empty() {
            return Ok(());
        }
        let options = Options::parse(options)?;
        self.inner.with(|inner| inner.options = options);
        self.ptmx.base.update_as_leaf(|attributes| attributes.permissions = options.ptmx_mode);
        Ok(())
    }
}

/// Opens `/dev/ptmx`, found at `place`: the instance is the one mounted on `pts` in the same directory.
pub(crate) fn open_ptmx(cx: &mut CurrentThread, place: &Path) -> Result<Arc<dyn File>> {
    let directory = place.dentry.parent(cx).ok_or(Errno::ENODEV)?;
    let directory = Path { mount: place.mount.clone(), dentry: directory };
    let who = Credentials::root();
    let root = Walk::within(directory.clone(), &who).child(cx, &directory, b"pts")?;
    let inode = root.inode().map_err(|_| Errno::ENODEV)?.clone();
    match inode.as_any().downcast_ref::<PtsInode>() {
        Some(PtsInode { role: Role::Root, file_system, .. }) => {
            tty::open_master(cx, &file_system.upgrade().ok_or(Errno::ENODEV)?, root)
        }
        _ => Err(Errno::ENODEV),
    }
}

enum Role {
    Root,
    Ptmx,
    Slave(Arc<Terminal>),
}

struct PtsInode {
    base: InodeBase,
    file_system: Weak<DevPts>,
    role: Role,
}

impl PtsInode {
    fn file_system(&self) -> Result<Arc<DevPts>> {
        self.file_system.upgrade().ok_or(Errno::EIO)
    }
}

impl Inode for PtsInode {
    fn base(&self) -> &InodeBase {
        &self.base
    }

    fn open(self: Arc<Self>, _cx: &mut CurrentThread, _flags: u32) -> Result<Arc<dyn File>> {
        Err(Errno::EIO)
    }

    fn open_at(self: Arc<Self>, cx: &mut CurrentThread, place: &Path, flags: u32) -> Result<Arc<dyn File>> {
        match &self.role {
            Role::Root => Ok(self),
            Role::Ptmx => {
                let root = Path { mount: place.mount.clone(), dentry: place.mount.root.clone() };
                tty::open_master(cx, &self.file_system()?, root)
            }
            Role::Slave(terminal) => Ok(TerminalFile::open(cx, terminal, flags)?),
        }
    }

    fn caches_names(&self) -> bool {
        false
    }

    fn lookup(&self, cx: &mut CurrentThread, name: &[u8]) -> Result<Option<Arc<dyn Inode>>> {
        match self.role {
            Role::Root => Ok(self.file_system()?.node(cx, name).map(|node| node as Arc<dyn Inode>)),
            _ => Err(Errno::ENOTDIR),
        }
    }
}

impl File for PtsInode {
    fn read_directory(&self, cx: &mut CurrentThread, open: &OpenFile, listing: &mut Listing<'_>) -> Result<()> {
        let file_system = self.file_system()?;
        let has_fixed = listing.add_own(self.base.number, open.parent_number(cx))
            && listing.add(PTMX_NUMBER, b"ptmx", PTMX_NUMBER, FileKind::CharDevice);
        if !has_fixed {
            return Ok(());
        }
        loop {
            // CAST: an offset beyond all numbers finds none.
            let from = (listing.place() - FIRST_NUMBER).min(u64::from(u32::MAX)) as u32;
            let next = file_system.inner.lock(cx).nodes.range(from..).next().map(|(number, _)| *number);
            let Some(found) = next else { return Ok(()) };
            let number = FIRST_NUMBER + u64::from(found);
            if !listing.add(number, format!("{found}").as_bytes(), number, FileKind::CharDevice) {
                return Ok(());
            }
        }
    }

    fn read(
        &self,
        _cx: &mut CurrentThread,
        _open: &OpenFile,
        _offset: &mut u64,
        _to: &mut super::transfer::Sink<'_>,
    ) -> Result<()> {
        Err(Errno::EISDIR)
    }
}
