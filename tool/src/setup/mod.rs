//! What must be there before a machine can start: the kernel (built from this checkout), QEMU and BusyBox (from Debian's packages).
//! Each is looked at in microseconds when it is there, and made or fetched when it isn't.

pub(crate) mod busybox;
pub(crate) mod kernel;
pub(crate) mod packages;
