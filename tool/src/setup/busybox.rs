//! The BusyBox of the default root: the host's own if it is Debian's static one and of the right architecture, else Debian's
//! package, fetched and unpacked in the cache.

use super::packages;
use crate::arch::Arch;
use crate::home::Home;
use std::path::{Path, PathBuf};

/// A static BusyBox for `arch`, fetched if it isn't there.
pub(crate) fn ensure(home: &Home, arch: Arch) -> anyhow::Result<PathBuf> {
    if let Some(path) = find(home, arch) {
        return Ok(path);
    }
    packages::fetch(home, arch, PACKAGE)?;
    find(home, arch).ok_or_else(|| anyhow::anyhow!("Debian's {PACKAGE} for {} holds no busybox", arch.debian()))
}

/// The one that is there already.
pub(crate) fn find(home: &Home, arch: Arch) -> Option<PathBuf> {
    let own = Path::new("/bin/busybox");
    if arch == Arch::host() && is_static_package_installed() && own.is_file() {
        return Some(own.to_path_buf());
    }
    let files = packages::unpacked(home, arch, PACKAGE);
    ["bin/busybox", "usr/bin/busybox"].iter().map(|name| files.join(name)).find(|path| path.is_file())
}

/// Debian's name for it.
const PACKAGE: &str = "busybox-static";

fn is_static_package_installed() -> bool {
    Path::new("/var/lib/dpkg/info/busybox-static.list").exists()
}
