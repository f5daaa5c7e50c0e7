//! What a suite found, and the tally over all of them.
//!
//! A test counts once: it passed, or it is in the list of failures. What concerns the suite rather than one of its tests (it could not
//! be started, it ended early) is a failure of its own only where no test is to blame.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

/// A test that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Its name.
    pub(crate) test: String,
    /// All that helps to see why.
    pub(crate) text: String,
}

/// One suite's outcome.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Which suite, for people.
    pub(crate) name: String,
    /// Tests that passed.
    pub(crate) passed: usize,
    /// Tests that failed.
    pub(crate) failures: Vec<Failure>,
    /// Test programs' wait statuses as the runner gave them, "timeout" for one that hung; `None`: not run to its end.
    pub(crate) verdicts: Vec<(String, Option<String>)>,
    /// What went wrong around the tests.
    around: Vec<String>,
    /// What could not be run, for want of something outside or of the kernel, by name.
    pub(crate) waiting: Vec<String>,
    /// How many of those that passed must run on something else again.
    pub(crate) again: usize,
    /// How long it took.
    pub(crate) time: Duration,
}

impl Report {
    /// Nothing found yet.
    pub(crate) fn new(name: impl Into<String>) -> Report {
        Report { name: name.into(), ..Report::default() }
    }

    /// Notes a test that failed.
    pub(crate) fn fail(&mut self, test: impl Into<String>, text: impl Into<String>) {
        self.failures.push(Failure { test: test.into(), text: text.into() });
    }

    /// Notes what went wrong around the tests.
    pub(crate) fn fail_around(&mut self, text: impl Into<String>) {
        self.around.push(text.into());
    }

    /// Whether something went wrong around the tests.
    pub(crate) fn is_failed_around(&self) -> bool {
        !self.around.is_empty()
    }

    /// What failed, by name: tests, or the suite itself where none of its tests did.
    pub(crate) fn failed(&self) -> Vec<String> {
        if self.failures.is_empty() && !self.around.is_empty() {
            return vec![format!("{}: the run itself", self.name)];
        }
        self.failures.iter().map(|failure| format!("{}: {}", self.name, failure.test)).collect()
    }

    /// Shows it: one line if all is well, else all failures.
    pub(crate) fn show(&self) {
        let seconds = self.time.as_secs_f64();
        let Report { name, passed, failures, around, .. } = self;
        for Failure { test, text } in failures {
            println!("---- {name}: {test} {}", text.trim_end());
        }
        for text in around {
            println!("---- {name}: {}", text.trim_end());
        }
        let (verdict, failed) = match self.failed().len() {
            0 => ("ok", String::new()),
            failed => ("FAILED", format!(", {failed} failed")),
        };
        let waiting = if self.waiting.is_empty() { String::new() } else { format!(", {} waiting", self.waiting.len()) };
        println!("{verdict:<7} {name}: {passed} passed{failed}{waiting} ({seconds:.1} s)");
    }
}

/// The tally over all suites: counts, what waits, then what failed once more, a line each, so that the end of a long log says it all.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    passed: usize,
    failed: Vec<String>,
    waiting: usize,
    /// What waits, each once however many suites it waits in.
    names: BTreeSet<String>,
    again: usize,
}

impl Tally {
    /// Adds a suite.
    pub(crate) fn add(&mut self, report: &Report) {
        self.passed += report.passed;
        self.failed.extend(report.failed());
        self.waiting += report.waiting.len();
        self.names.extend(report.waiting.iter().cloned());
        self.again += report.again;
    }

    /// Whether something was tested and nothing failed.
    pub(crate) fn is_good(&self) -> bool {
        self.failed.is_empty() && self.passed > 0
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{} passed, {} failed", self.passed, self.failed.len());
        // Writing to a string does not fail.
        if self.waiting > 0 {
            let _ = write!(text, ", {} waiting", self.waiting);
        }
        text.push('\n');
        if !self.names.is_empty() {
            let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
            let _ = writeln!(text, "waiting {}", names.join(", "));
        }
        if self.again > 0 {
            let _ = writeln!(text, "to be run again on an ext2 disk: {}", self.again);
        }
        for name in &self.failed {
            let _ = writeln!(text, "FAILED  {name}");
        }
        text
    }
}

/// The last lines of a text that may be long.
pub(crate) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_test_counts_once() {
        let mut report = Report::new("suite");
        report.passed = 33;
        report.fail("case", "died");
        report.fail_around("its output: …");
        report.waiting.extend(["other".to_string(), "other".to_string()]);
        let mut tally = Tally::default();
        tally.add(&report);
        assert_eq!(tally.text(), "33 passed, 1 failed, 2 waiting\nwaiting other\nFAILED  suite: case\n");
        assert!(!tally.is_good());
    }

    #[test]
    fn a_suite_without_a_failing_test_can_fail() {
        let mut report = Report::new("suite");
        report.passed = 2;
        report.fail_around("it ended early");
        report.fail_around("with status 3");
        let mut tally = Tally::default();
        tally.add(&report);
        assert_eq!(tally.text(), "2 passed, 1 failed\nFAILED  suite: the run itself\n");
        assert!(!tally.is_good() && !Tally::default().is_good());
    }
}
