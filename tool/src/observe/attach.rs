//! `-p PID`: watching a machine that another process of this tool runs, for a while.

use super::Observer;
use super::door::{self, Booted};
use super::watcher::{self, Of, Watcher};
use crate::signals::Signals;
use crate::status::{self, failure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// How long the machine may take to end a session.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a shell reports of a command that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// A machine that can be watched.
pub(crate) struct Attached {
    stream: UnixStream,
    /// What it booted with.
    pub(crate) booted: Booted,
}

/// Attaches to the machine that process `pid` runs.
pub(crate) fn attach(pid: u32) -> anyhow::Result<Attached> {
    let (stream, booted) = door::knock(pid)?;
    Ok(Attached { stream, booted })
}

impl Attached {
    /// Has it watched until a signal comes, the time is over, the observer or the machine ends it. Answers the exit status.
    pub(crate) fn watch(self, mut observer: Box<dyn Observer>, limit: Option<Duration>) -> anyhow::Result<u8> {
        let Attached { stream, booted } = self;
        observer.attaching()?;
        observer.booting(&booted.initramfs, &booted.kernel_path())?;
        let signals = Signals::listen()?;
        let watcher = watcher::start(stream, observer, Of::Session)?;
        if !wait(&watcher, &signals, limit)? {
            return Ok(INTERRUPTED);
        }
        Ok(watcher.finish(false)?.unwrap_or(0))
    }
}

/// Waits for the end of the session, and asks for it when a signal comes or the time is over. False: the user does not want to wait for it.
fn wait(watcher: &Watcher, signals: &Signals, limit: Option<Duration>) -> anyhow::Result<bool> {
    let mut deadline = limit.map(|limit| Instant::now() + limit);
    let mut is_stopping = false;
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            if is_stopping {
                return Err(failure(status::KERNEL, "the machine does not answer"));
            }
            watcher.stop();
            is_stopping = true;
            deadline = Some(Instant::now() + PATIENCE);
            continue;
        }
        let left =
            left.map(|left| Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: i64::from(left.subsec_nanos()) });
        let mut fds = [PollFd::new(signals, PollFlags::IN), PollFd::new(&watcher.is_done, PollFlags::IN)];
        match poll(&mut fds, left.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [has_signal, is_done] = fds.map(|fd| !fd.revents().is_empty());
        if is_done {
            return Ok(true);
        }
        let is_ending = |signal| signal != signal_hook::consts::SIGWINCH && signal != crate::signals::TOGGLE;
        if has_signal && signals.take().into_iter().any(is_ending) {
            if is_stopping {
                return Ok(false);
            }
            watcher.stop();
            is_stopping = true;
            deadline = Some(Instant::now() + PATIENCE);
        }
    }
}
