//! The test programs of `user/`, on the host's Linux and in machines.
//!
//! All programs of a suite run in one machine, one after the other, by `user/harness/runner.c`. Its verdict lines are counted: a
//! program without one failed, whatever the machine's status was. A machine that dies or hangs takes the rest with it; what its
//! console said last is shown.

use super::programs::Programs;
use super::report::{Report, tail};
use crate::arch::Arch;
use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Seconds a program may take: on Linux they take milliseconds, under emulation on a busy host a hundred times that.
const PROGRAM_LIMIT: u64 = 120;
/// Most time for all programs of a machine.
const MACHINE_LIMIT: &str = "15m";

/// A kernel that is not the checkout's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OtherKernel<'a> {
    /// Its file.
    pub(crate) file: &'a Path,
    /// What to call it.
    pub(crate) name: &'a str,
    /// Words for its command line.
    pub(crate) words: Option<&'a str>,
}

impl OtherKernel<'_> {
    /// Adds the options for it.
    pub(super) fn add_to(self, command: &mut Command) {
        command.arg("--kernel").arg(self.file);
        if let Some(words) = self.words {
            command.arg("--append").arg(words);
        }
    }
}

/// Where programs run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place<'a> {
    /// On the host's own Linux.
    Host,
    /// In a machine.
    Machine {
        /// Guest architecture.
        arch: Arch,
        /// Its processors.
        cpus: u32,
        /// Another kernel than the checkout's.
        kernel: Option<OtherKernel<'a>>,
    },
}

impl Place<'_> {
    /// What a suite that runs here is called.
    fn name(self) -> String {
        match self {
            Place::Host => "programs on the host's Linux".to_string(),
            Place::Machine { arch, cpus, kernel, .. } => {
                let kernel = kernel.map(|kernel| format!("{} ", kernel.name)).unwrap_or_default();
                format!("programs on {kernel}{arch}, {cpus} CPU{}", if cpus == 1 { "" } else { "s" })
            }
        }
    }
}

/// What to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selection<'a> {
    /// Programs whose name contains this.
    pub(crate) filter: Option<&'a str>,
    /// These, by their whole names, in this order.
    pub(crate) only: &'a [String],
    /// Seconds that each may take.
    pub(crate) limit: Option<u64>,
}

/// Runs the selected programs; `runner` holds the built `runner`.
pub(crate) fn run(
    place: Place<'_>,
    programs: &Programs,
    runner: &Programs,
    selection: Selection<'_>,
) -> anyhow::Result<Report> {
    let start = Instant::now();
    let mut report = Report::new(place.name());
    let is_wanted = |name: &&str| selection.filter.is_none_or(|filter| name.contains(filter));
    let wanted: Vec<&str> = if selection.only.is_empty() {
        programs.names.iter().map(String::as_str).filter(is_wanted).collect()
    } else {
        selection.only.iter().map(String::as_str).collect()
    };
    if wanted.is_empty() {
        return Ok(report);
    }
    let limit = selection.limit.unwrap_or(PROGRAM_LIMIT).to_string();
    let mut command = match place {
        Place::Host => {
            let mut command = Command::new(runner.directory.join("runner"));
            command.arg(&limit).arg(&programs.directory);
            command
        }
        Place::Machine { arch, cpus, kernel } => {
            let mut command = Command::new(std::env::current_exe()?);
            command.args(["run", "--arch", arch.name(), "--accel", "tcg", "--timeout", MACHINE_LIMIT]);
            command.args(["--cpus", &cpus.to_string(), "--memory", "512M"]);
            kernel.iter().for_each(|kernel| kernel.add_to(&mut command));
            for (host, guest) in [(&programs.directory, "/tests"), (&runner.directory, "/harness")] {
                command.arg("--add").arg(format!("{}:{guest}", host.display()));
            }
            command.args(["--", "/harness/runner", &limit, "/tests"]);
            command
        }
    };
    let output = command.args(&wanted).stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    judge(&mut report, &wanted, &String::from_utf8_lossy(&output.stdout), &said);
    if !output.status.success() {
        report.fail_around(format!("the run itself ended with {}\n{}", output.status, tail(&said, 60)));
    }
    report.time = start.elapsed();
    Ok(report)
}

/// The trials of the audited core, which run in place of a program.
pub(crate) fn trials(arch: Arch, cpus: u32) -> anyhow::Result<Report> {
    let start = Instant::now();
    let mut report = Report::new(format!("trials of the core on {arch}, {cpus} CPUs"));
    let output = Command::new(std::env::current_exe()?)
        .args(["run", "--arch", arch.name(), "--accel", "tcg", "--timeout", "5m", "--cpus", &cpus.to_string()])
        .args(["--kernel-log=info", "--append", "ochre.test=machine", "--", "true"])
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if said.lines().any(|line| line.ends_with("trials passed")) {
        report.passed += 1;
    } else {
        report.fail("machine", format!("the log does not say that they passed\n{}", tail(&said, 60)));
    }
    report.time = start.elapsed();
    Ok(report)
}

/// Compares the runner's verdicts with what was wanted.
fn judge(report: &mut Report, wanted: &[&str], verdicts: &str, said: &str) {
    let results: HashMap<&str, &str> = verdicts
        .lines()
        .filter_map(|line| line.strip_prefix("result "))
        .filter_map(|line| line.split_once(' '))
        .map(|(name, rest)| (name, rest.split(' ').next().unwrap_or_default()))
        .collect();
    for &name in wanted {
        report.verdicts.push((name.to_string(), results.get(name).map(|status| status.to_string())));
        match results.get(name) {
            Some(&"0") => report.passed += 1,
            Some(&"timeout") => report.fail(name, format!("hung\n{}", words_of(name, said))),
            Some(status) => report.fail(name, format!("{}\n{}", describe(status), words_of(name, said))),
            None => report.fail(name, "gave no verdict"),
        }
    }
    let done = format!("done {}", wanted.len());
    if !verdicts.lines().any(|line| line == done) {
        report.fail_around(format!("the runner did not reach its end ({done:?})"));
    }
}

/// A wait status in words.
pub(super) fn describe(status: &str) -> String {
    match status.parse::<i32>() {
        Ok(status) if status & 0x7f != 0 => format!("was ended by signal {}", status & 0x7f),
        Ok(status) => format!("exited with {}", status >> 8),
        Err(_) => format!("has the verdict {status:?}"),
    }
}

/// What a program printed.
pub(super) fn words_of(name: &str, said: &str) -> String {
    let start = format!("== {name}");
    let words = said.lines().skip_while(|line| *line != start).skip(1).take_while(|line| !line.starts_with("== "));
    tail(&words.collect::<Vec<_>>().join("\n"), 30)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wanted_program_needs_a_good_verdict() {
        let said = "== a\n== b\nb.c:1: expected x\n== c\n";
        let mut report = Report::new("t");
        judge(&mut report, &["a", "b", "c"], "result a 0 5\nresult b 256 1\nresult c timeout 9\ndone 3\n", said);
        assert_eq!((report.passed, report.failures.len()), (1, 2));
        assert!(report.failures[0].text == "exited with 1\nb.c:1: expected x");
        let mut report = Report::new("t");
        judge(&mut report, &["a", "b"], "result a 0 5\n", said);
        assert_eq!((report.passed, report.failed()), (1, vec!["t: b".to_string()]));
        let mut report = Report::new("t");
        judge(&mut report, &["a"], "result a 0 5\n", said);
        assert_eq!((report.passed, report.failed()), (1, vec!["t: the run itself".to_string()]));
        let mut report = Report::new("t");
        judge(&mut report, &["a"], "result a 11 5\ndone 1\n", said);
        assert!(report.failures[0].text.starts_with("was ended by signal 11"));
    }
}
