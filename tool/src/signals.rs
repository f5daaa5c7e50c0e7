//! The signals a run listens to: each sets a flag and wakes the session's `poll` through a pipe.

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGWINCH};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The signal that begins or ends sampling.
pub(crate) const TOGGLE: i32 = SIGUSR1;

/// Listens from its making on, for the rest of the process. To be made before the machine is started, so that none is lost.
pub(crate) struct Signals {
    pipe: UnixStream,
    flags: Vec<(i32, Arc<AtomicBool>)>,
}

impl Signals {
    /// Starts listening.
    pub(crate) fn listen() -> io::Result<Signals> {
        let (pipe, wake) = UnixStream::pair()?;
        pipe.set_nonblocking(true)?;
        let mut flags = Vec::new();
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGWINCH, TOGGLE] {
            let flag = Arc::new(AtomicBool::new(false));
            // Actions run in the order of their registration: the flag is up when the wake-up is seen.
            signal_hook::flag::register(signal, Arc::clone(&flag))?;
            signal_hook::low_level::pipe::register(signal, wake.try_clone()?)?;
            flags.push((signal, flag));
        }
        Ok(Signals { pipe, flags })
    }

    /// The signals that came since the last call.
    pub(crate) fn take(&self) -> Vec<i32> {
        let mut wakes = [0; 64];
        while matches!((&self.pipe).read(&mut wakes), Ok(count) if count > 0) {}
        self.flags.iter().filter(|(_, flag)| flag.swap(false, Ordering::AcqRel)).map(|(signal, _)| *signal).collect()
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}
