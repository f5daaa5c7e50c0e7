//! The futex call: its row. Handler: `syscall/futex.rs`.
calls! {
    handlers: crate::syscall::futex;

    /// Owners of locks (FUTEX_LOCK_PI) are not made more urgent by those who wait.
    futex(word: UserAddr, operation: Flags, value: u32, timeout: u64, second: UserAddr, value3: u32) = sys_futex;
    futex_waitv(waiters: UserPtr<[u64; 3]>, count: u32, flags: Flags, timeout: UserAddr, clock: i32) = sys_futex_waitv;
}
