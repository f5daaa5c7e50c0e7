//! Calls that move bytes between a pipe and another file: the rows. Handlers: `syscall/splice.rs`.
calls! {
    handlers: crate::syscall::splice;

    splice(
        from: Fd,
        from_at: UserPtr<i64> as In(Long),
        to: Fd,
        to_at: UserPtr<i64> as In(Long),
        bytes: usize,
        flags: Flags as Bits(&SPLICE),
    ) = sys_splice;
    tee(from: Fd, to: Fd, bytes: usize, flags: Flags as Bits(&SPLICE)) = sys_tee;
    vmsplice(fd: Fd, iovecs: UserAddr as In(Iovecs(2)), count: usize, flags: Flags as Bits(&SPLICE)) = sys_vmsplice;
}
