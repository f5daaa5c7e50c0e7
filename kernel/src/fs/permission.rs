//! Who may do what with a file: the classic owner, group and other bits, and the exceptions that capabilities make.
//!
//! Main item: [`check`]. Called by the path walk for every directory and by the file calls. Rules as `path_resolution(7)`
//! and `capabilities(7)` (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID).
use super::inode::{Attributes, FileKind, InodeBase};
use crate::errno::{Errno, Result};
use crate::task::{Capability, Credentials};
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

/// EACCES unless `who` may do everything of `wanted` (a sum of [`READ`], [`WRITE`], [`EXECUTE`]) with the inode.
pub fn check(cx: &CurrentThread, who: &Credentials, inode: &InodeBase, wanted: u32) -> Result<()> {
    if who.may(Capability::DacOverride) && (wanted & EXECUTE == 0 || inode.kind == FileKind::Directory) {
        return Ok(());
    }
    check_attributes(who, inode.kind, &inode.attributes(cx), wanted)
}

fn check_attributes(who: &Credentials, kind: FileKind, attributes: &Attributes, wanted: u32) -> Result<()> {
    let granted = if who.uid.file_system == attributes.uid {
        attributes.permissions >> 6
    } else if who.is_in_group(attributes.gid) {
        attributes.permissions >> 3
    } else {
        attributes.permissions
    };
    if wanted & !granted & 7 == 0 {
        return Ok(());
    }
    let is_directory = kind == FileKind::Directory;
    let only_reads = if is_directory { wanted & WRITE == 0 } else { wanted == READ };
    // What nobody may execute is no program.
    let is_executable = wanted & EXECUTE == 0 || is_directory || attributes.permissions & 0o111 != 0;
    if only_reads && who.may(Capability::DacReadSearch) || is_executable && who.may(Capability::DacOverride) {
        return Ok(());
    }
    Err(Errno::EACCES)
}

/// Whether `who` counts as the inode's owner.
pub fn is_owner(who: &Credentials, attributes: &Attributes) -> bool {
    who.uid.file_system == attributes.uid || who.may(Capability::FileOwner)
}

/// EPERM if the directory is sticky and `who` owns neither it nor the child.
pub fn check_sticky(cx: &CurrentThread, who: &Credentials, directory: &InodeBase, child: &InodeBase) -> Result<()> {
    if who.may(Capability::FileOwner) {
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

/// A write by someone without CAP_FSETID takes the set-id bits away (Linux's `file_remove_privs`).
pub fn drop_set_id(cx: &CurrentThread, who: &Credentials, inode: &InodeBase) {
    if who.may(Capability::FileSetId) {
        return;
    }
    inode.update(cx, |attributes| {
        if attributes.permissions & SET_GID != 0 && attributes.permissions & 0o010 != 0 {
            attributes.permissions &= !SET_GID;
        }
        attributes.permissions &= !SET_UID;
    });
}
