//! Calls on inotify instances. The object: [`crate::fs::inotify`].
use super::argument::{Fd, Flags};
use super::call::Call;
use super::place::Links;
use crate::errno::{Errno, Result};
use crate::fs::FileKind;
use crate::fs::inotify::Inotify;
use crate::fs::permission::{self, READ};
use crate::user_memory::UserCStr;
use abi::linux::{
    IN_ALL_EVENTS, IN_CLOEXEC, IN_DONT_FOLLOW, IN_EXCL_UNLINK, IN_IGNORED, IN_ISDIR, IN_MASK_ADD, IN_MASK_CREATE,
    IN_NONBLOCK, IN_ONESHOT, IN_ONLYDIR, IN_Q_OVERFLOW, IN_UNMOUNT,
};

/// Bits that may be asked for, those that only answers have included, as Linux takes them.
const KNOWN: u32 = IN_ALL_EVENTS
    | IN_UNMOUNT
    | IN_Q_OVERFLOW
    | IN_IGNORED
    | IN_ONLYDIR
    | IN_DONT_FOLLOW
    | IN_EXCL_UNLINK
    | IN_MASK_CREATE
    | IN_MASK_ADD
    | IN_ISDIR
    | IN_ONESHOT;

/// Makes an instance.
pub fn sys_inotify_init(call: &mut Call<'_>) -> Result<u64> {
    sys_inotify_init1(call, Flags(0))
}

/// Makes an instance, with flags.
pub fn sys_inotify_init1(call: &mut Call<'_>, flags: Flags) -> Result<u64> {
    if flags.0 & !(IN_CLOEXEC | IN_NONBLOCK) != 0 {
        return Err(Errno::EINVAL);
    }
    let user = call.who().uid.real;
    call.install(Inotify::open(user, flags.0 & IN_NONBLOCK)?, flags.0 & IN_CLOEXEC != 0)
}

/// Watches a file.
pub fn sys_inotify_add_watch(call: &mut Call<'_>, fd: Fd, path: UserCStr, mask: Flags) -> Result<u64> {
    let mask = mask.0;
    if mask & KNOWN == 0 {
        return Err(Errno::EINVAL);
    }
    let file = call.file(fd)?;
    if mask & IN_MASK_ADD != 0 && mask & IN_MASK_CREATE != 0 {
        return Err(Errno::EINVAL);
    }
    let instance = Inotify::of(&file)?;
    let links = if mask & IN_DONT_FOLLOW != 0 { Links::Keep } else { Links::Follow };
    let place = call.resolve(Fd::CWD, path, links)?;
    let inode = place.inode()?;
    if mask & IN_ONLYDIR != 0 && inode.base().kind != FileKind::Directory {
        return Err(Errno::ENOTDIR);
    }
    permission::check(call.cx, &call.who(), inode.base(), READ)?;
    // CAST: numbers of watches are positive.
    Ok(instance.watch(inode, mask)? as u64)
}

/// Watches a file no longer.
pub fn sys_inotify_rm_watch(call: &mut Call<'_>, fd: Fd, watch: i32) -> Result<u64> {
    let file = call.file(fd)?;
    Inotify::of(&file)?.remove(watch)?;
    Ok(0)
}
