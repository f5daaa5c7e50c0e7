//! Connections: listen, connect, accept, shutdown.
//!
//! A connecting socket makes the server's end itself, links the two and queues the server's end at the listener; accept
//! only gives it a descriptor. So a connection can be written to before it is accepted, as on Linux.
//!
//! # Invariants
//! The server's end is in the listener's queue only while the connecting socket is linked to it.
use super::names::find;
use super::socket::{BOTH, Link, Name, RECEIVE, SEND, Socket, SocketKind, current_credentials};
use super::timeout::Patience;
use super::unreachable;
use crate::errno::{Errno, Result};
use crate::fs::OpenFile;
use crate::signal::readiness::Change;
use crate::task::Task;
use crate::trace::{self, probe};
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::sync::atomic::Ordering;
use machine::thread::CurrentThread;
use pure::unix_address::UnixAddress;

/// Most connections that may wait (Linux's `net.core.somaxconn`).
const MOST_PENDING: usize = 4096;

/// How an attempt to connect went.
enum Attempt {
    Done,
    Full,
    Refused,
}

impl Socket {
    /// Waits for connections from now on.
    pub fn listen(&self, cx: &CurrentThread, backlog: i32) -> Result<()> {
        if !self.kind.is_connected_kind() {
            return Err(Errno::EOPNOTSUPP);
        }
        if self.name.get().is_none() {
            return Err(Errno::EINVAL);
        }
        let who = current_credentials(cx);
        // LINUX: a negative number is a very large one.
        let most = usize::try_from(backlog).unwrap_or(MOST_PENDING).min(MOST_PENDING);
        self.state.with(|state| {
            match &mut state.link {
                Link::Peer { .. } => return Err(Errno::EINVAL),
                Link::Listening { backlog, .. } => *backlog = most,
                link @ Link::None => *link = Link::Listening { backlog: most, pending: VecDeque::new() },
            }
            state.own_credentials = who;
            Ok(())
        })?;
        probe!(trace::net::listen(self.told(), most as u64));
        self.wake_all();
        Ok(())
    }

    /// Connects to `address`; `None` takes a datagram socket's standing destination away.
    pub fn connect(
        &self,
        cx: &mut CurrentThread,
        open: &OpenFile,
        task: &Task,
        address: Option<UnixAddress<'_>>,
    ) -> Result<()> {
        match (self.kind, address) {
            (SocketKind::Datagram, None) => {
                self.state.with(|state| core::mem::replace(&mut state.link, Link::None));
                self.wake_all();
                Ok(())
            }
            (_, None) => Err(Errno::EINVAL),
            (SocketKind::Datagram, Some(address)) => {
                self.bind_for_credentials(cx)?;
                let peer = find(cx, task, address, self.kind)?;
                if !peer.takes_from(self) {
                    return Err(Errno::EPERM);
                }
                self.state.with(|state| core::mem::replace(&mut state.link, Link::to(&peer)));
                probe!(trace::net::connect(self.told(), peer.told()));
                self.wake_all();
                Ok(())
            }
            (_, Some(address)) => self.connect_to_listener(cx, open, task, address),
        }
    }

    /// Whether datagrams from `sender` are welcome: not if it has a standing destination and that is somebody else.
    pub(super) fn takes_from(&self, sender: &Socket) -> bool {
        self.state.with(|state| matches!(state.link, Link::None) || state.link.is_to(sender))
    }

    fn connect_to_listener(
        &self,
        cx: &mut CurrentThread,
        open: &OpenFile,
        task: &Task,
        address: UnixAddress<'_>,
    ) -> Result<()> {
        self.bind_for_credentials(cx)?;
        let patience = Patience::to_send(self, open.is_non_blocking());
        let who = current_credentials(cx);
        loop {
            let listener = find(cx, task, address, self.kind)?;
            let server = Socket::new(self.kind, listener.name.clone());
            server.passes_credentials.store(listener.passes_credentials.load(Ordering::Relaxed), Ordering::Relaxed);
            server.state.with(|state| {
                state.link = Link::to(self);
                state.peer_credentials = who;
            });
            let peer = server.told();
            match self.attempt(&listener, server)? {
                Attempt::Done => {
                    probe!(trace::net::connect(self.told(), peer));
                    listener.data.wake_all();
                    listener.tell(cx, Change::Input);
                    self.wake_all();
                    return Ok(());
                }
                Attempt::Refused => return Err(Errno::ECONNREFUSED),
                Attempt::Full => {
                    patience.wait(cx, &listener.budget.room, "room in a backlog", |_| {
                        (!matches!(listener.backlog_state(), Attempt::Full)).then_some(())
                    })?;
                }
            }
        }
    }

    /// Whether a connection would be queued here.
    fn backlog_state(&self) -> Attempt {
        self.state.with(|state| match &state.link {
            Link::Listening { .. } if state.shutdown & RECEIVE != 0 => Attempt::Refused,
            Link::Listening { backlog, pending } if pending.len() > *backlog => Attempt::Full,
            Link::Listening { .. } => Attempt::Done,
            _ => Attempt::Refused,
        })
    }

    /// Links this socket and `server`, and queues the latter; undone if the listener has no room.
    fn attempt(&self, listener: &Socket, server: Arc<Socket>) -> Result<Attempt> {
        match listener.backlog_state() {
            Attempt::Done => {}
            other => return Ok(other),
        }
        self.state.with(|state| match state.link {
            Link::Peer { .. } => Err(Errno::EISCONN),
            Link::Listening { .. } => Err(Errno::EINVAL),
            Link::None => {
                state.link = Link::to(&server);
                Ok(())
            }
        })?;
        // Taken out by the one who queues it, so that it is let go of outside the lock otherwise.
        let mut queued = Some(server.clone());
        let outcome = listener.state.with(|state| {
            let listens = state.shutdown & RECEIVE == 0;
            match &mut state.link {
                Link::Listening { backlog, pending } if listens => {
                    if pending.len() > *backlog {
                        return Ok(Attempt::Full);
                    }
                    pending.try_reserve(1)?;
                    pending.extend(queued.take());
                    Ok(Attempt::Done)
                }
                _ => Ok(Attempt::Refused),
            }
        });
        let credentials = listener.state.with(|state| state.own_credentials);
        let is_done = matches!(outcome, Ok(Attempt::Done));
        self.state.with(|state| {
            if is_done {
                state.peer_credentials = credentials;
            } else if state.link.is_to(&server) {
                state.link = Link::None;
            }
        });
        outcome
    }

    /// The next connection, as an open file; `flags`: O_NONBLOCK or nothing. Also answers the other end's name.
    pub fn accept(&self, cx: &mut CurrentThread, open: &OpenFile, flags: u32) -> Result<(Arc<OpenFile>, Option<Name>)> {
        if !self.kind.is_connected_kind() {
            return Err(Errno::EOPNOTSUPP);
        }
        let patience = Patience::to_receive(self, open.is_non_blocking());
        let server = patience.wait(cx, &self.data, "a connection", |_| {
            self.state.with(|state| {
                let listens = state.shutdown & RECEIVE == 0;
                match &mut state.link {
                    Link::Listening { pending, .. } => match pending.pop_front() {
                        Some(server) => {
                            // What was sent to it leaves the listener with it.
                            unreachable::note_move();
                            Some(Ok(server))
                        }
                        None => (!listens).then_some(Err(Errno::EINVAL)),
                    },
                    _ => Some(Err(Errno::EINVAL)),
                }
            })
        })??;
        self.budget.room.wake_all();
        probe!(trace::net::accept(self.told(), server.told()));
        let name = server.peer_name().unwrap_or(None);
        Ok((server.describe(cx, flags), name))
    }

    /// Ends one or both directions (`how` as `shutdown(2)`: 0, 1, 2).
    pub fn shut_down(&self, cx: &CurrentThread, how: i32) -> Result<()> {
        let bits = match how {
            0 => RECEIVE,
            1 => SEND,
            2 => BOTH,
            _ => return Err(Errno::EINVAL),
        };
        // CAST: 0 to 2.
        probe!(trace::net::shutdown(self.told(), how as u32));
        let peer = self.state.with(|state| {
            state.shutdown |= bits;
            state.link.peer()
        });
        if self.kind.is_connected_kind()
            && let Some(peer) = peer
        {
            // What one side no longer receives the other can no longer send.
            let mirrored = (bits & RECEIVE) << 1 | (bits & SEND) >> 1;
            peer.state.with(|state| {
                if state.link.is_to(self) {
                    state.shutdown |= mirrored;
                }
            });
            peer.wake_all();
            if mirrored == BOTH {
                peer.tell(cx, Change::HangUp);
            } else if mirrored & RECEIVE != 0 {
                peer.tell(cx, Change::Input);
            }
        }
        self.wake_waiting_senders();
        self.wake_all();
        Ok(())
    }
}
