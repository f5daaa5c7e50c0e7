//! Queues of messages with types, by which receivers choose.
//!
//! Main type: [`Queue`]. Called by `syscall::message_queue`.
use super::object::{Object, Objects};
use crate::errno::{Errno, Restart, Result};
use crate::lock_order;
use crate::task::Pid;
use crate::timer::wall_clock_ns;
use abi::ipc::{MSG_EXCEPT, MSG_NOERROR};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use machine::sync::{SpinLock, Wait, WaitQueue};
use machine::thread::CurrentThread;

/// Most bytes of a message.
pub const MOST_MESSAGE: usize = 8192;
/// Most bytes of a queue unless changed.
pub const MOST_QUEUE: usize = 16_384;
/// Most queues.
pub const MOST_QUEUES: usize = 32_000;

/// A message.
pub struct Message {
    /// Its type, positive.
    pub kind: i64,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// Figures of a queue, as they are told.
#[derive(Clone, Copy, Default)]
pub struct Figures {
    /// Last sent to, in seconds.
    pub send_time: i64,
    /// Last received from.
    pub receive_time: i64,
    /// Last changed.
    pub change_time: i64,
    /// Bytes in it.
    pub bytes: usize,
    /// Messages in it.
    pub messages: usize,
    /// Most bytes in it.
    pub most_bytes: usize,
    /// Who sent last.
    pub last_sender: Pid,
    /// Who received last.
    pub last_receiver: Pid,
}

struct State {
    messages: VecDeque<Message>,
    figures: Figures,
}

/// A queue.
pub struct Queue {
    state: SpinLock<State>,
    arrived: WaitQueue,
    room: WaitQueue,
}

/// All queues.
pub static QUEUES: Objects<Queue> = Objects::new(MOST_QUEUES);

fn now_seconds() -> i64 {
    // CAST: seconds since 1970 fit.
    (wall_clock_ns() / 1_000_000_000) as i64
}

impl Queue {
    /// An empty queue.
    pub fn new() -> Queue {
        let figures = Figures { change_time: now_seconds(), most_bytes: MOST_QUEUE, ..Figures::default() };
        let state = SpinLock::new(&lock_order::IPC_STATE, State { messages: VecDeque::new(), figures });
        Queue { state, arrived: WaitQueue::new(), room: WaitQueue::new() }
    }

    /// Its figures.
    pub fn figures(&self) -> Figures {
        self.state.with(|state| Figures { messages: state.messages.len(), ..state.figures })
    }

    /// Changes how much it may hold; with a change of permissions, which counts too.
    pub fn set_most_bytes(&self, most: usize) {
        self.state.with(|state| {
            state.figures.most_bytes = most;
            state.figures.change_time = now_seconds();
        });
        self.room.wake_all();
    }

    /// Tells those who wait that it is gone.
    pub fn wake_all(&self) {
        self.arrived.wake_all();
        self.room.wake_all();
    }

    /// Puts a message into the queue unless it is full.
    fn try_send(&self, message: &mut Option<Message>, pid: Pid) -> Result<bool> {
        self.state.with(|state| {
            let bytes = message.as_ref().map_or(0, |message| message.data.len());
            let figures = &mut state.figures;
            // LINUX: the bound of bytes is one of messages too, so that empty ones are bounded.
            if figures.bytes + bytes > figures.most_bytes || state.messages.len() >= figures.most_bytes {
                return Ok(false);
            }
            state.messages.try_reserve(1)?;
            state.messages.extend(message.take());
            figures.bytes += bytes;
            (figures.send_time, figures.last_sender) = (now_seconds(), pid);
            Ok(true)
        })
    }

    /// Takes the first message that is meant. E2BIG if it is too long and may not be cut.
    fn try_receive(&self, wanted: &Wanted, pid: Pid) -> Result<Option<Message>> {
        self.state.with(|state| {
            let Some(at) = wanted.find(&state.messages) else { return Ok(None) };
            if state.messages[at].data.len() > wanted.room && wanted.flags & MSG_NOERROR == 0 {
                return Err(Errno::E2BIG);
            }
            let taken = state.messages.remove(at);
            let figures = &mut state.figures;
            figures.bytes -= taken.as_ref().map_or(0, |message| message.data.len());
            (figures.receive_time, figures.last_receiver) = (now_seconds(), pid);
            Ok(taken)
        })
    }
}

impl Default for Queue {
    fn default() -> Self {
        Queue::new()
    }
}

/// Which message a receiver takes.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Zero: the first; positive: the first of this type; negative: the first of the lowest type up to its absolute value.
    pub kind: i64,
    /// MSG_NOERROR, MSG_EXCEPT.
    pub flags: u32,
    /// Most bytes.
    pub room: usize,
}

impl Wanted {
    fn find(&self, messages: &VecDeque<Message>) -> Option<usize> {
        match self.kind {
            0 => (!messages.is_empty()).then_some(0),
            kind if kind > 0 => {
                let is_other = self.flags & MSG_EXCEPT != 0;
                messages.iter().position(|message| (message.kind == kind) != is_other)
            }
            kind => {
                let most = kind.checked_neg().unwrap_or(i64::MAX);
                let meant = messages.iter().enumerate().filter(|(_, message)| message.kind <= most);
                // The first of equals is the least.
                meant.min_by_key(|(at, message)| (message.kind, *at)).map(|(at, _)| at)
            }
        }
    }
}

/// Sends a message. EAGAIN if it may not wait, EIDRM if the queue is removed meanwhile.
pub fn send(cx: &mut CurrentThread, queue: &Object<Queue>, message: Message, pid: Pid, may_wait: bool) -> Result<()> {
    let mut message = Some(message);
    loop {
        if queue.is_removed() {
            return Err(Errno::EIDRM);
        }
        if queue.body.try_send(&mut message, pid)? {
            queue.body.arrived.wake_all();
            return Ok(());
        }
        if !may_wait {
            return Err(Errno::EAGAIN);
        }
        let bytes = message.as_ref().map_or(0, |message| message.data.len());
        let outcome = queue.body.room.wait(cx, Wait::interruptible("room in a message queue"), |_| {
            let has_room = queue.body.state.with(|state| {
                state.figures.bytes + bytes <= state.figures.most_bytes
                    && state.messages.len() < state.figures.most_bytes
            });
            (has_room || queue.is_removed()).then_some(())
        });
        // LINUX: a handler ends the call, whatever SA_RESTART says.
        outcome.map_err(|_| Errno::from(Restart::IfNoHandler))?;
    }
}

/// Receives a message. ENOMSG if it may not wait, EIDRM if the queue is removed meanwhile.
pub fn receive(
    cx: &mut CurrentThread,
    queue: &Object<Queue>,
    wanted: Wanted,
    pid: Pid,
    may_wait: bool,
) -> Result<Message> {
    loop {
        if queue.is_removed() {
            return Err(Errno::EIDRM);
        }
        if let Some(message) = queue.body.try_receive(&wanted, pid)? {
            queue.body.room.wake_all();
            return Ok(message);
        }
        if !may_wait {
            return Err(Errno::ENOMSG);
        }
        let outcome = queue.body.arrived.wait(cx, Wait::interruptible("a message"), |_| {
            let is_there = queue.body.state.with(|state| wanted.find(&state.messages).is_some());
            (is_there || queue.is_removed()).then_some(())
        });
        outcome.map_err(|_| Errno::from(Restart::IfNoHandler))?;
    }
}
