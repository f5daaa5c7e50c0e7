//! Priority inheritance: the owner of a futex lock runs at least as urgently as the most urgent thread that waits for it, and so does the
//! one that this owner waits for, and so on, so that a thread in between keeps none of them waiting.
//!
//! Main items: [`Locks::lend`], after any change of who waits for whom; [`Locks::closes_ring`]. Called by [`super::pi_futex`] under
//! its lock. What is lent lies in the task (`Task::lend_priority`), apart from what the program set.
use super::pi_futex::{Contended, Locks};
use super::{Pid, table};
use core::sync::atomic::Ordering;
use machine::thread::CurrentThread;

impl Contended {
    /// Puts a waiting thread where its priority belongs; false if nobody is affected.
    fn place_anew(&mut self, tid: Pid, priority: u8) -> bool {
        let Some(place) = self.lockers.iter().position(|locker| locker.tid == tid) else { return false };
        if self.lockers[place].priority.swap(priority, Ordering::Relaxed) == priority {
            return false;
        }
        if let Some(locker) = self.lockers.remove(place) {
            // There is room: one was taken out.
            let _ = self.enter(locker);
        }
        true
    }
}

impl Locks {
    /// Gives thread `owner` what those lend that wait for its locks, and passes it on along the row of locks that it waits for.
    pub(super) fn lend(&mut self, cx: &CurrentThread, mut owner: Pid) {
        // A thread waits for one lock, and rings are refused: each lock is met once at most.
        for _ in 0..=self.contended.len() {
            let Some(task) = table::find_task(cx, owner) else { return };
            let priority = task.lend_priority(self.most_urgent(owner));
            let Some(lock) = self.waiting.get(&owner).and_then(|key| self.contended.get_mut(key)) else { return };
            if !lock.place_anew(owner, priority) {
                return;
            }
            self.has_urgent |= priority > 0;
            owner = lock.owner;
        }
    }

    /// The highest priority of those who wait for locks of thread `owner`.
    fn most_urgent(&self, owner: Pid) -> u8 {
        if !self.has_urgent {
            return 0;
        }
        let lockers = self.contended.values().filter(|lock| lock.owner == owner).flat_map(|lock| &lock.lockers);
        lockers.map(|locker| locker.priority.load(Ordering::Relaxed)).max().unwrap_or(0)
    }

    /// Whether thread `owner` waits, itself or through other owners, for a lock of thread `tid`.
    pub(super) fn closes_ring(&self, tid: Pid, mut owner: Pid) -> bool {
        for _ in 0..=self.contended.len() {
            if owner == tid {
                return true;
            }
            match self.waiting.get(&owner).and_then(|key| self.contended.get(key)) {
                Some(lock) => owner = lock.owner,
                None => return false,
            }
        }
        false
    }
}
