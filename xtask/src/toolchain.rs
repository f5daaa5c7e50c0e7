//! Which Rust compiles the kernel. In this order: the toolchain in use, if it has the bare-metal targets; the same after
//! `rustup target add`; Debian's `rustc-web` with its sources, building `core` and `alloc` itself.
//!
//! The last way needs cargo's `-Zbuild-std` and so `RUSTC_BOOTSTRAP=1`; our own code uses stable features only. It is the only way on
//! machines that reach package registries but not Rust's download site.

use crate::tree::{self, Arch};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The exit status for something that must be installed first; the tool's own number for it.
pub(crate) const MISSING_STATUS: u8 = 123;

/// Something must be installed first; says what to run.
#[derive(Debug)]
pub(crate) struct Missing(String);

impl std::fmt::Display for Missing {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

/// Debian's packages for the last way.
const PACKAGES: [&str; 4] = ["rustc-web", "rust-web-src", "rust-web-llvm", "lld-22"];
/// Debian's clippy.
const DEBIAN_CLIPPY: &str = "/usr/bin/clippy-driver";
/// Where Debian's compiler is.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// A way to compile for one target.
#[derive(Clone, Debug)]
pub(crate) struct Toolchain {
    /// Debian's compiler, building the standard library; else the one cargo takes by itself.
    builds_std: bool,
    /// The linker.
    pub(crate) linker: PathBuf,
}

impl Toolchain {
    /// Finds one for `arch`, installing what is missing if we may.
    pub(crate) fn find(arch: Arch) -> anyhow::Result<Toolchain> {
        let builds_std = !has_target(arch) && !add_target(arch);
        if builds_std && !has_debian_sources() {
            install(&PACKAGES)?;
        }
        let linker = match find_linker() {
            Some(linker) => linker,
            None => {
                install(&PACKAGES[2..])?;
                find_linker().ok_or_else(|| Missing("the linker rust-lld is missing".into()))?
            }
        };
        Ok(Toolchain { builds_std, linker })
    }

    /// In words, which one would be taken for `arch`; or, as an error, what to install. Installs nothing.
    pub(crate) fn describe(arch: Arch) -> anyhow::Result<String> {
        let way = if has_target(arch) {
            format!("the toolchain in use has {}", arch.target())
        } else if has_debian_sources() {
            "Debian's rustc-web, which builds core and alloc itself".to_string()
        } else {
            let list = PACKAGES.join(" ");
            let text =
                format!("rustup target add {}; or apt-get install --no-install-recommends {list}", arch.target());
            return Err(Missing(text).into());
        };
        let linker =
            find_linker().ok_or_else(|| Missing("the linker rust-lld (Debian's rust-web-llvm, lld-22)".into()))?;
        Ok(format!("{way}; linker {}", linker.display()))
    }

    /// `cargo COMMAND` for `arch`, with all flags set and its products below `target`.
    pub(crate) fn cargo(&self, command: &str, arch: Arch, target: &Path, more_flags: &[String]) -> Command {
        let mut cargo = Command::new("cargo");
        let mut flags = arch.rust_flags(&self.linker);
        flags.extend_from_slice(more_flags);
        cargo
            .arg(command)
            .args(["--target", arch.target(), "--locked", "--target-dir"])
            .arg(target)
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
            .env_remove("RUSTFLAGS")
            .current_dir(tree::top());
        if self.builds_std {
            cargo.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=core,alloc");
        }
        cargo
    }

    /// Tells a script which compiler to use.
    pub(crate) fn describe_to(&self, script: &mut Command) {
        if self.builds_std {
            script.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1").env("BUILD_STD", "1");
        }
    }

    /// Clippy for `arch`, warnings denied: that of this compiler, installed if it is missing and we may. `None` if it can't be had.
    pub(crate) fn clippy(&self, arch: Arch, target: &Path) -> anyhow::Result<Option<Command>> {
        if !self.builds_std {
            let mut clippy = self.cargo("clippy", arch, target, &["-Dwarnings".to_string()]);
            clippy.env_remove("CLIPPY_ARGS");
            return Ok(output_of("cargo", &["clippy", "--version"]).map(|_| clippy));
        }
        if !Path::new(DEBIAN_CLIPPY).exists() {
            install(&["rust-web-clippy"])?;
        }
        // What `cargo clippy` does, with the driver of Debian's compiler: cargo's own finds rustup's, of another version.
        let mut clippy = self.cargo("check", arch, target, &[]);
        clippy.env("RUSTC_WORKSPACE_WRAPPER", DEBIAN_CLIPPY).env("CLIPPY_ARGS", "-Dwarnings__CLIPPY_HACKERY__");
        Ok(Some(clippy))
    }
}

fn output_of(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
}

fn has_target(arch: Arch) -> bool {
    let Some(directory) = output_of("rustc", &["--print", "target-libdir", "--target", arch.target()]) else {
        return false;
    };
    std::fs::read_dir(directory).is_ok_and(|files| {
        files.flatten().any(|file| {
            let name = file.file_name();
            let name = name.to_string_lossy();
            name.starts_with("libcore-") && name.ends_with(".rlib")
        })
    })
}

/// Tries `rustup target add`. A failure is remembered for a day: without the network it takes long to fail.
fn add_target(arch: Arch) -> bool {
    let note = tree::cache().join(format!("no-rustup-{}", arch.target()));
    let is_recent = std::fs::metadata(&note)
        .and_then(|data| data.modified())
        .is_ok_and(|time| time.elapsed().is_ok_and(|age| age.as_secs() < 24 * 3600));
    if is_recent {
        return false;
    }
    let added = Command::new("timeout")
        .args(["120", "rustup", "target", "add", arch.target()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if added && has_target(arch) {
        return true;
    }
    // Only a hint for the next time.
    let _ = std::fs::write(note, "");
    false
}

fn has_debian_sources() -> bool {
    let Some(root) = output_of(DEBIAN_RUSTC, &["--print", "sysroot"]) else { return false };
    Path::new(&root).join("lib/rustlib/src/rust/library/core/src/lib.rs").exists()
}

/// `rust-lld`: of the toolchain in use, or Debian's.
fn find_linker() -> Option<PathBuf> {
    let sysroot = output_of("rustc", &["--print", "sysroot"]).unwrap_or_default();
    let host = output_of("rustc", &["-vV"])
        .and_then(|text| text.lines().find_map(|line| line.strip_prefix("host: ").map(str::to_string)))
        .unwrap_or_default();
    let own = Path::new(&sysroot).join("lib/rustlib").join(host).join("bin/rust-lld");
    [own, "/usr/bin/rust-lld".into(), "/usr/bin/ld.lld-22".into(), "/usr/bin/ld.lld".into()]
        .into_iter()
        .find(|path| path.exists())
}

/// Installs Debian's packages, or says how.
fn install(packages: &[&str]) -> Result<(), Missing> {
    let list = packages.join(" ");
    let command = format!("apt-get install -y --no-install-recommends {list}");
    let missing = |reason: String| {
        Missing(format!(
            "the kernel's targets are missing and cannot be had from rustup, and {reason}; as root, run: {command}"
        ))
    };
    let is_root = output_of("id", &["-u"]).as_deref() == Some("0");
    if !is_root && output_of("sudo", &["-n", "true"]).is_none() {
        return Err(missing("this user may not install Debian's packages".into()));
    }
    eprintln!("xtask: installing {list}");
    let run = |words: &str| -> std::io::Result<Output> {
        let mut shell = Command::new("sh");
        let prefix = if is_root { "" } else { "sudo -n " };
        shell.arg("-c").arg(format!("{prefix}env DEBIAN_FRONTEND=noninteractive {words}")).stdin(Stdio::null()).output()
    };
    let mut done = run(&command);
    if !done.as_ref().is_ok_and(|output| output.status.success()) {
        // A fresh machine has no package lists; if this fails, so does the next line, which then says why.
        let _ = run("apt-get update");
        done = run(&command);
    }
    match done {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            let reason = text.lines().next_back().unwrap_or("no message").trim().to_string();
            Err(missing(format!("installing Debian's failed ({reason})")))
        }
        Err(error) => Err(missing(format!("installing Debian's failed ({error})"))),
    }
}
