//! Futexes: threads that sleep until another says that a word of user memory may have changed.
//!
//! One table from keys to queues, under one lock (`FUTEX`). A waiter enters its queue before it reads the word: whoever
//! changes the word and then wakes finds it there, and nothing that can fault happens under the lock. A waiter that then
//! finds the word changed leaves again; if somebody woke it meanwhile, that counts as its wake-up.
use super::Task;
use crate::errno::{Errno, Result};
use crate::lock_order;
use crate::mm::WordKey;
use crate::trace::{self, Counter};
use crate::user_memory::UserPtr;
use abi::RobustListHead;
use abi::linux::{FUTEX_OWNER_DIED, FUTEX_TID_MASK, FUTEX_WAITERS};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};
use machine::addr::UserAddr;
use machine::defect::{self, Defect};
use machine::mm::user_copy;
use machine::sync::{SpinLock, Wait, WaitError, Waiter, Wake};
use machine::thread::CurrentThread;
use machine::time::Instant;

/// A set that matches every waiter.
pub const MATCH_ANY: u32 = u32::MAX;
/// Most entries of a robust list that are looked at (Linux's ROBUST_LIST_LIMIT).
const ROBUST_ENTRIES: usize = 2048;

struct FutexWaiter {
    waiter: Arc<Waiter>,
    is_woken: AtomicBool,
    /// Where it waits now: requeueing changes it.
    key: SpinLock<WordKey>,
    bits: u32,
}

type Table = BTreeMap<WordKey, VecDeque<Arc<FutexWaiter>>>;
static TABLE: SpinLock<Table> = SpinLock::new(&lock_order::FUTEX, BTreeMap::new());

/// What a futex's address stands for: the same word of memory, whoever names it.
pub(super) fn key(cx: &mut CurrentThread, task: &Task, addr: UserAddr, is_private: bool) -> Result<WordKey> {
    if !addr.0.is_multiple_of(4) {
        return Err(Errno::EINVAL);
    }
    let space = task.space(cx).ok_or(Errno::EFAULT)?;
    if is_private { Ok(space.private_word(addr)) } else { Ok(space.word_key(cx, addr)?) }
}

fn remove(cx: &CurrentThread, waiter: &Arc<FutexWaiter>) {
    let mut table = TABLE.lock(cx);
    let key = waiter.key.with(|key| *key);
    if let Some(queue) = table.get_mut(&key) {
        queue.retain(|other| !Arc::ptr_eq(other, waiter));
        if queue.is_empty() {
            table.remove(&key);
        }
    }
}

/// Sleeps while the word is `expected`, until woken by someone whose set meets `bits`, or the deadline. EAGAIN if the word
/// is something else; ETIMEDOUT; a wait error when interrupted.
pub fn wait(
    cx: &mut CurrentThread,
    task: &Task,
    addr: UserAddr,
    is_private: bool,
    expected: u32,
    bits: u32,
    deadline: Option<Instant>,
) -> Result<()> {
    if bits == 0 {
        return Err(Errno::EINVAL);
    }
    let key = key(cx, task, addr, is_private)?;
    let waiter = Arc::new(FutexWaiter {
        waiter: Waiter::new(cx),
        is_woken: AtomicBool::new(false),
        key: SpinLock::new(&lock_order::FUTEX_KEY, key),
        bits,
    });
    TABLE.lock(cx).entry(key).or_default().push_back(waiter.clone());
    let outcome = match user_copy::load_u32(cx, addr) {
        Ok(value) if value == expected => sleep(cx, &waiter, deadline),
        Ok(_) => Err(Errno::EAGAIN),
        Err(fault) => Err(fault.into()),
    };
    remove(cx, &waiter);
    if waiter.is_woken.load(Ordering::Acquire) { Ok(()) } else { outcome }
}

fn sleep(cx: &mut CurrentThread, waiter: &FutexWaiter, deadline: Option<Instant>) -> Result<()> {
    trace::count(Counter::FutexWaits);
    loop {
        let waited = waiter.waiter.wait(cx, Wait::interruptible("a futex").until(deadline));
        if waiter.is_woken.load(Ordering::Acquire) {
            return Ok(());
        }
        match waited {
            Ok(()) => {}
            Err(error @ (WaitError::TimedOut | WaitError::Interrupted)) => return Err(error.into()),
        }
    }
}

/// One of several words to wait for.
#[derive(Clone, Copy, Debug)]
pub struct Watched {
    /// The word.
    pub addr: UserAddr,
    /// Whether it is private to the process.
    pub is_private: bool,
    /// What it must be.
    pub expected: u32,
}

/// Sleeps while every word is what is expected of it; answers the index of one that was woken. Errors as [`wait`].
pub fn wait_for_any(
    cx: &mut CurrentThread,
    task: &Task,
    words: &[Watched],
    deadline: Option<Instant>,
) -> Result<usize> {
    let waiter = Waiter::new(cx);
    let mut entries: Vec<Arc<FutexWaiter>> = Vec::new();
    entries.try_reserve_exact(words.len())?;
    for word in words {
        let key = key(cx, task, word.addr, word.is_private)?;
        entries.push(Arc::new(FutexWaiter {
            waiter: waiter.clone(),
            is_woken: AtomicBool::new(false),
            key: SpinLock::new(&lock_order::FUTEX_KEY, key),
            bits: MATCH_ANY,
        }));
    }
    for entry in &entries {
        let key = entry.key.with(|key| *key);
        TABLE.lock(cx).entry(key).or_default().push_back(entry.clone());
    }
    let is_changed = words.iter().try_fold(false, |is_changed, word| {
        Ok::<_, Errno>(is_changed || user_copy::load_u32(cx, word.addr)? != word.expected)
    });
    let is_any_woken = || entries.iter().any(|entry| entry.is_woken.load(Ordering::Acquire));
    let outcome = match is_changed {
        Ok(false) => loop {
            let waited = waiter.wait(cx, Wait::interruptible("one of several futexes").until(deadline));
            if is_any_woken() {
                break Ok(());
            }
            if let Err(error) = waited {
                break Err(error.into());
            }
        },
        Ok(true) => Err(Errno::EAGAIN),
        Err(error) => Err(error),
    };
    entries.iter().for_each(|entry| remove(cx, entry));
    // Whoever was woken has had its wake-up, whatever else there is to say.
    match entries.iter().rposition(|entry| entry.is_woken.load(Ordering::Acquire)) {
        Some(index) => Ok(index),
        None => outcome.and(Err(Errno::EAGAIN)),
    }
}

/// Wakes up to `count` waiters of a queue whose sets meet `bits`.
fn wake_queue(table: &mut Table, key: WordKey, count: usize, bits: u32) -> usize {
    let Some(queue) = table.get_mut(&key) else { return 0 };
    let mut woken = 0;
    queue.retain(|waiter| {
        if woken < count && waiter.bits & bits != 0 {
            woken += 1;
            trace::count(Counter::FutexWakes);
            waiter.is_woken.store(true, Ordering::Release);
            if !defect::is_one_of(32, Defect::LostWake) {
                waiter.waiter.wake();
            }
            false
        } else {
            true
        }
    });
    if queue.is_empty() {
        table.remove(&key);
    }
    woken
}

/// Wakes up to `count` waiters of a word; answers how many.
pub fn wake(
    cx: &mut CurrentThread,
    task: &Task,
    addr: UserAddr,
    is_private: bool,
    count: usize,
    bits: u32,
) -> Result<usize> {
    if bits == 0 {
        return Err(Errno::EINVAL);
    }
    let key = key(cx, task, addr, is_private)?;
    Ok(wake_queue(&mut TABLE.lock(cx), key, count, bits))
}

/// Which words, and how many waiters: requeueing and wake-op.
#[derive(Clone, Copy, Debug)]
pub struct TwoWords {
    /// The first word.
    pub first: UserAddr,
    /// The second.
    pub second: UserAddr,
    /// Whether both are private to the process.
    pub is_private: bool,
    /// How many waiters of the first word to wake.
    pub wake: usize,
    /// How many to move, or how many of the second word to wake.
    pub then: usize,
}

/// Wakes waiters of the first word and lets others wait for the second instead. With `expected`, EAGAIN if the first word
/// has another value. Answers how many were woken or moved.
pub fn requeue(cx: &mut CurrentThread, task: &Task, words: TwoWords, expected: Option<u32>) -> Result<usize> {
    let from = key(cx, task, words.first, words.is_private)?;
    let to = key(cx, task, words.second, words.is_private)?;
    if let Some(expected) = expected
        && user_copy::load_u32(cx, words.first)? != expected
    {
        return Err(Errno::EAGAIN);
    }
    let mut table = TABLE.lock(cx);
    let woken = wake_queue(&mut table, from, words.wake, MATCH_ANY);
    let mut moved = 0;
    if from != to {
        while moved < words.then {
            let Some(waiter) = table.get_mut(&from).and_then(VecDeque::pop_front) else { break };
            waiter.key.with(|key| *key = to);
            table.entry(to).or_default().push_back(waiter);
            moved += 1;
        }
        if table.get(&from).is_some_and(VecDeque::is_empty) {
            table.remove(&from);
        }
    } else {
        // LINUX: moving to the same place counts as moved.
        moved = table.get(&from).map_or(0, |queue| queue.len().min(words.then));
    }
    Ok(woken + moved)
}

/// Changes the second word by `operation`, wakes waiters of the first, and those of the second if its old value
/// compared as the operation says.
pub fn wake_operation(cx: &mut CurrentThread, task: &Task, words: TwoWords, operation: u32) -> Result<usize> {
    let first = key(cx, task, words.first, words.is_private)?;
    let second = key(cx, task, words.second, words.is_private)?;
    let operation = Operation::decode(operation)?;
    let mut old = user_copy::load_u32(cx, words.second)?;
    loop {
        let found = user_copy::compare_exchange_u32(cx, words.second, old, operation.apply(old))?;
        if found == old {
            break;
        }
        old = found;
    }
    let mut table = TABLE.lock(cx);
    let mut woken = wake_queue(&mut table, first, words.wake, MATCH_ANY);
    if operation.compares(old) {
        woken += wake_queue(&mut table, second, words.then, MATCH_ANY);
    }
    Ok(woken)
}

/// FUTEX_WAKE_OP's little program.
struct Operation {
    operation: u32,
    comparison: u32,
    operand: u32,
    compared_with: u32,
}

impl Operation {
    fn decode(word: u32) -> Result<Operation> {
        // CAST: twelve-bit signed fields, as Linux extends them.
        let signed = |value: u32| ((value << 20) as i32 >> 20) as u32;
        let mut decoded = Operation {
            operation: word >> 28 & 7,
            comparison: word >> 24 & 15,
            operand: signed(word >> 12 & 0xfff),
            compared_with: signed(word & 0xfff),
        };
        if word >> 31 != 0 {
            // LINUX: a shift beyond the word takes its low bits.
            decoded.operand = 1 << (decoded.operand & 31);
        }
        if decoded.operation > 4 || decoded.comparison > 5 { Err(Errno::ENOSYS) } else { Ok(decoded) }
    }
    fn apply(&self, old: u32) -> u32 {
        match self.operation {
            0 => self.operand,
            1 => old.wrapping_add(self.operand),
            2 => old | self.operand,
            3 => old & !self.operand,
            _ => old ^ self.operand,
        }
    }
    fn compares(&self, old: u32) -> bool {
        // CAST: compared as signed numbers, as Linux does.
        let (old, with) = (old as i32, self.compared_with as i32);
        match self.comparison {
            0 => old == with,
            1 => old != with,
            2 => old < with,
            3 => old <= with,
            4 => old > with,
            _ => old >= with,
        }
    }
}

/// The end of a thread: zeroes the word it was asked to and wakes one waiter.
pub(super) fn clear_and_wake(cx: &mut CurrentThread, task: &Task, addr: UserAddr) {
    // LINUX: a bad address is not an error.
    if UserPtr::<u32>::new(addr).write(cx, &0).is_ok() {
        let _ = wake(cx, task, addr, false, 1, MATCH_ANY);
    }
}

/// The end of a thread that holds robust futexes: marks them so and wakes a waiter each.
pub(super) fn release_robust_list(cx: &mut CurrentThread, task: &Arc<Task>) {
    let head_addr = task.robust_list();
    if head_addr.is_null() {
        return;
    }
    task.set_robust_list(UserAddr::NULL);
    // LINUX: a damaged list ends the walk silently.
    let Ok(head) = UserPtr::<RobustListHead>::new(head_addr).read(cx) else { return };
    // CAST: offsets and addresses wrap as the program's own arithmetic would.
    let word_of = |entry: u64| UserAddr(((entry & !1) as usize).wrapping_add(head.futex_offset as usize));
    let mut entry = head.next;
    for _ in 0..ROBUST_ENTRIES {
        if (entry & !1) as usize == head_addr.0 {
            break;
        }
        let next = UserPtr::<u64>::new(UserAddr((entry & !1) as usize)).read(cx);
        if entry & !1 != head.pending & !1 {
            mark_owner_died(cx, task, word_of(entry), false, entry & 1 != 0);
        }
        match next {
            Ok(next) => entry = next,
            Err(_) => return,
        }
    }
    if head.pending != 0 {
        mark_owner_died(cx, task, word_of(head.pending), true, head.pending & 1 != 0);
    }
}

/// Marks one. Those who wait for a lock with an owner (`has_owner`) are served by [`super::pi_futex`] next.
fn mark_owner_died(cx: &mut CurrentThread, task: &Task, addr: UserAddr, is_pending: bool, has_owner: bool) {
    let Ok(mut old) = user_copy::load_u32(cx, addr) else { return };
    // LINUX: an unlock cut short between clearing the word and waking leaves zero behind.
    if is_pending && !has_owner && old == 0 {
        let _ = wake(cx, task, addr, false, 1, MATCH_ANY);
        return;
    }
    while old & FUTEX_TID_MASK == task.tid() {
        let new = (old & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
        match user_copy::compare_exchange_u32(cx, addr, old, new) {
            Ok(found) if found == old => {
                if !has_owner && old & FUTEX_WAITERS != 0 {
                    let _ = wake(cx, task, addr, false, 1, MATCH_ANY);
                }
                return;
            }
            Ok(found) => old = found,
            Err(_) => return,
        }
    }
}
