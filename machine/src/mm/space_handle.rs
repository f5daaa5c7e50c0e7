//! The tables of a user space, shared by those who change them, the threads that run in it, and the CPUs that have it loaded.
//!
//! A CPU leaves a root loaded while it runs kernel threads, the idle thread, or comes back to the same space: a root write is
//! dear. It keeps a counted reference meanwhile. When the last reference goes, nobody has the root loaded, so frames and tables are
//! freed without a flush.
//!
//! Invariants: bit n of `loaded_on` is set while CPU n has the root loaded. Tables only grow until the space is dropped.
//! Locks: none for the tables (the kernel serialises changes); the ASID allocator's (leaf).
use super::asid;
use super::frame::{Frame, OutOfMemory};
use super::kernel_map::{self, ENTRIES};
use crate::addr::{PAGE_SIZE, PhysAddr, USER_END};
use crate::arch::page_table::{self, Entry};
use crate::cpu::{self, CpuLocal, MAX_CPUS};
use crate::thread::header;
use alloc::sync::Arc;
use core::ops::Range;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// What a thread needs to run in an address space: the root, the CPUs that have it loaded, its ASID/PCID. Keeps the page
/// tables alive while any CPU has them loaded.
pub struct SpaceHandle {
    pub(super) root: PhysAddr,
    pub(super) asid: u16,
    /// CPUs that have the root loaded.
    pub(super) loaded_on: AtomicU64,
    /// Raised by each flush; a CPU that loads the root flushes if it has not seen the newest.
    pub(super) generation: AtomicU32,
    seen: [AtomicU32; MAX_CPUS],
    /// Pages mapped.
    pub(super) resident: AtomicUsize,
    /// Frames of the tables, root included.
    pub(super) tables: AtomicUsize,
    /// Link of the list of unloaded spaces.
    next: AtomicPtr<SpaceHandle>,
}

/// A table of the lowest level.
#[derive(Clone, Copy)]
pub(super) struct LeafTable {
    entries: *const [AtomicU64; ENTRIES],
}

// SAFETY: the pointer is used only through a borrow of the space, and the entries are atomic.
unsafe impl Send for LeafTable {}
// SAFETY: as above.
unsafe impl Sync for LeafTable {}

impl LeafTable {
    fn at(table: PhysAddr) -> LeafTable {
        LeafTable { entries: kernel_map::direct(table).cast_const().cast() }
    }

    #[inline(always)]
    fn entry(&self, addr: usize) -> &AtomicU64 {
        // SAFETY: the table lives as long as the space it was found in, which every user of this type borrows.
        unsafe { &(*self.entries)[kernel_map::index(addr, 0)] }
    }

    #[inline(always)]
    pub(super) fn load(&self, addr: usize) -> Entry {
        Entry(self.entry(addr).load(Ordering::Relaxed))
    }

    #[inline(always)]
    pub(super) fn store(&self, addr: usize, entry: Entry) {
        self.entry(addr).store(entry.0, Ordering::Release);
    }

    #[inline(always)]
    pub(super) fn swap(&self, addr: usize, entry: Entry) -> Entry {
        Entry(self.entry(addr).swap(entry.0, Ordering::AcqRel))
    }

    /// Changes an entry without losing bits that the hardware sets meanwhile; answers the old one, `None` if `new` did.
    #[inline(always)]
    pub(super) fn change(&self, addr: usize, new: impl Fn(Entry) -> Option<Entry>) -> Option<Entry> {
        self.entry(addr)
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |old| new(Entry(old)).map(|entry| entry.0))
            .ok()
            .map(Entry)
    }
}

impl SpaceHandle {
    pub(super) fn new() -> Result<Arc<SpaceHandle>, OutOfMemory> {
        let root = kernel_map::new_table()?;
        if page_table::SHARES_ROOT {
            kernel_map::copy_top(root);
        }
        Ok(Arc::new(SpaceHandle {
            root,
            asid: asid::allocate(),
            loaded_on: AtomicU64::new(0),
            generation: AtomicU32::new(1),
            seen: [const { AtomicU32::new(0) }; MAX_CPUS],
            resident: AtomicUsize::new(0),
            tables: AtomicUsize::new(1),
            next: AtomicPtr::new(ptr::null_mut()),
        }))
    }

    /// The leaf table for `addr`, if there is one.
    pub(super) fn find_leaf_table(&self, addr: usize) -> Option<LeafTable> {
        let mut table = self.root;
        for level in [3, 2, 1] {
            let entry = read(table, kernel_map::index(addr, level));
            if !entry.is_present() {
                return None;
            }
            table = entry.addr();
        }
        Some(LeafTable::at(table))
    }

    /// The leaf table for `addr`, made if there is none. Only called by the owner of the `UserSpace`.
    pub(super) fn make_leaf_table(&self, addr: usize) -> Result<LeafTable, OutOfMemory> {
        let mut table = self.root;
        for level in [3, 2, 1] {
            let index = kernel_map::index(addr, level);
            let entry = read(table, index);
            table = if entry.is_present() {
                entry.addr()
            } else {
                let new = kernel_map::new_table()?;
                self.tables.fetch_add(1, Ordering::Relaxed);
                page_table::publish();
                // SAFETY: a table of this space; only the owner adds entries above the leaves.
                let place = unsafe { &*kernel_map::direct(table).cast::<[AtomicU64; ENTRIES]>() };
                place[index].store(user_table(new).0, Ordering::Release);
                new
            };
        }
        Ok(LeafTable::at(table))
    }

    /// Visits the leaf tables of a page-aligned range with the part of the range that each maps.
    pub(super) fn each_leaf_table(&self, range: Range<usize>, mut visit: impl FnMut(LeafTable, Range<usize>)) {
        let end = range.end.min(USER_END);
        let mut addr = range.start;
        while addr < end {
            let mut table = self.root;
            let mut missing = None;
            for level in [3, 2, 1] {
                let entry = read(table, kernel_map::index(addr, level));
                if !entry.is_present() {
                    missing = Some(level);
                    break;
                }
                table = entry.addr();
            }
            // An absent entry of level n covers 2^(12 + 9n) bytes; a leaf table as many as an entry of level 1.
            let span = PAGE_SIZE << (9 * missing.unwrap_or(1));
            let next = ((addr & !(span - 1)) + span).min(end);
            if missing.is_none() {
                visit(LeafTable::at(table), addr..next);
            }
            addr = next;
        }
    }
}

/// An entry of a table.
#[inline(always)]
fn read(table: PhysAddr, index: usize) -> Entry {
    // SAFETY: `table` is a table of a living space.
    let entries = unsafe { &*kernel_map::direct(table).cast::<[AtomicU64; ENTRIES]>() };
    Entry(entries[index].load(Ordering::Relaxed))
}

#[inline(always)]
fn user_table(table: PhysAddr) -> Entry {
    Entry::table(table)
}

impl Drop for SpaceHandle {
    fn drop(&mut self) {
        debug_assert!(*self.loaded_on.get_mut() == 0, "a CPU that has it loaded keeps a reference");
        release_tables(self.root, 3);
        asid::release(self.asid);
    }
}

/// Entries looked at in one step: most tables are nearly empty.
const STRIDE: usize = 8;
const _: () = assert!(Entry::ABSENT.0 == 0, "a stride of absent entries is told by their bits alone");

/// Frees a table of `level`, the tables below it and the frames of their leaves; of a root, only what is below the user half.
fn release_tables(table: PhysAddr, level: usize) {
    // SAFETY: `table` is a table of a space that nobody uses any more.
    let entries = unsafe { &*kernel_map::direct(table).cast::<[AtomicU64; ENTRIES]>() };
    let entries = if level == 3 { &entries[..ENTRIES / 2] } else { &entries[..] };
    for stride in entries.as_chunks::<STRIDE>().0 {
        if stride.iter().fold(0, |bits, entry| bits | entry.load(Ordering::Relaxed)) == 0 {
            continue;
        }
        for entry in stride.iter().map(|entry| Entry(entry.load(Ordering::Relaxed))).filter(|entry| entry.is_present()) {
            if level > 0 {
                release_tables(entry.addr(), level - 1);
            } else {
                // SAFETY: the leaf owned this reference, and the leaf is never looked at again.
                drop(unsafe { Frame::from_mapping(entry.addr()) });
            }
        }
    }
    kernel_map::release_table(table);
}

/// Makes user addresses on this CPU mean what `space` says. Interrupts are off.
#[inline(always)]
pub(crate) fn load(cpu: &CpuLocal, space: &Arc<SpaceHandle>) {
    // SAFETY: own CPU, interrupts off.
    let loaded = unsafe { &mut *cpu.loaded_space.get() };
    if !loaded.as_ref().is_some_and(|loaded| Arc::ptr_eq(loaded, space)) {
        load_other(cpu, space);
    }
}

#[inline(never)]
fn load_other(cpu: &CpuLocal, space: &Arc<SpaceHandle>) {
    crate::trace::count(crate::trace::Counter::SpaceSwitches);
    let bit = 1 << cpu.id.0;
    space.loaded_on.fetch_or(bit, Ordering::SeqCst);
    let generation = space.generation.load(Ordering::SeqCst);
    let must_flush = if page_table::BROADCASTS_FLUSH {
        space.asid == 0
    } else {
        space.seen[cpu.id.0 as usize].swap(generation, Ordering::Relaxed) != generation
    };
    // SAFETY: the space's root, kept alive by the reference put into `loaded_space`.
    unsafe { page_table::load_user_root(space.root, space.asid, must_flush) };
    // SAFETY: own CPU, interrupts off.
    let old = unsafe { &mut *cpu.loaded_space.get() }.replace(space.clone());
    if let Some(old) = old {
        unloaded(cpu, old);
    }
}

/// Loads no user root if `space` is only left over from a thread that ran before; answers whether it did. Interrupts are off.
pub(super) fn unload_leftover(cpu: &CpuLocal) -> bool {
    let running = cpu.running.load(Ordering::Relaxed);
    // SAFETY: the running thread is alive, and this is its CPU with interrupts off.
    let is_used = unsafe { running.as_ref().is_some_and(|thread| (*thread.user.get()).space.is_some()) };
    if is_used {
        return false;
    }
    // SAFETY: own CPU, interrupts off.
    if let Some(old) = unsafe { &mut *cpu.loaded_space.get() }.take() {
        page_table::load_no_user_root();
        unloaded(cpu, old);
    }
    true
}

/// Gives a CPU's reference up: at once if it is not the last one, else where freeing many frames is in order.
fn unloaded(cpu: &CpuLocal, space: Arc<SpaceHandle>) {
    space.loaded_on.fetch_and(!(1 << cpu.id.0), Ordering::SeqCst);
    if Arc::strong_count(&space) == 1 {
        let space = Arc::into_raw(space);
        // SAFETY: own CPU, interrupts off; the handle is alive.
        unsafe { (*space).next.store(cpu.unloaded_spaces.replace(space.cast_mut()), Ordering::Relaxed) };
    }
}

/// Notes that this CPU has flushed everything of the loaded space. Interrupts are off.
pub(super) fn note_flushed(cpu: &CpuLocal, generation_of: impl Fn(&SpaceHandle) -> u32) {
    // SAFETY: own CPU, interrupts off.
    if let Some(space) = unsafe { &*cpu.loaded_space.get() } {
        space.seen[cpu.id.0 as usize].store(generation_of(space), Ordering::Relaxed);
    }
}

/// Whether [`drop_unloaded`] has anything to do here.
#[inline(always)]
pub(crate) fn has_unloaded(cpu: &CpuLocal) -> bool {
    !cpu.unloaded_spaces.get().is_null()
}

/// Takes apart the spaces this CPU was the last to have loaded. In a thread, no lock held.
pub(crate) fn drop_unloaded() {
    let header = header::interrupts_off();
    let mut first = header.cpu().unloaded_spaces.replace(ptr::null_mut());
    header::interrupts_on(header);
    while !first.is_null() {
        // SAFETY: the reference that `unloaded` put on the list.
        let space = unsafe { Arc::from_raw(first.cast_const()) };
        first = space.next.load(Ordering::Relaxed);
        drop(space);
    }
}

/// The space loaded on the calling CPU is this one. Preemption is off.
pub(super) fn is_loaded_here(space: &SpaceHandle) -> bool {
    space.loaded_on.load(Ordering::SeqCst) >> cpu::current().0 & 1 != 0
}
