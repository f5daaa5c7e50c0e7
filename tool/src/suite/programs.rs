//! The test programs of `user/`: C files (and Rust files, see `rust`), each built as one static program per architecture, anew when it or
//! a header is younger.

use crate::arch::Arch;
use crate::home::{self, Home};
use crate::setup::packages;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Built programs of one architecture.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    /// The directory they are in.
    pub(crate) directory: PathBuf,
    /// Their names, sorted.
    pub(crate) names: Vec<String>,
}

/// Builds every C and Rust file of the checkout's directory `source` (`user`, `user/suite`, `user/stress`, `user/harness`, `user/bench`).
pub(crate) fn build(home: &Home, arch: Arch, source: &str) -> anyhow::Result<Programs> {
    let package = if arch == Arch::host() {
        "gcc".to_string()
    } else {
        format!("gcc-{}-linux-gnu", arch.name().replace('_', "-"))
    };
    let compiler = packages::ensure_program(arch.c_compiler(), &package)?;
    ensure_static_library(arch, &compiler)?;
    let sources = home.top.join(source);
    let directory = home.cache.join("build").join(source).join(arch.name());
    std::fs::create_dir_all(&directory)?;
    let mut names = Vec::new();
    let files: Vec<PathBuf> = std::fs::read_dir(&sources)?.flatten().map(|entry| entry.path()).collect();
    let has_ending = |path: &Path, ending: &str| path.extension().is_some_and(|extension| extension == ending);
    let mut headers: Vec<PathBuf> = files.iter().filter(|path| has_ending(path, "h")).cloned().collect();
    headers.extend(["check.h", "pty.h"].map(|name| home.top.join("user").join(name)));
    for file in files.iter().filter(|path| has_ending(path, "c")) {
        let Some(name) = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()) else { continue };
        let program = directory.join(&name);
        let mut inputs = headers.clone();
        inputs.push(file.clone());
        if home::is_stale(&program, &inputs) {
            compile(&compiler, file, &program)?;
        }
        names.push(name);
    }
    let rust: Vec<PathBuf> = files.iter().filter(|path| has_ending(path, "rs")).cloned().collect();
    super::rust::build(home, arch, &rust, &directory)?;
    names.extend(rust.iter().filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())));
    names.sort();
    remove_others(&directory, &names)?;
    Ok(Programs { directory, names })
}

/// A program whose source is gone must not be run any more.
fn remove_others(directory: &Path, names: &[String]) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)?.flatten() {
        if !names.iter().any(|name| entry.file_name() == name.as_str()) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn compile(compiler: &Path, source: &Path, program: &Path) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(source)?;
    let mut command = Command::new(compiler);
    command.args(["-static", "-O2", "-g", "-Wall", "-Wextra", "-pthread"]);
    if text.contains("void _start(") {
        command.args(["-nostdlib", "-fno-stack-protector"]);
    }
    let output = command.arg("-o").arg(program).arg(source).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{} doesn't compile:\n{said}", source.display());
    Ok(())
}

/// A compiler without a C library (Debian's gcc alone) cannot link programs.
fn ensure_static_library(arch: Arch, compiler: &Path) -> anyhow::Result<()> {
    let output = Command::new(compiler).arg("-print-file-name=libc.a").output()?;
    let path = String::from_utf8_lossy(&output.stdout).trim().to_string();
    if Path::new(&path).is_absolute() && Path::new(&path).exists() {
        return Ok(());
    }
    let package = if arch == Arch::host() { "libc6-dev".into() } else { format!("libc6-dev-{}-cross", arch.debian()) };
    packages::install("the static C library", &package)
}
