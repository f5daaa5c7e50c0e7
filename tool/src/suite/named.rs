//! The suite of 120 named programs (`user/suite/manifest.txt`), and the stress programs (`user/stress`).
//!
//! Each program of the suite is judged by its own wait status against the list's; what the list says waits for something is not run in
//! a machine but named in every report. How many there are is known, so that none can get lost.

use super::guest::{Place, describe, words_of};
use super::manifest::{self, Entry};
use super::programs::{self, Programs};
use super::report::{Report, tail};
use crate::arch::Arch;
use crate::home::Home;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Seconds a program may take; on an idle host the slowest takes five.
const PROGRAM_LIMIT: &str = "120";
/// Most time for a boot with all programs.
const MACHINE_LIMIT: &str = "20m";

/// What the suite's programs find in the root: paths and contents.
const FIXTURES: &[(&str, &str)] = &[
    ("hello.txt", "Hello from Ochre\n"),
    (
        "lines.txt",
        "an one\nb two\nc three\nd four\ne five\nf six\ng seven\nh eight\ni nine\nj ten\nk eleven\nl twelve\nm 13th\nn 14th\no line15\n",
    ),
    ("empty.txt", ""),
    ("test/nested.txt", "nested file\n"),
    ("deep/path/to/file/data.txt", "deep data\n"),
    (
        "shell.txt",
        "# What init_shell runs as a program of the suite: it ends with 7.\n\
         cd /tmp\n\
         seq 1 100 | sort -rn | head -n 3 > suite_shell_output\n\
         sleep 1000 &\n\
         echo 'one | two' | cat >> suite_shell_output\n\
         jobs\n\
         kill %sleep\n\
         wait %1\n\
         wc -l < suite_shell_output | grep -q 4\n\
         rm suite_shell_output\n\
         sh -c 'exit 7' < /dev/null &\n\
         fg\n",
    ),
];

/// The suite, built for one architecture.
#[derive(Debug)]
pub(crate) struct Suite {
    entries: Vec<Entry>,
    programs: Programs,
    fixtures: PathBuf,
}

/// Builds the suite; a program of the list without a source, or the reverse, is an error.
pub(crate) fn build(home: &Home, arch: Arch) -> anyhow::Result<Suite> {
    let entries = manifest::read(&home.top.join("user/suite/manifest.txt"))?;
    let programs = programs::build(home, arch, "user/suite")?;
    let listed = |name: &str| entries.iter().any(|entry| entry.name == name);
    if let Some(name) = programs.names.iter().find(|name| !listed(name)) {
        anyhow::bail!("user/suite/{name} is not in the suite's list");
    }
    let fixtures = home.cache.join("build/suite-fixtures");
    for (path, content) in FIXTURES {
        let path = fixtures.join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(&fixtures))?;
        if std::fs::read(&path).ok().as_deref() != Some(content.as_bytes()) {
            std::fs::write(path, content)?;
        }
    }
    for directory in ["bin", "sbin"] {
        std::fs::create_dir_all(fixtures.join(directory))?;
    }
    Ok(Suite { entries, programs, fixtures })
}

impl Suite {
    /// The same with the programs alone whose name contains `filter`.
    pub(crate) fn narrow(mut self, filter: Option<&str>) -> Suite {
        self.entries.retain(|entry| filter.is_none_or(|filter| entry.name.contains(filter)));
        self
    }

    /// Whether any program is left.
    pub(crate) fn has_any(&self) -> bool {
        !self.entries.is_empty()
    }
}

/// Runs the suite once.
pub(crate) fn run(place: Place<'_>, suite: &Suite, runner: &Programs, boot: u32) -> anyhow::Result<Report> {
    let start = Instant::now();
    let is_host = matches!(place, Place::Host);
    let mut report = Report::new(name_of(place, "suite", boot));
    // Linux has a network and disks; what is missing there is only what the machine lacks.
    let (waiting, wanted): (Vec<&Entry>, Vec<&Entry>) =
        suite.entries.iter().partition(|entry| !is_host && entry.waits_for.is_some());
    let root = if is_host { suite.fixtures.display().to_string() } else { String::new() };
    let mut command = start_runner(place, &suite.programs, runner)?;
    if is_host {
        command.env("SUITE_ROOT", &suite.fixtures);
    } else {
        let paths = ["hello.txt", "lines.txt", "empty.txt", "test", "deep", "shell.txt"];
        for path in paths {
            command.arg("--add").arg(format!("{}:/{path}", suite.fixtures.join(path).display()));
        }
        command.args(["--", "/harness/runner", PROGRAM_LIMIT, "/tests"]);
    }
    finish(&mut report, command, &wanted, &root)?;
    let told = |entry: &&Entry| format!("{} ({})", entry.name, entry.waits_for.as_deref().unwrap_or_default());
    report.waiting = waiting.iter().map(told).collect();
    let again = wanted.iter().filter(|entry| !is_host && entry.again_on.is_some()).count();
    report.again = again;
    report.time = start.elapsed();
    Ok(report)
}

/// Runs the stress programs, each with `rounds` as its argument.
pub(crate) fn stress(place: Place<'_>, programs: &Programs, runner: &Programs, rounds: u32) -> anyhow::Result<Report> {
    let start = Instant::now();
    let mut report = Report::new(name_of(place, "stress programs", 1));
    let wanted: Vec<Entry> = programs
        .names
        .iter()
        .map(|name| Entry {
            name: name.clone(),
            waits_for: None,
            again_on: None,
            status: 0,
            command: vec![name.clone(), rounds.to_string()],
        })
        .collect();
    let wanted: Vec<&Entry> = wanted.iter().collect();
    let mut command = start_runner(place, programs, runner)?;
    if !matches!(place, Place::Host) {
        command.args(["--", "/harness/runner", PROGRAM_LIMIT, "/tests"]);
    }
    finish(&mut report, command, &wanted, "")?;
    report.time = start.elapsed();
    Ok(report)
}

/// Runs `command`, a runner as far as the programs' names, on `wanted`, and judges.
pub(super) fn finish(
    report: &mut Report,
    mut command: Command,
    wanted: &[&Entry],
    fixtures: &str,
) -> anyhow::Result<()> {
    let words = wanted.iter().map(|entry| line_of(entry, fixtures));
    let output = command.args(words).stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    judge(report, wanted, &String::from_utf8_lossy(&output.stdout), &said);
    if !output.status.success() {
        report.fail_around(format!("the run itself ended with {}\n{}", output.status, tail(&said, 60)));
    }
    Ok(())
}

/// The runner, as far as the programs' names; in a machine without the words that end the options.
fn start_runner(place: Place<'_>, programs: &Programs, runner: &Programs) -> anyhow::Result<Command> {
    Ok(match place {
        Place::Host => {
            let mut command = Command::new(runner.directory.join("runner"));
            command.arg(PROGRAM_LIMIT).arg(&programs.directory);
            command
        }
        Place::Machine { arch, cpus, kernel } => {
            let mut command = Command::new(std::env::current_exe()?);
            command.args(["run", "--arch", arch.name(), "--accel", "tcg", "--timeout", MACHINE_LIMIT]);
            command.args(["--cpus", &cpus.to_string(), "--memory", "512M"]);
            kernel.iter().for_each(|kernel| kernel.add_to(&mut command));
            for (host, guest) in [(&programs.directory as &Path, "/tests"), (&runner.directory, "/harness")] {
                command.arg("--add").arg(format!("{}:{guest}", host.display()));
            }
            command
        }
    })
}

fn name_of(place: Place<'_>, what: &str, boot: u32) -> String {
    let boot = if boot > 1 { format!(", boot {boot}") } else { String::new() };
    match place {
        Place::Host => format!("{what} on the host's Linux{boot}"),
        Place::Machine { arch, cpus: 1, .. } => format!("{what} on {arch}, 1 CPU{boot}"),
        Place::Machine { arch, cpus, .. } => format!("{what} on {arch}, {cpus} CPUs{boot}"),
    }
}

/// An entry as the runner takes it: the name, then what to run if it is not the program of that name.
fn line_of(entry: &Entry, root: &str) -> String {
    std::iter::once(entry.name.clone())
        .chain(entry.command.iter().map(|word| word.replace('@', root)))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Compares the runner's verdicts with the list's.
fn judge(report: &mut Report, wanted: &[&Entry], verdicts: &str, said: &str) {
    let results: HashMap<&str, &str> = verdicts
        .lines()
        .filter_map(|line| line.strip_prefix("result "))
        .filter_map(|line| line.split_once(' '))
        .map(|(name, rest)| (name, rest.split(' ').next().unwrap_or_default()))
        .collect();
    for entry in wanted {
        let name = &entry.name;
        let right = (i32::from(entry.status) << 8).to_string();
        match results.get(name.as_str()) {
            Some(status) if *status == right => report.passed += 1,
            Some(&"timeout") => report.fail(name, format!("hung\n{}", words_of(name, said))),
            Some(status) => {
                let found = describe(status);
                report.fail(name, format!("{found}, not with {}\n{}", entry.status, words_of(name, said)));
            }
            None => report.fail(name, "gave no verdict"),
        }
    }
    let done = format!("done {}", wanted.len());
    if !verdicts.lines().any(|line| line == done) {
        report.fail_around(format!("the runner did not reach its end ({done:?})"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, status: u8) -> Entry {
        Entry { name: name.into(), waits_for: None, again_on: None, status, command: Vec::new() }
    }

    #[test]
    fn each_program_has_its_own_right_status() {
        let (good, exits, bad, lost) = (entry("a", 0), entry("b", 42), entry("c", 1), entry("d", 0));
        let mut report = Report::new("t");
        judge(&mut report, &[&good, &exits, &bad, &lost], "result a 0 5\nresult b 10752 1\nresult c 0 9\ndone 3\n", "");
        assert_eq!(report.passed, 2);
        assert_eq!(report.failed(), ["t: c", "t: d"]);
    }

    #[test]
    fn commands_name_the_fixtures() {
        let entry = Entry { command: vec!["cat".into(), "@/x".into()], ..entry("cat", 0) };
        assert_eq!(line_of(&entry, ""), "cat cat /x");
        assert_eq!(line_of(&entry, "/r"), "cat cat /r/x");
    }
}
