//! Calls on mounts: of tmpfs, proc, sysfs and devtmpfs, bind mounts, changes of flags.
use super::argument::{Fd, Flags};
use super::call::Call;
use super::place::Links;
use crate::errno::{Errno, Result};
use crate::fs::devpts::{DevPts, Options};
use crate::fs::path::{self, MOUNT_NO_DEVICES, MOUNT_NO_EXECUTION, MOUNT_NO_SETID, MOUNT_READ_ONLY, SuperBlock};
use crate::fs::procfs::ProcFs;
use crate::fs::sysfs::SysFs;
use crate::fs::tmpfs::{self, TmpFs};
use crate::fs::{FileKind, FileSystem, Path, device};
use crate::task::Capability;
use crate::user_memory::UserCStr;
use abi::linux::{MNT_DETACH, MNT_EXPIRE, MNT_FORCE, UMOUNT_NOFOLLOW};
use abi::linux::{MS_BIND, MS_MOVE, MS_PRIVATE, MS_REC, MS_REMOUNT, MS_SHARED, MS_SLAVE, MS_UNBINDABLE};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;
use machine::addr::{PAGE_SIZE, UserAddr};
use pure::tmpfs_options::TmpfsOptions;

/// Flags that a mount keeps.
const KEPT: u64 = MOUNT_READ_ONLY | MOUNT_NO_SETID | MOUNT_NO_DEVICES | MOUNT_NO_EXECUTION;
/// Changes of propagation: there is one mount namespace, so they mean nothing.
const PROPAGATION: u64 = (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE) as u64;

/// Mounts a file system, or changes a mount.
pub fn sys_mount(
    call: &mut Call<'_>,
    source: UserCStr,
    target: UserCStr,
    kind: UserCStr,
    flags: Flags,
    data: UserAddr,
) -> Result<u64> {
    let on = call.resolve(Fd::CWD, target, Links::Follow)?;
    if !call.may(Capability::Admin) {
        return Err(Errno::EPERM);
    }
    let flags = u64::from(flags.0);
    let kept = flags & KEPT;
    if flags & u64::from(MS_REMOUNT) != 0 {
        if !on.is_mount_root() {
            return Err(Errno::EINVAL);
        }
        // Together with MS_BIND only the flags of this one mount are meant.
        if flags & u64::from(MS_BIND) == 0 {
            let options = read_options(call, data)?;
            on.mount.super_block.file_system.reconfigure(&options)?;
        }
        on.mount.flags.store(kept, Ordering::Relaxed);
        return Ok(0);
    }
    if flags & PROPAGATION != 0 {
        return if on.is_mount_root() { Ok(0) } else { Err(Errno::EINVAL) };
    }
    if flags & u64::from(MS_MOVE) != 0 {
        return Err(Errno::EINVAL);
    }
    if flags & u64::from(MS_BIND) != 0 {
        let from = call.resolve(Fd::CWD, source, Links::Follow)?;
        let is_directory = |path: &Path| path.inode().map(|inode| inode.base().kind == FileKind::Directory);
        if is_directory(&from)? != is_directory(&on)? {
            return Err(Errno::ENOTDIR);
        }
        if flags & u64::from(MS_REC) != 0 {
            path::bind_tree(call.cx, &from, &on)?;
        } else {
            path::bind(call.cx, &from, &on)?;
        }
        return Ok(0);
    }
    if on.inode()?.base().kind != FileKind::Directory {
        return Err(Errno::ENOTDIR);
    }
    let kind = kind.read(call.cx, PAGE_SIZE, Errno::EINVAL)?;
    let source = if source.0.is_null() { Vec::from(&b"none"[..]) } else { source.read_path(call.cx)? };
    let options = read_options(call, data)?;
    let file_system: Arc<dyn FileSystem> = match &kind[..] {
        b"tmpfs" => TmpFs::with_options("tmpfs", &tmpfs::parse_options(&options)?)?,
        b"ramfs" => TmpFs::with_options("ramfs", &ramfs_options(&options)?)?,
        b"proc" => {
            let file_system = Arc::new(ProcFs);
            file_system.reconfigure(&options)?;
            file_system
        }
        b"sysfs" => {
            let file_system = Arc::new(SysFs);
            file_system.reconfigure(&options)?;
            file_system
        }
        b"devtmpfs" => {
            device::file_system().reconfigure(&options)?;
            device::file_system().clone()
        }
        b"devpts" => DevPts::new(Options::parse(&options)?),
        _ => return Err(Errno::ENODEV),
    };
    path::mount(call.cx, &on, SuperBlock::new(file_system), &source, kept)?;
    Ok(0)
}

/// The options text, at most a page.
fn read_options(call: &mut Call<'_>, data: UserAddr) -> Result<Vec<u8>> {
    if data.is_null() {
        return Ok(Vec::new());
    }
    UserCStr(data).read(call.cx, PAGE_SIZE, Errno::EINVAL)
}

/// LINUX: ramfs knows only the root's permissions and overlooks every other word, because it did so from the beginning.
fn ramfs_options(text: &[u8]) -> Result<TmpfsOptions> {
    let mode = text.split(|&byte| byte == b',').rfind(|option| option.starts_with(b"mode="));
    let permissions = tmpfs::parse_options(mode.unwrap_or_default())?.permissions;
    Ok(TmpfsOptions { permissions: permissions.or(Some(0o755)), ..TmpfsOptions::default() })
}

/// Takes a mount away.
pub fn sys_umount2(call: &mut Call<'_>, target: UserCStr, flags: Flags) -> Result<u64> {
    if flags.0 & !(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW) != 0 || flags.0 & MNT_EXPIRE != 0 {
        return Err(Errno::EINVAL);
    }
    let links = if flags.0 & UMOUNT_NOFOLLOW != 0 { Links::Keep } else { Links::Follow };
    let place = call.resolve(Fd::CWD, target, links)?;
    if !call.may(Capability::Admin) {
        return Err(Errno::EPERM);
    }
    path::unmount(call.cx, place, flags.0 & MNT_DETACH != 0)?;
    Ok(0)
}
