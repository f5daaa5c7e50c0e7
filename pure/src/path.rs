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
pub fn split_first(path: &[u8]) -> Option<Step<'_>> {
    let path = skip_slashes(path);
    if path.is_empty() {
        return None;
    }
    let end = path.iter().position(|&byte| byte == b'/').unwrap_or(path.len());
    let (name, rest) = path.split_at(end);
    Some(Step { name, rest: skip_slashes(rest), has_slash: !rest.is_empty() })
}

fn skip_slashes(path: &[u8]) -> &[u8] {
    let first = path.iter().position(|&byte| byte != b'/').unwrap_or(path.len());
    &path[first..]
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
