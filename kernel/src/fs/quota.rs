//! How much of something a file system instance may hold: pages of contents, inodes.
//!
//! Main type: [`Quota`], shared by the instance and by everything that counts against it. Called by the page cache and by
//! tmpfs. Atomics only: taking and giving back happen under other locks and in `Drop`.
//!
//! # Invariants
//! What is held passes the limit only if the limit was lowered meanwhile, which [`Quota::set_limit`] refuses.
use crate::errno::{Errno, Result};
use core::sync::atomic::{AtomicU64, Ordering};

/// A limit and what is held.
pub struct Quota {
    limit: AtomicU64,
    held: AtomicU64,
}

impl Quota {
    /// Nothing held yet; `u64::MAX` is no limit.
    pub const fn new(limit: u64) -> Quota {
        Quota { limit: AtomicU64::new(limit), held: AtomicU64::new(0) }
    }

    /// The limit.
    pub fn limit(&self) -> u64 {
        self.limit.load(Ordering::Relaxed)
    }

    /// What is held.
    pub fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    /// Holds one more; ENOSPC at the limit.
    pub fn take(&self) -> Result<()> {
        let limit = self.limit();
        let more = |held: u64| (held < limit).then_some(held + 1);
        let taken = self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.map(|_| ()).map_err(|_| Errno::ENOSPC)
    }

    /// Holds `count` less.
    pub fn give_back(&self, count: u64) {
        self.held.fetch_sub(count, Ordering::Relaxed);
    }

    /// Changes the limit; EINVAL if more is held.
    pub fn set_limit(&self, limit: u64) -> Result<()> {
        if self.held() > limit {
            return Err(Errno::EINVAL);
        }
        self.limit.store(limit, Ordering::Relaxed);
        Ok(())
    }
}
