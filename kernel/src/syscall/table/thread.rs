//! Calls for the libraries that threads are built on: the rows. Handlers: `syscall/thread.rs`.
calls! {
    handlers: crate::syscall::thread;

    membarrier(command: u32 as One(&MEMBARRIER), flags: Flags, cpu: i32) = sys_membarrier;
    /// The node and the concurrency number are always zero.
    rseq(area: UserAddr, bytes: u32 as Hexadecimal, flags: Flags, signature: u32 as Hexadecimal) = sys_rseq;
}
