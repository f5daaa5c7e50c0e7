//! Calls on the system as a whole: the rows. Handlers: `syscall/misc.rs`.
calls! {
    handlers: crate::syscall::misc;

    arch_prctl(option: u32 as One(&ARCH), address: u64 as Address) = sys_arch_prctl;
    getrandom(buffer: UserAddr as Out(RandomBytes(1)), bytes: usize, flags: Flags as Bits(&GRND)) = sys_getrandom;
    getrlimit(
        resource: u32 as One(&RLIMIT),
        result: UserPtr<abi::Rlimit64> as Out(Rlimit("RLIM_INFINITY")),
    ) = sys_getrlimit;
    /// Only the plain Linux personality, ADDR_NO_RANDOMIZE and READ_IMPLIES_EXEC.
    personality(persona: Flags) = sys_personality;
    /// Names, death signals, subreapers, no-new-privileges, capabilities, dumpability, timer slack; other options answer EINVAL.
    prctl(
        option: u32 as One(&PR),
        second: u64 as PrctlArguments,
        third: u64 as Hidden,
        fourth: u64 as Hidden,
        fifth: u64 as Hidden,
    ) = sys_prctl;
    /// RLIMIT_CORE is kept: no core files are written, and no wait status says that one was.
    prlimit64(
        pid: i32,
        resource: u32 as One(&RLIMIT),
        new: UserPtr<abi::Rlimit64> as In(Rlimit("RLIM64_INFINITY")),
        old: UserPtr<abi::Rlimit64> as Out(Rlimit("RLIM64_INFINITY")),
    ) = sys_prlimit64;
    /// Only Ctrl-Alt-Del on and off.
    reboot(magic: u32, magic2: u32, command: u32, argument: LongFlags) = sys_reboot;
    setdomainname(name: UserAddr as In(Bytes(1)), bytes: i32) = sys_setdomainname;
    sethostname(name: UserAddr as In(Bytes(1)), bytes: i32) = sys_sethostname;
    setrlimit(resource: u32 as One(&RLIMIT), value: UserPtr<abi::Rlimit64> as In(Rlimit("RLIM_INFINITY"))) = sys_setrlimit;
    sysinfo(result: UserPtr<abi::Sysinfo> as Out(Sysinfo)) = sys_sysinfo;
    syslog(action: i32, buffer: UserAddr, bytes: i32) = sys_syslog;
    vhangup() = sys_vhangup;
    uname(buffer: UserPtr<abi::Utsname> as Out(Utsname)) = sys_uname;
}
