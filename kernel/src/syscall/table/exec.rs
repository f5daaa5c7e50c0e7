//! execve: the rows. Handlers: `syscall/exec.rs`.
calls! {
    handlers: crate::syscall::exec;

    execve(path: UserCStr, arguments: UserAddr, environment: UserAddr) = sys_execve;
    execveat(directory: Fd, path: UserCStr, arguments: UserAddr, environment: UserAddr, flags: Flags) = sys_execveat;
}
