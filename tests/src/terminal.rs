//! A terminal on the host is a terminal in the guest: seen as one, of the right size, with its keys; and it comes back as it was.

use crate::guest::Guest;
use rustix::pty::OpenptFlags;
use rustix::termios::{LocalModes, Winsize};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::process::Child;

/// A program of the guest on a terminal of the test's.
struct OnTerminal {
    ours: File,
    theirs: OwnedFd,
    child: Child,
    seen: String,
}

impl OnTerminal {
    fn start(guest: &Guest, program: &[&str], outputs_too: bool) -> OnTerminal {
        let ours = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        rustix::pty::grantpt(&ours).expect("a terminal");
        rustix::pty::unlockpt(&ours).expect("a terminal");
        let name = rustix::pty::ptsname(&ours, Vec::new()).expect("a terminal's name");
        let name = std::path::Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
        let theirs = File::options().read(true).write(true).open(name).expect("a terminal");
        let size = Winsize { ws_row: 33, ws_col: 111, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&theirs, size).expect("a size");
        let copy = || theirs.try_clone().expect("a descriptor");
        let mut command = guest.command(&[], program);
        command.stdin(copy());
        if outputs_too {
            command.stdout(copy()).stderr(copy());
        }
        let child = command.spawn().expect("ochre");
        OnTerminal { ours: ours.into(), theirs: theirs.into(), child, seen: String::new() }
    }

    /// Reads until `text` has been seen.
    fn await_text(&mut self, text: &str) {
        let mut buffer = [0; 1024];
        while !self.seen.contains(text) {
            let count = self.ours.read(&mut buffer).expect("output");
            self.seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
            assert!(self.seen.len() < 100_000, "{:?} didn't come: {:?}", text, self.seen);
        }
    }

    fn end(mut self) -> (String, Option<i32>) {
        let status = self.child.wait().expect("ochre ends").code();
        let modes = rustix::termios::tcgetattr(&self.theirs).expect("modes");
        assert!(modes.local_modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG), "left raw");
        (self.seen, status)
    }
}

pub(crate) fn is_one_and_has_a_size(guest: &Guest) {
    let script = "test -t 0 && test -t 1 && test -t 2 && echo all; stty size; read line; echo \"got $line\"; exit 6";
    let mut run = OnTerminal::start(guest, &["sh", "-c", script], true);
    run.await_text("33 111\r\n");
    run.ours.write_all(b"words\r").expect("keys");
    run.await_text("got words\r\n");
    let (seen, status) = run.end();
    assert_eq!(status, Some(6));
    assert!(seen.starts_with("all\r\n33 111\r\n"), "{seen:?}");
    assert!(seen.contains("words\r\ngot words\r\n"), "no echo: {seen:?}");
}

/// What is typed before the program runs waits for it.
pub(crate) fn typing_ahead_is_not_lost(guest: &Guest) {
    for _ in 0..5 {
        let mut run = OnTerminal::start(guest, &["sh", "-c", "read line; read more; echo \"got $line $more\""], true);
        run.ours.write_all(b"words\rand more\r").expect("keys");
        run.await_text("got words and more\r\n");
        assert_eq!(run.end().1, Some(0));
    }
}

pub(crate) fn control_c_ends_the_program(guest: &Guest) {
    let mut run = OnTerminal::start(guest, &["sh", "-c", "echo ready; exec sleep 1000"], true);
    run.await_text("ready");
    run.ours.write_all(&[3]).expect("a key");
    assert_eq!(run.end().1, Some(130));
}

pub(crate) fn echo_stays_off_a_pipe(guest: &Guest) {
    let script = "test -t 0; echo $?; test -t 1; echo $?; read line; echo \"got $line\"";
    let mut run = OnTerminal::start(guest, &["sh", "-c", script], false);
    let mut stdout = run.child.stdout.take().expect("a pipe");
    let mut start = [0; 4];
    stdout.read_exact(&mut start).expect("output");
    assert_eq!(&start, b"0\n1\n");
    run.ours.write_all(b"words\r").expect("keys");
    run.await_text("words\r\n");
    let mut piped = String::new();
    stdout.read_to_string(&mut piped).expect("output");
    assert_eq!(piped, "got words\n");
    assert_eq!(run.end().1, Some(0));
}
