//! A terminal on the host is a terminal in the guest: seen as one, of the right size, with its keys; and it comes back as it was.

use crate::guest::Guest;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal};
use rustix::pty::OpenptFlags;
use rustix::termios::{LocalModes, Winsize};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// How long an output may take to come.
const TEXT_LIMIT: Duration = Duration::from_secs(120);

/// A program of the guest on a terminal of the test's.
struct OnTerminal {
    ours: File,
    theirs: OwnedFd,
    child: Child,
    seen: String,
}

impl OnTerminal {
    fn start(guest: &Guest, program: &[&str], outputs_too: bool) -> OnTerminal {
        // What hangs here waits for keys: the test is told soon.
        OnTerminal::start_command(guest.command(&["--timeout", "60s"], program), outputs_too)
    }

    fn start_command(mut command: Command, outputs_too: bool) -> OnTerminal {
        let ours = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        rustix::pty::grantpt(&ours).expect("a terminal");
        rustix::pty::unlockpt(&ours).expect("a terminal");
        let name = rustix::pty::ptsname(&ours, Vec::new()).expect("a terminal's name");
        let name = std::path::Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
        let theirs = File::options().read(true).write(true).open(name).expect("a terminal");
        let size = Winsize { ws_row: 33, ws_col: 111, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&theirs, size).expect("a size");
        let copy = || theirs.try_clone().expect("a descriptor");
        command.stdin(copy());
        if outputs_too {
            command.stdout(copy()).stderr(copy());
        }
        let child = command.spawn().expect("ochre");
        OnTerminal { ours: ours.into(), theirs: theirs.into(), child, seen: String::new() }
    }

    /// Reads until `text` has been seen.
    fn await_text(&mut self, text: &str) {
        self.await_after(0, text);
    }

    /// Reads until `text` has been seen after place `from`; answers the place behind it.
    fn await_after(&mut self, from: usize, text: &str) -> usize {
        let start = Instant::now();
        let mut buffer = [0; 1024];
        loop {
            if let Some(place) = self.seen[from..].find(text) {
                return from + place + text.len();
            }
            // The other side is open here too, so the end of the run is not the end of the terminal.
            let mut fds = [PollFd::new(&self.ours, PollFlags::IN)];
            let second = Timespec { tv_sec: 1, tv_nsec: 0 };
            if poll(&mut fds, Some(&second)).expect("the terminal can be waited for") > 0 {
                let count = self.ours.read(&mut buffer).expect("output");
                self.seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
            }
            let is_late = start.elapsed() > TEXT_LIMIT || self.seen.len() > 100_000;
            assert!(!is_late, "{text:?} didn't come after {:?}: {:?}", &self.seen[..from], &self.seen[from..]);
        }
    }

    /// Types and awaits; answers the place behind what came.
    fn type_and_await(&mut self, from: usize, keys: &[u8], text: &str) -> usize {
        self.ours.write_all(keys).expect("keys");
        self.await_after(from, text)
    }

    /// Gives the terminal another size and tells the tool, as a kernel tells whoever is in front of a terminal.
    fn resize(&self, rows: u16, columns: u16) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&self.theirs, size).expect("a size");
        rustix::process::kill_process(Pid::from_child(&self.child), Signal::WINCH).expect("ochre is there");
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

/// A new size of the host's terminal arrives as SIGWINCH, and is there by then.
pub(crate) fn a_new_size_is_told(guest: &Guest) {
    let script = "trap 'stty size' WINCH; stty size; while :; do read -t 1 line && exit 3; done";
    let mut run = OnTerminal::start(guest, &["sh", "-c", script], true);
    let mut at = run.await_after(0, "33 111\r\n");
    for (rows, columns) in [(50, 132), (24, 80)] {
        run.resize(rows, columns);
        at = run.await_after(at, &format!("{rows} {columns}\r\n"));
    }
    run.ours.write_all(b"\r").expect("a key");
    assert_eq!(run.end().1, Some(3));
}

/// `ochre shell` asks for a command, does it, and ends with its own status; a pager shows a page and waits for keys.
pub(crate) fn the_shell_talks(guest: &Guest) {
    let mut command = guest.command_of("shell", &["--timeout", "60s"], &[]);
    command.env("TERM", "vt100");
    let mut run = OnTerminal::start_command(command, true);
    let at = run.await_after(0, "# ");
    let at = run.type_and_await(at, b"echo $((6 * 7))\r", "42\r\n");
    let at = run.type_and_await(at, b"seq 100 199 | less\r", "131");
    assert!(!run.seen[at..].contains("133"), "more than a page: {:?}", &run.seen[at..]);
    let at = run.type_and_await(at, b" ", "163");
    let at = run.type_and_await(at, b"q", "# ");
    run.type_and_await(at, b"exit 5\r", "\r\n");
    assert_eq!(run.end().1, Some(5));
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

/// ^Z in raw mode stops the job in front, the guest's shell says so, and `fg` lets it go on.
pub(crate) fn control_z_stops_the_job_in_front(guest: &Guest) {
    let mut run = OnTerminal::start(guest, &["sh"], true);
    let at = run.await_after(0, "# ");
    // The job tells when it runs: until then the shell's editor has the terminal, and keys are not echoed.
    let at = run.type_and_await(at, b"sh -c 'echo up$((1)); exec cat'\r", "up1\r\n");
    let at = run.type_and_await(at, b"one\r", "one\r\none\r\n");
    let at = run.type_and_await(at, b"\x1a", "^Z");
    let at = run.await_after(at, "Stopped");
    let at = run.await_after(at, "# ");
    let at = run.type_and_await(at, b"jobs\r", "Stopped");
    let at = run.await_after(at, "# ");
    let at = run.type_and_await(at, b"echo $((6 * 7))\r", "42\r\n");
    let at = run.await_after(at, "# ");
    let at = run.type_and_await(at, b"fg\r", "exec cat");
    let at = run.await_after(at, "\r\n");
    let at = run.type_and_await(at, b"two\r", "two\r\ntwo\r\n");
    let at = run.type_and_await(at, b"\x04", "# ");
    // Stopped in the background it can be ended.
    let at = run.type_and_await(at, b"sh -c 'echo up$((2)); exec sleep 1000'\r", "up2\r\n");
    let at = run.type_and_await(at, b"\x1a", "Stopped");
    let at = run.await_after(at, "# ");
    let at = run.type_and_await(at, b"kill -9 %1\r", "# ");
    // On a line of its own: `wait` leaves a job alone that it still takes for stopped, and then the shell would not go.
    let at = run.type_and_await(at, b"wait %1\r", "# ");
    run.type_and_await(at, b"exit $((3 + 4))\r", "\r\n");
    assert_eq!(run.end().1, Some(7));
}

/// A group that nobody could ever let go on is not stopped from the terminal: ^Z does nothing to a program without a shell.
pub(crate) fn control_z_does_not_stop_an_orphaned_group(guest: &Guest) {
    let mut run = OnTerminal::start(guest, &["cat"], true);
    let at = run.type_and_await(0, b"one\r", "one\r\n");
    // The echo and cat's own, in either order of arrival before the key.
    let at = run.await_after(at, "one\r\n");
    let at = run.type_and_await(at, b"\x1a", "^Z");
    let at = run.type_and_await(at, b"two\r", "two\r\n");
    run.await_after(at, "two\r\n");
    run.ours.write_all(b"\x04").expect("keys");
    assert_eq!(run.end().1, Some(0));
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

/// Twice, it makes the next key one for the tool.
const ESCAPE: &[u8] = &[0x1d, 0x1d];

/// What a shell in the guest does for a word: waits until sampling is or is not on, and runs a program of that name.
const WORKER: &str = "echo ready; while read rate name; do
    while [ \"$(grep -c 'rate 0 ' /proc/trace/profile)\" != $rate ]; do :; done
    for i in 1 2 3; do seq 1 5000 | $name > /dev/null; done; echo \"did $name\"; done";

pub(crate) fn keys_begin_and_end_sampling(guest: &Guest) {
    let file = guest.scratch("profile").join("keys.folded");
    let options = ["--timeout", "60s", "--paused", "--hz", "9999", "-o", &file.display().to_string()];
    let mut run = OnTerminal::start_command(guest.command_of("profile", &options, &["sh", "-c", WORKER]), true);
    let pid = run.child.id().to_string();
    let mut at = run.await_after(0, "ready");
    at = run.type_and_await(at, b"1 md5sum\r", "did md5sum");
    at = run.type_and_await(at, &[ESCAPE, b"p"].concat(), "sampling begins");
    at = run.type_and_await(at, b"0 sort\r", "did sort");
    let toggle = |pid: &str| Command::new(&guest.ochre).args(["profile", "--toggle", pid]).output().expect("ochre");
    assert!(toggle(&pid).status.success(), "{:?}", toggle(&pid));
    at = run.await_after(at, "sampling ends");
    at = run.type_and_await(at, b"1 sha256sum\r", "did sha256sum");
    run.type_and_await(at, &[ESCAPE, b"?"].concat(), "begin or end sampling");
    run.ours.write_all(&[4]).expect("a key");
    assert_eq!(run.end().1, Some(0));
    let folded = std::fs::read_to_string(file).expect("the profile was written");
    assert!(folded.lines().any(|line| line.starts_with("sort;")), "{folded}");
    for name in ["md5sum;", "sha256sum;"] {
        assert!(!folded.lines().any(|line| line.starts_with(name)), "sampled while it was off: {folded}");
    }
    let refused = toggle("1");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(2) && said.contains("runs as process 1"), "{said}");
}

pub(crate) fn a_shell_is_sampled_on_demand(guest: &Guest) {
    let directory = guest.scratch("on-demand");
    let file = directory.join("ochre-profile-1.svg");
    let _ = std::fs::remove_file(&file);
    let ochre = guest.top().join(&guest.ochre).canonicalize().expect("the command is there");
    let mut command = Command::new(ochre);
    command.args(["shell", "--arch", &guest.arch, "--accel", "tcg", "--timeout", "60s"]).current_dir(&directory);
    let mut run = OnTerminal::start_command(command, true);
    let mut at = run.type_and_await(0, b"echo rea''dy\r", "ready\r\n");
    at = run.type_and_await(at, &[ESCAPE, b"p"].concat(), "sampling begins");
    let work = b"while grep -q 'rate 0 ' /proc/trace/profile; do :; done; seq 1 20000 | sort | md5sum; echo do''ne\r";
    at = run.type_and_await(at, work, "done\r\n");
    run.type_and_await(at, &[ESCAPE, b"p"].concat(), "the flame graph is in ochre-profile-1.svg");
    run.ours.write_all(b"exit 5\r").expect("keys");
    assert_eq!(run.end().1, Some(5));
    assert!(std::fs::read_to_string(&file).is_ok_and(|text| text.contains("busybox")), "a flame graph of the work");
}

pub(crate) fn top_has_keys(guest: &Guest) {
    let script = "(while :; do :; done) & read line";
    let command = guest.command_of("top", &["--timeout", "60s", "-d", "50"], &["sh", "-c", script]);
    let mut run = OnTerminal::start_command(command, true);
    // The busy one first; then, by number, its parent.
    let mut at = run.await_after(0, "\r\n      3 sh ");
    at = run.type_and_await(at, &[ESCAPE, b"i"].concat(), "THR\r\n      1 ");
    run.type_and_await(at, &[ESCAPE, b"c"].concat(), "THR\r\n      3 sh ");
    run.ours.write_all(&[ESCAPE, b"q"].concat()).expect("keys");
    assert_eq!(run.end().1, Some(128 + 15));
}
