//! The two guest architectures, and what the tool must know about each.

use clap::ValueEnum;

/// A guest architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arch {
    /// AMD64, Intel 64.
    #[value(name = "x86_64", alias = "x86-64", alias = "amd64")]
    X86_64,
    /// ARM64.
    #[value(name = "aarch64", alias = "arm64")]
    Aarch64,
}

impl Arch {
    /// All of them, in the order in which they are tested.
    pub(crate) const ALL: [Arch; 2] = [Arch::X86_64, Arch::Aarch64];

    /// The host's own.
    pub(crate) fn host() -> Arch {
        if std::env::consts::ARCH == "aarch64" { Arch::Aarch64 } else { Arch::X86_64 }
    }

    /// As `uname -m` says it; used in paths.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86_64",
            Arch::Aarch64 => "aarch64",
        }
    }

    /// As Debian says it.
    pub(crate) fn debian(self) -> &'static str {
        match self {
            Arch::X86_64 => "amd64",
            Arch::Aarch64 => "arm64",
        }
    }

    /// QEMU's program.
    pub(crate) fn qemu(self) -> &'static str {
        match self {
            Arch::X86_64 => "qemu-system-x86_64",
            Arch::Aarch64 => "qemu-system-aarch64",
        }
    }

    /// Debian's package with that program.
    pub(crate) fn qemu_package(self) -> &'static str {
        match self {
            Arch::X86_64 => "qemu-system-x86",
            Arch::Aarch64 => "qemu-system-arm",
        }
    }

    /// `e_machine` of its ELF files.
    pub(crate) fn elf_machine(self) -> u16 {
        match self {
            Arch::X86_64 => 62,
            Arch::Aarch64 => 183,
        }
    }

    /// The kernel's file for `-kernel`, below the kernel's build directory.
    pub(crate) fn kernel_file(self) -> &'static str {
        match self {
            Arch::X86_64 => "ochre-kernel",
            Arch::Aarch64 => "Image",
        }
    }

    /// The C compiler that makes static programs for it on this host.
    pub(crate) fn c_compiler(self) -> &'static str {
        match (self, Arch::host()) {
            (Arch::X86_64, Arch::Aarch64) => "x86_64-linux-gnu-gcc",
            (Arch::Aarch64, Arch::X86_64) => "aarch64-linux-gnu-gcc",
            _ => "gcc",
        }
    }
}

impl std::fmt::Display for Arch {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.name())
    }
}
