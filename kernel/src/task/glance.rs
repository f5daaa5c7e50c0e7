//! What can be seen of a task at a glance, without its locks: for trace programs, which run in any context.
use super::task::{NAME_BYTES, Resources};
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Copies of what the task's lock protects, kept by whoever changes that. Each word is whole; while a name changes, its halves may be of two names.
pub struct Glance {
    name: [AtomicU64; 2],
    user: AtomicU32,
}

impl Glance {
    pub(super) fn of(resources: &Resources) -> Glance {
        let glance = Glance { name: [const { AtomicU64::new(0) }; 2], user: AtomicU32::new(0) };
        glance.update(resources);
        glance
    }

    pub(super) fn update(&self, resources: &Resources) {
        const { assert!(NAME_BYTES == 16, "a name is two words") };
        for (word, half) in self.name.iter().zip(resources.name.as_chunks::<8>().0) {
            word.store(u64::from_le_bytes(*half), Ordering::Relaxed);
        }
        self.user.store(resources.credentials.uid.real, Ordering::Relaxed);
    }

    /// Half (0 or 1) of its comm, filled with zeros.
    pub fn name_half(&self, half: u8) -> u64 {
        self.name.get(usize::from(half)).map_or(0, |word| word.load(Ordering::Relaxed))
    }

    /// The real user it acts for.
    pub fn user(&self) -> u32 {
        self.user.load(Ordering::Relaxed)
    }
}
