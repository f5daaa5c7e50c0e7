//! The futex call.
use super::argument::Flags;
use super::call::Call;
use crate::errno::{Errno, Restart, Result};
use crate::task::futex::{self, MATCH_ANY, TwoWords};
use crate::user_memory::UserPtr;
use abi::Timespec;
use abi::linux::{
    FUTEX_CLOCK_REALTIME, FUTEX_CMP_REQUEUE, FUTEX_PRIVATE_FLAG, FUTEX_REQUEUE, FUTEX_WAIT, FUTEX_WAIT_BITSET,
    FUTEX_WAKE, FUTEX_WAKE_BITSET, FUTEX_WAKE_OP,
};
use alloc::boxed::Box;
use machine::addr::UserAddr;
use machine::time::{self, Instant};

/// A count of waiters as Linux takes it: negative wakes as zero would, but at least one.
fn count(value: u32) -> usize {
    // CAST: compared as a signed number.
    if (value as i32) < 1 { 1 } else { value as usize }
}

/// Waits for a word, or wakes those who do. Priority inheritance is not supported (ENOSYS).
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
    if is_wall_clock && command != FUTEX_WAIT_BITSET {
        return Err(Errno::ENOSYS);
    }
    // CAST: for these commands the register holds a number, not an address.
    let words = TwoWords { first: word, second, is_private, wake: value as usize, then: timeout as u32 as usize };
    match command {
        FUTEX_WAIT => {
            let deadline = read_timeout(call, timeout)?.map(|ns| time::now().after(ns));
            wait(call, word, is_private, value, deadline)
        }
        FUTEX_WAIT_BITSET => {
            let deadline = read_timeout(call, timeout)?.map(|ns| match is_wall_clock {
                true => Instant(ns.saturating_sub(time::wall_clock_offset())),
                false => Instant(ns),
            });
            futex::wait(call.cx, call.task, word, is_private, value, value3, deadline).map(|()| 0)
        }
        FUTEX_WAKE => wake(call, word, is_private, value, MATCH_ANY),
        FUTEX_WAKE_BITSET => wake(call, word, is_private, value, value3),
        FUTEX_REQUEUE | FUTEX_CMP_REQUEUE => {
            // CAST: compared as signed numbers.
            if (value as i32) < 0 || (timeout as i32) < 0 {
                return Err(Errno::EINVAL);
            }
            let expected = (command == FUTEX_CMP_REQUEUE).then_some(value3);
            let (woken, moved) = futex::requeue(call.cx, call.task, words, expected)?;
            Ok((if expected.is_some() { woken + moved } else { woken }) as u64)
        }
        FUTEX_WAKE_OP => {
            let words = TwoWords { wake: count(value), then: count(timeout as u32), ..words };
            futex::wake_operation(call.cx, call.task, words, value3).map(|woken| woken as u64)
        }
        _ => Err(Errno::ENOSYS),
    }
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

/// FUTEX_WAIT: interrupted with a timeout, it goes on until the same deadline.
fn wait(call: &mut Call<'_>, word: UserAddr, is_private: bool, value: u32, deadline: Option<Instant>) -> Result<u64> {
    match futex::wait(call.cx, call.task, word, is_private, value, MATCH_ANY, deadline) {
        Err(error) if error.restart().is_some() && deadline.is_some() => {
            call.task.set_restart_block(Box::new(move |call| wait(call, word, is_private, value, deadline)));
            Err(Restart::WithBlock.into())
        }
        result => result.map(|()| 0),
    }
}
