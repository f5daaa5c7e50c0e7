//! Who may do what with a file: the classic owner, group and other bits, and the superuser's exceptions.
//!
//! Main item: [`check`]. Called by the path walk for every directory and by the file calls. Rules as `path_resolution(7)`
//! and `capabilities(7)` (DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, all tied to the superuser here).
use super::inode::{Attributes, FileKind, InodeBase};
use crate::errno::{Errno, Result};
use crate::task::Credentials;
use machine::thread::CurrentThread;

/// Wanted: read.
pub const READ: u32 = 4;
/// Wanted: write.
pub const WRITE: u32 = 2;
/// Wanted: execute, or search for a directory.
pub const EXECUTE: u32 = 1;

/// Set-user-ID bit.
pub const SET_UID: u32 = 0o4000;
/// Set-group-ID bit.
pub const SET_GID: u32 = 0o2000;
/// Sticky bit.
pub const STICKY: u32 = 0o1000;

/// Whether files are accessed with the superuser's rights.
pub fn is_superuser(who: &Credentials) -> bool {
    who.uid.file_system == 0
}

/// EACCES unless `who` may do everything of `wanted` (a sum of [`READ`], [`WRITE`], [`EXECUTE`]) with the inode.
pub fn check(cx: &CurrentThread, who: &Credentials, inode: &InodeBase, wanted: u32) -> Result<()> {
    if is_superuser(who) && (wanted & EXECUTE == 0 || inode.kind == FileKind::Directory) {
        return Ok(());
    }
    check_attributes(who, inode.kind, &inode.attributes(cx), wanted)
}

fn check_attributes(who: &Credentials, kind: FileKind, attributes: &Attributes, wanted: u32) -> Result<()> {
    if is_superuser(who) {
        let is_executable = attributes.permissions & 0o111 != 0;
        let is_allowed = wanted & EXECUTE == 0 || kind == FileKind::Directory || is_executable;
        return if is_allowed { Ok(()) } else { Err(Errno::EACCES) };
    }
    let granted = if who.uid.file_system == attributes.uid {
        attributes.permissions >> 6
    } else if who.is_in_group(attributes.gid) {
        attributes.permissions >> 3
    } else {
        attributes.permissions
    };
    if wanted & !granted & 7 == 0 { Ok(()) } else { Err(Errno::EACCES) }
}

/// Whether `who` counts as the inode's owner.
pub fn is_owner(who: &Credentials, attributes: &Attributes) -> bool {
    is_superuser(who) || who.uid.file_system == attributes.uid
}

/// EPERM if the directory is sticky and `who` owns neither it nor the child.
pub fn check_sticky(cx: &CurrentThread, who: &Credentials, directory: &InodeBase, child: &InodeBase) -> Result<()> {
    if is_superuser(who) {
        return Ok(());
    }
    let attributes = directory.attributes(cx);
    let me = who.uid.file_system;
    if attributes.permissions & STICKY == 0 || attributes.uid == me || child.attributes(cx).uid == me {
        Ok(())
    } else {
        Err(Errno::EPERM)
    }
}

/// A write by someone without privileges takes the set-id bits away (Linux's `file_remove_privs`).
pub fn drop_set_id(cx: &CurrentThread, who: &Credentials, inode: &InodeBase) {
    if is_superuser(who) {
        return;
    }
    inode.update(cx, |attributes| {
        if attributes.permissions & SET_GID != 0 && attributes.permissions & 0o010 != 0 {
            attributes.permissions &= !SET_GID;
        }
        attributes.permissions &= !SET_UID;
    });
}
