//! `xtask build`: the kernel's ELF file with its symbol table filled in, and for ARM64 the flat `Image`.
//!
//! Products go to `.ochre/kernel/ARCH/`: for `-kernel`, `ochre-kernel` (x86-64, ELF without debug information) or `Image` (ARM64);
//! `ochre-kernel.debug`, the whole ELF file, for debuggers.

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
    /// Build with this defect in it, to see that the tests notice
    #[arg(long, value_name = "NAME", hide = true)]
    defect: Option<String>,
}

/// Builds for the architectures asked for.
pub(crate) fn build(arguments: &Arguments) -> anyhow::Result<()> {
    for arch in Arch::ALL {
        if arguments.arch.is_none_or(|only| only == arch) {
            let out = match &arguments.out {
                Some(out) => out.clone(),
                None => tree::cache().join("kernel").join(arch.name()),
            };
            build_one(arch, &out, arguments.defect.as_deref())?;
        }
    }
    Ok(())
}

/// Builds for `arch` into `out`.
pub(crate) fn build_one(arch: Arch, out: &std::path::Path, defect: Option<&str>) -> anyhow::Result<()> {
    let toolchain = Toolchain::find(arch)?;
    let more: Vec<String> = defect.iter().map(|name| format!("--cfg=ochre_defect=\"{name}\"")).collect();
    // A defective build must not push out the products of the sound one.
    let target = tree::cache().join(if defect.is_some() { "target/defect" } else { "target/kernel" });
    let mut cargo = toolchain.cargo("build", arch, &target, &more);
    cargo.args(["--quiet", "--release", "-p", "image", "--bin", "ochre-kernel"]);
    let status = cargo.status().context("cannot start cargo")?;
    anyhow::ensure!(status.success(), "the kernel for {} doesn't compile", arch.name());
    let built = target.join(arch.target()).join("release/ochre-kernel");
    let mut elf = std::fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
    symbols::fill(&mut elf).context("cannot fill the symbol table")?;
    std::fs::create_dir_all(out)?;
    match arch {
        Arch::Aarch64 => write(&out.join("Image"), &flat_image::from_elf(&elf)?)?,
        Arch::X86_64 => write(&out.join("ochre-kernel"), &flat_image::without_sections(&elf)?)?,
    }
    write(&out.join("ochre-kernel.debug"), &elf)
}

/// Replaces a file as a whole, so that a machine being started never reads half of it.
fn write(path: &std::path::Path, bytes: &[u8]) -> anyhow::Result<()> {
    let new = path.with_extension("new");
    std::fs::write(&new, bytes).with_context(|| format!("cannot write {}", new.display()))?;
    std::fs::rename(&new, path).with_context(|| format!("cannot replace {}", path.display()))
}
