//! `xtask build`: the kernel's ELF file with its symbol table filled in, and the forms of it that loaders want.
//!
//! Products go to `.ochre/kernel/ARCH/`: for `-kernel`, `ochre-kernel` (x86-64, ELF without debug information) or `Image` (ARM64);
//! for x86-64 also `bzImage`, for loaders that start only what looks like Linux; `ochre-kernel.debug`, the whole ELF file, for
//! debuggers. `--checked` makes the kernel that tests run besides, in `checked/` below:
//! arithmetic that overflows and broken assertions end it, and defects can be switched on (`machine/src/defect.rs`). `--untraced` makes,
//! in `untraced/`, the kernel without probes and counters that `ochre bench trace` compares with.

use crate::toolchain::Toolchain;
use crate::tree::{self, Arch};
use crate::{flat_image, symbols};
use anyhow::Context;
use std::path::PathBuf;

/// `xtask build`'s command line.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// One architecture only
    #[arg(long, value_enum)]
    arch: Option<Arch>,
    /// Put the products into this directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// With overflow checks, debug assertions, and defects that the kernel's command line can switch on
    #[arg(long)]
    checked: bool,
    /// Without probes, counters and the profiler's hooks: what the cost of tracing is measured against
    #[arg(long, conflicts_with = "checked")]
    untraced: bool,
}

/// How a kernel is built.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As it is used.
    Release,
    /// `--checked`.
    Checked,
    /// `--untraced`.
    Untraced,
}

impl Kind {
    /// Its directory below that of the kernel as it is used, and its build directory.
    fn directories(self) -> (Option<&'static str>, &'static str) {
        match self {
            Kind::Release => (None, "target/kernel"),
            Kind::Checked => (Some("checked"), "target/checked"),
            Kind::Untraced => (Some("untraced"), "target/untraced"),
        }
    }
}

/// Builds for the architectures asked for.
pub(crate) fn build(arguments: &Arguments) -> anyhow::Result<()> {
    let kind = match (arguments.checked, arguments.untraced) {
        (true, _) => Kind::Checked,
        (_, true) => Kind::Untraced,
        _ => Kind::Release,
    };
    for arch in Arch::ALL {
        if arguments.arch.is_none_or(|only| only == arch) {
            let out = match &arguments.out {
                Some(out) => out.clone(),
                None => directory(arch, kind),
            };
            build_one(arch, &out, kind)?;
        }
    }
    Ok(())
}

/// Where the products go if no other place is asked for.
fn directory(arch: Arch, kind: Kind) -> PathBuf {
    let directory = tree::cache().join("kernel").join(arch.name());
    match kind.directories().0 {
        Some(below) => directory.join(below),
        None => directory,
    }
}

/// The checked kernel for `arch` as `-kernel` takes it, built anew if it must be.
pub(crate) fn checked(arch: Arch) -> anyhow::Result<PathBuf> {
    let out = directory(arch, Kind::Checked);
    build_one(arch, &out, Kind::Checked)?;
    Ok(out.join(if arch == Arch::Aarch64 { "Image" } else { "ochre-kernel" }))
}

/// Builds for `arch` into `out`.
fn build_one(arch: Arch, out: &std::path::Path, kind: Kind) -> anyhow::Result<()> {
    let toolchain = Toolchain::find(arch)?;
    let (profile, more) = match kind {
        Kind::Release => ("release", vec![]),
        Kind::Checked => ("checked", vec!["--cfg=ochre_defects".to_string()]),
        Kind::Untraced => ("release", vec!["--cfg=ochre_untraced".to_string()]),
    };
    // Other flags, other directory: one build must not push out the products of the other.
    let target = tree::cache().join(kind.directories().1);
    let mut cargo = toolchain.cargo("build", arch, &target, &more);
    cargo.args(["--quiet", "--profile", profile, "-p", "image", "--bin", "ochre-kernel"]);
    let status = cargo.status().context("cannot start cargo")?;
    anyhow::ensure!(status.success(), "the kernel for {} doesn't compile", arch.name());
    let built = target.join(arch.target()).join(profile).join("ochre-kernel");
    let mut elf = std::fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
    symbols::fill(&mut elf).context("cannot fill the symbol table")?;
    std::fs::create_dir_all(out)?;
    match arch {
        Arch::Aarch64 => write(&out.join("Image"), &flat_image::from_elf(&elf)?)?,
        Arch::X86_64 => {
            write(&out.join("ochre-kernel"), &flat_image::without_sections(&elf)?)?;
            write(&out.join("bzImage"), &flat_image::bz_image(&elf)?)?;
        }
    }
    write(&out.join("ochre-kernel.debug"), &elf)
}

/// Replaces a file as a whole, so that a machine being started never reads half of it.
fn write(path: &std::path::Path, bytes: &[u8]) -> anyhow::Result<()> {
    let new = path.with_extension("new");
    std::fs::write(&new, bytes).with_context(|| format!("cannot write {}", new.display()))?;
    std::fs::rename(&new, path).with_context(|| format!("cannot replace {}", path.display()))
}
