//! What a suite found, and the tally over all of them.

use std::time::Duration;

/// One suite's outcome.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Which suite, for people.
    pub(crate) name: String,
    /// Tests that passed.
    pub(crate) passed: usize,
    /// What failed, each with all that helps to see why.
    pub(crate) failures: Vec<String>,
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

    /// Notes a failure.
    pub(crate) fn fail(&mut self, text: impl Into<String>) {
        self.failures.push(text.into());
    }

    /// Shows it: one line if all is well, else all failures.
    pub(crate) fn show(&self) {
        let seconds = self.time.as_secs_f64();
        let Report { name, passed, failures, .. } = self;
        if failures.is_empty() {
            println!("ok      {name}: {passed} passed ({seconds:.1} s)");
        } else {
            for text in failures {
                println!("---- {name}: {}", text.trim_end());
            }
            println!("FAILED  {name}: {passed} passed, {} failed ({seconds:.1} s)", failures.len());
        }
        if !self.waiting.is_empty() {
            println!("        waiting: {}: {}", self.waiting.len(), self.waiting.join(", "));
        }
        if self.again > 0 {
            println!("        to be run again on an ext2 disk: {}", self.again);
        }
    }
}

/// The last lines of a text that may be long.
pub(crate) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
