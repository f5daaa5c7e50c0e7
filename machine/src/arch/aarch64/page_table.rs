//! Page-table entries, the root and the TLB.
use crate::addr::PhysAddr;
use crate::mm::Rights;

/// Whether a flush instruction reaches all CPUs.
pub(crate) const BROADCASTS_FLUSH: bool = true;
/// Whether a user root must carry the kernel half.
pub(crate) const SHARES_ROOT: bool = false;

/// One entry of a table. Zero is absent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub(crate) struct Entry(pub(crate) u64);

impl Entry {
    /// No mapping.
    pub(crate) const ABSENT: Entry = Entry(0);
    /// Maps `addr` at `level` (0: 4 KiB, 1: 2 MiB, 2: 1 GiB).
    pub(crate) fn leaf(_addr: PhysAddr, _rights: Rights, _level: usize) -> Entry {
        todo!()
    }
    /// Refers to the next table.
    pub(crate) fn table(_addr: PhysAddr) -> Entry {
        todo!()
    }
    /// Leaf (PROT_NONE included) or table.
    pub(crate) fn is_present(self) -> bool {
        todo!()
    }
    /// Whether a present entry of `level` maps memory.
    pub(crate) fn is_leaf(self, _level: usize) -> bool {
        todo!()
    }
    /// The frame or table.
    pub(crate) fn addr(self) -> PhysAddr {
        todo!()
    }
    /// What a leaf allows.
    pub(crate) fn rights(self) -> Rights {
        todo!()
    }
    /// The same frame with other rights; accessed and dirty are kept.
    pub(crate) fn with_rights(self, _rights: Rights, _level: usize) -> Entry {
        todo!()
    }
    /// The same leaf, neither accessed nor dirty.
    pub(crate) fn cleared_accessed_dirty(self) -> Entry {
        todo!()
    }
    /// Used since last cleared.
    pub(crate) fn is_accessed(self) -> bool {
        todo!()
    }
    /// Written since last cleared.
    pub(crate) fn is_dirty(self) -> bool {
        todo!()
    }
}

/// Switches to the kernel's final tables.
///
/// # Safety
/// The tables map the image, the stack in use and the direct map.
pub(crate) unsafe fn load_kernel_root(_root: PhysAddr) {
    todo!()
}
/// Loads a user root.
///
/// # Safety
/// The tables carry the kernel half and stay alive until another root is loaded; `asid` is below [`asid_count`].
pub(crate) unsafe fn load_user_root(_root: PhysAddr, _asid: u16, _must_flush: bool) {
    todo!()
}
/// Goes back to the kernel's own root.
pub(crate) fn load_no_user_root() {
    todo!()
}
/// Forgets one user page here.
pub(crate) fn flush_page(_asid: u16, _addr: usize) {
    todo!()
}
/// Forgets kernel pages here.
pub(crate) fn flush_kernel(_addr: usize, _pages: usize) {
    todo!()
}
/// Forgets a whole user space here.
pub(crate) fn flush_asid(_asid: u16) {
    todo!()
}
/// Forgets everything here, kernel translations included.
pub(crate) fn flush_all() {
    todo!()
}
/// How many address-space numbers there are; 1 means none.
pub(crate) fn asid_count() -> usize {
    todo!()
}
/// Adds the architecture's own entries to a kernel root, before it is loaded for the first time.
pub(crate) fn prepare_kernel_root(_root: PhysAddr) {
    todo!()
}
/// Makes code just written to a frame visible to instruction fetch.
pub(crate) fn make_executable(_frame: PhysAddr) {
    todo!()
}
/// Orders entries written before against later walks.
#[inline]
pub(crate) fn publish() {
    todo!()
}
