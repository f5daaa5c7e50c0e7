//! Calls on mounts: the rows. Handlers: `syscall/mount.rs`.
calls! {
    handlers: crate::syscall::mount;

    /// tmpfs, ramfs, proc, sysfs, devtmpfs, devpts and bind mounts; moving is refused, `huge=` and options of proc too.
    mount(
        source: UserCStr,
        target: UserCStr,
        kind: UserCStr,
        flags: Flags as Bits(&MOUNT),
        data: UserAddr as In(String),
    ) = sys_mount;
    umount2(target: UserCStr, flags: Flags as Bits(&UMOUNT)) = sys_umount2;
}
