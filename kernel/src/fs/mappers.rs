//! Who maps pages of a file, and telling them that pages are gone.
//!
//! A page leaves a file in this order: it leaves the cache, and then everybody who may have mapped it is told. A fault looks a page
//! up and maps it under its address space's lock, which whoever is told takes too, and an address space is in the list before its
//! first fault. So a fault that still found the page maps it before its space is told; and one of a space that came too late
//! to be told looked after the page had left. The list is therefore read after the removal, never before it, and piece by
//! piece, so that telling needs no memory and cannot fail.
//!
//! Fork enters pages into a table without looking into the cache, and before its space is in the list: it asks by [`Moment`]
//! whether pages may have left meanwhile, and then lets the child find all of its pages anew.
//!
//! Locks: `PAGE_MAPPERS` around the list; not held while somebody is told.
use super::page_cache::PageCache;
use crate::errno::Result;
use crate::lock_order;
use alloc::sync::Weak;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};
use machine::mm::Frame;
use machine::sync::SpinLock;
use machine::thread::CurrentThread;

/// Someone who maps pages of the cache and must forget them when they leave it.
pub trait Mapper: Send + Sync {
    /// These pages are no longer part of the file. If it `takes_copies`, private copies go with them.
    fn forget_pages(&self, cx: &mut CurrentThread, cache: &PageCache, pages: Range<u64>, takes_copies: bool);
    /// Page `index` has `frame` no longer. From locked areas it is taken only if it `takes_locked`.
    fn forget_frame(&self, cx: &mut CurrentThread, cache: &PageCache, index: u64, frame: &Frame, takes_locked: bool);
    /// Whether it shares what is written to the file, or could be made to.
    fn may_write(&self, cx: &mut CurrentThread, cache: &PageCache) -> bool;
}

struct Known {
    /// Rises in the list, and is given once.
    number: u64,
    mapper: Weak<dyn Mapper>,
}

struct List {
    known: Vec<Known>,
    last: u64,
}

/// Who may have mapped pages of one file.
pub(super) struct Mappers {
    list: SpinLock<List>,
}

impl Mappers {
    pub(super) const fn new() -> Mappers {
        Mappers { list: SpinLock::new(&lock_order::PAGE_MAPPERS, List { known: Vec::new(), last: 0 }) }
    }

    /// Adds one, until it is dropped.
    pub(super) fn add(&self, cx: &CurrentThread, mapper: Weak<dyn Mapper>) -> Result<()> {
        let mut list = self.list.lock(cx);
        if list.known.iter().any(|known| Weak::ptr_eq(&known.mapper, &mapper)) {
            return Ok(());
        }
        list.known.retain(|known| known.mapper.strong_count() > 0);
        list.known.try_reserve(1)?;
        list.last += 1;
        let number = list.last;
        list.known.push(Known { number, mapper });
        Ok(())
    }

    /// Tells each of those that are in the list now.
    pub(super) fn tell(&self, cx: &mut CurrentThread, mut tell: impl FnMut(&mut CurrentThread, &dyn Mapper)) {
        let last = self.list.lock(cx).last;
        let mut told = 0;
        loop {
            let next = {
                let list = self.list.lock(cx);
                let from = list.known.partition_point(|known| known.number <= told);
                let of_now = list.known[from..].iter().take_while(|known| known.number <= last);
                let mut alive = of_now.filter_map(|known| Some((known.number, known.mapper.upgrade()?)));
                alive.next()
            };
            let Some((number, mapper)) = next else { return };
            told = number;
            tell(cx, &*mapper);
        }
    }
}

/// Removals of pages of any file that have begun, and that everybody was told of.
static BEGUN: AtomicU64 = AtomicU64::new(0);
static TOLD: AtomicU64 = AtomicU64::new(0);

/// While it lives, pages leave a file.
pub(super) struct Removal(());

impl Removal {
    pub(super) fn begin() -> Removal {
        BEGUN.fetch_add(1, Ordering::SeqCst);
        Removal(())
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        TOLD.fetch_add(1, Ordering::SeqCst);
    }
}

/// A moment, to ask later whether pages may have left files since.
pub struct Moment {
    begun: u64,
    was_quiet: bool,
}

impl Moment {
    /// This one.
    pub fn now() -> Moment {
        // In this order: what has begun by the second look and was told by the first is over.
        let told = TOLD.load(Ordering::SeqCst);
        let begun = BEGUN.load(Ordering::SeqCst);
        Moment { begun, was_quiet: told == begun }
    }
    /// Whether no page can have left a file since, nor was about to.
    pub fn is_quiet_since(&self) -> bool {
        self.was_quiet && BEGUN.load(Ordering::SeqCst) == self.begun
    }
}
