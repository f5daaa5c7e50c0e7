//! Room for new objects: calls that make some answer ENOMEM while there is still memory for what is under way.
//!
//! A dentry, an inode or an open file is a small allocation that has no way to fail where it is made. So the calls
//! that may leave such objects behind ask [`is_there`] before they begin: the wrapper that the table makes around a handler does
//! it for the names in [`MAKERS`], and costs the other calls nothing. Calls that free something are never refused here.
use crate::fs;
use crate::mm::oom;
use machine::thread::CurrentThread;

/// Calls that leave objects behind whose number only memory bounds.
const MAKERS: &[&str] = &[
    "accept",
    "accept4",
    "bind",
    "clone",
    "clone3",
    "connect",
    "creat",
    "dup",
    "dup2",
    "dup3",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "eventfd",
    "eventfd2",
    "execve",
    "execveat",
    "fcntl",
    "fork",
    "fsetxattr",
    "link",
    "linkat",
    "inotify_add_watch",
    "inotify_init",
    "inotify_init1",
    "lsetxattr",
    "memfd_create",
    "mkdir",
    "mkdirat",
    "mknod",
    "mknodat",
    "mmap",
    "mount",
    "mremap",
    "msgget",
    "msgsnd",
    "open",
    "openat",
    "openat2",
    "pidfd_getfd",
    "pidfd_open",
    "pipe",
    "pipe2",
    "recvmmsg",
    "recvmsg",
    "rename",
    "renameat",
    "renameat2",
    "sendmmsg",
    "sendmsg",
    "sendto",
    "signalfd",
    "signalfd4",
    "semget",
    "semop",
    "semtimedop",
    "setxattr",
    "shmat",
    "shmget",
    "socket",
    "socketpair",
    "symlink",
    "symlinkat",
    "timer_create",
    "timerfd_create",
    "vfork",
];

/// Whether the call `name` is one of [`MAKERS`].
pub(super) const fn is_maker(name: &str) -> bool {
    let mut at = 0;
    while at < MAKERS.len() {
        if abi::number::is_same(MAKERS[at], name) {
            return true;
        }
        at += 1;
    }
    false
}

/// Whether there is room for new objects, made by giving up unused names if need be, and at last by ending a
/// process that holds much of the memory.
#[inline]
pub(super) fn is_there(cx: &mut CurrentThread) -> bool {
    machine::mm::has_room() || make(cx)
}

#[cold]
fn make(cx: &mut CurrentThread) -> bool {
    fs::dentry::give_up_unused(cx);
    while !machine::mm::has_room() {
        if !oom::relieve_of_large(cx) {
            return false;
        }
    }
    true
}
