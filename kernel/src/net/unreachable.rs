//! Sockets that nobody can reach any more: they were sent into each other and closed everywhere else, so that only messages that
//! nobody can receive hold them.
//!
//! Main item: [`collect`], called when a socket ends while others are on the way, and when too many are. It looks at the sockets on
//! the way (SCM_RIGHTS), counts for each how many of its references lie in messages, and keeps those that have
//! another one and, in turn, what lies in the messages of those that are kept. The messages of the rest are dropped.
//!
//! # Invariants
//! - [`ON_THE_WAY`] has each socket that lies in a message, or is being put there or taken out, and how often.
//! - Messages with descriptions enter and leave a queue under the socket's lock and with [`note_move`], so that whoever saw no
//!   move while it looked at one queue after the other has seen them all at one moment. What nobody can reach at one moment
//!   nobody can reach later.
//!
//! # Locks
//! `SOCKETS_ON_THE_WAY` and each socket's, one at a time. Runs in destructors: never sleeps.
use super::message::Entry;
use super::socket::{Link, Socket};
use crate::fs::OpenFile;
use crate::lock_order;
use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use machine::sync::SpinLock;

/// How often a look at everything is tried before it is left to the next occasion.
const TRIES: usize = 3;
/// A socket's end pays for a look at this many sockets on the way: with more of them, not every end leads to one.
const PAID_BY_END: usize = 32;

struct OnTheWay {
    file: Weak<OpenFile>,
    times: usize,
}

static ON_THE_WAY: SpinLock<BTreeMap<usize, OnTheWay>> =
    SpinLock::new(&lock_order::SOCKETS_ON_THE_WAY, BTreeMap::new());
/// Entries of [`ON_THE_WAY`], for looking without the lock.
static COUNT: AtomicUsize = AtomicUsize::new(0);
static MOVES: AtomicU64 = AtomicU64::new(0);
static IS_COLLECTING: AtomicBool = AtomicBool::new(false);
/// Ends of sockets that led to no look yet.
static ENDS: AtomicUsize = AtomicUsize::new(0);

/// A message with descriptions enters or leaves a queue. Called with the socket's lock held.
pub(super) fn note_move() {
    MOVES.fetch_add(1, Ordering::SeqCst);
}

fn key(file: &Arc<OpenFile>) -> usize {
    Arc::as_ptr(file).addr()
}

/// A description goes on the way.
pub(super) fn note_sent(file: &Arc<OpenFile>) {
    if Socket::of(file).is_err() {
        return;
    }
    ON_THE_WAY.with(|sockets| {
        let known = sockets.entry(key(file)).or_insert_with(|| OnTheWay { file: Arc::downgrade(file), times: 0 });
        known.times += 1;
        COUNT.store(sockets.len(), Ordering::Relaxed);
    });
}

/// A description is on the way no more.
pub(super) fn note_arrived(file: &Arc<OpenFile>) {
    if Socket::of(file).is_err() {
        return;
    }
    let gone = ON_THE_WAY.with(|sockets| {
        let known = sockets.get_mut(&key(file))?;
        known.times -= 1;
        if known.times > 0 {
            return None;
        }
        let gone = sockets.remove(&key(file));
        COUNT.store(sockets.len(), Ordering::Relaxed);
        gone
    });
    drop(gone);
}

/// A socket has ended: others may have become unreachable before, or now.
pub(super) fn after_end() {
    let count = COUNT.load(Ordering::Relaxed);
    if count > 0 && (ENDS.fetch_add(1, Ordering::Relaxed) + 1).saturating_mul(PAID_BY_END) >= count {
        ENDS.store(0, Ordering::Relaxed);
        collect();
    }
}

/// Drops the messages of all sockets that nobody can reach. Does nothing for want of memory, or if somebody else is at it.
pub(super) fn collect() {
    if IS_COLLECTING.swap(true, Ordering::Acquire) {
        return;
    }
    let mut garbage = None;
    for _ in 0..TRIES {
        garbage = find_garbage();
        if garbage.is_some() {
            break;
        }
    }
    let mut dropped = Vec::new();
    for file in garbage.iter().flatten() {
        if let Ok(socket) = Socket::of(file) {
            for holder in holders_in(socket).iter().flatten().map(|pending| &**pending).chain([socket]) {
                let entries = holder.take_entries_with_rights();
                if dropped.try_reserve(1).is_ok() {
                    dropped.push(entries);
                }
            }
        }
    }
    IS_COLLECTING.store(false, Ordering::Release);
    // Ends sockets, which may lead back here.
    drop(dropped);
    drop(garbage);
}

/// One socket on the way.
struct Node {
    file: Arc<OpenFile>,
    /// References to it that lie in messages of sockets on the way.
    in_messages: usize,
    is_reachable: bool,
}

/// The sockets that nobody can reach. `None` if something moved meanwhile, or for want of memory.
fn find_garbage() -> Option<Vec<Arc<OpenFile>>> {
    let moves = MOVES.load(Ordering::SeqCst);
    let mut nodes: Vec<Node> = Vec::new();
    nodes.try_reserve(COUNT.load(Ordering::Relaxed)).ok()?;
    ON_THE_WAY.with(|sockets| {
        let room = nodes.capacity();
        let files = sockets.values().filter_map(|known| known.file.upgrade());
        nodes.extend(files.take(room).map(|file| Node { file, in_messages: 0, is_reachable: false }));
    });
    // By address, as the map has them. Which socket has a message with which, by places in `nodes`.
    let mut edges: Vec<(usize, usize)> = Vec::new();
    for from in 0..nodes.len() {
        let file = nodes[from].file.clone();
        let socket = Socket::of(&file).ok()?;
        for holder in holders_in(socket)?.iter().map(|pending| &**pending).chain([socket]) {
            edges.try_reserve(holder.count_rights()).ok()?;
            let room = edges.capacity() - edges.len();
            let is_whole = holder.each_right(room, |file| {
                if let Ok(to) = nodes.binary_search_by_key(&key(file), |node| key(&node.file)) {
                    edges.push((from, to));
                    nodes[to].in_messages += 1;
                }
            });
            if !is_whole {
                // More came meanwhile: not one moment.
                return None;
            }
        }
    }
    let mut reached: Vec<usize> = Vec::new();
    reached.try_reserve(nodes.len()).ok()?;
    for (index, node) in nodes.iter_mut().enumerate() {
        // One reference is ours.
        node.is_reachable = Arc::strong_count(&node.file) - 1 > node.in_messages;
        if node.is_reachable {
            reached.push(index);
        }
    }
    while let Some(from) = reached.pop() {
        let first = edges.partition_point(|edge| edge.0 < from);
        for &(_, to) in edges[first..].iter().take_while(|edge| edge.0 == from) {
            if !core::mem::replace(&mut nodes[to].is_reachable, true) {
                reached.push(to);
            }
        }
    }
    let mut garbage = Vec::new();
    garbage.try_reserve(nodes.iter().filter(|node| !node.is_reachable).count()).ok()?;
    if MOVES.load(Ordering::SeqCst) != moves {
        return None;
    }
    garbage.extend(nodes.into_iter().filter(|node| !node.is_reachable).map(|node| node.file));
    Some(garbage)
}

/// The connections that wait at a socket: what was sent to them is held by it. `None` for want of memory.
fn holders_in(socket: &Socket) -> Option<Vec<Arc<Socket>>> {
    let waiting = |link: &Link| match link {
        Link::Listening { pending, .. } => pending.len(),
        _ => 0,
    };
    let count = socket.state.with(|state| waiting(&state.link));
    let mut holders = Vec::new();
    holders.try_reserve(count).ok()?;
    socket.state.with(|state| {
        if let Link::Listening { pending, .. } = &state.link {
            holders.extend(pending.iter().take(count).cloned());
        }
    });
    Some(holders)
}

impl Socket {
    /// Descriptions in its messages.
    fn count_rights(&self) -> usize {
        self.state
            .with(|state| state.queue.iter().filter_map(|entry| entry.rights.as_ref()).map(|r| r.files().len()).sum())
    }

    /// Shows at most `most` of them to `see`; answers whether those were all.
    fn each_right(&self, most: usize, mut see: impl FnMut(&Arc<OpenFile>)) -> bool {
        self.state.with(|state| {
            let rights = state.queue.iter().filter_map(|entry| entry.rights.as_ref());
            let mut files = rights.flat_map(|rights| rights.files());
            files.by_ref().take(most).for_each(&mut see);
            files.next().is_none()
        })
    }

    /// Takes the messages that have descriptions out of the queue; the caller lets go of them.
    fn take_entries_with_rights(&self) -> Vec<Entry> {
        let mut taken = Vec::new();
        let count = self.state.with(|state| state.queue.iter().filter(|entry| entry.rights.is_some()).count());
        if taken.try_reserve(count).is_err() {
            return taken;
        }
        self.state.with(|state| {
            while taken.len() < count
                && let Some(at) = state.queue.iter().position(|entry| entry.rights.is_some())
            {
                note_move();
                if let Some(entry) = state.queue.remove(at) {
                    state.queued_bytes -= entry.left().min(state.queued_bytes);
                    taken.push(entry);
                }
            }
        });
        taken
    }
}
