//! The file system in memory: the root, `/tmp`, `/dev`, and memory files. Contents live in the page cache and nowhere else.
//!
//! Main types: [`TmpFs`], an instance; `TmpInode`, a file of it. Called through the [`Inode`] and [`File`] traits, and by
//! [`super::initramfs`] and [`super::device`], which fill it.
//!
//! # Locks
//! One spin lock per directory around its entries, never two at once: name changes are serialised above
//! ([`super::names`]). A removed directory is marked in the same step in which it is found empty.
use super::device;
use super::extended_attributes::ExtendedAttributes;
use super::file::File;
use super::inode::{
    Attributes, DeviceNumber, FileKind, FileSystem, FileSystemUsage, Inode, InodeBase, NewNode, Rename,
    next_anonymous_device,
};
use super::listing::Listing;
use super::open_file::OpenFile;
use super::page_cache::{Backing, PageCache};
use super::path::Path;
use super::pipe::Pipe;
use super::quota::Quota;
use super::regular;
use super::transfer::{Sink, Source};
use crate::errno::{Errno, Result};
use crate::lock_order;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::any::Any;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use machine::addr::PAGE_SIZE;
use machine::sync::{Once, SpinLock};
use machine::thread::CurrentThread;
use pure::tmpfs_options::{self, TmpfsOptions};

/// What an entry adds to a directory's size.
// LINUX: BOGO_DIRENT_SIZE of tmpfs; an empty directory has room for two.
const ENTRY_BYTES: u64 = 20;
/// Position of the first real entry; 0 and 1 are `.` and `..`.
const FIRST_COOKIE: u64 = Listing::FIRST;

/// Names in the directories of all instances.
static NAMES: AtomicUsize = AtomicUsize::new(0);

/// Most names that programs may make.
// LINUX: half as many as there are pages is a tmpfs's default, and links count. Here all instances share one half.
fn most_names() -> usize {
    static MOST: Once<usize> = Once::new();
    *MOST.call_once(|| machine::mm::counts().total / 2)
}

/// ENOSPC if there are as many names as there may be.
fn check_names() -> Result<()> {
    if NAMES.load(Ordering::Relaxed) < most_names() { Ok(()) } else { Err(Errno::ENOSPC) }
}

/// What the inodes of one instance share.
struct Shared {
    device: DeviceNumber,
    next_number: AtomicU64,
    type_name: &'static str,
    /// Pages of all files.
    pages: Arc<Quota>,
    /// Inodes, and each further name of one.
    inodes: Quota,
}

impl Shared {
    /// Limits as `options` say; what they do not say is left to memory alone.
    fn new(type_name: &'static str, options: &TmpfsOptions) -> Arc<Shared> {
        Arc::new(Shared {
            device: next_anonymous_device(),
            next_number: AtomicU64::new(1),
            type_name,
            pages: Arc::new(Quota::new(limit(options.pages).unwrap_or(u64::MAX))),
            inodes: Quota::new(limit(options.inodes).unwrap_or(u64::MAX)),
        })
    }
}

/// A limit as an option gives it: zero is none.
fn limit(option: Option<u64>) -> Option<u64> {
    option.map(|count| if count == 0 { u64::MAX } else { count })
}

/// Reads mount options; EINVAL for what is unknown.
pub fn parse_options(text: &[u8]) -> Result<TmpfsOptions> {
    let memory = machine::mm::counts().total as u64;
    tmpfs_options::parse(text, memory, PAGE_SIZE as u64).map_err(|_| Errno::EINVAL)
}

/// An instance.
pub struct TmpFs {
    shared: Arc<Shared>,
    root: Arc<TmpInode>,
}

impl TmpFs {
    /// An empty instance whose root has `permissions`.
    pub fn new(type_name: &'static str, permissions: u32) -> Arc<TmpFs> {
        let options = TmpfsOptions { permissions: Some(permissions), ..TmpfsOptions::default() };
        TmpFs::with_options(type_name, &options).expect("without a limit there is room for the root")
    }

    /// An empty instance as mount options want it. ENOSPC if they leave no room for the root.
    pub fn with_options(type_name: &'static str, options: &TmpfsOptions) -> Result<Arc<TmpFs>> {
        let shared = Shared::new(type_name, options);
        let new = NewNode {
            kind: FileKind::Directory,
            permissions: options.permissions.unwrap_or(0o1777),
            uid: options.uid.unwrap_or(0),
            gid: options.gid.unwrap_or(0),
            node: DeviceNumber::default(),
            target: &[],
        };
        let root = Arc::new(TmpInode::new(&shared, &new)?);
        Ok(Arc::new(TmpFs { shared, root }))
    }
}

impl FileSystem for TmpFs {
    fn type_name(&self) -> &'static str {
        self.shared.type_name
    }
    fn magic(&self) -> u64 {
        if self.shared.type_name == "ramfs" { 0x8584_58f6 } else { 0x0102_1994 }
    }
    fn device(&self) -> DeviceNumber {
        self.shared.device
    }
    fn root(&self) -> Arc<dyn Inode> {
        self.root.clone()
    }
    fn usage(&self) -> FileSystemUsage {
        let counts = machine::mm::counts();
        // LINUX: half of the memory is a tmpfs's default size; nothing is set aside for it. Here all of them share one half.
        let (half, room) = (counts.total as u64 / 2, super::page_cache::room_pages().min(counts.free) as u64);
        let (names, used) = (most_names() as u64, NAMES.load(Ordering::Relaxed) as u64);
        let figures = |quota: &Quota, all: u64, free: u64| match quota.limit() {
            u64::MAX => (all, free),
            limit => (limit, limit.saturating_sub(quota.held()).min(free)),
        };
        let (blocks, blocks_free) = figures(&self.shared.pages, half, room);
        let (files, files_free) = figures(&self.shared.inodes, names, names.saturating_sub(used));
        FileSystemUsage { blocks, blocks_free, files, files_free }
    }
    fn reconfigure(&self, options: &[u8]) -> Result<()> {
        // LINUX: mode and owner are the root's, and belong to the first mount alone.
        let options = parse_options(options)?;
        let (pages, inodes) = (limit(options.pages), limit(options.inodes));
        if inodes.is_some_and(|inodes| inodes < self.shared.inodes.held()) {
            return Err(Errno::EINVAL);
        }
        if let Some(pages) = pages {
            self.shared.pages.set_limit(pages)?;
        }
        if let Some(inodes) = inodes {
            self.shared.inodes.set_limit(inodes)?;
        }
        Ok(())
    }
}

/// A regular file that has no name, for `memfd_create` and shared anonymous memory.
pub fn unnamed_file(permissions: u32) -> Arc<dyn Inode> {
    static SHARED: Once<Arc<Shared>> = Once::new();
    let shared = SHARED.call_once(|| Shared::new("tmpfs", &TmpfsOptions::default()));
    let new =
        NewNode { kind: FileKind::Regular, permissions, uid: 0, gid: 0, node: DeviceNumber::default(), target: &[] };
    Arc::new(TmpInode::new(shared, &new).expect("unnamed files have no limit"))
}

struct Entry {
    name: Arc<[u8]>,
    inode: Arc<TmpInode>,
}

#[derive(Default)]
struct Entries {
    cookies: BTreeMap<Arc<[u8]>, u64>,
    by_cookie: BTreeMap<u64, Entry>,
    next_cookie: u64,
    is_dead: bool,
    /// The next directory of the list that [`TmpInode::drop`] works through.
    next_dropped: Option<Arc<TmpInode>>,
}

impl Entries {
    fn insert(&mut self, name: &[u8], inode: Arc<TmpInode>) -> Result<()> {
        if self.is_dead {
            return Err(Errno::ENOENT);
        }
        let name: Arc<[u8]> = Arc::from(name);
        let cookie = self.next_cookie.max(FIRST_COOKIE);
        self.next_cookie = cookie + 1;
        self.cookies.insert(name.clone(), cookie);
        self.by_cookie.insert(cookie, Entry { name, inode });
        NAMES.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn remove(&mut self, name: &[u8]) -> Option<Entry> {
        let cookie = self.cookies.remove(name)?;
        NAMES.fetch_sub(1, Ordering::Relaxed);
        self.by_cookie.remove(&cookie)
    }

    fn get(&self, name: &[u8]) -> Option<&Arc<TmpInode>> {
        let cookie = self.cookies.get(name)?;
        self.by_cookie.get(cookie).map(|entry| &entry.inode)
    }
}

enum Contents {
    Regular(Arc<PageCache>),
    Directory(SpinLock<Entries>),
    Symlink(Arc<[u8]>),
    Fifo(Once<Arc<Pipe>>),
    Node,
}

/// A file of the instance.
pub(super) struct TmpInode {
    base: InodeBase,
    shared: Arc<Shared>,
    contents: Contents,
    extended: ExtendedAttributes,
}

impl TmpInode {
    fn new(shared: &Arc<Shared>, new: &NewNode<'_>) -> Result<TmpInode> {
        shared.inodes.take()?;
        let number = shared.next_number.fetch_add(1, Ordering::Relaxed);
        let attributes = Attributes {
            permissions: new.permissions,
            uid: new.uid,
            gid: new.gid,
            links: if new.kind == FileKind::Directory { 2 } else { 1 },
            ..Attributes::default()
        };
        let contents = match new.kind {
            FileKind::Regular => {
                Contents::Regular(Arc::new(PageCache::limited(Backing::Zeros, Some(shared.pages.clone()))))
            }
            FileKind::Directory => Contents::Directory(SpinLock::new(&lock_order::TMPFS_DIRECTORY, Entries::default())),
            FileKind::Symlink => Contents::Symlink(Arc::from(new.target)),
            FileKind::Fifo => Contents::Fifo(Once::new()),
            FileKind::CharDevice | FileKind::BlockDevice | FileKind::Socket => Contents::Node,
        };
        Ok(TmpInode {
            base: InodeBase::for_device(new.kind, number, shared.device, new.node, attributes),
            shared: shared.clone(),
            contents,
            extended: ExtendedAttributes::default(),
        })
    }

    /// One name of a file that is no directory has gone. The last one's count goes with the inode.
    fn drop_link(&self, cx: &CurrentThread, base: &InodeBase) {
        let mut left = 0;
        base.update(cx, |attributes| {
            left = attributes.links.saturating_sub(1);
            attributes.links = left;
        });
        if left > 0 {
            self.shared.inodes.give_back(1);
        }
    }

    fn entries(&self) -> Result<&SpinLock<Entries>> {
        match &self.contents {
            Contents::Directory(entries) => Ok(entries),
            _ => Err(Errno::ENOTDIR),
        }
    }
}

impl Drop for TmpInode {
    /// Gives up what is below in a loop: a tree may be deeper than the stack. The list runs through the directories
    /// themselves, so nothing is allocated.
    fn drop(&mut self) {
        self.shared.inodes.give_back(1);
        let Contents::Directory(entries) = &self.contents else { return };
        let mut entries = entries.with(core::mem::take);
        let mut dropped: Option<Arc<TmpInode>> = None;
        loop {
            NAMES.fetch_sub(entries.by_cookie.len(), Ordering::Relaxed);
            for (_, Entry { inode, .. }) in core::mem::take(&mut entries.by_cookie) {
                // One that is still open somewhere keeps what is below it.
                if let Contents::Directory(below) = &inode.contents
                    && Arc::strong_count(&inode) == 1
                {
                    below.with(|below| below.next_dropped = dropped.take());
                    dropped = Some(inode);
                }
            }
            let Some(directory) = dropped.take() else { break };
            if let Contents::Directory(below) = &directory.contents {
                entries = below.with(core::mem::take);
                dropped = entries.next_dropped.take();
            }
        }
    }
}

impl Inode for TmpInode {
    fn base(&self) -> &InodeBase {
        &self.base
    }

    fn open(self: Arc<Self>, cx: &mut CurrentThread, flags: u32) -> Result<Arc<dyn File>> {
        match &self.contents {
            Contents::Regular(_) | Contents::Directory(_) => Ok(self),
            Contents::Symlink(_) => Err(Errno::ELOOP),
            Contents::Fifo(pipe) => {
                let pipe = pipe.call_once(|| Arc::new(Pipe::new())).clone();
                pipe.open(cx, flags)?;
                Ok(pipe)
            }
            Contents::Node => Err(Errno::ENXIO),
        }
    }

    fn open_at(self: Arc<Self>, cx: &mut CurrentThread, place: &Path, flags: u32) -> Result<Arc<dyn File>> {
        match &self.contents {
            Contents::Node => device::open(cx, self.base.kind, self.base.node, place, flags),
            _ => self.open(cx, flags),
        }
    }

    fn size_bytes(&self) -> u64 {
        match &self.contents {
            Contents::Regular(cache) => cache.size_bytes(),
            Contents::Directory(entries) => (2 + entries.with(|entries| entries.by_cookie.len() as u64)) * ENTRY_BYTES,
            Contents::Symlink(target) => target.len() as u64,
            Contents::Fifo(_) | Contents::Node => 0,
        }
    }

    fn page_cache(&self) -> Option<&Arc<PageCache>> {
        match &self.contents {
            Contents::Regular(cache) => Some(cache),
            _ => None,
        }
    }

    fn lookup(&self, cx: &mut CurrentThread, name: &[u8]) -> Result<Option<Arc<dyn Inode>>> {
        let found = self.entries()?.lock(cx).get(name).cloned();
        Ok(found.map(|inode| inode as Arc<dyn Inode>))
    }

    fn create(&self, cx: &mut CurrentThread, name: &[u8], new: &NewNode<'_>) -> Result<Arc<dyn Inode>> {
        check_names()?;
        let inode = Arc::new(TmpInode::new(&self.shared, new)?);
        self.entries()?.lock(cx).insert(name, inode.clone())?;
        self.base.mark_modified(cx);
        if new.kind == FileKind::Directory {
            self.base.update(cx, |attributes| attributes.links += 1);
        }
        Ok(inode)
    }

    fn extended_attributes(&self) -> Option<&ExtendedAttributes> {
        Some(&self.extended)
    }

    fn create_unnamed(&self, cx: &mut CurrentThread, new: &NewNode<'_>) -> Result<Arc<dyn Inode>> {
        self.entries()?;
        let inode = TmpInode::new(&self.shared, new)?;
        inode.base.update(cx, |attributes| attributes.links = 0);
        Ok(Arc::new(inode))
    }

    fn link(&self, cx: &mut CurrentThread, name: &[u8], target: &Arc<dyn Inode>) -> Result<()> {
        check_names()?;
        let target = own(target)?;
        // LINUX: a further name counts as an inode, the first name of an unnamed file does not.
        let is_further = target.base.attributes(cx).links > 0;
        if is_further {
            self.shared.inodes.take()?;
        }
        // Counted first, so that no moment shows a name without a link.
        target.base.update(cx, |attributes| attributes.links += 1);
        let outcome = self.entries()?.lock(cx).insert(name, target.clone());
        if let Err(error) = outcome {
            target.base.update(cx, |attributes| attributes.links -= 1);
            self.shared.inodes.give_back(u64::from(is_further));
            return Err(error);
        }
        target.base.mark_changed(cx);
        self.base.mark_modified(cx);
        Ok(())
    }

    fn unlink(&self, cx: &mut CurrentThread, name: &[u8], child: &Arc<dyn Inode>) -> Result<()> {
        let removed = self.entries()?.lock(cx).remove(name);
        drop(removed);
        self.drop_link(cx, child.base());
        child.base().mark_changed(cx);
        self.base.mark_modified(cx);
        Ok(())
    }

    fn remove_directory(&self, cx: &mut CurrentThread, name: &[u8], child: &Arc<dyn Inode>) -> Result<()> {
        {
            let child = own(child)?;
            let mut entries = child.entries()?.lock(cx);
            if !entries.by_cookie.is_empty() {
                return Err(Errno::ENOTEMPTY);
            }
            entries.is_dead = true;
        }
        let removed = self.entries()?.lock(cx).remove(name);
        drop(removed);
        child.base().update(cx, |attributes| attributes.links = 0);
        child.base().mark_changed(cx);
        self.base.update(cx, |attributes| attributes.links -= 1);
        self.base.mark_modified(cx);
        Ok(())
    }

    fn rename(&self, cx: &mut CurrentThread, request: &Rename<'_>) -> Result<()> {
        let child = own(request.child)?;
        let new_parent = own(request.new_parent)?;
        let replaced = request.replaced.map(own).transpose()?;
        let child_is_directory = child.base.kind == FileKind::Directory;
        let moves_up_links = |from: &TmpInode, to: &TmpInode| {
            from.base.update(cx, |attributes| attributes.links -= 1);
            to.base.update(cx, |attributes| attributes.links += 1);
        };
        if let Some(other) = replaced.as_ref().filter(|_| request.is_exchange) {
            let removed = (
                self.entries()?.lock(cx).remove(request.old_name),
                new_parent.entries()?.lock(cx).remove(request.new_name),
            );
            self.entries()?.lock(cx).insert(request.old_name, other.clone())?;
            new_parent.entries()?.lock(cx).insert(request.new_name, child.clone())?;
            drop(removed);
            if child_is_directory {
                moves_up_links(self, &new_parent);
            }
            if other.base.kind == FileKind::Directory {
                moves_up_links(&new_parent, self);
            }
            other.base.mark_changed(cx);
        } else {
            if let Some(other) = &replaced {
                if let Contents::Directory(entries) = &other.contents {
                    let mut entries = entries.lock(cx);
                    if !entries.by_cookie.is_empty() {
                        return Err(Errno::ENOTEMPTY);
                    }
                    entries.is_dead = true;
                }
                let removed = new_parent.entries()?.lock(cx).remove(request.new_name);
                drop(removed);
                if other.base.kind == FileKind::Directory {
                    other.base.update(cx, |attributes| attributes.links = 0);
                    new_parent.base.update(cx, |attributes| attributes.links -= 1);
                } else {
                    self.drop_link(cx, &other.base);
                }
                other.base.mark_changed(cx);
            }
            let removed = self.entries()?.lock(cx).remove(request.old_name);
            drop(removed);
            new_parent.entries()?.lock(cx).insert(request.new_name, child.clone())?;
            if child_is_directory {
                moves_up_links(self, &new_parent);
            }
        }
        child.base.mark_changed(cx);
        self.base.mark_modified(cx);
        new_parent.base.mark_modified(cx);
        Ok(())
    }

    fn read_link(&self, _cx: &mut CurrentThread) -> Result<Arc<[u8]>> {
        match &self.contents {
            Contents::Symlink(target) => Ok(target.clone()),
            _ => Err(Errno::EINVAL),
        }
    }
}

/// The same inode as our own type; EXDEV for a foreign one, which the callers have excluded.
fn own(inode: &Arc<dyn Inode>) -> Result<Arc<TmpInode>> {
    let any: Arc<dyn Any + Send + Sync> = inode.clone();
    any.downcast::<TmpInode>().map_err(|_| Errno::EXDEV)
}

impl File for TmpInode {
    fn read(&self, cx: &mut CurrentThread, open: &OpenFile, offset: &mut u64, to: &mut Sink<'_>) -> Result<()> {
        if self.base.kind == FileKind::Directory {
            return Err(Errno::EISDIR);
        }
        regular::read(cx, open, offset, to)
    }

    fn write(&self, cx: &mut CurrentThread, open: &OpenFile, offset: &mut u64, from: &mut Source<'_>) -> Result<()> {
        regular::write(cx, open, offset, from)
    }

    fn append(&self, cx: &mut CurrentThread, open: &OpenFile, offset: &mut u64, from: &mut Source<'_>) -> Result<()> {
        regular::append(cx, open, offset, from)
    }

    fn read_directory(&self, cx: &mut CurrentThread, open: &OpenFile, listing: &mut Listing<'_>) -> Result<()> {
        let list = self.entries()?;
        if !listing.add_own(self.base.number, open.parent_number(cx)) {
            return Ok(());
        }
        let entries = list.lock(cx);
        if entries.is_dead {
            return Err(Errno::ENOENT);
        }
        for (&cookie, entry) in entries.by_cookie.range(listing.place()..) {
            let base = &entry.inode.base;
            if !listing.add(cookie, &entry.name, base.number, base.kind) {
                return Ok(());
            }
        }
        drop(entries);
        self.base.mark_accessed(cx);
        Ok(())
    }

    fn seek_end(&self, _cx: &mut CurrentThread, _open: &OpenFile) -> Result<u64> {
        // LINUX: the end of a tmpfs directory is past every entry.
        match &self.contents {
            Contents::Directory(_) => Ok(i64::MAX as u64),
            _ => Ok(self.size_bytes()),
        }
    }
}
