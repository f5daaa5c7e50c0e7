//! Calls on extended attributes: the rows. Handlers: `syscall/extended_attributes.rs`.
calls! {
    handlers: crate::syscall::extended_attributes;

    fgetxattr(fd: Fd, name: UserCStr, value: UserAddr as Out(Bytes(3)), bytes: usize) = sys_fgetxattr;
    flistxattr(fd: Fd, list: UserAddr as Out(Bytes(2)), bytes: usize) = sys_flistxattr;
    fremovexattr(fd: Fd, name: UserCStr) = sys_fremovexattr;
    fsetxattr(
        fd: Fd,
        name: UserCStr,
        value: UserAddr as In(Bytes(3)),
        bytes: usize,
        flags: Flags as Bits(&XATTR),
    ) = sys_fsetxattr;
    getxattr(path: UserCStr, name: UserCStr, value: UserAddr as Out(Bytes(3)), bytes: usize) = sys_getxattr;
    lgetxattr(path: UserCStr, name: UserCStr, value: UserAddr as Out(Bytes(3)), bytes: usize) = sys_lgetxattr;
    listxattr(path: UserCStr, list: UserAddr as Out(Bytes(2)), bytes: usize) = sys_listxattr;
    llistxattr(path: UserCStr, list: UserAddr as Out(Bytes(2)), bytes: usize) = sys_llistxattr;
    lremovexattr(path: UserCStr, name: UserCStr) = sys_lremovexattr;
    lsetxattr(
        path: UserCStr,
        name: UserCStr,
        value: UserAddr as In(Bytes(3)),
        bytes: usize,
        flags: Flags as Bits(&XATTR),
    ) = sys_lsetxattr;
    removexattr(path: UserCStr, name: UserCStr) = sys_removexattr;
    /// Access control lists and `security.capability` are refused (EOPNOTSUPP), as by a file system without them.
    setxattr(
        path: UserCStr,
        name: UserCStr,
        value: UserAddr as In(Bytes(3)),
        bytes: usize,
        flags: Flags as Bits(&XATTR),
    ) = sys_setxattr;
}
