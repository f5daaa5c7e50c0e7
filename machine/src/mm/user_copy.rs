//! Copies between kernel and user memory, through a fix-up table: a fault in the copy is resolved by the kernel's
//! resolver, or the copy fails. Nothing else in the system touches user memory.
use crate::addr::{USER_END, UserAddr};
use crate::arch::user_copy::{self as raw, StringEnd};
use crate::thread::{CurrentThread, header};

/// User memory could not be accessed. Becomes EFAULT.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UserFault;

/// Whether `bytes` from `start` on lie in user space.
#[inline(always)]
fn check(start: UserAddr, bytes: usize) -> Result<(), UserFault> {
    match start.0.checked_add(bytes) {
        Some(end) if end <= USER_END => Ok(()),
        _ => Err(UserFault),
    }
}

/// Copies from user memory. On a fault some of `to` may have been written.
#[track_caller]
#[inline]
pub fn read(cx: &mut CurrentThread, from: UserAddr, to: &mut [u8]) -> Result<(), UserFault> {
    // SAFETY: the slice is valid for writes.
    unsafe { read_raw(cx, from, to.as_mut_ptr(), to.len()) }
}

/// Copies to user memory. On a fault some of it may have been written.
#[track_caller]
#[inline]
pub fn write(cx: &mut CurrentThread, to: UserAddr, from: &[u8]) -> Result<(), UserFault> {
    // SAFETY: the slice is valid for reads.
    unsafe { write_raw(cx, to, from.as_ptr(), from.len()) }
}

/// [`read`] to a pointer.
///
/// # Safety
/// 1. `to` is valid for writes of `bytes`.
#[track_caller]
pub(super) unsafe fn read_raw(
    cx: &mut CurrentThread,
    from: UserAddr,
    to: *mut u8,
    bytes: usize,
) -> Result<(), UserFault> {
    cx.assert_may_sleep();
    check(from, bytes)?;
    // SAFETY: (1), and the range is in user space.
    if unsafe { raw::copy_in(to, from, bytes) } == 0 { Ok(()) } else { Err(UserFault) }
}

/// [`write`] from a pointer.
///
/// # Safety
/// 1. `from` is valid for reads of `bytes`.
#[track_caller]
pub(super) unsafe fn write_raw(
    cx: &mut CurrentThread,
    to: UserAddr,
    from: *const u8,
    bytes: usize,
) -> Result<(), UserFault> {
    cx.assert_may_sleep();
    check(to, bytes)?;
    // SAFETY: (1), and the range is in user space.
    if unsafe { raw::copy_out(to, from, bytes) } == 0 { Ok(()) } else { Err(UserFault) }
}

/// Zeroes user memory.
#[track_caller]
pub fn zero(cx: &mut CurrentThread, to: UserAddr, bytes: usize) -> Result<(), UserFault> {
    cx.assert_may_sleep();
    check(to, bytes)?;
    // SAFETY: the range is in user space.
    if unsafe { raw::zero(to, bytes) } == 0 { Ok(()) } else { Err(UserFault) }
}

/// Copies a zero-terminated string into `to`, without its zero; answers its length. `Ok(None)`: no zero within `to.len()`
/// bytes.
#[track_caller]
pub fn read_string(cx: &mut CurrentThread, from: UserAddr, to: &mut [u8]) -> Result<Option<usize>, UserFault> {
    cx.assert_may_sleep();
    check(from, 0)?;
    let limit = to.len().min(USER_END - from.0);
    // SAFETY: the slice is valid for writes of the limit, and the range is in user space.
    match unsafe { raw::read_string(to.as_mut_ptr(), from, limit) } {
        (length, StringEnd::Zero) => Ok(Some(length)),
        (_, StringEnd::Limit) if limit == to.len() => Ok(None),
        (_, StringEnd::Limit | StringEnd::Fault) => Err(UserFault),
    }
}

/// Reads an aligned 32-bit word atomically (futex).
#[track_caller]
pub fn load_u32(cx: &mut CurrentThread, from: UserAddr) -> Result<u32, UserFault> {
    cx.assert_may_sleep();
    check(from, 4)?;
    if !from.0.is_multiple_of(4) {
        return Err(UserFault);
    }
    // SAFETY: the word is in user space.
    unsafe { raw::load_u32(from) }.ok_or(UserFault)
}

/// Compares and exchanges an aligned 32-bit word; answers the old value (futex, robust lists).
#[track_caller]
pub fn compare_exchange_u32(cx: &mut CurrentThread, at: UserAddr, expected: u32, new: u32) -> Result<u32, UserFault> {
    cx.assert_may_sleep();
    check(at, 4)?;
    if !at.0.is_multiple_of(4) {
        return Err(UserFault);
    }
    // SAFETY: the word is in user space.
    unsafe { raw::compare_exchange_u32(at, expected, new) }.ok_or(UserFault)
}

/// Like [`read`] but never faults in and never sleeps: for probes and the profiler, from any context.
pub fn read_no_fault(from: UserAddr, to: &mut [u8]) -> Result<(), UserFault> {
    // SAFETY: the slice is valid for writes.
    unsafe { read_raw_no_fault(from, to.as_mut_ptr(), to.len()) }
}

/// [`read_no_fault`] of words.
pub(crate) fn read_words_no_fault(from: UserAddr, to: &mut [u64]) -> Result<(), UserFault> {
    // SAFETY: the slice is valid for writes, and words may have any value.
    unsafe { read_raw_no_fault(from, to.as_mut_ptr().cast(), size_of_val(to)) }
}

/// [`read_no_fault`] to a pointer.
///
/// # Safety
/// 1. `to` is valid for writes of `bytes`.
unsafe fn read_raw_no_fault(from: UserAddr, to: *mut u8, bytes: usize) -> Result<(), UserFault> {
    check(from, bytes)?;
    let header = header::preempt_off();
    header.no_fault.set(header.no_fault.get() + 1);
    // SAFETY: (1), and the range is in user space.
    let left = unsafe { raw::copy_in(to, from, bytes) };
    header.no_fault.set(header.no_fault.get() - 1);
    header::preempt_on(header);
    if left == 0 { Ok(()) } else { Err(UserFault) }
}
