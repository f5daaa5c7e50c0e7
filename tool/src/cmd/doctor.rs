//! `ochre doctor`: what is installed, what is missing, what will be used. Changes nothing; every missing thing comes with its command.

use crate::arch::Arch;
use crate::home::Home;
use crate::setup::kernel::{self, Build};
use crate::vmm;
use std::process::{Command, Stdio};

/// How a line of the report stands.
enum Finding {
    /// There, with what it is.
    Good(String),
    /// Missing; a run installs or makes it by itself if it may, or this says how.
    Missing(String),
}

/// Shows the report; answers 0 if nothing is missing, else 1.
pub(crate) fn doctor(home: &Home) -> anyhow::Result<u8> {
    let mut missing = 0;
    let mut show = |what: &str, finding: Finding| match finding {
        Finding::Good(text) => println!("ok       {what}: {text}"),
        Finding::Missing(text) => {
            println!("missing  {what}: {text}");
            missing += 1;
        }
    };
    show("checkout", Finding::Good(home.top.display().to_string()));
    show("cache", Finding::Good(home.cache.display().to_string()));
    show("Rust", program("cargo", "install the stable toolchain from https://rustup.rs"));
    show("C compiler (Rust's linker)", program("cc", &apt("gcc libc6-dev")));
    show("kernel toolchain", kernel_toolchain()?);
    for arch in Arch::ALL {
        show(&format!("QEMU for {arch}"), program(arch.qemu(), &apt(arch.qemu_package())));
        show(&format!("C compiler for {arch} test programs"), program(arch.c_compiler(), &apt(&c_package(arch))));
        show(&format!("BusyBox for {arch}"), busybox(home, arch));
        show(&format!("kernel for {arch}"), kernel(home, arch));
        let accelerator = match vmm::choose_accelerator(vmm::Accelerator::Auto, arch)? {
            vmm::Accelerator::Kvm => "KVM".to_string(),
            _ => format!("emulation (TCG): {}", vmm::why_no_kvm(arch)),
        };
        show(&format!("accelerator for {arch}"), Finding::Good(accelerator));
    }
    if missing > 0 {
        println!("{missing} missing; `ochre run` and `ochre test` install and make what they need, if they may");
    }
    Ok(u8::from(missing > 0))
}

fn apt(packages: &str) -> String {
    format!("apt-get install --no-install-recommends {packages}")
}

fn c_package(arch: Arch) -> String {
    match arch {
        _ if arch == Arch::host() => "gcc libc6-dev".into(),
        Arch::Aarch64 => "gcc-aarch64-linux-gnu libc6-dev-arm64-cross".into(),
        Arch::X86_64 => "gcc-x86-64-linux-gnu libc6-dev-amd64-cross".into(),
    }
}

/// The first line of `NAME --version`, and where it is.
fn program(name: &str, advice: &str) -> Finding {
    let Some(path) = vmm::find_program(name) else { return Finding::Missing(advice.to_string()) };
    let output = Command::new(&path).arg("--version").stdin(Stdio::null()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    Finding::Good(format!("{} ({})", text.lines().next().unwrap_or("no version").trim(), path.display()))
}

/// Which of the three ways to compile the kernel will be taken.
fn kernel_toolchain() -> anyhow::Result<Finding> {
    let xtask = std::env::current_exe()?.with_file_name("xtask");
    let output = Command::new(xtask).arg("toolchain").stdin(Stdio::null()).output()?;
    let text = if output.status.success() { output.stdout } else { output.stderr };
    let text = String::from_utf8_lossy(&text).trim().trim_start_matches("xtask: ").to_string();
    Ok(if output.status.success() { Finding::Good(text) } else { Finding::Missing(text) })
}

fn busybox(home: &Home, arch: Arch) -> Finding {
    match crate::setup::busybox::find(home, arch) {
        Some(path) => Finding::Good(path.display().to_string()),
        None => Finding::Missing("fetched from Debian's busybox-static by the first run".into()),
    }
}

fn kernel(home: &Home, arch: Arch) -> Finding {
    let file = kernel::file(home, arch, Build::Release);
    match std::fs::metadata(&file) {
        Ok(data) => {
            let fresh = if kernel::is_fresh(home, arch, Build::Release) { "" } else { ", older than its sources" };
            Finding::Good(format!("{} ({} KiB{fresh})", file.display(), data.len() / 1024))
        }
        Err(_) => Finding::Missing("built by the first run".into()),
    }
}
