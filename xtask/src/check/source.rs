//! What every source file must hold to: where `unsafe`, assembly and architecture may stand, the header, the length.

use super::text::{code_of, lines_with};
use crate::tree;
use std::path::{Path, PathBuf};

/// The crates whose sources are looked at.
const CRATES: [&str; 10] = ["abi", "wire", "pure", "machine", "kernel", "modules", "image", "tool", "xtask", "tests"];

/// Longest file, tests included, that needs no reason.
const MOST_LINES: usize = 1000;

/// Words that belong into `machine` only. For each: files elsewhere that may have it, with the reason.
const CONFINED: &[(&str, &[(&str, &str)])] = &[
    ("unsafe", &[("image/src/main.rs", "the entry's symbol name is fixed for the linker by #[unsafe(no_mangle)]")]),
    ("asm", &[]),
    ("global_asm", &[]),
    ("naked_asm", &[]),
    ("target_arch", &[("abi/", "Linux's numbers and structures differ by architecture")]),
];

/// A source file.
pub(crate) struct Source {
    /// Path in the checkout.
    pub(crate) path: String,
    /// Content.
    pub(crate) text: String,
    /// Content without comments and strings.
    pub(crate) code: String,
}

/// All Rust sources of the workspace.
pub(crate) fn all() -> anyhow::Result<Vec<Source>> {
    let top = tree::top();
    let mut files = Vec::new();
    for name in CRATES {
        collect(&top.join(name), &mut files)?;
    }
    files.sort();
    files
        .into_iter()
        .map(|file| {
            let text = std::fs::read_to_string(&file)?;
            let path = file.strip_prefix(&top).unwrap_or(&file).display().to_string();
            Ok(Source { path, code: code_of(&text), text })
        })
        .collect()
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// Where a word of [`CONFINED`] stands outside `machine` without leave.
pub(crate) fn check_words(sources: &[Source]) -> super::Found {
    let mut wrong = Vec::new();
    for source in sources.iter().filter(|source| !source.path.starts_with("machine/")) {
        for (word, exceptions) in CONFINED {
            if exceptions.iter().any(|(place, _)| source.path.starts_with(place)) {
                continue;
            }
            // `forbid(unsafe_code)` is another word; `unsafe` within a macro's name doesn't count either.
            for line in lines_with(&source.code, word) {
                wrong.push(format!("{}:{line}: `{word}` belongs into machine", source.path));
            }
        }
    }
    Ok(wrong)
}

/// Files without a header.
pub(crate) fn check_headers(sources: &[Source]) -> super::Found {
    // The misuses begin with the error they must cause.
    let lacks_header =
        |source: &&Source| !source.text.starts_with("//! ") && !source.path.starts_with("machine/compile_fail/");
    Ok(sources
        .iter()
        .filter(lacks_header)
        .map(|source| format!("{}: doesn't begin with a `//!` header that says what the file is for", source.path))
        .collect())
}

/// Files that are too long.
pub(crate) fn check_lengths(sources: &[Source]) -> super::Found {
    let lines = |source: &Source| source.text.lines().count();
    Ok(sources
        .iter()
        .filter(|source| lines(source) > MOST_LINES)
        .map(|source| format!("{}: {} lines; one idea a file, at most {MOST_LINES}", source.path, lines(source)))
        .collect())
}
