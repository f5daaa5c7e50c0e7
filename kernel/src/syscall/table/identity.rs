//! Calls on users and groups: the rows. Handlers: `syscall/identity.rs`.
calls! {
    handlers: crate::syscall::identity;

    getegid() = sys_getegid;
    geteuid() = sys_geteuid;
    getgid() = sys_getgid;
    getgroups(room: i32, list: UserPtr<u32>) = sys_getgroups;
    getresgid(real: UserPtr<u32>, effective: UserPtr<u32>, saved: UserPtr<u32>) = sys_getresgid;
    getresuid(real: UserPtr<u32>, effective: UserPtr<u32>, saved: UserPtr<u32>) = sys_getresuid;
    getuid() = sys_getuid;
    setfsgid(id: u32) = sys_setfsgid;
    setfsuid(id: u32) = sys_setfsuid;
    setgid(id: u32) = sys_setgid;
    setgroups(count: usize, list: UserPtr<u32>) = sys_setgroups;
    setregid(real: u32, effective: u32) = sys_setregid;
    setresgid(real: u32, effective: u32, saved: u32) = sys_setresgid;
    setresuid(real: u32, effective: u32, saved: u32) = sys_setresuid;
    setreuid(real: u32, effective: u32) = sys_setreuid;
    setuid(id: u32) = sys_setuid;
}
