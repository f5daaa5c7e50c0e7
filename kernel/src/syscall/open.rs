//! Calls that open and close.
use super::argument::{Fd, Flags, Mode};
use super::call::Call;
use super::place::PathText;
use crate::errno::{Errno, Result};
use crate::fs::open::{open_in, start_of};
use crate::fs::walk::{Bounds, Walk};
use crate::user_memory::{UserCStr, UserPtr, UserSlice};
use abi::OpenHow;
use abi::linux::{
    O_CLOEXEC, O_CREAT, O_TRUNC, O_WRONLY, RESOLVE_BENEATH, RESOLVE_CACHED, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV,
};

/// close_range: mark instead of closing.
const CLOSE_RANGE_CLOEXEC: u32 = 4;
/// close_range: on a table of one's own.
const CLOSE_RANGE_UNSHARE: u32 = 2;
/// Every flag that open knows; openat2 refuses others, the older calls ignore them.
const KNOWN_FLAGS: u32 = 0o37_777_703;
/// The bits of `__O_TMPFILE`.
const TEMPORARY: u32 = 0o20_000_000;

fn open_at(call: &mut Call<'_>, fd: Fd, path: UserCStr, flags: u32, mode: u32) -> Result<u64> {
    let text = PathText::read(call.cx, path)?;
    let number = call.reserve_fd()?;
    let (root, start, who) = call.scene(fd, text.bytes())?;
    let mode = if flags & (O_CREAT | TEMPORARY) != 0 { mode & !call.task.fs(call.cx).umask() } else { 0 };
    let mut walk = Walk::within(root, &who);
    let file = open_in(call.cx, &mut walk, &who, start, text.bytes(), flags & KNOWN_FLAGS, mode)?;
    Ok(number.fill(file, flags & O_CLOEXEC != 0).into())
}

/// Opens a file.
pub fn sys_open(call: &mut Call<'_>, path: UserCStr, flags: Flags, mode: Mode) -> Result<u64> {
    open_at(call, Fd::CWD, path, flags.0, mode.0)
}

/// Opens a file, relative to a directory.
pub fn sys_openat(call: &mut Call<'_>, fd: Fd, path: UserCStr, flags: Flags, mode: Mode) -> Result<u64> {
    open_at(call, fd, path, flags.0, mode.0)
}

/// Makes a file.
pub fn sys_creat(call: &mut Call<'_>, path: UserCStr, mode: Mode) -> Result<u64> {
    open_at(call, Fd::CWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode.0)
}

/// Opens a file with a say in how the path is walked.
pub fn sys_openat2(call: &mut Call<'_>, fd: Fd, path: UserCStr, how: UserPtr<OpenHow>, bytes: usize) -> Result<u64> {
    const KNOWN_RESOLVE: u64 = (RESOLVE_NO_SYMLINKS
        | RESOLVE_NO_MAGICLINKS
        | RESOLVE_NO_XDEV
        | RESOLVE_BENEATH
        | RESOLVE_IN_ROOT
        | RESOLVE_CACHED) as u64;
    if bytes < size_of::<OpenHow>() {
        return Err(Errno::EINVAL);
    }
    if bytes > machine::addr::PAGE_SIZE {
        return Err(Errno::E2BIG);
    }
    let wanted = how.read(call.cx)?;
    // A longer structure is fine as long as we are not asked for what we do not know.
    let tail = UserSlice::new(how.addr(), bytes).skip(size_of::<OpenHow>()).read_vec(call.cx)?;
    if tail.iter().any(|&byte| byte != 0) {
        return Err(Errno::E2BIG);
    }
    let flags = u32::try_from(wanted.flags).map_err(|_| Errno::EINVAL)?;
    let makes = flags & (O_CREAT | TEMPORARY) != 0;
    let asks = |bit: u32| wanted.resolve & u64::from(bit) != 0;
    if flags & !KNOWN_FLAGS != 0
        || (asks(RESOLVE_BENEATH) && asks(RESOLVE_IN_ROOT))
        || wanted.resolve & !KNOWN_RESOLVE != 0
        || (makes && wanted.mode & !0o7777 != 0)
        || (!makes && wanted.mode != 0)
    {
        return Err(Errno::EINVAL);
    }
    if asks(RESOLVE_CACHED) {
        return Err(Errno::EAGAIN);
    }
    let text = path.read_path(call.cx)?;
    let number = call.reserve_fd()?;
    let is_scoped = asks(RESOLVE_IN_ROOT) || asks(RESOLVE_BENEATH);
    let start = if is_scoped && fd != Fd::CWD { call.any_file(fd)?.path().clone() } else { start_of(call, fd, &text)? };
    let context = call.task.fs(call.cx);
    let who = call.who();
    let mut walk = if is_scoped { Walk::within(start.clone(), &who) } else { Walk::new(call.cx, &context, &who) };
    walk.bounds = Bounds {
        forbids_links: asks(RESOLVE_NO_SYMLINKS),
        // LINUX: who wants no links wants none to objects either.
        forbids_objects: asks(RESOLVE_NO_MAGICLINKS) || asks(RESOLVE_NO_SYMLINKS),
        is_scoped,
        stays_beneath: asks(RESOLVE_BENEATH),
        stays_on_mount: asks(RESOLVE_NO_XDEV),
    };
    // CAST: checked above.
    let mode = wanted.mode as u32 & !context.umask();
    let file = open_in(call.cx, &mut walk, &who, start, &text, flags, mode)?;
    Ok(number.fill(file, flags & O_CLOEXEC != 0).into())
}

/// Closes a descriptor.
pub fn sys_close(call: &mut Call<'_>, fd: Fd) -> Result<u64> {
    call.task.files(call.cx).close(call.cx, fd)?;
    Ok(0)
}

/// Closes several descriptors.
pub fn sys_close_range(call: &mut Call<'_>, first: u32, last: u32, flags: Flags) -> Result<u64> {
    if flags.0 & !(CLOSE_RANGE_CLOEXEC | CLOSE_RANGE_UNSHARE) != 0 || first > last {
        return Err(Errno::EINVAL);
    }
    if flags.0 & CLOSE_RANGE_UNSHARE != 0 {
        let own = call.task.files(call.cx).copy(call.cx)?;
        let old = call.task.with_resources(call.cx, |resources| resources.files.replace(own));
        drop(old);
    }
    call.task.files(call.cx).close_range(call.cx, first, last, flags.0 & CLOSE_RANGE_CLOEXEC != 0);
    Ok(0)
}

/// Sets the permission bits that new files do not get.
pub fn sys_umask(call: &mut Call<'_>, mask: Mode) -> Result<u64> {
    Ok(u64::from(call.task.fs(call.cx).set_umask(mask.0)))
}
