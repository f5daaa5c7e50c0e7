//! Writes cpio archives in the "newc" form, the one Linux and Ochre take as initramfs.
//!
//! The data of files of half a page and more begins at a multiple of the page size (the name is padded with NULs, which every
//! reader takes as its end): the kernel can then map the archive's own pages as file pages, without a copy.
//! Each [`Writer`] also fills an [`Index`], by which the program is looked up before boot.

use super::index::{Index, Node};
use std::io::{self, Read, Write};

/// Page size to which file data is aligned.
const PAGE: u64 = 4096;
/// Linux refuses names longer than this, padding included.
const MAX_NAME: u64 = 4096;
/// Bytes of an entry's header.
pub(crate) const HEADER_BYTES: u64 = 110;
const TYPE_MASK: u32 = 0o170_000;
/// Type bits of a directory's mode.
pub(crate) const DIRECTORY: u32 = 0o040_000;
/// Type bits of a regular file's mode.
pub(crate) const REGULAR: u32 = 0o100_000;
/// Type bits of a symbolic link's mode.
pub(crate) const SYMLINK: u32 = 0o120_000;

/// What the header of an entry says, besides its name and size.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Attributes {
    /// Type and permission bits.
    pub(crate) mode: u32,
    /// Owner.
    pub(crate) uid: u32,
    /// Group.
    pub(crate) gid: u32,
    /// Seconds since 1970.
    pub(crate) mtime: u32,
    /// Device number of a device node.
    pub(crate) device: (u32, u32),
}

/// Which file an entry is a name of, where a file may have several.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    /// The archive's number for the file.
    pub(crate) inode: u32,
    /// How many names it has.
    pub(crate) count: u32,
}

/// An archive being written, and what is in it.
pub(crate) struct Writer<W: Write> {
    out: W,
    position: u64,
    next_inode: u32,
    /// What was written.
    pub(crate) index: Index,
}

impl<W: Write> Writer<W> {
    /// Goes on at `position` bytes (a multiple of the page size) of an archive which holds `index` so far.
    pub(crate) fn resume(out: W, position: u64, index: Index) -> Writer<W> {
        // Inode numbers of parts written at other times must not meet where links are told by them.
        let next_inode = 1 + u32::try_from(index.len()).unwrap_or(u32::MAX / 2);
        Writer { out, position, next_inode, index }
    }

    /// A number for a file not numbered yet.
    pub(crate) fn new_inode(&mut self) -> u32 {
        self.next_inode += 1;
        self.next_inode
    }

    /// A directory; nothing happens if it is there already.
    pub(crate) fn directory(&mut self, path: &[u8], attributes: Attributes) -> io::Result<()> {
        if path.is_empty() || matches!(self.index.get(path), Some(Node::Directory)) {
            return Ok(());
        }
        self.parents(path)?;
        self.entry(path, Attributes { mode: attributes.mode & !TYPE_MASK | DIRECTORY, ..attributes }, None, 0)?;
        self.index.insert(path, Node::Directory);
        Ok(())
    }

    /// A symbolic link.
    pub(crate) fn symlink(&mut self, path: &[u8], target: &[u8], attributes: Attributes) -> io::Result<()> {
        self.parents(path)?;
        self.entry(path, Attributes { mode: SYMLINK | 0o777, ..attributes }, None, target.len() as u64)?;
        self.data(target, target.len() as u64)?;
        self.index.insert(path, Node::Symlink(target.to_vec()));
        Ok(())
    }

    /// A regular file of `bytes` bytes; its data must follow by [`data`](Self::data) unless `bytes` is 0.
    pub(crate) fn file(
        &mut self,
        path: &[u8],
        attributes: Attributes,
        link: Option<Link>,
        bytes: u64,
    ) -> io::Result<()> {
        self.parents(path)?;
        let mode = attributes.mode & !TYPE_MASK | REGULAR;
        self.entry(path, Attributes { mode, ..attributes }, link, bytes)?;
        self.index.insert(path, Node::File { mode });
        Ok(())
    }

    /// A device node, FIFO or socket.
    pub(crate) fn special(&mut self, path: &[u8], attributes: Attributes) -> io::Result<()> {
        self.parents(path)?;
        self.entry(path, attributes, None, 0)?;
        self.index.insert(path, Node::Special);
        Ok(())
    }

    /// A file whose content is at hand.
    pub(crate) fn small_file(&mut self, path: &[u8], mode: u32, content: &[u8]) -> io::Result<()> {
        self.file(path, Attributes { mode, ..Attributes::default() }, None, content.len() as u64)?;
        self.data(content, content.len() as u64)
    }

    /// The data of the entry just written: exactly `bytes` bytes. A shorter source is an error, a longer one is cut
    /// (a file that grows while it is read).
    pub(crate) fn data(&mut self, source: impl Read, bytes: u64) -> io::Result<()> {
        let copied = io::copy(&mut source.take(bytes), &mut self.out)?;
        if copied < bytes {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file shrank while it was read"));
        }
        self.position += bytes;
        self.pad_to(4)
    }

    /// Copies a part made before, whose entries are already in the index. To be called at a multiple of the page size, where parts
    /// begin; no zeros may stand between entries.
    pub(crate) fn part(&mut self, mut source: impl Read) -> io::Result<()> {
        self.position += io::copy(&mut source, &mut self.out)?;
        self.pad_to(4)
    }

    /// Ends the archive.
    pub(crate) fn finish(mut self) -> io::Result<(W, Index)> {
        self.entry(b"TRAILER!!!", Attributes::default(), None, 0)?;
        self.pad_to(512)?;
        self.out.flush()?;
        Ok((self.out, self.index))
    }

    /// What was written so far, when nothing is to follow here.
    pub(crate) fn into_inner(self) -> W {
        self.out
    }

    /// Ends a part, without a trailer.
    pub(crate) fn finish_part(mut self) -> io::Result<Index> {
        self.out.flush()?;
        Ok(self.index)
    }

    /// Directories above `path` which no entry has made.
    fn parents(&mut self, path: &[u8]) -> io::Result<()> {
        let Some(slash) = path.iter().rposition(|byte| *byte == b'/') else { return Ok(()) };
        let parent = &path[..slash];
        if self.index.get(parent).is_some() {
            return Ok(());
        }
        self.directory(parent, Attributes { mode: 0o755, ..Attributes::default() })
    }

    fn entry(&mut self, path: &[u8], attributes: Attributes, link: Option<Link>, bytes: u64) -> io::Result<()> {
        let Ok(size) = u32::try_from(bytes) else {
            let name = String::from_utf8_lossy(path);
            return Err(io::Error::other(format!("{name} is larger than 4 GiB, more than a cpio archive can hold")));
        };
        let link = match link {
            Some(link) => link,
            None => Link { inode: self.new_inode(), count: 1 },
        };
        let plain = path.len() as u64 + 1;
        let mut name_bytes = plain;
        if bytes >= PAGE / 2 && attributes.mode & TYPE_MASK == REGULAR {
            let data_start = self.position + HEADER_BYTES + plain;
            let padded = plain + data_start.next_multiple_of(PAGE) - data_start;
            if padded <= MAX_NAME {
                name_bytes = padded;
            }
        }
        let Attributes { mode, uid, gid, mtime, device: (major, minor) } = attributes;
        let Link { inode, count } = link;
        write!(
            self.out,
            "070701{inode:08X}{mode:08X}{uid:08X}{gid:08X}{count:08X}{mtime:08X}{size:08X}\
             0000000000000000{major:08X}{minor:08X}{name_bytes:08X}00000000"
        )?;
        self.out.write_all(path)?;
        self.position += HEADER_BYTES + path.len() as u64;
        self.zeros(name_bytes - path.len() as u64)?;
        self.pad_to(4)
    }

    fn pad_to(&mut self, multiple: u64) -> io::Result<()> {
        self.zeros(self.position.next_multiple_of(multiple) - self.position)
    }

    fn zeros(&mut self, count: u64) -> io::Result<()> {
        self.position += io::copy(&mut io::repeat(0).take(count), &mut self.out)?;
        Ok(())
    }
}
