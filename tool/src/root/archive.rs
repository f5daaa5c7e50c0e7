//! An archive as root: tar or cpio (newc), plain or gzip. Read as a stream and written anew, so that what is damaged is found
//! before anything boots, and file data comes to lie where the kernel can map it.

use super::cpio::{Attributes, DIRECTORY, Link, REGULAR, SYMLINK, Writer};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use tar::EntryType;

/// Longest name or link target taken, as in Linux.
const MAX_PATH: u64 = 4096;

/// Adds everything in the archive.
pub(crate) fn add<W: Write>(writer: &mut Writer<W>, file: &mut File) -> io::Result<()> {
    let mut stream = open(file)?;
    let start = stream.fill_buf()?;
    if start.starts_with(b"070701") || start.starts_with(b"070702") {
        add_cpio(writer, stream)
    } else if start.get(257..262) == Some(b"ustar") {
        let counts = count_tar_links(stream)?;
        add_tar(writer, open(file)?, &counts)
    } else {
        Err(io::Error::other("it is neither a tar nor a cpio (newc) archive, plain or gzip"))
    }
}

/// The archive from its start, unpacked if it is gzip.
fn open(file: &mut File) -> io::Result<Box<dyn BufRead + '_>> {
    file.rewind()?;
    let mut plain = BufReader::with_capacity(256 * 1024, file);
    if plain.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        let unpacked = flate2::bufread::MultiGzDecoder::new(plain);
        Ok(Box::new(BufReader::with_capacity(256 * 1024, unpacked)))
    } else {
        Ok(Box::new(plain))
    }
}

/// The path as archives and the index have it: no leading `/` or `./`, no trailing `/`. `None` for the root itself.
fn clean(path: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").collect();
    if parts.contains(&&b".."[..]) {
        let name = String::from_utf8_lossy(path);
        return Err(io::Error::other(format!("it holds the path {name:?}, which leads out of the root")));
    }
    Ok((!parts.is_empty()).then(|| parts.join(&b'/')))
}

/// How many further names each file of a tar archive has. In tar a link comes after its file, in cpio the first name of a file
/// must already say how many there are: so the archive is read twice. This first time to its very end, beyond the last entry, where
/// gzip keeps the sum by which damage shows.
fn count_tar_links(mut stream: impl Read) -> io::Result<HashMap<Vec<u8>, u32>> {
    let mut counts = HashMap::new();
    for entry in tar::Archive::new(&mut stream).entries()? {
        let entry = entry?;
        if entry.header().entry_type() == EntryType::Link
            && let Some(target) = entry.link_name_bytes()
            && let Some(target) = clean(&target)?
        {
            *counts.entry(target).or_insert(0) += 1;
        }
    }
    io::copy(&mut stream, &mut io::sink())?;
    Ok(counts)
}

fn add_tar<W: Write>(writer: &mut Writer<W>, stream: impl Read, counts: &HashMap<Vec<u8>, u32>) -> io::Result<()> {
    let mut links: HashMap<Vec<u8>, Link> = HashMap::new();
    for entry in tar::Archive::new(stream).entries()? {
        let mut entry = entry?;
        let header = entry.header();
        let number = |value: io::Result<u64>| value.map(|value| u32::try_from(value).unwrap_or(0));
        let attributes = Attributes {
            mode: header.mode()?,
            uid: number(header.uid())?,
            gid: number(header.gid())?,
            mtime: number(header.mtime())?,
            device: device(header)?,
        };
        let kind = header.entry_type();
        let Some(path) = clean(&entry.path_bytes())? else { continue };
        let with_type = |bits: u32| Attributes { mode: attributes.mode & 0o7777 | bits, ..attributes };
        match kind {
            EntryType::Directory => writer.directory(&path, attributes)?,
            EntryType::Symlink => {
                let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                writer.symlink(&path, &target, attributes)?;
            }
            EntryType::Link => {
                let target = entry.link_name_bytes().map(|name| clean(&name)).transpose()?.flatten();
                let link = target.and_then(|target| links.get(&target).copied()).ok_or_else(|| {
                    let name = String::from_utf8_lossy(&path).into_owned();
                    io::Error::other(format!("the link {name} leads to a file that isn't in the archive before it"))
                })?;
                writer.file(&path, attributes, Some(link), 0)?;
                links.insert(path, link);
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let link = counts.get(&path).map(|more| Link { inode: writer.new_inode(), count: 1 + more });
                let bytes = entry.size();
                writer.file(&path, attributes, link, bytes)?;
                writer.data(&mut entry, bytes)?;
                if let Some(link) = link {
                    links.insert(path, link);
                }
            }
            EntryType::Char => writer.special(&path, with_type(0o020_000))?,
            EntryType::Block => writer.special(&path, with_type(0o060_000))?,
            EntryType::Fifo => writer.special(&path, with_type(0o010_000))?,
            // Headers for the entry that follows are applied by the tar crate; others carry nothing for a root.
            _ => {}
        }
    }
    Ok(())
}

/// The numbers of a device node. In other entries the fields may be empty, which the tar crate takes for damage.
fn device(header: &tar::Header) -> io::Result<(u32, u32)> {
    if !matches!(header.entry_type(), EntryType::Char | EntryType::Block) {
        return Ok((0, 0));
    }
    Ok((header.device_major()?.unwrap_or(0), header.device_minor()?.unwrap_or(0)))
}

fn add_cpio<W: Write>(writer: &mut Writer<W>, mut stream: impl BufRead) -> io::Result<()> {
    let mut links: HashMap<(u32, u32, u32), u32> = HashMap::new();
    loop {
        // Archives may follow each other, with zeros between.
        loop {
            let ahead = stream.fill_buf()?;
            if ahead.is_empty() {
                return Ok(());
            }
            let zeros = ahead.iter().take_while(|byte| **byte == 0).count();
            if zeros == 0 {
                break;
            }
            stream.consume(zeros);
        }
        links.clear();
        while let Some(header) = CpioHeader::read(&mut stream)? {
            add_cpio_entry(writer, &mut stream, &header, &mut links)?;
        }
    }
}

fn add_cpio_entry<W: Write>(
    writer: &mut Writer<W>,
    stream: &mut impl BufRead,
    header: &CpioHeader,
    links: &mut HashMap<(u32, u32, u32), u32>,
) -> io::Result<()> {
    let bytes = u64::from(header.size);
    let padding = bytes.next_multiple_of(4) - bytes;
    let Some(path) = clean(&header.name)? else { return skip(stream, bytes + padding) };
    let attributes = header.attributes;
    match attributes.mode & 0o170_000 {
        DIRECTORY => writer.directory(&path, attributes)?,
        SYMLINK => {
            if bytes > MAX_PATH {
                return Err(io::Error::other("it holds a symbolic link of more than 4096 bytes"));
            }
            let mut target = vec![0; header.size as usize];
            stream.read_exact(&mut target)?;
            writer.symlink(&path, &target, attributes)?;
            return skip(stream, padding);
        }
        REGULAR => {
            let link = (header.links > 1).then(|| {
                let inode = *links.entry(header.file).or_insert_with(|| writer.new_inode());
                Link { inode, count: header.links }
            });
            writer.file(&path, attributes, link, bytes)?;
            writer.data(&mut *stream, bytes)?;
            return skip(stream, padding);
        }
        _ => writer.special(&path, attributes)?,
    }
    skip(stream, bytes + padding)
}

/// What an entry of a cpio archive says of itself.
struct CpioHeader {
    attributes: Attributes,
    /// Inode and device: which file this is a name of.
    file: (u32, u32, u32),
    links: u32,
    size: u32,
    name: Vec<u8>,
}

impl CpioHeader {
    /// The next header and name; `None` at the trailer.
    fn read(stream: &mut impl BufRead) -> io::Result<Option<CpioHeader>> {
        let mut header = [0; 110];
        stream.read_exact(&mut header)?;
        if !header.starts_with(b"070701") && !header.starts_with(b"070702") {
            return Err(io::Error::other("a header of the cpio archive is damaged"));
        }
        let mut fields = [0; 13];
        for (field, digits) in fields.iter_mut().zip(header[6..].chunks_exact(8)) {
            *field = std::str::from_utf8(digits)
                .ok()
                .and_then(|digits| u32::from_str_radix(digits, 16).ok())
                .ok_or_else(|| io::Error::other("a header of the cpio archive is damaged"))?;
        }
        let [inode, mode, uid, gid, links, mtime, size, dev_major, dev_minor, major, minor, name_bytes, _] = fields;
        if name_bytes == 0 || u64::from(name_bytes) > MAX_PATH {
            return Err(io::Error::other("a name in the cpio archive has an impossible length"));
        }
        let mut name = vec![0; name_bytes as usize];
        stream.read_exact(&mut name)?;
        let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        name.truncate(end);
        let whole = 110 + u64::from(name_bytes);
        skip(stream, whole.next_multiple_of(4) - whole)?;
        if name == b"TRAILER!!!" {
            return Ok(None);
        }
        let attributes = Attributes { mode, uid, gid, mtime, device: (major, minor) };
        Ok(Some(CpioHeader { attributes, file: (inode, dev_major, dev_minor), links, size, name }))
    }
}

fn skip(stream: &mut impl BufRead, bytes: u64) -> io::Result<()> {
    let skipped = io::copy(&mut stream.take(bytes), &mut io::sink())?;
    if skipped < bytes { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}
