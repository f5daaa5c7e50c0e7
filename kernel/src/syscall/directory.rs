//! Calls on names: making, removing, moving and linking them, listings, the working directory.
use super::argument::{Fd, Flags, Mode};
use super::call::Call;
use super::place::{Links, NamedPlace};
use crate::errno::{Errno, Result};
use crate::fs::inode::NewNode;
use crate::fs::listing::{DirectoryEntry, Listing};
use crate::fs::names::{self, EXCHANGE, NO_REPLACE, Side};
use crate::fs::notify;
use crate::fs::permission::{self, EXECUTE};
use crate::fs::walk::Last;
use crate::fs::{DeviceNumber, FileKind, Path};
use crate::task::Capability;
use crate::user_memory::{UserCStr, UserSlice};
use abi::linux::{AT_EMPTY_PATH, AT_REMOVEDIR, AT_SYMLINK_FOLLOW};
use alloc::vec::Vec;
use machine::addr::UserAddr;

/// Most bytes of a listing built at a time.
const LISTING_BYTES: usize = 32 * 1024;

fn make(
    call: &mut Call<'_>,
    fd: Fd,
    path: UserCStr,
    kind: FileKind,
    mode: u32,
    node: DeviceNumber,
    target: &[u8],
) -> Result<u64> {
    let (parent, name) = call.resolve_new(fd, path, kind == FileKind::Directory)?;
    let who = call.who();
    let permissions = if kind == FileKind::Symlink { 0o777 } else { mode & !call.task.fs(call.cx).umask() };
    let new = NewNode { kind, permissions, uid: 0, gid: 0, node, target };
    names::create(call.cx, &who, &parent, &name, new, false)?;
    Ok(0)
}

/// Makes a directory.
pub fn sys_mkdirat(call: &mut Call<'_>, fd: Fd, path: UserCStr, mode: Mode) -> Result<u64> {
    make(call, fd, path, FileKind::Directory, mode.0 & 0o1777, DeviceNumber::default(), &[])
}

/// Makes a directory.
pub fn sys_mkdir(call: &mut Call<'_>, path: UserCStr, mode: Mode) -> Result<u64> {
    sys_mkdirat(call, Fd::CWD, path, mode)
}

/// Makes a file, FIFO, socket or device node.
pub fn sys_mknodat(call: &mut Call<'_>, fd: Fd, path: UserCStr, mode: Mode, number: u64) -> Result<u64> {
    let kind = match mode.0 >> 12 & 0xf {
        0 => FileKind::Regular,
        _ => FileKind::from_mode(mode.0).ok_or(Errno::EINVAL)?,
    };
    match kind {
        FileKind::Directory => return Err(Errno::EPERM),
        FileKind::Symlink => return Err(Errno::EINVAL),
        FileKind::CharDevice | FileKind::BlockDevice if !call.may(Capability::MakeNode) => {
            return Err(Errno::EPERM);
        }
        _ => {}
    }
    let node = match kind {
        FileKind::CharDevice | FileKind::BlockDevice => DeviceNumber::from_encoded(number & 0xffff_ffff),
        _ => DeviceNumber::default(),
    };
    make(call, fd, path, kind, mode.0 & 0o7777, node, &[])
}

/// Makes a file, FIFO, socket or device node.
pub fn sys_mknod(call: &mut Call<'_>, path: UserCStr, mode: Mode, number: u64) -> Result<u64> {
    sys_mknodat(call, Fd::CWD, path, mode, number)
}

/// Makes a symbolic link.
pub fn sys_symlinkat(call: &mut Call<'_>, target: UserCStr, fd: Fd, path: UserCStr) -> Result<u64> {
    let target = target.read_path(call.cx)?;
    if target.is_empty() {
        return Err(Errno::ENOENT);
    }
    make(call, fd, path, FileKind::Symlink, 0o777, DeviceNumber::default(), &target)
}

/// Makes a symbolic link.
pub fn sys_symlink(call: &mut Call<'_>, target: UserCStr, path: UserCStr) -> Result<u64> {
    sys_symlinkat(call, target, Fd::CWD, path)
}

/// Gives a file a further name.
pub fn sys_linkat(
    call: &mut Call<'_>,
    old_fd: Fd,
    old: UserCStr,
    new_fd: Fd,
    new: UserCStr,
    flags: Flags,
) -> Result<u64> {
    if flags.0 & !(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL);
    }
    let old = if flags.0 & AT_EMPTY_PATH != 0 {
        call.resolve_or_file(old_fd, old, AT_EMPTY_PATH | abi::linux::AT_SYMLINK_NOFOLLOW)?
    } else {
        call.resolve(old_fd, old, Links::if_asked(flags.0))?
    };
    let (parent, name) = call.resolve_new(new_fd, new, false)?;
    let who = call.who();
    names::link(call.cx, &who, &old, &parent, &name)?;
    Ok(0)
}

/// Gives a file a further name.
pub fn sys_link(call: &mut Call<'_>, old: UserCStr, new: UserCStr) -> Result<u64> {
    sys_linkat(call, Fd::CWD, old, Fd::CWD, new, Flags(0))
}

/// Removes a name.
pub fn sys_unlinkat(call: &mut Call<'_>, fd: Fd, path: UserCStr, flags: Flags) -> Result<u64> {
    if flags.0 & !AT_REMOVEDIR != 0 {
        return Err(Errno::EINVAL);
    }
    if flags.0 & AT_REMOVEDIR != 0 { remove_directory(call, fd, path) } else { unlink(call, fd, path) }
}

fn unlink(call: &mut Call<'_>, fd: Fd, path: UserCStr) -> Result<u64> {
    let NamedPlace { parent, last } = call.resolve_parent(fd, path)?;
    let Last::Name { name, has_slash } = last else { return Err(Errno::EISDIR) };
    let who = call.who();
    names::unlink(call.cx, &who, &parent, &name, has_slash)?;
    Ok(0)
}

fn remove_directory(call: &mut Call<'_>, fd: Fd, path: UserCStr) -> Result<u64> {
    let NamedPlace { parent, last } = call.resolve_parent(fd, path)?;
    let name = match last {
        Last::Name { name, .. } => name,
        Last::Dot => return Err(Errno::EINVAL),
        Last::DotDot => return Err(Errno::ENOTEMPTY),
        Last::Root => return Err(Errno::EBUSY),
    };
    let who = call.who();
    names::remove_directory(call.cx, &who, &parent, &name)?;
    Ok(0)
}

/// Removes a file's name.
pub fn sys_unlink(call: &mut Call<'_>, path: UserCStr) -> Result<u64> {
    unlink(call, Fd::CWD, path)
}

/// Removes an empty directory.
pub fn sys_rmdir(call: &mut Call<'_>, path: UserCStr) -> Result<u64> {
    remove_directory(call, Fd::CWD, path)
}

/// Moves a name.
pub fn sys_renameat2(
    call: &mut Call<'_>,
    old_fd: Fd,
    old: UserCStr,
    new_fd: Fd,
    new: UserCStr,
    flags: Flags,
) -> Result<u64> {
    // RENAME_WHITEOUT is for union file systems.
    if flags.0 & !(NO_REPLACE | EXCHANGE) != 0 || flags.0 == NO_REPLACE | EXCHANGE {
        return Err(Errno::EINVAL);
    }
    let old = call.resolve_parent(old_fd, old)?;
    let new = call.resolve_parent(new_fd, new)?;
    if !alloc::sync::Arc::ptr_eq(&old.parent.mount, &new.parent.mount) {
        return Err(Errno::EXDEV);
    }
    let Last::Name { name: old_name, has_slash: old_slash } = &old.last else { return Err(Errno::EBUSY) };
    let Last::Name { name: new_name, has_slash: new_slash } = &new.last else {
        return Err(if flags.0 & NO_REPLACE != 0 { Errno::EEXIST } else { Errno::EBUSY });
    };
    let who = call.who();
    let from = Side { parent: &old.parent, name: old_name, has_slash: *old_slash };
    let to = Side { parent: &new.parent, name: new_name, has_slash: *new_slash };
    names::rename(call.cx, &who, &from, &to, flags.0)?;
    Ok(0)
}

/// Moves a name.
pub fn sys_renameat(call: &mut Call<'_>, old_fd: Fd, old: UserCStr, new_fd: Fd, new: UserCStr) -> Result<u64> {
    sys_renameat2(call, old_fd, old, new_fd, new, Flags(0))
}

/// Moves a name.
pub fn sys_rename(call: &mut Call<'_>, old: UserCStr, new: UserCStr) -> Result<u64> {
    sys_renameat2(call, Fd::CWD, old, Fd::CWD, new, Flags(0))
}

/// Reads a symbolic link.
pub fn sys_readlinkat(call: &mut Call<'_>, fd: Fd, path: UserCStr, buffer: UserAddr, bytes: i32) -> Result<u64> {
    let room = usize::try_from(bytes).ok().filter(|&room| room > 0).ok_or(Errno::EINVAL)?;
    let text = path.read_path(call.cx)?;
    let place = if text.is_empty() && fd != Fd::CWD {
        // LINUX: an empty path means the link that was opened with O_PATH and O_NOFOLLOW.
        let place = call.any_file(fd)?.path().clone();
        if place.inode()?.base().kind != FileKind::Symlink {
            return Err(Errno::ENOENT);
        }
        place
    } else {
        call.resolve_text(fd, &text, Links::Keep)?
    };
    let inode = place.inode()?;
    if inode.base().kind != FileKind::Symlink {
        return Err(Errno::EINVAL);
    }
    let target = inode.read_link(call.cx)?;
    inode.base().mark_accessed(call.cx);
    let part = &target[..target.len().min(room)];
    UserSlice::new(buffer, part.len()).write(call.cx, part)?;
    Ok(part.len() as u64)
}

/// Reads a symbolic link.
pub fn sys_readlink(call: &mut Call<'_>, path: UserCStr, buffer: UserAddr, bytes: i32) -> Result<u64> {
    sys_readlinkat(call, Fd::CWD, path, buffer, bytes)
}

/// ENOTDIR or EACCES unless the place is a directory that may be searched.
fn check_enterable(call: &Call<'_>, place: &Path) -> Result<()> {
    let base = place.inode()?.base();
    if base.kind != FileKind::Directory {
        return Err(Errno::ENOTDIR);
    }
    permission::check(call.cx, &call.who(), base, EXECUTE)
}

/// Changes the working directory.
pub fn sys_chdir(call: &mut Call<'_>, path: UserCStr) -> Result<u64> {
    let place = call.resolve(Fd::CWD, path, Links::Follow)?;
    check_enterable(call, &place)?;
    call.task.fs(call.cx).set_working(call.cx, place);
    Ok(0)
}

/// Changes the working directory to an open one.
pub fn sys_fchdir(call: &mut Call<'_>, fd: Fd) -> Result<u64> {
    let place = call.any_file(fd)?.path().clone();
    check_enterable(call, &place)?;
    call.task.fs(call.cx).set_working(call.cx, place);
    Ok(0)
}

/// Changes the root directory.
pub fn sys_chroot(call: &mut Call<'_>, path: UserCStr) -> Result<u64> {
    let place = call.resolve(Fd::CWD, path, Links::Follow)?;
    check_enterable(call, &place)?;
    if !call.may(Capability::Chroot) {
        return Err(Errno::EPERM);
    }
    call.task.fs(call.cx).set_root(call.cx, place);
    Ok(0)
}

/// The working directory's name.
pub fn sys_getcwd(call: &mut Call<'_>, buffer: UserAddr, bytes: usize) -> Result<u64> {
    let context = call.task.fs(call.cx);
    let working = context.working(call.cx);
    if working.dentry.is_removed() {
        return Err(Errno::ENOENT);
    }
    let mut name = working.absolute_name(call.cx, &context.root(call.cx))?;
    name.try_reserve(1)?;
    name.push(0);
    if name.len() > bytes {
        return Err(Errno::ERANGE);
    }
    UserSlice::new(buffer, name.len()).write(call.cx, &name)?;
    Ok(name.len() as u64)
}

/// How entries are laid out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// `struct linux_dirent64`: type before the name.
    Modern,
    /// `struct linux_dirent`: type in the last byte.
    Old,
}

fn list(call: &mut Call<'_>, fd: Fd, buffer: UserAddr, bytes: u32, layout: Layout) -> Result<u64> {
    let file = call.file(fd)?;
    let room = (bytes as usize).min(LISTING_BYTES);
    let mut text: Vec<u8> = Vec::new();
    text.try_reserve_exact(room)?;
    let mut is_too_small = false;
    file.with_offset(call.cx, |cx, offset| {
        let before = *offset;
        let mut take = |entry: &DirectoryEntry<'_>| {
            let header = if layout == Layout::Modern { 19 } else { 18 };
            let tail = if layout == Layout::Modern { 1 } else { 2 };
            let length = (header + entry.name.len() + tail).next_multiple_of(8);
            if text.len() + length > room {
                is_too_small = text.is_empty();
                return false;
            }
            let end = text.len() + length;
            text.extend_from_slice(&entry.number.to_ne_bytes());
            text.extend_from_slice(&entry.next_offset.to_ne_bytes());
            // CAST: at most 280.
            text.extend_from_slice(&(length as u16).to_ne_bytes());
            if layout == Layout::Modern {
                text.push(entry.kind);
            }
            text.extend_from_slice(entry.name);
            text.resize(end, 0);
            if layout == Layout::Old {
                text[end - 1] = entry.kind;
            }
            true
        };
        file.file().read_directory(cx, &file, &mut Listing::new(offset, &mut take))?;
        notify::accessed(&file);
        if is_too_small {
            return Err(Errno::EINVAL);
        }
        if let Err(error) = UserSlice::new(buffer, text.len()).write(cx, &text) {
            *offset = before;
            return Err(error);
        }
        Ok(text.len() as u64)
    })
}

/// Lists a directory.
pub fn sys_getdents64(call: &mut Call<'_>, fd: Fd, buffer: UserAddr, bytes: u32) -> Result<u64> {
    list(call, fd, buffer, bytes, Layout::Modern)
}

/// Lists a directory in the old layout.
pub fn sys_getdents(call: &mut Call<'_>, fd: Fd, buffer: UserAddr, bytes: u32) -> Result<u64> {
    list(call, fd, buffer, bytes, Layout::Old)
}
