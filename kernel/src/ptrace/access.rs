//! Who may look into another task's memory and registers (Linux's `ptrace_may_access`).
use crate::errno::{Errno, Result};
use crate::task::credentials::Ids;
use crate::task::{Capability, Task};
use machine::thread::CurrentThread;

/// EPERM unless `me` may: its own process, the same user and group where the program may be looked into, or CAP_SYS_PTRACE; the same user must have
/// all that the other has permitted.
pub fn check(cx: &CurrentThread, me: &Task, task: &Task) -> Result<()> {
    if core::ptr::eq(&**me.process(), &**task.process()) {
        return Ok(());
    }
    let (who, owner) = (me.credentials(cx), task.credentials(cx));
    let is_only = |id: u32, ids: &Ids| [ids.real, ids.effective, ids.saved].iter().all(|known| *known == id);
    let is_same = is_only(who.uid.real, &owner.uid) && is_only(who.gid.real, &owner.gid);
    let is_dumpable = task.space(cx).is_none_or(|space| space.is_dumpable());
    let has_as_much = owner.capabilities.permitted.is_subset_of(who.capabilities.permitted);
    if who.may(Capability::Trace) || is_same && is_dumpable && has_as_much { Ok(()) } else { Err(Errno::EPERM) }
}
