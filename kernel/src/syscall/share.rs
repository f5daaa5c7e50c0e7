//! Calls on what tasks share: taking one's own copy (unshare), and asking whether two have the same (kcmp).
use super::argument::{Fd, LongFlags};
use super::call::Call;
use crate::errno::{Errno, Result};
use crate::ptrace::access::{self, Rights};
use crate::task::{Task, table};
use abi::linux::{CLONE_FILES, CLONE_FS, CLONE_SIGHAND, CLONE_THREAD, CLONE_VM};
use alloc::sync::Arc;
use core::cmp::Ordering;
use machine::random;
use machine::sync::Once;

/// Types of kcmp.
mod kind {
    pub(super) const FILE: u32 = 0;
    pub(super) const VM: u32 = 1;
    pub(super) const FILES: u32 = 2;
    pub(super) const FS: u32 = 3;
    pub(super) const SIGHAND: u32 = 4;
    pub(super) const IO: u32 = 5;
    pub(super) const SYSVSEM: u32 = 6;
    pub(super) const EPOLL_TFD: u32 = 7;
}

/// Gives the calling task copies of its own of what it shares.
pub fn sys_unshare(call: &mut Call<'_>, flags: LongFlags) -> Result<u64> {
    const ALONE: u64 = (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM) as u64;
    const KNOWN: u64 = ALONE | (CLONE_FS | CLONE_FILES) as u64;
    let flags = flags.0;
    // LINUX: namespaces are unknown where they are not built in.
    if flags & !KNOWN != 0 {
        return Err(Errno::EINVAL);
    }
    if flags & ALONE != 0 && !is_alone(call, flags) {
        return Err(Errno::EINVAL);
    }
    let files = match flags & u64::from(CLONE_FILES) {
        0 => None,
        _ => {
            let shared = call.task.files(call.cx);
            // One reference is the task's and one ours. What is not shared stays, with the record locks that are held through it. A copy is
            // made before anything changes: it may fail.
            if Arc::strong_count(&shared) > 2 { Some(shared.copy(call.cx)?) } else { None }
        }
    };
    if flags & u64::from(CLONE_FS) != 0 {
        let own = call.task.fs(call.cx).copy(call.cx);
        let old = call.task.with_resources(call.cx, |resources| resources.fs.replace(own));
        drop(old);
    }
    if let Some(own) = files {
        let old = call.task.with_resources(call.cx, |resources| resources.files.replace(own));
        drop(old);
    }
    Ok(0)
}

/// Whether the caller is its process's only thread, and, where that is asked, shares neither signal actions nor memory.
fn is_alone(call: &Call<'_>, flags: u64) -> bool {
    let is_only_thread = table::lock(call.cx).node(call.process().pid()).is_some_and(|node| node.tasks.len() == 1);
    let asks_actions = flags & u64::from(CLONE_SIGHAND | CLONE_VM) != 0;
    let asks_memory = flags & u64::from(CLONE_VM) != 0;
    // Two references are the process's and ours.
    let has_own_actions = || Arc::strong_count(&call.process().signals.actions()) <= 2;
    let has_own_memory = || call.task.space(call.cx).is_none_or(|space| Arc::strong_count(&space) <= 2);
    is_only_thread && (!asks_actions || has_own_actions()) && (!asks_memory || has_own_memory())
}

/// Whether two tasks have the same of something: 0, or 1 or 2 for an order in which all such things can be sorted.
pub fn sys_kcmp(call: &mut Call<'_>, first: i32, second: i32, kind: u32, one: u64, other: u64) -> Result<u64> {
    let tasks = [find(call, first)?, find(call, second)?];
    for task in &tasks {
        access::check(call.cx, call.task, task, Rights::Real)?;
    }
    let [a, b] = &tasks;
    let cx = &*call.cx;
    let places = match kind {
        // CAST: descriptors are the low bits, as everywhere.
        kind::FILE => [file(call, a, Fd(one as i32))?, file(call, b, Fd(other as i32))?],
        kind::VM => [a, b].map(|task| task.space(cx).map_or(0, |space| Arc::as_ptr(&space).addr())),
        kind::FILES => [a, b].map(|task| task.files_if_any(cx).map_or(0, |files| Arc::as_ptr(&files).addr())),
        kind::FS => [a, b].map(|task| task.fs_if_any(cx).map_or(0, |fs| Arc::as_ptr(&fs).addr())),
        kind::SIGHAND => [a, b].map(|task| Arc::as_ptr(&task.process().signals.actions()).addr()),
        // Nobody has any.
        kind::IO => [0, 0],
        // LINUX: so it answers where these are not built in.
        kind::SYSVSEM | kind::EPOLL_TFD => return Err(Errno::EOPNOTSUPP),
        _ => return Err(Errno::EINVAL),
    };
    let [left, right] = places.map(veiled);
    Ok(match left.cmp(&right) {
        Ordering::Equal => 0,
        Ordering::Less => 1,
        Ordering::Greater => 2,
    })
}

fn find(call: &Call<'_>, pid: i32) -> Result<Arc<Task>> {
    let tid = u32::try_from(pid).map_err(|_| Errno::ESRCH)?;
    table::find_task(call.cx, tid).ok_or(Errno::ESRCH)
}

/// The address of an open file description.
fn file(call: &Call<'_>, task: &Task, fd: Fd) -> Result<usize> {
    let files = task.files_if_any(call.cx).ok_or(Errno::EBADF)?;
    Ok(Arc::as_ptr(&files.get_any(call.cx, fd)?).addr())
}

/// Something that sorts like nothing and tells no address.
fn veiled(address: usize) -> u64 {
    static KEYS: Once<[u64; 2]> = Once::new();
    let [mask, factor] = KEYS.call_once(|| {
        let mut bytes = [0; 16];
        random::fill(&mut bytes);
        let word = |at: usize| bytes[at..at + 8].iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        // An odd factor keeps what differs different.
        [word(0), word(8) | 1]
    });
    (address as u64 ^ mask).wrapping_mul(*factor)
}
