//! How many signals a user may have queued: RLIMIT_SIGPENDING. What is counted are entries that would otherwise be bounded by
//! memory only: queued real-time signals, and POSIX timers, which hold the entry of their signal from the start.
//!
//! Main type: [`Allowance`], one entry's permission. Called by `send` and `timer::posix`.
//! Lock: `SIGNAL_ALLOWANCES` around the users' counts.
use crate::lock_order;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};
use machine::sync::SpinLock;

/// Permission for one entry; dropping it gives it back.
pub struct Allowance {
    count: Arc<AtomicU64>,
}

impl Drop for Allowance {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts by user, of users that have or had any.
static COUNTS: SpinLock<Vec<(u32, Arc<AtomicU64>)>> = SpinLock::new(&lock_order::SIGNAL_ALLOWANCES, Vec::new());

/// The user's count; `None` without memory.
fn count_of(uid: u32) -> Option<Arc<AtomicU64>> {
    COUNTS.with(|counts| {
        if let Some((_, count)) = counts.iter().find(|(user, _)| *user == uid) {
            return Some(count.clone());
        }
        if counts.len() == counts.capacity() {
            counts.retain(|(_, count)| Arc::strong_count(count) > 1);
            counts.try_reserve(8).ok()?;
        }
        let count = Arc::new(AtomicU64::new(0));
        counts.push((uid, count.clone()));
        Some(count)
    })
}

impl Allowance {
    /// Permission for one more entry of a user, unless it has `limit` already.
    pub fn take(uid: u32, limit: u64) -> Option<Allowance> {
        let count = count_of(uid)?;
        let had = count.fetch_add(1, Ordering::Relaxed);
        // On the way out the drop takes back what was added.
        let allowance = Allowance { count };
        (had < limit).then_some(allowance)
    }

    /// How many entries a user has, for listings.
    pub fn used(uid: u32) -> u64 {
        count_of(uid).map_or(0, |count| count.load(Ordering::Relaxed))
    }
}
