//! Sets of semaphores: several operations on several of them happen at one moment or not at all.
//!
//! Main type: [`Set`]. Called by `syscall::semaphore`, and by the end of processes ([`undo`]).
//!
//! # Invariants
//! Values are between 0 and [`MOST_VALUE`]. Whoever waits is counted at the operation that it waits for.
use super::object::{Object, Objects};
use crate::errno::{Errno, Restart, Result};
use crate::lock_order;
use crate::task::{Pid, Process};
use crate::timer::wall_clock_ns;
use abi::ipc::{IPC_NOWAIT, SEM_UNDO, Sembuf};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::sync::{SpinLock, Wait, WaitError, WaitQueue};
use machine::thread::CurrentThread;
use machine::time::Instant;

/// Most semaphores in a set.
pub const MOST_IN_SET: usize = 32_000;
/// Most sets.
pub const MOST_SETS: usize = 32_000;
/// Most operations of a call.
pub const MOST_OPERATIONS: usize = 500;
/// Largest value.
pub const MOST_VALUE: i32 = 32_767;

/// One semaphore.
#[derive(Clone, Copy, Default)]
struct Semaphore {
    value: i32,
    /// Who changed it last.
    last: Pid,
    waiting_for_more: u32,
    waiting_for_zero: u32,
}

struct State {
    semaphores: Vec<Semaphore>,
    /// What is taken back when a process ends, by process and semaphore.
    undo: BTreeMap<(Pid, u16), i32>,
    operation_time: i64,
    change_time: i64,
}

/// A set.
pub struct Set {
    count: usize,
    state: SpinLock<State>,
    changed: WaitQueue,
}

/// All sets.
pub static SETS: Objects<Set> = Objects::new(MOST_SETS);

fn now_seconds() -> i64 {
    // CAST: seconds since 1970 fit.
    (wall_clock_ns() / 1_000_000_000) as i64
}

/// Why operations cannot be done now.
enum Blocked {
    /// At the operation of this number.
    At(usize),
    Never(Errno),
}

impl Set {
    /// A set of `count` semaphores, all zero.
    pub fn new(count: usize) -> Result<Set> {
        let mut semaphores = Vec::new();
        semaphores.try_reserve_exact(count)?;
        semaphores.resize(count, Semaphore::default());
        let state = State { semaphores, undo: BTreeMap::new(), operation_time: 0, change_time: now_seconds() };
        let state = SpinLock::new(&lock_order::IPC_STATE, state);
        Ok(Set { count, state, changed: WaitQueue::new() })
    }

    /// How many semaphores it has.
    pub fn count(&self) -> usize {
        self.count
    }

    /// When it was last operated on and changed, in seconds.
    pub fn times(&self) -> (i64, i64) {
        self.state.with(|state| (state.operation_time, state.change_time))
    }

    /// A change of its permissions counts as one.
    pub fn note_change(&self) {
        self.state.with(|state| state.change_time = now_seconds());
    }

    /// Value, last process, those who wait for more and for zero, of one semaphore.
    pub fn one(&self, number: usize) -> Result<(i32, Pid, u32, u32)> {
        self.state.with(|state| {
            let one = state.semaphores.get(number).ok_or(Errno::EINVAL)?;
            Ok((one.value, one.last, one.waiting_for_more, one.waiting_for_zero))
        })
    }

    /// All values.
    pub fn values(&self) -> Result<Vec<u16>> {
        let mut values = Vec::new();
        values.try_reserve_exact(self.count)?;
        // CAST: values are small and not negative.
        self.state.with(|state| values.extend(state.semaphores.iter().map(|one| one.value as u16)));
        Ok(values)
    }

    /// Sets one value, or all if there are as many. Nobody takes anything back from what was set.
    pub fn set_values(&self, first: usize, values: &[i32], pid: Pid) -> Result<()> {
        if values.iter().any(|value| !(0..=MOST_VALUE).contains(value)) {
            return Err(Errno::ERANGE);
        }
        self.state.with(|state| -> Result<()> {
            let end = first.checked_add(values.len()).filter(|&end| end <= self.count).ok_or(Errno::EINVAL)?;
            for (one, &value) in state.semaphores[first..end].iter_mut().zip(values) {
                (one.value, one.last) = (value, pid);
            }
            state.undo.retain(|(_, number), _| !(first..end).contains(&usize::from(*number)));
            state.change_time = now_seconds();
            Ok(())
        })?;
        self.changed.wake_all();
        Ok(())
    }

    /// Tells those who wait that the set is gone.
    pub fn wake_all(&self) {
        self.changed.wake_all();
    }

    /// Does all operations, or none.
    fn try_all(&self, operations: &[Sembuf], process: &Process) -> core::result::Result<(), Blocked> {
        let pid = process.pid();
        let has_changed = self.state.with(|state| {
            if let Err((done, blocked)) = apply(state, operations, pid) {
                take_back(state, &operations[..done]);
                return Err(blocked);
            }
            for operation in operations {
                state.semaphores[usize::from(operation.number)].last = pid;
                if operation.flags as u32 & SEM_UNDO != 0 && operation.change != 0 {
                    *state.undo.entry((pid, operation.number)).or_default() -= i32::from(operation.change);
                }
            }
            state.operation_time = now_seconds();
            Ok(operations.iter().any(|operation| operation.change != 0))
        })?;
        if has_changed {
            self.changed.wake_all();
        }
        Ok(())
    }

    /// Whether the operations are stopped at the one of this number and nowhere before. Each counts on those before it, so one alone
    /// does not tell.
    fn is_blocked_at(&self, at: usize, operations: &[Sembuf], pid: Pid) -> bool {
        self.state.with(|state| {
            let outcome = apply(state, operations, pid);
            take_back(state, &operations[..outcome.as_ref().err().map_or(operations.len(), |(done, _)| *done)]);
            matches!(outcome, Err((_, Blocked::At(now))) if now == at)
        })
    }

    fn count_waiter(&self, operation: &Sembuf, more: bool) {
        self.state.with(|state| {
            let one = &mut state.semaphores[usize::from(operation.number)];
            let count = if operation.change == 0 { &mut one.waiting_for_zero } else { &mut one.waiting_for_more };
            *count = if more { *count + 1 } else { count.saturating_sub(1) };
        });
    }
}

/// Applies operations until one cannot be done: answers how many could, and why not the next.
fn apply(state: &mut State, operations: &[Sembuf], pid: Pid) -> core::result::Result<(), (usize, Blocked)> {
    for (done, operation) in operations.iter().enumerate() {
        let change = i32::from(operation.change);
        let one = &mut state.semaphores[usize::from(operation.number)];
        let new = one.value + change;
        if (change == 0 && one.value != 0) || new < 0 {
            return Err((done, Blocked::At(done)));
        }
        if new > MOST_VALUE {
            return Err((done, Blocked::Never(Errno::ERANGE)));
        }
        if operation.flags as u32 & SEM_UNDO != 0 {
            let undo = state.undo.get(&(pid, operation.number)).copied().unwrap_or(0) - change;
            if !(-MOST_VALUE - 1..=MOST_VALUE).contains(&undo) {
                return Err((done, Blocked::Never(Errno::ERANGE)));
            }
        }
        one.value = new;
    }
    Ok(())
}

/// The reverse of [`apply`] for those that it did.
fn take_back(state: &mut State, done: &[Sembuf]) {
    for operation in done.iter().rev() {
        state.semaphores[usize::from(operation.number)].value -= i32::from(operation.change);
    }
}

/// Does operations, waiting until all can be done at once. EAGAIN past the deadline or where the operation that cannot be done
/// says so; EIDRM if the set is removed meanwhile.
pub fn operate(
    cx: &mut CurrentThread,
    set: &Object<Set>,
    process: &Arc<Process>,
    operations: &[Sembuf],
    deadline: Option<Instant>,
) -> Result<()> {
    if operations.iter().any(|operation| usize::from(operation.number) >= set.body.count) {
        return Err(Errno::EFBIG);
    }
    if operations.iter().any(|operation| operation.flags as u32 & SEM_UNDO != 0) {
        process.note_semaphore_undo();
    }
    loop {
        let at = match set.body.try_all(operations, process) {
            Ok(()) => return Ok(()),
            Err(Blocked::Never(error)) => return Err(error),
            Err(Blocked::At(at)) => at,
        };
        let blocked = &operations[at];
        if blocked.flags as u32 & IPC_NOWAIT != 0 {
            return Err(Errno::EAGAIN);
        }
        set.body.count_waiter(blocked, true);
        let how = Wait::interruptible("a semaphore").until(deadline);
        let outcome = set.body.changed.wait(cx, how, |_| {
            let is_news = set.is_removed() || !set.body.is_blocked_at(at, operations, process.pid());
            is_news.then_some(())
        });
        set.body.count_waiter(blocked, false);
        if set.is_removed() {
            return Err(Errno::EIDRM);
        }
        match outcome {
            Ok(()) => {}
            Err(WaitError::TimedOut) => return Err(Errno::EAGAIN),
            // LINUX: a handler ends the call, whatever SA_RESTART says; without one it goes on, with a timeout it does not.
            Err(WaitError::Interrupted) if deadline.is_some() => return Err(Errno::EINTR),
            Err(WaitError::Interrupted) => return Err(Restart::IfNoHandler.into()),
        }
    }
}

/// Takes back what an ended process wanted to be taken back.
pub fn undo(pid: Pid) {
    let mut place = 0;
    while let Some((next, set)) = SETS.next(place) {
        place = next;
        let has_changed = set.body.state.with(|state| {
            let mut has_changed = false;
            while let Some((&(owner, number), &adjust)) = state.undo.range((pid, 0)..=(pid, u16::MAX)).next() {
                state.undo.remove(&(owner, number));
                if let Some(one) = state.semaphores.get_mut(usize::from(number)).filter(|_| adjust != 0) {
                    // LINUX: what cannot be taken back is not.
                    one.value = (one.value + adjust).clamp(0, MOST_VALUE);
                    one.last = pid;
                    has_changed = true;
                }
            }
            has_changed
        });
        if has_changed {
            set.body.changed.wake_all();
        }
    }
}
