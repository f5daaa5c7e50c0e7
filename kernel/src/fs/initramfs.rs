//! The initial RAM disk: cpio archives, plain or gzipped, one after another, unpacked into the root file system.
//!
//! Main item: [`unpack`], called once at start. A plain archive's files are not copied: their page cache takes pages from the
//! disk's memory when they are mapped or changed. Compressed ones are written into the page cache as they come.
//!
//! Like Linux: later entries replace earlier ones, hard links share one inode, bad entries are reported and skipped, and
//! what was unpacked before an error stays.
use super::inode::{DeviceNumber, FileKind, Inode, NewNode};
use super::names;
use super::path::Path;
use super::walk::{Last, Walk};
use crate::errno::{Errno, Result};
use crate::task::Credentials;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::thread::CurrentThread;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags::TINFL_FLAG_HAS_MORE_INPUT};
use pure::cpio::{self, Archive, Header, Receiver, Stream};
use pure::gzip::{self, Crc32};

/// Window of the decompressor; a power of two, at least 32 KiB.
const WINDOW_BYTES: usize = 32 * 1024;

/// Why unpacking stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnpackError {
    /// The archive's form is wrong.
    Archive(cpio::Error),
    /// The compressed data is wrong or cut short.
    Compression,
    /// What follows an archive is neither an archive nor padding.
    Unknown,
    /// No memory.
    OutOfMemory,
}

/// Unpacks every archive of `disk` below `root`.
pub fn unpack(cx: &mut CurrentThread, root: &Path, disk: &'static [u8]) -> core::result::Result<Unpacked, UnpackError> {
    let mut unpacker = Unpacker::new(cx, root.clone());
    let mut rest = disk;
    let mut refers_to_disk = false;
    loop {
        let zeros = rest.iter().position(|&byte| byte != 0).unwrap_or(rest.len());
        rest = &rest[zeros..];
        match rest {
            [] => break,
            [0x1f, 0x8b, ..] => rest = unpack_gzip(&mut unpacker, rest)?,
            [b'0', b'7', b'0', b'7', ..] => {
                refers_to_disk = true;
                let mut archive = Archive::new(rest);
                for entry in &mut archive {
                    let entry = entry.map_err(UnpackError::Archive)?;
                    unpacker.whole(&entry.header, entry.name, entry.data);
                }
                rest = archive.rest();
            }
            _ => return Err(UnpackError::Unknown),
        }
    }
    Ok(Unpacked { files: unpacker.files, refers_to_disk })
}

/// What was unpacked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unpacked {
    /// Entries made.
    pub files: usize,
    /// Whether files still take their contents from the disk's memory.
    pub refers_to_disk: bool,
}

/// Unpacks one gzip member; answers what follows it.
fn unpack_gzip<'d>(unpacker: &mut Unpacker<'_>, disk: &'d [u8]) -> core::result::Result<&'d [u8], UnpackError> {
    let header = gzip::parse_header(disk).ok_or(UnpackError::Compression)?;
    let mut input = &disk[header..];
    let mut window = Vec::new();
    window.try_reserve_exact(WINDOW_BYTES).map_err(|_| UnpackError::OutOfMemory)?;
    window.resize(WINDOW_BYTES, 0);
    let mut decoder = Box::<DecompressorOxide>::default();
    let mut stream = Stream::new();
    let mut crc = Crc32::new();
    let (mut at, mut total) = (0, 0u32);
    loop {
        let (status, taken, made) = decompress(&mut decoder, input, &mut window, at, TINFL_FLAG_HAS_MORE_INPUT);
        input = &input[taken..];
        let piece = &window[at..at + made];
        crc.update(piece);
        // CAST: counted modulo 2^32, as gzip does.
        total = total.wrapping_add(made as u32);
        stream.push(piece, unpacker).map_err(UnpackError::Archive)?;
        at = (at + made) & (WINDOW_BYTES - 1);
        match status {
            TINFLStatus::Done => break,
            TINFLStatus::HasMoreOutput => {}
            _ => return Err(UnpackError::Compression),
        }
    }
    stream.finish().map_err(UnpackError::Archive)?;
    if gzip::parse_trailer(input) != Some((crc.value(), total)) {
        return Err(UnpackError::Compression);
    }
    Ok(&input[8..])
}

/// Makes files from entries.
struct Unpacker<'a> {
    cx: &'a mut CurrentThread,
    root: Path,
    who: Credentials,
    /// First inode of each hard-linked file, by device and number in the archive.
    linked: BTreeMap<(u32, u32, u32), Path>,
    /// The directory of the last entry, for the next one.
    last_directory: Option<(Vec<u8>, Path)>,
    /// The entry whose data is arriving in pieces.
    current: Option<Current>,
    files: usize,
}

/// An entry whose data is arriving.
struct Current {
    header: Header,
    name: Vec<u8>,
    /// The file, or the link's target so far.
    inode: Option<Arc<dyn Inode>>,
    target: Vec<u8>,
    offset: u64,
}

impl<'a> Unpacker<'a> {
    fn new(cx: &'a mut CurrentThread, root: Path) -> Unpacker<'a> {
        Unpacker {
            cx,
            root,
            who: Credentials::root(),
            linked: BTreeMap::new(),
            last_directory: None,
            current: None,
            files: 0,
        }
    }

    /// An entry whose data is at hand and stays.
    fn whole(&mut self, header: &Header, name: &[u8], data: &'static [u8]) {
        let is_link = FileKind::from_mode(header.mode) == Some(FileKind::Symlink);
        let outcome = self.make(header, name, if is_link { data } else { &[] }).and_then(|inode| {
            if !data.is_empty()
                && let Some(cache) = inode.page_cache()
            {
                cache.set_size(self.cx, 0)?;
                cache.adopt(self.cx, data);
                set_times(self.cx, &*inode, header);
            }
            Ok(())
        });
        report(name, outcome);
    }

    /// Makes the entry, without contents; for a further link to a file, finds the file.
    fn make(&mut self, header: &Header, name: &[u8], target: &[u8]) -> Result<Arc<dyn Inode>> {
        let kind = FileKind::from_mode(header.mode).ok_or(Errno::EINVAL)?;
        let (parent, last) = self.parent_of(name)?;
        let Some(last) = last else {
            set_attributes(self.cx, &**self.root.inode()?, header);
            return self.root.inode().cloned();
        };
        let key = (header.device.0, header.device.1, header.ino);
        let may_be_linked = header.links > 1 && kind != FileKind::Directory;
        let known = self.root_walk(|walk, cx| walk.child(cx, &parent, &last))?;
        if let Some(inode) = known.dentry.inode() {
            if kind == FileKind::Directory && inode.base().kind == kind {
                set_attributes(self.cx, &**inode, header);
                return Ok(inode.clone());
            }
            if inode.base().kind == FileKind::Directory {
                names::remove_directory(self.cx, &self.who, &parent, &last)?;
            } else {
                names::unlink(self.cx, &self.who, &parent, &last, false)?;
            }
        }
        if let Some(first) = self.linked.get(&key).filter(|_| may_be_linked) {
            names::link(self.cx, &self.who, first, &parent, &last)?;
            self.files += 1;
            return first.inode().cloned();
        }
        let new = NewNode {
            kind,
            permissions: header.mode & 0o7777,
            uid: 0,
            gid: 0,
            node: DeviceNumber::new(header.node.0, header.node.1),
            target,
        };
        let (path, _) = names::create(self.cx, &self.who, &parent, &last, new, false)?;
        let inode = path.inode()?.clone();
        set_attributes(self.cx, &*inode, header);
        if may_be_linked {
            self.linked.insert(key, path);
        }
        self.files += 1;
        Ok(inode)
    }

    /// The directory an entry belongs in, and its last component; `None` for the root itself.
    fn parent_of(&mut self, name: &[u8]) -> Result<(Path, Option<Vec<u8>>)> {
        let name = name.strip_suffix(b"/").unwrap_or(name);
        let split = name.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
        let (directory, last) = name.split_at(split);
        let is_plain = !last.is_empty() && last != b"." && last != b"..";
        if is_plain
            && let Some((known, path)) = &self.last_directory
            && known == directory
        {
            return Ok((path.clone(), Some(last.to_vec())));
        }
        if name.is_empty() || name == b"." {
            return Ok((self.root.clone(), None));
        }
        let (parent, last) = self.root_walk(|walk, cx| {
            let root = walk.root().clone();
            walk.resolve_parent(cx, root, name)
        })?;
        match last {
            Last::Name { name, .. } => {
                self.last_directory = Some((directory.to_vec(), parent.clone()));
                Ok((parent, Some(name)))
            }
            Last::Root | Last::Dot => Ok((parent, None)),
            Last::DotDot => Err(Errno::EINVAL),
        }
    }

    fn root_walk<R>(&mut self, f: impl FnOnce(&mut Walk<'_>, &mut CurrentThread) -> Result<R>) -> Result<R> {
        let mut walk = Walk::within(self.root.clone(), &self.who);
        f(&mut walk, self.cx)
    }
}

impl Receiver for Unpacker<'_> {
    fn entry(&mut self, header: &Header, name: &[u8]) {
        let is_link = FileKind::from_mode(header.mode) == Some(FileKind::Symlink);
        let inode = if is_link {
            None
        } else {
            let outcome = self.make(header, name, &[]);
            report(name, outcome.as_ref().map(|_| ()).map_err(|error| *error));
            let Ok(inode) = outcome else {
                self.current = None;
                return;
            };
            Some(inode)
        };
        self.current = Some(Current { header: *header, name: name.to_vec(), inode, target: Vec::new(), offset: 0 });
    }

    fn data(&mut self, bytes: &[u8]) {
        let Some(current) = &mut self.current else { return };
        let Some(inode) = &current.inode else {
            // A link's target; longer ones than a path can be are refused when it is made.
            if current.target.len() + bytes.len() <= pure::path::MAX_PATH_BYTES {
                current.target.extend_from_slice(bytes);
            }
            return;
        };
        let Some(cache) = inode.page_cache() else { return };
        let outcome = cache.write_at(self.cx, current.offset, bytes);
        current.offset += bytes.len() as u64;
        if outcome.is_err() {
            report(&current.name, outcome);
            self.current = None;
        }
    }

    fn end(&mut self) {
        let Some(current) = self.current.take() else { return };
        match current.inode {
            Some(inode) => set_times(self.cx, &*inode, &current.header),
            None => {
                let outcome = self.make(&current.header, &current.name, &current.target).map(|_| ());
                report(&current.name, outcome);
            }
        }
    }
}

fn set_attributes(cx: &CurrentThread, inode: &dyn Inode, header: &Header) {
    inode.base().update(cx, |attributes| {
        attributes.permissions = header.mode & 0o7777;
        attributes.uid = header.uid;
        attributes.gid = header.gid;
    });
    set_times(cx, inode, header);
}

fn set_times(cx: &CurrentThread, inode: &dyn Inode, header: &Header) {
    let modified = u64::from(header.mtime) * 1_000_000_000;
    inode.base().update(cx, |attributes| {
        attributes.modify_ns = modified;
        attributes.access_ns = modified;
    });
}

fn report(name: &[u8], outcome: Result<()>) {
    if let Err(error) = outcome {
        machine::log!(Warn, "initramfs: {}: {error}", String::from_utf8_lossy(name));
    }
}
