//! Calls that wait for readiness: the rows. Handlers: `syscall/poll.rs`.
calls! {
    handlers: crate::syscall::poll;

    poll(fds: UserPtr<abi::Pollfd>, count: u32, timeout: i32) = sys_poll;
    ppoll(fds: UserPtr<abi::Pollfd>, count: u32, timeout: UserPtr<abi::Timespec>, mask: UserPtr<u64>, mask_bytes: usize) = sys_ppoll;
    /// At most 1,024 descriptors.
    select(count: i32, read: UserPtr<u64>, write: UserPtr<u64>, except: UserPtr<u64>, timeout: UserPtr<abi::Timeval>) = sys_select;
    /// At most 1,024 descriptors.
    pselect6(count: i32, read: UserPtr<u64>, write: UserPtr<u64>, except: UserPtr<u64>, timeout: UserPtr<abi::Timespec>, mask: UserPtr<[u64; 2]>) = sys_pselect6;
}
