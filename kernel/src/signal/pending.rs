//! A set of pending signals with what is known about each. Ordinary signals are pending once, real-time signals as often as
//! they were sent, in that order.
use super::allowance::Allowance;
use super::set::{Signal, SignalSet};
use abi::Siginfo;
use alloc::vec::Vec;

/// One signal on its way.
struct Entry {
    info: Siginfo,
    /// What a real-time signal takes of its user's limit.
    _allowance: Option<Allowance>,
}

/// Pending signals.
#[derive(Default)]
pub struct Pending {
    set: SignalSet,
    queue: Vec<Entry>,
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
    pub fn add(&mut self, signal: Signal, info: Siginfo, allowance: Option<Allowance>) -> bool {
        if !signal.is_real_time() && self.set.contains(signal) {
            return true;
        }
        if self.queue.try_reserve(1).is_ok() {
            self.queue.push(Entry { info, _allowance: allowance });
        } else if signal.is_real_time() {
            return false;
        }
        self.set = self.set.union(signal.mask());
        true
    }
    /// Records one without its details.
    pub fn add_bare(&mut self, signal: Signal) {
        self.set = self.set.union(signal.mask());
    }
    /// Takes the next signal of `wanted`: faults first, then the lowest number.
    pub fn take(&mut self, wanted: SignalSet) -> Option<(Signal, Siginfo)> {
        let ready = self.set.intersection(wanted);
        let signal = ready.intersection(SignalSet::SYNCHRONOUS).first().or(ready.first())?;
        let is_it = |entry: &Entry| entry.info.signal == signal.number();
        let info = match self.queue.iter().position(is_it) {
            Some(position) => self.queue.remove(position).info,
            None => Siginfo::from_process(signal.number(), 0, 0, 0),
        };
        if !self.queue.iter().any(is_it) {
            self.set = self.set.without(signal.mask());
        }
        Some((signal, info))
    }
    /// The details of the one at `place`, in the order in which they came; those without details are left out.
    pub fn peek(&self, place: usize) -> Option<Siginfo> {
        self.queue.get(place).map(|entry| Siginfo { padding: 0, ..entry.info })
    }
    /// Forgets those of `set`.
    pub fn discard(&mut self, set: SignalSet) {
        if self.set.intersection(set).is_empty() {
            return;
        }
        self.set = self.set.without(set);
        self.queue.retain(|entry| Signal::from_number(entry.info.signal).is_none_or(|signal| !set.contains(signal)));
    }
}
