//! Mounts and paths: which file system is seen where, and a place in the resulting tree.
//!
//! Main types: [`Path`], a dentry as seen through a mount; [`Mount`]; [`SuperBlock`], a file system instance.
//! Called by [`super::walk`] at mount points, by the mount calls, and by listings (`/proc/mounts`, `getcwd`).
//!
//! # Invariants
//! The mount table is a short list under one spin lock, looked at only when a walk meets a dentry marked as mount point.
//! A mount keeps its parent mount alive; a file system lives as long as one of its mounts or open files.
use super::dentry::{self, Dentry};
use super::inode::{FileSystem, Inode};
use super::inotify;
use crate::errno::{Errno, Result};
use crate::lock_order;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};
use machine::sync::{Once, RwLock, SpinLock};
use machine::thread::CurrentThread;

/// Mount flag: nothing may be changed through this mount (MS_RDONLY).
pub const MOUNT_READ_ONLY: u64 = 1;
/// Mount flag: set-id bits have no effect (MS_NOSUID).
pub const MOUNT_NO_SETID: u64 = 2;
/// Mount flag: device nodes cannot be opened (MS_NODEV).
pub const MOUNT_NO_DEVICES: u64 = 4;
/// Mount flag: nothing can be executed (MS_NOEXEC).
pub const MOUNT_NO_EXECUTION: u64 = 8;

/// A file system instance with its tree of names.
pub struct SuperBlock {
    /// The file system.
    pub file_system: Arc<dyn FileSystem>,
    /// Its root directory.
    pub root: Arc<Dentry>,
    /// Held for writing by a rename between directories, for reading by everything else that changes names.
    pub rename_lock: RwLock<()>,
}

impl SuperBlock {
    /// A fresh tree of names over `file_system`.
    pub fn new(file_system: Arc<dyn FileSystem>) -> Arc<SuperBlock> {
        let root = Dentry::new_root(b"/", file_system.root());
        Arc::new(SuperBlock { file_system, root, rename_lock: RwLock::new(&lock_order::RENAME, ()) })
    }
}

/// A file system, or a part of it, seen at a place.
pub struct Mount {
    /// Its number, `/proc/PID/mountinfo`'s first field.
    pub id: u64,
    /// The file system.
    pub super_block: Arc<SuperBlock>,
    /// What is seen at the mount point.
    pub root: Arc<Dentry>,
    /// The mount point; `None` for the root mount and for internal mounts (pipes).
    pub on: Option<Path>,
    /// What was mounted, as given.
    pub source: Arc<[u8]>,
    /// `MOUNT_*` flags.
    pub flags: AtomicU64,
}

impl Mount {
    /// Makes a mount that is not in the table.
    pub fn new(
        super_block: Arc<SuperBlock>,
        root: Arc<Dentry>,
        on: Option<Path>,
        source: &[u8],
        flags: u64,
    ) -> Arc<Mount> {
        static NEXT_ID: AtomicU64 = AtomicU64::new(20);
        Arc::new(Mount {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            super_block,
            root,
            on,
            source: Arc::from(source),
            flags: AtomicU64::new(flags),
        })
    }

    /// Whether `flag` is set.
    pub fn has_flag(&self, flag: u64) -> bool {
        self.flags.load(Ordering::Relaxed) & flag != 0
    }

    /// EROFS if nothing may be changed through it.
    pub fn check_writable(&self) -> Result<()> {
        if self.has_flag(MOUNT_READ_ONLY) { Err(Errno::EROFS) } else { Ok(()) }
    }
}

/// A place in the tree of files.
#[derive(Clone)]
pub struct Path {
    /// Through which mount.
    pub mount: Arc<Mount>,
    /// Which name.
    pub dentry: Arc<Dentry>,
}

impl Path {
    /// Both the same.
    pub fn is(&self, other: &Path) -> bool {
        Arc::ptr_eq(&self.dentry, &other.dentry) && Arc::ptr_eq(&self.mount, &other.mount)
    }

    /// The inode; ENOENT for a name that does not exist.
    pub fn inode(&self) -> Result<&Arc<dyn Inode>> {
        self.dentry.inode().ok_or(Errno::ENOENT)
    }

    /// Whether it is the root of its mount.
    pub fn is_mount_root(&self) -> bool {
        Arc::ptr_eq(&self.dentry, &self.mount.root)
    }

    /// The absolute name as seen from `root`, as `getcwd` and `/proc/self/fd` tell it. Not below `root`: the name begins with
    /// `(unreachable)`. A removed name ends in ` (deleted)`.
    pub fn absolute_name(&self, cx: &CurrentThread, root: &Path) -> Result<Vec<u8>> {
        let mut names: Vec<Arc<[u8]>> = Vec::new();
        let mut at = self.clone();
        let mut is_reachable = true;
        while !at.is(root) {
            if at.is_mount_root() {
                match at.mount.on.clone() {
                    Some(on) => at = on,
                    None => {
                        is_reachable = at.dentry.parent(cx).is_none() && at.mount.id == root.mount.id;
                        break;
                    }
                }
                continue;
            }
            let (parent, name) = at.dentry.parent_and_name(cx);
            let Some(parent) = parent else {
                // An object without a place in the tree: its own name is all there is ("pipe:[7]").
                return Ok(name.to_vec());
            };
            names.try_reserve(1)?;
            names.push(name);
            at.dentry = parent;
        }
        let mut text = Vec::new();
        let bytes: usize = names.iter().map(|name| name.len() + 1).sum();
        text.try_reserve(bytes + 32)?;
        if !is_reachable {
            text.extend_from_slice(b"(unreachable)");
        }
        for name in names.iter().rev() {
            text.push(b'/');
            text.extend_from_slice(name);
        }
        if names.is_empty() {
            text.push(b'/');
        }
        if self.dentry.is_removed() {
            text.extend_from_slice(b" (deleted)");
        }
        Ok(text)
    }
}

static TABLE: SpinLock<Vec<Arc<Mount>>> = SpinLock::new(&lock_order::MOUNT_TABLE, Vec::new());
static ROOT: Once<Path> = Once::new();
static INTERNAL: Once<Arc<Mount>> = Once::new();

/// The root of the tree. Set by [`set_root`] before the first program runs.
pub fn root() -> Option<&'static Path> {
    ROOT.get()
}

/// Makes `super_block` the root of the tree; once.
pub(super) fn set_root(cx: &CurrentThread, super_block: Arc<SuperBlock>, source: &[u8]) -> Path {
    let mount = Mount::new(super_block.clone(), super_block.root.clone(), None, source, 0);
    TABLE.lock(cx).push(mount.clone());
    ROOT.call_once(|| Path { mount, dentry: super_block.root.clone() }).clone()
}

/// The mount of objects that have no place in the tree: pipes, event counters, memory files.
pub fn internal_mount() -> &'static Arc<Mount> {
    INTERNAL.call_once(|| {
        let super_block = SuperBlock::new(Arc::new(super::anonymous::AnonymousFileSystem::new()));
        let root = super_block.root.clone();
        Mount::new(super_block, root, None, b"none", 0)
    })
}

/// Mounts `super_block` on the directory `on`.
pub fn mount(
    cx: &CurrentThread,
    on: &Path,
    super_block: Arc<SuperBlock>,
    source: &[u8],
    flags: u64,
) -> Result<Arc<Mount>> {
    let root = super_block.root.clone();
    let mount = Mount::new(super_block, root, Some(on.clone()), source, flags);
    attach(cx, on, mount)
}

/// Shows what is at `from` at `on` too (MS_BIND).
pub fn bind(cx: &CurrentThread, from: &Path, on: &Path) -> Result<Arc<Mount>> {
    attach(cx, on, copy_of(&from.mount, from.dentry.clone(), on.clone()))
}

/// Shows what is at `from` at `on`, and with it everything mounted below `from` (MS_BIND with MS_REC).
pub fn bind_tree(cx: &CurrentThread, from: &Path, on: &Path) -> Result<()> {
    let all = mounts(cx)?;
    let mut copies: Vec<(Arc<Mount>, Arc<Mount>)> = Vec::new();
    copies.try_reserve(all.len() + 1)?;
    copies.push((from.mount.clone(), copy_of(&from.mount, from.dentry.clone(), on.clone())));
    // A mount stands in the table behind the one that it is mounted on.
    for mount in &all {
        let Some(place) = &mount.on else { continue };
        let Some((_, parent)) = copies.iter().find(|(known, _)| Arc::ptr_eq(known, &place.mount)) else { continue };
        if place.dentry.is_within(cx, &parent.root) {
            let on = Path { mount: parent.clone(), dentry: place.dentry.clone() };
            copies.push((mount.clone(), copy_of(mount, mount.root.clone(), on)));
        }
    }
    let mut table = TABLE.lock(cx);
    table.try_reserve(copies.len())?;
    for (_, copy) in copies.drain(..) {
        if let Some(on) = &copy.on {
            on.dentry.set_mount_point(true);
        }
        table.push(copy);
    }
    Ok(())
}

/// The same file system with the same flags, at another place.
fn copy_of(mount: &Mount, root: Arc<Dentry>, on: Path) -> Arc<Mount> {
    let flags = mount.flags.load(Ordering::Relaxed);
    Mount::new(mount.super_block.clone(), root, Some(on), &mount.source, flags)
}

fn attach(cx: &CurrentThread, on: &Path, mount: Arc<Mount>) -> Result<Arc<Mount>> {
    let mut table = TABLE.lock(cx);
    table.try_reserve(1)?;
    table.push(mount.clone());
    on.dentry.set_mount_point(true);
    Ok(mount)
}

/// Takes the mount away of which `path` is the root. EINVAL if it is none, EBUSY if it is in use.
pub fn unmount(cx: &CurrentThread, path: Path, is_lazy: bool) -> Result<()> {
    let mount = path.mount.clone();
    let (is_root, on) = (path.is_mount_root(), mount.on.clone());
    drop(path);
    let (true, Some(on)) = (is_root, on) else { return Err(Errno::EINVAL) };
    let (removed, is_last) = {
        let mut table = TABLE.lock(cx);
        let at = table.iter().position(|known| Arc::ptr_eq(known, &mount)).ok_or(Errno::EINVAL)?;
        // The table holds one reference and this function another; any further one is an open file, a working
        // directory or a mount on top.
        if !is_lazy && Arc::strong_count(&mount) > 2 {
            return Err(Errno::EBUSY);
        }
        let removed = table.remove(at);
        let is_still =
            table.iter().any(|known| known.on.as_ref().is_some_and(|place| Arc::ptr_eq(&place.dentry, &on.dentry)));
        on.dentry.set_mount_point(is_still);
        let is_last = !table.iter().any(|known| Arc::ptr_eq(&known.super_block, &mount.super_block));
        (removed, is_last)
    };
    drop(removed);
    if is_last {
        inotify::end_watches_on(mount.super_block.file_system.device());
    }
    drop(mount);
    // The cache would pin the file system's contents. Names of others go too, which costs them a look-up.
    dentry::give_up_unused(cx);
    Ok(())
}

/// What is mounted at `path`, or `path` itself.
pub(super) fn cross(cx: &CurrentThread, mut path: Path) -> Path {
    while path.dentry.is_mount_point() {
        let found = {
            let table = TABLE.lock(cx);
            table.iter().rev().find(|mount| mount.on.as_ref().is_some_and(|on| on.is(&path))).cloned()
        };
        let Some(mount) = found else { break };
        path = Path { dentry: mount.root.clone(), mount };
    }
    path
}

/// Every mount, in order of mounting.
pub fn mounts(cx: &CurrentThread) -> Result<Vec<Arc<Mount>>> {
    let mut all = Vec::new();
    // Room is reserved outside the lock; mounts added meanwhile are left out.
    let count = TABLE.lock(cx).len();
    all.try_reserve(count)?;
    let table = TABLE.lock(cx);
    all.extend(table.iter().take(count).cloned());
    Ok(all)
}
