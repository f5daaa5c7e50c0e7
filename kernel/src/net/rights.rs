//! Open file descriptions on their way between processes (SCM_RIGHTS).
//!
//! Main type: [`Rights`], the descriptions of one message. How many are on the way in all is counted and bounded. Sockets among
//! them are known to [`super::unreachable`], which finds those that nobody can receive any more.
//!
//! # Invariants
//! Descriptions that were never received are let go of one after another by [`discard`], never from within the release of
//! another one: a socket in the queue of a socket in the queue … must not become a depth of the kernel's stack.
use super::unreachable;
use crate::errno::{Errno, Result};
use crate::fs::OpenFile;
use crate::lock_order;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};
use machine::sync::SpinLock;

/// Most descriptions in one message (Linux's SCM_MAX_FD).
pub(crate) const MOST_IN_MESSAGE: usize = 253;
/// Most descriptions on the way in the whole system.
// LINUX: the bound is each user's RLIMIT_NOFILE, and the superuser has none.
const MOST_ON_THE_WAY: usize = 16_384;

/// Descriptions on the way.
static ON_THE_WAY: AtomicUsize = AtomicUsize::new(0);

struct Bundle {
    files: Vec<Arc<OpenFile>>,
    next: Option<Box<Bundle>>,
}

/// The descriptions of one message.
pub(crate) struct Rights(Option<Box<Bundle>>);

impl Rights {
    /// Sends `files` on the way; ETOOMANYREFS if too many are already.
    pub(crate) fn new(files: Vec<Arc<OpenFile>>) -> Result<Rights> {
        if !count_in(files.len()) {
            unreachable::collect();
            if !count_in(files.len()) {
                return Err(Errno::ETOOMANYREFS);
            }
        }
        files.iter().for_each(unreachable::note_sent);
        Ok(Rights(Some(Box::new(Bundle { files, next: None }))))
    }

    /// The descriptions.
    pub(crate) fn files(&self) -> &[Arc<OpenFile>] {
        self.0.as_ref().map_or(&[], |bundle| &bundle.files)
    }

    /// The same descriptions once more, for MSG_PEEK. `None` for want of memory or if too many are on the way.
    pub(super) fn duplicate(&self) -> Option<Rights> {
        let mut files = Vec::new();
        files.try_reserve_exact(self.files().len()).ok()?;
        files.extend(self.files().iter().cloned());
        Rights::new(files).ok()
    }
}

impl Drop for Rights {
    fn drop(&mut self) {
        if let Some(bundle) = self.0.take() {
            ON_THE_WAY.fetch_sub(bundle.files.len(), Ordering::AcqRel);
            bundle.files.iter().for_each(unreachable::note_arrived);
            discard(bundle);
        }
    }
}

/// Counts `count` more on the way; false if they would be too many.
fn count_in(count: usize) -> bool {
    let more = |now: usize| now.checked_add(count).filter(|&sum| sum <= MOST_ON_THE_WAY);
    ON_THE_WAY.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok()
}

/// What is to be let go of, and whether somebody is at it.
struct Discarded {
    first: Option<Box<Bundle>>,
    is_being_emptied: bool,
}

static DISCARDED: SpinLock<Discarded> =
    SpinLock::new(&lock_order::DISCARDED_RIGHTS, Discarded { first: None, is_being_emptied: false });

/// Lets go of a bundle, now or, when called from within another one's end, right after that.
fn discard(mut bundle: Box<Bundle>) {
    let is_mine = DISCARDED.with(|discarded| {
        bundle.next = discarded.first.take();
        discarded.first = Some(bundle);
        !core::mem::replace(&mut discarded.is_being_emptied, true)
    });
    if !is_mine {
        return;
    }
    loop {
        let next = DISCARDED.with(|discarded| {
            let mut first = discarded.first.take();
            match &mut first {
                Some(bundle) => discarded.first = bundle.next.take(),
                None => discarded.is_being_emptied = false,
            }
            first
        });
        match next {
            Some(bundle) => drop(bundle),
            None => return,
        }
    }
}
