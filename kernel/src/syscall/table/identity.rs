//! Calls on users and groups: the rows. Handlers: `syscall/identity.rs`.
calls! {
    handlers: crate::syscall::identity;

    getuid() = sys_getuid;
    geteuid() = sys_geteuid;
    getgid() = sys_getgid;
    getegid() = sys_getegid;
}
