//! Calls on the system as a whole: the rows. Handlers: `syscall/misc.rs`.
calls! {
    handlers: crate::syscall::misc;

    arch_prctl(option: u32, address: u64) = sys_arch_prctl;
    capget(header: UserPtr<[u32; 2]>, data: UserPtr<[u32; 6]>) = sys_capget;
    /// Only what keeps the set as it is.
    capset(header: UserPtr<[u32; 2]>, data: UserPtr<[u32; 6]>) = sys_capset;
    getrandom(buffer: UserAddr, bytes: usize, flags: Flags) = sys_getrandom;
    getrlimit(resource: u32, result: UserPtr<abi::Rlimit64>) = sys_getrlimit;
    /// Only the plain Linux personality.
    personality(persona: Flags) = sys_personality;
    /// Names, death signals, subreapers, no-new-privileges and a few questions; other options answer EINVAL.
    prctl(option: u32, second: u64, third: u64, fourth: u64, fifth: u64) = sys_prctl;
    prlimit64(pid: i32, resource: u32, new: UserPtr<abi::Rlimit64>, old: UserPtr<abi::Rlimit64>) = sys_prlimit64;
    /// Only Ctrl-Alt-Del on and off.
    reboot(magic: u32, magic2: u32, command: u32, argument: LongFlags) = sys_reboot;
    setdomainname(name: UserAddr, bytes: i32) = sys_setdomainname;
    sethostname(name: UserAddr, bytes: i32) = sys_sethostname;
    setrlimit(resource: u32, value: UserPtr<abi::Rlimit64>) = sys_setrlimit;
    sysinfo(result: UserPtr<abi::Sysinfo>) = sys_sysinfo;
    syslog(action: i32, buffer: UserAddr, bytes: i32) = sys_syslog;
    uname(buffer: UserPtr<abi::Utsname>) = sys_uname;
}
