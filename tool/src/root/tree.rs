//! A directory of the host as root: streamed into the archive in the order of names, so that the result repeats.
//!
//! Owners: what belongs to the user who calls belongs to root in the guest; all else keeps its numbers.
//! Entries that cannot be read are an error, not left out.

use super::cpio::{Attributes, Link, Writer};
use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// Adds everything below `host` below `guest` (no leading slash; empty is the root).
pub(crate) fn add<W: Write>(writer: &mut Writer<W>, host: &Path, guest: &[u8]) -> io::Result<()> {
    writer.directory(guest, Attributes { mode: 0o755, ..Attributes::default() })?;
    Walk { writer, links: HashMap::new(), user: rustix::process::getuid().as_raw() }.directory(host, guest)
}

struct Walk<'a, W: Write> {
    writer: &'a mut Writer<W>,
    /// Host (device, inode) of files with several names, and the archive's number for them.
    links: HashMap<(u64, u64), u32>,
    user: u32,
}

impl<W: Write> Walk<'_, W> {
    fn directory(&mut self, host: &Path, guest: &[u8]) -> io::Result<()> {
        let mut names: Vec<_> = std::fs::read_dir(host)
            .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<_>>())
            .map_err(|error| named(host, &error))?;
        names.sort();
        for name in names {
            let host = host.join(&name);
            let mut guest = guest.to_vec();
            if !guest.is_empty() {
                guest.push(b'/');
            }
            guest.extend_from_slice(name.as_bytes());
            let data = std::fs::symlink_metadata(&host).map_err(|error| named(&host, &error))?;
            self.entry(&host, &guest, &data).map_err(|error| named(&host, &error))?;
            if data.is_dir() {
                self.directory(&host, &guest)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, host: &Path, guest: &[u8], data: &Metadata) -> io::Result<()> {
        let own = |id: u32| if id == self.user { 0 } else { id };
        let attributes = Attributes {
            mode: data.mode(),
            uid: own(data.uid()),
            gid: if data.uid() == self.user { 0 } else { data.gid() },
            mtime: u32::try_from(data.mtime()).unwrap_or(0),
            device: (rustix::fs::major(data.rdev()), rustix::fs::minor(data.rdev())),
        };
        let kind = data.file_type();
        if kind.is_dir() {
            return self.writer.directory(guest, attributes);
        }
        if kind.is_symlink() {
            return self.writer.symlink(guest, &std::fs::read_link(host)?.into_os_string().into_vec(), attributes);
        }
        if kind.is_socket() {
            return Ok(());
        }
        if !kind.is_file() {
            return self.writer.special(guest, Attributes { device: attributes.device, ..attributes });
        }
        let link = self.link(data);
        if let Some((link, true)) = link {
            return self.writer.file(guest, attributes, Some(link), 0);
        }
        let file = File::open(host)?;
        self.writer.file(guest, attributes, link.map(|(link, _)| link), data.len())?;
        self.writer.data(file, data.len())
    }

    /// For a file of several names: its link, and whether its data was written under another name already.
    fn link(&mut self, data: &Metadata) -> Option<(Link, bool)> {
        if data.nlink() < 2 {
            return None;
        }
        let count = u32::try_from(data.nlink()).unwrap_or(u32::MAX);
        let key = (data.dev(), data.ino());
        if let Some(&inode) = self.links.get(&key) {
            return Some((Link { inode, count }, true));
        }
        let inode = self.writer.new_inode();
        self.links.insert(key, inode);
        Some((Link { inode, count }, false))
    }
}

/// The same error, with the path it is about in front of it (once).
fn named(path: &Path, error: &io::Error) -> io::Error {
    let text = error.to_string();
    let path = path.display().to_string();
    if text.contains(&path) {
        io::Error::new(error.kind(), text)
    } else {
        io::Error::new(error.kind(), format!("{path}: {text}"))
    }
}
