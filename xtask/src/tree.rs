//! The checkout: where it is, where its build products go, which targets its kernel has.

use clap::ValueEnum;
use std::path::{Path, PathBuf};

/// The checkout's directory.
pub(crate) fn top() -> PathBuf {
    match std::env::var_os("OCHRE_TOP") {
        Some(top) => top.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default(),
    }
}

/// Where build products and fetched files are kept.
pub(crate) fn cache() -> PathBuf {
    std::env::var_os("OCHRE_CACHE").map_or_else(|| top().join(".ochre"), PathBuf::from)
}

/// A target of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arch {
    /// AMD64, Intel 64.
    #[value(name = "x86_64")]
    X86_64,
    /// ARM64.
    #[value(name = "aarch64")]
    Aarch64,
}

impl Arch {
    /// Both.
    pub(crate) const ALL: [Arch; 2] = [Arch::X86_64, Arch::Aarch64];

    /// As in paths.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86_64",
            Arch::Aarch64 => "aarch64",
        }
    }

    /// Rust's target. Plain `aarch64-unknown-none` would use vector registers in ordinary code.
    pub(crate) fn target(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86_64-unknown-none",
            Arch::Aarch64 => "aarch64-unknown-none-softfloat",
        }
    }

    /// The compiler's flags for kernel code, linker included.
    pub(crate) fn rust_flags(self, linker: &Path) -> Vec<String> {
        let script = top().join("image").join(format!("{}.ld", self.name()));
        let mut flags = vec![
            "-Crelocation-model=static".to_string(),
            "-Cforce-frame-pointers=yes".to_string(),
            format!("-Clinker={}", linker.display()),
            format!("-Clink-arg=-T{}", script.display()),
            "-Clink-arg=-zmax-page-size=4096".to_string(),
            "-Clink-arg=--no-rosegment".to_string(),
            "-Clink-arg=--gc-sections".to_string(),
        ];
        if self == Arch::X86_64 {
            flags.push("-Ccode-model=kernel".to_string());
        }
        flags
    }
}
