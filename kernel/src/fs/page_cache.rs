//! The page cache: the one home of a regular file's contents. `read`, `write`, `mmap` and `execve` all see these frames.
//!
//! Main types: [`PageCache`], one per inode with contents; [`Backing`], where pages come from that are not there yet.
//! Called by the file systems, by [`super::regular`] (read and write) and by `mm` (faults, exec).
//!
//! # Invariants
//! - A page that is not in the tree is what `backing` gives for it (zeros for a hole).
//! - Bytes of the last page beyond the size are zero, so that growing a file never shows old bytes.
//! - Size changes and writes are serialised by the inode's write lock; readers and faults take only the spin lock.
use super::mappers::{Mapper, Mappers, Removal};
use super::quota::Quota;
use super::reclaim;
use super::seals::Seals;
use super::transfer::{Sink, Source};
use crate::errno::{Errno, Result};
use crate::lock_order;
use crate::mm::oom;
use crate::trace::{self, Counter, probe};
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use machine::addr::PAGE_SIZE;
use machine::mm::{Frame, FrameKind};
use machine::sync::{Once, SpinLock};
use machine::thread::CurrentThread;
use machine::trace::providers::Hex;
use pure::radix_tree::RadixTree;

/// Largest size of a file (Linux's MAX_LFS_FILESIZE).
pub const MAX_FILE_BYTES: u64 = i64::MAX as u64;
/// Frames freed in one go when a file shrinks.
const BATCH: usize = 64;

/// Frames held by all page caches. No file system has another store yet, so none can be dropped for want of memory.
static HELD: AtomicUsize = AtomicUsize::new(0);

/// Most frames that writes may make files hold: half of memory, as Linux limits a tmpfs. Programs keep the other half.
fn most_held() -> usize {
    static MOST: Once<usize> = Once::new();
    *MOST.call_once(|| machine::mm::counts().total / 2)
}

/// How many more frames writes may make files hold.
pub fn room_pages() -> usize {
    most_held().saturating_sub(HELD.load(Ordering::Relaxed))
}

/// Where pages come from that are not in the cache.
#[derive(Clone, Copy)]
pub enum Backing {
    /// Nowhere: a missing page is zeros.
    Zeros,
    /// Memory that nobody writes (the initial RAM disk). Whole pages that lie right are mapped as they lie; others are copied
    /// when they are mapped, and all when they are changed. Bytes beyond the slice are zeros.
    Memory(&'static [u8]),
}

impl Backing {
    /// The frame of page `index` as it lies, never to be written.
    fn frame(self, index: u64) -> Option<Frame> {
        let Backing::Memory(memory) = self else { return None };
        let start = usize::try_from(index).ok()?.checked_mul(PAGE_SIZE)?;
        Frame::of_boot(memory.get(start..start.checked_add(PAGE_SIZE)?)?)
    }
    /// Whether what it gives for page `index` can be had again.
    fn lasts(self, index: u64) -> bool {
        matches!(self, Backing::Memory(memory) if index < memory.len().div_ceil(PAGE_SIZE) as u64)
    }
}

/// A page with a frame of the cache's own.
struct Page {
    frame: Frame,
    /// What the backing would give: it can be dropped. Whoever gets the frame to write makes it dirty first.
    is_clean: bool,
}

struct Pages {
    tree: RadixTree<Page>,
    backing: Backing,
}

impl Pages {
    /// The frame of page `index`, to be read.
    fn find(&self, index: u64) -> Option<Frame> {
        self.tree.get(index).map(|page| page.frame.clone()).or_else(|| self.backing.frame(index))
    }
    /// The same, to be written.
    fn find_writable(&self, index: u64) -> Option<Frame> {
        self.tree.get(index).filter(|page| !page.is_clean).map(|page| page.frame.clone())
    }
}

impl Pages {
    /// The frame that is there; marked dirty if it is to be written.
    fn take_existing(&mut self, index: u64, is_to_write: bool) -> Option<Frame> {
        let page = self.tree.get(index)?;
        let frame = page.frame.clone();
        if page.is_clean && is_to_write {
            // The place exists, so this needs no memory.
            let _ = self.tree.insert(index, Page { frame: frame.clone(), is_clean: false });
        }
        Some(frame)
    }
}

/// A file's contents.
pub struct PageCache {
    pages: SpinLock<Pages>,
    size: AtomicU64,
    resident: AtomicUsize,
    backed_pages: AtomicUsize,
    mappers: Mappers,
    seals: Seals,
    /// Whether it was told to `reclaim`.
    is_registered: AtomicBool,
    /// What its frames count against, besides all files' share of memory.
    quota: Option<Arc<Quota>>,
}

impl PageCache {
    /// An empty file, or one of `backing`'s bytes.
    pub fn new(backing: Backing) -> PageCache {
        PageCache::limited(backing, None)
    }

    /// The same, whose frames count against `quota`.
    pub fn limited(backing: Backing, quota: Option<Arc<Quota>>) -> PageCache {
        let size = match backing {
            Backing::Zeros => 0,
            Backing::Memory(bytes) => bytes.len() as u64,
        };
        PageCache {
            pages: SpinLock::new(&lock_order::PAGE_CACHE, Pages { tree: RadixTree::new(), backing }),
            size: AtomicU64::new(size),
            resident: AtomicUsize::new(0),
            backed_pages: AtomicUsize::new((size as usize).div_ceil(PAGE_SIZE)),
            mappers: Mappers::new(),
            seals: Seals::new(),
            is_registered: AtomicBool::new(false),
            quota,
        }
    }

    /// Bytes in the file.
    pub fn size_bytes(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    /// `st_blocks`: what the file occupies in blocks of 512 bytes. A file with a backing counts as wholly there.
    pub fn blocks(&self) -> u64 {
        let pages = self.resident.load(Ordering::Relaxed).max(self.backed_pages.load(Ordering::Relaxed));
        pages as u64 * (PAGE_SIZE as u64 / 512)
    }

    /// Frames held.
    pub fn resident_pages(&self) -> usize {
        self.resident.load(Ordering::Relaxed)
    }

    /// The frame of page `index`, to be read, made if it is not there yet. ENXIO beyond the end of the file: SIGBUS for a mapping.
    pub fn frame(self: &Arc<Self>, cx: &mut CurrentThread, index: u64) -> Result<Frame> {
        if index >= self.size_bytes().div_ceil(PAGE_SIZE as u64) {
            return Err(Errno::ENXIO);
        }
        if let Some(frame) = self.frame_if_present(cx, index) {
            trace::count(Counter::PageCacheHits);
            return Ok(frame);
        }
        self.own_frame(cx, index, false)
    }

    /// The same, to be written through a shared mapping.
    pub fn writable_frame(self: &Arc<Self>, cx: &mut CurrentThread, index: u64) -> Result<Frame> {
        if index >= self.size_bytes().div_ceil(PAGE_SIZE as u64) {
            return Err(Errno::ENXIO);
        }
        self.own_frame(cx, index, true)
    }

    /// The frame of page `index`, to be read, if it is in the cache: never allocates, for fault-around.
    pub fn frame_if_present(&self, cx: &CurrentThread, index: u64) -> Option<Frame> {
        self.pages.lock(cx).find(index)
    }

    /// The same, to be written.
    pub fn writable_frame_if_present(&self, cx: &CurrentThread, index: u64) -> Option<Frame> {
        self.pages.lock(cx).find_writable(index)
    }

    /// Whether page `index` has contents that are nowhere else.
    pub fn is_dirty(&self, cx: &CurrentThread, index: u64) -> bool {
        self.pages.lock(cx).tree.get(index).is_some_and(|page| !page.is_clean)
    }

    /// The frames of the pages from `first` on that are in the cache and within the file, one for each place of `frames`.
    pub fn frames_if_present(&self, cx: &CurrentThread, first: u64, frames: &mut [Option<Frame>]) {
        let end = self.size_bytes().div_ceil(PAGE_SIZE as u64);
        let pages = self.pages.lock(cx);
        for (index, frame) in (first..end).zip(frames) {
            *frame = pages.find(index);
        }
    }

    /// The frame of page `index` for a write through a descriptor: ENOSPC when files hold all that they may.
    fn frame_to_fill(self: &Arc<Self>, cx: &mut CurrentThread, index: u64) -> Result<Frame> {
        if HELD.load(Ordering::Relaxed) >= most_held() && self.writable_frame_if_present(cx, index).is_none() {
            return Err(Errno::ENOSPC);
        }
        loop {
            match self.own_frame(cx, index, true) {
                Err(Errno::ENOMEM) if oom::relieve(cx) => {}
                outcome => return outcome,
            }
        }
    }

    /// The cache's own frame of page `index`, wherever the end of the file is. Who has mapped the backing's frame meets it at the
    /// next fault.
    fn own_frame(self: &Arc<Self>, cx: &mut CurrentThread, index: u64, is_to_write: bool) -> Result<Frame> {
        let backing = {
            let mut pages = self.pages.lock(cx);
            if let Some(frame) = pages.take_existing(index, is_to_write) {
                trace::count(Counter::PageCacheHits);
                return Ok(frame);
            }
            pages.backing
        };
        let (frame, filled) = read_in(backing, index)?;
        if filled != 0 {
            trace::count(Counter::PagesReadIn);
            probe!(trace::io::fill(self.told(), index, filled));
        }
        let old = backing.frame(index);
        let is_clean = !is_to_write && backing.lasts(index);
        let removal = old.is_some().then(Removal::begin);
        {
            let mut pages = self.pages.lock(cx);
            if let Some(earlier) = pages.take_existing(index, is_to_write) {
                return Ok(earlier);
            }
            if let Some(quota) = &self.quota {
                quota.take()?;
            }
            if pages.tree.insert(index, Page { frame: frame.clone(), is_clean }).is_err() {
                self.give_back(1);
                return Err(Errno::ENOMEM);
            }
        }
        self.resident.fetch_add(1, Ordering::Relaxed);
        HELD.fetch_add(1, Ordering::Relaxed);
        probe!(trace::io::add(self.told(), index, is_to_write));
        if is_clean && !self.is_registered.swap(true, Ordering::AcqRel) {
            reclaim::register(cx, self);
        }
        // From the insertion on look-ups find the new frame.
        if let Some(old) = old {
            self.mappers.tell(cx, |cx, mapper| mapper.forget_frame(cx, self, index, &old, true));
        }
        drop(removal);
        Ok(frame)
    }

    /// As probes tell it.
    pub(super) fn told(&self) -> Hex {
        Hex(core::ptr::from_ref(self).addr() as u64)
    }

    /// Frames have gone.
    fn give_back(&self, count: usize) {
        if let Some(quota) = &self.quota {
            quota.give_back(count as u64);
        }
    }

    /// Copies bytes from `offset` into `to`, up to the end of the file; moves `offset`.
    pub fn read(&self, cx: &mut CurrentThread, offset: &mut u64, to: &mut Sink<'_>) -> Result<()> {
        loop {
            let size = self.size_bytes();
            let wanted = to.left();
            if wanted == 0 || *offset >= size {
                return Ok(());
            }
            let index = *offset / PAGE_SIZE as u64;
            // CAST: below the page size.
            let within = (*offset % PAGE_SIZE as u64) as usize;
            let in_file = usize::try_from(size - *offset).unwrap_or(usize::MAX);
            let bytes = wanted.min(PAGE_SIZE - within).min(in_file);
            let (frame, backing) = {
                let pages = self.pages.lock(cx);
                (pages.tree.get(index).map(|page| page.frame.clone()), pages.backing)
            };
            let before = to.left();
            let outcome = match (frame, backing) {
                (Some(frame), _) => to.put_frame(cx, &frame, within, bytes),
                (None, Backing::Zeros) => to.put_zeros(cx, bytes),
                (None, Backing::Memory(memory)) => put_memory(cx, to, memory, *offset, bytes),
            };
            *offset += (before - to.left()) as u64;
            outcome?;
        }
    }

    /// Copies all of `from` to `offset`, growing the file as needed; moves `offset`. The caller holds the write lock.
    pub fn write(self: &Arc<Self>, cx: &mut CurrentThread, offset: &mut u64, from: &mut Source<'_>) -> Result<()> {
        while from.left() > 0 {
            if *offset >= MAX_FILE_BYTES {
                return Err(Errno::EFBIG);
            }
            let index = *offset / PAGE_SIZE as u64;
            // CAST: below the page size.
            let within = (*offset % PAGE_SIZE as u64) as usize;
            let room = usize::try_from(MAX_FILE_BYTES - *offset).unwrap_or(usize::MAX);
            let bytes = from.left().min(PAGE_SIZE - within).min(room);
            let frame = self.frame_to_fill(cx, index)?;
            let before = from.left();
            let outcome = from.take_frame(cx, &frame, within, bytes);
            *offset += (before - from.left()) as u64;
            self.size.fetch_max(*offset, Ordering::AcqRel);
            outcome?;
        }
        Ok(())
    }

    /// Reads into a kernel buffer; answers how many bytes there were.
    pub fn read_at(&self, cx: &mut CurrentThread, mut offset: u64, to: &mut [u8]) -> Result<usize> {
        let wanted = to.len();
        let mut sink = Sink::Kernel(to);
        self.read(cx, &mut offset, &mut sink)?;
        Ok(wanted - sink.left())
    }

    /// Writes from a kernel buffer. The caller holds the write lock or is the only one who knows the file.
    pub fn write_at(self: &Arc<Self>, cx: &mut CurrentThread, mut offset: u64, from: &[u8]) -> Result<()> {
        self.write(cx, &mut offset, &mut Source::Kernel(from))
    }

    /// Sets the size. Pages beyond it are dropped, here and in every mapping. The caller holds the write lock.
    pub fn set_size(self: &Arc<Self>, cx: &mut CurrentThread, bytes: u64) -> Result<()> {
        if bytes > MAX_FILE_BYTES {
            return Err(Errno::EINVAL);
        }
        probe!(trace::io::truncate(self.told(), bytes));
        let batch = empty_batch()?;
        let last = bytes / PAGE_SIZE as u64;
        // CAST: below the page size.
        let within = (bytes % PAGE_SIZE as u64) as usize;
        if within != 0 && bytes < self.size_bytes() && self.pages.lock(cx).backing.frame(last).is_some() {
            // The backing's frame keeps what is cut off.
            self.own_frame(cx, last, true)?;
        }
        let old = self.size.swap(bytes, Ordering::AcqRel);
        if bytes >= old {
            return Ok(());
        }
        let first = bytes.div_ceil(PAGE_SIZE as u64);
        if within != 0 {
            self.zero_tail(cx, last, within);
        }
        {
            let mut pages = self.pages.lock(cx);
            if let Backing::Memory(memory) = pages.backing {
                let kept = usize::try_from(bytes).unwrap_or(usize::MAX).min(memory.len());
                pages.backing = Backing::Memory(&memory[..kept]);
                self.backed_pages.store(kept.div_ceil(PAGE_SIZE), Ordering::Relaxed);
            }
        }
        self.drop_pages(cx, first, batch);
        Ok(())
    }

    /// Makes the contents those of `memory`, which nobody writes. The file must be empty.
    pub fn adopt(&self, cx: &CurrentThread, memory: &'static [u8]) {
        self.pages.lock(cx).backing = Backing::Memory(memory);
        self.backed_pages.store(memory.len().div_ceil(PAGE_SIZE), Ordering::Relaxed);
        self.size.store(memory.len() as u64, Ordering::Release);
    }

    /// Makes `first..end` (byte offsets) read as zeros and gives back the frames of whole pages in it: `fallocate`'s hole punching. What
    /// it takes is what is there, not how long the hole is. The caller holds the write lock.
    pub fn punch_hole(self: &Arc<Self>, cx: &mut CurrentThread, first: u64, end: u64) -> Result<()> {
        let page = PAGE_SIZE as u64;
        let end = end.min(self.size_bytes());
        if first >= end {
            return Ok(());
        }
        let (whole, after) = (first.div_ceil(page), end / page);
        if whole > after {
            return self.zero_part(cx, first, end);
        }
        self.zero_part(cx, first, whole * page)?;
        self.zero_part(cx, after * page, end)?;
        // Pages of the backing, of which there are as many as it is long, need frames of zeros.
        let backing = self.pages.lock(cx).backing;
        let backed = match backing {
            Backing::Memory(memory) => after.min(memory.len().div_ceil(PAGE_SIZE) as u64),
            Backing::Zeros => 0,
        };
        for index in whole..backed {
            self.own_frame(cx, index, true)?.zero(0, PAGE_SIZE);
        }
        let first = whole.max(backed);
        if first < after {
            self.remove_pages(cx, first..after)?;
        }
        Ok(())
    }

    /// Removes pages in the middle of the file. Nearly all mappings are forgotten at once, before: a page that is still mapped when it
    /// has left the cache was touched meanwhile, and only for those everybody is asked again.
    fn remove_pages(&self, cx: &mut CurrentThread, pages: Range<u64>) -> Result<()> {
        let mut gone: Vec<(u64, Frame)> = Vec::new();
        gone.try_reserve_exact(BATCH)?;
        let _removal = Removal::begin();
        self.mappers.tell(cx, |cx, mapper| mapper.forget_pages(cx, self, pages.clone(), false));
        let mut at = pages.start;
        loop {
            {
                let mut cached = self.pages.lock(cx);
                while gone.len() < BATCH
                    && let Some(index) = cached.tree.next(at).map(|(index, _)| index).filter(|index| *index < pages.end)
                    && let Some(page) = cached.tree.remove(index)
                {
                    gone.push((index, page.frame));
                    at = index + 1;
                }
            }
            if gone.is_empty() {
                return Ok(());
            }
            self.resident.fetch_sub(gone.len(), Ordering::Relaxed);
            HELD.fetch_sub(gone.len(), Ordering::Relaxed);
            self.give_back(gone.len());
            for (index, frame) in gone.drain(..) {
                // Another reference than ours is a mapping, or of a fault that is about to make one.
                if frame.count() > 1 {
                    self.mappers.tell(cx, |cx, mapper| mapper.forget_frame(cx, self, index, &frame, true));
                }
            }
        }
    }

    /// Makes bytes of one page zeros, if it is there or in the backing; nothing if there are none.
    fn zero_part(self: &Arc<Self>, cx: &mut CurrentThread, first: u64, end: u64) -> Result<()> {
        let index = first / PAGE_SIZE as u64;
        let (is_there, is_backed) = {
            let pages = self.pages.lock(cx);
            (pages.tree.get(index).is_some(), pages.backing.lasts(index))
        };
        if first < end && (is_there || is_backed) {
            // CAST: below the page size.
            self.own_frame(cx, index, true)?.zero((first % PAGE_SIZE as u64) as usize, (end - first) as usize);
        }
        Ok(())
    }

    /// Makes frames for `first..end` (byte offsets), also beyond the end of the file, without changing what is read: `fallocate`. If that
    /// fails, EINTR among it when a signal comes, those beyond the end are given back. The caller holds the write lock.
    pub fn preallocate(self: &Arc<Self>, cx: &mut CurrentThread, first: u64, end: u64) -> Result<()> {
        let batch = empty_batch()?;
        for index in first / PAGE_SIZE as u64..end.div_ceil(PAGE_SIZE as u64) {
            // LINUX: a signal ends it early, so that what takes all memory can be ended.
            let made = if cx.is_notified() { Err(Errno::EINTR) } else { self.frame_to_fill(cx, index).map(drop) };
            if made.is_err() {
                self.drop_pages(cx, self.size_bytes().div_ceil(PAGE_SIZE as u64), batch);
                return made;
            }
        }
        Ok(())
    }

    /// The first offset at or after `offset` that holds data (`is_data`) or a hole, for SEEK_DATA and SEEK_HOLE. `None`
    /// at or past the end of the file. The end of the file counts as a hole.
    pub fn find(&self, cx: &CurrentThread, offset: u64, is_data: bool) -> Option<u64> {
        let size = self.size_bytes();
        if offset >= size {
            return None;
        }
        let pages = self.pages.lock(cx);
        if let Backing::Memory(memory) = pages.backing
            && offset < memory.len() as u64
        {
            return Some(if is_data { offset } else { size });
        }
        let mut index = offset / PAGE_SIZE as u64;
        if is_data {
            let (found, _) = pages.tree.next(index)?;
            let at = (found * PAGE_SIZE as u64).max(offset);
            return (at < size).then_some(at);
        }
        while pages.tree.get(index).is_some() {
            index += 1;
        }
        Some((index * PAGE_SIZE as u64).max(offset).min(size))
    }

    /// Registers someone who maps pages, until it is dropped.
    pub fn add_mapper(&self, cx: &CurrentThread, mapper: Weak<dyn Mapper>) -> Result<()> {
        self.mappers.add(cx, mapper)
    }

    /// What may not be done to the file.
    pub fn seals(&self) -> &Seals {
        &self.seals
    }

    /// Whether somebody has a mapping by which others see what is written, or that could become one.
    pub(super) fn is_mapped_to_write(&self, cx: &mut CurrentThread) -> bool {
        let mut is_mapped = false;
        self.mappers.tell(cx, |cx, mapper| is_mapped = is_mapped || mapper.may_write(cx, self));
        is_mapped
    }

    /// Zeroes the bytes from `within` of page `index`, if it is there or has a backing.
    fn zero_tail(&self, cx: &CurrentThread, index: u64, within: usize) {
        // A page still in its backing is cut there: `set_size` shortens the slice.
        let frame = self.pages.lock(cx).tree.get(index).map(|page| page.frame.clone());
        if let Some(frame) = frame {
            frame.zero(within, PAGE_SIZE - within);
        }
    }

    /// Drops up to `wanted` clean pages that nobody needs at this moment; answers how many. For `reclaim`.
    pub(super) fn drop_clean(&self, cx: &mut CurrentThread, wanted: usize) -> usize {
        let (mut dropped, mut at) = (0, 0);
        while dropped < wanted {
            let found = {
                let pages = self.pages.lock(cx);
                let mut next = pages.tree.next(at);
                while let Some((index, page)) = next
                    && !page.is_clean
                {
                    next = pages.tree.next(index + 1);
                }
                next.map(|(index, page)| (index, page.frame.clone()))
            };
            let Some((index, frame)) = found else { break };
            at = index + 1;
            // The tree's reference and ours: more are mappings.
            if frame.count() > 2 {
                self.mappers.tell(cx, |cx, mapper| mapper.forget_frame(cx, self, index, &frame, false));
            }
            let removed = {
                let mut pages = self.pages.lock(cx);
                let is_same = |page: &Page| page.is_clean && page.frame.addr() == frame.addr();
                let may_go = frame.count() == 2 && pages.tree.get(index).is_some_and(is_same);
                if may_go { pages.tree.remove(index) } else { None }
            };
            if removed.is_some() {
                self.resident.fetch_sub(1, Ordering::Relaxed);
                HELD.fetch_sub(1, Ordering::Relaxed);
                self.give_back(1);
                probe!(trace::io::reclaim(self.told(), index));
                dropped += 1;
            }
        }
        dropped
    }

    /// Removes all pages from `first` on, which is beyond the end of the file: no fault finds them any more.
    fn drop_pages(&self, cx: &mut CurrentThread, first: u64, mut dropped: Vec<Page>) {
        let _removal = Removal::begin();
        loop {
            let has_more = self.pages.lock(cx).tree.take_from(first, BATCH, &mut dropped);
            self.resident.fetch_sub(dropped.len(), Ordering::Relaxed);
            HELD.fetch_sub(dropped.len(), Ordering::Relaxed);
            self.give_back(dropped.len());
            dropped.clear();
            if !has_more {
                break;
            }
        }
        self.mappers.tell(cx, |cx, mapper| mapper.forget_pages(cx, self, first..u64::MAX, true));
    }
}

impl Drop for PageCache {
    fn drop(&mut self) {
        HELD.fetch_sub(self.resident_pages(), Ordering::Relaxed);
        self.give_back(self.resident_pages());
    }
}

/// Room for pages that leave together.
fn empty_batch() -> Result<Vec<Page>> {
    let mut batch = Vec::new();
    batch.try_reserve_exact(BATCH)?;
    Ok(batch)
}

/// A new frame with what `backing` has for page `index`, and how many bytes that is.
fn read_in(backing: Backing, index: u64) -> Result<(Frame, u32)> {
    let Backing::Memory(memory) = backing else { return Ok((Frame::allocate_zeroed(FrameKind::PageCache)?, 0)) };
    let start = usize::try_from(index).ok().and_then(|index| index.checked_mul(PAGE_SIZE));
    let Some(bytes) = start.and_then(|start| memory.get(start..)) else {
        return Ok((Frame::allocate_zeroed(FrameKind::PageCache)?, 0));
    };
    let bytes = &bytes[..bytes.len().min(PAGE_SIZE)];
    let frame = Frame::allocate(FrameKind::PageCache)?;
    frame.write(0, bytes);
    if bytes.len() < PAGE_SIZE {
        frame.zero(bytes.len(), PAGE_SIZE - bytes.len());
    }
    // CAST: at most a page.
    Ok((frame, bytes.len() as u32))
}

/// Puts `bytes` bytes from `offset` of `memory`, zeros where it ends.
fn put_memory(cx: &mut CurrentThread, to: &mut Sink<'_>, memory: &[u8], offset: u64, bytes: usize) -> Result<()> {
    let start = usize::try_from(offset).unwrap_or(usize::MAX).min(memory.len());
    let there = &memory[start..memory.len().min(start.saturating_add(bytes))];
    to.put(cx, there)?;
    to.put_zeros(cx, bytes - there.len())
}
