//! Shell-like patterns: `*` is any run of bytes, `?` any byte. For names of probes; no character classes.
//!
//! Time is at most pattern length times text length: on a mismatch only the last star is tried longer.

/// Whether `pattern` matches the whole of `text`.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // After the last star seen: the pattern behind it, and where in the text it was tried.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                retry = Some((p, t));
            }
            Some(byte) if *byte == b'?' || *byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((behind, tried)) = retry else { return false };
                p = behind;
                t = tried + 1;
                retry = Some((behind, t));
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "abc", true),
            ("a*c", "abbbc", true),
            ("a*c", "abbbd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*_cpu", "off_cpu", true),
            ("**x*", "aaxbb", true),
            ("*ab*ab", "abab", true),
            ("*aab", "aaaab", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }
}
