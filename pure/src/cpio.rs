//! The cpio "newc" archive format (`070701`, and `070702` with checksums, which are ignored as Linux does),
//! as an initial RAM disk carries it: one or several archives after each other, padded with zeros.
//!
//! Main types: [`Archive`], an iterator over an archive that lies in memory, whose entries borrow their data; and
//! [`Stream`], which is fed pieces (a decompressor's output) and hands entries to a [`Receiver`].
//! Called by the kernel's `fs::initramfs`. Format: Linux `Documentation/driver-api/early-userspace/buffer-format.rst`.
//!
//! # Invariants
//! Every length is checked before it is used: hostile archives give an [`Error`], never a panic, and [`Stream`] buffers
//! at most one header and one name.
use alloc::vec::Vec;

/// Bytes of the fixed header.
pub const HEADER_BYTES: usize = 110;
/// Longest name accepted, its zero included (Linux's PATH_MAX).
pub const MAX_NAME_BYTES: usize = 4096;
const TRAILER: &[u8] = b"TRAILER!!!";

/// What is wrong with an archive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// The header does not begin with `070701` or `070702`.
    BadMagic,
    /// A field is not hexadecimal.
    BadField,
    /// The name's length is zero or above [`MAX_NAME_BYTES`], or its zero is missing.
    BadName,
    /// The archive ends within an entry.
    Truncated,
    /// No memory for a name.
    OutOfMemory,
}

/// The fixed part of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Header {
    /// Inode number, for finding hard links.
    pub ino: u32,
    /// File type and permissions.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Hard links.
    pub links: u32,
    /// Seconds since the epoch.
    pub mtime: u32,
    /// Bytes of data (contents, or a symbolic link's target).
    pub data_bytes: u32,
    /// Device the file was on.
    pub device: (u32, u32),
    /// Device the node stands for.
    pub node: (u32, u32),
    /// Bytes of the name, its zero included.
    pub name_bytes: u32,
}

impl Header {
    /// Parses the fixed part.
    pub fn parse(bytes: &[u8; HEADER_BYTES]) -> Result<Header, Error> {
        if &bytes[..6] != b"070701" && &bytes[..6] != b"070702" {
            return Err(Error::BadMagic);
        }
        let mut fields = [0u32; 13];
        let (digits, _) = bytes[6..].as_chunks::<8>();
        for (field, digits) in fields.iter_mut().zip(digits) {
            *field = hexadecimal(*digits).ok_or(Error::BadField)?;
        }
        let [ino, mode, uid, gid, links, mtime, data_bytes, dev_major, dev_minor, major, minor, name_bytes, _check] =
            fields;
        if name_bytes == 0 || name_bytes as usize > MAX_NAME_BYTES {
            return Err(Error::BadName);
        }
        Ok(Header {
            ino,
            mode,
            uid,
            gid,
            links,
            mtime,
            data_bytes,
            device: (dev_major, dev_minor),
            node: (major, minor),
            name_bytes,
        })
    }
}

/// The number that eight hexadecimal digits write. All eight bytes of a word at once: a header has 104 digits, and taking them one by one was
/// an eighth of the time in which a large root was unpacked (docs/cases/unpacking.md).
fn hexadecimal(digits: [u8; 8]) -> Option<u32> {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const EACH: u64 = 0x0101_0101_0101_0101;
    let text = u64::from_le_bytes(digits);
    if text & HIGH != 0 {
        return None;
    }
    // OVERFLOW: no byte is above 0x7f, and what is added to each is below 0x80, so none carries into the next. Its high bit then tells
    // whether it was at least 0x80 less what was added.
    let at_least = |bytes: u64, least: u8| (bytes + EACH * u64::from(0x80 - least)) & HIGH;
    let is_digit = at_least(text, b'0') & !at_least(text, b'9' + 1);
    let small = text | (EACH * 0x20);
    let is_letter = at_least(small, b'a') & !at_least(small, b'f' + 1);
    if is_digit | is_letter != HIGH {
        return None;
    }
    // The low four bits of a digit are its value, those of a letter nine less.
    let values = (small & (EACH * 0xf)) + (is_letter >> 7) * 9;
    let pairs = (values << 4 | values >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs << 8 | pairs >> 16) & 0x0000_ffff_0000_ffff;
    // CAST: the low half is the number.
    Some((fours << 16 | fours >> 32) as u32)
}

/// One entry of an [`Archive`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry<'a> {
    /// The fixed part.
    pub header: Header,
    /// The name without its zero.
    pub name: &'a [u8],
    /// The data.
    pub data: &'a [u8],
}

/// An archive in memory; iterates over its entries up to the trailer or the end. Like Linux, it takes zeros between entries
/// for padding.
#[derive(Clone, Debug)]
pub struct Archive<'a> {
    bytes: &'a [u8],
    offset: usize,
    is_ended: bool,
}

impl<'a> Archive<'a> {
    /// An archive that begins at the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Archive<'a> {
        Archive { bytes, offset: 0, is_ended: false }
    }

    /// What follows the archive, once the iteration has ended: padding and perhaps more archives.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.offset..).unwrap_or(&[])
    }

    fn take(&mut self, bytes: usize) -> Result<&'a [u8], Error> {
        let end = self.offset.checked_add(bytes).ok_or(Error::Truncated)?;
        let taken = self.bytes.get(self.offset..end).ok_or(Error::Truncated)?;
        self.offset = end;
        Ok(taken)
    }

    fn align(&mut self) {
        self.offset = self.offset.next_multiple_of(4).min(self.bytes.len());
    }

    fn skip_zeros(&mut self) {
        let rest = self.rest();
        self.offset += rest.iter().position(|&byte| byte != 0).unwrap_or(rest.len());
    }

    fn read_entry(&mut self) -> Result<Entry<'a>, Error> {
        let header = self.take(HEADER_BYTES)?.first_chunk().ok_or(Error::Truncated)?;
        let header = Header::parse(header)?;
        let name = strip_zero(self.take(header.name_bytes as usize)?)?;
        self.align();
        let data = self.take(header.data_bytes as usize)?;
        self.align();
        Ok(Entry { header, name, data })
    }
}

impl<'a> Iterator for Archive<'a> {
    type Item = Result<Entry<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_ended {
            return None;
        }
        self.skip_zeros();
        if self.offset == self.bytes.len() {
            self.is_ended = true;
            return None;
        }
        match self.read_entry() {
            Ok(entry) if entry.name == TRAILER => {
                self.is_ended = true;
                None
            }
            Ok(entry) => Some(Ok(entry)),
            Err(error) => {
                self.is_ended = true;
                Some(Err(error))
            }
        }
    }
}

/// The name up to its first zero, which must be there.
fn strip_zero(name: &[u8]) -> Result<&[u8], Error> {
    let end = name.iter().position(|&byte| byte == 0).ok_or(Error::BadName)?;
    Ok(&name[..end])
}

/// Takes what a [`Stream`] finds.
pub trait Receiver {
    /// An entry begins; its data follows in pieces.
    fn entry(&mut self, header: &Header, name: &[u8]);
    /// Some of the entry's data.
    fn data(&mut self, bytes: &[u8]);
    /// The entry is complete.
    fn end(&mut self);
}

#[derive(Debug)]
enum State {
    /// Between entries or archives: zeros are skipped.
    Padding,
    /// Collecting header, name and the padding after it.
    Head,
    /// Passing data on: bytes still to come, bytes of padding after them.
    Data { left: u32, padding: u32 },
}

/// A parser fed with pieces of any size.
#[derive(Debug)]
pub struct Stream {
    state: State,
    head: Vec<u8>,
    header: Header,
}

impl Default for Stream {
    fn default() -> Self {
        Self::new()
    }
}

impl Stream {
    /// At the start of an archive.
    pub const fn new() -> Stream {
        Stream {
            state: State::Padding,
            head: Vec::new(),
            header: Header {
                ino: 0,
                mode: 0,
                uid: 0,
                gid: 0,
                links: 0,
                mtime: 0,
                data_bytes: 0,
                device: (0, 0),
                node: (0, 0),
                name_bytes: 0,
            },
        }
    }

    /// Feeds the next piece.
    pub fn push(&mut self, mut bytes: &[u8], receiver: &mut dyn Receiver) -> Result<(), Error> {
        while !bytes.is_empty() {
            match self.state {
                State::Padding => {
                    let zeros = bytes.iter().position(|&byte| byte != 0).unwrap_or(bytes.len());
                    bytes = &bytes[zeros..];
                    if !bytes.is_empty() {
                        self.state = State::Head;
                    }
                }
                State::Head if self.head.is_empty() && bytes[0] == 0 => self.state = State::Padding,
                State::Head => bytes = self.push_head(bytes, receiver)?,
                State::Data { left, padding } => {
                    let data = bytes.len().min(left as usize);
                    if data > 0 {
                        receiver.data(&bytes[..data]);
                    }
                    bytes = &bytes[data..];
                    // CAST: at most `left`, a u32.
                    let left = left - data as u32;
                    let skipped = if left == 0 { bytes.len().min(padding as usize) } else { 0 };
                    bytes = &bytes[skipped..];
                    // CAST: at most 3.
                    let padding = padding - skipped as u32;
                    self.state = State::Data { left, padding };
                    if left == 0 && padding == 0 {
                        receiver.end();
                        self.state = State::Head;
                    }
                }
            }
        }
        Ok(())
    }

    /// The input is over: is that a good place?
    pub fn finish(&self) -> Result<(), Error> {
        match self.state {
            State::Padding => Ok(()),
            State::Head if self.head.is_empty() => Ok(()),
            _ => Err(Error::Truncated),
        }
    }

    fn push_head<'b>(&mut self, bytes: &'b [u8], receiver: &mut dyn Receiver) -> Result<&'b [u8], Error> {
        let wanted = if self.head.len() < HEADER_BYTES {
            HEADER_BYTES
        } else {
            (HEADER_BYTES + self.header.name_bytes as usize).next_multiple_of(4)
        };
        let taken = bytes.len().min(wanted - self.head.len());
        self.head.try_reserve(taken).map_err(|_| Error::OutOfMemory)?;
        self.head.extend_from_slice(&bytes[..taken]);
        if self.head.len() == wanted {
            if wanted == HEADER_BYTES {
                let fixed = self.head.first_chunk().ok_or(Error::Truncated)?;
                self.header = Header::parse(fixed)?;
            } else {
                self.begin_data(receiver)?;
            }
        }
        Ok(&bytes[taken..])
    }

    fn begin_data(&mut self, receiver: &mut dyn Receiver) -> Result<(), Error> {
        let end = HEADER_BYTES + self.header.name_bytes as usize;
        let name = strip_zero(&self.head[HEADER_BYTES..end])?;
        if name == TRAILER {
            self.state = State::Padding;
        } else {
            receiver.entry(&self.header, name);
            let left = self.header.data_bytes;
            self.state = State::Data { left, padding: left.wrapping_neg() & 3 };
            if left == 0 {
                receiver.end();
                self.state = State::Head;
            }
        }
        self.head.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_as_one_by_one() {
        let one_by_one = |digits: [u8; 8]| {
            digits.iter().try_fold(0u32, |number, digit| Some(number << 4 | char::from(*digit).to_digit(16)?))
        };
        assert_eq!(hexadecimal(*b"0123aBcD"), Some(0x0123_abcd));
        // Every byte at every place, beside the extremes of what is a digit.
        for neighbour in *b"09afAF" {
            for place in 0..8 {
                for byte in 0..=u8::MAX {
                    let mut digits = [neighbour; 8];
                    digits[place] = byte;
                    assert_eq!(hexadecimal(digits), one_by_one(digits), "{digits:?}");
                }
            }
        }
    }

    use alloc::format;
    use alloc::vec;
    use proptest::prelude::*;

    fn append(archive: &mut Vec<u8>, name: &[u8], mode: u32, data: &[u8]) {
        let mut header = Vec::from(&b"070701"[..]);
        for field in [7, mode, 1, 2, 1, 99, data.len() as u32, 0, 0, 5, 6, name.len() as u32 + 1, 0] {
            header.extend_from_slice(format!("{field:08X}").as_bytes());
        }
        archive.extend_from_slice(&header);
        archive.extend_from_slice(name);
        archive.push(0);
        archive.resize(archive.len().next_multiple_of(4), 0);
        archive.extend_from_slice(data);
        archive.resize(archive.len().next_multiple_of(4), 0);
    }

    #[derive(Default, PartialEq, Eq, Debug, Clone)]
    struct Collected(Vec<(Vec<u8>, u32, Vec<u8>)>, usize);
    impl Receiver for Collected {
        fn entry(&mut self, header: &Header, name: &[u8]) {
            self.0.push((name.to_vec(), header.mode, Vec::new()));
        }
        fn data(&mut self, bytes: &[u8]) {
            if let Some(last) = self.0.last_mut() {
                last.2.extend_from_slice(bytes);
            }
        }
        fn end(&mut self) {
            self.1 += 1;
        }
    }

    #[test]
    fn reads_what_was_written() {
        let mut bytes = Vec::new();
        append(&mut bytes, b"dir", 0o40755, b"");
        bytes.extend_from_slice(&[0; 1000]);
        append(&mut bytes, b"dir/file", 0o100644, b"hello");
        append(&mut bytes, TRAILER, 0, b"");
        bytes.extend_from_slice(&[0; 60]);
        let mut archive = Archive::new(&bytes);
        let first = archive.next().unwrap().unwrap();
        assert_eq!((first.name, first.header.mode, first.header.node), (&b"dir"[..], 0o40755, (5, 6)));
        let second = archive.next().unwrap().unwrap();
        assert_eq!((second.name, second.data), (&b"dir/file"[..], &b"hello"[..]));
        assert_eq!(archive.next(), None);
        assert_eq!(archive.rest(), &[0; 60]);
    }

    #[test]
    fn names_what_is_wrong() {
        assert_eq!(Archive::new(&[0; 9]).next(), None);
        assert_eq!(Archive::new(b"070701").next(), Some(Err(Error::Truncated)));
        assert_eq!(Archive::new(&[b'0'; 200]).next(), Some(Err(Error::BadMagic)));
        let mut bytes = Vec::new();
        append(&mut bytes, b"x", 0o100644, b"hello");
        assert_eq!(Archive::new(&bytes[..bytes.len() - 6]).next(), Some(Err(Error::Truncated)));
        bytes[10] = b'g';
        assert_eq!(Archive::new(&bytes).next(), Some(Err(Error::BadField)));
    }

    proptest! {
        #[test]
        fn hostile_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..600), magic in any::<bool>()) {
            let mut bytes = bytes;
            if magic && bytes.len() > 6 {
                bytes[..6].copy_from_slice(b"070701");
            }
            let _ = Archive::new(&bytes).count();
            let _ = Stream::new().push(&bytes, &mut Collected::default());
        }

        #[test]
        fn mutated_archives_do_no_harm(at in 0usize..400, value in any::<u8>(), cut in 0usize..400) {
            let mut bytes = Vec::new();
            append(&mut bytes, b"dir", 0o40755, b"");
            append(&mut bytes, b"dir/file", 0o100644, b"hello");
            append(&mut bytes, TRAILER, 0, b"");
            let last = bytes.len() - 1;
            bytes[at.min(last)] = value;
            bytes.truncate(cut);
            let _ = Archive::new(&bytes).count();
            let _ = Stream::new().push(&bytes, &mut Collected::default());
        }

        #[test]
        fn pieces_give_the_same_entries(
            files in proptest::collection::vec(("[a-z]{1,20}", proptest::collection::vec(any::<u8>(), 0..50)), 0..10),
            piece in 1usize..80,
        ) {
            let mut bytes = vec![0; 8];
            let mut expected = Vec::new();
            for (name, data) in &files {
                append(&mut bytes, name.as_bytes(), 0o100644, data);
                bytes.resize(bytes.len() + piece / 4 * 4, 0);
                expected.push((name.as_bytes().to_vec(), 0o100644, data.clone()));
            }
            append(&mut bytes, TRAILER, 0, b"");
            let mut stream = Stream::new();
            let mut collected = Collected::default();
            for part in bytes.chunks(piece) {
                stream.push(part, &mut collected).unwrap();
            }
            stream.finish().unwrap();
            prop_assert_eq!(collected.1, expected.len());
            prop_assert_eq!(&collected.0, &expected);
            let whole: Vec<_> = Archive::new(&bytes[8..])
                .map(|entry| entry.map(|e| (e.name.to_vec(), e.header.mode, e.data.to_vec())).unwrap())
                .collect();
            prop_assert_eq!(whole, expected);
        }
    }
}
