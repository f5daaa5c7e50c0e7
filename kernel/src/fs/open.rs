//! Opening: from a path and `O_*` flags to an open file description, with Linux's checks in Linux's order.
//!
//! Main items: [`open_in`], behind `open`, `openat`, `openat2` and `creat`; [`open_for_exec`]; [`open_path`] for what a walk has
//! already found.
use super::file::File;
use super::inode::{DeviceNumber, FileKind, NewNode};
use super::names;
use super::notify;
use super::open_file::OpenFile;
use super::path::{MOUNT_NO_DEVICES, MOUNT_NO_EXECUTION, Path};
use super::permission::{self, EXECUTE, READ, WRITE};
use super::regular;
use super::walk::{Last, Walk};
use crate::errno::{Errno, Result};
use crate::syscall::{Call, Fd};
use crate::task::Credentials;
use abi::linux::{
    AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, O_ACCMODE, O_CLOEXEC, O_CREAT, O_DIRECTORY, O_EXCL, O_NOATIME, O_NOCTTY,
    O_NOFOLLOW, O_PATH, O_RDONLY, O_TRUNC, O_WRONLY,
};
use alloc::sync::Arc;
use machine::thread::CurrentThread;

/// `__O_TMPFILE` without the O_DIRECTORY that user space adds.
const TEMPORARY: u32 = 0o20_000_000;
/// The bit that O_SYNC has besides O_DSYNC, and O_LARGEFILE: shown by F_GETFL as given.
const LARGE_FILE: u32 = abi::linux::O_LARGEFILE;

/// Where a relative path begins: the working directory, or the directory behind `fd`.
pub fn start_of(call: &Call<'_>, fd: Fd, path: &[u8]) -> Result<Path> {
    if fd == Fd::CWD || path.first() == Some(&b'/') {
        return Ok(call.task.fs(call.cx).working(call.cx));
    }
    Ok(call.task.files(call.cx).get_any(call.cx, fd)?.path().clone())
}

/// Opens `text` by `walk`. `mode` is final.
pub fn open_in(
    cx: &mut CurrentThread,
    walk: &mut Walk<'_>,
    who: &Credentials,
    start: Path,
    text: &[u8],
    flags: u32,
    mode: u32,
) -> Result<Arc<OpenFile>> {
    if flags & O_PATH != 0 {
        let flags = flags & (O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC);
        let path = walk.resolve(cx, start, text, flags & O_NOFOLLOW == 0)?;
        let inode = path.inode()?.clone();
        if flags & O_DIRECTORY != 0 && inode.base().kind != FileKind::Directory {
            return Err(Errno::ENOTDIR);
        }
        return Ok(OpenFile::new(path, inode, Arc::new(PathOnly), flags & !O_CLOEXEC));
    }
    if flags & TEMPORARY != 0 {
        if flags & O_DIRECTORY == 0 || flags & O_ACCMODE == O_RDONLY || flags & O_CREAT != 0 {
            return Err(Errno::EINVAL);
        }
        let parent = walk.resolve(cx, start, text, true)?;
        if parent.inode()?.base().kind != FileKind::Directory {
            return Err(Errno::ENOTDIR);
        }
        let made = names::create_unnamed(cx, who, &parent, new_file(mode), flags & O_EXCL == 0)?;
        return describe(cx, made, flags & !O_TRUNC);
    }
    if flags & (O_CREAT | O_DIRECTORY) == O_CREAT | O_DIRECTORY {
        return Err(Errno::EINVAL);
    }
    if flags & O_CREAT == 0 {
        let path = walk.resolve(cx, start, text, flags & O_NOFOLLOW == 0)?;
        return open_path(cx, who, path, flags);
    }
    let (mut parent, mut last) = walk.resolve_parent(cx, start, text)?;
    loop {
        let Last::Name { name, has_slash } = last else { return Err(Errno::EISDIR) };
        if has_slash {
            return Err(Errno::EISDIR);
        }
        let mut child = walk.child(cx, &parent, &name)?;
        if child.dentry.inode().is_none() {
            let (made, is_new) = names::create(cx, who, &parent, &name, new_file(mode), flags & O_EXCL == 0)?;
            if is_new {
                // Whatever the new file's mode says, its maker may use it as asked.
                return describe(cx, made, flags & !O_TRUNC);
            }
            child = made;
        }
        if flags & O_EXCL != 0 {
            return Err(Errno::EEXIST);
        }
        match child.inode()?.base().kind {
            FileKind::Directory => return Err(Errno::EISDIR),
            FileKind::Symlink if flags & O_NOFOLLOW != 0 => return Err(Errno::ELOOP),
            FileKind::Symlink => match walk.follow_object(cx, &child)? {
                Some(object) => return open_path(cx, who, object, flags),
                None => (parent, last) = walk.follow_to_parent(cx, parent, &child)?,
            },
            _ => return open_path(cx, who, child, flags),
        }
    }
}

/// What open makes; the owner is set by [`names`].
fn new_file(mode: u32) -> NewNode<'static> {
    let (uid, gid) = (0, 0);
    NewNode {
        kind: FileKind::Regular,
        permissions: mode & 0o7777,
        uid,
        gid,
        node: DeviceNumber::default(),
        target: &[],
    }
}

/// Opens what a walk has found.
pub fn open_path(cx: &mut CurrentThread, who: &Credentials, path: Path, flags: u32) -> Result<Arc<OpenFile>> {
    let inode = path.inode()?.clone();
    let base = inode.base();
    if flags & O_DIRECTORY != 0 && base.kind != FileKind::Directory {
        return Err(Errno::ENOTDIR);
    }
    let mut wanted = match flags & O_ACCMODE {
        O_RDONLY => READ,
        O_WRONLY => WRITE,
        _ => READ | WRITE,
    };
    match base.kind {
        FileKind::Symlink => return Err(Errno::ELOOP),
        FileKind::Directory if wanted & WRITE != 0 || flags & (O_TRUNC | O_CREAT) != 0 => return Err(Errno::EISDIR),
        FileKind::CharDevice | FileKind::BlockDevice if path.mount.has_flag(MOUNT_NO_DEVICES) => {
            return Err(Errno::EACCES);
        }
        FileKind::Socket => return Err(Errno::ENXIO),
        _ => {}
    }
    let truncates = flags & O_TRUNC != 0 && base.kind == FileKind::Regular;
    if truncates {
        wanted |= WRITE;
    }
    if wanted & WRITE != 0 && matches!(base.kind, FileKind::Regular | FileKind::Directory) {
        path.mount.check_writable()?;
    }
    permission::check(cx, who, base, wanted)?;
    if flags & O_NOATIME != 0 && !permission::is_owner(who, &base.attributes(cx)) {
        return Err(Errno::EPERM);
    }
    if wanted & WRITE != 0 && base.kind == FileKind::Regular && base.is_executing() {
        return Err(Errno::ETXTBSY);
    }
    if truncates && inode.size_bytes() > 0 {
        regular::truncate(cx, &*inode, 0)?;
    } else if truncates {
        base.mark_modified(cx);
    }
    describe(cx, path, flags)
}

/// Makes the description; nothing is checked any more.
pub(crate) fn describe(cx: &mut CurrentThread, path: Path, flags: u32) -> Result<Arc<OpenFile>> {
    let inode = path.inode()?.clone();
    let file = inode.clone().open_at(cx, &path, flags)?;
    let status = flags & !(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC) | LARGE_FILE;
    let open = OpenFile::new(path, inode, file, status);
    notify::opened(&open);
    if flags & O_TRUNC != 0 && open.inode().base().kind == FileKind::Regular {
        notify::modified(&open);
    }
    Ok(open)
}

/// Opens a program to be executed: a regular file with the right to execute it, on a mount that allows it.
pub fn open_for_exec(call: &mut Call<'_>, fd: Fd, text: &[u8], flags: u32) -> Result<Arc<OpenFile>> {
    let context = call.task.fs(call.cx);
    let who = call.task.credentials(call.cx);
    if flags & !(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) != 0 {
        return Err(Errno::EINVAL);
    }
    let start = start_of(call, fd, text)?;
    let path = if text.is_empty() && flags & AT_EMPTY_PATH != 0 {
        start
    } else {
        let mut walk = Walk::new(call.cx, &context, &who);
        walk.resolve(call.cx, start, text, flags & AT_SYMLINK_NOFOLLOW == 0)?
    };
    let inode = path.inode()?.clone();
    if inode.base().kind == FileKind::Symlink {
        return Err(Errno::ELOOP);
    }
    if inode.base().kind != FileKind::Regular || path.mount.has_flag(MOUNT_NO_EXECUTION) {
        return Err(Errno::EACCES);
    }
    permission::check(call.cx, &who, inode.base(), EXECUTE)?;
    describe(call.cx, path, O_RDONLY)
}

/// What an O_PATH description reads and writes: nothing.
struct PathOnly;

impl File for PathOnly {}

/// Opens a file for the kernel itself, with the superuser's rights, in the first file system tree.
pub fn open_for_kernel(cx: &mut CurrentThread, text: &[u8], flags: u32, mode: u32) -> Result<Arc<OpenFile>> {
    let root = super::path::root().ok_or(Errno::ENOENT)?.clone();
    let who = Credentials::root();
    let mut walk = Walk::within(root.clone(), &who);
    open_in(cx, &mut walk, &who, root, text, flags, mode)
}
