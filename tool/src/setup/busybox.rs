//! The BusyBox of the default root: the host's own if it is Debian's static one and of the right architecture, else Debian's
//! package, fetched and unpacked in the cache.

use super::packages;
use crate::arch::Arch;
use crate::home::Home;
use std::path::{Path, PathBuf};

/// A static BusyBox for `arch`.
pub(crate) fn ensure(home: &Home, arch: Arch) -> anyhow::Result<PathBuf> {
    let own = Path::new("/bin/busybox");
    if arch == Arch::host() && is_static_package_installed() && own.is_file() {
        return Ok(own.to_path_buf());
    }
    let files = packages::fetch(home, arch, "busybox-static")?;
    ["bin/busybox", "usr/bin/busybox"]
        .iter()
        .map(|name| files.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| anyhow::anyhow!("Debian's busybox-static for {} holds no busybox", arch.debian()))
}

fn is_static_package_installed() -> bool {
    Path::new("/var/lib/dpkg/info/busybox-static.list").exists()
}
