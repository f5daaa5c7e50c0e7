//! Where a tool finds the machine that another one runs: an abstract Unix socket named after the process that runs it. No file is left behind
//! however that ends, and nobody but its own user and root is let in.
//!
//! Whoever is let in gets the files in which names are found, and from then on the frames of a session (`wire::observe`) in both directions. Whoever
//! is not gets an exit status and a sentence.

use crate::status::{self, failure};
use rustix::net::sockopt::socket_peercred;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::PathBuf;

/// First byte of the answer to who knocks.
const REFUSED: u8 = 0;
const WELCOME: u8 = 1;
/// First byte and length of what follows.
const HEAD_BYTES: usize = 3;
/// Most bytes of what follows.
const MOST_TEXT: usize = 2000;

/// What the machine booted with.
#[derive(Debug)]
pub(crate) struct Booted {
    /// The root as an archive.
    pub(crate) initramfs: File,
    /// The kernel's image.
    pub(crate) kernel: File,
    /// The program and its arguments.
    pub(crate) title: String,
}

impl Booted {
    /// A path by which this process can open the kernel's image, as long as this lives.
    pub(crate) fn kernel_path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.kernel.as_raw_fd()).into()
    }
}

/// The name of the socket: numbers of processes mean something within their own name space only.
fn address(pid: u32) -> io::Result<SocketAddr> {
    let space = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    SocketAddr::from_abstract_name(format!("ochre/{}/{pid}", space.display()))
}

/// The running tool's side.
pub(crate) struct Door(UnixListener);

impl Door {
    /// One for the machine of this process.
    pub(crate) fn open() -> io::Result<Door> {
        let listener = UnixListener::bind_addr(&address(std::process::id())?)?;
        listener.set_nonblocking(true)?;
        Ok(Door(listener))
    }

    /// Whoever knocks, unless it is a stranger, who is refused. `None`: nobody does.
    pub(crate) fn answer(&self) -> Option<UnixStream> {
        let (stream, _) = self.0.accept().ok()?;
        let own = rustix::process::geteuid();
        let is_known = socket_peercred(&stream).is_ok_and(|peer| peer.uid == own || peer.uid.is_root());
        if !is_known {
            refuse(&stream, status::USAGE, "the machine belongs to another user");
            return None;
        }
        Some(stream)
    }

    /// Refuses whoever knocks, in a thread of its own, as long as the process lives.
    pub(crate) fn keep_shut(self) -> io::Result<()> {
        self.0.set_nonblocking(false)?;
        let keep = move || {
            loop {
                if let Some(stream) = self.answer() {
                    refuse(&stream, status::WATCHED, WATCHED);
                }
            }
        };
        std::thread::Builder::new().name("door".into()).spawn(keep).map(drop)
    }
}

impl AsFd for Door {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Why a second one is refused.
pub(crate) const WATCHED: &str = "another command watches this machine already";

/// Tells why somebody is not let in. Whoever has gone does not hear it.
pub(crate) fn refuse(stream: &UnixStream, status: u8, reason: &str) {
    let _ = answer(stream, REFUSED, &[&[status], reason.as_bytes()].concat(), &[]);
}

/// Lets somebody in.
pub(crate) fn welcome(stream: &UnixStream, booted: &Booted) -> io::Result<()> {
    let text = booted.title.as_bytes();
    let files = [booted.initramfs.as_fd(), booted.kernel.as_fd()];
    answer(stream, WELCOME, &text[..text.len().min(MOST_TEXT)], &files)
}

fn answer(stream: &UnixStream, first: u8, text: &[u8], files: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !files.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(files));
    }
    // CAST: at most MOST_TEXT and a byte.
    let [low, high] = (text.len() as u16).to_le_bytes();
    let all = [&[first, low, high], text].concat();
    // So little always fits a fresh socket's buffer.
    let sent = sendmsg(stream, &[IoSlice::new(&all)], &mut ancillary, SendFlags::NOSIGNAL)?;
    if sent == all.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// Knocks at the machine that process `pid` runs. Answers the channel, and what the machine booted with.
pub(crate) fn knock(pid: u32) -> anyhow::Result<(UnixStream, Booted)> {
    let Ok(name) = std::fs::read_to_string(format!("/proc/{pid}/comm")) else {
        return Err(failure(status::USAGE, format!("there is no process {pid}")));
    };
    if name.trim_end() != "ochre" {
        return Err(failure(status::USAGE, format!("process {pid} is no ochre that runs a machine")));
    }
    let cannot =
        || failure(status::USAGE, format!("process {pid} runs no machine that can be watched: only run and shell do"));
    let stream = UnixStream::connect_addr(&address(pid)?).map_err(|_| cannot())?;
    // Anybody may give a socket this name.
    let is_own = socket_peercred(&stream).is_ok_and(|peer| peer.pid.as_raw_nonzero().get().cast_unsigned() == pid);
    if !is_own {
        return Err(cannot());
    }
    let mut head = [0; HEAD_BYTES];
    let files = receive_head(&stream, &mut head).map_err(|_| gone(pid))?;
    let mut text = vec![0; usize::from(u16::from_le_bytes([head[1], head[2]]))];
    (&stream).read_exact(&mut text).map_err(|_| gone(pid))?;
    match (head[0], <[OwnedFd; 2]>::try_from(files)) {
        (WELCOME, Ok([initramfs, kernel])) => {
            let title = String::from_utf8_lossy(&text).into_owned();
            Ok((stream, Booted { initramfs: initramfs.into(), kernel: kernel.into(), title }))
        }
        (REFUSED, _) => {
            let (status, reason) = text.split_first().unwrap_or((&status::USAGE, b""));
            Err(failure(*status, String::from_utf8_lossy(reason)))
        }
        _ => Err(failure(status::USAGE, format!("process {pid} is an ochre of another version"))),
    }
}

fn gone(pid: u32) -> anyhow::Error {
    failure(status::USAGE, format!("the machine of process {pid} has just ended"))
}

/// Receives the first bytes of the answer, and the files that came with them.
fn receive_head(stream: &UnixStream, head: &mut [u8; HEAD_BYTES]) -> io::Result<Vec<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(stream, &mut [IoSliceMut::new(head)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let mut files = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(fds) = message {
            files.extend(fds);
        }
    }
    (&*stream).read_exact(&mut head[received.bytes..])?;
    Ok(files)
}
