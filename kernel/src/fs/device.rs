//! Character devices: who serves which number, and the file system that shows them (`/dev`).
//!
//! Main items: [`register`], called by drivers at start; [`open`], called when a device node of any file system is opened;
//! [`file_system`], the instance mounted on `/dev`, in which every registered device gets a node.
use super::file::File;
use super::inode::{DeviceNumber, FileKind, FileSystem, Inode, NewNode};
use super::path::Path;
use super::tmpfs::TmpFs;
use crate::errno::{Errno, Result};
use crate::lock_order;
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::sync::{Once, SpinLock};
use machine::thread::CurrentThread;

/// Makes the file of a new description; gets where the node was found and the `O_*` flags.
pub type OpenDevice = Arc<dyn Fn(&mut CurrentThread, &Path, u32) -> Result<Arc<dyn File>> + Send + Sync>;

struct Device {
    number: DeviceNumber,
    open: OpenDevice,
}

static DEVICES: SpinLock<Vec<Device>> = SpinLock::new(&lock_order::DEVICES, Vec::new());

/// The file system of device nodes; one instance however often it is mounted, as on Linux.
pub fn file_system() -> &'static Arc<TmpFs> {
    static FILE_SYSTEM: Once<Arc<TmpFs>> = Once::new();
    FILE_SYSTEM.call_once(|| TmpFs::new("devtmpfs", 0o755))
}

/// Makes a character device known and shows it as `name` in `/dev`.
pub fn register(
    cx: &mut CurrentThread,
    name: &str,
    number: DeviceNumber,
    permissions: u32,
    open: OpenDevice,
) -> Result<()> {
    {
        let mut devices = DEVICES.lock(cx);
        devices.try_reserve(1)?;
        devices.push(Device { number, open });
    }
    add_node(cx, name, FileKind::CharDevice, permissions, number, b"").map(|_| ())
}

/// Adds a directory or a link to `/dev`.
pub(super) fn add_node(
    cx: &mut CurrentThread,
    name: &str,
    kind: FileKind,
    permissions: u32,
    node: DeviceNumber,
    target: &[u8],
) -> Result<Arc<dyn Inode>> {
    let new = NewNode { kind, permissions, uid: 0, gid: 0, node, target };
    file_system().root().create(cx, name.as_bytes(), &new)
}

/// Opens the device with `number`, whose node is at `place`. ENXIO if there is no driver.
pub(super) fn open(
    cx: &mut CurrentThread,
    kind: FileKind,
    number: DeviceNumber,
    place: &Path,
    flags: u32,
) -> Result<Arc<dyn File>> {
    if kind != FileKind::CharDevice {
        return Err(Errno::ENXIO);
    }
    let open = {
        let devices = DEVICES.lock(cx);
        devices.iter().find(|device| device.number == number).map(|device| device.open.clone())
    };
    open.ok_or(Errno::ENXIO)?(cx, place, flags)
}
