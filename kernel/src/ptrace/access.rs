//! Who may look into another task's memory and registers (Linux's `ptrace_may_access`).
//!
//! An exec changes whom a task acts for and what there is to look into at one instant, under the lock of the task's references.
//! So the question and what is taken on its answer must not be two looks with an exec between them: [`space`] does both under
//! that lock, [`of_one_program`] asks again afterwards, and who starts tracing asks under the task table's lock, which an exec
//! that may bring rights takes to announce itself (`task::exec::GainingRights`).
use crate::errno::{Errno, Result};
use crate::mm::AddressSpace;
use crate::task::credentials::Ids;
use crate::task::task::Resources;
use crate::task::{Capability, Credentials, Task};
use alloc::sync::Arc;
use machine::thread::CurrentThread;

/// Which of the caller's ids and capabilities count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rights {
    /// Real ids and permitted capabilities: of calls that name a process (PTRACE_MODE_REALCREDS).
    Real,
    /// Ids for files and effective capabilities: of what is opened in /proc (PTRACE_MODE_FSCREDS).
    Files,
}

/// Whether a task that acts as `who` may look into one with these credentials: the same user and group where the program may be
/// looked into, or CAP_SYS_PTRACE; the same user must have all that the other has permitted.
fn is_allowed(who: &Credentials, rights: Rights, owner: &Credentials, is_dumpable: bool) -> bool {
    let (uid, gid, has) = match rights {
        Rights::Real => (who.uid.real, who.gid.real, who.capabilities.permitted),
        Rights::Files => (who.uid.file_system, who.gid.file_system, who.capabilities.effective),
    };
    let is_only = |id: u32, ids: &Ids| [ids.real, ids.effective, ids.saved].iter().all(|known| *known == id);
    let is_same = is_only(uid, &owner.uid) && is_only(gid, &owner.gid);
    who.may(Capability::Trace) || is_same && is_dumpable && owner.capabilities.permitted.is_subset_of(has)
}

/// The same for a task as it is just now; of one that is no more what is left counts.
fn is_allowed_now(who: &Credentials, rights: Rights, of: &Resources) -> bool {
    is_allowed(who, rights, &of.credentials, of.space.as_ref().is_none_or(|space| space.is_dumpable()))
}

fn is_own(me: &Task, task: &Task) -> bool {
    core::ptr::eq(&**me.process(), &**task.process())
}

/// EPERM unless a task that acts as `who` may look into another process's task. Drops no reference, so the task table may be locked.
pub fn check_other(cx: &CurrentThread, who: &Credentials, task: &Task) -> Result<()> {
    let may = task.with_resources(cx, |of| is_allowed_now(who, Rights::Real, of));
    if may { Ok(()) } else { Err(Errno::EPERM) }
}

/// EPERM unless `me` may look into `task`, of its own process or another.
pub fn check(cx: &CurrentThread, me: &Task, task: &Task, rights: Rights) -> Result<()> {
    let who = me.credentials(cx);
    let may = is_own(me, task) || task.with_resources(cx, |of| is_allowed_now(&who, rights, of));
    if may { Ok(()) } else { Err(Errno::EPERM) }
}

/// The memory of a task that `me` may look into, `None` if it has none any more; EPERM if it may not.
pub fn space(cx: &CurrentThread, me: &Task, task: &Task, rights: Rights) -> Result<Option<Arc<AddressSpace>>> {
    let (who, is_own) = (me.credentials(cx), is_own(me, task));
    task.with_resources(cx, |of| match is_own || is_allowed_now(&who, rights, of) {
        true => Ok(of.space.clone()),
        false => Err(Errno::EPERM),
    })
}

/// What `look` finds while `task` runs one program and acts for one user, and `me` may look into it.
pub fn of_one_program<R>(
    cx: &CurrentThread,
    me: &Task,
    task: &Task,
    rights: Rights,
    mut look: impl FnMut() -> R,
) -> Result<R> {
    let at_present = || task.with_resources(cx, |of| (of.credentials.clone(), of.space.clone()));
    loop {
        // These are kept until the second look, so that nothing new can be where they were.
        let (credentials, space) = at_present();
        let is_dumpable = space.as_ref().is_none_or(|space| space.is_dumpable());
        if !is_own(me, task) && !is_allowed(&me.credentials(cx), rights, &credentials, is_dumpable) {
            return Err(Errno::EPERM);
        }
        let found = look();
        let (later_credentials, later_space) = at_present();
        let is_same_space = match (&space, &later_space) {
            (Some(before), Some(later)) => Arc::ptr_eq(before, later),
            // It has ended meanwhile, or had before.
            (_, None) => true,
            (None, Some(_)) => false,
        };
        if is_same_space && Arc::ptr_eq(&credentials, &later_credentials) {
            return Ok(found);
        }
    }
}
