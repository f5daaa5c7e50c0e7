//! The list of the suite, `user/suite/manifest.txt`: one line a program, with what it needs and how it must end.

use anyhow::Context;
use std::path::Path;

/// How many programs the suite has.
pub(crate) const PROGRAMS: usize = 120;

/// One program of the suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its name.
    pub(crate) name: String,
    /// What the kernel must have before it can run in a machine.
    pub(crate) waits_for: Option<String>,
    /// What it must run on again.
    pub(crate) again_on: Option<String>,
    /// The exit status that is right.
    pub(crate) status: u8,
    /// What is run in place of the program of that name: its words, `@` for the fixtures' root.
    pub(crate) command: Vec<String>,
}

/// Reads the list, which must be whole.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Entry>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let entries = parse(&text)?;
    anyhow::ensure!(entries.len() == PROGRAMS, "{} has {} programs, not {PROGRAMS}", path.display(), entries.len());
    Ok(entries)
}

fn parse(text: &str) -> anyhow::Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, _group, "both", _fixtures, waits_for, again_on, status, command @ ..] = words.as_slice() else {
            anyhow::bail!("a line of the suite's list has too few columns, or an unknown architecture: {line}");
        };
        anyhow::ensure!(!entries.iter().any(|entry| entry.name == *name), "{name} is in the suite's list twice");
        let optional = |word: &str| (word != "-").then(|| word.to_string());
        entries.push(Entry {
            name: name.to_string(),
            waits_for: optional(waits_for),
            again_on: optional(again_on),
            status: status.parse().with_context(|| format!("no exit status: {line}"))?,
            command: command.iter().map(|word| word.to_string()).collect(),
        });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_whole() {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in the checkout");
        let entries = read(&top.join("user/suite/manifest.txt")).expect("a sound list");
        // The eighty named tests, and ten of the other forty.
        assert_eq!(entries.iter().filter(|entry| entry.name.ends_with("_test")).count(), 80 + 11);
        for entry in entries.iter().filter(|entry| entry.command.is_empty()) {
            let source = |ending| top.join(format!("user/suite/{}.{ending}", entry.name));
            assert!(source("c").exists() || source("rs").exists(), "{} has no source", entry.name);
        }
    }

    #[test]
    fn bad_lines_are_refused() {
        assert!(parse("a g both - - - 0\n# remark\n\nb g both - ip - 1 x y\n").is_ok_and(|list| list.len() == 2));
        assert!(parse("a g both - - - 0\na g both - - - 0\n").is_err());
        assert!(parse("a g both - - -\n").is_err());
        assert!(parse("a g both - - - x\n").is_err());
        assert!(parse("a g mips - - - 0\n").is_err());
    }
}
