//! Who a program acts as after exec: set-user-ID and set-group-ID files.
use crate::errno::Result;
use crate::fs::OpenFile;
use crate::syscall::Call;
use crate::task::Credentials;
use abi::linux::{MS_NOSUID, S_ISGID, S_ISUID, S_IXGRP};
use alloc::sync::Arc;

/// The new credentials, if the file changes them.
pub(super) fn after_exec(
    call: &Call<'_>,
    file: &Arc<OpenFile>,
    old: &Arc<Credentials>,
) -> Result<Option<Arc<Credentials>>> {
    let attributes = file.inode().base().attributes(call.cx);
    let sets_user = attributes.permissions & S_ISUID != 0;
    // LINUX: set-group-ID without group execution is a mark for locks, not for exec.
    let sets_group = attributes.permissions & (S_ISGID | S_IXGRP) == S_ISGID | S_IXGRP;
    if !(sets_user || sets_group) || file.path().mount.has_flag(u64::from(MS_NOSUID)) {
        return Ok(None);
    }
    let mut new = Credentials::clone(old);
    if sets_user {
        new.uid.effective = attributes.uid;
        new.uid.saved = attributes.uid;
        new.uid.file_system = attributes.uid;
    }
    if sets_group {
        new.gid.effective = attributes.gid;
        new.gid.saved = attributes.gid;
        new.gid.file_system = attributes.gid;
    }
    Ok((new != **old).then(|| Arc::new(new)))
}

/// Whether a program acts as who started it, and so may be looked into by that user.
pub(super) fn is_own(credentials: &Credentials) -> bool {
    credentials.uid.effective == credentials.uid.real && credentials.gid.effective == credentials.gid.real
}
