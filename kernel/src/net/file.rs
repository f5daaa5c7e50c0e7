//! A socket as a file: read, write, readiness, FIONREAD, the end.
use super::receive::Received;
use super::send::Outgoing;
use super::socket::{BOTH, Link, RECEIVE, Socket, SocketKind};
use super::unreachable;
use crate::errno::{Errno, Result};
use crate::fs::listeners::Listeners;
use crate::fs::{File, OpenFile, PollEvents, Sink, Source};
use crate::user_memory::UserPtr;
use abi::ioctl::{FIONREAD, TIOCOUTQ};
use machine::addr::UserAddr;
use machine::sync::WaitQueue;
use machine::thread::CurrentThread;

/// POLLRDHUP: the other side sends nothing more.
const READ_HANG_UP: PollEvents = PollEvents(0x2000);
/// POLLWRBAND, told together with POLLOUT.
const WRITE_BAND: PollEvents = PollEvents(0x200);

impl Socket {
    /// Receives bytes alone: what else came along is let go of.
    fn read_bytes(&self, cx: &mut CurrentThread, is_non_blocking: bool, to: &mut Sink<'_>) -> Result<()> {
        // LINUX: an empty read takes nothing, not even an empty message.
        if to.left() == 0 {
            return Ok(());
        }
        let Received { rights, .. } = self.receive(cx, is_non_blocking, to, 0)?;
        drop(rights);
        Ok(())
    }
}

impl File for Socket {
    fn is_stream(&self) -> bool {
        true
    }

    fn read(&self, cx: &mut CurrentThread, open: &OpenFile, _offset: &mut u64, to: &mut Sink<'_>) -> Result<()> {
        self.read_bytes(cx, open.is_non_blocking(), to)
    }

    fn read_now(&self, cx: &mut CurrentThread, _open: &OpenFile, to: &mut Sink<'_>) -> Result<()> {
        self.read_bytes(cx, true, to)
    }

    fn write(&self, cx: &mut CurrentThread, open: &OpenFile, _offset: &mut u64, from: &mut Source<'_>) -> Result<()> {
        self.send(cx, open.is_non_blocking(), from, Outgoing::default())
    }

    fn write_now(&self, cx: &mut CurrentThread, _open: &OpenFile, from: &mut Source<'_>) -> Result<()> {
        self.send(cx, true, from, Outgoing::default())
    }

    fn poll(&self, _cx: &mut CurrentThread, _open: &OpenFile) -> PollEvents {
        let (mut events, listens) = self.state.with(|state| {
            let (is_listening, is_linked, has_data) = match &state.link {
                Link::Listening { pending, .. } => (true, false, !pending.is_empty()),
                Link::Peer { .. } => (false, true, !state.queue.is_empty()),
                Link::None => (false, false, !state.queue.is_empty()),
            };
            let is_unlinked = self.kind.is_connected_kind() && !is_linked && !is_listening;
            let events = PollEvents::NONE
                .and_if(state.error.is_some(), PollEvents::ERROR)
                .and_if(state.shutdown == BOTH || is_unlinked, PollEvents::HANG_UP)
                .and_if(state.shutdown & RECEIVE != 0, PollEvents::IN.and(READ_HANG_UP))
                .and_if(has_data, PollEvents::IN);
            (events, is_listening)
        });
        let mut has_room = self.budget.is_writable();
        if self.kind == SocketKind::Datagram && !has_room {
            self.budget.note_refusal();
            has_room = self.budget.is_writable();
        }
        let is_writable = !listens && has_room && !self.is_peer_full();
        events = events.and_if(is_writable, PollEvents::OUT.and(WRITE_BAND));
        events
    }

    fn wait_queues(&self) -> [Option<&WaitQueue>; 2] {
        [Some(&self.data), Some(&self.budget.room)]
    }

    fn listeners(&self, _open: &OpenFile) -> [Option<&Listeners>; 2] {
        [Some(&self.budget.listeners), None]
    }

    fn ioctl(&self, cx: &mut CurrentThread, _open: &OpenFile, request: u32, argument: UserAddr) -> Result<u64> {
        let bytes = match request {
            FIONREAD => self.state.with(|state| match &state.link {
                Link::Listening { .. } => Err(Errno::EINVAL),
                _ if self.kind == SocketKind::Datagram => Ok(state.queue.front().map_or(0, |entry| entry.left())),
                _ => Ok(state.queued_bytes),
            })?,
            TIOCOUTQ => self.budget.used(),
            _ => return Err(Errno::ENOTTY),
        };
        // CAST: bounded by the send buffers' limits.
        UserPtr::<i32>::new(argument).write(cx, &(bytes as i32))?;
        Ok(0)
    }

    fn released(&self, _open: &OpenFile) {
        self.close(false);
        unreachable::after_end();
    }
}
