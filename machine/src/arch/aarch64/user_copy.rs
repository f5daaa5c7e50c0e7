//! Copies to and from user memory with fix-up entries.
use crate::addr::UserAddr;

/// How a string copy ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum StringEnd {
    /// At its zero byte.
    Zero,
    /// At the limit.
    Limit,
    /// At memory that could not be read.
    Fault,
}

/// Copies from user memory; answers the bytes not copied.
///
/// # Safety
/// `to` is writable for `bytes`; the source range lies in user space.
pub(crate) unsafe fn copy_in(_to: *mut u8, _from: UserAddr, _bytes: usize) -> usize {
    todo!()
}
/// Copies to user memory; answers the bytes not copied.
///
/// # Safety
/// `from` is readable for `bytes`; the target range lies in user space.
pub(crate) unsafe fn copy_out(_to: UserAddr, _from: *const u8, _bytes: usize) -> usize {
    todo!()
}
/// Zeroes user memory; answers the bytes not zeroed.
///
/// # Safety
/// The range lies in user space.
pub(crate) unsafe fn zero(_to: UserAddr, _bytes: usize) -> usize {
    todo!()
}
/// Copies up to `limit` bytes of a string without its zero; answers its length and how it ended.
///
/// # Safety
/// `to` is writable for `limit`; the source range lies in user space.
pub(crate) unsafe fn read_string(_to: *mut u8, _from: UserAddr, _limit: usize) -> (usize, StringEnd) {
    todo!()
}
/// Reads an aligned word; `None` on a fault.
///
/// # Safety
/// The word lies in user space.
pub(crate) unsafe fn load_u32(_from: UserAddr) -> Option<u32> {
    todo!()
}
/// Compares and exchanges an aligned word; the old value, or `None` on a fault.
///
/// # Safety
/// The word lies in user space.
pub(crate) unsafe fn compare_exchange_u32(_at: UserAddr, _expected: u32, _new: u32) -> Option<u32> {
    todo!()
}
/// Where to go on when the instruction at `pc` faults, if it belongs to a user copy.
pub(crate) fn find_fixup(_pc: usize) -> Option<usize> {
    todo!()
}
