//! Advisory locks: `flock` (whole files, held by open file descriptions) and `fcntl` records (byte ranges, held by processes
//! or, for the F_OFD_ calls, by descriptions). The two kinds do not see each other, as on Linux.
//!
//! Main type: [`FileLocks`], one per inode, made when the first lock is taken. Called by the descriptor calls, and by
//! closing. Waiting is on one queue per inode; every release wakes it. Who waits for records of processes in a ring is told so by
//! [`super::record_deadlock`].
//!
//! # Invariants
//! Ranges of one holder do not overlap and are never empty.
use super::open_file::OpenFile;
use super::record_deadlock::{self, Waiting};
use crate::errno::{Errno, Result};
use crate::lock_order;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};
use machine::sync::{SpinLock, Wait, WaitQueue};
use machine::thread::CurrentThread;

/// A descriptor table as holder of record locks (Linux's `files_struct`): threads share it, fork's copy is another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TableId(u64);

impl TableId {
    /// A fresh one.
    pub(super) fn new() -> TableId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        TableId(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Who holds a lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holder {
    /// A process, by its descriptor table.
    Table(TableId),
    /// An open file description, by its address.
    Description(usize),
}

impl Holder {
    /// The description as holder.
    pub fn description(open: &OpenFile) -> Holder {
        Holder::Description(core::ptr::from_ref(open).addr())
    }
}

/// How a range or file is locked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LockKind {
    /// Others may share it.
    Shared,
    /// For the holder alone.
    Exclusive,
}

/// A locked range.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record {
    /// Who holds it.
    pub holder: Holder,
    /// The process to name to others; -1 for descriptions.
    pub pid: i32,
    /// How.
    pub kind: LockKind,
    /// First byte.
    pub first: u64,
    /// Last byte.
    pub last: u64,
}

impl Record {
    fn conflicts(&self, other: &Record) -> bool {
        self.holder != other.holder
            && self.first <= other.last
            && other.first <= self.last
            && (self.kind == LockKind::Exclusive || other.kind == LockKind::Exclusive)
    }
}

#[derive(Default)]
struct State {
    records: Vec<Record>,
    whole: Vec<(Holder, LockKind)>,
}

/// The locks of one inode.
pub struct FileLocks {
    state: SpinLock<State>,
    released: WaitQueue,
}

impl Default for FileLocks {
    fn default() -> Self {
        FileLocks::new()
    }
}

impl FileLocks {
    /// None held.
    pub fn new() -> FileLocks {
        let state = State { records: Vec::new(), whole: Vec::new() };
        FileLocks { state: SpinLock::new(&lock_order::FILE_LOCKS, state), released: WaitQueue::new() }
    }

    /// Where they are, to tell them from those of other inodes.
    fn address(&self) -> usize {
        core::ptr::from_ref(self).addr()
    }

    /// Takes `wanted` in place of what its holder has there. Without `waits`, EAGAIN if someone else is in the way; with it, EDEADLK if
    /// that one, a process, waits for what this one has.
    pub fn lock_range(&self, cx: &mut CurrentThread, wanted: Record, waits: bool) -> Result<()> {
        match self.try_lock_range(cx, &wanted, None) {
            Err(Errno::EAGAIN) if waits => {}
            outcome => return outcome,
        }
        let waiting = match wanted.holder {
            Holder::Table(table) => Some(Waiting::new(table, self.address())),
            // LINUX: rings through descriptions are not looked for.
            Holder::Description(_) => None,
        };
        let how = Wait::interruptible("a record lock");
        self.released.wait(cx, how, |cx| match self.try_lock_range(cx, &wanted, waiting.as_ref()) {
            Err(Errno::EAGAIN) => None,
            outcome => Some(outcome),
        })?
    }

    fn try_lock_range(&self, cx: &CurrentThread, wanted: &Record, waiting: Option<&Waiting>) -> Result<()> {
        let mut state = self.state.lock(cx);
        if let Some(record) = state.records.iter().find(|record| record.conflicts(wanted)) {
            if let Some(waiting) = waiting {
                waiting.note(record.holder)?;
            }
            return Err(Errno::EAGAIN);
        }
        // One more for the new record, one for a record split in two.
        state.records.try_reserve(2)?;
        carve(&mut state.records, wanted.holder, wanted.first, wanted.last);
        state.records.push(*wanted);
        record_deadlock::forget(self.address());
        drop(state);
        // A lock made weaker may let others in.
        self.released.wake_all();
        Ok(())
    }

    /// Gives up what `holder` has in the range.
    pub fn unlock_range(&self, cx: &CurrentThread, holder: Holder, first: u64, last: u64) -> Result<()> {
        let mut state = self.state.lock(cx);
        state.records.try_reserve(1).map_err(|_| Errno::ENOLCK)?;
        carve(&mut state.records, holder, first, last);
        record_deadlock::forget(self.address());
        drop(state);
        self.released.wake_all();
        Ok(())
    }

    /// A lock that is in the way of `wanted`.
    pub fn find_conflict(&self, cx: &CurrentThread, wanted: &Record) -> Option<Record> {
        self.state.lock(cx).records.iter().find(|record| record.conflicts(wanted)).copied()
    }

    /// `flock`: takes the whole file. A change of kind gives the old lock up first, as on Linux.
    pub fn lock_whole(&self, cx: &mut CurrentThread, holder: Holder, kind: LockKind, waits: bool) -> Result<()> {
        match self.try_lock_whole(cx, holder, kind) {
            Err(Errno::EAGAIN) if waits => {}
            outcome => return outcome,
        }
        let how = Wait::interruptible("a file lock");
        self.released.wait(cx, how, |cx| match self.try_lock_whole(cx, holder, kind) {
            Err(Errno::EAGAIN) => None,
            outcome => Some(outcome),
        })?
    }

    fn try_lock_whole(&self, cx: &CurrentThread, holder: Holder, kind: LockKind) -> Result<()> {
        let mut state = self.state.lock(cx);
        if state.whole.contains(&(holder, kind)) {
            return Ok(());
        }
        let before = state.whole.len();
        state.whole.retain(|(other, _)| *other != holder);
        let gave_up = state.whole.len() != before;
        let is_free = state.whole.iter().all(|(_, held)| kind == LockKind::Shared && *held == LockKind::Shared);
        let outcome = if is_free {
            state.whole.try_reserve(1).map_err(|_| Errno::ENOLCK).map(|()| state.whole.push((holder, kind)))
        } else {
            Err(Errno::EAGAIN)
        };
        drop(state);
        if gave_up {
            self.released.wake_all();
        }
        outcome
    }

    /// Gives up the whole-file lock.
    pub fn unlock_whole(&self, holder: Holder) {
        self.state.with(|state| state.whole.retain(|(other, _)| *other != holder));
        self.released.wake_all();
    }

    /// A descriptor of this inode was closed: the process's record locks go.
    // LINUX: all of them, whichever descriptor they were taken through.
    pub(super) fn release_table(&self, table: TableId) {
        self.state.with(|state| {
            state.records.retain(|record| record.holder != Holder::Table(table));
            record_deadlock::forget(self.address());
        });
        self.released.wake_all();
    }

    /// A description has gone, and with it its locks.
    pub(super) fn release_description(&self, open: &OpenFile) {
        let holder = Holder::description(open);
        self.state.with(|state| {
            state.records.retain(|record| record.holder != holder);
            state.whole.retain(|(other, _)| *other != holder);
            record_deadlock::forget(self.address());
        });
        self.released.wake_all();
    }
}

/// Takes `first..=last` out of the holder's records; one of them may be split. Room for one more must be reserved.
fn carve(records: &mut Vec<Record>, holder: Holder, first: u64, last: u64) {
    let mut split = None;
    records.retain_mut(|record| {
        if record.holder != holder || record.last < first || record.first > last {
            return true;
        }
        let (keeps_head, keeps_tail) = (record.first < first, record.last > last);
        match (keeps_head, keeps_tail) {
            (false, false) => return false,
            (true, false) => record.last = first - 1,
            (false, true) => record.first = last + 1,
            (true, true) => {
                split = Some(Record { first: last + 1, ..*record });
                record.last = first - 1;
            }
        }
        true
    });
    records.extend(split);
}
