//! Debian's own programs at real work: the scripts of `tests/debian`, then stress-ng's stressors, in one machine from a root of Debian's
//! packages. Not part of the whole of the tests, as the root is large; it is made by `mmdebstrap` once and kept.

use super::manifest::Entry;
use super::named;
use super::programs;
use super::report::Report;
use crate::arch::Arch;
use crate::home::Home;
use crate::status::{self, failure};
use crate::vmm::find_program;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

/// What the root holds.
const PACKAGES: &str = "bash,dash,coreutils,python3,perl,gcc,libc6-dev,make,git,strace,gdb,tmux,vim-tiny,procps,stress-ng,less,hostname,\
                        grep,sed,findutils,diffutils,gzip,tar,mawk,ncurses-base,ncurses-bin,util-linux,libc-bin,base-files,base-passwd";

/// Stressors that must end with status 0, each with its options.
const STRESSORS: &[(&str, &str)] = &[
    ("cpu", "--cpu 2"),
    ("vm", "--vm 2 --vm-bytes 64M"),
    ("fork", "--fork 2"),
    ("pthread", "--pthread 2"),
    ("futex", "--futex 2"),
    ("signal", "--signal 2"),
    ("sigchld", "--sigchld 2"),
    ("sigfd", "--sigfd 2"),
    ("sigq", "--sigq 2"),
    ("sigsuspend", "--sigsuspend 2"),
    ("pipe", "--pipe 2"),
    ("epoll", "--epoll 2"),
    ("timer", "--timer 2"),
    ("mmap", "--mmap 2 --mmap-bytes 64M"),
    ("sched", "--schedpolicy 2"),
];

/// Seconds a stressor runs.
const STRESS_SECONDS: u32 = 20;

/// Runs everything on `arch`, with two processors.
pub(crate) fn run(home: &Home, arch: Arch, filter: Option<&str>) -> anyhow::Result<Report> {
    let start = Instant::now();
    let root = ensure_root(home, arch)?;
    let runner = programs::build(home, arch, "user/harness")?;
    let scripts = home.top.join("tests/debian");
    let mut names: Vec<String> = std::fs::read_dir(&scripts)?
        .flatten()
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".sh")?.to_string()))
        .collect();
    names.sort();
    let entry = |name: String, command: String| Entry {
        name,
        waits_for: None,
        again_on: None,
        status: 0,
        command: command.split_whitespace().map(str::to_string).collect(),
    };
    let mut entries: Vec<Entry> =
        names.into_iter().map(|name| entry(name.clone(), format!("bash /cases/{name}.sh"))).collect();
    entries.extend(STRESSORS.iter().map(|(name, options)| {
        entry(format!("stress_{name}"), format!("stress-ng {options} --timeout {STRESS_SECONDS} --temp-path /tmp"))
    }));
    entries.retain(|entry| filter.is_none_or(|filter| entry.name.contains(filter)));
    let mut report = Report::new(format!("Debian's programs on {arch}, 2 CPUs"));
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["run", "--arch", arch.name(), "--accel", "tcg", "--timeout", "60m", "--cpus", "2", "--memory", "3G"]);
    command.arg("--root").arg(root);
    for (host, guest) in [(&scripts, "/cases"), (&runner.directory, "/harness")] {
        command.arg("--add").arg(format!("{}:{guest}", host.display()));
    }
    command.args(["--", "/harness/runner", "600", "/cases"]);
    let wanted: Vec<&Entry> = entries.iter().collect();
    named::finish(&mut report, command, &wanted, "")?;
    report.time = start.elapsed();
    Ok(report)
}

/// The directory with Debian's packages, made if it is missing and `mmdebstrap` is there.
fn ensure_root(home: &Home, arch: Arch) -> anyhow::Result<PathBuf> {
    if let Some(directory) = std::env::var_os("OCHRE_DEBIAN") {
        let root = PathBuf::from(directory).join(arch.debian());
        anyhow::ensure!(root.is_dir(), "OCHRE_DEBIAN is set, but there is no {}", root.display());
        return Ok(root);
    }
    let root = home.cache.join("debian").join(arch.debian());
    if root.is_dir() {
        return Ok(root);
    }
    let Some(mmdebstrap) = find_program("mmdebstrap") else {
        let text = "mmdebstrap is missing, which makes the root of Debian's packages; as root, run: apt-get install mmdebstrap";
        return Err(failure(status::SETUP, text.to_string()));
    };
    eprintln!("ochre: making a root of Debian's packages for {arch}; this downloads about 150 MB");
    let unfinished = root.with_extension("unfinished");
    // A root that was not finished is of no use.
    let _ = std::fs::remove_dir_all(&unfinished);
    std::fs::create_dir_all(root.parent().unwrap_or(&home.cache))?;
    let output = Command::new(mmdebstrap)
        .args(["--variant=extract", "--components=main"])
        .arg(format!("--architectures={}", arch.debian()))
        .arg(format!("--include={PACKAGES}"))
        .arg("bookworm")
        .arg(&unfinished)
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "mmdebstrap failed:\n{}", super::report::tail(&said, 20));
    std::fs::rename(&unfinished, &root)?;
    Ok(root)
}
