//! Calls on handles of files, by which a server finds a file again without its name. No file system here gives any out, as `/proc`
//! gives none out on Linux.
use super::argument::{Fd, Flags};
use super::call::Call;
use crate::errno::{Errno, Result};
use crate::task::Capability;
use crate::user_memory::{UserCStr, UserPtr};
use abi::linux::{AT_EMPTY_PATH, AT_SYMLINK_FOLLOW, AT_SYMLINK_NOFOLLOW};
use machine::addr::UserAddr;

/// Most bytes of a handle (MAX_HANDLE_SZ).
const MOST_BYTES: u32 = 128;

/// Tells a file's handle: EOPNOTSUPP, once the file is found.
pub fn sys_name_to_handle_at(
    call: &mut Call<'_>,
    fd: Fd,
    path: UserCStr,
    _handle: UserAddr,
    _mount: UserAddr,
    flags: Flags,
) -> Result<u64> {
    if flags.0 & !(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL);
    }
    let links = if flags.0 & AT_SYMLINK_FOLLOW != 0 { 0 } else { AT_SYMLINK_NOFOLLOW };
    call.resolve_or_file(fd, path, flags.0 & AT_EMPTY_PATH | links)?;
    Err(Errno::EOPNOTSUPP)
}

/// Opens a file by its handle: ESTALE, for none can be right.
pub fn sys_open_by_handle_at(call: &mut Call<'_>, mount: Fd, handle: UserPtr<[u32; 2]>, _flags: Flags) -> Result<u64> {
    if !call.may(Capability::DacReadSearch) {
        return Err(Errno::EPERM);
    }
    let [bytes, _kind] = handle.read(call.cx)?;
    if bytes == 0 || bytes > MOST_BYTES {
        return Err(Errno::EINVAL);
    }
    if mount != Fd::CWD {
        call.any_file(mount)?;
    }
    Err(Errno::ESTALE)
}
