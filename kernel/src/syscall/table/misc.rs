//! Calls on the system as a whole: the rows. Handlers: `syscall/misc.rs`.
calls! {
    handlers: crate::syscall::misc;

    uname(buffer: UserPtr<abi::Utsname>) = sys_uname;
}
