//! Making pages present before they are used: MAP_POPULATE, MADV_POPULATE_*, mlock.
use super::error::{FaultError, MapError};
use super::fault::Step;
use super::oom;
use super::space::{AddressSpace, Memory};
use super::vma::{Locking, Protection, Vma};
use core::ops::Range;
use machine::addr::{PAGE_SIZE, UserAddr};
use machine::mm::Frame;
use machine::thread::CurrentThread;
use machine::user::{AccessKind, PageFault};

/// Pages made present under one hold of the lock.
const BATCH_PAGES: usize = 512;

/// As what pages are made present.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Populate {
    /// As if read; what cannot be read is refused.
    Readable,
    /// As if written; what cannot be written is refused.
    Writable,
    /// As the areas allow: private writable memory as if written, everything else as if read.
    AsAllowed,
    /// The same, in areas that are locked whole.
    Locked,
}

impl Populate {
    /// The access that an area's pages take; `None` leaves the area out.
    fn kind(self, vma: &Vma) -> Result<Option<AccessKind>, MapError> {
        let allowed = |right, kind| {
            if vma.protection.allows(right) { Ok(Some(kind)) } else { Err(MapError::BadArgument) }
        };
        match self {
            Populate::Readable => allowed(Protection::READ, AccessKind::Read),
            Populate::Writable => allowed(Protection::WRITE, AccessKind::Write),
            Populate::Locked if vma.locking != Locking::Whole => Ok(None),
            _ if vma.protection == Protection::NONE => Err(MapError::NotMapped),
            _ if vma.protection.allows(Protection::WRITE) && !vma.is_shared => Ok(Some(AccessKind::Write)),
            _ => Ok(Some(AccessKind::Read)),
        }
    }
}

impl AddressSpace {
    /// Makes the pages of a range present, in order, up to the first that cannot be: NotMapped at a hole, BadArgument where the
    /// area does not allow it, BadRange beyond the end of a file.
    pub(crate) fn populate(&self, cx: &mut CurrentThread, range: Range<usize>, how: Populate) -> Result<(), MapError> {
        let mut _kept: Option<Frame> = None;
        let mut at = range.start;
        while at < range.end {
            let end = range.end.min(at.saturating_add(BATCH_PAGES * PAGE_SIZE));
            let (reached, step) = self.memory.lock(cx).populate(cx, at..end, how);
            at = reached;
            match step.and_then(|step| step.perform(cx).map_err(MapError::from)) {
                Ok(frame) => _kept = frame,
                Err(MapError::OutOfMemory) if oom::relieve(cx) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Memory {
    /// Answers how far it came, and what is to be done before it can go on.
    fn populate(
        &mut self,
        cx: &mut CurrentThread,
        range: Range<usize>,
        how: Populate,
    ) -> (usize, Result<Step, MapError>) {
        let mut at = range.start;
        while at < range.end {
            let Some(entry) = self.areas.find(at) else { return (at, Err(MapError::NotMapped)) };
            let end = entry.end.min(range.end);
            let kind = match how.kind(&entry.value) {
                Ok(Some(kind)) => kind,
                Ok(None) => {
                    at = end;
                    continue;
                }
                Err(error) => return (at, Err(error)),
            };
            while at < end {
                match self.resolve(cx, PageFault { addr: UserAddr(at), kind, is_present: false }) {
                    Ok(Step::Done) => at += PAGE_SIZE,
                    other => return (at, other.map_err(MapError::from)),
                }
            }
        }
        (at, Ok(Step::Done))
    }
}

impl From<FaultError> for MapError {
    fn from(error: FaultError) -> MapError {
        match error {
            FaultError::NotMapped => MapError::NotMapped,
            FaultError::Forbidden => MapError::BadArgument,
            FaultError::BeyondFile | FaultError::ReadFailed => MapError::BadRange,
            FaultError::OutOfMemory => MapError::OutOfMemory,
        }
    }
}
