//! Splitting path names the way Linux's walk does, without looking anything up.
//!
//! Main item: [`split_first`]. Called by the kernel's path walk and by the initramfs reader.

/// Longest single name (NAME_MAX).
pub const MAX_NAME_BYTES: usize = 255;
/// Longest path, its terminating zero included (PATH_MAX).
pub const MAX_PATH_BYTES: usize = 4096;

/// One step of a walk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step<'a> {
    /// The next component, never empty and without slashes.
    pub name: &'a [u8],
    /// What follows it, without leading slashes.
    pub rest: &'a [u8],
    /// Whether a slash follows it, so that it must be a directory.
    pub has_slash: bool,
}

/// The first component of `path`, leading slashes skipped; `None` if there is none.
#[inline]
pub fn split_first(path: &[u8]) -> Option<Step<'_>> {
    // Plain loops: names are short, and this runs for every component of every path.
    let start = skip(path, 0, true);
    if start == path.len() {
        return None;
    }
    let end = skip(path, start, false);
    let next = skip(path, end, true);
    Some(Step { name: &path[start..end], rest: &path[next..], has_slash: next > end })
}

/// The first place from `at` on where being a slash is not `is_slash`.
#[inline(always)]
fn skip(path: &[u8], mut at: usize, is_slash: bool) -> usize {
    while at < path.len() && (path[at] == b'/') == is_slash {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn splits() {
        assert_eq!(split_first(b"//"), None);
        assert_eq!(split_first(b"//a//b/"), Some(Step { name: b"a", rest: b"b/", has_slash: true }));
        assert_eq!(split_first(b"b/"), Some(Step { name: b"b", rest: b"", has_slash: true }));
        assert_eq!(split_first(b"b"), Some(Step { name: b"b", rest: b"", has_slash: false }));
    }

    proptest! {
        #[test]
        fn components_are_those_between_slashes(path in proptest::collection::vec(prop_oneof![Just(b'/'), any::<u8>()], 0..60)) {
            let mut found = Vec::new();
            let mut rest = &path[..];
            while let Some(step) = split_first(rest) {
                found.push(step.name);
                rest = step.rest;
            }
            let expected: Vec<_> = path.split(|&byte| byte == b'/').filter(|name| !name.is_empty()).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
