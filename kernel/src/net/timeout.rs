//! How long a call on a socket waits: not at all, until SO_RCVTIMEO or SO_SNDTIMEO have passed, or for ever.
use super::socket::Socket;
use crate::errno::{Errno, Restart, Result};
use core::sync::atomic::Ordering;
use machine::sync::{Wait, WaitError, WaitQueue};
use machine::thread::CurrentThread;
use machine::time::{Instant, now};

/// How long a call waits. Made once per call, so that a timeout is for all its waits together.
#[derive(Clone, Copy, Debug)]
pub(super) enum Patience {
    /// Not at all: EAGAIN.
    None,
    /// Until then: EAGAIN after it.
    Until(Instant),
    /// For ever.
    Endless,
}

impl Patience {
    fn new(is_non_blocking: bool, timeout_ns: u64) -> Patience {
        match (is_non_blocking, timeout_ns) {
            (true, _) => Patience::None,
            (false, 0) => Patience::Endless,
            (false, timeout_ns) => Patience::Until(now().after(timeout_ns)),
        }
    }

    /// Of one who sends or connects.
    pub(super) fn to_send(socket: &Socket, is_non_blocking: bool) -> Patience {
        Patience::new(is_non_blocking, socket.send_timeout.load(Ordering::Relaxed))
    }

    /// Of one who receives or accepts.
    pub(super) fn to_receive(socket: &Socket, is_non_blocking: bool) -> Patience {
        Patience::new(is_non_blocking, socket.receive_timeout.load(Ordering::Relaxed))
    }

    /// Evaluates `ready` until it answers something, waiting at `queue` in between.
    // LINUX: an interrupted call with a timeout is not restarted.
    pub(super) fn wait<R>(
        self,
        cx: &mut CurrentThread,
        queue: &WaitQueue,
        reason: &'static str,
        mut ready: impl FnMut(&mut CurrentThread) -> Option<R>,
    ) -> Result<R> {
        let deadline = match self {
            Patience::None => return ready(cx).ok_or(Errno::EAGAIN),
            Patience::Until(deadline) => Some(deadline),
            Patience::Endless => None,
        };
        queue.wait(cx, Wait::interruptible(reason).until(deadline), ready).map_err(|error| match error {
            WaitError::TimedOut => Errno::EAGAIN,
            WaitError::Interrupted if deadline.is_some() => Errno::EINTR,
            WaitError::Interrupted => Restart::IfHandlerAllows.into(),
        })
    }
}
