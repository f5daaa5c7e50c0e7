//! Suites that are commands of the host: checks of the tree, unit tests, the system tests. Their verdict is the exit status; how many
//! tests there were is read from the lines that Rust's test harness, and ours alike, print per test.

use super::report::{Report, tail};
use crate::arch::Arch;
use crate::home::Home;
use std::process::{Command, Stdio};
use std::time::Instant;

/// `xtask check`.
pub(crate) fn checks(home: &Home) -> anyhow::Result<Report> {
    let xtask = std::env::current_exe()?.with_file_name("xtask");
    let mut command = Command::new(xtask);
    command.arg("check").env("OCHRE_TOP", &home.top).env("OCHRE_CACHE", &home.cache);
    run("checks of the tree", command)
}

/// `cargo test` of the host's crates.
pub(crate) fn unit_tests(home: &Home) -> anyhow::Result<Report> {
    let mut command = Command::new("cargo");
    command.args(["test", "--quiet", "--locked", "--no-fail-fast", "--target-dir"]);
    command.arg(home.cache.join("target/test")).current_dir(&home.top).env("RUST_BACKTRACE", "0");
    // Without it the harness prints dots, which cannot be counted.
    command.args(["--", "--format=pretty"]);
    run("unit tests on the host", command)
}

/// Builds the system tests; answers their program.
pub(crate) fn build_system_tests(home: &Home) -> anyhow::Result<std::path::PathBuf> {
    let target = home.cache.join("target");
    let output = Command::new("cargo")
        .args(["build", "--quiet", "--locked", "--release", "-p", "system-tests", "--target-dir"])
        .arg(&target)
        .current_dir(&home.top)
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "the system tests do not compile:\n{}", tail(&said, 40));
    Ok(target.join("release/system-tests"))
}

/// The system tests against `arch`.
pub(crate) fn system_tests(
    home: &Home,
    program: &std::path::Path,
    arch: Arch,
    filter: Option<&str>,
    quick: bool,
) -> anyhow::Result<Report> {
    let mut command = Command::new(program);
    command.args(["--arch", arch.name(), "--ochre"]).arg(std::env::current_exe()?);
    command.env("OCHRE_TOP", &home.top).env("OCHRE_CACHE", &home.cache).env("RUST_BACKTRACE", "0");
    if quick {
        command.arg("--quick");
    }
    command.args(filter);
    run(&format!("system tests on {arch}"), command)
}

/// So many boots in a row, judged by the system test for that.
pub(crate) fn boots(home: &Home, program: &std::path::Path, arch: Arch, boots: u32) -> anyhow::Result<Report> {
    let mut command = Command::new(program);
    command.args(["--arch", arch.name(), "--ochre"]).arg(std::env::current_exe()?);
    command.env("OCHRE_TOP", &home.top).env("OCHRE_CACHE", &home.cache).env("RUST_BACKTRACE", "0");
    command.arg("boots::many_in_a_row").env("OCHRE_BOOTS", boots.to_string());
    run(&format!("{boots} boots on {arch}"), command)
}

/// Kernels with deliberate defects: the test programs must notice. The short form of `xtask inject`.
pub(crate) fn defects(home: &Home) -> anyhow::Result<Report> {
    let mut command = Command::new(std::env::current_exe()?.with_file_name("xtask"));
    command.args(["inject", "--short"]).env("OCHRE_TOP", &home.top).env("OCHRE_CACHE", &home.cache);
    run("deliberate defects", command)
}

fn run(name: &str, mut command: Command) -> anyhow::Result<Report> {
    let start = Instant::now();
    let output = command.stdin(Stdio::null()).output()?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let mut report = Report::new(name);
    judge(&mut report, &out, output.status.success(), &output.status.to_string());
    // The words of a failed test are shown with it.
    if report.failures.iter().any(|failure| !failure.text.contains('\n')) || report.is_failed_around() {
        report.fail_around(format!("the end of its output:\n{}\n{}", tail(&out, 40), tail(&err, 40)));
    }
    report.time = start.elapsed();
    Ok(report)
}

/// Reads the verdicts: each announced test has one, and the status fits them.
fn judge(report: &mut Report, out: &str, succeeded: bool, status: &str) {
    report.passed = verdicts(out, "ok").count();
    for name in verdicts(out, "FAILED") {
        let words = words_of(name, out);
        report.fail(name, if words.is_empty() { "failed".to_string() } else { format!("failed\n{words}") });
    }
    report.waiting.extend(verdicts(out, "ignored").map(String::from));
    let expected = announced(out);
    let judged = report.passed + report.failures.len() + verdicts(out, "ignored").count();
    if expected.map_or(judged == 0, |expected| expected != judged) {
        let expected = expected.map_or_else(|| "some".to_string(), |expected| expected.to_string());
        report.fail_around(format!("{judged} tests gave a verdict, {expected} were expected"));
    }
    if !succeeded && report.failures.is_empty() {
        report.fail_around(format!("ended with {status} and without a failed test"));
    }
}

/// What a test printed: harnesses show it after a line "---- NAME stdout ----".
fn words_of(name: &str, text: &str) -> String {
    let head = format!("---- {name} stdout ----");
    let is_end = |line: &&str| line.starts_with("---- ") || line.starts_with("test ") || *line == "failures:";
    let words = text.lines().skip_while(|line| *line != head).skip(1).take_while(|line| !is_end(line));
    tail(&words.collect::<Vec<_>>().join("\n"), 120)
}

/// How many tests the harness said it would run, if it said so: the sum of its lines "running N tests".
fn announced(text: &str) -> Option<usize> {
    text.lines()
        .filter_map(|line| line.strip_prefix("running "))
        .filter_map(|line| line.split(' ').next()?.parse::<usize>().ok())
        .reduce(|sum, count| sum + count)
}

/// The tests with this verdict: lines "test NAME ... VERDICT".
fn verdicts<'a>(text: &'a str, verdict: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines()
        .filter_map(|line| line.strip_prefix("test "))
        .filter_map(|line| line.split_once(" ... "))
        .filter(move |(_, found)| found.split(' ').next() == Some(verdict))
        .map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    #[test]
    fn verdict_lines_are_counted() {
        let text =
            "running 3 tests\ntest a::b ... ok\ntest c ... FAILED\ntest d ... ignored\nok\ntest result: ok. 1 passed";
        assert_eq!(super::verdicts(text, "ok").collect::<Vec<_>>(), ["a::b"]);
        assert_eq!(super::verdicts(text, "FAILED").collect::<Vec<_>>(), ["c"]);
        assert_eq!(super::announced(text), Some(3));
        assert_eq!(super::announced("test a ... ok"), None);
    }

    #[test]
    fn each_failing_test_counts_once_and_has_its_words() {
        let mut report = super::Report::new("t");
        let text = "running 2 tests\ntest a ... FAILED\n---- a stdout ----\n  why\ntest b ... ok\n";
        super::judge(&mut report, text, false, "exit status: 1");
        assert_eq!((report.passed, report.failed()), (1, vec!["t: a".to_string()]));
        assert_eq!(report.failures[0].text, "failed\n  why");
        let mut report = super::Report::new("t");
        super::judge(&mut report, "running 2 tests\ntest a ... ok\n", false, "signal: 6");
        assert_eq!((report.passed, report.failed()), (1, vec!["t: the run itself".to_string()]));
    }
}
