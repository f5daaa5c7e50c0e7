//! The futex call.
use super::argument::Flags;
use super::call::Call;
use crate::errno::{Errno, Restart, Result};
use crate::task::futex::{self, MATCH_ANY, TwoWords, Watched};
use crate::task::pi_futex::{self, Condition};
use crate::user_memory::UserPtr;
use abi::Timespec;
use abi::linux::{
    CLOCK_MONOTONIC, CLOCK_REALTIME, FUTEX_CLOCK_REALTIME, FUTEX_CMP_REQUEUE, FUTEX_CMP_REQUEUE_PI, FUTEX_LOCK_PI,
    FUTEX_LOCK_PI2, FUTEX_PRIVATE_FLAG, FUTEX_REQUEUE, FUTEX_TRYLOCK_PI, FUTEX_UNLOCK_PI, FUTEX_WAIT,
    FUTEX_WAIT_BITSET, FUTEX_WAIT_REQUEUE_PI, FUTEX_WAITV_MAX, FUTEX_WAKE, FUTEX_WAKE_BITSET, FUTEX_WAKE_OP,
};
use alloc::boxed::Box;
use alloc::vec::Vec;
use machine::addr::UserAddr;
use machine::time::{self, Instant};

/// A count of waiters as Linux takes it: negative wakes as zero would, but at least one.
fn count(value: u32) -> usize {
    // CAST: compared as a signed number.
    if (value as i32) < 1 { 1 } else { value as usize }
}

/// Waits for a word, or wakes those who do.
pub fn sys_futex(
    call: &mut Call<'_>,
    word: UserAddr,
    operation: Flags,
    value: u32,
    timeout: u64,
    second: UserAddr,
    value3: u32,
) -> Result<u64> {
    let is_private = operation.0 & FUTEX_PRIVATE_FLAG != 0;
    let is_wall_clock = operation.0 & FUTEX_CLOCK_REALTIME != 0;
    let command = operation.0 & !(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
    if is_wall_clock && !matches!(command, FUTEX_WAIT_BITSET | FUTEX_WAIT_REQUEUE_PI | FUTEX_LOCK_PI2) {
        return Err(Errno::ENOSYS);
    }
    let condition = Condition { word, lock: second, is_private, expected: value3 };
    // CAST: for these commands the register holds a number, not an address.
    let words = TwoWords { first: word, second, is_private, wake: value as usize, then: timeout as u32 as usize };
    match command {
        FUTEX_WAIT => {
            let deadline = read_timeout(call, timeout)?.map(|ns| time::now().after(ns));
            wait(call, Word { addr: word, is_private, value, bits: MATCH_ANY }, deadline)
        }
        FUTEX_WAIT_BITSET => {
            let deadline = read_deadline(call, timeout, is_wall_clock)?;
            wait(call, Word { addr: word, is_private, value, bits: value3 }, deadline)
        }
        FUTEX_WAKE => wake(call, word, is_private, value, MATCH_ANY),
        FUTEX_WAKE_BITSET => wake(call, word, is_private, value, value3),
        FUTEX_REQUEUE | FUTEX_CMP_REQUEUE => {
            // CAST: compared as signed numbers.
            if (value as i32) < 0 || (timeout as i32) < 0 {
                return Err(Errno::EINVAL);
            }
            let expected = (command == FUTEX_CMP_REQUEUE).then_some(value3);
            // LINUX: both count those who were moved, too, though futex(2) says it of the second one only.
            futex::requeue(call.cx, call.task, words, expected).map(|count| count as u64)
        }
        FUTEX_WAKE_OP => {
            let words = TwoWords { wake: count(value), then: count(timeout as u32), ..words };
            futex::wake_operation(call.cx, call.task, words, value3).map(|woken| woken as u64)
        }
        FUTEX_LOCK_PI | FUTEX_LOCK_PI2 => {
            // LINUX: the older of the two always counts by the wall clock.
            let deadline = read_deadline(call, timeout, is_wall_clock || command == FUTEX_LOCK_PI)?;
            pi_futex::lock(call.cx, call.task, word, is_private, deadline, false).map(|()| 0)
        }
        FUTEX_TRYLOCK_PI => pi_futex::lock(call.cx, call.task, word, is_private, None, true).map(|()| 0),
        FUTEX_UNLOCK_PI => pi_futex::unlock(call.cx, call.task, word, is_private).map(|()| 0),
        FUTEX_WAIT_REQUEUE_PI => {
            if value3 == 0 {
                return Err(Errno::EINVAL);
            }
            let deadline = read_deadline(call, timeout, is_wall_clock)?;
            let condition = Condition { expected: value, ..condition };
            pi_futex::wait_then_lock(call.cx, call.task, condition, deadline).map(|()| 0)
        }
        FUTEX_CMP_REQUEUE_PI => {
            // LINUX: exactly one is woken, or the lock would not be its.
            // CAST: compared as a signed number.
            if value != 1 || (timeout as i32) < 0 {
                return Err(Errno::EINVAL);
            }
            pi_futex::requeue(call.cx, call.task, condition, words.then).map(|count| count as u64)
        }
        _ => Err(Errno::ENOSYS),
    }
}

/// A time on one of two clocks.
fn read_deadline(call: &mut Call<'_>, addr: u64, is_wall_clock: bool) -> Result<Option<Instant>> {
    let offset = if is_wall_clock { time::wall_clock_offset() } else { 0 };
    Ok(read_timeout(call, addr)?.map(|ns| Instant(ns.saturating_sub(offset))))
}

/// Waits for one of several words.
pub fn sys_futex_waitv(
    call: &mut Call<'_>,
    waiters: UserPtr<[u64; 3]>,
    count: u32,
    flags: Flags,
    timeout: UserAddr,
    clock: i32,
) -> Result<u64> {
    const SIZE_U32: u32 = 2;
    if flags.0 != 0 || count == 0 || count > FUTEX_WAITV_MAX || waiters.is_null() {
        return Err(Errno::EINVAL);
    }
    let deadline = if timeout.is_null() {
        None
    } else {
        let is_wall_clock = match u32::try_from(clock) {
            Ok(CLOCK_REALTIME) => true,
            Ok(CLOCK_MONOTONIC) => false,
            _ => return Err(Errno::EINVAL),
        };
        read_deadline(call, timeout.0 as u64, is_wall_clock)?
    };
    let mut words = Vec::new();
    words.try_reserve_exact(count as usize)?;
    for [expected, addr, flags] in waiters.read_vec(call.cx, count as usize)? {
        // The high half is reserved.
        if flags & !u64::from(FUTEX_PRIVATE_FLAG) != u64::from(SIZE_U32) {
            return Err(Errno::EINVAL);
        }
        let is_private = flags & u64::from(FUTEX_PRIVATE_FLAG) != 0;
        // CAST: usize is 64 bits on both architectures; words have 32.
        words.push(Watched { addr: UserAddr(addr as usize), is_private, expected: expected as u32 });
    }
    futex::wait_for_any(call.cx, call.task, &words, deadline).map(|index| index as u64)
}

fn read_timeout(call: &mut Call<'_>, addr: u64) -> Result<Option<u64>> {
    // CAST: usize is 64 bits on both architectures.
    match UserPtr::<Timespec>::new(UserAddr(addr as usize)).non_null() {
        Some(timeout) => Ok(Some(timeout.read(call.cx)?.to_ns().ok_or(Errno::EINVAL)?)),
        None => Ok(None),
    }
}

fn wake(call: &mut Call<'_>, word: UserAddr, is_private: bool, value: u32, bits: u32) -> Result<u64> {
    futex::wake(call.cx, call.task, word, is_private, count(value), bits).map(|woken| woken as u64)
}

/// What is waited for.
#[derive(Clone, Copy)]
struct Word {
    addr: UserAddr,
    is_private: bool,
    value: u32,
    bits: u32,
}

/// Interrupted with a timeout, the wait goes on until the same deadline, unless a handler ran.
fn wait(call: &mut Call<'_>, word: Word, deadline: Option<Instant>) -> Result<u64> {
    let Word { addr, is_private, value, bits } = word;
    match futex::wait(call.cx, call.task, addr, is_private, value, bits, deadline) {
        Err(error) if error.restart().is_some() && deadline.is_some() => {
            call.task.set_restart_block(Box::new(move |call| wait(call, word, deadline)));
            Err(Restart::WithBlock.into())
        }
        result => result.map(|()| 0),
    }
}
