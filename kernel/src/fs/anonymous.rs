//! Objects without a place in the tree of files: pipes, event counters, poll sets, memory files, host streams. They have an
//! inode, so that `fstat` and `/proc/self/fd` can speak of them, on a file system of their own that is mounted nowhere.
//!
//! Main types: [`AnonymousInode`]; [`AnonymousFileSystem`]. Called by whatever makes such an object.
use super::file::File;
use super::inode::{
    Attributes, DeviceNumber, FileKind, FileSystem, Inode, InodeBase, next_anonymous_device, next_inode_number,
};
use crate::errno::{Errno, Result};
use alloc::sync::Arc;
use machine::sync::Once;
use machine::thread::CurrentThread;

/// The file system of objects without a name.
pub struct AnonymousFileSystem {
    root: Arc<AnonymousInode>,
}

impl AnonymousFileSystem {
    /// The instance for the internal mount.
    pub(super) fn new() -> AnonymousFileSystem {
        AnonymousFileSystem { root: AnonymousInode::new(FileKind::Directory, 0o755, None) }
    }
}

impl FileSystem for AnonymousFileSystem {
    fn type_name(&self) -> &'static str {
        "anon_inodefs"
    }
    fn magic(&self) -> u64 {
        0x0904_1934
    }
    fn device(&self) -> DeviceNumber {
        device()
    }
    fn root(&self) -> Arc<dyn Inode> {
        self.root.clone()
    }
}

fn device() -> DeviceNumber {
    static DEVICE: Once<DeviceNumber> = Once::new();
    *DEVICE.call_once(next_anonymous_device)
}

/// The inode of an object without a name.
pub struct AnonymousInode {
    base: InodeBase,
    /// What opening it again (through `/proc/self/fd`) gives.
    reopened: Option<Arc<dyn Reopen>>,
}

/// An object that can be opened again through `/proc/PID/fd`.
pub trait Reopen: Send + Sync {
    /// The file of a new description with `flags`.
    fn reopen(self: Arc<Self>, cx: &mut CurrentThread, flags: u32) -> Result<Arc<dyn File>>;
}

impl AnonymousInode {
    /// A new inode, owned by the superuser unless changed.
    pub fn new(kind: FileKind, permissions: u32, reopened: Option<Arc<dyn Reopen>>) -> Arc<AnonymousInode> {
        let attributes = Attributes { permissions, links: 1, ..Attributes::default() };
        Arc::new(AnonymousInode { base: InodeBase::new(kind, next_inode_number(), device(), attributes), reopened })
    }
}

impl Inode for AnonymousInode {
    fn base(&self) -> &InodeBase {
        &self.base
    }
    fn open(self: Arc<Self>, cx: &mut CurrentThread, flags: u32) -> Result<Arc<dyn File>> {
        match &self.reopened {
            Some(object) => object.clone().reopen(cx, flags),
            None => Err(Errno::ENXIO),
        }
    }
}
