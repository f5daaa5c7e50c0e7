//! The rows of the kernel's system call table, read from its subject files (`kernel/src/syscall/table/`), whose form is fixed:
//! `/// text` lines, then `name(argument: Type as how it is shown, …) = handler as how its result is shown;`, both `as` optional.

use crate::tree;
use anyhow::Context;

/// A call that the kernel serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// Linux's name.
    pub(crate) name: String,
    /// What is missing, if anything.
    pub(crate) limits: String,
    /// The subject file's name.
    pub(crate) subject: String,
    /// Its arguments, name and type.
    pub(crate) arguments: Vec<(String, String)>,
}

/// All rows.
pub(crate) fn all() -> anyhow::Result<Vec<Call>> {
    let directory = tree::top().join("kernel/src/syscall/table");
    let mut calls = Vec::new();
    for entry in std::fs::read_dir(&directory).context("the system call table")? {
        let path = entry?.path();
        let subject = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if subject != "mod" {
            calls.extend(rows(&std::fs::read_to_string(&path)?, &subject));
        }
    }
    calls.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(calls)
}

fn rows(text: &str, subject: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut limits = String::new();
    let body = text.lines().skip_while(|line| !line.starts_with("calls!")).skip(1).map(str::trim);
    let mut row = String::new();
    for line in body {
        if let Some(words) = line.strip_prefix("///") {
            if !limits.is_empty() {
                limits.push(' ');
            }
            limits.push_str(words.trim());
            continue;
        }
        // A row may go over several lines.
        row.push_str(line);
        if !line.ends_with(';') {
            continue;
        }
        let row = std::mem::take(&mut row);
        if let Some((name, rest)) = row.split_once('(')
            && !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        {
            let arguments = rest.rsplit_once(") =").map_or("", |(arguments, _)| arguments);
            let arguments =
                split_outside_brackets(arguments).into_iter().filter_map(|argument| argument.split_once(':'));
            let arguments =
                arguments.map(|(name, kind)| (name, kind.split_once(" as ").map_or(kind, |(kind, _)| kind)));
            calls.push(Call {
                name: name.into(),
                limits: std::mem::take(&mut limits),
                subject: subject.into(),
                arguments: arguments.map(|(name, kind)| (name.trim().into(), kind.trim().into())).collect(),
            });
        }
    }
    calls
}

/// The parts between commas that stand in no brackets.
fn split_outside_brackets(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0usize, 0, Vec::new());
    for (place, letter) in text.char_indices() {
        match letter {
            '(' | '[' | '<' => depth += 1,
            ')' | ']' | '>' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..place]);
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    #[test]
    fn rows_are_read() {
        let text = "//! x(y)\ncalls! {\n    handlers: crate::a;\n\n    /// Not\n    /// all.\n    one(fd: Fd) = sys_one;\n    two(\n        a: u32,\n        b: UserPtr<[u64; 2]> as In(Pollfds(1)),\n    ) = sys_two as Place;\n}\n";
        let calls = super::rows(text, "s");
        assert_eq!(calls.len(), 2);
        assert_eq!((calls[0].name.as_str(), calls[0].limits.as_str()), ("one", "Not all."));
        assert_eq!((calls[1].name.as_str(), calls[1].limits.as_str()), ("two", ""));
        assert_eq!(calls[0].arguments, [("fd".to_string(), "Fd".to_string())]);
        let expected =
            [("a", "u32"), ("b", "UserPtr<[u64; 2]>")].map(|(name, kind)| (name.to_string(), kind.to_string()));
        assert_eq!(calls[1].arguments, expected);
    }
}
