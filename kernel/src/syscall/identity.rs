//! Calls on users and groups. Who has the capability may become anyone; others may move between their real, effective and saved
//! ids.
use super::call::Call;
use crate::errno::{Errno, Result};
use crate::task::credentials::{Groups, Ids};
use crate::task::{Capability, Credentials, table};
use crate::user_memory::UserPtr;
use alloc::sync::Arc;

/// "Leave it as it is."
const KEEP: u32 = u32::MAX;
/// Most supplementary groups (NGROUPS_MAX).
const GROUPS: usize = 65536;

/// Real user.
pub fn sys_getuid(call: &mut Call<'_>) -> Result<u64> {
    Ok(u64::from(call.task.credentials(call.cx).uid.real))
}
/// Effective user.
pub fn sys_geteuid(call: &mut Call<'_>) -> Result<u64> {
    Ok(u64::from(call.task.credentials(call.cx).uid.effective))
}
/// Real group.
pub fn sys_getgid(call: &mut Call<'_>) -> Result<u64> {
    Ok(u64::from(call.task.credentials(call.cx).gid.real))
}
/// Effective group.
pub fn sys_getegid(call: &mut Call<'_>) -> Result<u64> {
    Ok(u64::from(call.task.credentials(call.cx).gid.effective))
}

/// Users or groups.
#[derive(Clone, Copy)]
enum Kind {
    User,
    Group,
}

impl Kind {
    fn of(self, credentials: &mut Credentials) -> &mut Ids {
        match self {
            Kind::User => &mut credentials.uid,
            Kind::Group => &mut credentials.gid,
        }
    }

    /// What lets a task become anyone.
    const fn capability(self) -> Capability {
        match self {
            Kind::User => Capability::SetUid,
            Kind::Group => Capability::SetGid,
        }
    }
}

/// Changes ids as `change` decides from the present ones and from whether the caller may do anything.
fn change(call: &mut Call<'_>, kind: Kind, change: impl FnOnce(&mut Ids, bool) -> Result<()>) -> Result<u64> {
    let mut credentials = Credentials::clone(&*call.task.credentials(call.cx));
    let is_privileged = credentials.may(kind.capability());
    let old = credentials.uid;
    let ids = kind.of(&mut credentials);
    change(ids, is_privileged)?;
    ids.file_system = ids.effective;
    credentials.fix_up_rights(&old);
    store(call, credentials);
    Ok(0)
}

/// Makes the calling task act as `credentials` say.
pub(super) fn store(call: &mut Call<'_>, credentials: Credentials) {
    let old = call.task.credentials(call.cx);
    let rights = |ids: &Ids| (ids.effective, ids.file_system);
    if rights(&old.uid) != rights(&credentials.uid)
        || rights(&old.gid) != rights(&credentials.gid)
        || !credentials.capabilities.permitted.is_subset_of(old.capabilities.permitted)
    {
        // LINUX: memory may hold what only the old rights could read, so others must ask for it again
        // (`fs.suid_dumpable` 0), and a parent that may no longer signal the program does not do so by its end.
        if let Some(space) = call.task.space(call.cx) {
            space.set_dumpable(false);
        }
        if let Some(node) = table::lock(call.cx).node_mut(call.process().pid()) {
            node.parent_death_signal = 0;
        }
    }
    call.process().set_uid(credentials.uid.real);
    call.task.set_credentials(call.cx, Arc::new(credentials));
}

fn set_one(call: &mut Call<'_>, kind: Kind, id: u32) -> Result<u64> {
    if id == KEEP {
        return Err(Errno::EINVAL);
    }
    change(call, kind, |ids, is_privileged| {
        if is_privileged {
            *ids = Ids::all(id);
        } else if id == ids.real || id == ids.saved {
            ids.effective = id;
        } else {
            return Err(Errno::EPERM);
        }
        Ok(())
    })
}

fn set_two(call: &mut Call<'_>, kind: Kind, real: u32, effective: u32) -> Result<u64> {
    change(call, kind, |ids, is_privileged| {
        let was = *ids;
        if real != KEEP {
            if !is_privileged && real != was.real && real != was.effective {
                return Err(Errno::EPERM);
            }
            ids.real = real;
        }
        if effective != KEEP {
            if !is_privileged && ![was.real, was.effective, was.saved].contains(&effective) {
                return Err(Errno::EPERM);
            }
            ids.effective = effective;
        }
        if real != KEEP || (effective != KEEP && effective != was.real) {
            ids.saved = ids.effective;
        }
        Ok(())
    })
}

fn set_three(call: &mut Call<'_>, kind: Kind, wanted: [u32; 3]) -> Result<u64> {
    change(call, kind, |ids, is_privileged| {
        let was = [ids.real, ids.effective, ids.saved];
        if !is_privileged && wanted.iter().any(|id| *id != KEEP && !was.contains(id)) {
            return Err(Errno::EPERM);
        }
        for (place, id) in [&mut ids.real, &mut ids.effective, &mut ids.saved].into_iter().zip(wanted) {
            if id != KEEP {
                *place = id;
            }
        }
        Ok(())
    })
}

/// LINUX: answers the old id, whether or not it could be changed.
fn set_file_system(call: &mut Call<'_>, kind: Kind, id: u32) -> Result<u64> {
    let mut credentials = Credentials::clone(&*call.task.credentials(call.cx));
    let is_privileged = credentials.may(kind.capability());
    let old_user = credentials.uid.file_system;
    let ids = kind.of(&mut credentials);
    let was = ids.file_system;
    if id != KEEP && (is_privileged || [ids.real, ids.effective, ids.saved, ids.file_system].contains(&id)) {
        ids.file_system = id;
        credentials.fix_up_rights_of_files(old_user);
        store(call, credentials);
    }
    Ok(u64::from(was))
}

fn tell_three(call: &mut Call<'_>, kind: Kind, places: [UserPtr<u32>; 3]) -> Result<u64> {
    let mut credentials = Credentials::clone(&*call.task.credentials(call.cx));
    let ids = *kind.of(&mut credentials);
    for (place, id) in places.into_iter().zip([ids.real, ids.effective, ids.saved]) {
        place.write(call.cx, &id)?;
    }
    Ok(0)
}

/// Sets the user.
pub fn sys_setuid(call: &mut Call<'_>, id: u32) -> Result<u64> {
    set_one(call, Kind::User, id)
}
/// Sets the group.
pub fn sys_setgid(call: &mut Call<'_>, id: u32) -> Result<u64> {
    set_one(call, Kind::Group, id)
}
/// Sets real and effective user.
pub fn sys_setreuid(call: &mut Call<'_>, real: u32, effective: u32) -> Result<u64> {
    set_two(call, Kind::User, real, effective)
}
/// Sets real and effective group.
pub fn sys_setregid(call: &mut Call<'_>, real: u32, effective: u32) -> Result<u64> {
    set_two(call, Kind::Group, real, effective)
}
/// Sets real, effective and saved user.
pub fn sys_setresuid(call: &mut Call<'_>, real: u32, effective: u32, saved: u32) -> Result<u64> {
    set_three(call, Kind::User, [real, effective, saved])
}
/// Sets real, effective and saved group.
pub fn sys_setresgid(call: &mut Call<'_>, real: u32, effective: u32, saved: u32) -> Result<u64> {
    set_three(call, Kind::Group, [real, effective, saved])
}
/// Sets the user for file access.
pub fn sys_setfsuid(call: &mut Call<'_>, id: u32) -> Result<u64> {
    set_file_system(call, Kind::User, id)
}
/// Sets the group for file access.
pub fn sys_setfsgid(call: &mut Call<'_>, id: u32) -> Result<u64> {
    set_file_system(call, Kind::Group, id)
}
/// Tells real, effective and saved user.
pub fn sys_getresuid(
    call: &mut Call<'_>,
    real: UserPtr<u32>,
    effective: UserPtr<u32>,
    saved: UserPtr<u32>,
) -> Result<u64> {
    tell_three(call, Kind::User, [real, effective, saved])
}
/// Tells real, effective and saved group.
pub fn sys_getresgid(
    call: &mut Call<'_>,
    real: UserPtr<u32>,
    effective: UserPtr<u32>,
    saved: UserPtr<u32>,
) -> Result<u64> {
    tell_three(call, Kind::Group, [real, effective, saved])
}

/// Tells the supplementary groups; with no room asked for, only how many.
pub fn sys_getgroups(call: &mut Call<'_>, room: i32, list: UserPtr<u32>) -> Result<u64> {
    let room = usize::try_from(room).map_err(|_| Errno::EINVAL)?;
    let credentials = call.task.credentials(call.cx);
    let count = credentials.groups.len();
    if room != 0 {
        if room < count {
            return Err(Errno::EINVAL);
        }
        list.write_slice(call.cx, &credentials.groups)?;
    }
    Ok(count as u64)
}

/// Sets the supplementary groups.
pub fn sys_setgroups(call: &mut Call<'_>, count: usize, list: UserPtr<u32>) -> Result<u64> {
    let mut credentials = Credentials::clone(&*call.task.credentials(call.cx));
    if !credentials.may(Capability::SetGid) {
        return Err(Errno::EPERM);
    }
    if count > GROUPS {
        return Err(Errno::EINVAL);
    }
    credentials.groups = Groups::new(list.read_vec(call.cx, count)?);
    store(call, credentials);
    Ok(0)
}
