//! Bringing the tree of files up: the root from the initial RAM disk, then the mounts every program expects.
//!
//! Main item: [`start`], called once, by the first thread, before the first program.
use super::dentry;
use super::device;
use super::devpts::{DevPts, Options};
use super::initramfs;
use super::inode::{DeviceNumber, FileKind, FileSystem, NewNode};
use super::memory_device;
use super::names;
use super::path::{self, Path, SuperBlock};
use super::procfs::ProcFs;
use super::sysfs::SysFs;
use super::tmpfs::TmpFs;
use super::walk::Walk;
use crate::errno::{Errno, Result};
use crate::task::Credentials;
use alloc::sync::Arc;
use machine::thread::CurrentThread;

/// Makes the root, unpacks the initial RAM disk into it, and mounts `/dev`, `/proc` and `/sys`. Answers the root.
pub fn start(cx: &mut CurrentThread) -> Result<Path> {
    dentry::seed_hash();
    let root = path::set_root(cx, SuperBlock::new(TmpFs::new("tmpfs", 0o755)), b"tmpfs");
    match initramfs::unpack(cx, &root, machine::boot::initrd()) {
        Ok(unpacked) => {
            machine::log!(Info, "initramfs: {} files", unpacked.files);
            if !unpacked.refers_to_disk {
                machine::mm::release_initrd();
            }
        }
        Err(error) => machine::log!(Error, "initramfs: {error:?}"),
    }
    fill_devices(cx)?;
    mount_at(cx, &root, b"dev", device::file_system().clone(), b"devtmpfs")?;
    mount_terminals(cx, &root)?;
    mount_at(cx, &root, b"proc", Arc::new(ProcFs), b"proc")?;
    mount_at(cx, &root, b"sys", Arc::new(SysFs), b"sysfs")?;
    // The root is in memory already, and may bring files in /tmp along: no further mount there.
    make_directory(cx, &root, b"tmp", 0o1777)?;
    Ok(root)
}

/// Registers the devices of this crate and the names that programs expect beside them.
fn fill_devices(cx: &mut CurrentThread) -> Result<()> {
    memory_device::register_all(cx)?;
    for (name, target) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        let node = DeviceNumber::default();
        device::add_node(cx, name, FileKind::Symlink, 0o777, node, target.as_bytes())?;
    }
    for (name, permissions) in [("shm", 0o1777), ("pts", 0o755)] {
        device::add_node(cx, name, FileKind::Directory, permissions, DeviceNumber::default(), b"")?;
    }
    Ok(())
}

/// Mounts `file_system` on the directory `name` of the root, made if it is missing. A file of that name stays as it is.
fn mount_at(
    cx: &mut CurrentThread,
    root: &Path,
    name: &[u8],
    file_system: Arc<dyn FileSystem>,
    source: &[u8],
) -> Result<()> {
    make_directory(cx, root, name, 0o755)?;
    let who = Credentials::root();
    let on = Walk::within(root.clone(), &who).resolve(cx, root.clone(), name, true)?;
    if on.inode()?.base().kind == FileKind::Directory {
        path::mount(cx, &on, SuperBlock::new(file_system), source, 0)?;
    }
    Ok(())
}

/// Mounts the pseudo-terminals on `/dev/pts`, if `/dev` is ours.
fn mount_terminals(cx: &mut CurrentThread, root: &Path) -> Result<()> {
    let who = Credentials::root();
    if let Ok(on) = Walk::within(root.clone(), &who).resolve(cx, root.clone(), b"dev/pts", true)
        && on.inode()?.base().kind == FileKind::Directory
    {
        path::mount(cx, &on, SuperBlock::new(DevPts::new(Options::AT_START)), b"devpts", 0)?;
    }
    Ok(())
}

/// Makes the directory `name` in the root unless there is something of that name.
fn make_directory(cx: &mut CurrentThread, root: &Path, name: &[u8], permissions: u32) -> Result<()> {
    let new =
        NewNode { kind: FileKind::Directory, permissions, uid: 0, gid: 0, node: DeviceNumber::default(), target: &[] };
    match names::create(cx, &Credentials::root(), root, name, new, false) {
        Ok(_) | Err(Errno::EEXIST) => Ok(()),
        Err(error) => Err(error),
    }
}
