//! The tables of a user space, shared by those who change them, the threads that run in it, and the CPUs that have it loaded.
//!
//! A CPU leaves a root loaded while it runs kernel threads, the idle thread, or comes back to the same space: a root write is
//! dear. It keeps a counted reference meanwhile. When the last reference goes, nobody has the root loaded, so frames and tables are
//! freed without a flush.
//!
//! Invariants: bit n of `loaded_on` is set while CPU n has the root loaded. Tables only grow until the space is dropped.
//! Locks: none for the tables (the kernel serialises changes); the ASID allocator's (leaf).
use super::asid;
use super::block;
use super::frame::{Frame, OutOfMemory};
use super::kernel_map::{self, ENTRIES};
use super::table::Table;
use crate::addr::{PAGE_SIZE, PhysAddr, USER_END};
use crate::arch::page_table::{self, Entry};
use crate::cpu::{self, CpuLocal, MAX_CPUS};
use crate::thread::header;
use alloc::sync::Arc;
use core::ops::Range;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// Bytes that one leaf table maps, or one block.
pub(super) const LEAF_SPAN: usize = ENTRIES * PAGE_SIZE;

/// What an entry of level 1 refers to.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// A leaf table.
    Leaves(Table),
    /// A block: the table that has its entry, and which.
    Block(Table, usize),
}

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
    /// Frames of the tables, root included, and those put aside for blocks.
    pub(super) tables: AtomicUsize,
    /// Blocks mapped.
    pub(super) blocks: AtomicUsize,
    /// Link of the list of unloaded spaces.
    next: AtomicPtr<SpaceHandle>,
}

impl SpaceHandle {
    /// Frames mapped (resident set) and frames used by the tables, without a lock: for those who look in from outside.
    pub fn counts(&self) -> (usize, usize) {
        (self.resident.load(Ordering::Relaxed), self.tables.load(Ordering::Relaxed))
    }

    pub(super) fn new() -> Result<Arc<SpaceHandle>, OutOfMemory> {
        let root = Table::allocate()?;
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
            blocks: AtomicUsize::new(0),
            next: AtomicPtr::new(ptr::null_mut()),
        }))
    }

    /// What there is for `addr` at level 1.
    #[inline(never)]
    pub(super) fn find(&self, addr: usize) -> Option<Place> {
        let mut table = self.root;
        for level in [3, 2, 1] {
            let above = Table::at(table);
            let index = kernel_map::index(addr, level);
            let entry = above.load(index);
            if !entry.is_present() {
                return None;
            }
            if level == 1 && entry.is_leaf(1) {
                return Some(Place::Block(above, index));
            }
            table = entry.addr();
        }
        Some(Place::Leaves(Table::at(table)))
    }

    /// The leaf table for `addr`, if there is one.
    #[inline]
    pub(super) fn find_leaf_table(&self, addr: usize) -> Option<Table> {
        let mut table = self.root;
        for level in [3, 2, 1] {
            let entry = Table::at(table).load(kernel_map::index(addr, level));
            if !entry.is_present() || level == 1 && entry.is_leaf(1) {
                return None;
            }
            table = entry.addr();
        }
        Some(Table::at(table))
    }

    /// What maps the page at `addr` if it is a part of a block, as an entry of level 0.
    pub(super) fn find_part(&self, addr: usize) -> Option<Entry> {
        match self.find(addr)? {
            Place::Leaves(_) => None,
            Place::Block(above, index) => Some(above.load(index).part(Table::index(addr))),
        }
    }

    /// The leaf table for `addr`, made if there is none. Only called by the owner of the `UserSpace`. Seldom, and apart from the loops that
    /// call it for want of the last one: they have better use for the registers.
    #[inline(never)]
    pub(super) fn make_leaf_table(&self, addr: usize) -> Result<Table, OutOfMemory> {
        self.make_table(addr, 0)
    }

    /// The table of `lowest` level for `addr`, made if there is none. No block is there. Only called by the owner of the `UserSpace`.
    pub(super) fn make_table(&self, addr: usize, lowest: usize) -> Result<Table, OutOfMemory> {
        let mut table = self.root;
        for level in (lowest + 1..=3).rev() {
            let index = kernel_map::index(addr, level);
            let above = Table::at(table);
            let entry = above.load(index);
            table = if entry.is_present() {
                assert!(level != 1 || !entry.is_leaf(1), "a block is mapped at {addr:#x}");
                entry.addr()
            } else {
                let new = Table::allocate()?;
                self.tables.fetch_add(1, Ordering::Relaxed);
                page_table::publish();
                above.put(index, Entry::table(new));
                new
            };
        }
        Ok(Table::at(table))
    }

    /// Visits the present pages of a page-aligned range in order: their table, address and entry. Blocks in it have been split.
    #[inline(always)]
    pub(super) fn each_page(&self, range: Range<usize>, mut visit: impl FnMut(Table, usize, Entry)) {
        let end = range.end.min(USER_END);
        let mut addr = range.start;
        while addr < end {
            let mut table = self.root;
            let mut missing = None;
            for level in [3, 2, 1] {
                let entry = Table::at(table).load(kernel_map::index(addr, level));
                if !entry.is_present() {
                    missing = Some(level);
                    break;
                }
                assert!(level != 1 || !entry.is_leaf(1), "the block at {addr:#x} must be split first");
                table = entry.addr();
            }
            // An absent entry of level n covers 2^(12 + 9n) bytes; a leaf table as many as an entry of level 1.
            let span = PAGE_SIZE << (9 * missing.unwrap_or(1));
            let next = ((addr & !(span - 1)) + span).min(end);
            if missing.is_none() {
                let leaves = Table::at(table);
                let base = addr & !(span - 1);
                leaves.each(Table::index(addr), Table::index(next - 1), |index, entry| {
                    visit(leaves, base + index * PAGE_SIZE, entry);
                });
            }
            addr = next;
        }
    }

    /// Visits the leaf tables and blocks of a page-aligned range in order, each with its part of the range.
    pub(super) fn each_place(&self, range: Range<usize>, mut visit: impl FnMut(Place, Range<usize>)) {
        let end = range.end.min(USER_END);
        let mut addr = range.start;
        while addr < end {
            let mut table = self.root;
            let mut missing = None;
            let mut block = None;
            for level in [3, 2, 1] {
                let above = Table::at(table);
                let index = kernel_map::index(addr, level);
                let entry = above.load(index);
                if !entry.is_present() {
                    missing = Some(level);
                    break;
                }
                if level == 1 && entry.is_leaf(1) {
                    block = Some(Place::Block(above, index));
                }
                table = entry.addr();
            }
            // An absent entry of level n covers 2^(12 + 9n) bytes; a leaf table as many as an entry of level 1.
            let span = PAGE_SIZE << (9 * missing.unwrap_or(1));
            let next = ((addr & !(span - 1)) + span).min(end);
            if missing.is_none() {
                visit(block.unwrap_or_else(|| Place::Leaves(Table::at(table))), addr..next);
            }
            addr = next;
        }
    }
}

impl Drop for SpaceHandle {
    fn drop(&mut self) {
        debug_assert!(*self.loaded_on.get_mut() == 0, "a CPU that has it loaded keeps a reference");
        if *self.blocks.get_mut() != 0 {
            self.each_place(0..USER_END, |place, _| {
                if let Place::Block(above, index) = place {
                    let old = above.swap(index, Entry::ABSENT);
                    // SAFETY: the leaf owned the block, it is absent now, and nobody has the space loaded.
                    unsafe { block::release_mapped(old.addr()) };
                }
            });
        }
        // Of the root only the user half: the other one is the kernel's.
        Table::at(self.root).drain(ENTRIES / 2, |entry| release_below(entry.addr(), 2));
        if page_table::SHARES_ROOT {
            kernel_map::clear_top(self.root);
        }
        Table::release(self.root);
        asid::release(self.asid);
    }
}

/// Frees a table of `level` with the tables or frames that it refers to.
fn release_below(addr: PhysAddr, level: usize) {
    let table = Table::at(addr);
    if level == 0 {
        table.drain(ENTRIES, |entry| {
            // SAFETY: the leaf owned this reference, and it is absent now.
            drop(unsafe { Frame::from_mapping(entry.addr()) });
        });
    } else {
        table.drain(ENTRIES, |entry| release_below(entry.addr(), level - 1));
    }
    Table::release(addr);
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

/// Loads no user root if the loaded space is nobody's any more; answers whether it did. Called by a CPU that has nothing to do, so
/// that it keeps no memory of a program that has ended for as long as it sleeps. Interrupts are off.
pub(crate) fn unload_dead(cpu: &CpuLocal) -> bool {
    // SAFETY: own CPU, interrupts off.
    let is_dead = unsafe { &*cpu.loaded_space.get() }.as_ref().is_some_and(|space| Arc::strong_count(space) == 1);
    is_dead && unload_leftover(cpu)
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
#[cold]
#[inline(never)]
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
