//! Who a program acts as after exec: set-user-ID and set-group-ID files, and capabilities (`capabilities(7)`, "Transformation of
//! capabilities during execve()"). Files have no capabilities of their own here.
use crate::errno::Result;
use crate::fs::OpenFile;
use crate::syscall::Call;
use crate::task::capability::secure_bits;
use crate::task::exec::GainingRights;
use crate::task::{Capability, CapabilitySet, Credentials, table};
use abi::linux::{MS_NOSUID, S_ISGID, S_ISUID, S_IXGRP};
use alloc::sync::Arc;

/// What exec makes of a task's credentials.
pub(super) struct AfterExec {
    /// The new ones, if they change.
    pub(super) changed: Option<Arc<Credentials>>,
    /// AT_SECURE: the program must not trust what its starter left it.
    pub(super) is_secure: bool,
    /// Whether its user may look into it.
    pub(super) is_own: bool,
    /// Present if it may bring rights.
    pub(super) gaining: Option<GainingRights>,
}

/// Works it out for a task that acts as `old` and executes `file`. Set-id bits count unless the task gave up new rights or the mount
/// takes none.
pub(super) fn after_exec(call: &Call<'_>, file: &Arc<OpenFile>, old: &Arc<Credentials>) -> Result<AfterExec> {
    let mut new = Credentials::clone(old);
    let has_promised = call.task.has_no_new_privileges();
    if !file.path().mount.has_flag(u64::from(MS_NOSUID)) && !has_promised {
        let attributes = file.inode().base().attributes(call.cx);
        if attributes.permissions & S_ISUID != 0 {
            new.uid.effective = attributes.uid;
        }
        // LINUX: set-group-ID without group execution is a mark for locks, not for exec.
        if attributes.permissions & (S_ISGID | S_IXGRP) == S_ISGID | S_IXGRP {
            new.gid.effective = attributes.gid;
        }
    }
    // User 0, real or effective, is given all that may be given.
    let means_root = !old.is_secure(secure_bits::NO_ROOT);
    let is_root = means_root && (new.uid.effective == 0 || new.uid.real == 0);
    let is_effective = means_root && new.uid.effective == 0;
    let sets = &old.capabilities;
    let given = if is_root { sets.bounding.union(sets.inheritable) } else { CapabilitySet::EMPTY };
    new.capabilities.permitted = given;

    // LINUX: so it is as well when the starter's own ids differ.
    let changes_ids = |new: &Credentials| new.uid.effective != old.uid.real || new.gid.effective != old.gid.real;
    let was_set_id = changes_ids(&new);
    let may_gain = was_set_id || !given.is_subset_of(sets.permitted);
    let gaining = may_gain.then(|| GainingRights::begin(call));
    if may_gain && is_watched(call, has_promised) {
        // It gets no more than it had.
        if !old.may(Capability::SetUid) || has_promised {
            new.uid.effective = new.uid.real;
            new.gid.effective = new.gid.real;
        }
        new.capabilities.permitted = given.intersection(sets.permitted);
    }
    for ids in [&mut new.uid, &mut new.gid] {
        ids.saved = ids.effective;
        ids.file_system = ids.effective;
    }
    let sets = &mut new.capabilities;
    if was_set_id {
        sets.ambient = CapabilitySet::EMPTY;
    }
    sets.permitted = sets.permitted.union(sets.ambient);
    sets.effective = if is_effective { sets.permitted } else { sets.ambient };
    new.secure_bits &= !secure_bits::KEEP;

    let is_raised = is_effective || !new.capabilities.permitted.is_subset_of(new.capabilities.ambient);
    let files = |who: &Credentials| [who.uid, who.gid].map(|ids| (ids.effective, ids.file_system));
    let is_same_person = old.uid.effective == old.uid.real && old.gid.effective == old.gid.real;
    Ok(AfterExec {
        is_secure: was_set_id || (new.uid.real != 0 && is_raised),
        is_own: is_same_person
            && files(&new) == files(old)
            && new.capabilities.permitted.is_subset_of(old.capabilities.permitted),
        gaining,
        changed: (new != **old).then(|| Arc::new(new)),
    })
}

/// Whether somebody else would have a hand in rights that the program gets: a tracer that may not have them itself, or a process that
/// shares root and working directory; or whether the task promised to get none.
fn is_watched(call: &Call<'_>, has_promised: bool) -> bool {
    if has_promised || call.task.tracing.is_traced_by_lesser(call.cx) {
        return true;
    }
    let own = call.task.fs(call.cx);
    let table = table::lock(call.cx);
    table
        .nodes()
        .filter(|(_, node)| !Arc::ptr_eq(&node.process, call.process()))
        .flat_map(|(_, node)| &node.tasks)
        // Compared where it lies: a reference taken here might be the last one when it is given up, under the table's lock.
        .any(|task| task.with_resources(call.cx, |of| of.fs.as_ref().is_some_and(|other| Arc::ptr_eq(other, &own))))
}
