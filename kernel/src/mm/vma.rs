//! One area of an address space (Linux: VMA): what it allows and where its pages come from.
//!
//! [`Vma`] is the value of the range map in [`super::space`]; the addresses are the map's.
use crate::fs::seals::Seals;
use crate::fs::{OpenFile, PageCache};
use alloc::sync::Arc;
use machine::addr::PAGE_SIZE;
use machine::mm::Access;
use machine::user::AccessKind;
use pure::range_map::Area;

/// Bytes kept free below a stack (Linux's `stack_guard_gap`, 256 pages).
pub const GUARD_GAP_BYTES: usize = 256 * PAGE_SIZE;

/// PROT_READ, PROT_WRITE, PROT_EXEC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Protection(u8);

impl Protection {
    /// As `PROT_*`.
    pub const fn bits(self) -> u8 {
        self.0
    }
    /// Nothing.
    pub const NONE: Protection = Protection(0);
    /// Reading.
    pub const READ: Protection = Protection(1);
    /// Writing.
    pub const WRITE: Protection = Protection(2);
    /// Executing.
    pub const EXECUTE: Protection = Protection(4);
    /// Reading and writing.
    pub const READ_WRITE: Protection = Protection(3);
    /// All three.
    pub const ALL: Protection = Protection(7);

    /// From the PROT_* bits of a call; other bits are the caller's to judge.
    pub const fn from_bits(bits: u32) -> Protection {
        Protection((bits & 7) as u8)
    }
    /// From single answers.
    pub const fn of(is_readable: bool, is_writable: bool, is_executable: bool) -> Protection {
        Protection(is_readable as u8 | (is_writable as u8) << 1 | (is_executable as u8) << 2)
    }
    /// Whether all of `other` is allowed.
    pub const fn allows(self, other: Protection) -> bool {
        self.0 & other.0 == other.0
    }
    /// What either allows.
    pub const fn with(self, other: Protection) -> Protection {
        Protection(self.0 | other.0)
    }
    /// Without what `other` allows.
    pub const fn without(self, other: Protection) -> Protection {
        Protection(self.0 & !other.0)
    }
    /// Whether a fault of this kind is allowed. Hardware reads wherever it may write or execute.
    pub const fn allows_kind(self, kind: AccessKind) -> bool {
        match kind {
            AccessKind::Read => self.0 != 0,
            AccessKind::Write => self.allows(Protection::WRITE),
            AccessKind::Execute => self.allows(Protection::EXECUTE),
        }
    }
    /// What a page table entry for this may allow; writing only with `may_write`, so that the first write faults otherwise.
    pub const fn access(self, may_write: bool) -> Access {
        Access {
            is_readable: self.0 != 0,
            is_writable: self.allows(Protection::WRITE) && may_write,
            is_executable: self.allows(Protection::EXECUTE),
        }
    }
}

/// mlock and its kin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Locking {
    /// Not locked.
    None,
    /// Pages stay once they are there (MLOCK_ONFAULT).
    OnFault,
    /// All pages are there.
    Whole,
}

/// Whether an area's memory may come in blocks of 2 MiB (MADV_HUGEPAGE, MADV_NOHUGEPAGE).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Blocks {
    /// As the kernel sees fit: where memory is being filled from its start on.
    ByDefault,
    /// Wanted.
    Wanted,
    /// Not wanted.
    Refused,
}

/// Where the pages of an area come from.
#[derive(Clone)]
pub enum Backing {
    /// Nowhere: zeros at first.
    Anonymous,
    /// A page cache: of a file, or one of its own for shared anonymous memory.
    Cache(CacheBacking),
}

/// Pages of a page cache.
#[derive(Clone)]
pub struct CacheBacking {
    /// The pages.
    pub cache: Arc<PageCache>,
    /// The open file, which the mapping keeps open; `None` for shared anonymous memory.
    pub file: Option<Arc<OpenFile>>,
    /// Offset of the area's first page, in bytes.
    pub offset: u64,
}

impl CacheBacking {
    /// Whether the other maps the same thing.
    fn is_same(&self, other: &CacheBacking) -> bool {
        let is_same_file = match (&self.file, &other.file) {
            (Some(one), Some(two)) => Arc::ptr_eq(one, two),
            (None, None) => true,
            _ => false,
        };
        is_same_file && Arc::ptr_eq(&self.cache, &other.cache)
    }
}

/// An area's value. Two with equal values and offsets that continue are one area.
#[derive(Clone)]
pub struct Vma {
    /// What is allowed now.
    pub protection: Protection,
    /// What mprotect may allow at most.
    pub most: Protection,
    /// Whether writes are seen by others (MAP_SHARED).
    pub is_shared: bool,
    /// Whether it grows downwards (a stack).
    pub grows_down: bool,
    /// Whether and how it is locked.
    pub locking: Locking,
    /// MADV_DONTFORK.
    pub is_absent_in_child: bool,
    /// MADV_WIPEONFORK.
    pub is_zero_in_child: bool,
    /// Made or moved since changes were last forgotten: all its pages count as changed, also those that are not there.
    pub is_changed: bool,
    /// Whether its memory may come in blocks.
    pub blocks: Blocks,
    /// Name shown in /proc/PID/maps for areas of the kernel's making.
    pub name: Option<&'static str>,
    /// Whether the area may hold pages of its own: only then fork must copy the page table. Always possible for
    /// anonymous memory; set for a private mapping of a file when its first page is copied.
    pub has_own_pages: bool,
    /// Where pages come from.
    pub backing: Backing,
}

impl Vma {
    /// Private anonymous memory.
    pub fn anonymous(protection: Protection) -> Vma {
        Vma {
            protection,
            most: Protection::ALL,
            is_shared: false,
            grows_down: false,
            locking: Locking::None,
            is_absent_in_child: false,
            is_zero_in_child: false,
            is_changed: true,
            blocks: Blocks::ByDefault,
            name: None,
            has_own_pages: true,
            backing: Backing::Anonymous,
        }
    }
    /// A private mapping of a file: writes stay here. Legal whatever the file was opened for, if it may be read.
    pub fn private_file(protection: Protection, backing: CacheBacking) -> Vma {
        Vma { has_own_pages: false, backing: Backing::Cache(backing), ..Vma::anonymous(protection) }
    }
    /// A shared mapping of a page cache; `most` is what the open file allows.
    pub fn shared(protection: Protection, most: Protection, backing: CacheBacking) -> Vma {
        Vma { is_shared: true, most, ..Vma::private_file(protection, backing) }
    }
    /// The cache and the page's index in it, for the page `distance` bytes from the area's start.
    pub fn cache_page(&self, distance: usize) -> Option<(&Arc<PageCache>, u64)> {
        match &self.backing {
            Backing::Anonymous => None,
            Backing::Cache(backing) => Some((&backing.cache, (backing.offset + distance as u64) / PAGE_SIZE as u64)),
        }
    }
    /// Whether it maps a file so that others see what is written, or could be made to, against seals of that file.
    pub fn shares_sealed(&self, is_against: impl FnOnce(&Seals) -> bool) -> bool {
        let Backing::Cache(backing) = &self.backing else { return false };
        self.is_shared && self.most.allows(Protection::WRITE) && is_against(backing.cache.seals())
    }
    /// Whether its pages stay in memory.
    pub fn is_locked(&self) -> bool {
        self.locking != Locking::None
    }
    /// Whether a write to untouched memory may make a whole block present. Not if that was refused; never in a stack, of which mostly the top is used, nor
    /// where code may be: that is written in pieces.
    pub fn takes_blocks(&self) -> bool {
        self.blocks != Blocks::Refused
            && !self.is_shared
            && !self.grows_down
            && matches!(self.backing, Backing::Anonymous)
            && self.protection.allows(Protection::READ_WRITE)
            && !self.protection.allows(Protection::EXECUTE)
    }
    /// Whether its pages count towards RLIMIT_DATA and the commit check: private, writable, no stack.
    pub fn is_data(&self) -> bool {
        !self.is_shared && !self.grows_down && self.protection.allows(Protection::WRITE)
    }
}

impl Area for Vma {
    fn advance(&mut self, bytes: usize) {
        if let Backing::Cache(backing) = &mut self.backing {
            // OVERFLOW: the end of the whole mapping was checked when it was made.
            backing.offset += bytes as u64;
        }
    }
    fn continues(&self, bytes: usize, next: &Self) -> bool {
        let has_same_rules = self.protection == next.protection
            && self.most == next.most
            && self.is_shared == next.is_shared
            && self.grows_down == next.grows_down
            && self.locking == next.locking
            && self.is_absent_in_child == next.is_absent_in_child
            && self.is_zero_in_child == next.is_zero_in_child
            && self.blocks == next.blocks
            && self.name == next.name;
        has_same_rules
            && match (&self.backing, &next.backing) {
                (Backing::Anonymous, Backing::Anonymous) => true,
                (Backing::Cache(one), Backing::Cache(two)) => {
                    one.is_same(two) && one.offset + bytes as u64 == two.offset
                }
                _ => false,
            }
    }
    fn absorb(&mut self, next: &Self) {
        self.has_own_pages |= next.has_own_pages;
        self.is_changed |= next.is_changed;
    }
    fn guard_bytes(&self) -> usize {
        if self.grows_down { GUARD_GAP_BYTES } else { 0 }
    }
}
