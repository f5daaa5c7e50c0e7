//! Changes of names: create, link, unlink, rmdir, rename, with the checks that Linux makes and in its order.
//!
//! Called by the directory calls and by `open` with O_CREAT. File systems are asked only after everything was checked.
//!
//! # Locks
//! A change within one directory: the file system's rename lock for reading, then the directory's lock. A rename between
//! directories: the rename lock for writing alone, which excludes all of the former.
use super::dentry::{self, Dentry};
use super::inode::{FileKind, Inode, NewNode, Rename};
use super::notify;
use super::path::Path;
use super::permission::{self, EXECUTE, SET_GID, WRITE};
use crate::errno::{Errno, Result};
use crate::task::Credentials;
use alloc::format;
use alloc::sync::Arc;
use machine::thread::CurrentThread;
use pure::path::MAX_NAME_BYTES;

/// Flag of [`rename`]: do not replace (RENAME_NOREPLACE).
pub const NO_REPLACE: u32 = 1;
/// Flag of [`rename`]: swap both names (RENAME_EXCHANGE).
pub const EXCHANGE: u32 = 2;

fn check_name(name: &[u8]) -> Result<()> {
    if name.len() > MAX_NAME_BYTES { Err(Errno::ENAMETOOLONG) } else { Ok(()) }
}

fn check_may_change(cx: &CurrentThread, who: &Credentials, directory: &Path) -> Result<()> {
    directory.mount.check_writable()?;
    permission::check(cx, who, directory.inode()?.base(), WRITE | EXECUTE)
}

fn check_may_delete(cx: &CurrentThread, who: &Credentials, directory: &Path, child: &Arc<dyn Inode>) -> Result<()> {
    check_may_change(cx, who, directory)?;
    permission::check_sticky(cx, who, directory.inode()?.base(), child.base())
}

/// Makes `name` in `parent`. EEXIST if it is there. With `finds_existing` (open without O_EXCL) what is there is the answer;
/// the flag of the result says whether it was made.
pub fn create(
    cx: &mut CurrentThread,
    who: &Credentials,
    parent: &Path,
    name: &[u8],
    mut new: NewNode<'_>,
    finds_existing: bool,
) -> Result<(Path, bool)> {
    check_name(name)?;
    let _names = parent.mount.super_block.rename_lock.read(cx);
    let _directory = parent.dentry.children.lock(cx);
    let known = parent.dentry.lookup_locked(cx, name)?;
    if known.inode().is_some() {
        let path = Path { mount: parent.mount.clone(), dentry: known };
        return if finds_existing { Ok((super::path::cross(cx, path), false)) } else { Err(Errno::EEXIST) };
    }
    if parent.dentry.is_removed() {
        return Err(Errno::ENOENT);
    }
    check_may_change(cx, who, parent)?;
    let directory = parent.inode()?;
    set_owner(cx, who, &**directory, &mut new);
    let inode = directory.create(cx, name, &new)?;
    notify::created(&**directory, name, &*inode);
    let dentry = Dentry::new_child(&parent.dentry, name, Some(inode));
    if directory.caches_names() {
        dentry::remember(cx, &parent.dentry, dentry.clone())?;
    }
    Ok((Path { mount: parent.mount.clone(), dentry }, true))
}

/// A new file belongs to its maker, or to the directory's group where that is passed on.
fn set_owner(cx: &CurrentThread, who: &Credentials, directory: &dyn Inode, new: &mut NewNode<'_>) {
    let attributes = directory.base().attributes(cx);
    new.uid = who.uid.file_system;
    new.gid = who.gid.file_system;
    if attributes.permissions & SET_GID != 0 {
        new.gid = attributes.gid;
        if new.kind == FileKind::Directory {
            new.permissions |= SET_GID;
        }
    }
}

/// Makes a file without a name in the file system of `parent` (O_TMPFILE). It may get one by [`link`] if `is_linkable`.
pub fn create_unnamed(
    cx: &mut CurrentThread,
    who: &Credentials,
    parent: &Path,
    mut new: NewNode<'_>,
    is_linkable: bool,
) -> Result<Path> {
    check_may_change(cx, who, parent)?;
    let directory = parent.inode()?;
    set_owner(cx, who, &**directory, &mut new);
    let inode = directory.create_unnamed(cx, &new)?;
    if is_linkable {
        inode.base().set_linkable();
    }
    // LINUX: this is what /proc/PID/fd shows.
    let name = format!("#{}", inode.base().number);
    let dentry = Dentry::new_child(&parent.dentry, name.as_bytes(), Some(inode));
    dentry.mark_removed();
    Ok(Path { mount: parent.mount.clone(), dentry })
}

/// Gives the inode at `old` the further name `name` in `parent`.
pub fn link(cx: &mut CurrentThread, who: &Credentials, old: &Path, parent: &Path, name: &[u8]) -> Result<()> {
    check_name(name)?;
    let inode = old.inode()?.clone();
    let _names = parent.mount.super_block.rename_lock.read(cx);
    let _directory = parent.dentry.children.lock(cx);
    if parent.dentry.lookup_locked(cx, name)?.inode().is_some() {
        return Err(Errno::EEXIST);
    }
    if !Arc::ptr_eq(&old.mount.super_block, &parent.mount.super_block) {
        return Err(Errno::EXDEV);
    }
    if parent.dentry.is_removed() {
        return Err(Errno::ENOENT);
    }
    check_may_change(cx, who, parent)?;
    if inode.base().kind == FileKind::Directory {
        return Err(Errno::EPERM);
    }
    if inode.base().attributes(cx).links == 0 && !inode.base().take_linkable() {
        return Err(Errno::ENOENT);
    }
    let directory = parent.inode()?;
    directory.link(cx, name, &inode)?;
    notify::links_changed(&*inode);
    notify::created(&**directory, name, &*inode);
    let dentry = Dentry::new_child(&parent.dentry, name, Some(inode));
    dentry::remember(cx, &parent.dentry, dentry)
}

/// Removes `name`, which must not be a directory. With `has_slash` it fails in any case, with the errno Linux gives.
pub fn unlink(cx: &mut CurrentThread, who: &Credentials, parent: &Path, name: &[u8], has_slash: bool) -> Result<()> {
    check_name(name)?;
    let _names = parent.mount.super_block.rename_lock.read(cx);
    let _directory = parent.dentry.children.lock(cx);
    let child = parent.dentry.lookup_locked(cx, name)?;
    let inode = child.inode().ok_or(Errno::ENOENT)?.clone();
    let is_directory = inode.base().kind == FileKind::Directory;
    if has_slash {
        return Err(if is_directory { Errno::EISDIR } else { Errno::ENOTDIR });
    }
    check_may_delete(cx, who, parent, &inode)?;
    if is_directory {
        return Err(Errno::EISDIR);
    }
    if child.is_mount_point() {
        return Err(Errno::EBUSY);
    }
    let directory = parent.inode()?;
    directory.unlink(cx, name, &inode)?;
    notify::links_changed(&*inode);
    remove_entry(cx, parent, name, child);
    notify::deleted(&**directory, name, &*inode);
    Ok(())
}

/// Removes the empty directory `name`.
pub fn remove_directory(cx: &mut CurrentThread, who: &Credentials, parent: &Path, name: &[u8]) -> Result<()> {
    check_name(name)?;
    let _names = parent.mount.super_block.rename_lock.read(cx);
    let _directory = parent.dentry.children.lock(cx);
    let child = parent.dentry.lookup_locked(cx, name)?;
    let inode = child.inode().ok_or(Errno::ENOENT)?.clone();
    check_may_delete(cx, who, parent, &inode)?;
    if inode.base().kind != FileKind::Directory {
        return Err(Errno::ENOTDIR);
    }
    if child.is_mount_point() {
        return Err(Errno::EBUSY);
    }
    // What is still being looked up or made in the child holds the child's lock only after this directory's was free;
    // the file system checks emptiness and marks the directory dead in one step.
    let directory = parent.inode()?;
    directory.remove_directory(cx, name, &inode)?;
    remove_entry(cx, parent, name, child);
    notify::deleted(&**directory, name, &*inode);
    Ok(())
}

/// Takes a removed name out of the cache. If nobody else uses it, its end is told before it is gone from its directory, as on
/// Linux.
fn remove_entry(cx: &CurrentThread, parent: &Path, name: &[u8], child: Arc<Dentry>) {
    child.mark_removed();
    dentry::forget(cx, &parent.dentry, name);
}

/// One side of a rename.
pub struct Side<'a> {
    /// Its directory.
    pub parent: &'a Path,
    /// Its name.
    pub name: &'a [u8],
    /// Whether slashes followed the name.
    pub has_slash: bool,
}

/// Moves a name. `flags`: [`NO_REPLACE`], [`EXCHANGE`].
pub fn rename(cx: &mut CurrentThread, who: &Credentials, old: &Side<'_>, new: &Side<'_>, flags: u32) -> Result<()> {
    if !Arc::ptr_eq(&old.parent.mount, &new.parent.mount) {
        return Err(Errno::EXDEV);
    }
    check_name(old.name)?;
    check_name(new.name)?;
    let super_block = old.parent.mount.super_block.clone();
    if Arc::ptr_eq(&old.parent.dentry, &new.parent.dentry) {
        let _names = super_block.rename_lock.read(cx);
        let _directory = old.parent.dentry.children.lock(cx);
        rename_locked(cx, who, old, new, flags)
    } else {
        let _names = super_block.rename_lock.write(cx);
        rename_locked(cx, who, old, new, flags)
    }
}

fn rename_locked(cx: &mut CurrentThread, who: &Credentials, old: &Side<'_>, new: &Side<'_>, flags: u32) -> Result<()> {
    let is_exchange = flags & EXCHANGE != 0;
    let source = old.parent.dentry.lookup_locked(cx, old.name)?;
    let source_inode = source.inode().ok_or(Errno::ENOENT)?.clone();
    let target = new.parent.dentry.lookup_locked(cx, new.name)?;
    let target_inode = target.inode().cloned();
    if flags & NO_REPLACE != 0 && target_inode.is_some() {
        return Err(Errno::EEXIST);
    }
    if is_exchange {
        let other = target_inode.as_ref().ok_or(Errno::ENOENT)?;
        if new.has_slash && other.base().kind != FileKind::Directory {
            return Err(Errno::ENOTDIR);
        }
    }
    let is_directory = source_inode.base().kind == FileKind::Directory;
    if !is_directory && (old.has_slash || (!is_exchange && new.has_slash)) {
        return Err(Errno::ENOTDIR);
    }
    if is_directory && new.parent.dentry.is_within(cx, &source) {
        return Err(Errno::EINVAL);
    }
    let replaces_directory = target_inode.as_ref().is_some_and(|other| other.base().kind == FileKind::Directory);
    if replaces_directory && old.parent.dentry.is_within(cx, &target) {
        return Err(if is_exchange { Errno::EINVAL } else { Errno::ENOTEMPTY });
    }
    if let Some(other) = &target_inode
        && Arc::ptr_eq(other, &source_inode)
    {
        // LINUX: two names of one file: nothing happens, both stay.
        return Ok(());
    }
    check_may_delete(cx, who, old.parent, &source_inode)?;
    match &target_inode {
        None => {
            if new.parent.dentry.is_removed() {
                return Err(Errno::ENOENT);
            }
            check_may_change(cx, who, new.parent)?;
        }
        Some(other) => {
            check_may_delete(cx, who, new.parent, other)?;
            if !is_exchange {
                match (is_directory, other.base().kind == FileKind::Directory) {
                    (true, false) => return Err(Errno::ENOTDIR),
                    (false, true) => return Err(Errno::EISDIR),
                    _ => {}
                }
            }
        }
    }
    if is_directory && !Arc::ptr_eq(&old.parent.dentry, &new.parent.dentry) {
        // Its `..` changes.
        permission::check(cx, who, source_inode.base(), WRITE)?;
    }
    if source.is_mount_point() || target.is_mount_point() {
        return Err(Errno::EBUSY);
    }
    let new_parent = new.parent.inode()?.clone();
    old.parent.inode()?.rename(
        cx,
        &Rename {
            old_name: old.name,
            child: &source_inode,
            new_parent: &new_parent,
            new_name: new.name,
            replaced: target_inode.as_ref(),
            is_exchange,
        },
    )?;
    if target_inode.is_some() && !is_exchange {
        target.mark_removed();
    }
    dentry::forget(cx, &new.parent.dentry, new.name);
    dentry::forget(cx, &old.parent.dentry, old.name);
    // A failure to remember costs the next look-up time, nothing else; but an exchanged directory must keep its dentry,
    // so both are moved even then.
    let moved = dentry::move_to(cx, &source, &new.parent.dentry, new.name);
    let sides = (old.parent.inode()?, new.parent.inode()?);
    notify::moved(&*source_inode, (&**sides.0, old.name), (&**sides.1, new.name));
    if let Some(other) = &target_inode {
        if is_exchange {
            notify::moved(&**other, (&**sides.1, new.name), (&**sides.0, old.name));
        } else {
            notify::links_changed(&**other);
        }
    }
    if is_exchange {
        dentry::move_to(cx, &target, &old.parent.dentry, old.name)?;
    }
    moved
}
