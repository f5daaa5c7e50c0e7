//! The thread that reads the observation channel and gives what comes to the observer.
use super::Observer;
use super::guest::Guest;
use crate::status::{self, failure};
use rustix::event::{PollFd, PollFlags, poll};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use wire::observe::{Kind, MAX_PAYLOAD, Pieces, encode_header};

/// How long the rest of the channel may take to be read when the run was ended from outside.
const GRACE: Duration = Duration::from_secs(3);

/// A running one.
pub(crate) struct Watcher {
    thread: JoinHandle<Watched>,
    has_failed: Arc<AtomicBool>,
    /// Keys for the observer.
    keys: UnixStream,
    /// Readable when the thread has ended.
    pub(crate) is_done: OwnedFd,
}

/// What is watched.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// A whole run, whose channel ends with the machine.
    Run,
    /// A session within a run: it ends with `End`, which can be asked for.
    Session,
}

/// The key that asks for the end of a session: no terminal sends it.
const STOP: u8 = 0xff;

/// What the thread leaves.
pub(crate) struct Watched {
    of: Of,
    /// Whether the end of the session has been asked for.
    is_stopping: bool,
    observer: Box<dyn Observer>,
    guest: Guest,
    /// Whether the guest has been told what is wanted.
    has_started: bool,
    /// Whether `End` came.
    has_ended: bool,
    result: anyhow::Result<()>,
}

/// Starts reading.
pub(crate) fn start(channel: UnixStream, observer: Box<dyn Observer>, of: Of) -> std::io::Result<Watcher> {
    let (is_done, done) = UnixStream::pair()?;
    let (keys, pressed) = UnixStream::pair()?;
    keys.set_nonblocking(true)?;
    let has_failed = Arc::new(AtomicBool::new(false));
    let failed = has_failed.clone();
    let thread = std::thread::Builder::new().name("observer".into()).spawn(move || {
        let mut watched = Watched {
            of,
            is_stopping: false,
            observer,
            guest: Guest::default(),
            has_started: false,
            has_ended: false,
            result: Ok(()),
        };
        watched.result = watched.watch(&channel, &pressed);
        failed.store(watched.result.is_err(), Ordering::Release);
        drop(done);
        watched
    })?;
    Ok(Watcher { thread, has_failed, keys, is_done: is_done.into() })
}

impl Watcher {
    /// Whether the observer has given up: the run is to be ended.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Acquire)
    }

    /// Tells the observer of a key.
    pub(crate) fn press(&self, key: u8) {
        // An observer that has not taken thousands of keys does not miss another.
        let _ = (&self.keys).write(&[key]);
    }

    /// Asks for the end of the session, or that all be told of a run that is cut short: then `is_done`.
    pub(crate) fn stop(&self) {
        self.press(STOP);
    }

    /// The machine or the session has gone: waits until everything it sent is read; lets the observer finish, and tells what was lost.
    /// Answers the exit status that the observer wants.
    pub(crate) fn finish(self, is_ended_from_outside: bool) -> anyhow::Result<Option<u8>> {
        if is_ended_from_outside {
            // A reader of the observer's output that stalls must not hold a run that is to end.
            let mut fds = [rustix::event::PollFd::new(&self.is_done, rustix::event::PollFlags::IN)];
            let limit = rustix::event::Timespec { tv_sec: GRACE.as_secs().cast_signed(), tv_nsec: 0 };
            if matches!(rustix::event::poll(&mut fds, Some(&limit)), Ok(0)) {
                return Ok(None);
            }
        }
        let Ok(mut watched) = self.thread.join() else { anyhow::bail!("the observer's thread panicked") };
        watched.result?;
        if watched.of == Of::Session && watched.guest.hello.is_none() {
            return Err(failure(status::USAGE, "the machine ended before it could be watched"));
        }
        for refusal in &watched.guest.refusals {
            eprintln!("ochre: {refusal}");
        }
        if let Some(losses) = watched.guest.losses() {
            eprintln!("ochre: {losses}");
        }
        if watched.guest.hello.is_some() && !watched.has_ended && !watched.observer.is_idle() {
            eprintln!("ochre: the machine ended before everything observed was told");
        }
        watched.observer.finish(&watched.guest, !watched.has_ended)?;
        Ok(watched.observer.exit_status())
    }
}

impl Watched {
    fn watch(&mut self, channel: &UnixStream, pressed: &UnixStream) -> anyhow::Result<()> {
        let mut buffer = vec![0; 256 * 1024];
        let (mut pieces, mut payload) = (Pieces::new(), Vec::new());
        loop {
            let mut fds = [channel, pressed].map(|stream| PollFd::new(stream, PollFlags::IN));
            match poll(&mut fds, None) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            let [has_frames, has_keys] = fds.map(|fd| !fd.revents().is_empty());
            if has_keys && !self.take_keys(channel, pressed)? {
                return Ok(());
            }
            if !has_frames {
                self.stop_if_idle(channel)?;
                continue;
            }
            let count = match (&mut &*channel).read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(_) => return Ok(()),
            };
            let mut bytes = &buffer[..count];
            let garbled = |error| anyhow::anyhow!("the observation channel cannot be understood: {error:?}");
            while let Some(piece) = pieces.next(&mut bytes).map_err(garbled)? {
                payload.extend_from_slice(piece.bytes);
                if piece.is_last {
                    if let Some(kind) = Kind::from_u8(piece.kind) {
                        self.take(channel, kind, piece.stream, &payload)?;
                    }
                    payload.clear();
                }
            }
            if self.has_ended && (self.of == Of::Session || self.is_stopping) {
                return Ok(());
            }
            self.stop_if_idle(channel)?;
        }
    }

    /// An observer that wants nothing any more needs no session.
    fn stop_if_idle(&mut self, channel: &UnixStream) -> anyhow::Result<()> {
        if self.of == Of::Session && self.has_started && self.observer.is_idle() { self.stop(channel) } else { Ok(()) }
    }

    /// Asks for the end of the session, once.
    fn stop(&mut self, channel: &UnixStream) -> anyhow::Result<()> {
        if std::mem::replace(&mut self.is_stopping, true) { Ok(()) } else { ask(channel, &[(Kind::Stop, Vec::new())]) }
    }

    /// Keys that come before the guest has said hello are lost: nothing can be asked yet. False: the run is over, and nobody waits for us.
    fn take_keys(&mut self, channel: &UnixStream, mut pressed: &UnixStream) -> anyhow::Result<bool> {
        let mut keys = [0; 64];
        let count = pressed.read(&mut keys)?;
        if keys[..count].contains(&STOP) {
            self.stop(channel)?;
        }
        for key in keys[..count].iter().filter(|key| self.has_started && **key != STOP) {
            let wishes = self.observer.key(&self.guest, *key)?;
            ask(channel, &wishes)?;
        }
        Ok(count != 0)
    }

    fn take(&mut self, channel: &UnixStream, kind: Kind, stream: u8, payload: &[u8]) -> anyhow::Result<()> {
        if self.guest.take(kind, payload)? && !self.is_stopping {
            let mut wishes = self.observer.probes_known(&self.guest)?;
            wishes.push((Kind::Start, Vec::new()));
            ask(channel, &wishes)?;
            self.has_started = true;
        }
        if self.of == Of::Session {
            // Nobody's output is disturbed, and the user may not want to wait for what will not come.
            self.guest.refusals.drain(..).for_each(|refusal| eprintln!("ochre: {refusal}"));
        }
        self.has_ended |= kind == Kind::End;
        match kind {
            Kind::Hello | Kind::Probes | Kind::Calls | Kind::Drops | Kind::Refused | Kind::End => Ok(()),
            _ => self.observer.frame(&self.guest, kind, stream, payload),
        }
    }
}

/// Sends wishes to the guest.
fn ask(mut channel: &UnixStream, wishes: &[(Kind, Vec<u8>)]) -> anyhow::Result<()> {
    for (kind, payload) in wishes {
        anyhow::ensure!(payload.len() <= MAX_PAYLOAD, "what is asked of the guest is too long");
        // A channel that is gone is noticed when it is read.
        let _ = channel.write_all(&encode_header(*kind, 0, payload.len()));
        let _ = channel.write_all(payload);
    }
    Ok(())
}
