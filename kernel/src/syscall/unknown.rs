//! Counts of system calls that have no row: they answer ENOSYS, and the tool says at the end which ones the program tried.
use crate::console;
use crate::lock_order;
use alloc::vec::Vec;
use machine::sync::SpinLock;
use machine::thread::CurrentThread;

/// (number, times), in order of first use.
static COUNTS: SpinLock<Vec<(u64, u64)>> = SpinLock::new(&lock_order::UNKNOWN_CALLS, Vec::new());

/// Most different numbers kept; a program that tries all of them is a fuzzer.
const MOST: usize = 1024;

/// Counts one.
pub(super) fn count(cx: &CurrentThread, number: u64) {
    let mut counts = COUNTS.lock(cx);
    if let Some(entry) = counts.iter_mut().find(|entry| entry.0 == number) {
        entry.1 += 1;
    } else if counts.len() < MOST && counts.try_reserve(1).is_ok() {
        counts.push((number, 1));
    }
}

/// Tells the user, at the end of the run and only if there were any: number, and how often, in order of first use.
pub(crate) fn report(cx: &mut CurrentThread) {
    let entry = |cx: &CurrentThread, index: usize| COUNTS.lock(cx).get(index).copied();
    let mut index = 0;
    while let Some((number, times)) = entry(cx, index) {
        index += 1;
        let name = abi::number::name(number).unwrap_or("no such call in Linux");
        console::report(
            cx,
            format_args!("unsupported system call {number} ({name}): tried {times} times, answered ENOSYS"),
        );
    }
}
