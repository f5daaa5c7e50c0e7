//! Calls that make objects without a name: pipes, event counters, files of signals, memory files.
use super::argument::{Fd, Flags};
use super::call::Call;
use crate::errno::{Errno, Result};
use crate::fs::event_counter::EventCounter;
use crate::fs::pipe::Pipe;
use crate::fs::signal_fd::SignalFd;
use crate::fs::{OpenFile, tmpfs};
use crate::signal::SignalSet;
use crate::user_memory::{UserCStr, UserPtr};
use abi::linux::{
    EFD_CLOEXEC, EFD_NONBLOCK, EFD_SEMAPHORE, F_SEAL_EXEC, MFD_ALLOW_SEALING, MFD_CLOEXEC, MFD_EXEC, MFD_NOEXEC_SEAL,
};
use abi::linux::{O_CLOEXEC, O_DIRECT, O_NONBLOCK, O_RDWR};
use alloc::vec::Vec;

/// Makes a pipe.
pub fn sys_pipe(call: &mut Call<'_>, fds: UserPtr<[i32; 2]>) -> Result<u64> {
    sys_pipe2(call, fds, Flags(0))
}

/// Makes a pipe, with flags.
pub fn sys_pipe2(call: &mut Call<'_>, fds: UserPtr<[i32; 2]>, flags: Flags) -> Result<u64> {
    if flags.0 & !(O_CLOEXEC | O_NONBLOCK | O_DIRECT) != 0 {
        return Err(Errno::EINVAL);
    }
    let who = call.who();
    let pair = Pipe::new_pair(call.cx, flags.0 & (O_NONBLOCK | O_DIRECT), who.uid.file_system, who.gid.file_system);
    let table = call.task.files(call.cx);
    let (read, write) = table.insert_pair(call.cx, pair, flags.0 & O_CLOEXEC != 0, call.file_limit())?;
    if let Err(error) = fds.write(call.cx, &[read.0, write.0]) {
        table.close(call.cx, read)?;
        table.close(call.cx, write)?;
        return Err(error);
    }
    Ok(0)
}

/// Makes an event counter.
pub fn sys_eventfd(call: &mut Call<'_>, initial: u32) -> Result<u64> {
    sys_eventfd2(call, initial, Flags(0))
}

/// Makes an event counter, with flags.
pub fn sys_eventfd2(call: &mut Call<'_>, initial: u32, flags: Flags) -> Result<u64> {
    if flags.0 & !(EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE) != 0 {
        return Err(Errno::EINVAL);
    }
    let file = EventCounter::open(u64::from(initial), flags.0 & EFD_SEMAPHORE != 0, flags.0 & EFD_NONBLOCK);
    call.install(file, flags.0 & EFD_CLOEXEC != 0)
}

/// Makes a file of pending signals, or changes which one shows.
pub fn sys_signalfd(call: &mut Call<'_>, fd: Fd, set: UserPtr<u64>, set_bytes: usize) -> Result<u64> {
    sys_signalfd4(call, fd, set, set_bytes, Flags(0))
}

/// The same, with flags.
pub fn sys_signalfd4(call: &mut Call<'_>, fd: Fd, set: UserPtr<u64>, set_bytes: usize, flags: Flags) -> Result<u64> {
    if set_bytes != size_of::<u64>() {
        return Err(Errno::EINVAL);
    }
    let set = SignalSet(set.read(call.cx)?);
    // The flags have the numbers of O_CLOEXEC and O_NONBLOCK.
    if flags.0 & !(O_CLOEXEC | O_NONBLOCK) != 0 {
        return Err(Errno::EINVAL);
    }
    if fd == Fd(-1) {
        return call.install(SignalFd::open(set, flags.0 & O_NONBLOCK), flags.0 & O_CLOEXEC != 0);
    }
    let open = call.task.files(call.cx).get(call.cx, fd)?;
    open.file().as_any().downcast_ref::<SignalFd>().ok_or(Errno::EINVAL)?.set(set);
    // CAST: a descriptor that is open is not negative.
    Ok(fd.0 as u64)
}

/// Makes a file that lives in memory only.
pub fn sys_memfd_create(call: &mut Call<'_>, name: UserCStr, flags: Flags) -> Result<u64> {
    const LONGEST_NAME: usize = 249;
    let is_known = flags.0 & !(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC | MFD_NOEXEC_SEAL) == 0;
    if !is_known || flags.0 & (MFD_EXEC | MFD_NOEXEC_SEAL) == MFD_EXEC | MFD_NOEXEC_SEAL {
        return Err(Errno::EINVAL);
    }
    let name = name.read(call.cx, LONGEST_NAME + 1, Errno::EINVAL)?;
    let mut shown = Vec::new();
    shown.try_reserve_exact(name.len() + 17)?;
    shown.extend_from_slice(b"/memfd:");
    shown.extend_from_slice(&name);
    shown.extend_from_slice(b" (deleted)");
    let permissions = if flags.0 & MFD_NOEXEC_SEAL != 0 { 0o666 } else { 0o777 };
    let inode = tmpfs::unnamed_file(permissions);
    if let Some(cache) = inode.page_cache() {
        match flags.0 & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL) {
            0 => {}
            MFD_ALLOW_SEALING => cache.seals().begin_with(0),
            _ => cache.seals().begin_with(F_SEAL_EXEC),
        }
    }
    let who = call.who();
    inode.base().update(call.cx, |attributes| {
        attributes.uid = who.uid.file_system;
        attributes.gid = who.gid.file_system;
        attributes.links = 0;
    });
    let file = inode.clone().open(call.cx, O_RDWR)?;
    let open = OpenFile::anonymous(&shown, inode, file, O_RDWR | abi::linux::O_LARGEFILE);
    call.install(open, flags.0 & MFD_CLOEXEC != 0)
}
