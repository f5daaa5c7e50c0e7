//! The files of the root that the machine booted with, read from the archive the tool made: whatever the root was made of, and
//! although its directory may have changed since.

use crate::root::cpio::{HEADER_BYTES, REGULAR, SYMLINK};
use crate::root::index::{Index, Node};
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// See the module.
pub(crate) struct RootFiles {
    archive: File,
    index: Index,
    /// Where a file's bytes are, and how many.
    places: HashMap<Vec<u8>, (u64, u64)>,
}

/// Longest name in an archive.
const MOST_NAME: u64 = 4096 + 1;
/// Largest file that is read: no program is larger.
const MOST_BYTES: u64 = 1 << 30;
const TYPE_MASK: u32 = 0o170_000;
const END: &[u8] = b"TRAILER!!!";

/// What a header tells that matters here.
struct Header {
    inode: u64,
    mode: u32,
    links: u64,
    bytes: u64,
    name_bytes: u64,
}

impl RootFiles {
    /// Reads what the archive holds, but for the contents.
    pub(crate) fn open(archive: File) -> io::Result<RootFiles> {
        let mut files = RootFiles { archive, index: Index::default(), places: HashMap::new() };
        let length = files.archive.metadata()?.len();
        // A file with several names has its contents at one of them.
        let (mut contents, mut without) = (HashMap::new(), Vec::new());
        let mut at = 0;
        while at + HEADER_BYTES <= length {
            let header = files.header(at)?;
            let name_at = at + HEADER_BYTES;
            let mut name = vec![0; usize::try_from(header.name_bytes.min(MOST_NAME)).unwrap_or(0)];
            files.archive.read_exact_at(&mut name, name_at)?;
            let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
            name.truncate(end);
            let data_at = (name_at + header.name_bytes).next_multiple_of(4);
            if name == END {
                break;
            }
            match header.mode & TYPE_MASK {
                REGULAR => {
                    files.index.insert(&name, Node::File { mode: header.mode });
                    files.places.insert(name.clone(), (data_at, header.bytes));
                    if header.links > 1 && header.bytes > 0 {
                        contents.insert(header.inode, (data_at, header.bytes));
                    } else if header.links > 1 {
                        without.push((header.inode, name));
                    }
                }
                SYMLINK => {
                    let mut target = vec![0; usize::try_from(header.bytes.min(MOST_NAME)).unwrap_or(0)];
                    files.archive.read_exact_at(&mut target, data_at)?;
                    files.index.insert(&name, Node::Symlink(target));
                }
                crate::root::cpio::DIRECTORY => files.index.insert(&name, Node::Directory),
                _ => files.index.insert(&name, Node::Special),
            }
            at = data_at.saturating_add(header.bytes).next_multiple_of(4);
        }
        for (inode, name) in without {
            if let Some(place) = contents.get(&inode) {
                files.places.insert(name, *place);
            }
        }
        Ok(files)
    }

    fn header(&self, at: u64) -> io::Result<Header> {
        let mut bytes = [0; HEADER_BYTES as usize];
        self.archive.read_exact_at(&mut bytes, at)?;
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the root's archive is damaged");
        if &bytes[..6] != b"070701" {
            return Err(damaged());
        }
        let field = |number: usize| {
            let text = std::str::from_utf8(&bytes[6 + 8 * number..][..8]).ok()?;
            u32::from_str_radix(text, 16).ok()
        };
        let field = |number| field(number).ok_or_else(damaged);
        let (inode, mode, links) = (field(0)?.into(), field(1)?, field(4)?.into());
        Ok(Header { inode, mode, links, bytes: field(6)?.into(), name_bytes: field(11)?.into() })
    }

    /// The path without links, and without the leading slash, that `path` leads to.
    pub(crate) fn resolved(&self, path: &[u8]) -> Option<Vec<u8>> {
        Some(self.index.resolve_path(path)?.0)
    }

    /// The contents of the file that `path` leads to.
    pub(crate) fn read(&self, path: &[u8]) -> Option<Vec<u8>> {
        let (path, _) = self.index.resolve_path(path)?;
        let (at, length) = *self.places.get(&path)?;
        let mut bytes = vec![0; usize::try_from(length.min(MOST_BYTES)).ok()?];
        self.archive.read_exact_at(&mut bytes, at).ok()?;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::cpio::{Attributes, Link, Writer};
    use std::io::Write;

    #[test]
    fn files_are_found_through_links() {
        let mut writer = Writer::resume(Vec::new(), 0, Index::default());
        let with_mode = |mode: u32| Attributes { mode, ..Attributes::default() };
        for directory in ["usr", "usr/bin"] {
            writer.directory(directory.as_bytes(), with_mode(0o755)).unwrap();
        }
        writer.symlink(b"bin", b"usr/bin", Attributes::default()).unwrap();
        writer.small_file(b"usr/bin/one", 0o755, b"contents").unwrap();
        writer.small_file(b"usr/bin/large", 0o755, &[7; 10_000]).unwrap();
        for (name, bytes) in [("usr/bin/first", 0), ("usr/bin/second", 4)] {
            let link = Link { inode: 77, count: 2 };
            writer.file(name.as_bytes(), with_mode(0o755), Some(link), bytes).unwrap();
            writer.data(&b"both"[..bytes as usize], bytes).unwrap();
        }
        let (bytes, _) = writer.finish().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let files = RootFiles::open(file).unwrap();
        assert_eq!(files.read(b"/bin/one").as_deref(), Some(&b"contents"[..]));
        assert_eq!(files.read(b"/usr/bin/../bin/large").map(|bytes| bytes.len()), Some(10_000));
        assert_eq!(files.read(b"/bin/first"), files.read(b"/bin/second"));
        assert_eq!(files.read(b"/bin/none"), None);
    }
}
