//! Copies between kernel and user memory, through a fix-up table: a fault in the copy is resolved by the kernel's
//! resolver, or the copy fails. Nothing else in the system touches user memory.
use crate::addr::UserAddr;
use crate::thread::CurrentThread;

/// User memory could not be accessed. Becomes EFAULT.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UserFault;

/// Copies from user memory. On a fault some of `to` may have been written.
pub fn read(_cx: &mut CurrentThread, _from: UserAddr, _to: &mut [u8]) -> Result<(), UserFault> {
    todo!()
}

/// Copies to user memory. On a fault some of it may have been written.
pub fn write(_cx: &mut CurrentThread, _to: UserAddr, _from: &[u8]) -> Result<(), UserFault> {
    todo!()
}

/// Zeroes user memory.
pub fn zero(_cx: &mut CurrentThread, _to: UserAddr, _bytes: usize) -> Result<(), UserFault> {
    todo!()
}

/// Copies a zero-terminated string into `to`, without its zero; answers its length. `Ok(None)`: no zero within `to.len()`
/// bytes.
pub fn read_string(_cx: &mut CurrentThread, _from: UserAddr, _to: &mut [u8]) -> Result<Option<usize>, UserFault> {
    todo!()
}

/// Reads an aligned 32-bit word atomically (futex).
pub fn load_u32(_cx: &mut CurrentThread, _from: UserAddr) -> Result<u32, UserFault> {
    todo!()
}

/// Compares and exchanges an aligned 32-bit word; answers the old value (futex, robust lists).
pub fn compare_exchange_u32(
    _cx: &mut CurrentThread,
    _at: UserAddr,
    _expected: u32,
    _new: u32,
) -> Result<u32, UserFault> {
    todo!()
}

/// Like [`read`] but never faults in and never sleeps: for probes and the profiler, from any context.
pub fn read_no_fault(_from: UserAddr, _to: &mut [u8]) -> Result<(), UserFault> {
    todo!()
}
