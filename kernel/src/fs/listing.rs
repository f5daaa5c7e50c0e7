//! The listing of a directory while it is read.
//!
//! Main type: [`Listing`]. Each file system's `read_directory` adds its entries in rising order of their places; those that the
//! reader has had are skipped. Places 0 and 1 are `.` and `..` everywhere. Called with the position of the open file description
//! locked, by the calls of `getdents`.
use super::inode::FileKind;

/// One entry of a directory listing.
#[derive(Clone, Copy, Debug)]
pub struct DirectoryEntry<'a> {
    /// Inode number.
    pub number: u64,
    /// Where the entry after this one is found (`d_off`).
    pub next_offset: u64,
    /// `DT_*`.
    pub kind: u8,
    /// The name.
    pub name: &'a [u8],
}

/// How far the reader is, and what takes the entries.
pub struct Listing<'a> {
    offset: &'a mut u64,
    take: &'a mut dyn FnMut(&DirectoryEntry<'_>) -> bool,
}

impl<'a> Listing<'a> {
    /// The first place that a file system has for names of its own.
    pub const FIRST: u64 = 2;

    /// From `offset` on, which moves past each entry that `take` answers true for.
    pub fn new(offset: &'a mut u64, take: &'a mut dyn FnMut(&DirectoryEntry<'_>) -> bool) -> Listing<'a> {
        Listing { offset, take }
    }

    /// The place from which on entries are wanted.
    pub fn place(&self) -> u64 {
        *self.offset
    }

    /// Lists the entry at `place`, if the reader has not had it. False if it was not taken: the listing ends here for now.
    #[must_use]
    pub fn add(&mut self, place: u64, name: &[u8], number: u64, kind: FileKind) -> bool {
        if place < *self.offset {
            return true;
        }
        let next_offset = place + 1;
        let is_taken = (self.take)(&DirectoryEntry { number, next_offset, kind: kind.directory_type(), name });
        if is_taken {
            *self.offset = next_offset;
        }
        is_taken
    }

    /// Lists `.` and `..`, given their inode numbers.
    #[must_use]
    pub fn add_own(&mut self, own: u64, parent: u64) -> bool {
        self.add(0, b".", own, FileKind::Directory) && self.add(1, b"..", parent, FileKind::Directory)
    }
}
