//! Calls that wait for readiness: the rows. Handlers: `syscall/poll.rs`.
calls! {
    handlers: crate::syscall::poll;

    poll(fds: UserPtr<abi::Pollfd> as In(Pollfds(1)), count: u32, timeout: i32) = sys_poll as Ready;
    ppoll(
        fds: UserPtr<abi::Pollfd> as In(Pollfds(1)),
        count: u32,
        timeout: UserPtr<abi::Timespec> as In(Timespec),
        mask: UserPtr<u64> as In(Sigset),
        mask_bytes: usize,
    ) = sys_ppoll as Ready;
    /// At most 1,024 descriptors.
    select(
        count: i32,
        read: UserPtr<u64> as In(FdSet(0)),
        write: UserPtr<u64> as In(FdSet(0)),
        except: UserPtr<u64> as In(FdSet(0)),
        timeout: UserPtr<abi::Timeval> as In(Timeval),
    ) = sys_select as Selected;
    /// At most 1,024 descriptors.
    pselect6(
        count: i32,
        read: UserPtr<u64> as In(FdSet(0)),
        write: UserPtr<u64> as In(FdSet(0)),
        except: UserPtr<u64> as In(FdSet(0)),
        timeout: UserPtr<abi::Timespec> as In(Timespec),
        mask: UserPtr<[u64; 2]> as In(SigsetWithSize),
    ) = sys_pselect6 as Selected;
}
