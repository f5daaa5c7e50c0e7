//! A local socket (AF_UNIX): what it is, what it is linked to, what waits in it.
//!
//! Main types: [`Socket`], the file behind the descriptor; [`State`], everything about it that changes. A sender puts
//! messages straight into the receiver's queue; there is nothing between the two. Sockets know each other weakly: a peer that
//! was closed is gone, having told the others in [`Socket::close`] before.
//!
//! # Locks
//! One spin lock per socket, never two at once, never held while memory is copied or anybody is woken. `receive_lock`
//! keeps receivers apart while they copy from the queue's front; `bind_lock` those who give the socket a name.
use super::message::{Entry, SendBudget};
use super::names::Binding;
use super::unreachable;
use crate::errno::Errno;
use crate::fs::anonymous::AnonymousInode;
use crate::fs::listeners;
use crate::fs::{FileKind, Inode, OpenFile};
use crate::lock_order;
use crate::signal::readiness::Change;
use crate::task::Task;
use crate::trace::{self, probe};
use abi::Ucred;
use abi::linux::O_RDWR;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use machine::sync::{Mutex, Once, SpinLock, WaitQueue};
use machine::thread::CurrentThread;
use machine::trace::providers::Hex;

/// Bit of [`State::shutdown`]: nothing more is received.
pub(super) const RECEIVE: u8 = 1;
/// Bit of [`State::shutdown`]: nothing more is sent.
pub(super) const SEND: u8 = 2;
/// Both.
pub(super) const BOTH: u8 = RECEIVE | SEND;

/// The type of a socket (SO_TYPE).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum SocketKind {
    /// A connected stream of bytes.
    Stream = 1,
    /// Messages, each to a destination of its own.
    Datagram = 2,
    /// A connected sequence of messages.
    Packets = 5,
}

impl SocketKind {
    /// Whether it is used through connections.
    pub(super) fn is_connected_kind(self) -> bool {
        self != SocketKind::Datagram
    }
}

/// A socket's name: a path with its zero, or an abstract name with the zero in front.
pub type Name = Arc<[u8]>;

/// A name's place; it is given at most once.
pub(super) type NameCell = Once<Name>;

/// What a socket is linked to.
pub(super) enum Link {
    /// Nothing.
    None,
    /// It waits for connections.
    Listening {
        /// How many may wait, less one.
        backlog: usize,
        /// Server ends not yet accepted.
        pending: VecDeque<Arc<Socket>>,
    },
    /// The other end of a connection, or a datagram socket's standing destination.
    Peer {
        /// The socket, while it is open.
        socket: Weak<Socket>,
        /// Its name.
        name: Arc<NameCell>,
    },
}

impl Link {
    /// A link to `socket`.
    pub(super) fn to(socket: &Socket) -> Link {
        Link::Peer { socket: socket.me.clone(), name: socket.name.clone() }
    }

    /// The socket at the other end, if it is open.
    pub(super) fn peer(&self) -> Option<Arc<Socket>> {
        match self {
            Link::Peer { socket, .. } => socket.upgrade(),
            _ => None,
        }
    }

    /// Whether it leads to `socket`.
    pub(super) fn is_to(&self, socket: &Socket) -> bool {
        matches!(self, Link::Peer { socket: peer, .. } if Weak::ptr_eq(peer, &socket.me))
    }
}

/// What changes.
pub(super) struct State {
    /// What was sent here and is not received.
    pub(super) queue: VecDeque<Entry>,
    /// Bytes of it.
    pub(super) queued_bytes: usize,
    /// [`RECEIVE`], [`SEND`].
    pub(super) shutdown: u8,
    /// The descriptor is gone.
    pub(super) is_closed: bool,
    /// Told once (SO_ERROR).
    pub(super) error: Option<Errno>,
    /// What it is linked to.
    pub(super) link: Link,
    /// Who connected, listened or made the pair at the other end (SO_PEERCRED).
    pub(super) peer_credentials: Ucred,
    /// Who made this one listen.
    pub(super) own_credentials: Ucred,
    /// Senders that found the queue too long.
    pub(super) waiting_senders: Vec<Weak<SendBudget>>,
}

impl State {
    /// Notes a sender that is to be woken when the queue gets shorter; false for want of memory.
    pub(super) fn note_waiting_sender(&mut self, sender: &Arc<SendBudget>) -> bool {
        self.waiting_senders.retain(|known| known.strong_count() > 0);
        if self.waiting_senders.iter().any(|known| known.as_ptr() == Arc::as_ptr(sender)) {
            return true;
        }
        let has_room = self.waiting_senders.try_reserve(1).is_ok();
        if has_room {
            self.waiting_senders.push(Arc::downgrade(sender));
        }
        has_room
    }
}

/// A local socket.
pub struct Socket {
    /// Itself.
    pub(super) me: Weak<Socket>,
    /// Its type.
    pub(super) kind: SocketKind,
    /// Its name; an accepted socket has the listener's.
    pub(super) name: Arc<NameCell>,
    /// Its entry in the table of names.
    pub(super) binding: Once<Binding>,
    /// Held while a name is given.
    pub(super) bind_lock: Mutex<()>,
    /// Held by the one who receives.
    pub(super) receive_lock: Mutex<()>,
    /// See [`State`].
    pub(super) state: SpinLock<State>,
    /// Receivers and accepters.
    pub(super) data: WaitQueue,
    /// Receivers of a stream that sleep: they need no signal.
    pub(super) sleeping_receivers: AtomicUsize,
    /// What it may have on the way; senders wait there.
    pub(super) budget: Arc<SendBudget>,
    /// SO_PASSCRED.
    pub(super) passes_credentials: AtomicBool,
    /// SO_RCVTIMEO in nanoseconds; 0 is for ever.
    pub(super) receive_timeout: AtomicU64,
    /// SO_SNDTIMEO.
    pub(super) send_timeout: AtomicU64,
    /// Options without an effect on local sockets.
    pub(super) kept: super::options::Kept,
}

impl Socket {
    /// As probes tell it.
    pub(super) fn told(&self) -> Hex {
        Hex(core::ptr::from_ref(self).addr() as u64)
    }

    /// A socket without a name, linked to nothing.
    pub(super) fn new(kind: SocketKind, name: Arc<NameCell>) -> Arc<Socket> {
        let state = State {
            queue: VecDeque::new(),
            queued_bytes: 0,
            shutdown: 0,
            is_closed: false,
            error: None,
            link: Link::None,
            peer_credentials: Ucred::NOBODY,
            own_credentials: Ucred::NOBODY,
            waiting_senders: Vec::new(),
        };
        Arc::new_cyclic(|me| Socket {
            me: me.clone(),
            kind,
            name,
            binding: Once::new(),
            bind_lock: Mutex::new(&lock_order::SOCKET_BIND, ()),
            receive_lock: Mutex::new(&lock_order::SOCKET_RECEIVE, ()),
            state: SpinLock::new(&lock_order::SOCKET, state),
            data: WaitQueue::new(),
            sleeping_receivers: AtomicUsize::new(0),
            budget: SendBudget::new(),
            passes_credentials: AtomicBool::new(false),
            receive_timeout: AtomicU64::new(0),
            send_timeout: AtomicU64::new(0),
            kept: super::options::Kept::default(),
        })
    }

    /// An open socket. `flags`: O_NONBLOCK or nothing.
    pub fn open(cx: &CurrentThread, kind: SocketKind, flags: u32) -> Arc<OpenFile> {
        Socket::new(kind, Arc::new(Once::new())).describe(cx, flags)
    }

    /// Two open sockets, linked to each other.
    pub fn open_pair(cx: &CurrentThread, kind: SocketKind, flags: u32) -> (Arc<OpenFile>, Arc<OpenFile>) {
        let (first, second) = (Socket::new(kind, Arc::new(Once::new())), Socket::new(kind, Arc::new(Once::new())));
        let who = current_credentials(cx);
        for (socket, other) in [(&first, &second), (&second, &first)] {
            socket.state.with(|state| {
                state.link = Link::to(other);
                state.peer_credentials = who;
            });
        }
        (first.describe(cx, flags), second.describe(cx, flags))
    }

    /// An open file description of it.
    pub(super) fn describe(self: Arc<Self>, cx: &CurrentThread, flags: u32) -> Arc<OpenFile> {
        let inode = AnonymousInode::new(FileKind::Socket, 0o777, None);
        let who = current_credentials(cx);
        inode.base().update(cx, |attributes| {
            attributes.uid = who.uid;
            attributes.gid = who.gid;
        });
        let name = format!("socket:[{}]", inode.base().number);
        OpenFile::anonymous(name.as_bytes(), inode, self, flags | O_RDWR)
    }

    /// The socket behind a description; ENOTSOCK if it is something else.
    pub fn of(open: &OpenFile) -> Result<&Socket, Errno> {
        open.file().as_any().downcast_ref::<Socket>().ok_or(Errno::ENOTSOCK)
    }

    /// Its type.
    pub fn kind(&self) -> SocketKind {
        self.kind
    }

    /// Its own name; nothing if it has none.
    pub fn own_name(&self) -> Option<Name> {
        self.name.get().cloned()
    }

    /// The name of what it is linked to.
    pub fn peer_name(&self) -> Result<Option<Name>, Errno> {
        self.state.with(|state| match &state.link {
            Link::Peer { name, .. } => Ok(name.get().cloned()),
            _ => Err(Errno::ENOTCONN),
        })
    }

    /// Tells everybody who waits here that something changed.
    pub(super) fn wake_all(&self) {
        self.data.wake_all();
        self.budget.room.wake_all();
    }

    /// Tells by signals that there is something to receive, or never will be.
    pub(super) fn tell(&self, cx: &CurrentThread, change: Change) {
        if self.is_told() {
            self.budget.listeners.tell(cx, change);
        }
    }

    /// Whether signals are due.
    // LINUX: not while somebody sleeps who receives it anyway.
    fn is_told(&self) -> bool {
        self.sleeping_receivers.load(Ordering::Acquire) == 0
    }

    /// Tells senders that found the queue too long that it is shorter.
    pub(super) fn wake_waiting_senders(&self) {
        let waiting = self.state.with(|state| core::mem::take(&mut state.waiting_senders));
        for sender in waiting.iter().filter_map(Weak::upgrade) {
            sender.room.wake_all();
        }
    }

    /// The descriptor has gone. Runs in a destructor: never sleeps. `is_reset`: the other end learns that it was never
    /// accepted.
    pub(super) fn close(&self, is_reset: bool) {
        probe!(trace::net::close(self.told()));
        let (queue, link) = self.state.with(|state| {
            // What lies in the queue leaves it.
            unreachable::note_move();
            state.shutdown = BOTH;
            state.is_closed = true;
            state.queued_bytes = 0;
            (core::mem::take(&mut state.queue), core::mem::replace(&mut state.link, Link::None))
        });
        if let Some(binding) = self.binding.get() {
            binding.remove(self);
        }
        if self.kind.is_connected_kind()
            && let Some(peer) = link.peer()
        {
            peer.state.with(|state| {
                if state.link.is_to(self) {
                    state.shutdown = BOTH;
                    if is_reset || !queue.is_empty() {
                        state.error = Some(Errno::ECONNRESET);
                    }
                }
            });
            peer.wake_all();
            if peer.is_told() {
                peer.budget.listeners.leave(Change::HangUp);
            }
        }
        if let Link::Listening { pending, .. } = link {
            for socket in pending {
                socket.close(true);
            }
        }
        drop(queue);
        self.wake_waiting_senders();
        self.wake_all();
        listeners::notify();
    }
}

/// Who the calling task is, as SO_PEERCRED and SCM_CREDENTIALS tell.
pub(super) fn current_credentials(cx: &CurrentThread) -> Ucred {
    match Task::current(cx) {
        Some(task) => {
            let who = task.credentials(cx);
            // CAST: process numbers are small.
            Ucred { pid: task.process().pid() as i32, uid: who.uid.effective, gid: who.gid.effective }
        }
        None => Ucred { pid: 0, uid: 0, gid: 0 },
    }
}
