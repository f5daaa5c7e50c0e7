//! The POSIX timers of a process: making, finding and ending them by number.
//!
//! Main type: [`PosixTimers`]. Called by the timer calls, and by signal delivery when the signal of a timer is taken.
//! Lock: `POSIX_TIMERS` around the list; a timer's own lock is taken after it is let go.
use super::posix::{Notify, PosixTimer, TimerClock};
use crate::errno::{Errno, Result};
use crate::lock_order;
use crate::signal::allowance::Allowance;
use crate::task::Process;
use crate::task::limits::Resource;
use abi::Siginfo;
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::sync::SpinLock;
use machine::thread::CurrentThread;

struct List {
    /// By number.
    timers: Vec<Arc<PosixTimer>>,
    next_id: i32,
}

/// A process's timers.
pub struct PosixTimers(SpinLock<List>);

impl PosixTimers {
    /// None.
    pub const fn new() -> PosixTimers {
        PosixTimers(SpinLock::new(&lock_order::POSIX_TIMERS, List { timers: Vec::new(), next_id: 0 }))
    }

    /// Makes a timer. Without a value of the program's own its signal carries the timer's number.
    pub fn create(
        &self,
        cx: &CurrentThread,
        process: &Process,
        clock: TimerClock,
        notify: Notify,
        value: Option<u64>,
    ) -> Result<Arc<PosixTimer>> {
        let limit = process.limit(Resource::PendingSignals);
        let allowance = Allowance::take(process.uid(), limit).ok_or(Errno::EAGAIN)?;
        let id = self.0.lock(cx).free_id().ok_or(Errno::EAGAIN)?;
        // CAST: numbers are not negative.
        let value = value.unwrap_or(id as u64);
        let timer = PosixTimer::new(id, process.pid(), clock, notify, value, allowance)?;
        let mut list = self.0.lock(cx);
        list.timers.try_reserve(1)?;
        match list.timers.binary_search_by_key(&id, |timer| timer.id) {
            // Only after two thousand million timers that were made between the two looks at the list.
            Ok(_) => return Err(Errno::EAGAIN),
            Err(place) => list.timers.insert(place, timer.clone()),
        }
        Ok(timer)
    }

    /// A timer by its number; EINVAL if there is none.
    pub fn find(&self, cx: &CurrentThread, id: i32) -> Result<Arc<PosixTimer>> {
        let list = self.0.lock(cx);
        let place = list.timers.binary_search_by_key(&id, |timer| timer.id).map_err(|_| Errno::EINVAL)?;
        Ok(list.timers[place].clone())
    }

    /// Ends a timer; EINVAL if there is none of that number.
    pub fn delete(&self, cx: &CurrentThread, id: i32) -> Result<()> {
        let timer = {
            let mut list = self.0.lock(cx);
            let place = list.timers.binary_search_by_key(&id, |timer| timer.id).map_err(|_| Errno::EINVAL)?;
            list.timers.remove(place)
        };
        timer.delete(cx);
        Ok(())
    }

    /// Ends all: at exec, and at the end of the process.
    pub fn delete_all(&self, cx: &CurrentThread) {
        let timers = core::mem::take(&mut self.0.lock(cx).timers);
        for timer in timers {
            timer.delete(cx);
        }
    }
}

impl Default for PosixTimers {
    fn default() -> Self {
        PosixTimers::new()
    }
}

impl List {
    /// The next number that no timer has: numbers are used again only after all have been.
    fn free_id(&mut self) -> Option<i32> {
        for _ in 0..=self.timers.len() {
            let id = self.next_id;
            self.next_id = id.checked_add(1).unwrap_or(0);
            if self.timers.binary_search_by_key(&id, |timer| timer.id).is_err() {
                return Some(id);
            }
        }
        None
    }
}

/// A timer's signal is being taken by a thread of the process: fills in the overrun, and lets the timer go on.
pub(crate) fn signal_taken(cx: &CurrentThread, process: &Process, info: &mut Siginfo) {
    // CAST: the low half holds the number.
    if let Ok(timer) = process.posix_timers.find(cx, info.fields[0] as u32 as i32) {
        timer.signal_taken(cx, info);
    }
}
