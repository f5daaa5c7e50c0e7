//! The peer: Debian's cloud kernel, fetched by package name on demand and kept in the cache.

use crate::arch::Arch;
use crate::home::Home;
use crate::setup::packages;
use std::path::PathBuf;

/// The kernel's file. The package of this name only depends on the one of the current version, which holds it.
pub(crate) fn ensure(home: &Home, arch: Arch) -> anyhow::Result<PathBuf> {
    let family = format!("linux-image-cloud-{}", arch.debian());
    let package = packages::dependency(home, arch, &family, "linux-image-")?;
    let boot = packages::fetch(home, arch, &package)?.join("boot");
    std::fs::read_dir(&boot)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz-")))
        .ok_or_else(|| anyhow::anyhow!("Debian's {package} holds no kernel"))
}

/// Words that make Linux as fast as it gets in an emulated machine: no mitigations, no clearing of fresh memory, and fixed
/// addresses (randomised ones make the emulator translate the same code again at each exec). `kpti=0` matters on ARM64 only.
pub(crate) const TUNED: &str = "mitigations=off init_on_alloc=0 nokaslr norandmaps kpti=0";
