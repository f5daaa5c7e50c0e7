//! What can go wrong in memory management, and the one place where it becomes an error number.
use crate::errno::Errno;
use machine::mm::OutOfMemory;
use pure::range_map;

/// Why a mapping could not be made or changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MapError {
    /// An argument makes no sense.
    BadArgument,
    /// The range lies outside user space, or nothing is mapped in a part of it.
    NotMapped,
    /// No room in the address space, or a limit is reached.
    NoRoom,
    /// No memory.
    OutOfMemory,
    /// Something is mapped there already (MAP_FIXED_NOREPLACE).
    Occupied,
    /// The address is below what programs may map.
    TooLow,
    /// The file or the mapping forbids it.
    Forbidden,
    /// The file is sealed against it.
    Sealed,
    /// The file cannot be mapped.
    NotMappable,
    /// Offset and length do not fit together.
    Overflow,
    /// The range spans what it must not (mremap).
    BadRange,
    /// Locked memory beyond RLIMIT_MEMLOCK, or that cannot all be made present.
    LockLimit,
    /// The memory is locked, and the call would take it away.
    Locked,
}

impl From<MapError> for Errno {
    fn from(error: MapError) -> Errno {
        match error {
            MapError::BadArgument => Errno::EINVAL,
            MapError::NotMapped | MapError::NoRoom | MapError::OutOfMemory => Errno::ENOMEM,
            MapError::Occupied => Errno::EEXIST,
            MapError::TooLow | MapError::Sealed => Errno::EPERM,
            MapError::Forbidden => Errno::EACCES,
            MapError::NotMappable => Errno::ENODEV,
            MapError::Overflow => Errno::EOVERFLOW,
            MapError::BadRange => Errno::EFAULT,
            MapError::LockLimit => Errno::EAGAIN,
            MapError::Locked => Errno::EBUSY,
        }
    }
}
impl From<OutOfMemory> for MapError {
    fn from(_: OutOfMemory) -> MapError {
        MapError::OutOfMemory
    }
}
impl From<range_map::NoMemory> for MapError {
    fn from(_: range_map::NoMemory) -> MapError {
        MapError::OutOfMemory
    }
}

/// Why a page fault cannot be resolved: the signal to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultError {
    /// Nothing is mapped there: SIGSEGV, SEGV_MAPERR.
    NotMapped,
    /// The area forbids it: SIGSEGV, SEGV_ACCERR.
    Forbidden,
    /// Beyond the end of the mapped file: SIGBUS, BUS_ADRERR.
    BeyondFile,
    /// The file could not be read: SIGBUS, BUS_ADRERR.
    ReadFailed,
    /// No memory is left: the program is ended (Linux: by its OOM killer, SIGKILL).
    OutOfMemory,
}

impl From<OutOfMemory> for FaultError {
    fn from(_: OutOfMemory) -> FaultError {
        FaultError::OutOfMemory
    }
}
