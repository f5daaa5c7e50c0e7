//! Calls on mounts: the rows. Handlers: `syscall/mount.rs`.
calls! {
    handlers: crate::syscall::mount;

    /// tmpfs, proc, devtmpfs, and bind mounts without what is mounted below; moving is refused, tmpfs sizes are not enforced.
    mount(source: UserCStr, target: UserCStr, kind: UserCStr, flags: Flags, data: UserAddr) = sys_mount;
    umount2(target: UserCStr, flags: Flags) = sys_umount2;
}
