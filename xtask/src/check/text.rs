//! Reading Rust sources and manifests by their text: code without comments and strings, words in it, names of dependencies.

/// The names under `[dependencies]` and its kin in a manifest (build and dev dependencies too: they are edges as well).
pub(crate) fn manifest_dependencies(manifest: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            inside = section.trim_end_matches(']').ends_with("dependencies");
        } else if inside && !line.starts_with('#') {
            let name: String =
                line.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_').collect();
            if !name.is_empty() {
                names.push(name);
            }
        }
    }
    names
}

/// The code of a source: comments, strings and character literals replaced by spaces, lines kept.
pub(crate) fn code_of(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut code = String::with_capacity(source.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let skipped = if rest.starts_with(b"//") {
            rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
        } else if rest.starts_with(b"/*") {
            block_comment(rest)
        } else if rest[0] == b'"' {
            string(rest)
        } else if rest[0] == b'r' && !ends_in_word(&code) {
            raw_string(rest)
        } else if rest[0] == b'\'' {
            character(rest)
        } else {
            0
        };
        if skipped == 0 {
            code.push(if rest[0].is_ascii() { char::from(rest[0]) } else { ' ' });
            at += 1;
        } else {
            code.extend(rest[..skipped].iter().map(|byte| if *byte == b'\n' { '\n' } else { ' ' }));
            at += skipped;
        }
    }
    code
}

fn ends_in_word(code: &str) -> bool {
    code.bytes().next_back().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Length of the (nesting) block comment at the start.
fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Length of the string at the start, quotes included.
fn string(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Length of the raw string at the start, or 0 if there is none.
fn raw_string(rest: &[u8]) -> usize {
    let hashes = rest[1..].iter().take_while(|byte| **byte == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return 0;
    }
    let end: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let body = 2 + hashes;
    rest[body..].windows(end.len()).position(|window| window == end).map_or(rest.len(), |at| body + at + end.len())
}

/// Length of the character literal at the start, or 0 if it is a lifetime.
fn character(rest: &[u8]) -> usize {
    match rest {
        [_, b'\\', _, ..] => rest[3..].iter().position(|byte| *byte == b'\'').map_or(0, |at| at + 4),
        [_, first, ..] => {
            let width = match first {
                0..=0x7f => 1,
                0xc0..=0xdf => 2,
                0xe0..=0xef => 3,
                _ => 4,
            };
            if rest.get(1 + width) == Some(&b'\'') { width + 2 } else { 0 }
        }
        _ => 0,
    }
}

/// The numbers of the lines (from 1) in which `word` stands as a whole word.
pub(crate) fn lines_with(code: &str, word: &str) -> Vec<usize> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    code.lines()
        .enumerate()
        .filter(|(_, line)| {
            line.match_indices(word).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                let after = line[at + word.len()..].chars().next();
                !before.is_some_and(is_part) && !after.is_some_and(is_part)
            })
        })
        .map(|(number, _)| number + 1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_comments_and_strings_do_not_count() {
        let source = "// unsafe\nlet a = \"unsafe \\\" unsafe\"; /* unsafe /* x */ unsafe */\n\
                      let c = '\"'; let l: &'static str = r#\"unsafe \" unsafe\"#;\nunsafe { x() }\nunsafe_code\nlet q = '\\''; unsafe fn";
        assert_eq!(lines_with(&code_of(source), "unsafe"), [4, 6]);
    }

    #[test]
    fn dependencies_are_found() {
        let manifest = "[package]\nname = \"x\"\n[dependencies]\nabi.workspace = true\n# no\nfoo-bar = \"1\"\n\
                        [target.'cfg(unix)'.dependencies]\nlibc = \"1\"\n[lib]\npath = \"y\"\n[dev-dependencies]\nwire.workspace = true\n";
        assert_eq!(manifest_dependencies(manifest), ["abi", "foo-bar", "libc", "wire"]);
    }
}
