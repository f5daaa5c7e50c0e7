//! An address space: its areas, its page table and its figures.
//!
//! [`AddressSpace`] is shared by the tasks of a process (and by vfork's child until it executes). The other files of this folder
//! add its operations. One sleeping lock, `ADDRESS_SPACE`, serialises everything; under it come only the page cache's
//! locks and `machine`'s. Whoever holds the lock must not copy user memory: that may fault and take it again.
//!
//! # Invariants
//! - A page is present in the table only inside an area.
//! - A present page is writable only if its area allows writing, and, in a private area, only if the frame has no other owner.
//! - `mapped_pages` and `data_pages` are the sums over the areas.
use super::error::MapError;
use super::layout::Layout;
use super::vma::{Backing, Locking, Protection, Vma};
use crate::fs::{Executing, Mapper, PageCache};
use crate::lock_order;
use alloc::sync::{Arc, Weak};
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use machine::addr::{PAGE_SIZE, UserAddr};
use machine::mm::{Frame, FrameKind, SpaceHandle, UserSpace};
use machine::sync::{Mutex, Once};
use machine::thread::CurrentThread;
use pure::range_map::{RangeMap, SPLIT_SLOTS};

/// Most areas of one address space (Linux's default `vm.max_map_count`).
pub(super) const MAX_AREAS: usize = 65530;

/// A program's memory.
pub struct AddressSpace {
    pub(super) memory: Mutex<Memory>,
    pub(super) handle: Arc<SpaceHandle>,
    pub(super) layout: Layout,
    image: Once<ProgramImage>,
    is_dumpable: AtomicBool,
    /// Kinds of memory barriers that its programs have registered for.
    barriers: AtomicU32,
}

/// What exec says about the program, for /proc and core files. Does not change afterwards.
#[derive(Clone)]
pub struct ProgramImage {
    /// The program's file.
    pub executable: Executing,
    /// Where the arguments' strings lie.
    pub arguments: Range<usize>,
    /// Where the environment's strings lie.
    pub environment: Range<usize>,
    /// The auxiliary vector's bytes.
    pub auxiliary: Arc<[u8]>,
    /// The program's code.
    pub code: Range<usize>,
    /// The first stack pointer.
    pub stack_start: usize,
    /// Where signal handlers return to that name no trampoline; zero if the architecture has no such page.
    pub signal_return: usize,
}

/// What the lock protects.
pub(super) struct Memory {
    pub(super) areas: RangeMap<Vma>,
    pub(super) table: UserSpace,
    /// From the heap's start to the break, to the byte.
    pub(super) heap: Range<usize>,
    /// Pages of all areas.
    pub(super) mapped_pages: usize,
    /// Pages of the areas that RLIMIT_DATA counts.
    pub(super) data_pages: usize,
    /// Pages of locked areas.
    pub(super) locked_pages: usize,
    /// How new areas are locked (mlockall(MCL_FUTURE)).
    pub(super) locks_new: Locking,
    /// Whether areas that want blocks get them (not after PR_SET_THP_DISABLE).
    pub(super) may_have_blocks: bool,
    /// Most pages mapped so far (VmPeak).
    peak_pages: usize,
    /// Most pages seen present so far (VmHWM).
    peak_resident: usize,
}

/// Figures of an address space, in pages.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryUse {
    /// Mapped (VmSize).
    pub mapped: usize,
    /// Most ever mapped (VmPeak).
    pub peak: usize,
    /// Present (VmRSS).
    pub resident: usize,
    /// Most ever seen present (VmHWM): looked at when pages are removed and when asked.
    pub peak_resident: usize,
    /// Private writable (VmData).
    pub data: usize,
    /// Stacks (VmStk).
    pub stack: usize,
    /// Executable file mappings (VmExe and VmLib).
    pub code: usize,
    /// Locked (VmLck).
    pub locked: usize,
    /// Frames of page tables (VmPTE).
    pub tables: usize,
}

impl MemoryUse {
    /// Most ever present, in KiB (ru_maxrss).
    pub fn peak_resident_kib(&self) -> u64 {
        (self.peak_resident * (PAGE_SIZE / 1024)) as u64
    }
}

impl AddressSpace {
    /// An empty one.
    pub fn new(layout: Layout) -> Result<Arc<AddressSpace>, MapError> {
        Ok(AddressSpace::of(Memory::empty(UserSpace::new()?), layout))
    }

    /// Around memory just made.
    pub(super) fn of(memory: Memory, layout: Layout) -> Arc<AddressSpace> {
        let handle = memory.table.handle();
        Arc::new(AddressSpace {
            memory: Mutex::new(&lock_order::ADDRESS_SPACE, memory),
            handle,
            layout,
            image: Once::new(),
            is_dumpable: AtomicBool::new(true),
            barriers: AtomicU32::new(0),
        })
    }

    /// For [`CurrentThread::set_space`].
    pub fn handle(&self) -> Arc<SpaceHandle> {
        self.handle.clone()
    }

    /// Frames mapped and frames of the page table, as they are just now.
    pub fn frame_counts(&self) -> (usize, usize) {
        self.handle.counts()
    }

    /// What exec said about the program; `None` before the first exec.
    pub fn image(&self) -> Option<&ProgramImage> {
        self.image.get()
    }

    /// Whether others of the same user may look into the program (PR_SET_DUMPABLE).
    pub fn is_dumpable(&self) -> bool {
        self.is_dumpable.load(Ordering::Relaxed)
    }
    /// Sets it.
    pub fn set_dumpable(&self, is_dumpable: bool) {
        self.is_dumpable.store(is_dumpable, Ordering::Relaxed);
    }
    /// Whether areas that want blocks of 2 MiB get them.
    pub fn may_have_blocks(&self, cx: &mut CurrentThread) -> bool {
        self.memory.lock(cx).may_have_blocks
    }
    /// Sets it, for what is touched from now on.
    pub fn set_may_have_blocks(&self, cx: &mut CurrentThread, may: bool) {
        self.memory.lock(cx).may_have_blocks = may;
    }
    /// Kinds of memory barriers registered for, as `membarrier` names them.
    pub fn barriers(&self) -> u32 {
        self.barriers.load(Ordering::Relaxed)
    }
    /// Registers for more.
    pub fn register_barriers(&self, kinds: u32) {
        self.barriers.fetch_or(kinds, Ordering::Relaxed);
    }

    /// Where things go in this space.
    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Says what the program is, once.
    pub(crate) fn set_image(&self, image: ProgramImage) {
        self.image.call_once(|| image);
    }

    /// Says where the heap begins, while nobody runs here yet.
    pub(crate) fn set_heap_start(&self, cx: &mut CurrentThread, start: usize) {
        self.memory.lock(cx).heap = start..start;
    }

    /// The figures now.
    pub fn memory_use(&self, cx: &mut CurrentThread) -> MemoryUse {
        let mut memory = self.memory.lock(cx);
        memory.note_resident();
        let (resident, tables) = memory.table.counts();
        let mut figures = MemoryUse {
            mapped: memory.mapped_pages,
            peak: memory.peak_pages,
            resident,
            peak_resident: memory.peak_resident,
            data: memory.data_pages,
            locked: memory.locked_pages,
            tables,
            ..MemoryUse::default()
        };
        for entry in memory.areas.entries() {
            let pages = entry.bytes() / PAGE_SIZE;
            if entry.value.grows_down {
                figures.stack += pages;
            } else if entry.value.protection.allows(super::Protection::EXECUTE) {
                figures.code += pages;
            }
        }
        figures
    }

    /// Asks the page caches of this space's files to say when pages go away.
    pub(super) fn watch(self: &Arc<Self>, cx: &CurrentThread, cache: &PageCache) -> Result<(), MapError> {
        let this: Weak<AddressSpace> = Arc::downgrade(self);
        cache.add_mapper(cx, this).map_err(|_| MapError::OutOfMemory)
    }
}

impl Mapper for AddressSpace {
    /// LINUX: when a mapped file becomes shorter, private copies of its pages go too, but not those over a hole.
    fn forget_pages(&self, cx: &mut CurrentThread, cache: &PageCache, pages: Range<u64>, takes_copies: bool) {
        self.memory.lock(cx).forget_pages(cx, cache, &pages, takes_copies);
    }

    fn may_write(&self, cx: &mut CurrentThread, cache: &PageCache) -> bool {
        let is_it = |vma: &Vma| {
            let is_of_file = matches!(&vma.backing, Backing::Cache(of) if core::ptr::eq(Arc::as_ptr(&of.cache), cache));
            is_of_file && vma.is_shared && vma.most.allows(Protection::WRITE)
        };
        self.memory.lock(cx).areas.entries().iter().any(|entry| is_it(&entry.value))
    }

    fn forget_frame(&self, cx: &mut CurrentThread, cache: &PageCache, index: u64, frame: &Frame, takes_locked: bool) {
        let mut memory = self.memory.lock(cx);
        let memory = &mut *memory;
        for entry in memory.areas.entries() {
            let Backing::Cache(backing) = &entry.value.backing else { continue };
            if !core::ptr::eq(Arc::as_ptr(&backing.cache), cache) {
                continue;
            }
            let pages =
                index.checked_sub(backing.offset / PAGE_SIZE as u64).and_then(|pages| usize::try_from(pages).ok());
            let distance = pages.and_then(|pages| pages.checked_mul(PAGE_SIZE));
            let Some(distance) = distance.filter(|distance| *distance < entry.bytes()) else { continue };
            let page = UserAddr(entry.start + distance);
            // A private copy stays.
            let is_it = memory.table.query(page).is_some_and(|mapped| mapped.frame == frame.addr());
            if is_it && (takes_locked || !entry.value.is_locked()) {
                memory.table.unmap(cx, page..UserAddr(page.0 + PAGE_SIZE));
            }
        }
    }
}

impl Memory {
    /// Unmaps pages of a file, given by their numbers in it, wherever they are mapped.
    pub(super) fn forget_pages(
        &mut self,
        cx: &mut CurrentThread,
        cache: &PageCache,
        pages: &Range<u64>,
        takes_copies: bool,
    ) {
        for entry in self.areas.entries() {
            let Backing::Cache(backing) = &entry.value.backing else { continue };
            if !core::ptr::eq(Arc::as_ptr(&backing.cache), cache) {
                continue;
            }
            let first = backing.offset / PAGE_SIZE as u64;
            // What lies beyond any area is as good as its end.
            let place = |page: u64| {
                let pages = usize::try_from(page.saturating_sub(first)).unwrap_or(usize::MAX);
                entry.start.saturating_add(pages.saturating_mul(PAGE_SIZE)).min(entry.end)
            };
            let (start, end) = (place(pages.start), place(pages.end));
            if start < end && (takes_copies || entry.value.is_shared || !entry.value.has_own_pages) {
                self.table.unmap(cx, UserAddr(start)..UserAddr(end));
            } else if start < end {
                forget_of_file(&mut self.table, cx, start..end);
            }
        }
    }

    /// No areas, over an empty table.
    pub(super) fn empty(table: UserSpace) -> Memory {
        Memory {
            areas: RangeMap::new(),
            table,
            heap: 0..0,
            mapped_pages: 0,
            data_pages: 0,
            locked_pages: 0,
            locks_new: Locking::None,
            may_have_blocks: true,
            peak_pages: 0,
            peak_resident: 0,
        }
    }

    /// Room in the map for one change of areas.
    pub(super) fn reserve_change(&mut self) -> Result<(), MapError> {
        if self.areas.entries().len() + SPLIT_SLOTS > MAX_AREAS {
            return Err(MapError::NoRoom);
        }
        Ok(self.areas.reserve(SPLIT_SLOTS)?)
    }

    /// Adds an area where nothing is, and counts it. Room must have been reserved.
    pub(super) fn add(&mut self, range: Range<usize>, vma: Vma) {
        let pages = range.len() / PAGE_SIZE;
        self.mapped_pages += pages;
        self.data_pages += if vma.is_data() { pages } else { 0 };
        self.locked_pages += if vma.is_locked() { pages } else { 0 };
        self.peak_pages = self.peak_pages.max(self.mapped_pages);
        self.areas.insert(range, vma);
    }

    /// The peak is what is present now.
    pub(super) fn forget_peak(&mut self) {
        self.peak_resident = self.table.counts().0;
    }

    /// Looks at how many pages are present, for the peak.
    fn note_resident(&mut self) {
        self.peak_resident = self.peak_resident.max(self.table.counts().0);
    }

    /// Takes the areas of a range out, pages and all. Room must have been reserved. Files that only the areas kept open are
    /// closed here, under the lock: drops never sleep.
    pub(super) fn take_out(&mut self, cx: &mut CurrentThread, range: Range<usize>) {
        if self.areas.is_free(range.clone()) {
            return;
        }
        let (mut mapped, mut data, mut locked) = (0, 0, 0);
        self.areas.remove(range.clone(), |entry| {
            let pages = entry.bytes() / PAGE_SIZE;
            mapped += pages;
            data += if entry.value.is_data() { pages } else { 0 };
            locked += if entry.value.is_locked() { pages } else { 0 };
        });
        self.note_resident();
        self.mapped_pages -= mapped;
        self.data_pages -= data;
        self.locked_pages -= locked;
        self.table.unmap(cx, UserAddr(range.start)..UserAddr(range.end));
    }
}

/// Unmaps what is not the program's own of a range: a file's pages, but not private copies of them.
pub(super) fn forget_of_file(table: &mut UserSpace, cx: &mut CurrentThread, range: Range<usize>) {
    /// Looked at at a time.
    const WINDOW_BYTES: usize = 128 * PAGE_SIZE;
    let mut start = range.start;
    while start < range.end {
        let end = (start + WINDOW_BYTES).min(range.end);
        let mut of_file = 0u128;
        table.each(UserAddr(start)..UserAddr(end), &mut |page, mapped| {
            if mapped.kind != FrameKind::Anonymous {
                of_file |= 1 << ((page.0 - start) / PAGE_SIZE);
            }
        });
        while of_file != 0 {
            let first = of_file.trailing_zeros();
            let count = (of_file >> first).trailing_ones();
            let at = |page: u32| UserAddr(start + page as usize * PAGE_SIZE);
            table.unmap(cx, at(first)..at(first + count));
            of_file &= !((u128::MAX >> (128 - count)) << first);
        }
        start = end;
    }
}
