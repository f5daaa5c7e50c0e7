//! Page-table entries, the root and the TLB. Four levels; a user root carries the kernel half (its upper 256 entries).
//!
//! With PCID (and INVPCID) each user space has a number, so that a switch need not flush; number 0 is the kernel's
//! own root. Without, there is one number and every load of a root flushes all but global translations.
use super::registers::{read_cr3, read_cr4, write_cr3, write_cr4};
use crate::addr::PhysAddr;
use crate::mm::Rights;
use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};

/// Whether a flush instruction reaches all CPUs.
pub(crate) const BROADCASTS_FLUSH: bool = false;
/// Whether a user root must carry the kernel half.
pub(crate) const SHARES_ROOT: bool = true;

const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
const WRITE_THROUGH: u64 = 1 << 3;
const CACHE_OFF: u64 = 1 << 4;
const ACCESSED: u64 = 1 << 5;
const DIRTY: u64 = 1 << 6;
const LARGE: u64 = 1 << 7;
const GLOBAL: u64 = 1 << 8;
/// Ours: a leaf that allows nothing and keeps its frame. Not PRESENT to the CPU.
const NO_ACCESS: u64 = 1 << 9;
/// Ours: made or written since it was last asked (Linux's soft-dirty).
const CHANGED: u64 = 1 << 10;
const NO_EXECUTE: u64 = 1 << 63;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
/// In CR3: keep the translations of this PCID.
const KEEP: u64 = 1 << 63;
const PCID_MASK: u64 = 0xfff;
const CR4_GLOBAL: u64 = 1 << 7;
const CR4_PCID: u64 = 1 << 17;

/// One entry of a table. Zero is absent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub(crate) struct Entry(pub(crate) u64);

impl Entry {
    /// No mapping.
    pub(crate) const ABSENT: Entry = Entry(0);
    /// Maps `addr` at `level` (0: 4 KiB, 1: 2 MiB, 2: 1 GiB).
    pub(crate) fn leaf(addr: PhysAddr, rights: Rights, level: usize) -> Entry {
        let mut bits = addr.0 & ADDRESS;
        let choices = [
            (rights.is_readable, PRESENT, NO_ACCESS),
            (rights.is_writable, WRITABLE, 0),
            // Kernel translations are the same in every space: global, and never found not accessed or not dirty.
            (rights.is_user, USER | CHANGED, GLOBAL | ACCESSED | DIRTY),
            (rights.is_executable, 0, NO_EXECUTE),
            (rights.is_device, WRITE_THROUGH | CACHE_OFF, 0),
            (level > 0, LARGE, 0),
        ];
        for (holds, yes, no) in choices {
            bits |= if holds { yes } else { no };
        }
        Entry(bits)
    }
    /// Refers to the next table.
    pub(crate) fn table(addr: PhysAddr) -> Entry {
        // The leaves decide what is allowed.
        Entry(addr.0 & ADDRESS | PRESENT | WRITABLE | USER | ACCESSED)
    }
    /// Leaf (PROT_NONE included) or table.
    #[inline]
    pub(crate) fn is_present(self) -> bool {
        self.0 & (PRESENT | NO_ACCESS) != 0
    }
    /// Whether a present entry of `level` maps memory.
    #[inline]
    pub(crate) fn is_leaf(self, level: usize) -> bool {
        level == 0 || self.0 & (LARGE | NO_ACCESS) != 0
    }
    /// The frame or table.
    #[inline]
    pub(crate) fn addr(self) -> PhysAddr {
        PhysAddr(self.0 & ADDRESS)
    }
    /// What a leaf allows.
    pub(crate) fn rights(self) -> Rights {
        Rights {
            is_user: self.0 & USER != 0,
            is_readable: self.0 & PRESENT != 0,
            is_writable: self.0 & WRITABLE != 0,
            is_executable: self.0 & NO_EXECUTE == 0,
            is_device: self.0 & CACHE_OFF != 0,
        }
    }
    /// A leaf allows stores.
    #[inline(always)]
    pub(crate) fn is_writable(self) -> bool {
        self.0 & WRITABLE != 0
    }
    /// The same leaf without stores.
    #[inline(always)]
    pub(crate) fn write_protected(self) -> Entry {
        Entry(self.0 & !WRITABLE)
    }
    /// The same frame with other rights; accessed and dirty are kept. What may be written counts as changed from then on.
    pub(crate) fn with_rights(self, rights: Rights, level: usize) -> Entry {
        let changed = if rights.is_writable { CHANGED } else { self.0 & CHANGED };
        Entry(Entry::leaf(self.addr(), rights, level).0 & !CHANGED | self.0 & (ACCESSED | DIRTY) | changed)
    }
    /// The same leaf, not used.
    pub(crate) fn not_accessed(self) -> Entry {
        Entry(self.0 & !ACCESSED)
    }
    /// The same leaf, not changed; the first store will fault.
    pub(crate) fn not_changed(self) -> Entry {
        Entry(self.0 & !(CHANGED | WRITABLE))
    }
    /// The same leaf, changed.
    pub(crate) fn changed(self) -> Entry {
        Entry(self.0 | CHANGED)
    }
    /// Made, or allowed to be written, since [`not_changed`](Self::not_changed).
    #[inline]
    pub(crate) fn is_changed(self) -> bool {
        self.0 & CHANGED != 0
    }
    /// The entry of level 0 for page `index` of the block that this leaf of level 1 maps.
    #[inline]
    pub(crate) fn part(self, index: usize) -> Entry {
        Entry((self.0 & !LARGE) + ((index as u64) << 12))
    }
    /// Used since last cleared.
    #[inline]
    pub(crate) fn is_accessed(self) -> bool {
        self.0 & ACCESSED != 0
    }
    /// Written since last cleared.
    #[inline]
    pub(crate) fn is_dirty(self) -> bool {
        self.0 & DIRTY != 0
    }
}

/// The kernel's own root, for kernel threads and CPUs that start.
static KERNEL_ROOT: AtomicU64 = AtomicU64::new(0);

/// The kernel's own root; zero before [`load_kernel_root`].
pub(crate) fn kernel_root() -> PhysAddr {
    PhysAddr(KERNEL_ROOT.load(Ordering::Acquire))
}

/// Switches to the kernel's final tables.
///
/// # Safety
/// The tables map the image, the stack in use and the direct map, and live for ever.
pub(crate) unsafe fn load_kernel_root(root: PhysAddr) {
    KERNEL_ROOT.store(root.0, Ordering::Release);
    // SAFETY: the tables are complete, says the caller.
    unsafe { write_cr3(root.0) };
    // The early tables had no global pages, but they mapped the same addresses otherwise.
    flush_all();
}

/// Loads a user root.
///
/// # Safety
/// 1. The tables carry the kernel half and stay alive until another root is loaded.
/// 2. `asid` is below [`asid_count`], and `must_flush` is set unless its translations here are all true.
pub(crate) unsafe fn load_user_root(root: PhysAddr, asid: u16, must_flush: bool) {
    let keep = if must_flush || read_cr4() & CR4_PCID == 0 { 0 } else { KEEP };
    // SAFETY: 1 and 2.
    unsafe { write_cr3(root.0 | u64::from(asid) | keep) };
}

/// Goes back to the kernel's own root.
pub(crate) fn load_no_user_root() {
    let root = kernel_root().0;
    let keep = if read_cr4() & CR4_PCID == 0 { 0 } else { KEEP };
    // SAFETY: the kernel's root lives for ever, and number 0 holds kernel translations only, kept true by
    // `flush_kernel`.
    unsafe { write_cr3(root | keep) };
}

/// INVPCID: kind 0 forgets one address, kind 1 a whole number.
fn invalidate_pcid(kind: u64, asid: u16, addr: usize) {
    let descriptor = [u64::from(asid), addr as u64];
    // SAFETY: PCID is only turned on where the instruction exists. Forgetting a translation is always right.
    unsafe { asm!("invpcid {}, [{}]", in(reg) kind, in(reg) &descriptor, options(nostack, preserves_flags)) };
}

/// Whether translations of `asid` are those of the loaded root.
fn is_current(asid: u16) -> bool {
    read_cr4() & CR4_PCID == 0 || read_cr3() & PCID_MASK == u64::from(asid)
}

/// Forgets one user page here.
#[inline]
pub(crate) fn flush_page(asid: u16, addr: usize) {
    if is_current(asid) {
        // SAFETY: forgetting a translation is always right.
        unsafe { asm!("invlpg [{}]", in(reg) addr, options(nostack, preserves_flags)) };
    } else {
        invalidate_pcid(0, asid, addr);
    }
}

/// Forgets a whole user space here.
pub(crate) fn flush_asid(asid: u16) {
    if is_current(asid) {
        // SAFETY: loads the root that is loaded already.
        unsafe { write_cr3(read_cr3()) };
    } else {
        invalidate_pcid(1, asid, 0);
    }
}

/// Forgets everything here, kernel translations included.
pub(crate) fn flush_all() {
    let cr4 = read_cr4();
    // SAFETY: changing the bit for global pages flushes everything; it is put back as it was.
    unsafe {
        write_cr4(cr4 ^ CR4_GLOBAL);
        write_cr4(cr4);
    }
}

/// How many address-space numbers there are; 1 means none.
pub(crate) fn asid_count() -> usize {
    if read_cr4() & CR4_PCID == 0 { 1 } else { 4096 }
}

/// Adds the architecture's own entries to a kernel root, before it is loaded for the first time: none here.
pub(crate) fn prepare_kernel_root(_root: PhysAddr) {}

/// Makes code just written to a frame visible to instruction fetch: x86-64 keeps its caches coherent.
#[inline]
pub(crate) fn make_executable(_frame: PhysAddr) {}

/// Orders entries written before against later walks: x86-64 does so by itself for entries that were absent.
#[inline]
pub(crate) fn publish() {
    core::sync::atomic::compiler_fence(Ordering::SeqCst);
}
