//! Calls that move bytes between a pipe and another file: the rows. Handlers: `syscall/splice.rs`.
calls! {
    handlers: crate::syscall::splice;

    splice(from: Fd, from_at: UserPtr<i64>, to: Fd, to_at: UserPtr<i64>, bytes: usize, flags: Flags) = sys_splice;
    tee(from: Fd, to: Fd, bytes: usize, flags: Flags) = sys_tee;
    vmsplice(fd: Fd, iovecs: UserAddr, count: usize, flags: Flags) = sys_vmsplice;
}
