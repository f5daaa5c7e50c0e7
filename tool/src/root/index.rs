//! What paths a root holds: enough of them to find the program before anything boots.
//!
//! Paths are as in an archive: no leading slash. An index can be kept as a text file beside a part made before.

use std::collections::HashMap;

/// One path's nature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// A directory.
    Directory,
    /// A regular file with this mode.
    File {
        /// Type and permission bits.
        mode: u32,
    },
    /// A symbolic link to this.
    Symlink(Vec<u8>),
    /// Anything else.
    Special,
}

/// The paths of a root.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    nodes: HashMap<Vec<u8>, Node>,
}

/// How many symbolic links a look-up follows, as in Linux.
const MAX_LINKS: usize = 40;

impl Index {
    /// What is at `path` itself.
    pub(crate) fn get(&self, path: &[u8]) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// Notes a path; a later one of the same name replaces it.
    pub(crate) fn insert(&mut self, path: &[u8], node: Node) {
        self.nodes.insert(path.to_vec(), node);
    }

    /// How many paths.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// What `path` leads to, links followed.
    pub(crate) fn resolve(&self, path: &[u8]) -> Option<&Node> {
        Some(self.resolve_path(path)?.1)
    }

    /// The path without links that `path` leads to, and what is there.
    pub(crate) fn resolve_path(&self, path: &[u8]) -> Option<(Vec<u8>, &Node)> {
        let mut done: Vec<Vec<u8>> = Vec::new();
        let mut todo: Vec<Vec<u8>> = components(path).rev().collect();
        let mut links = 0;
        let mut found = &Node::Directory;
        while let Some(part) = todo.pop() {
            if part == b".." {
                done.pop();
                continue;
            }
            if *found != Node::Directory {
                return None;
            }
            done.push(part);
            let node = self.nodes.get(&done.join(&b'/'))?;
            if let Node::Symlink(target) = node {
                links += 1;
                if links > MAX_LINKS {
                    return None;
                }
                done.pop();
                if target.first() == Some(&b'/') {
                    done.clear();
                }
                todo.extend(components(target).rev());
                found = &Node::Directory;
            } else {
                found = node;
            }
        }
        Some((done.join(&b'/'), found))
    }

    /// As lines of text.
    pub(crate) fn to_text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for (path, node) in &self.nodes {
            match node {
                Node::Directory => text.extend_from_slice(b"d"),
                Node::File { mode } => text.extend_from_slice(format!("f{mode:o}").as_bytes()),
                Node::Symlink(target) => {
                    text.push(b'l');
                    text.extend_from_slice(target);
                }
                Node::Special => text.extend_from_slice(b"s"),
            }
            text.push(0);
            text.extend_from_slice(path);
            text.push(b'\n');
        }
        text
    }

    /// From what [`to_text`](Self::to_text) gave; `None` if it is anything else.
    pub(crate) fn from_text(text: &[u8]) -> Option<Index> {
        let mut index = Index::default();
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let split = line.iter().position(|byte| *byte == 0)?;
            let (&kind, value) = line[..split].split_first()?;
            let node = match kind {
                b'd' => Node::Directory,
                b'f' => Node::File { mode: u32::from_str_radix(std::str::from_utf8(value).ok()?, 8).ok()? },
                b'l' => Node::Symlink(value.to_vec()),
                b's' => Node::Special,
                _ => return None,
            };
            index.insert(&line[split + 1..], node);
        }
        Some(index)
    }
}

fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> + '_ {
    path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Index {
        let mut index = Index::default();
        for directory in ["bin", "usr"] {
            index.insert(directory.as_bytes(), Node::Directory);
        }
        index.insert(b"bin/busybox", Node::File { mode: 0o100_755 });
        index.insert(b"bin/sh", Node::Symlink(b"busybox".to_vec()));
        index.insert(b"usr/bin", Node::Symlink(b"../bin".to_vec()));
        index.insert(b"sbin", Node::Symlink(b"/usr/bin".to_vec()));
        index.insert(b"loop", Node::Symlink(b"loop".to_vec()));
        index
    }

    #[test]
    fn links_are_followed() {
        let index = sample();
        let busybox = Some(&Node::File { mode: 0o100_755 });
        for path in ["bin/busybox", "/bin/sh", "usr/bin/sh", "/sbin/./sh", "/usr/../bin//sh"] {
            assert_eq!(index.resolve(path.as_bytes()), busybox, "{path}");
        }
        assert_eq!(sample().resolve_path(b"/sbin/sh").map(|found| found.0).as_deref(), Some(&b"bin/busybox"[..]));
        for path in ["loop", "bin/none", "bin/sh/x", "none/sh"] {
            assert_eq!(index.resolve(path.as_bytes()), None, "{path}");
        }
    }

    #[test]
    fn text_keeps_everything() {
        let index = sample();
        let again = Index::from_text(&index.to_text()).unwrap();
        assert_eq!(again.nodes, index.nodes);
        assert!(Index::from_text(b"junk\n").is_none());
    }
}
