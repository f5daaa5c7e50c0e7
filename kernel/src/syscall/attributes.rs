//! Calls on what a file is: stat and its family, permissions, ownership, length, space. Times: [`super::file_times`].
use super::argument::{Fd, Flags, Mode};
use super::call::Call;
use super::place::{Links, check_owner};
use crate::errno::{Errno, Result};
use crate::fs::inode::Inode;
use crate::fs::permission::{self, EXECUTE, READ, SET_GID, SET_UID, WRITE};
use crate::fs::{FileKind, Path, notify, regular};
use crate::task::capability::secure_bits;
use crate::task::{Capability, CapabilitySet, Credentials};
use crate::timer::wall_clock_ns;
use crate::user_memory::{UserCStr, UserPtr};
use abi::linux::{
    AT_EACCESS, AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_STATX_DONT_SYNC, AT_STATX_FORCE_SYNC, AT_SYMLINK_NOFOLLOW,
    FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, FALLOC_FL_ZERO_RANGE, STATX__RESERVED, STATX_BASIC_STATS, STATX_BTIME,
    STATX_MNT_ID,
};
use abi::{Stat, Statfs, Statx, StatxTimestamp, Timespec};
use alloc::sync::Arc;
use machine::addr::PAGE_SIZE;
use machine::thread::CurrentThread;

/// Seconds and nanoseconds.
fn split(ns: u64) -> [i64; 2] {
    let time = Timespec::from_ns(ns);
    [time.seconds, time.nanoseconds]
}

#[allow(clippy::useless_conversion, reason = "widths differ by architecture")]
fn stat_of(cx: &CurrentThread, inode: &dyn Inode) -> Stat {
    let base = inode.base();
    let attributes = base.attributes(cx);
    Stat {
        dev: base.device.encoded(),
        inode: base.number,
        links: attributes.links.into(),
        mode: base.kind.mode_bits() | attributes.permissions,
        uid: attributes.uid,
        gid: attributes.gid,
        rdev: base.node.encoded(),
        // CAST: sizes are below 2^63.
        size: inode.size_bytes() as i64,
        block_bytes: (PAGE_SIZE as i32).into(),
        // CAST: sizes are below 2^63.
        blocks: inode.blocks() as i64,
        access_time: split(attributes.access_ns),
        modify_time: split(attributes.modify_ns),
        change_time: split(attributes.change_ns),
        ..Stat::default()
    }
}

fn put_stat(call: &mut Call<'_>, inode: &dyn Inode, out: UserPtr<Stat>) -> Result<u64> {
    let stat = stat_of(call.cx, inode);
    out.write(call.cx, &stat)?;
    Ok(0)
}

/// A file's attributes.
pub fn sys_stat(call: &mut Call<'_>, path: UserCStr, out: UserPtr<Stat>) -> Result<u64> {
    let place = call.resolve(Fd::CWD, path, Links::Follow)?;
    put_stat(call, &**place.inode()?, out)
}

/// A file's attributes, of a link itself.
pub fn sys_lstat(call: &mut Call<'_>, path: UserCStr, out: UserPtr<Stat>) -> Result<u64> {
    let place = call.resolve(Fd::CWD, path, Links::Keep)?;
    put_stat(call, &**place.inode()?, out)
}

/// An open file's attributes.
pub fn sys_fstat(call: &mut Call<'_>, fd: Fd, out: UserPtr<Stat>) -> Result<u64> {
    let file = call.any_file(fd)?;
    put_stat(call, &**file.inode(), out)
}

/// A file's attributes, relative to a directory.
pub fn sys_newfstatat(call: &mut Call<'_>, fd: Fd, path: UserCStr, out: UserPtr<Stat>, flags: Flags) -> Result<u64> {
    if flags.0 & !(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL);
    }
    let place = call.resolve_or_file(fd, path, flags.0)?;
    put_stat(call, &**place.inode()?, out)
}

fn statx_time(ns: u64) -> StatxTimestamp {
    // CAST: nanoseconds below 10^9.
    StatxTimestamp { seconds: split(ns)[0], nanoseconds: split(ns)[1] as u32, padding: 0 }
}

/// A file's attributes, extended.
pub fn sys_statx(
    call: &mut Call<'_>,
    fd: Fd,
    path: UserCStr,
    flags: Flags,
    mask: u32,
    out: UserPtr<Statx>,
) -> Result<u64> {
    const KNOWN: u32 = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC;
    let both = AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC;
    if flags.0 & !KNOWN != 0 || flags.0 & both == both || mask & STATX__RESERVED != 0 {
        return Err(Errno::EINVAL);
    }
    let place = call.resolve_or_file(fd, path, flags.0)?;
    let inode = place.inode()?;
    let base = inode.base();
    let attributes = base.attributes(call.cx);
    let statx = Statx {
        mask: STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID,
        block_bytes: PAGE_SIZE as u32,
        links: attributes.links,
        uid: attributes.uid,
        gid: attributes.gid,
        // CAST: type and permissions are 16 bits.
        mode: (base.kind.mode_bits() | attributes.permissions) as u16,
        inode: base.number,
        size: inode.size_bytes(),
        blocks: inode.blocks(),
        access_time: statx_time(attributes.access_ns),
        birth_time: statx_time(attributes.birth_ns),
        change_time: statx_time(attributes.change_ns),
        modify_time: statx_time(attributes.modify_ns),
        rdev_major: base.node.major,
        rdev_minor: base.node.minor,
        dev_major: base.device.major,
        dev_minor: base.device.minor,
        mount_id: place.mount.id,
        ..Statx::default()
    };
    out.write(call.cx, &statx)?;
    Ok(0)
}

/// Whether access asks about what the task may itself.
fn has_own_rights(who: &Credentials) -> bool {
    let usual = if who.uid.real == 0 { who.capabilities.permitted } else { CapabilitySet::EMPTY };
    who.uid.real == who.uid.file_system
        && who.gid.real == who.gid.file_system
        && (who.is_secure(secure_bits::NO_FIX_UP) || who.capabilities.effective == usual)
}

/// Whether a file may be accessed, by real or effective ids.
pub fn sys_faccessat2(call: &mut Call<'_>, fd: Fd, path: UserCStr, mode: u32, flags: Flags) -> Result<u64> {
    if mode & !(READ | WRITE | EXECUTE) != 0 || flags.0 & !(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL);
    }
    let place = call.resolve_or_file(fd, path, flags.0)?;
    let who = call.who();
    let real;
    let who: &Credentials = if flags.0 & AT_EACCESS != 0 || has_own_rights(&who) {
        &who
    } else {
        let mut changed = (*who).clone();
        changed.uid.file_system = who.uid.real;
        changed.gid.file_system = who.gid.real;
        if !who.is_secure(secure_bits::NO_FIX_UP) {
            // LINUX: as the real user would have it, so that set-user-ID programs can ask.
            let is_root = who.uid.real == 0;
            changed.capabilities.effective = if is_root { who.capabilities.permitted } else { CapabilitySet::EMPTY };
        }
        real = changed;
        &real
    };
    let base = place.inode()?.base();
    permission::check(call.cx, who, base, mode)?;
    if mode & WRITE != 0 && matches!(base.kind, FileKind::Regular | FileKind::Directory | FileKind::Symlink) {
        place.mount.check_writable()?;
    }
    Ok(0)
}

/// Whether a file may be accessed.
pub fn sys_faccessat(call: &mut Call<'_>, fd: Fd, path: UserCStr, mode: u32) -> Result<u64> {
    sys_faccessat2(call, fd, path, mode, Flags(0))
}

/// Whether a file may be accessed.
pub fn sys_access(call: &mut Call<'_>, path: UserCStr, mode: u32) -> Result<u64> {
    sys_faccessat2(call, Fd::CWD, path, mode, Flags(0))
}

fn change_mode(call: &mut Call<'_>, place: &Path, mode: u32) -> Result<u64> {
    let inode = place.inode()?;
    check_owner(call, place, &**inode)?;
    if inode.base().kind == FileKind::Symlink {
        return Err(Errno::EOPNOTSUPP);
    }
    let who = call.who();
    let now = wall_clock_ns();
    inode.base().update(call.cx, |attributes| {
        if let Some(cache) = inode.page_cache() {
            cache.seals().check_permissions(attributes.permissions, mode)?;
        }
        attributes.permissions = mode & 0o7777;
        if !who.may(Capability::FileSetId) && !who.is_in_group(attributes.gid) {
            attributes.permissions &= !SET_GID;
        }
        attributes.change_ns = now;
        Ok::<(), Errno>(())
    })?;
    notify::attributes_changed(&place.dentry);
    Ok(0)
}

/// Changes permission bits.
pub fn sys_chmod(call: &mut Call<'_>, path: UserCStr, mode: Mode) -> Result<u64> {
    sys_fchmodat(call, Fd::CWD, path, mode)
}

/// Changes permission bits of an open file.
pub fn sys_fchmod(call: &mut Call<'_>, fd: Fd, mode: Mode) -> Result<u64> {
    let place = call.file(fd)?.path().clone();
    change_mode(call, &place, mode.0)
}

/// Changes permission bits, relative to a directory.
pub fn sys_fchmodat(call: &mut Call<'_>, fd: Fd, path: UserCStr, mode: Mode) -> Result<u64> {
    let place = call.resolve(fd, path, Links::Follow)?;
    change_mode(call, &place, mode.0)
}

/// Changes permission bits, with flags.
pub fn sys_fchmodat2(call: &mut Call<'_>, fd: Fd, path: UserCStr, mode: Mode, flags: Flags) -> Result<u64> {
    if flags.0 & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL);
    }
    let place = call.resolve_or_file(fd, path, flags.0)?;
    change_mode(call, &place, mode.0)
}

/// Changes the owner and the group; an id of all ones leaves that one alone.
fn change_owner(call: &mut Call<'_>, place: &Path, uid: u32, gid: u32) -> Result<u64> {
    place.mount.check_writable()?;
    let inode = place.inode()?;
    let who = call.who();
    let base = inode.base();
    let now = wall_clock_ns();
    base.update(call.cx, |attributes| {
        if !who.may(Capability::Chown) {
            let owns = who.uid.file_system == attributes.uid;
            if uid != u32::MAX && !(owns && uid == attributes.uid) {
                return Err(Errno::EPERM);
            }
            if gid != u32::MAX && !(owns && (who.is_in_group(gid) || gid == attributes.gid)) {
                return Err(Errno::EPERM);
            }
        }
        if uid != u32::MAX {
            attributes.uid = uid;
        }
        if gid != u32::MAX {
            attributes.gid = gid;
        }
        // LINUX: even the superuser's chown takes the set-id bits of anything but a directory away.
        if base.kind != FileKind::Directory {
            attributes.permissions &= !SET_UID;
            if attributes.permissions & 0o010 != 0 {
                attributes.permissions &= !SET_GID;
            }
        }
        attributes.change_ns = now;
        Ok(())
    })?;
    notify::attributes_changed(&place.dentry);
    Ok(0)
}

/// Changes owner and group.
pub fn sys_chown(call: &mut Call<'_>, path: UserCStr, uid: u32, gid: u32) -> Result<u64> {
    sys_fchownat(call, Fd::CWD, path, uid, gid, Flags(0))
}

/// Changes owner and group of a link itself.
pub fn sys_lchown(call: &mut Call<'_>, path: UserCStr, uid: u32, gid: u32) -> Result<u64> {
    sys_fchownat(call, Fd::CWD, path, uid, gid, Flags(AT_SYMLINK_NOFOLLOW))
}

/// Changes owner and group of an open file.
pub fn sys_fchown(call: &mut Call<'_>, fd: Fd, uid: u32, gid: u32) -> Result<u64> {
    let place = call.file(fd)?.path().clone();
    change_owner(call, &place, uid, gid)
}

/// Changes owner and group, relative to a directory.
pub fn sys_fchownat(call: &mut Call<'_>, fd: Fd, path: UserCStr, uid: u32, gid: u32, flags: Flags) -> Result<u64> {
    if flags.0 & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL);
    }
    let place = call.resolve_or_file(fd, path, flags.0)?;
    change_owner(call, &place, uid, gid)
}

/// Sets a file's length.
pub fn sys_truncate(call: &mut Call<'_>, path: UserCStr, bytes: i64) -> Result<u64> {
    let bytes = u64::try_from(bytes).map_err(|_| Errno::EINVAL)?;
    let place = call.resolve(Fd::CWD, path, Links::Follow)?;
    let inode = place.inode()?;
    match inode.base().kind {
        FileKind::Regular => {}
        FileKind::Directory => return Err(Errno::EISDIR),
        _ => return Err(Errno::EINVAL),
    }
    place.mount.check_writable()?;
    permission::check(call.cx, &call.who(), inode.base(), WRITE)?;
    if inode.base().is_executing() {
        return Err(Errno::ETXTBSY);
    }
    regular::truncate(call.cx, &**inode, bytes)?;
    notify::modified_at(&place.dentry);
    Ok(0)
}

/// Sets an open file's length.
pub fn sys_ftruncate(call: &mut Call<'_>, fd: Fd, bytes: i64) -> Result<u64> {
    let bytes = u64::try_from(bytes).map_err(|_| Errno::EINVAL)?;
    let file = call.file(fd)?;
    if file.inode().base().kind != FileKind::Regular || !file.is_writable() {
        return Err(Errno::EINVAL);
    }
    regular::truncate(call.cx, &**file.inode(), bytes)?;
    notify::modified(&file);
    Ok(0)
}

/// Sets room aside, or gives it back.
pub fn sys_fallocate(call: &mut Call<'_>, fd: Fd, mode: Flags, start: i64, bytes: i64) -> Result<u64> {
    let (Ok(start), Ok(length)) = (u64::try_from(start), u64::try_from(bytes)) else { return Err(Errno::EINVAL) };
    if length == 0 {
        return Err(Errno::EINVAL);
    }
    let (keeps, punches, zeroes) = (FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, FALLOC_FL_ZERO_RANGE);
    let is_known = [0, keeps, keeps | punches, zeroes, zeroes | keeps].contains(&mode.0);
    if !is_known {
        return Err(Errno::EOPNOTSUPP);
    }
    let file = call.file(fd)?;
    file.check_writable()?;
    match file.inode().base().kind {
        FileKind::Regular => {}
        FileKind::Fifo => return Err(Errno::ESPIPE),
        FileKind::Directory => return Err(Errno::EISDIR),
        _ => return Err(Errno::ENODEV),
    }
    let cache: Arc<_> = file.page_cache().ok_or(Errno::ENODEV)?.clone();
    let end = start.checked_add(length).filter(|&end| i64::try_from(end).is_ok()).ok_or(Errno::EFBIG)?;
    let base = file.inode().base();
    let _writer = base.write_lock.lock(call.cx);
    let grows = mode.0 & keeps == 0 && end > cache.size_bytes();
    if grows && end > regular::size_limit(call.cx) {
        return Err(regular::too_large(call.cx));
    }
    if mode.0 & punches == 0 {
        // LINUX: also where the size is to stay.
        cache.seals().check_size(cache.size_bytes(), end.max(cache.size_bytes()))?;
    }
    if mode.0 & (punches | zeroes) != 0 {
        cache.seals().check_write()?;
        cache.punch_hole(call.cx, start, end)?;
    }
    if mode.0 & punches == 0 {
        // LINUX: room beyond the end that is not to become part of the file would be set aside too.
        let end = if grows { end } else { end.min(cache.size_bytes()) };
        cache.preallocate(call.cx, start, end)?;
    }
    if grows {
        cache.set_size(call.cx, end)?;
    }
    base.mark_modified(call.cx);
    notify::modified(&file);
    Ok(0)
}

fn put_statfs(call: &mut Call<'_>, place: &Path, out: UserPtr<Statfs>) -> Result<u64> {
    let file_system = &place.mount.super_block.file_system;
    let usage = file_system.usage();
    let device = file_system.device().encoded();
    // CAST: magic numbers and sizes fit; the identity is two halves.
    let statfs = Statfs {
        magic: file_system.magic() as i64,
        block_bytes: PAGE_SIZE as i64,
        blocks: usage.blocks,
        blocks_free: usage.blocks_free,
        blocks_available: usage.blocks_free,
        files: usage.files,
        files_free: usage.files_free,
        id: [device as i32, (device >> 32) as i32],
        name_bytes: 255,
        fragment_bytes: PAGE_SIZE as i64,
        // ST_VALID and ST_RELATIME.
        flags: 0x20 | 0x1000 | place.mount.flags.load(core::sync::atomic::Ordering::Relaxed) as i64,
        ..Statfs::default()
    };
    out.write(call.cx, &statfs)?;
    Ok(0)
}

/// A file system's space.
pub fn sys_statfs(call: &mut Call<'_>, path: UserCStr, out: UserPtr<Statfs>) -> Result<u64> {
    let place = call.resolve(Fd::CWD, path, Links::Follow)?;
    put_statfs(call, &place, out)
}

/// The space of an open file's file system.
pub fn sys_fstatfs(call: &mut Call<'_>, fd: Fd, out: UserPtr<Statfs>) -> Result<u64> {
    let place = call.any_file(fd)?.path().clone();
    put_statfs(call, &place, out)
}
