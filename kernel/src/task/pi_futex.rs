//! Futexes that are locks with an owner (FUTEX_LOCK_PI and its kin): the word holds the owner's thread number, and the kernel hands it from
//! one thread to the next, the most urgent first.
//!
//! Main items: [`lock`], [`unlock`], [`wait_then_lock`] and [`requeue`] for condition variables, [`release_owned`] for an owner that
//! ends. A lock that nobody waits for is nothing to the kernel: its word alone says all.
//!
//! One sleeping lock (`PI_FUTEX`) around everything, held while words are read and changed: programs change a word
//! on their own only while it says that nobody waits. An owner runs with the priority of the most urgent of those who wait for it
//! ([`super::pi_lending`]).
use super::futex::key;
use super::{Pid, Task, table};
use crate::errno::{Errno, Restart, Result};
use crate::lock_order;
use crate::mm::WordKey;
use abi::linux::{FUTEX_OWNER_DIED, FUTEX_TID_MASK, FUTEX_WAITERS};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use machine::addr::UserAddr;
use machine::mm::user_copy;
use machine::sync::{Mutex, Wait, WaitError, Waiter, Wake};
use machine::thread::CurrentThread;
use machine::time::Instant;

/// How far a thread has come on its way to a lock.
mod stage {
    /// It waits for the condition, not yet for the lock.
    pub(super) const CONDITION: u8 = 0;
    /// It waits for the lock.
    pub(super) const LOCK: u8 = 1;
    /// It has the lock, and the word says so.
    pub(super) const OWNER: u8 = 2;
    /// It has the lock of an owner that ended; the word does not say so yet.
    pub(super) const HEIR: u8 = 3;
}

/// A thread on its way to a lock.
pub(super) struct Locker {
    pub(super) tid: Pid,
    /// The real-time priority that it runs with; zero for ordinary threads. Changes under the lock.
    pub(super) priority: AtomicU8,
    waiter: Arc<Waiter>,
    /// One of [`stage`]; changes under the lock.
    stage: AtomicU8,
    /// The lock it is on its way to.
    target: WordKey,
}

impl Locker {
    fn new(cx: &CurrentThread, task: &Task, target: WordKey, stage: u8) -> Arc<Locker> {
        let priority = AtomicU8::new(task.priority_in_effect());
        Arc::new(Locker { tid: task.tid(), priority, waiter: Waiter::new(cx), stage: AtomicU8::new(stage), target })
    }
    fn stage(&self) -> u8 {
        self.stage.load(Ordering::Acquire)
    }
    fn grant(&self, stage: u8) {
        self.stage.store(stage, Ordering::Release);
        self.waiter.wake();
    }
}

/// A lock that somebody waits for, or whose heir has yet to write its number.
pub(super) struct Contended {
    pub(super) owner: Pid,
    has_heir: bool,
    pub(super) lockers: VecDeque<Arc<Locker>>,
}

impl Contended {
    /// Lets a thread wait, behind those that are as urgent.
    pub(super) fn enter(&mut self, locker: Arc<Locker>) -> Result<()> {
        self.lockers.try_reserve(1)?;
        let priority = |locker: &Locker| locker.priority.load(Ordering::Relaxed);
        let place = self.lockers.iter().position(|other| priority(other) < priority(&locker));
        self.lockers.insert(place.unwrap_or(self.lockers.len()), locker);
        Ok(())
    }
}

pub(super) struct Locks {
    pub(super) contended: BTreeMap<WordKey, Contended>,
    /// Which contended lock a thread waits for.
    pub(super) waiting: BTreeMap<Pid, WordKey>,
    /// Whether a thread with a real-time priority ever waited; until then nothing is lent.
    pub(super) has_urgent: bool,
    /// Those who wait for a condition, by its word.
    sleepers: BTreeMap<WordKey, VecDeque<Arc<Locker>>>,
}

static LOCKS: Mutex<Locks> = Mutex::new(
    &lock_order::PI_FUTEX,
    Locks { contended: BTreeMap::new(), waiting: BTreeMap::new(), has_urgent: false, sleepers: BTreeMap::new() },
);

/// Contended locks, so that a thread that ends need not look when there are none.
static CONTENDED: AtomicUsize = AtomicUsize::new(0);

impl Locks {
    /// Forgets a lock that nobody waits for.
    fn tidy(&mut self, key: WordKey) {
        if self.contended.get(&key).is_some_and(|lock| lock.lockers.is_empty() && !lock.has_heir) {
            self.contended.remove(&key);
        }
        CONTENDED.store(self.contended.len(), Ordering::Release);
    }

    /// Takes the lock for thread `tid` if it is free; else prepares for the thread to wait, unless it only tries. True if it was taken.
    fn take(
        &mut self,
        cx: &mut CurrentThread,
        tid: Pid,
        addr: UserAddr,
        key: WordKey,
        waiters: u32,
        is_try: bool,
    ) -> Result<bool> {
        loop {
            let value = user_copy::load_u32(cx, addr)?;
            let owner = value & FUTEX_TID_MASK;
            if owner == tid {
                return Err(Errno::EDEADLK);
            }
            let new = match self.contended.get(&key) {
                // The word may still name an owner that has ended, or nobody: what is known here counts.
                Some(lock) if owner == 0 || owner == lock.owner || lock.has_heir => value | FUTEX_WAITERS,
                Some(_) => return Err(Errno::EINVAL),
                None if owner == 0 => tid | value & FUTEX_OWNER_DIED | waiters,
                None => value | FUTEX_WAITERS,
            };
            let known_owner = self.contended.get(&key).map_or(owner, |lock| lock.owner);
            if known_owner != 0 && !is_try && self.closes_ring(tid, known_owner) {
                return Err(Errno::EDEADLK);
            }
            let owner_task = if owner == 0 { None } else { table::find_task(cx, owner) };
            if owner != 0 && owner_task.is_none() && !self.contended.contains_key(&key) {
                if user_copy::load_u32(cx, addr)? == value {
                    return Err(Errno::ESRCH);
                }
                continue;
            }
            if user_copy::compare_exchange_u32(cx, addr, value, new)? != value {
                continue;
            }
            if self.contended.contains_key(&key) {
                return Ok(false);
            }
            if owner == 0 {
                return Ok(true);
            }
            self.contended.insert(key, Contended { owner, has_heir: false, lockers: VecDeque::new() });
            CONTENDED.store(self.contended.len(), Ordering::SeqCst);
            // An owner that ends marks itself and then looks for contended locks: it sees this one, or its mark is seen here.
            if owner_task.is_some_and(|owner| owner.has_released_locks.load(Ordering::SeqCst)) {
                self.tidy(key);
                return Err(Errno::ESRCH);
            }
            return Ok(false);
        }
    }

    /// Lets a thread wait for a contended lock.
    fn enter(&mut self, cx: &CurrentThread, locker: Arc<Locker>) -> Result<()> {
        let key = locker.target;
        // PROOF: the caller's `take` found it contended or made it so.
        let lock = self.contended.get_mut(&key).expect("a lock that is waited for is contended");
        let (owner, tid) = (lock.owner, locker.tid);
        self.has_urgent |= locker.priority.load(Ordering::Relaxed) > 0;
        if let Err(error) = lock.enter(locker) {
            self.tidy(key);
            return Err(error);
        }
        self.waiting.insert(tid, key);
        self.lend(cx, owner);
        Ok(())
    }

    /// The first who waits for a lock becomes its owner.
    fn hand_over(&mut self, cx: &CurrentThread, key: WordKey, stage: u8) {
        let Some(lock) = self.contended.get_mut(&key) else { return };
        if let Some(next) = lock.lockers.pop_front() {
            lock.owner = next.tid;
            lock.has_heir = stage == stage::HEIR;
            self.waiting.remove(&next.tid);
            self.lend(cx, next.tid);
            next.grant(stage);
        }
    }

    /// A thread gives up waiting for a lock.
    fn leave(&mut self, cx: &CurrentThread, locker: &Arc<Locker>) {
        if let Some(lock) = self.contended.get_mut(&locker.target) {
            lock.lockers.retain(|other| !Arc::ptr_eq(other, locker));
            let owner = lock.owner;
            self.waiting.remove(&locker.tid);
            self.lend(cx, owner);
        }
        self.tidy(locker.target);
    }
}

/// Takes the lock, waiting until `deadline` for its owner; with `is_try` EAGAIN instead of waiting.
pub fn lock(
    cx: &mut CurrentThread,
    task: &Task,
    addr: UserAddr,
    is_private: bool,
    deadline: Option<Instant>,
    is_try: bool,
) -> Result<()> {
    let key = key(cx, task, addr, is_private)?;
    let locker = {
        let mut locks = LOCKS.lock(cx);
        if is_try && locks.contended.contains_key(&key) {
            return Err(Errno::EAGAIN);
        }
        if locks.take(cx, task.tid(), addr, key, 0, is_try)? {
            return Ok(());
        }
        if is_try {
            locks.tidy(key);
            return Err(Errno::EAGAIN);
        }
        let locker = Locker::new(cx, task, key, stage::LOCK);
        locks.enter(cx, locker.clone())?;
        locker
    };
    sleep(cx, &locker, deadline, |cx, locks| locks.leave(cx, &locker)).map_err(|error| match error {
        WaitError::TimedOut => Errno::ETIMEDOUT,
        WaitError::Interrupted => Restart::Always.into(),
    })?;
    inherit(cx, &locker, addr)
}

/// Sleeps until the lock is the thread's. If that ends otherwise, `leave` runs with the locks locked.
fn sleep(
    cx: &mut CurrentThread,
    locker: &Locker,
    deadline: Option<Instant>,
    leave: impl FnOnce(&CurrentThread, &mut Locks),
) -> core::result::Result<(), WaitError> {
    loop {
        let waited = locker.waiter.wait(cx, Wait::interruptible("a futex with an owner").until(deadline));
        if locker.stage() >= stage::OWNER {
            return Ok(());
        }
        if let Err(error) = waited {
            let mut locks = LOCKS.lock(cx);
            if locker.stage() >= stage::OWNER {
                return Ok(());
            }
            leave(cx, &mut locks);
            return Err(error);
        }
    }
}

/// If the lock came from an owner that ended: writes the new owner's number, and that the old one died.
fn inherit(cx: &mut CurrentThread, locker: &Locker, addr: UserAddr) -> Result<()> {
    if locker.stage() != stage::HEIR {
        return Ok(());
    }
    let mut locks = LOCKS.lock(cx);
    let mut has_more = false;
    if let Some(lock) = locks.contended.get_mut(&locker.target) {
        lock.has_heir = false;
        has_more = !lock.lockers.is_empty();
    }
    let new = locker.tid | FUTEX_OWNER_DIED | if has_more { FUTEX_WAITERS } else { 0 };
    let mut value = user_copy::load_u32(cx, addr)?;
    loop {
        let found = user_copy::compare_exchange_u32(cx, addr, value, new)?;
        if found == value {
            break;
        }
        value = found;
    }
    locks.tidy(locker.target);
    Ok(())
}

/// Gives the lock up: to the most urgent of those who wait, or to nobody. EPERM unless the caller owns it.
pub fn unlock(cx: &mut CurrentThread, task: &Task, addr: UserAddr, is_private: bool) -> Result<()> {
    let key = key(cx, task, addr, is_private)?;
    let mut locks = LOCKS.lock(cx);
    loop {
        let value = user_copy::load_u32(cx, addr)?;
        if value & FUTEX_TID_MASK != task.tid() {
            return Err(Errno::EPERM);
        }
        let next = match locks.contended.get(&key) {
            Some(lock) if lock.owner != task.tid() => return Err(Errno::EINVAL),
            Some(lock) => lock.lockers.front().cloned(),
            None => None,
        };
        // LINUX: the mark that somebody waits stays, also for the last one.
        let new = next.as_ref().map_or(0, |next| next.tid | FUTEX_WAITERS);
        if user_copy::compare_exchange_u32(cx, addr, value, new)? != value {
            continue;
        }
        locks.hand_over(cx, key, stage::OWNER);
        locks.lend(cx, task.tid());
        locks.tidy(key);
        return Ok(());
    }
}

/// A thread ends, or its program does: the locks that it owns and others wait for go to the first of those.
pub(super) fn release_owned(cx: &mut CurrentThread, task: &Task) {
    task.has_released_locks.store(true, Ordering::SeqCst);
    if CONTENDED.load(Ordering::SeqCst) == 0 {
        return;
    }
    let tid = task.tid();
    let mut locks = LOCKS.lock(cx);
    while let Some((&key, lock)) = locks.contended.iter_mut().find(|(_, lock)| lock.owner == tid) {
        // If nobody waits there is an heir at most, who ends before it wrote its number.
        lock.owner = 0;
        lock.has_heir = false;
        locks.hand_over(cx, key, stage::HEIR);
        locks.tidy(key);
    }
    locks.lend(cx, tid);
}

/// The thread's priority was set: the place in which it waits, and what it lends, follow.
pub fn adjust(cx: &mut CurrentThread, task: &Task) {
    if CONTENDED.load(Ordering::SeqCst) != 0 {
        LOCKS.lock(cx).lend(cx, task.tid());
    }
}

/// Which words: of a condition, and of the lock that belongs to it.
#[derive(Clone, Copy, Debug)]
pub struct Condition {
    /// The condition's word.
    pub word: UserAddr,
    /// The lock's.
    pub lock: UserAddr,
    /// Whether both are private to the process.
    pub is_private: bool,
    /// What the condition's word must be.
    pub expected: u32,
}

impl Condition {
    fn keys(&self, cx: &mut CurrentThread, task: &Task) -> Result<(WordKey, WordKey)> {
        let keys = (key(cx, task, self.word, self.is_private)?, key(cx, task, self.lock, self.is_private)?);
        if keys.0 == keys.1 { Err(Errno::EINVAL) } else { Ok(keys) }
    }
}

/// Waits for the condition until [`requeue`] has made it wait for the lock, and for that.
pub fn wait_then_lock(
    cx: &mut CurrentThread,
    task: &Task,
    condition: Condition,
    deadline: Option<Instant>,
) -> Result<()> {
    let (from, to) = condition.keys(cx, task)?;
    let locker = Locker::new(cx, task, to, stage::CONDITION);
    {
        let mut locks = LOCKS.lock(cx);
        if user_copy::load_u32(cx, condition.word)? != condition.expected {
            return Err(Errno::EAGAIN);
        }
        let queue = locks.sleepers.entry(from).or_default();
        queue.try_reserve(1)?;
        queue.push_back(locker.clone());
    }
    let mut was_moved = false;
    let slept = sleep(cx, &locker, deadline, |cx, locks| {
        was_moved = locker.stage() == stage::LOCK;
        locks.leave(cx, &locker);
        if let Some(queue) = locks.sleepers.get_mut(&from) {
            queue.retain(|other| !Arc::ptr_eq(other, &locker));
            if queue.is_empty() {
                locks.sleepers.remove(&from);
            }
        }
    });
    slept.map_err(|error| match error {
        WaitError::TimedOut => Errno::ETIMEDOUT,
        // LINUX: once it waits for the lock the call cannot be made again as it was.
        WaitError::Interrupted if was_moved => Errno::EAGAIN,
        WaitError::Interrupted => Restart::Always.into(),
    })?;
    inherit(cx, &locker, condition.lock)
}

/// Gives the lock to the first who waits for the condition if it is free, and makes up to `most` others wait for it.
/// Answers how many that were together.
pub fn requeue(cx: &mut CurrentThread, task: &Task, condition: Condition, most: usize) -> Result<usize> {
    let (from, to) = condition.keys(cx, task)?;
    let mut locks = LOCKS.lock(cx);
    if user_copy::load_u32(cx, condition.word)? != condition.expected {
        return Err(Errno::EAGAIN);
    }
    let mut count = 0;
    // One is woken besides those moved.
    while count < most.saturating_add(1) {
        let (first, waiters) = match locks.sleepers.get(&from) {
            Some(queue) => match queue.front() {
                Some(first) => (first.clone(), if queue.len() > 1 { FUTEX_WAITERS } else { 0 }),
                None => break,
            },
            None => break,
        };
        if first.target != to {
            return Err(Errno::EINVAL);
        }
        if let Some(waiting) = table::find_task(cx, first.tid) {
            // It may have been changed since the wait began.
            first.priority.store(waiting.priority_in_effect(), Ordering::Relaxed);
        }
        if locks.take(cx, first.tid, condition.lock, to, waiters, false)? {
            pop_sleeper(&mut locks, from);
            first.grant(stage::OWNER);
        } else {
            locks.enter(cx, first.clone())?;
            first.stage.store(stage::LOCK, Ordering::Release);
            pop_sleeper(&mut locks, from);
        }
        count += 1;
    }
    Ok(count)
}

fn pop_sleeper(locks: &mut Locks, from: WordKey) {
    if let Some(queue) = locks.sleepers.get_mut(&from) {
        queue.pop_front();
        if queue.is_empty() {
            locks.sleepers.remove(&from);
        }
    }
}
