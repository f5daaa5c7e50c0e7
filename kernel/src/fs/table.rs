//! Descriptor tables: small numbers for open file descriptions.
//!
//! Main types: [`FileTable`], shared by threads (CLONE_FILES), copied by fork; [`Reservation`], a number taken before there is
//! anything to put there, so that a call that makes something finds out first that there is no room for it. Called by every
//! call that takes or makes a descriptor.
//!
//! # Invariants
//! No place below `lowest_free` is free. Descriptions are never dropped while the table's spin lock is held.
use super::file_lock::TableId;
use super::open_file::OpenFile;
use crate::errno::{Errno, Result};
use crate::lock_order;
use crate::syscall::Fd;
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::sync::SpinLock;
use machine::thread::CurrentThread;

/// Most descriptors a process may have, whatever its limit says (Linux's `fs.nr_open`).
pub const MOST_FILES: u64 = 1 << 20;

#[derive(Clone)]
struct Slot {
    file: Arc<OpenFile>,
    closes_on_exec: bool,
}

/// What stands at a number.
#[derive(Clone, Default)]
enum Place {
    #[default]
    Free,
    /// Taken by a call under way, see [`Reservation`].
    Reserved,
    Open(Slot),
}

impl Place {
    fn slot(&self) -> Option<&Slot> {
        match self {
            Place::Open(slot) => Some(slot),
            Place::Free | Place::Reserved => None,
        }
    }

    fn is_free(&self) -> bool {
        matches!(self, Place::Free)
    }
}

#[derive(Default)]
struct Slots {
    places: Vec<Place>,
    lowest_free: usize,
}

impl Slots {
    fn slot(&self, fd: Fd) -> Result<&Slot> {
        // A negative descriptor becomes an index far too large.
        self.places.get(fd.0 as usize).and_then(Place::slot).ok_or(Errno::EBADF)
    }

    /// The lowest free number from `from` on, below `limit`, with room made for it.
    fn find_free(&mut self, from: usize, limit: u64) -> Result<usize> {
        let mut at = from.max(self.lowest_free);
        while self.places.get(at).is_some_and(|place| !place.is_free()) {
            at += 1;
        }
        if at as u64 >= limit.min(MOST_FILES) {
            return Err(Errno::EMFILE);
        }
        self.make_room(at)?;
        Ok(at)
    }

    fn make_room(&mut self, at: usize) -> Result<()> {
        if at >= self.places.len() {
            self.places.try_reserve(at + 1 - self.places.len())?;
            self.places.resize(at + 1, Place::Free);
        }
        Ok(())
    }

    fn put(&mut self, at: usize, place: Place) -> Place {
        if at == self.lowest_free {
            self.lowest_free = at + 1;
        }
        core::mem::replace(&mut self.places[at], place)
    }

    /// Frees what is open at `at` and answers it.
    fn take(&mut self, at: usize) -> Option<Slot> {
        let place = self.places.get_mut(at)?;
        place.slot()?;
        let taken = core::mem::take(place);
        self.lowest_free = self.lowest_free.min(at);
        match taken {
            Place::Open(slot) => Some(slot),
            Place::Free | Place::Reserved => None,
        }
    }
}

/// A number of a table that nobody else gets until this is filled or dropped.
#[must_use]
pub struct Reservation {
    table: Arc<FileTable>,
    at: usize,
}

impl Reservation {
    /// The number.
    pub fn fd(&self) -> Fd {
        // CAST: below MOST_FILES.
        Fd(self.at as i32)
    }

    /// Opens `file` at the number.
    pub fn fill(self, file: Arc<OpenFile>, closes_on_exec: bool) -> Fd {
        let at = self.at;
        self.table.slots.with(|slots| slots.places[at] = Place::Open(Slot { file, closes_on_exec }));
        self.fd()
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.table.slots.with(|slots| {
            if matches!(slots.places[self.at], Place::Reserved) {
                slots.places[self.at] = Place::Free;
                slots.lowest_free = slots.lowest_free.min(self.at);
            }
        });
    }
}

/// A process's open files.
pub struct FileTable {
    id: TableId,
    slots: SpinLock<Slots>,
}

impl FileTable {
    /// Without any.
    pub fn new() -> Arc<FileTable> {
        FileTable::with(Slots::default())
    }

    fn with(slots: Slots) -> Arc<FileTable> {
        Arc::new(FileTable { id: TableId::new(), slots: SpinLock::new(&lock_order::FILE_TABLE, slots) })
    }

    /// Fork's copy: the same descriptions under the same numbers.
    pub fn copy(&self, cx: &CurrentThread) -> Result<Arc<FileTable>> {
        let mut places = Vec::new();
        // Room is reserved outside the lock; a table that grew meanwhile is tried again.
        loop {
            let count = self.slots.lock(cx).places.len();
            places.try_reserve(count)?;
            let table = self.slots.lock(cx);
            if table.places.len() > places.capacity() {
                continue;
            }
            let mut lowest_free = table.lowest_free;
            for (at, place) in table.places.iter().enumerate() {
                // What is reserved is filled in the old table only.
                let place = if matches!(place, Place::Reserved) { Place::Free } else { place.clone() };
                if place.is_free() {
                    lowest_free = lowest_free.min(at);
                }
                places.push(place);
            }
            return Ok(FileTable::with(Slots { places, lowest_free }));
        }
    }

    /// The description behind `fd`; EBADF if there is none, and for descriptors that only stand for a place.
    pub fn get(&self, cx: &CurrentThread, fd: Fd) -> Result<Arc<OpenFile>> {
        let file = self.get_any(cx, fd)?;
        if file.is_path_only() { Err(Errno::EBADF) } else { Ok(file) }
    }

    /// The description behind `fd`, O_PATH ones included.
    pub fn get_any(&self, cx: &CurrentThread, fd: Fd) -> Result<Arc<OpenFile>> {
        self.slots.lock(cx).slot(fd).map(|slot| slot.file.clone())
    }

    /// Gives `file` the lowest free number below `limit` (RLIMIT_NOFILE).
    pub fn insert(&self, cx: &CurrentThread, file: Arc<OpenFile>, closes_on_exec: bool, limit: u64) -> Result<Fd> {
        self.insert_from(cx, file, closes_on_exec, 0, limit)
    }

    /// Takes the lowest free number below `limit` for what is yet to be made.
    pub fn reserve(self: &Arc<Self>, cx: &CurrentThread, limit: u64) -> Result<Reservation> {
        let mut table = self.slots.lock(cx);
        let at = table.find_free(0, limit)?;
        table.put(at, Place::Reserved);
        Ok(Reservation { table: self.clone(), at })
    }

    /// Gives `file` the lowest free number from `lowest` on (F_DUPFD).
    pub fn insert_from(
        &self,
        cx: &CurrentThread,
        file: Arc<OpenFile>,
        closes_on_exec: bool,
        lowest: usize,
        limit: u64,
    ) -> Result<Fd> {
        let mut table = self.slots.lock(cx);
        let at = table.find_free(lowest, limit)?;
        table.put(at, Place::Open(Slot { file, closes_on_exec }));
        // CAST: below MOST_FILES.
        Ok(Fd(at as i32))
    }

    /// Gives two files numbers, or neither.
    pub fn insert_pair(
        &self,
        cx: &CurrentThread,
        files: (Arc<OpenFile>, Arc<OpenFile>),
        closes_on_exec: bool,
        limit: u64,
    ) -> Result<(Fd, Fd)> {
        let mut table = self.slots.lock(cx);
        let first = table.find_free(0, limit)?;
        let second = table.find_free(first + 1, limit)?;
        table.put(first, Place::Open(Slot { file: files.0, closes_on_exec }));
        table.put(second, Place::Open(Slot { file: files.1, closes_on_exec }));
        // CAST: below MOST_FILES.
        Ok((Fd(first as i32), Fd(second as i32)))
    }

    /// Puts `file` at `fd`, closing what is there (dup2, dup3). The caller has checked `fd` against the limit. EBUSY if
    /// another call is about to fill it.
    pub fn replace(&self, cx: &CurrentThread, fd: Fd, file: Arc<OpenFile>, closes_on_exec: bool) -> Result<()> {
        let at = usize::try_from(fd.0).map_err(|_| Errno::EBADF)?;
        let old = {
            let mut table = self.slots.lock(cx);
            table.make_room(at)?;
            if matches!(table.places[at], Place::Reserved) {
                return Err(Errno::EBUSY);
            }
            table.put(at, Place::Open(Slot { file, closes_on_exec }))
        };
        if let Place::Open(old) = old {
            self.close_file(old.file);
        }
        Ok(())
    }

    /// Closes `fd`; the process's record locks on the file go.
    pub fn close(&self, cx: &CurrentThread, fd: Fd) -> Result<()> {
        let taken = self.slots.lock(cx).take(fd.0 as usize).ok_or(Errno::EBADF)?;
        self.close_file(taken.file);
        Ok(())
    }

    /// Closes every descriptor from `first` to `last`, or marks them close-on-exec (`close_range`).
    pub fn close_range(&self, cx: &CurrentThread, first: u32, last: u32, only_marks: bool) {
        let mut at = first as usize;
        while at <= last as usize {
            let taken = {
                let mut table = self.slots.lock(cx);
                if at >= table.places.len() {
                    return;
                }
                if only_marks {
                    if let Some(Place::Open(slot)) = table.places.get_mut(at) {
                        slot.closes_on_exec = true;
                    }
                    None
                } else {
                    table.take(at)
                }
            };
            if let Some(slot) = taken {
                self.close_file(slot.file);
            }
            at += 1;
        }
    }

    /// Exec: closes what is marked so.
    pub fn close_on_exec(&self, cx: &CurrentThread) {
        let mut at = 0;
        loop {
            let taken = {
                let mut table = self.slots.lock(cx);
                let closes = |place: &Place| place.slot().is_some_and(|slot| slot.closes_on_exec);
                let found = table.places.iter().skip(at).position(closes);
                let Some(found) = found else { return };
                at += found;
                table.take(at)
            };
            if let Some(slot) = taken {
                self.close_file(slot.file);
            }
        }
    }

    /// Its identity as holder of record locks.
    pub fn id(&self) -> TableId {
        self.id
    }

    /// Whether `fd` is closed by exec.
    pub fn closes_on_exec(&self, cx: &CurrentThread, fd: Fd) -> Result<bool> {
        self.slots.lock(cx).slot(fd).map(|slot| slot.closes_on_exec)
    }

    /// Sets whether `fd` is closed by exec.
    pub fn set_closes_on_exec(&self, cx: &CurrentThread, fd: Fd, closes_on_exec: bool) -> Result<()> {
        let mut table = self.slots.lock(cx);
        match table.places.get_mut(fd.0 as usize) {
            Some(Place::Open(slot)) => slot.closes_on_exec = closes_on_exec,
            _ => return Err(Errno::EBADF),
        }
        Ok(())
    }

    /// The lowest descriptor in use from `from` on, for listings.
    pub fn next_used(&self, cx: &CurrentThread, from: usize) -> Option<(Fd, Arc<OpenFile>)> {
        let table = self.slots.lock(cx);
        let (at, slot) =
            table.places.iter().enumerate().skip(from).find_map(|(at, place)| Some((at, place.slot()?)))?;
        // CAST: below MOST_FILES.
        Some((Fd(at as i32), slot.file.clone()))
    }

    /// Slots allocated (FDSize of /proc/PID/status).
    pub fn slot_count(&self, cx: &CurrentThread) -> usize {
        self.slots.lock(cx).places.len()
    }
}

impl FileTable {
    /// What every close of a descriptor does, whoever else still holds the description.
    fn close_file(&self, file: Arc<OpenFile>) {
        if let Some(locks) = file.inode().base().file_locks_if_any() {
            locks.release_table(self.id);
        }
        file.file().closed(self.id);
        drop(file);
    }
}

impl Drop for FileTable {
    /// The last task that used it has ended.
    fn drop(&mut self) {
        let slots = self.slots.with(core::mem::take);
        for place in slots.places {
            if let Place::Open(slot) = place {
                self.close_file(slot.file);
            }
        }
    }
}
