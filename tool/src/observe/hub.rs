//! The observation channel of a machine that runs, for one tool after another: each gets a session of its own (`wire::observe`).
//!
//! A thread of the tool that runs the machine holds the channel. It lets one tool at a time in at the [`Door`], passes whole frames on in both
//! directions, and tells the guest when a session begins and when it is to end: when that tool says so, or has gone, however it did. What
//! the guest still sends then is thrown away up to the session's last frame, so nobody gets frames of another one's session.
//!
//! The machine's own command may listen too (the key of `ochre shell`): then it is let in like any other, in a thread of this process.

use super::Observer;
use super::door::{self, Booted, Door};
use super::talk::Talk;
use super::watcher::{self, Watcher};
use crate::status;
use rustix::event::{PollFd, PollFlags, poll};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;
use std::time::Duration;
use wire::observe::{Kind, Pieces, encode_header};

/// Bytes that wait for the tool above which the guest is not read: it counts what it drops.
const MOST_WAITING: usize = 1 << 20;
/// Bytes that wait for the guest above which the tool is not read.
const MOST_WISHES: usize = 256 * 1024;
/// How long a tool may take to read the rest when the machine has ended.
const GRACE: Duration = Duration::from_secs(3);

/// Makes the machine's own observer when its key is pressed.
pub(crate) type OnKey = Box<dyn FnMut() -> io::Result<Box<dyn Observer>> + Send>;

/// A running one.
pub(crate) struct Hub {
    thread: JoinHandle<Option<(Watcher, Booted)>>,
    /// Keys for the machine's own observer; closed when the machine has ended.
    keys: UnixStream,
    has_own: bool,
}

/// Whoever listens.
struct Client {
    stream: UnixStream,
    /// Frames on their way to it.
    waiting: VecDeque<u8>,
    frames: Frames,
    /// If it is a thread of ours.
    own: Option<Watcher>,
    /// Its session has had its first frame.
    has_begun: bool,
    /// Its session has had its last frame.
    is_done: bool,
}

/// Frames put together from bytes.
#[derive(Default)]
struct Frames {
    pieces: Pieces,
    payload: Vec<u8>,
}

/// The thread's own state.
struct Exchange {
    channel: UnixStream,
    keys: UnixStream,
    door: Option<Door>,
    booted: Booted,
    on_key: Option<OnKey>,
    terminal: u8,
    client: Option<Client>,
    /// Let in when the session of one that has gone has ended.
    next: Option<UnixStream>,
    /// The guest has been told to begin a session whose last frame has not come.
    is_in_session: bool,
    from_guest: Frames,
    to_guest: VecDeque<u8>,
}

/// Starts exchanging. `terminal`: which descriptors are the terminal.
pub(crate) fn start(channel: UnixStream, booted: Booted, on_key: Option<OnKey>, terminal: u8) -> io::Result<Hub> {
    let (keys, pressed) = UnixStream::pair()?;
    keys.set_nonblocking(true)?;
    channel.set_nonblocking(true)?;
    let has_own = on_key.is_some();
    let mut exchange = Exchange {
        channel,
        keys: pressed,
        // Without one nobody comes.
        door: Door::open().ok(),
        booted,
        on_key,
        terminal,
        client: None,
        next: None,
        is_in_session: false,
        from_guest: Frames::default(),
        to_guest: VecDeque::new(),
    };
    let run = move || {
        // Whoever is attached notices the end of the channel.
        let _ = exchange.run();
        let own = exchange.client.and_then(|client| client.own)?;
        Some((own, exchange.booted))
    };
    let thread = std::thread::Builder::new().name("hub".into()).spawn(run)?;
    Ok(Hub { thread, keys, has_own })
}

impl Hub {
    /// Whether keys mean something.
    pub(crate) fn takes_keys(&self) -> bool {
        self.has_own
    }

    /// Tells of a key.
    pub(crate) fn press(&self, key: u8) {
        // Somebody who has not taken thousands of keys does not miss another.
        let _ = (&self.keys).write(&[key]);
    }

    /// The machine has gone: waits until everything it sent has been passed on.
    pub(crate) fn finish(self, is_ended_from_outside: bool) -> anyhow::Result<()> {
        drop(self.keys);
        let Ok(own) = self.thread.join() else { anyhow::bail!("the thread of the observation channel panicked") };
        // The files are open as long as names are looked up.
        if let Some((own, _booted)) = own {
            own.finish(is_ended_from_outside)?;
        }
        Ok(())
    }
}

impl Frames {
    /// Takes bytes; gives each frame that is whole, and of a known kind, to `each`. False: they make no sense.
    fn take(&mut self, mut bytes: &[u8], mut each: impl FnMut(Kind, u8, &[u8])) -> bool {
        loop {
            let piece = match self.pieces.next(&mut bytes) {
                Ok(Some(piece)) => piece,
                Ok(None) => return true,
                Err(_) => return false,
            };
            self.payload.extend_from_slice(piece.bytes);
            if piece.is_last {
                if let Some(kind) = Kind::from_u8(piece.kind) {
                    each(kind, piece.stream, &self.payload);
                }
                self.payload.clear();
            }
        }
    }
}

fn put(queue: &mut VecDeque<u8>, kind: Kind, stream: u8, payload: &[u8]) {
    queue.extend(encode_header(kind, stream, payload.len()));
    queue.extend(payload);
}

/// Writes as much as is taken now. False: nobody will ever read again.
fn write(mut stream: &UnixStream, queue: &mut VecDeque<u8>) -> bool {
    while !queue.is_empty() {
        match stream.write(queue.as_slices().0) {
            Ok(count) => drop(queue.drain(..count)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return error.kind() == ErrorKind::WouldBlock,
        }
    }
    true
}

/// Reads once: `Some(0)` for nothing now, `None` for the end.
fn read(mut stream: &UnixStream, buffer: &mut [u8]) -> Option<usize> {
    match stream.read(buffer) {
        Ok(0) => None,
        Ok(count) => Some(count),
        Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => Some(0),
        Err(_) => None,
    }
}

impl Exchange {
    /// Until the channel ends. What is left then is given to whoever is attached.
    fn run(&mut self) -> anyhow::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        while self.turn(&mut buffer)? {}
        self.door = None;
        if let Some(client) = &mut self.client {
            client.stream.set_nonblocking(false)?;
            client.stream.set_write_timeout(Some(GRACE))?;
            write(&client.stream, &mut client.waiting);
            client.stream.shutdown(std::net::Shutdown::Both)?;
        }
        Ok(())
    }

    /// Waits for something to happen and deals with it. False: the channel has ended.
    fn turn(&mut self, buffer: &mut [u8]) -> anyhow::Result<bool> {
        let flag = |events: PollFlags, on: bool| if on { events } else { PollFlags::empty() };
        let is_full = self.client.as_ref().is_some_and(|client| client.waiting.len() > MOST_WAITING);
        let [channel, door, keys, client] = {
            let to_channel = flag(PollFlags::IN, !is_full) | flag(PollFlags::OUT, !self.to_guest.is_empty());
            let to_client = |client: &Client| {
                flag(PollFlags::IN, self.to_guest.len() < MOST_WISHES)
                    | flag(PollFlags::OUT, !client.waiting.is_empty())
            };
            let wanted: [(Option<BorrowedFd<'_>>, PollFlags); 4] = [
                (Some(self.channel.as_fd()), to_channel),
                (self.door.as_ref().map(AsFd::as_fd), PollFlags::IN),
                (Some(self.keys.as_fd()), flag(PollFlags::IN, self.on_key.is_some())),
                (
                    self.client.as_ref().map(|client| client.stream.as_fd()),
                    self.client.as_ref().map_or(PollFlags::empty(), to_client),
                ),
            ];
            let mut fds = Vec::with_capacity(wanted.len());
            let places = wanted.map(|(fd, events)| {
                let fd = fd.filter(|_| !events.is_empty())?;
                fds.push(PollFd::from_borrowed_fd(fd, events));
                Some(fds.len() - 1)
            });
            match poll(&mut fds, None) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => return Ok(true),
                Err(error) => return Err(error.into()),
            }
            places.map(|place| place.map_or(PollFlags::empty(), |place| fds[place].revents()))
        };
        if channel.contains(PollFlags::OUT) {
            // The reading side notices a channel that is gone.
            write(&self.channel, &mut self.to_guest);
        }
        if channel.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
            match read(&self.channel, buffer) {
                Some(count) if self.take_from_guest(&buffer[..count]) => {}
                _ => return Ok(false),
            }
        }
        if !client.is_empty() {
            self.serve(client, buffer);
        }
        if !keys.is_empty() {
            self.take_keys(buffer)?;
        }
        if !door.is_empty()
            && let Some(stream) = self.door.as_ref().and_then(Door::answer)
        {
            self.knocked(stream);
        }
        self.part();
        Ok(true)
    }

    /// False: what the guest sends makes no sense.
    fn take_from_guest(&mut self, bytes: &[u8]) -> bool {
        let Exchange { client, from_guest, is_in_session, .. } = self;
        from_guest.take(bytes, |kind, stream, payload| {
            if let Some(client) = client.as_mut().filter(|client| !client.is_done) {
                client.has_begun |= kind == Kind::Hello;
                if client.has_begun {
                    put(&mut client.waiting, kind, stream, payload);
                    client.is_done = kind == Kind::End;
                }
            }
            *is_in_session &= kind != Kind::End;
        })
    }

    /// Passes on what there is from and for whoever is attached; sees to it that the session ends if that has gone.
    fn serve(&mut self, ready: PollFlags, buffer: &mut [u8]) {
        let Some(client) = &mut self.client else { return };
        let mut is_there = true;
        if ready.contains(PollFlags::OUT) {
            is_there = write(&client.stream, &mut client.waiting);
        }
        if ready.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
            let to_guest = &mut self.to_guest;
            is_there &= match read(&client.stream, buffer) {
                Some(count) => client.frames.take(&buffer[..count], |kind, stream, payload| {
                    // When sessions begin is not its to say.
                    if kind != Kind::Begin {
                        put(to_guest, kind, stream, payload);
                    }
                }),
                None => false,
            };
        }
        if !is_there {
            if self.is_in_session {
                put(&mut self.to_guest, Kind::Stop, 0, &[]);
            }
            self.client = None;
        }
    }

    /// Lets go of whoever has everything of its session, and lets the next one in when no session is left.
    fn part(&mut self) {
        if let Some(client) = self.client.take_if(|client| client.is_done && client.waiting.is_empty())
            && let Some(own) = client.own
        {
            drop(client.stream);
            if let Err(error) = own.finish(false) {
                self.say(&format!("ochre: {error:#}\n"));
            }
        }
        if self.client.is_none()
            && !self.is_in_session
            && let Some(stream) = self.next.take()
        {
            self.let_in(stream);
        }
    }

    /// Somebody wants to be let in.
    fn knocked(&mut self, stream: UnixStream) {
        if self.client.is_some() || self.next.is_some() {
            door::refuse(&stream, status::WATCHED, door::WATCHED);
        } else {
            self.next = Some(stream);
        }
    }

    fn let_in(&mut self, stream: UnixStream) {
        // Whoever has gone meanwhile is not missed.
        if door::welcome(&stream, &self.booted).is_ok() {
            self.attach(stream, None);
        }
    }

    /// Begins a session for whoever is at the other end of `stream`.
    fn attach(&mut self, stream: UnixStream, own: Option<Watcher>) {
        if stream.set_nonblocking(true).is_err() {
            return;
        }
        let (waiting, frames) = (VecDeque::new(), Frames::default());
        self.client = Some(Client { stream, waiting, frames, own, has_begun: false, is_done: false });
        put(&mut self.to_guest, Kind::Begin, 0, &[]);
        self.is_in_session = true;
    }

    /// The first key begins a session of the machine's own; its observer gets the others.
    fn take_keys(&mut self, buffer: &mut [u8]) -> anyhow::Result<()> {
        let count = read(&self.keys, buffer).unwrap_or(0);
        if count == 0 {
            // The machine has ended.
            self.on_key = None;
        }
        for key in &buffer[..count] {
            match (&self.client, &mut self.on_key) {
                (Some(Client { own: Some(own), .. }), _) => own.press(*key),
                (None, Some(make)) if self.next.is_none() && !self.is_in_session => {
                    let mut observer = make()?;
                    observer.booting(&self.booted.initramfs.try_clone()?, &self.booted.kernel_path())?;
                    let (ours, theirs) = UnixStream::pair()?;
                    self.attach(ours, Some(watcher::start(theirs, observer, watcher::Of::Session)?));
                }
                _ => self.say(&format!("ochre: {}\n", door::WATCHED)),
            }
        }
        Ok(())
    }

    /// Says something to the user of the machine.
    fn say(&self, text: &str) {
        if let Ok(mut talk) = Talk::open(None, self.terminal) {
            // Nobody listens any more: then there is nobody to tell.
            let _ = talk.write_all(text.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An exchange, and the guest's end of its channel.
    fn exchange() -> (Exchange, UnixStream) {
        let (channel, guest) = UnixStream::pair().unwrap();
        for stream in [&channel, &guest] {
            stream.set_nonblocking(true).unwrap();
        }
        let file = || tempfile::tempfile().unwrap();
        let booted = Booted { initramfs: file(), kernel: file(), title: String::new() };
        let (to_guest, from_guest) = (VecDeque::new(), Frames::default());
        let exchange = Exchange {
            channel,
            keys: UnixStream::pair().unwrap().0,
            door: None,
            booted,
            on_key: None,
            terminal: 0,
            client: None,
            next: None,
            is_in_session: false,
            from_guest,
            to_guest,
        };
        (exchange, guest)
    }

    /// The frames that wait in a stream.
    fn frames(stream: &UnixStream) -> Vec<(Kind, Vec<u8>)> {
        let (mut all, mut frames, mut buffer) = (Vec::new(), Frames::default(), [0; 4096]);
        while let Some(count) = read(stream, &mut buffer).filter(|count| *count != 0) {
            frames.take(&buffer[..count], |kind, _, payload| all.push((kind, payload.to_vec())));
        }
        all
    }

    fn guest_says(exchange: &mut Exchange, mut guest: &UnixStream, kind: Kind, payload: &[u8]) {
        guest.write_all(&[&encode_header(kind, 0, payload.len())[..], payload].concat()).unwrap();
        assert!(exchange.turn(&mut [0; 4096]).unwrap());
    }

    fn attach(exchange: &mut Exchange) -> UnixStream {
        let (theirs, ours) = UnixStream::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        exchange.knocked(ours);
        exchange.part();
        theirs
    }

    #[test]
    fn sessions_are_kept_apart() {
        let (mut exchange, guest) = exchange();
        let (mut buffer, mut welcome) = ([0; 4096], [0; 3]);
        let mut first = attach(&mut exchange);
        first.read_exact(&mut welcome).unwrap();
        assert_eq!(welcome, [1, 0, 0]);
        // Half a frame is on its way when it goes.
        first.write_all(&[&encode_header(Kind::Query, 0, 4)[..], b"12"].concat()).unwrap();
        guest_says(&mut exchange, &guest, Kind::Metrics, b"of nobody");
        guest_says(&mut exchange, &guest, Kind::Hello, b"hello");
        guest_says(&mut exchange, &guest, Kind::Text, b"one");
        while !exchange.client.as_ref().unwrap().waiting.is_empty() {
            exchange.turn(&mut buffer).unwrap();
        }
        assert_eq!(frames(&first), [(Kind::Hello, b"hello".to_vec()), (Kind::Text, b"one".to_vec())]);
        drop(first);
        while exchange.client.is_some() {
            exchange.turn(&mut buffer).unwrap();
        }
        // The next one waits for the end of what the first had begun; a third is refused.
        let mut second = attach(&mut exchange);
        let mut third = attach(&mut exchange);
        third.set_nonblocking(false).unwrap();
        let mut answer = Vec::new();
        third.read_to_end(&mut answer).unwrap();
        assert_eq!((answer[0], answer[3]), (0, status::WATCHED));
        guest_says(&mut exchange, &guest, Kind::Text, b"still for the first");
        assert_eq!(frames(&guest), [(Kind::Begin, vec![]), (Kind::Stop, vec![])]);
        guest_says(&mut exchange, &guest, Kind::End, b"");
        second.read_exact(&mut welcome).unwrap();
        guest_says(&mut exchange, &guest, Kind::Process, b"late");
        guest_says(&mut exchange, &guest, Kind::Hello, b"again");
        guest_says(&mut exchange, &guest, Kind::End, b"");
        while exchange.client.is_some() {
            exchange.turn(&mut buffer).unwrap();
        }
        assert_eq!(frames(&guest), [(Kind::Begin, vec![])]);
        assert_eq!(frames(&second), [(Kind::Hello, b"again".to_vec()), (Kind::End, vec![])]);
        // The machine's end is the channel's.
        drop(guest);
        assert!(!exchange.turn(&mut buffer).unwrap());
    }
}
