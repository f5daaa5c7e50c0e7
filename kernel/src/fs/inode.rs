//! Inodes: what a file is, apart from its names and from who has it open.
//!
//! Main types: [`Inode`], which every file system implements; [`InodeBase`], the part all of them share (identity and
//! attributes); [`NewNode`], what a directory is asked to make.
//! Called by the path walk (look-ups), the file calls (attributes, creation) and by [`super::open_file`].
//!
//! # Invariants
//! Kind, number and device of an inode never change. Attributes that change together are under one spin lock.
//! Name operations of one directory are serialised by the caller ([`super::dentry`]), so a file system needs no lock
//! against itself beyond the one for its own data.
use super::extended_attributes::ExtendedAttributes;
use super::file::File;
use super::file_lock::FileLocks;
use super::notify::Watchers;
use super::page_cache::PageCache;
use super::path::Path;
use crate::errno::{Errno, Result};
use crate::lock_order;
use crate::timer::wall_clock_ns;
use alloc::sync::Arc;
use core::any::Any;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use machine::sync::{Mutex, Once, SpinLock};
use machine::thread::CurrentThread;

/// The type of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum FileKind {
    /// A named pipe, and pipes.
    Fifo = 1,
    /// A character device.
    CharDevice = 2,
    /// A directory.
    Directory = 4,
    /// A block device.
    BlockDevice = 6,
    /// A regular file.
    Regular = 8,
    /// A symbolic link.
    Symlink = 10,
    /// A socket.
    Socket = 12,
}

impl FileKind {
    /// The `S_IFMT` bits.
    pub const fn mode_bits(self) -> u32 {
        (self as u32) << 12
    }
    /// `DT_*`, as directory entries carry it.
    pub const fn directory_type(self) -> u8 {
        self as u8
    }
    /// From a mode; `None` if the type bits mean nothing.
    pub const fn from_mode(mode: u32) -> Option<FileKind> {
        Some(match (mode >> 12) & 0xf {
            1 => FileKind::Fifo,
            2 => FileKind::CharDevice,
            4 => FileKind::Directory,
            6 => FileKind::BlockDevice,
            8 => FileKind::Regular,
            10 => FileKind::Symlink,
            12 => FileKind::Socket,
            _ => return None,
        })
    }
}

/// A device number, Linux's `dev_t` as user space sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DeviceNumber {
    /// Which driver.
    pub major: u32,
    /// Which of its devices.
    pub minor: u32,
}

impl DeviceNumber {
    /// A device number.
    pub const fn new(major: u32, minor: u32) -> DeviceNumber {
        DeviceNumber { major, minor }
    }
    /// The encoding of `struct stat`.
    pub const fn encoded(self) -> u64 {
        let (major, minor) = (self.major as u64, self.minor as u64);
        (minor & 0xff) | (major & 0xfff) << 8 | (minor & !0xff) << 12 | (major & !0xfff) << 32
    }
    /// From the encoding that `mknod` takes (32 bits).
    pub const fn from_encoded(number: u64) -> DeviceNumber {
        DeviceNumber {
            major: ((number >> 8) & 0xfff) as u32,
            minor: ((number & 0xff) | (number >> 12) & 0xfff00) as u32,
        }
    }
}

/// Permission bits, ownership, links and times.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attributes {
    /// Permission bits with set-id and sticky bits; no type bits.
    pub permissions: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Names, and for a directory also `.` and the `..` of its children.
    pub links: u32,
    /// Last read, nanoseconds since the epoch.
    pub access_ns: u64,
    /// Last change of the contents.
    pub modify_ns: u64,
    /// Last change of the inode.
    pub change_ns: u64,
    /// Creation.
    pub birth_ns: u64,
}

/// What every inode has.
pub struct InodeBase {
    /// Its type.
    pub kind: FileKind,
    /// Its number within the file system.
    pub number: u64,
    /// The file system's device number.
    pub device: DeviceNumber,
    /// What a device node stands for.
    pub node: DeviceNumber,
    attributes: SpinLock<Attributes>,
    /// Serialises writers and truncation of the contents (Linux's `i_rwsem`).
    pub write_lock: Mutex<()>,
    /// `flock` and `fcntl` locks, made when the first is taken.
    locks: Once<Arc<FileLocks>>,
    /// Descriptions open for writing if positive, programs that run from it if negative: never both.
    users: AtomicI32,
    /// It has no name yet and may get one (O_TMPFILE).
    is_linkable: AtomicBool,
    /// Who is told what happens to it.
    pub(super) watchers: Watchers,
}

impl InodeBase {
    /// A new inode's base; all times are now unless `attributes` says otherwise.
    pub fn new(kind: FileKind, number: u64, device: DeviceNumber, attributes: Attributes) -> InodeBase {
        InodeBase::for_device(kind, number, device, DeviceNumber::default(), attributes)
    }

    /// The base of a device node.
    pub fn for_device(
        kind: FileKind,
        number: u64,
        device: DeviceNumber,
        node: DeviceNumber,
        mut attributes: Attributes,
    ) -> InodeBase {
        if attributes.birth_ns == 0 {
            let now = wall_clock_ns();
            attributes.access_ns = now;
            attributes.modify_ns = now;
            attributes.change_ns = now;
            attributes.birth_ns = now;
        }
        InodeBase {
            kind,
            number,
            device,
            node,
            attributes: SpinLock::new(&lock_order::INODE_ATTRIBUTES, attributes),
            write_lock: Mutex::new(&lock_order::INODE_WRITE, ()),
            locks: Once::new(),
            users: AtomicI32::new(0),
            is_linkable: AtomicBool::new(false),
            watchers: Watchers::default(),
        }
    }

    /// Lets it get a first name, once.
    pub(super) fn set_linkable(&self) {
        self.is_linkable.store(true, Ordering::Relaxed);
    }

    /// Whether it may get a first name; it may not after that.
    pub(super) fn take_linkable(&self) -> bool {
        self.is_linkable.swap(false, Ordering::Relaxed)
    }

    /// Whether a program runs from it (ETXTBSY for those who would write).
    pub fn is_executing(&self) -> bool {
        self.users.load(Ordering::Acquire) < 0
    }

    /// It is opened for writing; ETXTBSY if a program runs from it.
    pub fn begin_writing(&self) -> Result<()> {
        let more = |users: i32| if users < 0 { None } else { users.checked_add(1) };
        self.users.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).map(|_| ()).map_err(|_| Errno::ETXTBSY)
    }

    /// One who wrote it has closed it.
    pub fn end_writing(&self) {
        self.users.fetch_sub(1, Ordering::AcqRel);
    }

    /// A program begins to run from it; ETXTBSY if it is open for writing.
    pub fn begin_execution(&self) -> Result<()> {
        let less = |users: i32| if users > 0 { None } else { users.checked_sub(1) };
        self.users.fetch_update(Ordering::AcqRel, Ordering::Acquire, less).map(|_| ()).map_err(|_| Errno::ETXTBSY)
    }

    /// One more runs, where one runs already.
    pub fn continue_execution(&self) {
        self.users.fetch_sub(1, Ordering::AcqRel);
    }

    /// A program that ran from it has ended or replaced itself.
    pub fn end_execution(&self) {
        self.users.fetch_add(1, Ordering::AcqRel);
    }

    /// The attributes now.
    pub fn attributes(&self, cx: &CurrentThread) -> Attributes {
        *self.attributes.lock(cx)
    }

    /// Changes attributes; `change` must not call out.
    pub fn update<R>(&self, cx: &CurrentThread, change: impl FnOnce(&mut Attributes) -> R) -> R {
        change(&mut self.attributes.lock(cx))
    }

    /// The same where there is no token.
    pub fn update_as_leaf<R>(&self, change: impl FnOnce(&mut Attributes) -> R) -> R {
        self.attributes.with(change)
    }

    /// Whether it has no name left, where there is no token.
    pub(super) fn has_no_links_as_leaf(&self) -> bool {
        self.attributes.with(|attributes| attributes.links == 0)
    }

    /// The contents changed now.
    pub fn mark_modified(&self, cx: &CurrentThread) {
        let now = wall_clock_ns();
        let mut attributes = self.attributes.lock(cx);
        attributes.modify_ns = now;
        attributes.change_ns = now;
    }

    /// The inode changed now.
    pub fn mark_changed(&self, cx: &CurrentThread) {
        self.attributes.lock(cx).change_ns = wall_clock_ns();
    }

    /// The contents were read now: noted at most once a day or after a change (Linux's `relatime`).
    pub fn mark_accessed(&self, cx: &CurrentThread) {
        const DAY_NS: u64 = 86_400_000_000_000;
        let mut attributes = self.attributes.lock(cx);
        if attributes.access_ns > attributes.modify_ns && attributes.access_ns > attributes.change_ns {
            // The clock is read only when the mark can be due.
            let now = wall_clock_ns();
            if now.wrapping_sub(attributes.access_ns) < DAY_NS {
                return;
            }
        }
        attributes.access_ns = wall_clock_ns();
    }

    /// The inode's file locks.
    pub fn file_locks(&self) -> &Arc<FileLocks> {
        self.locks.call_once(|| Arc::new(FileLocks::new()))
    }

    /// The inode's file locks, if there ever were any.
    pub fn file_locks_if_any(&self) -> Option<&Arc<FileLocks>> {
        self.locks.get()
    }
}

/// What a directory is asked to create.
#[derive(Clone, Copy, Debug)]
pub struct NewNode<'a> {
    /// The type.
    pub kind: FileKind,
    /// Permission bits, the umask already applied.
    pub permissions: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// For device nodes.
    pub node: DeviceNumber,
    /// For symbolic links.
    pub target: &'a [u8],
}

/// What `statfs` tells, in blocks of the page size.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileSystemUsage {
    /// Blocks in all.
    pub blocks: u64,
    /// Blocks free.
    pub blocks_free: u64,
    /// Inodes in all.
    pub files: u64,
    /// Inodes free.
    pub files_free: u64,
}

/// A mounted instance of a file system.
pub trait FileSystem: Send + Sync {
    /// Its type, as `/proc/mounts` names it.
    fn type_name(&self) -> &'static str;
    /// The magic number of `statfs`.
    fn magic(&self) -> u64;
    /// Its device number (`st_dev`).
    fn device(&self) -> DeviceNumber;
    /// Its root directory.
    fn root(&self) -> Arc<dyn Inode>;
    /// Space and inodes.
    fn usage(&self) -> FileSystemUsage {
        FileSystemUsage::default()
    }
    /// Changes options of the instance (MS_REMOUNT). Nothing said changes nothing.
    fn reconfigure(&self, options: &[u8]) -> Result<()> {
        if options.is_empty() { Ok(()) } else { Err(Errno::EINVAL) }
    }
}

/// A file, directory, link or node of a file system. Operations that a kind does not have answer the errno that Linux
/// gives for them, which is what the defaults do.
pub trait Inode: Any + Send + Sync {
    /// Identity and attributes.
    fn base(&self) -> &InodeBase;

    /// Its extended attributes, if the file system has such.
    fn extended_attributes(&self) -> Option<&ExtendedAttributes> {
        None
    }

    /// Makes a file in the directory's file system that has no name (O_TMPFILE).
    fn create_unnamed(&self, _cx: &mut CurrentThread, _new: &NewNode<'_>) -> Result<Arc<dyn Inode>> {
        Err(Errno::EOPNOTSUPP)
    }

    /// Makes what an open file description reads and writes. `flags` are `O_*`.
    fn open(self: Arc<Self>, cx: &mut CurrentThread, flags: u32) -> Result<Arc<dyn File>>;

    /// The same for an inode found at `place`, which matters to some device nodes.
    fn open_at(self: Arc<Self>, cx: &mut CurrentThread, _place: &Path, flags: u32) -> Result<Arc<dyn File>> {
        self.open(cx, flags)
    }

    /// Bytes of contents, `st_size`.
    fn size_bytes(&self) -> u64 {
        self.page_cache().map_or(0, |cache| cache.size_bytes())
    }

    /// Blocks of 512 bytes in use, `st_blocks`.
    fn blocks(&self) -> u64 {
        self.page_cache().map_or(0, |cache| cache.blocks())
    }

    /// The home of the contents, for regular files.
    fn page_cache(&self) -> Option<&Arc<PageCache>> {
        None
    }

    /// Looks a name up in this directory.
    fn lookup(&self, _cx: &mut CurrentThread, _name: &[u8]) -> Result<Option<Arc<dyn Inode>>> {
        Err(Errno::ENOTDIR)
    }

    /// Whether look-ups here may be remembered; false where names come and go by themselves (`/proc`).
    fn caches_names(&self) -> bool {
        true
    }

    /// Makes `name`, which does not exist.
    fn create(&self, _cx: &mut CurrentThread, _name: &[u8], _new: &NewNode<'_>) -> Result<Arc<dyn Inode>> {
        Err(Errno::EPERM)
    }

    /// Gives `target` the further name `name`, which does not exist.
    fn link(&self, _cx: &mut CurrentThread, _name: &[u8], _target: &Arc<dyn Inode>) -> Result<()> {
        Err(Errno::EPERM)
    }

    /// Removes `name`, which is `child` and no directory.
    fn unlink(&self, _cx: &mut CurrentThread, _name: &[u8], _child: &Arc<dyn Inode>) -> Result<()> {
        Err(Errno::EPERM)
    }

    /// Removes the directory `child`, which is `name`; ENOTEMPTY unless it is empty.
    fn remove_directory(&self, _cx: &mut CurrentThread, _name: &[u8], _child: &Arc<dyn Inode>) -> Result<()> {
        Err(Errno::EPERM)
    }

    /// Moves a name. All kinds, permissions and ancestors were checked.
    fn rename(&self, _cx: &mut CurrentThread, _request: &Rename<'_>) -> Result<()> {
        Err(Errno::EPERM)
    }

    /// A symbolic link's target.
    fn read_link(&self, _cx: &mut CurrentThread) -> Result<Arc<[u8]>> {
        Err(Errno::EINVAL)
    }

    /// For links that lead to an object instead of a name (`/proc/PID/exe`, `/proc/PID/fd/N`).
    fn follow(&self, _cx: &mut CurrentThread) -> Result<Option<Path>> {
        Ok(None)
    }

    /// Sets the length of the contents. The caller holds the write lock.
    fn truncate(&self, cx: &mut CurrentThread, bytes: u64) -> Result<()> {
        match self.page_cache() {
            Some(cache) => cache.set_size(cx, bytes),
            None => Err(Errno::EINVAL),
        }
    }
}

impl dyn Inode {
    /// For finding a file system's own type again.
    pub fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A move of `old_name` in the directory asked to `new_name` in `new_parent`.
pub struct Rename<'a> {
    /// The name to move.
    pub old_name: &'a [u8],
    /// What it is.
    pub child: &'a Arc<dyn Inode>,
    /// The directory it goes to; may be the same.
    pub new_parent: &'a Arc<dyn Inode>,
    /// Its new name.
    pub new_name: &'a [u8],
    /// What has that name now: replaced, or exchanged.
    pub replaced: Option<&'a Arc<dyn Inode>>,
    /// RENAME_EXCHANGE.
    pub is_exchange: bool,
}

/// A fresh inode number for file systems that have none of their own.
pub fn next_inode_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(2);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A device number for a file system without a device (major 0, as Linux gives them).
pub fn next_anonymous_device() -> DeviceNumber {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    // CAST: nobody mounts four thousand million file systems.
    DeviceNumber::new(0, NEXT.fetch_add(1, Ordering::Relaxed) as u32)
}
