//! Debian's packages: installed by name when they are missing and we may; fetched and unpacked privately where the system is to be
//! left alone (a foreign architecture's, Linux kernels to compare with).

use crate::arch::Arch;
use crate::home::Home;
use crate::status::{self, failure};
use crate::vmm::find_program;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The program `name`, installed as part of `package` if it is missing.
pub(crate) fn ensure_program(name: &str, package: &str) -> anyhow::Result<PathBuf> {
    if let Some(path) = find_program(name) {
        return Ok(path);
    }
    install(name, package)?;
    find_program(name).ok_or_else(|| failure(status::SETUP, format!("{package} was installed but brought no {name}")))
}

/// Installs a package, or says how.
pub(crate) fn install(wanted: &str, package: &str) -> anyhow::Result<()> {
    let explain = |reason: &str| {
        let hint = format!("apt-get install --no-install-recommends {package}");
        failure(status::SETUP, format!("{wanted} is missing and {reason}; as root, run: {hint}"))
    };
    if find_program("apt-get").is_none() {
        return Err(failure(
            status::SETUP,
            format!("{wanted} is missing; install it with your distribution's tools (Debian's package is {package})"),
        ));
    }
    let mut prefix: Vec<&str> = Vec::new();
    if !rustix::process::geteuid().is_root() {
        let may = Command::new("sudo").args(["-n", "true"]).stdin(Stdio::null()).output();
        if !may.is_ok_and(|output| output.status.success()) {
            return Err(explain("this user may not install packages"));
        }
        prefix.extend(["sudo", "-n"]);
    }
    eprintln!("ochre: installing Debian's {package} for {wanted}");
    let run = |words: &[&str]| {
        let all: Vec<&str> = prefix.iter().chain(words).copied().collect();
        Command::new(all[0]).args(&all[1..]).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).output()
    };
    let attempt = ["apt-get", "install", "-y", "-q", "--no-install-recommends", package];
    let mut output = run(&attempt)?;
    if !output.status.success() {
        run(&["apt-get", "update", "-q"])?;
        output = run(&attempt)?;
    }
    if output.status.success() {
        Ok(())
    } else {
        Err(explain(&format!("installing it failed ({})", last_line(&output))))
    }
}

/// The last line a command said.
fn last_line(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no message").trim().to_string()
}

/// Fetches Debian's `package` for `arch` and unpacks it below the cache, leaving the system's own package state alone: lists and
/// downloads live in the cache. Answers the directory with the package's files.
pub(crate) fn fetch(home: &Home, arch: Arch, package: &str) -> anyhow::Result<PathBuf> {
    let target = unpacked(home, arch, package);
    if target.is_dir() {
        return Ok(target);
    }
    if find_program("apt-get").is_none() || find_program("dpkg-deb").is_none() {
        return Err(failure(
            status::SETUP,
            format!(
                "Debian's package {package} for {} is needed, and this system has no apt; use --root",
                arch.debian()
            ),
        ));
    }
    eprintln!("ochre: fetching Debian's {package} for {}", arch.debian());
    let apt = Apt::new(home, arch)?;
    let download = tempfile::tempdir_in(&home.cache)?;
    let name = format!("{package}:{}", arch.debian());
    let mut output = apt.run(&["download", &name], download.path())?;
    if !output.status.success() {
        apt.run(&["update"], download.path())?;
        output = apt.run(&["download", &name], download.path())?;
    }
    let file = std::fs::read_dir(download.path())?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"));
    let Some(file) = file.filter(|_| output.status.success()) else {
        let reason = last_line(&output);
        return Err(failure(status::SETUP, format!("cannot fetch Debian's package {name}: {reason}")));
    };
    let unpacked = tempfile::tempdir_in(&home.cache)?;
    let output = Command::new("dpkg-deb").arg("-x").arg(&file).arg(unpacked.path()).output()?;
    anyhow::ensure!(output.status.success(), "cannot unpack {}: {}", file.display(), last_line(&output));
    if let Some(parent) = target.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::rename(unpacked.keep(), &target)?;
    Ok(target)
}

/// Where [`fetch`] unpacks a package.
pub(crate) fn unpacked(home: &Home, arch: Arch, package: &str) -> PathBuf {
    home.cache.join("packages").join(arch.name()).join(package)
}

/// The first package that `package` depends on whose name begins with `prefix`.
pub(crate) fn dependency(home: &Home, arch: Arch, package: &str, prefix: &str) -> anyhow::Result<String> {
    if find_program("apt-cache").is_none() {
        return Err(failure(status::SETUP, format!("Debian's {package} is needed, and this system has no apt")));
    }
    let apt = Apt::new(home, arch)?;
    let depends = || -> anyhow::Result<Option<String>> {
        let output = Command::new("apt-cache").args(&apt.options).args(["depends", package]).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut names = text.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
        Ok(names.find(|name| name.starts_with(prefix)).map(String::from))
    };
    if let Some(name) = depends()? {
        return Ok(name);
    }
    let output = apt.run(&["update"], &home.cache)?;
    depends()?.ok_or_else(|| failure(status::SETUP, format!("cannot find Debian's {package}: {}", last_line(&output))))
}

/// apt with folders of our own.
struct Apt {
    options: Vec<OsString>,
}

impl Apt {
    fn new(home: &Home, arch: Arch) -> anyhow::Result<Apt> {
        let base = home.cache.join("apt").join(arch.name());
        for directory in ["lists/partial", "cache/archives/partial"] {
            std::fs::create_dir_all(base.join(directory))?;
        }
        let status = base.join("status");
        std::fs::write(&status, "")?;
        let option = |name: &str, value: &Path| -> OsString { format!("{name}={}", value.display()).into() };
        let debian = arch.debian();
        let settings = [
            option("Dir::State::lists", &base.join("lists")),
            option("Dir::State::status", &status),
            option("Dir::Cache", &base.join("cache")),
            format!("APT::Architecture={debian}").into(),
            format!("APT::Architectures={debian}").into(),
            "Acquire::Languages=none".into(),
            // Our folders aren't open to apt's own user.
            "APT::Sandbox::User=root".into(),
        ];
        let options = settings.into_iter().flat_map(|setting| ["-o".into(), setting]).collect();
        Ok(Apt { options })
    }

    fn run(&self, words: &[&str], directory: &Path) -> std::io::Result<Output> {
        let mut command = Command::new("apt-get");
        command.args(&self.options).arg("-q").args(words).current_dir(directory).stdin(Stdio::null()).output()
    }
}
