//! User page tables. A mapping owns a reference to its frame; unmapping gives it back only after every CPU has
//! forgotten the translation. Changing a table needs `&mut UserSpace`, so the kernel's lock around it is what serialises.
use super::frame::{Frame, OutOfMemory};
use crate::addr::UserAddr;
use crate::thread::CurrentThread;
use alloc::sync::Arc;
use core::ops::Range;

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

/// A present mapping, as found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// References to its frame, this one included.
    pub count: u32,
    /// What it allows.
    pub access: Access,
    /// Written since mapped or since last asked.
    pub is_dirty: bool,
    /// Used since mapped or since last asked.
    pub is_accessed: bool,
}

/// What a thread needs to run in an address space: the root, the CPUs that have it loaded, its ASID/PCID. Keeps the page
/// tables alive while any CPU has them loaded.
pub struct SpaceHandle {
    _private: (),
}

/// A user page table.
pub struct UserSpace {
    _private: (),
}

impl UserSpace {
    /// An empty one.
    pub fn new() -> Result<UserSpace, OutOfMemory> {
        todo!()
    }
    /// For [`CurrentThread::set_space`].
    pub fn handle(&self) -> Arc<SpaceHandle> {
        todo!()
    }
    /// Maps `frame` at page-aligned `addr` where nothing is mapped (panics otherwise: the kernel's bug).
    pub fn map(&mut self, _addr: UserAddr, _frame: Frame, _access: Access) -> Result<(), OutOfMemory> {
        todo!()
    }
    /// Replaces the frame mapped at `addr` (copy-on-write), and flushes the old translation everywhere.
    pub fn replace(
        &mut self,
        _cx: &mut CurrentThread,
        _addr: UserAddr,
        _frame: Frame,
        _access: Access,
    ) -> Result<(), OutOfMemory> {
        todo!()
    }
    /// Changes what the present page at `addr` allows; widening needs no flush on other CPUs (a stale translation
    /// faults and is found right).
    pub fn set_access(&mut self, _cx: &mut CurrentThread, _addr: UserAddr, _access: Access) {
        todo!()
    }
    /// Removes every mapping in the page-aligned range. One shootdown for the whole range.
    pub fn unmap(&mut self, _cx: &mut CurrentThread, _range: Range<UserAddr>) {
        todo!()
    }
    /// Changes what present pages of the range allow, as `new` decides from what is there; one shootdown.
    pub fn protect(
        &mut self,
        _cx: &mut CurrentThread,
        _range: Range<UserAddr>,
        _new: &mut dyn FnMut(UserAddr, &Mapped) -> Access,
    ) {
        todo!()
    }
    /// What is mapped at `addr`.
    pub fn query(&self, _addr: UserAddr) -> Option<Mapped> {
        todo!()
    }
    /// A reference to the frame mapped at `addr`.
    pub fn frame(&self, _addr: UserAddr) -> Option<Frame> {
        todo!()
    }
    /// Visits present pages of the range in order.
    pub fn each(&self, _range: Range<UserAddr>, _visit: &mut dyn FnMut(UserAddr, &Mapped)) {
        todo!()
    }
    /// Fork's copy: maps every present page of the range in `child` too (same frames, counts raised). With
    /// `is_private`, write access is taken from both sides first; the caller flushes by [`flush`](Self::flush) when done.
    pub fn share_into(
        &mut self,
        _child: &mut UserSpace,
        _range: Range<UserAddr>,
        _is_private: bool,
    ) -> Result<(), OutOfMemory> {
        todo!()
    }
    /// Makes every CPU forget this space's translations.
    pub fn flush(&mut self, _cx: &mut CurrentThread) {
        todo!()
    }
    /// Moves the mappings of `from` to `to` (mremap); ranges do not overlap and `to` is empty.
    pub fn move_pages(
        &mut self,
        _cx: &mut CurrentThread,
        _from: Range<UserAddr>,
        _to: UserAddr,
    ) -> Result<(), OutOfMemory> {
        todo!()
    }
    /// Frames mapped (resident set) and frames used by the tables.
    pub fn counts(&self) -> (usize, usize) {
        todo!()
    }
}

/// Another CPU asks this one to forget translations. Called by the architecture with interrupts off.
#[allow(dead_code)]
pub(crate) fn shootdown_interrupt() {
    todo!()
}
