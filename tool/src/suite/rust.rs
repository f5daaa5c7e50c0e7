//! The suite's programs in Rust, built with the real standard library, each one static file like those in C.
//!
//! In this order: the toolchain in use, if it has the standard library of the target; the same after `rustup target add`; Debian's
//! `rustc-web` with its sources, building the standard library itself. The last is the only way on machines that reach package registries but not
//! Rust's download site; it needs cargo's `-Zbuild-std` and so `RUSTC_BOOTSTRAP=1`.

use super::report::tail;
use crate::arch::Arch;
use crate::home::{self, Home};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Debian's compiler.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// Builds `sources` (each one file) into `directory`.
pub(crate) fn build(home: &Home, arch: Arch, sources: &[PathBuf], directory: &Path) -> anyhow::Result<()> {
    let target = format!("{arch}-unknown-linux-gnu");
    let name_of = |source: &Path| source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let stale: Vec<&PathBuf> = sources
        .iter()
        .filter(|source| home::is_stale(&directory.join(name_of(source)), std::slice::from_ref(source)))
        .collect();
    if stale.is_empty() {
        return Ok(());
    }
    if has_std(&target) || (add_target(&target) && has_std(&target)) {
        for source in stale {
            let mut rustc = Command::new("rustc");
            rustc.args(["--edition", "2024", "-O", "-Ctarget-feature=+crt-static", "--target", &target]);
            rustc.arg(format!("-Clinker={}", arch.c_compiler()));
            rustc.arg("-o").arg(directory.join(name_of(source))).arg(source);
            run(rustc, source)?;
        }
        return Ok(());
    }
    anyhow::ensure!(
        has_debian_sources(),
        "Rust's standard library for {target} is missing, and rustup cannot add it; as root, run: \
         apt-get install -y --no-install-recommends rustc-web rust-web-src"
    );
    // Building the standard library takes a package.
    let package = home.cache.join("build/suite-rust");
    std::fs::create_dir_all(&package)?;
    let mut manifest = "[package]\nname = \"suite\"\nedition = \"2024\"\n\n[workspace]\n".to_string();
    for source in sources {
        manifest += &format!("\n[[bin]]\nname = {:?}\npath = {:?}\n", name_of(source), source.display().to_string());
    }
    std::fs::write(package.join("Cargo.toml"), manifest)?;
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--release", "-Zbuild-std=std,panic_unwind", "--target", &target]);
    cargo.current_dir(&package).env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
    cargo.env("RUSTFLAGS", format!("-Ctarget-feature=+crt-static -Clinker={}", arch.c_compiler()));
    run(cargo, &package)?;
    for source in sources {
        let name = name_of(source);
        std::fs::copy(package.join("target").join(&target).join("release").join(&name), directory.join(&name))?;
    }
    Ok(())
}

fn run(mut command: Command, what: &Path) -> anyhow::Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{} doesn't compile:\n{}", what.display(), tail(&said, 40));
    Ok(())
}

/// Whether the toolchain in use has the standard library of `target`.
fn has_std(target: &str) -> bool {
    let output = Command::new("rustc").args(["--print", "target-libdir", "--target", target]).output();
    let Ok(output) = output else { return false };
    let directory = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    std::fs::read_dir(directory)
        .is_ok_and(|files| files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("libstd-")))
}

fn add_target(target: &str) -> bool {
    Command::new("timeout")
        .args(["120", "rustup", "target", "add", target])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn has_debian_sources() -> bool {
    let Ok(output) = Command::new(DEBIAN_RUSTC).args(["--print", "sysroot"]).output() else { return false };
    let root = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    root.join("lib/rustlib/src/rust/library/std/src/lib.rs").exists()
}
