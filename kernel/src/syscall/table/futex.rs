//! The futex call: its row. Handler: `syscall/futex.rs`.
calls! {
    handlers: crate::syscall::futex;

    futex(
        word: UserAddr,
        operation: Flags as FutexOperation,
        value: u32 as FutexRest,
        timeout: u64 as Hidden,
        second: UserAddr as Hidden,
        value3: u32 as Hidden,
    ) = sys_futex;
    futex_waitv(
        waiters: UserPtr<[u64; 3]>,
        count: u32,
        flags: Flags,
        timeout: UserAddr,
        clock: i32 as One(&CLOCK),
    ) = sys_futex_waitv;
}
