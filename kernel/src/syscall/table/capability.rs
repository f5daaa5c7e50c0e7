//! Calls on capabilities: the rows. Handlers: `syscall/capability.rs`.
calls! {
    handlers: crate::syscall::capability;

    capget(header: UserPtr<[u32; 2]>, data: UserPtr<[u32; 3]>) = sys_capget;
    /// No capabilities of files.
    capset(header: UserPtr<[u32; 2]>, data: UserPtr<[u32; 3]>) = sys_capset;
}
