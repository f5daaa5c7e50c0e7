//! The kernel of this checkout, built anew when a source is younger than the last build.

use crate::arch::Arch;
use crate::home::{self, Home};
use crate::status::{self, failure};
use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What the kernel is made of; a change below any of these means another build.
const SOURCES: [&str; 9] = ["abi", "wire", "pure", "machine", "kernel", "modules", "image", "Cargo.toml", "Cargo.lock"];

/// How the kernel is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Build {
    /// As it is used.
    Release,
    /// With overflow checks, debug assertions, and defects that the command line can switch on; for tests.
    Checked,
    /// Without probes, counters and the profiler's hooks; for measuring what those cost.
    Untraced,
}

fn directory(home: &Home, arch: Arch, build: Build) -> PathBuf {
    let directory = home.cache.join("kernel").join(arch.name());
    match build {
        Build::Release => directory,
        Build::Checked => directory.join("checked"),
        Build::Untraced => directory.join("untraced"),
    }
}

/// The kernel's file for `-kernel`, built or not.
pub(crate) fn file(home: &Home, arch: Arch, build: Build) -> PathBuf {
    directory(home, arch, build).join(arch.kernel_file())
}

/// Whether the kernel is there and younger than its sources.
pub(crate) fn is_fresh(home: &Home, arch: Arch, build: Build) -> bool {
    let sources = SOURCES.map(|source| home.top.join(source));
    file(home, arch, build).exists() && !home::is_stale(&directory(home, arch, build).join("stamp"), &sources)
}

/// The kernel's file for `-kernel`, after a build if one was needed.
pub(crate) fn ensure(home: &Home, arch: Arch, build: Build) -> anyhow::Result<PathBuf> {
    let directory = directory(home, arch, build);
    let file = file(home, arch, build);
    if is_fresh(home, arch, build) {
        return Ok(file);
    }
    std::fs::create_dir_all(&directory)?;
    // Two tools at once: the second waits for the first, and then finds nothing to do.
    let lock = File::create(directory.join("lock"))?;
    lock.lock()?;
    if is_fresh(home, arch, build) {
        return Ok(file);
    }
    // The stamp bears the time before the build: a source changed during it is built again.
    let started = tempfile::NamedTempFile::new_in(&directory)?;
    let xtask = std::env::current_exe()?.with_file_name("xtask");
    let (kind, flag) = match build {
        Build::Release => ("kernel", None),
        Build::Checked => ("checked kernel", Some("--checked")),
        Build::Untraced => ("kernel without tracing", Some("--untraced")),
    };
    eprintln!("ochre: building the {kind} for {arch}");
    let built = Command::new(&xtask)
        .args(["build", "--arch", arch.name()])
        .args(flag)
        .env("OCHRE_TOP", &home.top)
        .env("OCHRE_CACHE", &home.cache)
        .current_dir(&home.top)
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .map_err(|error| anyhow::anyhow!("cannot start {}: {error}", xtask.display()))?;
    match built.code() {
        Some(0) => {}
        Some(code) if code == i32::from(status::SETUP) => {
            return Err(failure(status::SETUP, "the kernel cannot be built before that is installed"));
        }
        _ => anyhow::bail!("the kernel for {arch} could not be built (see above)"),
    }
    started.persist(directory.join("stamp")).map_err(|error| error.error)?;
    Ok(file)
}
