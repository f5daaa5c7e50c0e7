//! Calls on inotify instances: the rows. Handlers: `syscall/inotify.rs`.
calls! {
    handlers: crate::syscall::inotify;

    inotify_add_watch(fd: Fd, path: UserCStr, mask: Flags as Bits(&IN)) = sys_inotify_add_watch;
    inotify_init() = sys_inotify_init as Descriptor;
    inotify_init1(flags: Flags as Bits(&INOTIFY)) = sys_inotify_init1 as Descriptor;
    inotify_rm_watch(fd: Fd, watch: i32) = sys_inotify_rm_watch;
}
