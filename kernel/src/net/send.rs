//! Sending: bytes are copied into messages, which go straight into the receiver's queue.
//!
//! Main item: [`Socket::send`], behind `write`, `send`, `sendto` and `sendmsg`. A stream is cut into messages of bounded size;
//! everything else is one message, sent as a whole or not at all.
use super::message::{Entry, Message, buffer};
use super::names::find;
use super::rights::Rights;
use super::socket::{Link, RECEIVE, SEND, Socket, SocketKind, current_credentials};
use super::timeout::Patience;
use super::unreachable;
use crate::errno::{Errno, Result};
use crate::fs::Source;
use crate::fs::pipe::signal_broken_pipe;
use crate::signal::readiness::Change;
use crate::task::Task;
use crate::trace::{self, probe};
use abi::Ucred;
use abi::net::{MSG_DONTWAIT, MSG_NOSIGNAL, MSG_OOB};
use core::sync::atomic::Ordering;
use machine::thread::CurrentThread;
use pure::unix_address::UnixAddress;

/// Most bytes of a stream in one message.
const STREAM_PART_BYTES: usize = 32 * 1024;
/// Messages that may wait in a datagram socket before senders it is not linked to wait (Linux's `net.unix.max_dgram_qlen`).
const MOST_DATAGRAMS: usize = 10;

/// What goes along with the bytes.
#[derive(Default)]
pub struct Outgoing<'a> {
    /// Where to; the linked socket otherwise.
    pub destination: Option<UnixAddress<'a>>,
    /// SCM_RIGHTS.
    pub(crate) rights: Option<Rights>,
    /// SCM_CREDENTIALS, checked.
    pub credentials: Option<Ucred>,
    /// `MSG_*`.
    pub flags: u32,
}

/// How putting a message into a queue went.
enum Delivery {
    Done,
    Full,
    Closed,
    ShutDown,
    NotWelcome,
    NoMemory,
}

impl Socket {
    /// Sends what is in `from`, which tells how far it came. Bytes sent before an error count.
    pub fn send(
        &self,
        cx: &mut CurrentThread,
        is_non_blocking: bool,
        from: &mut Source<'_>,
        outgoing: Outgoing<'_>,
    ) -> Result<()> {
        if outgoing.flags & MSG_OOB != 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        self.bind_for_credentials(cx)?;
        let patience = Patience::to_send(self, is_non_blocking || outgoing.flags & MSG_DONTWAIT != 0);
        if self.kind != SocketKind::Stream {
            return self.send_message(cx, patience, from, outgoing);
        }
        let is_quiet = outgoing.flags & MSG_NOSIGNAL != 0;
        let wanted = from.left();
        let outcome = self.send_stream(cx, patience, from, outgoing);
        if outcome == Err(Errno::EPIPE) && from.left() == wanted && !is_quiet {
            signal_broken_pipe(cx);
        }
        outcome
    }

    fn send_stream(
        &self,
        cx: &mut CurrentThread,
        patience: Patience,
        from: &mut Source<'_>,
        mut outgoing: Outgoing<'_>,
    ) -> Result<()> {
        let peer = self.state.with(|state| {
            let is_linked = matches!(state.link, Link::Peer { .. });
            if outgoing.destination.is_some() {
                return Err(if is_linked { Errno::EISCONN } else { Errno::EOPNOTSUPP });
            }
            if !is_linked {
                return Err(Errno::ENOTCONN);
            }
            if state.shutdown & SEND != 0 {
                return Err(Errno::EPIPE);
            }
            state.link.peer().ok_or(Errno::EPIPE)
        })?;
        while from.left() > 0 {
            let part = from.left().min(STREAM_PART_BYTES).min(self.budget.limit() / 2);
            let before = from.clone();
            let mut entry = Some(self.make_entry(cx, patience, &peer, part, from, &mut outgoing)?);
            match self.deliver(&peer, &mut entry) {
                Delivery::Done => {
                    peer.data.wake_all();
                    peer.tell(cx, Change::Input);
                }
                Delivery::NoMemory => {
                    *from = before;
                    return Err(Errno::ENOBUFS);
                }
                _ => {
                    *from = before;
                    return Err(Errno::EPIPE);
                }
            }
        }
        Ok(())
    }

    /// Waits for room in the budget and makes a message of the next `bytes` bytes for `peer`. After an error nothing has been
    /// taken from `from`.
    fn make_entry(
        &self,
        cx: &mut CurrentThread,
        patience: Patience,
        peer: &Socket,
        bytes: usize,
        from: &mut Source<'_>,
        outgoing: &mut Outgoing<'_>,
    ) -> Result<Entry> {
        let charge = patience.wait(cx, &self.budget.room, "room in a socket", |_| {
            if self.state.with(|state| state.shutdown & SEND != 0) {
                return Some(Err(Errno::EPIPE));
            }
            self.budget.try_charge(bytes).map(Ok)
        })??;
        let mut data = buffer(bytes)?;
        let before = from.clone();
        if let Err(error) = from.take(cx, &mut data) {
            *from = before;
            return Err(error);
        }
        let credentials = self.credentials_for(cx, peer, outgoing.credentials);
        let message = Message::new(data, self.own_name(), credentials, charge);
        Ok(Entry { message, rights: outgoing.rights.take(), consumed: 0 })
    }

    fn send_message(
        &self,
        cx: &mut CurrentThread,
        patience: Patience,
        from: &mut Source<'_>,
        mut outgoing: Outgoing<'_>,
    ) -> Result<()> {
        let bytes = from.left();
        // LINUX: connected kinds do not look at the address.
        let destination = outgoing.destination.take().filter(|_| self.kind == SocketKind::Datagram);
        let explicit = destination.zip(Task::current(cx));
        let is_explicit = explicit.is_some();
        let linked = self.state.with(|state| match &state.link {
            Link::Peer { .. } => Ok(state.link.peer()),
            _ if is_explicit => Ok(None),
            _ => Err(Errno::ENOTCONN),
        })?;
        if bytes > self.budget.limit().saturating_sub(32) {
            return Err(Errno::EMSGSIZE);
        }
        if self.state.with(|state| state.shutdown & SEND != 0) {
            return Err(Errno::EPIPE);
        }
        // LINUX: the address is looked up after everything else that may be wrong.
        let explicit = match explicit {
            Some((address, task)) => Some(find(cx, &task, address, self.kind)?),
            None => None,
        };
        let Some(peer) = explicit.or(linked) else { return Err(self.destination_is_gone()) };
        let before = from.clone();
        let mut entry = Some(self.make_entry(cx, patience, &peer, bytes, from, &mut outgoing)?);
        let outcome = patience.wait(cx, &self.budget.room, "room in a receiver's queue", |_| {
            match self.deliver(&peer, &mut entry) {
                Delivery::Full => None,
                other => Some(other),
            }
        });
        let outcome = match outcome {
            Ok(Delivery::Done) => {
                peer.data.wake_all();
                peer.tell(cx, Change::Input);
                return Ok(());
            }
            Ok(Delivery::Closed) if is_explicit => Errno::ECONNREFUSED,
            Ok(Delivery::Closed) => self.destination_is_gone(),
            Ok(Delivery::NotWelcome) => Errno::EPERM,
            Ok(Delivery::NoMemory) => Errno::ENOBUFS,
            Ok(Delivery::ShutDown | Delivery::Full) => Errno::EPIPE,
            Err(error) => error,
        };
        *from = before;
        Err(outcome)
    }

    /// The linked socket was closed: a datagram socket forgets it.
    fn destination_is_gone(&self) -> Errno {
        if self.kind.is_connected_kind() {
            return Errno::EPIPE;
        }
        let gone = self.state.with(|state| core::mem::replace(&mut state.link, Link::None));
        drop(gone);
        Errno::ECONNREFUSED
    }

    fn credentials_for(&self, cx: &CurrentThread, peer: &Socket, given: Option<Ucred>) -> Option<Ucred> {
        let is_wanted = |socket: &Socket| socket.passes_credentials.load(Ordering::Relaxed);
        given.or_else(|| (is_wanted(self) || is_wanted(peer)).then(|| current_credentials(cx)))
    }

    /// Puts the message into `peer`'s queue; it stays with the caller if that cannot be.
    fn deliver(&self, peer: &Socket, entry: &mut Option<Entry>) -> Delivery {
        peer.state.with(|state| {
            if state.is_closed {
                return Delivery::Closed;
            }
            if state.shutdown & RECEIVE != 0 {
                return Delivery::ShutDown;
            }
            let is_linked_back = state.link.is_to(self);
            if self.kind == SocketKind::Datagram && !is_linked_back {
                if !matches!(state.link, Link::None) {
                    return Delivery::NotWelcome;
                }
                if state.queue.len() > MOST_DATAGRAMS && !core::ptr::eq(self, peer) {
                    if !state.note_waiting_sender(&self.budget) {
                        return Delivery::NoMemory;
                    }
                    return Delivery::Full;
                }
            }
            if state.queue.try_reserve(1).is_err() {
                return Delivery::NoMemory;
            }
            if let Some(entry) = entry.take() {
                if entry.rights.is_some() {
                    unreachable::note_move();
                }
                probe!(trace::net::send(self.told(), peer.told(), entry.left() as u64));
                state.queued_bytes += entry.left();
                state.queue.push_back(entry);
            }
            Delivery::Done
        })
    }

    /// Whether a datagram to the linked socket would have to wait for its queue; if so, this one is woken when not.
    pub(super) fn is_peer_full(&self) -> bool {
        let Some(peer) = self.state.with(|state| state.link.peer()) else { return false };
        if self.kind != SocketKind::Datagram || core::ptr::eq(self, &*peer) {
            return false;
        }
        peer.state.with(|state| {
            if state.is_closed || state.link.is_to(self) || state.queue.len() <= MOST_DATAGRAMS {
                return false;
            }
            // Without memory to note it, the sender is told to try.
            state.note_waiting_sender(&self.budget)
        })
    }
}
