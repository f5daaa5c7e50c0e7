//! Which sets of watched files may watch which: no rings, no long rows, not too many ways for one event.
//!
//! Main items: [`link`] and [`unlink`], around every change of what a set watches when that is a set too; [`Outers`], the
//! links upwards that each set keeps for it. Called by [`super::epoll`].
//!
//! An event of a watched file goes up every way through the sets above it, with interrupts off, and a look goes down them. Both
//! recurse, so each way is short and there are few of them. A row can be made longer at either end, so a new link is
//! judged from every set below it: all ways up from there are walked, the new link among them.
//!
//! # Locks
//! `EPOLL_NESTING`, one for all sets (as Linux's epnested_mutex), is held for the judgement and the change, so that two threads
//! cannot close a ring between them; under it, each set's `EPOLL`, one at a time.
use super::epoll::{EpollSet, Shared};
use crate::errno::{Errno, Result};
use crate::lock_order;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use machine::sync::Mutex;
use machine::thread::CurrentThread;

/// Links from set to set in a row, at most (Linux's EP_MAX_NESTS).
const MOST_LINKS: u32 = 4;
/// Sets reached on all ways up from one, counted once for each way, at most. Linux limits the ways by length, two links to 500.
const MOST_REACHED: u32 = 500;

/// Held while links are judged and changed.
static NESTING: Mutex<()> = Mutex::new(&lock_order::EPOLL_NESTING, ());

/// The sets that watch a set, one entry a link. Used only under `NESTING`; sets that have gone are dropped at the next link.
/// A set that is being dropped counts as long as it is on the queues of what it watched.
pub(super) struct Outers(Mutex<Vec<Weak<Shared>>>);

impl Outers {
    /// Nobody watches yet.
    pub(super) fn new() -> Outers {
        Outers(Mutex::new(&lock_order::EPOLL, Vec::new()))
    }

    fn add(&self, cx: &mut CurrentThread, outer: &Arc<Shared>) -> Result<()> {
        let mut outers = self.0.lock(cx);
        outers.retain(|known| known.strong_count() > 0);
        outers.try_reserve(1)?;
        outers.push(Arc::downgrade(outer));
        Ok(())
    }

    fn remove(&self, cx: &mut CurrentThread, outer: &Arc<Shared>) {
        let mut outers = self.0.lock(cx);
        if let Some(index) = outers.iter().position(|known| core::ptr::eq(known.as_ptr(), Arc::as_ptr(outer))) {
            outers.swap_remove(index);
        }
    }

    /// The next set that still exists, from `index` on, which moves past it.
    fn next(&self, cx: &mut CurrentThread, index: &mut usize) -> Option<Arc<Shared>> {
        let outers = self.0.lock(cx);
        while let Some(outer) = outers.get(*index) {
            *index += 1;
            if let Some(outer) = outer.upgrade() {
                return Some(outer);
            }
        }
        None
    }
}

/// Lets `insert` make `outer` watch `inner`, if that is allowed: ELOOP for a ring or a row that is too long, EINVAL for too
/// many ways.
pub(super) fn link<R>(
    cx: &mut CurrentThread,
    outer: &EpollSet,
    inner: &EpollSet,
    insert: impl FnOnce(&mut CurrentThread) -> Result<R>,
) -> Result<R> {
    let _nesting = NESTING.lock(cx);
    inner.shared.outers.add(cx, &outer.shared)?;
    let result = check_below(cx, inner).and_then(|()| insert(cx));
    if result.is_err() {
        inner.shared.outers.remove(cx, &outer.shared);
    }
    result
}

/// Lets `remove` end that `outer` watches `inner`.
pub(super) fn unlink(
    cx: &mut CurrentThread,
    outer: &EpollSet,
    inner: &EpollSet,
    remove: impl FnOnce(&mut CurrentThread) -> Result<()>,
) -> Result<()> {
    let _nesting = NESTING.lock(cx);
    remove(cx)?;
    inner.shared.outers.remove(cx, &outer.shared);
    Ok(())
}

/// Judges the ways up from `set` and from every set below it. It goes down only from a set that is at the bottom of no ring, and
/// whatever is `MOST_LINKS` below the first is refused, so this is no deeper than the rows are.
fn check_below(cx: &mut CurrentThread, set: &EpollSet) -> Result<()> {
    check_above(cx, &set.shared, MOST_LINKS, &mut 0)?;
    for open in set.inners(cx)? {
        check_below(cx, EpollSet::of(&open)?)?;
    }
    Ok(())
}

/// Walks all ways up from `set`, of at most `links` links.
fn check_above(cx: &mut CurrentThread, set: &Shared, links: u32, reached: &mut u32) -> Result<()> {
    let mut index = 0;
    while let Some(outer) = set.outers.next(cx, &mut index) {
        let left = links.checked_sub(1).ok_or(Errno::ELOOP)?;
        *reached += 1;
        if *reached > MOST_REACHED {
            return Err(Errno::EINVAL);
        }
        check_above(cx, &outer, left, reached)?;
    }
    Ok(())
}
