//! POSIX message queues: named, with messages in the order of their priorities, open as descriptors.
//!
//! Main types: [`PosixQueue`], a queue, which is also the file that a descriptor of it is; [`Registration`], who wants a signal when a
//! message comes to the empty queue. Called by `syscall::posix_queue`. Names are one flat list: there is no mounted file system of them.
//!
//! A queue lives while it has a name or is open. Its largest size is charged to the user who made it (RLIMIT_MSGQUEUE).
//! Locks: `QUEUE_NAMES` around the names, `QUEUE_SHARES` around the users' sums, `IPC_STATE` in each queue; none under another.
use crate::errno::{Errno, Result};
use crate::fs::OpenFile;
use crate::fs::anonymous::AnonymousInode;
use crate::fs::file::{File, PollEvents};
use crate::fs::file_lock::TableId;
use crate::fs::inode::{FileKind, Inode};
use crate::fs::permission;
use crate::fs::transfer::Sink;
use crate::lock_order;
use crate::signal::Signal;
use crate::signal::send::send_to_process;
use crate::task::{Capability, Credentials, Pid};
use abi::Siginfo;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};
use machine::sync::{SpinLock, Wait, WaitQueue};
use machine::thread::CurrentThread;
use machine::time::Instant;

/// Most queues, but for the superuser.
pub const MOST_QUEUES: usize = 256;
/// Most messages of a queue, but for the superuser; and how many it has unless said.
pub const MOST_MESSAGES: usize = 10;
/// Most bytes of a message, but for the superuser; and unless said.
pub const MOST_BYTES: usize = 8192;
/// Priorities are below this.
pub const PRIORITIES: u32 = 32_768;
/// What the superuser may ask for.
const HARD_MOST_MESSAGES: usize = 65_536;
const HARD_MOST_BYTES: usize = 16_777_216;
/// What Linux charges for a message, and for a priority, beyond the bytes.
const CHARGE_MESSAGE: usize = 48;
const CHARGE_PRIORITY: usize = 48;
/// What `stat` tells a queue's length to be.
const TOLD_BYTES: usize = 80;
/// `si_code` of a queue's signal.
const SI_MESGQ: i32 = -3;

/// A message.
struct Message {
    priority: u32,
    data: Vec<u8>,
}

/// Who is told of the next message that comes to the empty queue, once.
#[derive(Clone, Copy, Debug)]
pub struct Registration {
    /// The process.
    pub pid: Pid,
    /// Its descriptors: closing one of the queue ends the registration.
    pub table: TableId,
    /// `SIGEV_*`.
    pub how: i32,
    /// What it is sent.
    pub signal: Option<Signal>,
    /// What that carries.
    pub value: u64,
}

struct State {
    /// Highest priority first, equal ones in the order of sending.
    messages: VecDeque<Message>,
    bytes: usize,
    /// Those who wait for a message: they get it, and nobody is told.
    receivers: usize,
    registration: Option<Registration>,
}

/// A queue.
pub struct PosixQueue {
    inode: Arc<AnonymousInode>,
    most_messages: usize,
    most_bytes: usize,
    state: SpinLock<State>,
    arrived: WaitQueue,
    room: WaitQueue,
    _share: Share,
}

/// The most messages of a queue, the most bytes of each, and the messages in it.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Most messages.
    pub most_messages: usize,
    /// Most bytes of one.
    pub most_bytes: usize,
    /// Messages there are.
    pub messages: usize,
}

/// Bytes charged to a user; dropping it gives them back.
struct Share {
    sum: Arc<AtomicU64>,
    bytes: u64,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.sum.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Sums by user.
static SHARES: SpinLock<Vec<(u32, Arc<AtomicU64>)>> = SpinLock::new(&lock_order::QUEUE_SHARES, Vec::new());

impl Share {
    /// Charges a user; EMFILE beyond `limit`.
    fn take(uid: u32, bytes: u64, limit: u64) -> Result<Share> {
        let sum = SHARES.with(|shares| -> Result<Arc<AtomicU64>> {
            if let Some((_, sum)) = shares.iter().find(|(user, _)| *user == uid) {
                return Ok(sum.clone());
            }
            shares.retain(|(_, sum)| Arc::strong_count(sum) > 1);
            shares.try_reserve(1)?;
            let sum = Arc::new(AtomicU64::new(0));
            shares.push((uid, sum.clone()));
            Ok(sum)
        })?;
        let had = sum.fetch_add(bytes, Ordering::Relaxed);
        // On the way out the drop takes back what was added.
        let share = Share { sum, bytes };
        if had.saturating_add(bytes) > limit { Err(Errno::EMFILE) } else { Ok(share) }
    }
}

struct Named {
    name: Vec<u8>,
    queue: Arc<PosixQueue>,
}

/// All names.
static NAMES: SpinLock<Vec<Named>> = SpinLock::new(&lock_order::QUEUE_NAMES, Vec::new());

/// The queue of a name.
pub fn find(name: &[u8]) -> Option<Arc<PosixQueue>> {
    NAMES.with(|names| names.iter().find(|known| known.name == name).map(|known| known.queue.clone()))
}

/// Gives a new queue its name, or answers the one that has it. ENOSPC if there are too many.
pub fn insert(who: &Credentials, name: &[u8], queue: &Arc<PosixQueue>) -> Result<Arc<PosixQueue>> {
    let mut own = Vec::new();
    own.try_reserve_exact(name.len())?;
    own.extend_from_slice(name);
    NAMES.with(|names| {
        if let Some(known) = names.iter().find(|known| known.name == name) {
            return Ok(known.queue.clone());
        }
        if names.len() >= MOST_QUEUES && !who.may(Capability::Resource) {
            return Err(Errno::ENOSPC);
        }
        names.try_reserve(1)?;
        names.push(Named { name: own, queue: queue.clone() });
        Ok(queue.clone())
    })
}

/// Takes a name away. Only the owner may, as in a directory with the sticky bit.
pub fn unlink(cx: &CurrentThread, who: &Credentials, name: &[u8]) -> Result<()> {
    let queue = find(name).ok_or(Errno::ENOENT)?;
    if !permission::is_owner(who, &queue.inode.base().attributes(cx)) {
        return Err(Errno::EPERM);
    }
    let is_it = |known: &Named| Arc::ptr_eq(&known.queue, &queue);
    let gone = NAMES.with(|names| names.iter().position(is_it).map(|at| names.swap_remove(at)));
    gone.map(drop).ok_or(Errno::ENOENT)
}

/// What is asked of a new queue, or what it has unless asked: EINVAL if it may not be so large.
fn judge_size(who: &Credentials, asked: Option<(i64, i64)>) -> Result<(usize, usize)> {
    let Some((messages, bytes)) = asked else { return Ok((MOST_MESSAGES, MOST_BYTES)) };
    let (most_messages, most_bytes) = match who.may(Capability::Resource) {
        true => (HARD_MOST_MESSAGES, HARD_MOST_BYTES),
        false => (MOST_MESSAGES, MOST_BYTES),
    };
    let within = |asked: i64, most: usize| {
        usize::try_from(asked).ok().filter(|&asked| asked > 0 && asked <= most).ok_or(Errno::EINVAL)
    };
    Ok((within(messages, most_messages)?, within(bytes, most_bytes)?))
}

impl PosixQueue {
    /// A queue without a name. `asked`: most messages, most bytes of one; `limit`: RLIMIT_MSGQUEUE.
    pub fn new(
        cx: &CurrentThread,
        who: &Credentials,
        permissions: u32,
        asked: Option<(i64, i64)>,
        limit: u64,
    ) -> Result<Arc<PosixQueue>> {
        let (most_messages, most_bytes) = judge_size(who, asked)?;
        // OVERFLOW: the hard limits are 2^16 and 2^24.
        let charge =
            most_messages * (most_bytes + CHARGE_MESSAGE) + most_messages.min(PRIORITIES as usize) * CHARGE_PRIORITY;
        let share = Share::take(who.uid.real, charge as u64, limit)?;
        let inode = AnonymousInode::new(FileKind::Regular, permissions, None);
        inode.base().update(cx, |attributes| {
            attributes.uid = who.uid.file_system;
            attributes.gid = who.gid.file_system;
        });
        let state = State { messages: VecDeque::new(), bytes: 0, receivers: 0, registration: None };
        Ok(Arc::new(PosixQueue {
            inode,
            most_messages,
            most_bytes,
            state: SpinLock::new(&lock_order::IPC_STATE, state),
            arrived: WaitQueue::new(),
            room: WaitQueue::new(),
            _share: share,
        }))
    }

    /// An open one.
    pub fn open(self: &Arc<Self>, name: &[u8], flags: u32) -> Result<Arc<OpenFile>> {
        let mut shown = Vec::new();
        shown.try_reserve_exact(name.len() + 1)?;
        shown.push(b'/');
        shown.extend_from_slice(name);
        Ok(OpenFile::anonymous(&shown, self.inode.clone(), self.clone(), flags))
    }

    /// EACCES unless `who` may read and write it as wanted.
    pub fn check(&self, cx: &CurrentThread, who: &Credentials, wanted: u32) -> Result<()> {
        permission::check(cx, who, self.inode.base(), wanted)
    }

    /// Its figures.
    pub fn figures(&self) -> Figures {
        let messages = self.state.with(|state| state.messages.len());
        Figures { most_messages: self.most_messages, most_bytes: self.most_bytes, messages }
    }

    /// Puts a message behind those of its priority; `None` if the queue is full. Answers whom to tell.
    fn try_send(&self, message: &mut Option<Message>) -> Option<Result<Option<Registration>>> {
        self.state.with(|state| {
            if state.messages.len() >= self.most_messages {
                return None;
            }
            if let Err(error) = state.messages.try_reserve(1) {
                return Some(Err(error.into()));
            }
            if let Some(message) = message.take() {
                let at = state.messages.partition_point(|known| known.priority >= message.priority);
                state.bytes += message.data.len();
                state.messages.insert(at, message);
            }
            // Those who wait take theirs; the first beyond them finds the queue empty.
            let is_news = state.messages.len() == state.receivers + 1;
            Some(Ok(if is_news { state.registration.take() } else { None }))
        })
    }

    /// Sends. EAGAIN if it may not wait, ETIMEDOUT past the deadline.
    pub fn send(
        &self,
        cx: &mut CurrentThread,
        (priority, data): (u32, Vec<u8>),
        sender: (Pid, u32),
        may_wait: bool,
        deadline: Option<Instant>,
    ) -> Result<()> {
        let mut message = Some(Message { priority, data });
        let told = match self.try_send(&mut message) {
            Some(outcome) => outcome?,
            None if !may_wait => return Err(Errno::EAGAIN),
            None => {
                let how = Wait::interruptible("room in a message queue").until(deadline);
                self.room.wait(cx, how, |_| self.try_send(&mut message))??
            }
        };
        self.arrived.wake_all();
        let Some(Registration { pid, signal: Some(signal), value, .. }) = told else { return Ok(()) };
        let mut info = Siginfo::from_process(signal.number(), SI_MESGQ, sender.0, sender.1);
        info.fields[1] = value;
        // Who does not live any more, or may have no more signals, is not told.
        let _ = send_to_process(cx, pid, info);
        Ok(())
    }

    fn try_receive(&self) -> Option<(u32, Vec<u8>)> {
        let taken = self.state.with(|state| {
            let taken = state.messages.pop_front()?;
            state.bytes -= taken.data.len();
            Some(taken)
        })?;
        Some((taken.priority, taken.data))
    }

    /// Receives the first message. EAGAIN if it may not wait, ETIMEDOUT past the deadline.
    pub fn receive(&self, cx: &mut CurrentThread, may_wait: bool, deadline: Option<Instant>) -> Result<(u32, Vec<u8>)> {
        let received = match self.try_receive() {
            Some(received) => received,
            None if !may_wait => return Err(Errno::EAGAIN),
            None => {
                self.state.with(|state| state.receivers += 1);
                let how = Wait::interruptible("a message").until(deadline);
                let outcome = self.arrived.wait(cx, how, |_| self.try_receive());
                self.state.with(|state| state.receivers -= 1);
                outcome?
            }
        };
        self.room.wake_all();
        Ok(received)
    }

    /// Registers who is told. EBUSY if somebody is.
    pub fn register(&self, registration: Registration) -> Result<()> {
        self.state.with(|state| match state.registration {
            Some(_) => Err(Errno::EBUSY),
            None => {
                state.registration = Some(registration);
                Ok(())
            }
        })
    }

    /// Ends the registration of a process, if it has one.
    pub fn unregister(&self, pid: Pid) {
        self.state.with(|state| {
            state.registration.take_if(|registration| registration.pid == pid);
        });
    }
}

impl File for PosixQueue {
    /// What is in it, in words.
    fn read(&self, cx: &mut CurrentThread, _open: &OpenFile, offset: &mut u64, to: &mut Sink<'_>) -> Result<()> {
        let (bytes, registration) = self.state.with(|state| (state.bytes, state.registration));
        let (how, signal, pid) = registration.map_or((0, 0, 0), |registration| {
            (registration.how, registration.signal.map_or(0, Signal::number), registration.pid)
        });
        let mut text = format!("QSIZE:{bytes:<10} NOTIFY:{how:<5} SIGNO:{signal:<5} NOTIFY_PID:{pid:<6}");
        text.truncate(TOLD_BYTES - 1);
        text.push('\n');
        let rest = usize::try_from(*offset).ok().and_then(|at| text.as_bytes().get(at..)).unwrap_or_default();
        let part = &rest[..rest.len().min(to.left())];
        to.put(cx, part)?;
        *offset += part.len() as u64;
        Ok(())
    }

    fn poll(&self, _cx: &mut CurrentThread, _open: &OpenFile) -> PollEvents {
        let messages = self.figures().messages;
        PollEvents::NONE.and_if(messages > 0, PollEvents::IN).and_if(messages < self.most_messages, PollEvents::OUT)
    }

    fn wait_queues(&self) -> [Option<&WaitQueue>; 2] {
        [Some(&self.arrived), Some(&self.room)]
    }

    fn closed(&self, table: TableId) {
        self.state.with(|state| {
            state.registration.take_if(|registration| registration.table == table);
        });
    }
}
