//! Receiving: from the front of the socket's own queue into user memory.
//!
//! Main item: [`Socket::receive`], behind `read`, `recv`, `recvfrom` and `recvmsg`. The queue's lock is not held while
//! bytes are copied: a message is immutable and shared, and `receive_lock` sees to it that only one receiver at a time takes
//! from the front.
use super::message::{Entry, Message};
use super::rights::Rights;
use super::socket::{Link, Name, RECEIVE, Socket, SocketKind};
use super::timeout::Patience;
use super::unreachable;
use crate::errno::{Errno, Result};
use crate::fs::{Sink, listeners};
use crate::trace::{self, probe};
use abi::Ucred;
use abi::net::{MSG_DONTWAIT, MSG_OOB, MSG_PEEK, MSG_TRUNC, MSG_WAITALL};
use alloc::sync::Arc;
use core::sync::atomic::Ordering;
use machine::thread::CurrentThread;

/// What came besides the bytes.
#[derive(Default)]
pub struct Received {
    /// Bytes, as the call is to tell them.
    pub bytes: usize,
    /// The sender's name.
    pub sender: Option<Name>,
    /// The sender, if SO_PASSCRED is set and it is known.
    pub credentials: Option<Ucred>,
    /// Descriptions that came along.
    pub(crate) rights: Option<Rights>,
    /// `MSG_*` of the result.
    pub flags: u32,
}

/// A look at a message in the queue.
struct Seen {
    message: Arc<Message>,
    consumed: usize,
    has_rights: bool,
}

impl Socket {
    /// Receives into `to`.
    pub fn receive(
        &self,
        cx: &mut CurrentThread,
        is_non_blocking: bool,
        to: &mut Sink<'_>,
        flags: u32,
    ) -> Result<Received> {
        if flags & MSG_OOB != 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        let patience = Patience::to_receive(self, is_non_blocking || flags & MSG_DONTWAIT != 0);
        let outcome = match self.kind {
            SocketKind::Stream => self.receive_stream(cx, patience, to, flags),
            SocketKind::Packets if !self.is_linked() => Err(Errno::ENOTCONN),
            _ => self.receive_message(cx, patience, to, flags),
        };
        // Senders that have room again.
        listeners::finish(cx);
        outcome
    }

    /// Whether it is, or was, connected.
    fn is_linked(&self) -> bool {
        self.state.with(|state| matches!(state.link, Link::Peer { .. }))
    }

    fn look(&self, index: usize) -> Option<Seen> {
        self.state.with(|state| {
            let entry = state.queue.get(index)?;
            Some(Seen { message: entry.message.clone(), consumed: entry.consumed, has_rights: entry.rights.is_some() })
        })
    }

    /// Takes the rights of the entry at `index`, or, if they stay there, a second copy of them.
    fn rights_at(&self, index: usize, stays: bool) -> Option<Rights> {
        // Made under the receive lock, so the entry is the one that was seen.
        let taken = self.state.with(|state| {
            unreachable::note_move();
            state.queue.get_mut(index)?.rights.take()
        })?;
        if !stays {
            return Some(taken);
        }
        let copy = taken.duplicate();
        let left_over = self.state.with(|state| match state.queue.get_mut(index) {
            Some(entry) => {
                unreachable::note_move();
                entry.rights = Some(taken);
                None
            }
            None => Some(taken),
        });
        drop(left_over);
        copy
    }

    /// Whether the sender of a message is to be told to the program.
    fn told_credentials(&self, message: &Message) -> Option<Ucred> {
        // LINUX: a sender that did not have to tell is nobody, with the overflow ids.
        const UNKNOWN: Ucred = Ucred { pid: 0, uid: 65_534, gid: 65_534 };
        self.passes_credentials.load(Ordering::Relaxed).then(|| message.credentials.unwrap_or(UNKNOWN))
    }

    fn receive_stream(
        &self,
        cx: &mut CurrentThread,
        patience: Patience,
        to: &mut Sink<'_>,
        flags: u32,
    ) -> Result<Received> {
        // LINUX: EINVAL, not ENOTCONN.
        if !self.is_linked() {
            return Err(Errno::EINVAL);
        }
        let wanted = to.left();
        let target = if flags & MSG_WAITALL != 0 { wanted } else { wanted.min(1) };
        let mut received = Received::default();
        let mut is_first = true;
        loop {
            let is_over = {
                let _receiving = self.receive_lock.lock(cx);
                self.drain(cx, to, flags, &mut received, &mut is_first)?
            };
            received.bytes = wanted - to.left();
            if is_over || to.left() == 0 || (received.bytes >= target && !is_first) {
                return Ok(received);
            }
            listeners::finish(cx);
            self.sleeping_receivers.fetch_add(1, Ordering::AcqRel);
            let outcome = patience.wait(cx, &self.data, "data in a socket", |_| {
                self.state.with(|state| {
                    if state.queue.len() > usize::from(flags & MSG_PEEK != 0 && !is_first) {
                        return Some(Ok(true));
                    }
                    if let Some(error) = state.error.take() {
                        return Some(Err(error));
                    }
                    (state.shutdown & RECEIVE != 0).then_some(Ok(false))
                })
            });
            self.sleeping_receivers.fetch_sub(1, Ordering::AcqRel);
            match outcome {
                Ok(Ok(true)) if flags & MSG_PEEK != 0 && !is_first => return Ok(received),
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => return Ok(received),
                Ok(Err(error)) | Err(error) => return if is_first { Err(error) } else { Ok(received) },
            }
        }
    }

    /// Copies what is in the queue, as far as it belongs together and fits; answers whether the call is over with that.
    fn drain(
        &self,
        cx: &mut CurrentThread,
        to: &mut Sink<'_>,
        flags: u32,
        received: &mut Received,
        is_first: &mut bool,
    ) -> Result<bool> {
        let is_peek = flags & MSG_PEEK != 0;
        let mut index = 0;
        while to.left() > 0 || *is_first {
            let Some(seen) = self.look(index) else { return Ok(is_peek && !*is_first) };
            let credentials = self.told_credentials(&seen.message);
            if *is_first {
                received.credentials = credentials;
                received.sender = seen.message.sender.clone();
            } else if credentials != received.credentials {
                return Ok(true);
            }
            let rest = &seen.message.data[seen.consumed..];
            let part = rest.len().min(to.left());
            let before = to.mark();
            if let Err(error) = to.put(cx, &rest[..part]) {
                to.rewind(before);
                return if *is_first { Err(error) } else { Ok(true) };
            }
            *is_first = false;
            if seen.has_rights {
                received.rights = self.rights_at(index, is_peek);
            }
            if is_peek {
                index += 1;
            } else {
                let done = self.state.with(|state| {
                    state.queued_bytes -= part;
                    let entry = state.queue.front_mut()?;
                    entry.consumed += part;
                    if entry.left() == 0 { state.queue.pop_front() } else { None }
                });
                probe!(trace::net::receive(self.told(), part as u64));
                drop(done);
            }
            if seen.has_rights {
                return Ok(true);
            }
        }
        Ok(true)
    }

    fn receive_message(
        &self,
        cx: &mut CurrentThread,
        patience: Patience,
        to: &mut Sink<'_>,
        flags: u32,
    ) -> Result<Received> {
        loop {
            let has_message = patience.wait(cx, &self.data, "a message in a socket", |_| {
                self.state.with(|state| {
                    if let Some(error) = state.error.take() {
                        return Some(Err(error));
                    }
                    if !state.queue.is_empty() {
                        return Some(Ok(true));
                    }
                    // LINUX: a datagram socket that does not wait answers EAGAIN even then.
                    let is_end = state.shutdown & RECEIVE != 0
                        && (self.kind == SocketKind::Packets || !matches!(patience, Patience::None));
                    is_end.then_some(Ok(false))
                })
            })??;
            if !has_message {
                return Ok(Received::default());
            }
            let _receiving = self.receive_lock.lock(cx);
            // Another receiver may have been quicker.
            let Some(seen) = self.look(0) else { continue };
            return self.take_message(cx, &seen, to, flags);
        }
    }

    /// Receives the front message. The caller holds the receive lock.
    fn take_message(&self, cx: &mut CurrentThread, seen: &Seen, to: &mut Sink<'_>, flags: u32) -> Result<Received> {
        let data = &seen.message.data;
        let part = data.len().min(to.left());
        let before = to.mark();
        if let Err(error) = to.put(cx, &data[..part]) {
            to.rewind(before);
            return Err(error);
        }
        let mut received = Received {
            bytes: if flags & MSG_TRUNC != 0 { data.len() } else { part },
            sender: seen.message.sender.clone(),
            credentials: self.told_credentials(&seen.message),
            rights: None,
            flags: if part < data.len() { MSG_TRUNC } else { 0 },
        };
        let is_peek = flags & MSG_PEEK != 0;
        if seen.has_rights {
            received.rights = self.rights_at(0, is_peek);
        }
        if !is_peek {
            let done: Option<Entry> = self.state.with(|state| {
                state.queued_bytes -= data.len();
                state.queue.pop_front()
            });
            drop(done);
            probe!(trace::net::receive(self.told(), data.len() as u64));
            self.wake_waiting_senders();
        }
        Ok(received)
    }
}
