//! A set of pending signals with what is known about each. Ordinary signals are pending once, real-time signals as often as
//! they were sent, in that order.
use super::set::{Signal, SignalSet};
use abi::Siginfo;
use alloc::vec::Vec;

/// Most entries queued in one set (the default of RLIMIT_SIGPENDING).
const MOST: usize = 4096;

/// Pending signals.
#[derive(Default)]
pub struct Pending {
    set: SignalSet,
    queue: Vec<Siginfo>,
}

impl Pending {
    /// Nothing.
    pub const fn new() -> Pending {
        Pending { set: SignalSet::EMPTY, queue: Vec::new() }
    }
    /// Which.
    pub fn set(&self) -> SignalSet {
        self.set
    }
    /// Adds one; false if a real-time signal found no room (EAGAIN for sigqueue). An ordinary signal is always recorded,
    /// at worst without its details, as on Linux.
    pub fn add(&mut self, signal: Signal, info: Siginfo) -> bool {
        if !signal.is_real_time() && self.set.contains(signal) {
            return true;
        }
        let has_room = self.queue.len() < MOST && self.queue.try_reserve(1).is_ok();
        if has_room {
            self.queue.push(info);
        } else if signal.is_real_time() {
            return false;
        }
        self.set = self.set.union(signal.mask());
        true
    }
    /// Takes the next signal of `wanted`: faults first, then the lowest number.
    pub fn take(&mut self, wanted: SignalSet) -> Option<(Signal, Siginfo)> {
        let ready = self.set.intersection(wanted);
        let signal = ready.intersection(SignalSet::SYNCHRONOUS).first().or(ready.first())?;
        let is_it = |info: &Siginfo| info.signal == signal.number();
        let info = match self.queue.iter().position(is_it) {
            Some(position) => self.queue.remove(position),
            None => Siginfo::from_process(signal.number(), 0, 0, 0),
        };
        if !self.queue.iter().any(is_it) {
            self.set = self.set.without(signal.mask());
        }
        Some((signal, info))
    }
    /// Forgets those of `set`.
    pub fn discard(&mut self, set: SignalSet) {
        if self.set.intersection(set).is_empty() {
            return;
        }
        self.set = self.set.without(set);
        self.queue.retain(|info| Signal::from_number(info.signal).is_none_or(|signal| !set.contains(signal)));
    }
}
