//! Who a program acts as after exec: set-user-ID and set-group-ID files.
use crate::errno::Result;
use crate::fs::OpenFile;
use crate::syscall::Call;
use crate::task::Credentials;
use abi::linux::{MS_NOSUID, S_ISGID, S_ISUID, S_IXGRP};
use alloc::sync::Arc;

/// The new credentials, if they change: by the file's set-id bits, unless the task gave up new privileges or the mount takes
/// none. LINUX: the saved ids and those for files become the effective ones at every exec.
pub(super) fn after_exec(
    call: &Call<'_>,
    file: &Arc<OpenFile>,
    old: &Arc<Credentials>,
) -> Result<Option<Arc<Credentials>>> {
    let mut new = Credentials::clone(old);
    if !file.path().mount.has_flag(u64::from(MS_NOSUID)) && !call.task.has_no_new_privileges() {
        let attributes = file.inode().base().attributes(call.cx);
        if attributes.permissions & S_ISUID != 0 {
            new.uid.effective = attributes.uid;
        }
        // LINUX: set-group-ID without group execution is a mark for locks, not for exec.
        if attributes.permissions & (S_ISGID | S_IXGRP) == S_ISGID | S_IXGRP {
            new.gid.effective = attributes.gid;
        }
    }
    for ids in [&mut new.uid, &mut new.gid] {
        ids.saved = ids.effective;
        ids.file_system = ids.effective;
    }
    Ok((new != **old).then(|| Arc::new(new)))
}

/// AT_SECURE: whether a program must not trust what its starter left it. LINUX: that is so as well when the starter's own ids differ.
pub(super) fn is_secure(new: &Credentials, old: &Credentials) -> bool {
    new.uid.effective != old.uid.real || new.gid.effective != old.gid.real
}

/// Whether a program acts as who started it, and so may be looked into by that user.
pub(super) fn is_own(credentials: &Credentials) -> bool {
    credentials.uid.effective == credentials.uid.real && credentials.gid.effective == credentials.gid.real
}
