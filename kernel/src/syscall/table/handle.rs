//! Calls on handles of files: the rows. Handlers: `syscall/handle.rs`.
calls! {
    handlers: crate::syscall::handle;

    /// No file system has handles (EOPNOTSUPP).
    name_to_handle_at(fd: Fd, path: UserCStr, handle: UserAddr, mount: UserAddr, flags: Flags) = sys_name_to_handle_at;
    /// No handle is known (ESTALE).
    open_by_handle_at(mount: Fd, handle: UserPtr<[u32; 2]>, flags: Flags) = sys_open_by_handle_at as Descriptor;
}
