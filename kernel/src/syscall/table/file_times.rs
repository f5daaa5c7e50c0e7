//! Calls that set a file's times: the rows. Handlers: `syscall/file_times.rs`.
calls! {
    handlers: crate::syscall::file_times;

    /// Times before 1970 become 1970.
    utimensat(
        fd: Fd,
        path: UserCStr,
        times: UserPtr<abi::Timespec> as In(FileTimes),
        flags: Flags as Bits(&AT),
    ) = sys_utimensat;
    futimesat(fd: Fd, path: UserCStr, times: UserPtr<abi::Timeval> as In(TimevalPair)) = sys_futimesat;
    utimes(path: UserCStr, times: UserPtr<abi::Timeval> as In(TimevalPair)) = sys_utimes;
    utime(path: UserCStr, times: UserPtr<i64>) = sys_utime;
}
