//! The futex call: its row. Handler: `syscall/futex.rs`.
calls! {
    handlers: crate::syscall::futex;

    /// Priority inheritance (FUTEX_LOCK_PI and its kin) answers ENOSYS.
    futex(word: UserAddr, operation: Flags, value: u32, timeout: u64, second: UserAddr, value3: u32) = sys_futex;
}
