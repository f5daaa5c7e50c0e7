//! Deadlocks between record locks: which process waits for which, so that the one who would close a ring is told (EDEADLK) instead of
//! waiting for ever.
//!
//! Main type: [`Waiting`], one thread that waits for a record. Called by [`super::file_lock`] with the inode's locks locked.
//!
//! # Invariants
//! An edge is there only while its blocker stands in its waiter's way: whatever gives a record up takes all edges of that inode away, with
//! the inode's locks still locked, and the waiters, who are woken by it, put back what still holds. So a ring of edges is a deadlock.
use super::file_lock::{Holder, TableId};
use crate::errno::{Errno, Result};
use crate::lock_order;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use machine::sync::SpinLock;

/// One waiter and who is in its way.
struct Edge {
    /// Which [`Waiting`] it is of.
    number: u64,
    waiter: TableId,
    blocker: Holder,
    /// The inode's locks, by their address.
    locks: usize,
}

static EDGES: SpinLock<Vec<Edge>> = SpinLock::new(&lock_order::RECORD_WAITERS, Vec::new());

/// How many edges there are, so that giving a record up costs nothing where nobody waits.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// A thread that waits for a record lock, until it is dropped.
pub(super) struct Waiting {
    number: u64,
    waiter: TableId,
    locks: usize,
}

impl Waiting {
    /// `waiter` is about to wait for a record among the locks at address `locks`.
    pub(super) fn new(waiter: TableId, locks: usize) -> Waiting {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Waiting { number: NEXT.fetch_add(1, Ordering::Relaxed), waiter, locks }
    }

    /// Notes that `blocker` is in the way now. EDEADLK if that one waits, itself or through others, for this one; ENOLCK without memory.
    pub(super) fn note(&self, blocker: Holder) -> Result<()> {
        EDGES.with(|edges| {
            if edges.iter().any(|edge| edge.number == self.number) {
                return Ok(());
            }
            // LINUX: a process waits for one thing at a time; of several threads that wait, one is followed.
            let mut next = Some(blocker);
            for _ in 0..=edges.len() {
                let Some(Holder::Table(table)) = next else { break };
                if table == self.waiter {
                    return Err(Errno::EDEADLK);
                }
                next = edges.iter().find(|edge| edge.waiter == table).map(|edge| edge.blocker);
            }
            edges.try_reserve(1).map_err(|_| Errno::ENOLCK)?;
            edges.push(Edge { number: self.number, waiter: self.waiter, blocker, locks: self.locks });
            COUNT.store(edges.len(), Ordering::Relaxed);
            Ok(())
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        remove(|edge| edge.number == self.number);
    }
}

/// Something was given up among the locks at address `locks`: who waits there looks anew.
pub(super) fn forget(locks: usize) {
    // An edge of these locks was made with them locked, as they are now: it is seen.
    if COUNT.load(Ordering::Relaxed) > 0 {
        remove(|edge| edge.locks == locks);
    }
}

fn remove(is_gone: impl Fn(&Edge) -> bool) {
    EDGES.with(|edges| {
        edges.retain(|edge| !is_gone(edge));
        COUNT.store(edges.len(), Ordering::Relaxed);
    });
}
