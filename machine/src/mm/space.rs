//! User page tables. A mapping owns a reference to its frame; unmapping gives it back only after every CPU has
//! forgotten the translation. Changing a table needs `&mut UserSpace`, so the kernel's lock around it is what serialises.
//!
//! The tables belong to the [`SpaceHandle`], which every CPU that has the root loaded keeps alive; so a space that nobody
//! runs in any more is taken apart without any flush: by then each CPU has loaded another root (`space_load`). Flushes and
//! shootdowns are in `flush`.
//!
//! Invariants: every present leaf of level 0 owns one count of its frame, one of level 1 ([`block`](super::block)) one of each of its
//! frames. Leaf tables are freed with the space only, or with the block that took their place.
use super::flush::Flush;
use super::frame::{self, Frame, FrameKind, OutOfMemory};
use super::rights::Rights;
pub use super::space_handle::SpaceHandle;
use super::space_handle::{LEAF_SPAN, Place};
use super::table::Table;
use crate::addr::{PAGE_SIZE, PhysAddr, USER_END, UserAddr};
use crate::arch::page_table::{self, Entry};
use crate::thread::CurrentThread;
use alloc::sync::Arc;
use core::ops::Range;
use core::sync::atomic::Ordering;

/// What a mapping allows. User memory is always readable when present, unless [`Access::NONE`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    /// Present at all (PROT_NONE pages keep their frame but trap).
    pub is_readable: bool,
    /// Stores allowed.
    pub is_writable: bool,
    /// Fetches allowed.
    pub is_executable: bool,
}

impl Access {
    /// Nothing allowed.
    pub const NONE: Access = Access { is_readable: false, is_writable: false, is_executable: false };
}

impl Access {
    /// As a page-table entry's rights.
    #[inline(always)]
    pub(super) fn rights(self) -> Rights {
        Rights {
            is_user: true,
            is_readable: self.is_readable,
            is_writable: self.is_writable,
            is_executable: self.is_executable,
            is_device: false,
        }
    }

    #[inline(always)]
    fn of(rights: Rights) -> Access {
        Access { is_readable: rights.is_readable, is_writable: rights.is_writable, is_executable: rights.is_executable }
    }

    /// Whether `other` allows nothing that this does not.
    #[inline(always)]
    fn covers(self, other: Access) -> bool {
        (self.is_readable | !other.is_readable)
            & (self.is_writable | !other.is_writable)
            & (self.is_executable | !other.is_executable)
    }
}

/// A present mapping, as found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// References to its frame, this one included.
    pub count: u32,
    /// Where the frame is.
    pub frame: PhysAddr,
    /// What the frame is. One of the initial RAM disk can be mapped without write access only.
    pub kind: FrameKind,
    /// What it allows.
    pub access: Access,
    /// Written since mapped or since last asked.
    pub is_dirty: bool,
    /// Used since mapped or since last asked.
    pub is_accessed: bool,
    /// Mapped, or written, since [`UserSpace::forget_changes`].
    pub is_changed: bool,
    /// It is a part of a block.
    pub is_block: bool,
}

impl Mapped {
    /// The frame is the initial RAM disk's, which nobody writes.
    #[inline(always)]
    pub fn is_boot(&self) -> bool {
        self.kind == FrameKind::Boot
    }
}

/// A user page table.
pub struct UserSpace {
    pub(super) handle: Arc<SpaceHandle>,
    /// The leaf table used last: its first address and place. Forgotten when a block takes its place.
    pub(super) last: Option<(usize, Table)>,
}

impl UserSpace {
    /// An empty one.
    pub fn new() -> Result<UserSpace, OutOfMemory> {
        Ok(UserSpace { handle: SpaceHandle::new()?, last: None })
    }

    /// For [`CurrentThread::set_space`].
    pub fn handle(&self) -> Arc<SpaceHandle> {
        self.handle.clone()
    }

    #[inline(always)]
    fn table(&self, addr: usize) -> Option<Table> {
        match self.last {
            Some((base, table)) if base == addr & !(LEAF_SPAN - 1) => Some(table),
            _ => self.handle.find_leaf_table(addr),
        }
    }

    #[inline(always)]
    fn table_or_new(&mut self, addr: usize) -> Result<Table, OutOfMemory> {
        let base = addr & !(LEAF_SPAN - 1);
        match self.last {
            Some((last, table)) if last == base => Ok(table),
            _ => {
                let table = self.handle.make_leaf_table(addr)?;
                self.last = Some((base, table));
                Ok(table)
            }
        }
    }

    /// Maps `frame` at page-aligned `addr` where nothing is mapped (panics otherwise: the kernel's bug).
    pub fn map(&mut self, addr: UserAddr, frame: Frame, access: Access) -> Result<(), OutOfMemory> {
        check_page(addr);
        let table = self.table_or_new(addr.0)?;
        assert!(!table.load(Table::index(addr.0)).is_present(), "something is mapped at {:#x}", addr.0);
        check_writable(access, frame.is_boot(), addr.0);
        if access.is_executable {
            frame.make_executable();
        }
        table.put(Table::index(addr.0), Entry::leaf(frame.into_mapping(), access.rights(), 0));
        page_table::publish();
        self.handle.resident.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Maps `frames`, one a page from page-aligned `addr` on, where there is one and nothing is mapped yet; answers how many.
    pub fn map_absent(
        &mut self,
        addr: UserAddr,
        frames: &mut [Option<Frame>],
        access: Access,
    ) -> Result<usize, OutOfMemory> {
        check_page(addr);
        let mut mapped = 0;
        for (addr, frame) in (addr.0..USER_END).step_by(PAGE_SIZE).zip(frames) {
            if frame.is_none() {
                continue;
            }
            let table = self.table_or_new(addr)?;
            if table.load(Table::index(addr)).is_present() {
                continue;
            }
            if let Some(frame) = frame.take() {
                check_writable(access, frame.is_boot(), addr);
                if access.is_executable {
                    frame.make_executable();
                }
                table.put(Table::index(addr), Entry::leaf(frame.into_mapping(), access.rights(), 0));
                mapped += 1;
            }
        }
        page_table::publish();
        self.handle.resident.fetch_add(mapped, Ordering::Relaxed);
        Ok(mapped)
    }

    /// Replaces the frame mapped at `addr` (copy-on-write), and flushes the old translation everywhere.
    pub fn replace(
        &mut self,
        cx: &mut CurrentThread,
        addr: UserAddr,
        frame: Frame,
        access: Access,
    ) -> Result<(), OutOfMemory> {
        check_page(addr);
        self.split_at(cx, addr.0);
        let table = self.table_or_new(addr.0)?;
        check_writable(access, frame.is_boot(), addr.0);
        if access.is_executable {
            frame.make_executable();
        }
        let old = table.swap(Table::index(addr.0), Entry::leaf(frame.into_mapping(), access.rights(), 0));
        if old.is_present() {
            let mut flush = Flush::new(&self.handle);
            flush.add(cx, addr.0, Some(old.addr()));
            flush.finish(cx);
        } else {
            page_table::publish();
            self.handle.resident.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Changes what the present page at `addr` allows; widening needs no flush on other CPUs (a stale translation
    /// faults and is found right).
    pub fn set_access(&mut self, cx: &mut CurrentThread, addr: UserAddr, access: Access) {
        check_page(addr);
        self.split_at(cx, addr.0);
        let Some(table) = self.table(addr.0) else {
            return;
        };
        if access.is_writable {
            let entry = table.load(Table::index(addr.0));
            check_writable(access, entry.is_present() && frame::facts(entry.addr()).1 == FrameKind::Boot, addr.0);
        }
        let Some(old) = table
            .change(Table::index(addr.0), |entry| entry.is_present().then(|| entry.with_rights(access.rights(), 0)))
        else {
            return;
        };
        let before = Access::of(old.rights());
        if access.is_executable && !before.is_executable {
            frame::make_executable(old.addr());
        }
        if !access.covers(before) {
            let mut flush = Flush::new(&self.handle);
            flush.add(cx, addr.0, None);
            flush.finish(cx);
        } else if access != before {
            self.handle.flush_widened(addr.0);
        }
    }

    /// Removes every mapping in the page-aligned range. One shootdown for the whole range.
    pub fn unmap(&mut self, cx: &mut CurrentThread, range: Range<UserAddr>) {
        let mut flush = Flush::new(&self.handle);
        if self.handle.blocks.load(Ordering::Relaxed) != 0 {
            self.unmap_blocks(cx, &mut flush, range.start.0..range.end.0);
        }
        let mut removed = 0;
        self.handle.each_page(range.start.0..range.end.0, |table, addr, _| {
            let old = table.swap(Table::index(addr), Entry::ABSENT);
            removed += 1;
            flush.add(cx, addr, Some(old.addr()));
        });
        flush.finish(cx);
        self.handle.resident.fetch_sub(removed, Ordering::Relaxed);
    }

    /// Changes what present pages of the range allow, as `new` decides from what is there; one shootdown.
    pub fn protect(
        &mut self,
        cx: &mut CurrentThread,
        range: Range<UserAddr>,
        new: &mut dyn FnMut(UserAddr, &Mapped) -> Access,
    ) {
        self.split(cx, range.start.0..range.end.0);
        let mut flush = Flush::new(&self.handle);
        self.handle.each_page(range.start.0..range.end.0, |table, addr, entry| {
            let found = mapped(entry);
            let access = new(UserAddr(addr), &found);
            if access == found.access {
                return;
            }
            check_writable(access, found.is_boot(), addr);
            if access.is_executable && !found.access.is_executable {
                frame::make_executable(entry.addr());
            }
            table.change(Table::index(addr), |entry| Some(entry.with_rights(access.rights(), 0)));
            if access.covers(found.access) {
                self.handle.flush_widened(addr);
            } else {
                flush.add(cx, addr, None);
            }
        });
        flush.finish(cx);
    }

    /// Present pages of the range for which `is_meant` count as not used until the next access.
    pub fn forget_use(
        &mut self,
        cx: &mut CurrentThread,
        range: Range<UserAddr>,
        is_meant: &mut dyn FnMut(&Mapped) -> bool,
    ) {
        self.split(cx, range.start.0..range.end.0);
        self.handle.each_page(range.start.0..range.end.0, |table, addr, entry| {
            if is_meant(&mapped(entry)) {
                table.change(Table::index(addr), |entry| Some(entry.not_accessed()));
            }
        });
        self.flush(cx);
    }

    /// Present pages of the range count as not changed until the next write, which faults for it.
    pub fn forget_changes(&mut self, cx: &mut CurrentThread, range: Range<UserAddr>) {
        self.split(cx, range.start.0..range.end.0);
        self.handle.each_page(range.start.0..range.end.0, |table, addr, _| {
            table.change(Table::index(addr), |entry| Some(entry.not_changed()));
        });
        self.flush(cx);
    }

    /// What is mapped at `addr`.
    pub fn query(&self, addr: UserAddr) -> Option<Mapped> {
        if addr.0 >= USER_END {
            return None;
        }
        let Some(table) = self.table(addr.0) else { return self.query_block(addr.0) };
        let entry = table.load(Table::index(addr.0));
        entry.is_present().then(|| mapped(entry))
    }

    #[inline(never)]
    fn query_block(&self, addr: usize) -> Option<Mapped> {
        Some(Mapped { is_block: true, ..mapped(self.handle.find_part(addr)?) })
    }

    /// A reference to the frame mapped at `addr`.
    pub fn frame(&self, addr: UserAddr) -> Option<Frame> {
        if addr.0 >= USER_END {
            return None;
        }
        let entry = match self.table(addr.0) {
            Some(table) => table.load(Table::index(addr.0)),
            None => self.handle.find_part(addr.0)?,
        };
        if !entry.is_present() {
            return None;
        }
        frame::add_mapping(entry.addr());
        // SAFETY: the count was just raised for the reference made here.
        Some(unsafe { Frame::from_mapping(entry.addr()) })
    }

    /// Visits present pages of the range in order.
    pub fn each(&self, range: Range<UserAddr>, visit: &mut dyn FnMut(UserAddr, &Mapped)) {
        self.handle.each_place(range.start.0..range.end.0, |place, part| match place {
            Place::Leaves(leaves) => {
                let base = part.start & !(LEAF_SPAN - 1);
                leaves.each(Table::index(part.start), Table::index(part.end - 1), |index, entry| {
                    visit(UserAddr(base + index * PAGE_SIZE), &mapped(entry));
                });
            }
            Place::Block(above, index) => {
                let block = above.load(index);
                for addr in part.step_by(PAGE_SIZE) {
                    let found = Mapped { is_block: true, ..mapped(block.part(Table::index(addr))) };
                    visit(UserAddr(addr), &found);
                }
            }
        });
    }

    /// Fork's copy: maps every present page of the range in `child` too (same frames, counts raised). With
    /// `is_private`, write access is taken from both sides first; the caller flushes by [`flush`](Self::flush) when done.
    pub fn share_into(
        &mut self,
        cx: &mut CurrentThread,
        child: &mut UserSpace,
        range: Range<UserAddr>,
        is_private: bool,
    ) -> Result<(), OutOfMemory> {
        // Blocks are shared page by page, so that each is copied by itself when it is written.
        self.split(cx, range.start.0..range.end.0);
        let mut copied = 0;
        let mut outcome = Ok(());
        self.handle.each_page(range.start.0..range.end.0, |table, addr, mut entry| {
            if outcome.is_err() {
                return;
            }
            let target = match child.table_or_new(addr) {
                Ok(target) => target,
                Err(error) => {
                    outcome = Err(error);
                    return;
                }
            };
            if is_private && entry.is_writable() {
                // A dirty bit set meanwhile may be lost: a private page's is not used for anything.
                entry = entry.write_protected();
                table.put(Table::index(addr), entry);
            }
            frame::add_mapping(entry.addr());
            target.put(Table::index(addr), entry);
            copied += 1;
        });
        page_table::publish();
        child.handle.resident.fetch_add(copied, Ordering::Relaxed);
        outcome
    }

    /// Makes every CPU forget this space's translations.
    pub fn flush(&mut self, cx: &mut CurrentThread) {
        let mut flush = Flush::new(&self.handle);
        flush.everything();
        flush.finish(cx);
    }

    /// Moves the mappings of `from` to `to` (mremap); ranges do not overlap and `to` is empty.
    pub fn move_pages(
        &mut self,
        cx: &mut CurrentThread,
        from: Range<UserAddr>,
        to: UserAddr,
    ) -> Result<(), OutOfMemory> {
        self.split(cx, from.start.0..from.end.0);
        // First every table that is needed, so that nothing can fail half-way.
        let handle = self.handle.clone();
        let mut outcome = Ok(());
        handle.each_page(from.start.0..from.end.0, |_, addr, _| {
            if outcome.is_ok() {
                outcome = self.table_or_new(to.0 + (addr - from.start.0)).map(|_| ());
            }
        });
        outcome?;
        let mut flush = Flush::new(&handle);
        handle.each_page(from.start.0..from.end.0, |table, addr, _| {
            let target = to.0 + (addr - from.start.0);
            let entry = table.swap(Table::index(addr), Entry::ABSENT);
            if let Some(place) = self.table(target) {
                // LINUX: what was moved counts as changed.
                place.put(Table::index(target), entry.changed());
            }
            flush.add(cx, addr, None);
        });
        page_table::publish();
        flush.finish(cx);
        Ok(())
    }

    /// Frames mapped (resident set) and frames used by the tables.
    pub fn counts(&self) -> (usize, usize) {
        (self.handle.resident.load(Ordering::Relaxed), self.handle.tables.load(Ordering::Relaxed))
    }
}

#[inline(always)]
fn check_page(addr: UserAddr) {
    assert!(addr.0.is_multiple_of(PAGE_SIZE) && addr.0 < USER_END, "{:#x} is not the address of a user page", addr.0);
}

/// Nothing may write the initial RAM disk, which safe code reads through a shared slice.
#[inline(always)]
fn check_writable(access: Access, is_boot: bool, addr: usize) {
    assert!(!(access.is_writable && is_boot), "the initial RAM disk's frame at {addr:#x} cannot be made writable");
}

#[inline(always)]
fn mapped(entry: Entry) -> Mapped {
    let (count, kind) = frame::facts(entry.addr());
    Mapped {
        count,
        frame: entry.addr(),
        kind,
        access: Access::of(entry.rights()),
        is_dirty: entry.is_dirty(),
        is_accessed: entry.is_accessed(),
        is_changed: entry.is_changed(),
        is_block: false,
    }
}

/// Another CPU asks this one to forget translations. Called by the architecture with interrupts off.
pub(crate) fn shootdown_interrupt() {
    super::flush::shootdown_interrupt();
}
