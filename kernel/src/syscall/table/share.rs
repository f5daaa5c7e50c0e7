//! Calls on what tasks share: the rows. Handlers: `syscall/share.rs`.
calls! {
    handlers: crate::syscall::share;

    /// KCMP_SYSVSEM and KCMP_EPOLL_TFD are refused (EOPNOTSUPP).
    kcmp(first: i32, second: i32, kind: u32, one: u64, other: u64) = sys_kcmp;
    /// Files, root and working directory; namespaces are refused, CLONE_SYSVSEM too.
    unshare(flags: LongFlags) = sys_unshare;
}
