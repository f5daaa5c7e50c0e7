//! Messages on their way, and what they cost their sender.
//!
//! Main types: [`Message`], immutable once made; [`Entry`], a message in a receiver's queue; [`SendBudget`], what a socket
//! may have on the way at once (SO_SNDBUF); [`Charge`], one message's part of it, given back when the message goes.
//!
//! # Invariants
//! Whoever waits for room waits at his own budget's queue. It is woken when a charge comes back and the budget is at least
//! three quarters free, and by receivers whose queue was full (`State::waiting_senders`).
use super::rights::Rights;
use super::socket::Name;
use crate::errno::{Errno, Result};
use crate::fs::listeners::Listeners;
use crate::signal::readiness::Change;
use abi::Ucred;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use machine::addr::PAGE_SIZE;
use machine::sync::{Once, WaitQueue};

/// What a socket may have on the way unless changed (Linux's `net.core.wmem_default`).
pub(super) const DEFAULT_BYTES: usize = 212_992;
/// What a message costs beyond its bytes: about what Linux's bookkeeping for one takes.
const OVERHEAD_BYTES: usize = 512;

/// Cost of all messages on the way. At most a quarter of memory: sockets that were sent into each other and closed keep
/// what lies in them, and must not take everything.
// LINUX: only the sockets' own budgets bound it, and such sockets are found and freed.
static ON_THE_WAY: AtomicUsize = AtomicUsize::new(0);

fn most_on_the_way() -> usize {
    static MOST: Once<usize> = Once::new();
    *MOST.call_once(|| machine::mm::counts().total / 4 * PAGE_SIZE)
}

/// What a socket may have on the way at once.
pub(super) struct SendBudget {
    used: AtomicUsize,
    limit: AtomicUsize,
    /// Senders, and connecting sockets where this is a listener's.
    pub(super) room: WaitQueue,
    /// A sender found no room since room was last told by a signal.
    has_refused: AtomicBool,
    /// Who is told by signals what happens to the socket.
    pub(super) listeners: Listeners,
}

impl SendBudget {
    pub(super) fn new() -> Arc<SendBudget> {
        let limit = AtomicUsize::new(DEFAULT_BYTES);
        Arc::new(SendBudget {
            used: AtomicUsize::new(0),
            limit,
            room: WaitQueue::new(),
            has_refused: AtomicBool::new(false),
            listeners: Listeners::new(),
        })
    }

    /// SO_SNDBUF.
    pub(super) fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    pub(super) fn set_limit(&self, bytes: usize) {
        self.limit.store(bytes, Ordering::Relaxed);
        self.room.wake_all();
    }

    /// Bytes on the way, costs included.
    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::SeqCst)
    }

    /// What poll calls writable.
    // LINUX: a quarter may be in use; sending itself is refused only when all of it is.
    pub(super) fn is_writable(&self) -> bool {
        self.used().saturating_mul(4) <= self.limit()
    }

    /// A sender, or a look at a datagram socket, found no room: when there is some, that is told by a signal once.
    /// Room may have been made just before, and not told: look again.
    pub(super) fn note_refusal(&self) {
        self.has_refused.store(true, Ordering::SeqCst);
    }

    /// There is room again: tells those who wait, and leaves it to be told by a signal if that is due.
    pub(super) fn wake(&self) {
        self.room.wake_all();
        if self.has_refused.swap(false, Ordering::SeqCst) {
            self.listeners.leave(Change::Output);
        }
    }

    /// Takes the cost of a message of `bytes` bytes, if anything is left.
    // LINUX: the last message may exceed the limit.
    pub(super) fn try_charge(self: &Arc<Self>, bytes: usize) -> Option<Charge> {
        let cost = bytes.saturating_add(OVERHEAD_BYTES);
        let limit = self.limit();
        let charge = |used: usize| (used < limit).then(|| used.saturating_add(cost));
        let take = || self.used.fetch_update(Ordering::SeqCst, Ordering::SeqCst, charge).is_ok();
        if !take() {
            self.note_refusal();
            if !take() {
                return None;
            }
        }
        ON_THE_WAY.fetch_add(cost, Ordering::Relaxed);
        Some(Charge { budget: self.clone(), cost })
    }
}

/// One message's part of its sender's budget.
pub(super) struct Charge {
    budget: Arc<SendBudget>,
    cost: usize,
}

impl Drop for Charge {
    fn drop(&mut self) {
        ON_THE_WAY.fetch_sub(self.cost, Ordering::Relaxed);
        self.budget.used.fetch_sub(self.cost, Ordering::SeqCst);
        if self.budget.is_writable() {
            self.budget.wake();
        }
    }
}

/// A message.
pub(super) struct Message {
    /// Its bytes.
    pub(super) data: Vec<u8>,
    /// The sender's name, if it had one.
    pub(super) sender: Option<Name>,
    /// Who sent it, if either side wanted that told.
    pub(super) credentials: Option<Ucred>,
    _charge: Charge,
}

impl Message {
    /// A message of `data`, paid for by `charge`.
    pub(super) fn new(data: Vec<u8>, sender: Option<Name>, credentials: Option<Ucred>, charge: Charge) -> Arc<Message> {
        Arc::new(Message { data, sender, credentials, _charge: charge })
    }
}

/// A message in a receiver's queue.
pub(super) struct Entry {
    /// The message.
    pub(super) message: Arc<Message>,
    /// Descriptions that travel with it, until the first byte is received.
    pub(super) rights: Option<Rights>,
    /// Bytes received already (streams).
    pub(super) consumed: usize,
}

impl Entry {
    /// Bytes still to be received.
    pub(super) fn left(&self) -> usize {
        self.message.data.len() - self.consumed
    }
}

/// Memory for a message of `bytes` bytes, zeroed. ENOBUFS while there is still memory for what is under way: what lies in
/// queues may be received late or never.
pub(super) fn buffer(bytes: usize) -> Result<Vec<u8>> {
    if ON_THE_WAY.load(Ordering::Relaxed) > most_on_the_way() || !machine::mm::has_room() {
        return Err(Errno::ENOBUFS);
    }
    let mut data = Vec::new();
    data.try_reserve_exact(bytes).map_err(|_| Errno::ENOBUFS)?;
    data.resize(bytes, 0);
    Ok(data)
}
