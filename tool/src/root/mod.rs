//! The guest's root file system: from the default, a directory, a tar or a cpio to one initramfs file for QEMU.

pub(crate) mod archive;
pub(crate) mod cpio;
pub(crate) mod default;
pub(crate) mod index;
pub(crate) mod initramfs;
pub(crate) mod tree;
