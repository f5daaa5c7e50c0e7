//! execve: the rows. Handlers: `syscall/exec.rs`.
calls! {
    handlers: crate::syscall::exec;

    execve(path: UserCStr, arguments: UserAddr as In(Strings), environment: UserAddr as In(Environment)) = sys_execve;
    execveat(
        directory: Fd,
        path: UserCStr,
        arguments: UserAddr as In(Strings),
        environment: UserAddr as In(Environment),
        flags: Flags as Bits(&AT),
    ) = sys_execveat;
}
