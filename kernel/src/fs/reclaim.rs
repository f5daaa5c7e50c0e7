//! Dropping pages of files for want of memory: those that their file can give back unchanged.
//!
//! A page cache whose [`Backing`](super::page_cache::Backing) lasts (the initial RAM disk; a disk) registers here when it
//! first holds a clean page: [`register`]. When frames run out, [`drop_clean_pages`] goes round the registered caches like the
//! hand of a clock, takes clean pages out of mappings that are not locked, and drops those that nobody else holds.
//! Dirty pages stay: whoever brings a store that can be written brings writing back with it.
//!
//! Locks: the list's, for a moment; then what [`PageCache::drop_clean`] takes. Called by `mm::oom` without memory's locks.
use super::page_cache::PageCache;
use crate::lock_order;
use crate::trace::{self, Counter, probe};
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use machine::sync::SpinLock;
use machine::thread::CurrentThread;

/// The caches that may hold clean pages, and where the hand stands.
struct Registered {
    caches: Vec<Weak<PageCache>>,
    hand: usize,
}

static REGISTERED: SpinLock<Registered> =
    SpinLock::new(&lock_order::RECLAIMABLE, Registered { caches: Vec::new(), hand: 0 });

/// Notes a cache that holds its first clean page. Without memory for that its pages just stay.
pub(super) fn register(cx: &CurrentThread, cache: &Arc<PageCache>) {
    let mut registered = REGISTERED.lock(cx);
    if registered.caches.len() == registered.caches.capacity() {
        registered.caches.retain(|cache| cache.strong_count() > 0);
        registered.hand = 0;
    }
    if registered.caches.try_reserve(1).is_ok() {
        registered.caches.push(Arc::downgrade(cache));
    }
}

/// Drops about `wanted` pages; answers how many.
pub fn drop_clean_pages(cx: &mut CurrentThread, wanted: usize) -> usize {
    let mut dropped = 0;
    let rounds = REGISTERED.lock(cx).caches.len();
    for _ in 0..rounds {
        let next = {
            let mut registered = REGISTERED.lock(cx);
            let hand = registered.hand;
            registered.hand = if hand + 1 < registered.caches.len() { hand + 1 } else { 0 };
            registered.caches.get(hand).and_then(Weak::upgrade)
        };
        if let Some(cache) = next {
            dropped += cache.drop_clean(cx, wanted - dropped);
        }
        if dropped >= wanted {
            break;
        }
    }
    trace::add(Counter::PagesReclaimed, dropped as u64);
    probe!(trace::vminfo::reclaim(wanted as u64, dropped as u64));
    dropped
}
