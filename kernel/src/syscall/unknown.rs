//! Counts of system calls that have no row: they answer ENOSYS, and the tool says at the end which ones the program tried.
use crate::lock_order;
use alloc::vec::Vec;
use machine::sync::SpinLock;

/// (number, times), in order of first use.
static COUNTS: SpinLock<Vec<(u64, u64)>> = SpinLock::new(&lock_order::UNKNOWN_CALLS, Vec::new());

/// Most different numbers kept; a program that tries all of them is a fuzzer.
const MOST: usize = 1024;

/// Counts one.
pub(crate) fn count(number: u64) {
    COUNTS.with(|counts| {
        if let Some(entry) = counts.iter_mut().find(|entry| entry.0 == number) {
            entry.1 += 1;
        } else if counts.len() < MOST && counts.try_reserve(1).is_ok() {
            counts.push((number, 1));
        }
    });
}

/// What was tried: number, Linux's name for it if it has one, how often.
pub fn tried() -> Vec<(u64, Option<&'static str>, u64)> {
    let counts = COUNTS.with(|counts| counts.clone());
    counts.into_iter().map(|(number, times)| (number, abi::number::name(number), times)).collect()
}
