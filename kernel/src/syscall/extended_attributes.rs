//! Calls on extended attributes. Each comes in three ways to name the file: by path, by path without following a last link,
//! by descriptor.
use super::argument::{Fd, Flags};
use super::call::Call;
use super::place::Links;
use crate::errno::{Errno, Result};
use crate::fs::Path;
use crate::fs::extended_attributes::{self, ExtendedAttributes, MOST_BYTES, MOST_NAME_BYTES, SetMode};
use crate::fs::notify;
use crate::user_memory::{UserCStr, UserSlice};
use abi::linux::{XATTR_CREATE, XATTR_REPLACE};
use alloc::vec::Vec;
use machine::addr::UserAddr;

/// How a call names its file.
#[derive(Clone, Copy)]
enum Named {
    Path(UserCStr, Links),
    Descriptor(Fd),
}

impl Named {
    fn find(self, call: &mut Call<'_>) -> Result<Path> {
        match self {
            Named::Path(path, links) => call.resolve(Fd::CWD, path, links),
            Named::Descriptor(fd) => Ok(call.file(fd)?.path().clone()),
        }
    }
}

/// A name. ERANGE if it is empty or too long.
fn read_name(call: &mut Call<'_>, name: UserCStr) -> Result<Vec<u8>> {
    let name = name.read(call.cx, MOST_NAME_BYTES + 1, Errno::ERANGE)?;
    if name.is_empty() { Err(Errno::ERANGE) } else { Ok(name) }
}

/// The attributes of a file, if its file system has such.
fn attributes_of(path: &Path) -> Result<&ExtendedAttributes> {
    path.inode()?.extended_attributes().ok_or(Errno::EOPNOTSUPP)
}

/// Gives `found` out: with no room asked for only its length, ERANGE with too little.
fn give(call: &mut Call<'_>, found: &[u8], to: UserAddr, bytes: usize) -> Result<u64> {
    if bytes > 0 {
        if found.len() > bytes {
            return Err(Errno::ERANGE);
        }
        UserSlice::new(to, found.len()).write(call.cx, found)?;
    }
    Ok(found.len() as u64)
}

fn get(call: &mut Call<'_>, file: Named, name: UserCStr, value: UserAddr, bytes: usize) -> Result<u64> {
    let name = read_name(call, name)?;
    let path = file.find(call)?;
    extended_attributes::check(call.cx, &call.who(), path.inode()?.base(), &name, false)?;
    let found = attributes_of(&path)?.get(call.cx, &name)?;
    give(call, &found, value, bytes)
}

fn set(call: &mut Call<'_>, file: Named, name: UserCStr, value: UserAddr, bytes: usize, flags: Flags) -> Result<u64> {
    if flags.0 & !(XATTR_CREATE | XATTR_REPLACE) != 0 {
        return Err(Errno::EINVAL);
    }
    let name = read_name(call, name)?;
    if bytes > MOST_BYTES {
        return Err(Errno::E2BIG);
    }
    let value = UserSlice::new(value, bytes).read_vec(call.cx)?;
    let path = file.find(call)?;
    path.mount.check_writable()?;
    let base = path.inode()?.base();
    extended_attributes::check(call.cx, &call.who(), base, &name, true)?;
    let mode = SetMode { must_create: flags.0 & XATTR_CREATE != 0, must_replace: flags.0 & XATTR_REPLACE != 0 };
    attributes_of(&path)?.set(call.cx, name, value, mode)?;
    base.mark_changed(call.cx);
    notify::attributes_changed(&path.dentry);
    Ok(0)
}

fn list(call: &mut Call<'_>, file: Named, list: UserAddr, bytes: usize) -> Result<u64> {
    let path = file.find(call)?;
    // LINUX: where there are none there is nothing to list, which is no error.
    let names = match path.inode()?.extended_attributes() {
        Some(attributes) => attributes.list(call.cx, &call.who())?,
        None => Vec::new(),
    };
    give(call, &names, list, bytes)
}

fn remove(call: &mut Call<'_>, file: Named, name: UserCStr) -> Result<u64> {
    let name = read_name(call, name)?;
    let path = file.find(call)?;
    path.mount.check_writable()?;
    let base = path.inode()?.base();
    extended_attributes::check(call.cx, &call.who(), base, &name, true)?;
    attributes_of(&path)?.remove(call.cx, &name)?;
    base.mark_changed(call.cx);
    notify::attributes_changed(&path.dentry);
    Ok(0)
}

/// Tells a value.
pub fn sys_getxattr(call: &mut Call<'_>, path: UserCStr, name: UserCStr, value: UserAddr, bytes: usize) -> Result<u64> {
    get(call, Named::Path(path, Links::Follow), name, value, bytes)
}
/// Tells a value, of a link itself.
pub fn sys_lgetxattr(
    call: &mut Call<'_>,
    path: UserCStr,
    name: UserCStr,
    value: UserAddr,
    bytes: usize,
) -> Result<u64> {
    get(call, Named::Path(path, Links::Keep), name, value, bytes)
}
/// Tells a value, of an open file.
pub fn sys_fgetxattr(call: &mut Call<'_>, fd: Fd, name: UserCStr, value: UserAddr, bytes: usize) -> Result<u64> {
    get(call, Named::Descriptor(fd), name, value, bytes)
}

/// Sets a value.
pub fn sys_setxattr(
    call: &mut Call<'_>,
    path: UserCStr,
    name: UserCStr,
    value: UserAddr,
    bytes: usize,
    flags: Flags,
) -> Result<u64> {
    set(call, Named::Path(path, Links::Follow), name, value, bytes, flags)
}
/// Sets a value, of a link itself.
pub fn sys_lsetxattr(
    call: &mut Call<'_>,
    path: UserCStr,
    name: UserCStr,
    value: UserAddr,
    bytes: usize,
    flags: Flags,
) -> Result<u64> {
    set(call, Named::Path(path, Links::Keep), name, value, bytes, flags)
}
/// Sets a value, of an open file.
pub fn sys_fsetxattr(
    call: &mut Call<'_>,
    fd: Fd,
    name: UserCStr,
    value: UserAddr,
    bytes: usize,
    flags: Flags,
) -> Result<u64> {
    set(call, Named::Descriptor(fd), name, value, bytes, flags)
}

/// Tells the names.
pub fn sys_listxattr(call: &mut Call<'_>, path: UserCStr, names: UserAddr, bytes: usize) -> Result<u64> {
    list(call, Named::Path(path, Links::Follow), names, bytes)
}
/// Tells the names, of a link itself.
pub fn sys_llistxattr(call: &mut Call<'_>, path: UserCStr, names: UserAddr, bytes: usize) -> Result<u64> {
    list(call, Named::Path(path, Links::Keep), names, bytes)
}
/// Tells the names, of an open file.
pub fn sys_flistxattr(call: &mut Call<'_>, fd: Fd, names: UserAddr, bytes: usize) -> Result<u64> {
    list(call, Named::Descriptor(fd), names, bytes)
}

/// Takes a value away.
pub fn sys_removexattr(call: &mut Call<'_>, path: UserCStr, name: UserCStr) -> Result<u64> {
    remove(call, Named::Path(path, Links::Follow), name)
}
/// Takes a value away, of a link itself.
pub fn sys_lremovexattr(call: &mut Call<'_>, path: UserCStr, name: UserCStr) -> Result<u64> {
    remove(call, Named::Path(path, Links::Keep), name)
}
/// Takes a value away, of an open file.
pub fn sys_fremovexattr(call: &mut Call<'_>, fd: Fd, name: UserCStr) -> Result<u64> {
    remove(call, Named::Descriptor(fd), name)
}
