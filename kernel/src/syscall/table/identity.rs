//! Calls on users and groups: the rows. Handlers: `syscall/identity.rs`.
calls! {
    handlers: crate::syscall::identity;

    getegid() = sys_getegid;
    geteuid() = sys_geteuid;
    getgid() = sys_getgid;
    getgroups(room: i32, list: UserPtr<u32> as Out(Ids(0))) = sys_getgroups;
    getresgid(
        real: UserPtr<u32> as Out(Word),
        effective: UserPtr<u32> as Out(Word),
        saved: UserPtr<u32> as Out(Word),
    ) = sys_getresgid;
    getresuid(
        real: UserPtr<u32> as Out(Word),
        effective: UserPtr<u32> as Out(Word),
        saved: UserPtr<u32> as Out(Word),
    ) = sys_getresuid;
    getuid() = sys_getuid;
    setfsgid(id: u32) = sys_setfsgid;
    setfsuid(id: u32) = sys_setfsuid;
    setgid(id: u32) = sys_setgid;
    setgroups(count: usize, list: UserPtr<u32> as In(Ids(0))) = sys_setgroups;
    setregid(real: u32 as Signed, effective: u32 as Signed) = sys_setregid;
    setresgid(real: u32 as Signed, effective: u32 as Signed, saved: u32 as Signed) = sys_setresgid;
    setresuid(real: u32 as Signed, effective: u32 as Signed, saved: u32 as Signed) = sys_setresuid;
    setreuid(real: u32 as Signed, effective: u32 as Signed) = sys_setreuid;
    setuid(id: u32) = sys_setuid;
}
