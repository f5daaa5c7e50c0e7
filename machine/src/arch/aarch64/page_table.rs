//! Page-table entries, the translation roots and the TLB (VMSAv8-64, 4 KiB granule, 48-bit addresses).
//!
//! TTBR1 translates the kernel half and never changes after boot; TTBR0 is the running program's. Invalidations are
//! broadcast to all CPUs by the hardware, so no shootdown interrupt is needed.
//!
//! Accessed and dirty: every leaf is made with the access flag set, and a writable one counts as dirty. That is right
//! for every CPU, and says too much rather than too little. A cleared access flag makes the next access fault.
use super::boot;
use super::features;
use super::sysreg::{isb, read_sysreg, write_sysreg};
use crate::addr::{DIRECT_MAP_BASE, PAGE_SIZE, PhysAddr};
use crate::mm::Rights;
use core::arch::asm;

/// Whether a flush instruction reaches all CPUs.
pub(crate) const BROADCASTS_FLUSH: bool = true;
/// Whether a user root must carry the kernel half.
pub(crate) const SHARES_ROOT: bool = false;

/// The entry is valid. Clear in a PROT_NONE leaf, which keeps all its other bits.
const VALID: u64 = 1 << 0;
/// A table, or a page at the last level; clear in a block.
const TABLE_OR_PAGE: u64 = 1 << 1;
/// Index of the memory type in MAIR_EL1: 0 is normal write-back, 1 is device.
const TYPE_DEVICE: u64 = 1 << 2;
/// AP[1]: user mode may access.
const USER: u64 = 1 << 6;
/// AP[2]: no writes.
const READ_ONLY: u64 = 1 << 7;
/// Inner shareable.
const SHAREABLE: u64 = 0b11 << 8;
/// Access flag.
const ACCESSED: u64 = 1 << 10;
/// The translation belongs to one ASID.
const NOT_GLOBAL: u64 = 1 << 11;
/// The kernel may not fetch.
const KERNEL_NO_EXECUTE: u64 = 1 << 53;
/// User mode may not fetch.
const USER_NO_EXECUTE: u64 = 1 << 54;
/// Software bit: set in every leaf, so that even a PROT_NONE leaf of frame 0 is not zero.
const LEAF: u64 = 1 << 55;
/// Software bit: made or written since it was last asked (Linux's soft-dirty).
const CHANGED: u64 = 1 << 56;
/// The output address.
const ADDRESS: u64 = 0x0000_ffff_ffff_f000;

/// One entry of a table. Zero is absent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub(crate) struct Entry(pub(crate) u64);

impl Entry {
    /// No mapping.
    pub(crate) const ABSENT: Entry = Entry(0);
    /// Maps `addr` at `level` (0: 4 KiB, 1: 2 MiB, 2: 1 GiB).
    pub(crate) fn leaf(addr: PhysAddr, rights: Rights, level: usize) -> Entry {
        let mut bits = (addr.0 & ADDRESS) | LEAF | ACCESSED | SHAREABLE;
        if level == 0 {
            bits |= TABLE_OR_PAGE;
        }
        if rights.is_readable {
            bits |= VALID;
        }
        if !rights.is_writable {
            bits |= READ_ONLY;
        }
        if rights.is_device {
            bits |= TYPE_DEVICE;
        }
        // The kernel never executes what user mode can reach, and the other way round.
        if rights.is_user {
            bits |= USER | NOT_GLOBAL | KERNEL_NO_EXECUTE | CHANGED;
            if !rights.is_executable {
                bits |= USER_NO_EXECUTE;
            }
        } else {
            bits |= USER_NO_EXECUTE;
            if !rights.is_executable {
                bits |= KERNEL_NO_EXECUTE;
            }
        }
        Entry(bits)
    }
    /// Refers to the next table.
    pub(crate) fn table(addr: PhysAddr) -> Entry {
        Entry((addr.0 & ADDRESS) | TABLE_OR_PAGE | VALID)
    }
    /// Leaf (PROT_NONE included) or table.
    #[inline]
    pub(crate) fn is_present(self) -> bool {
        self.0 != 0
    }
    /// Whether a present entry of `level` maps memory.
    #[inline]
    pub(crate) fn is_leaf(self, _level: usize) -> bool {
        self.0 & LEAF != 0
    }
    /// The frame or table.
    #[inline]
    pub(crate) fn addr(self) -> PhysAddr {
        PhysAddr(self.0 & ADDRESS)
    }
    /// What a leaf allows.
    pub(crate) fn rights(self) -> Rights {
        let is_user = self.0 & USER != 0;
        let no_execute = if is_user { USER_NO_EXECUTE } else { KERNEL_NO_EXECUTE };
        Rights {
            is_user,
            is_readable: self.0 & VALID != 0,
            is_writable: self.0 & READ_ONLY == 0,
            is_executable: self.0 & no_execute == 0,
            is_device: self.0 & TYPE_DEVICE != 0,
        }
    }
    /// A leaf allows stores.
    #[inline(always)]
    pub(crate) fn is_writable(self) -> bool {
        self.0 & READ_ONLY == 0
    }
    /// The same leaf without stores.
    #[inline(always)]
    pub(crate) fn write_protected(self) -> Entry {
        Entry(self.0 | READ_ONLY)
    }
    /// The same frame with other rights, accessed. What may be written counts as changed from then on.
    pub(crate) fn with_rights(self, rights: Rights, level: usize) -> Entry {
        let changed = if rights.is_writable { CHANGED } else { self.0 & CHANGED };
        Entry(Entry::leaf(self.addr(), rights, level).0 & !CHANGED | changed)
    }
    /// The same leaf, not used.
    pub(crate) fn not_accessed(self) -> Entry {
        Entry(self.0 & !ACCESSED)
    }
    /// The same leaf, not changed; the first store will fault.
    pub(crate) fn not_changed(self) -> Entry {
        Entry(self.0 & !CHANGED | READ_ONLY)
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
        Entry((self.0 | TABLE_OR_PAGE) + ((index as u64) << 12))
    }
    /// Used since last cleared.
    pub(crate) fn is_accessed(self) -> bool {
        self.0 & ACCESSED != 0
    }
    /// Written since last cleared.
    pub(crate) fn is_dirty(self) -> bool {
        self.0 & READ_ONLY == 0
    }
}

/// Adds the device window of the boot tables (see [`boot`]) to the kernel root, which maps the image already.
pub(crate) fn prepare_kernel_root(root: PhysAddr) {
    let (top, second, entry) = boot::device_window_slot();
    let root = (DIRECT_MAP_BASE + root.0 as usize) as *mut Entry;
    // SAFETY: the root is a table that the caller owns, in the direct map; `top` is below 512.
    let next = unsafe { root.add(top).read() };
    assert!(next.is_present() && !next.is_leaf(3), "the image must be mapped before the device window");
    let table = (DIRECT_MAP_BASE + next.addr().0 as usize) as *mut Entry;
    // SAFETY: the entry refers to a table of the same tree; `second` is below 512.
    unsafe { table.add(second).write(entry) };
}

/// Switches to the kernel's final tables, and TTBR0 to no program.
///
/// # Safety
/// The tables map the image, the stack in use and the direct map.
pub(crate) unsafe fn load_kernel_root(root: PhysAddr) {
    boot::set_final_root(root);
    // The image changes from blocks to pages, so the old translations must be gone before the new ones can be
    // found (break before make): that is done from the identity map.
    // SAFETY: the identity map is still in TTBR0, and the caller vouches for the tables.
    unsafe { boot::replace_kernel_root(root) };
    load_no_user_root();
    flush_all();
}

/// Loads a user root.
///
/// # Safety
/// The tables stay alive until another root is loaded; `asid` is below [`asid_count`].
pub(crate) unsafe fn load_user_root(root: PhysAddr, asid: u16, must_flush: bool) {
    // SAFETY: the kernel does not run in the lower half, and the caller keeps the tables alive.
    unsafe { write_sysreg!("ttbr0_el1", root.0 | (u64::from(asid) << 48)) };
    isb();
    if must_flush {
        // SAFETY: forgetting translations is always sound.
        unsafe {
            asm!("tlbi aside1, {}", "dsb nsh", "isb", in(reg) u64::from(asid) << 48, options(nostack, preserves_flags));
        }
    }
}

/// Leaves the lower half empty.
pub(crate) fn load_no_user_root() {
    // SAFETY: the empty root is a static table without entries.
    unsafe { write_sysreg!("ttbr0_el1", boot::empty_root().0) };
    isb();
}

/// Forgets one user page everywhere.
pub(crate) fn flush_page(asid: u16, addr: usize) {
    let operand = (u64::from(asid) << 48) | ((addr as u64 >> 12) & 0xfff_ffff_ffff);
    // SAFETY: forgetting translations is always sound.
    unsafe {
        asm!("dsb ishst", "tlbi vae1is, {}", "dsb ish", "isb", in(reg) operand, options(nostack, preserves_flags));
    }
}

/// Forgets a whole user space everywhere.
pub(crate) fn flush_asid(asid: u16) {
    // SAFETY: forgetting translations is always sound.
    unsafe {
        asm!("dsb ishst", "tlbi aside1is, {}", "dsb ish", "isb", in(reg) u64::from(asid) << 48,
             options(nostack, preserves_flags));
    }
}

/// Forgets everything everywhere, kernel translations included.
pub(crate) fn flush_all() {
    // SAFETY: forgetting translations is always sound.
    unsafe { asm!("dsb ishst", "tlbi vmalle1is", "dsb ish", "isb", options(nostack, preserves_flags)) };
}

/// How many address-space numbers there are.
pub(crate) fn asid_count() -> usize {
    if features::has_wide_asid() { 1 << 16 } else { 1 << 8 }
}

/// Makes code just written to a frame visible to instruction fetch on every CPU.
pub(crate) fn make_executable(frame: PhysAddr) {
    let cache_type = read_sysreg!("ctr_el0");
    let is_data_coherent = cache_type & (1 << 28) != 0; // IDC
    let is_fetch_coherent = cache_type & (1 << 29) != 0; // DIC
    if !is_data_coherent {
        let line_bytes = 4usize << ((cache_type >> 16) & 0xf);
        let start = DIRECT_MAP_BASE + frame.0 as usize;
        for line in (start..start + PAGE_SIZE).step_by(line_bytes) {
            // SAFETY: cleans a line of mapped memory.
            unsafe { asm!("dc cvau, {}", in(reg) line, options(nostack, preserves_flags)) };
        }
    }
    // SAFETY: barriers only order.
    unsafe { asm!("dsb ish", options(nostack, preserves_flags)) };
    if !is_fetch_coherent {
        // SAFETY: forgetting cached instructions is always sound.
        unsafe { asm!("ic ialluis", "dsb ish", options(nostack, preserves_flags)) };
    }
    isb();
}

/// Orders entries written before against later walks.
#[inline]
pub(crate) fn publish() {
    // SAFETY: barriers only order.
    unsafe { asm!("dsb ishst", "isb", options(nostack, preserves_flags)) };
}
