//! Commands that watch a machine that another command runs: `ochre trace|profile|strace|top -p PID`. Each case has one machine with a shell that does what it
//! is told line by line.

use crate::guest::Guest;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long anything may take on a busy host.
const PATIENCE: Duration = Duration::from_secs(180);

/// A machine whose shell reads its script from us.
struct Machine {
    ochre: Child,
    script: Option<ChildStdin>,
    lines: Receiver<String>,
    /// What the shell has said.
    said: Vec<String>,
}

/// Lines of a stream, read by a thread.
fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (send, lines) = channel();
    std::thread::spawn(move || {
        // Nobody waits for them any more: then they are read all the same, so that nobody is held up.
        BufReader::new(stream).lines().map_while(Result::ok).for_each(|line| drop(send.send(line)));
    });
    lines
}

impl Machine {
    /// Starts it with one of the commands that run a program, and waits until the shell is there.
    fn start(guest: &Guest, command: &str, options: &[&str]) -> Machine {
        let mut command = guest.command_of(command, options, &["busybox", "sh"]);
        let mut ochre = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().expect("ochre can be started");
        let lines = lines(ochre.stdout.take().expect("it is a pipe"));
        let mut machine = Machine { script: ochre.stdin.take(), ochre, lines, said: Vec::new() };
        machine.does("echo ready");
        machine
    }

    fn pid(&self) -> String {
        self.ochre.id().to_string()
    }

    /// Has the shell do something, and waits until it has.
    fn does(&mut self, what: &str) {
        let end = format!("done {}", self.said.len());
        let script = self.script.as_mut().expect("the shell is there");
        writeln!(script, "{what}; echo {end}").expect("the shell reads");
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect("the shell goes on");
            let is_end = line == end;
            self.said.push(line);
            if is_end {
                return;
            }
        }
    }

    /// Has it end, and checks that nothing went wrong, and that its shell has said only what it was told to.
    fn ends(mut self, said: &[&str]) {
        drop(self.script.take());
        let status = self.ochre.wait().expect("it can be waited for");
        assert_eq!(status.code(), Some(0), "the machine's own end");
        let own: Vec<&str> = self.said.iter().map(String::as_str).filter(|line| !line.starts_with("done ")).collect();
        let own: Vec<&str> = own.into_iter().filter(|line| *line != "ochre").collect();
        assert_eq!(own, said);
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Both fail if it has ended.
        let _ = self.ochre.kill();
        let _ = self.ochre.wait();
    }
}

/// A command that is attached.
struct Tool {
    child: Child,
    errors: Receiver<String>,
    told: String,
}

impl Tool {
    fn start(guest: &Guest, machine: &Machine, words: &[&str]) -> Tool {
        let mut command = Command::new(&guest.ochre);
        command.arg(words[0]).args(["-p", &machine.pid()]).args(&words[1..]);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("a tool");
        let errors: ChildStderr = child.stderr.take().expect("it is a pipe");
        Tool { child, errors: lines(errors), told: String::new() }
    }

    /// Waits until it says a line with `text` in it.
    fn says(&mut self, text: &str) {
        while !self.told.lines().last().is_some_and(|line| line.contains(text)) {
            let line = self.errors.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("it does not say {text}: {}", self.told));
            self.told.push_str(&line);
            self.told.push('\n');
        }
    }

    /// Does something again and again until it says a line with `text` in it.
    fn says_while(&mut self, text: &str, mut act: impl FnMut()) {
        for _ in 0..10_000 {
            act();
            while let Ok(line) = self.errors.recv_timeout(Duration::from_millis(20)) {
                self.told.push_str(&line);
                self.told.push('\n');
            }
            if self.told.contains(text) {
                return;
            }
        }
        panic!("it does not say {text}: {}", self.told);
    }

    fn interrupt(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it runs");
    }

    /// Waits for its end; answers status and what it said.
    fn ends(mut self) -> (Option<i32>, String) {
        while let Ok(line) = self.errors.recv_timeout(PATIENCE) {
            self.told.push_str(&line);
            self.told.push('\n');
        }
        (self.child.wait().expect("it ends").code(), self.told)
    }
}

/// Reads of dd, as many as said, and nothing else that is told.
fn reads(count: u32) -> String {
    format!("dd if=/dev/zero of=/dev/null bs=1 count={count} 2> /dev/null")
}

/// Counts dd's reads in two ways, says when it is there, and ends when `ended` says so.
fn counting(more: &str) -> String {
    format!(
        "BEGIN {{ printf(\"begun\\n\"); }} syscall::read:return /execname == \"dd\" && arg0 == 1/ {{ @reads = count(); }}
        fbt::syscall::read_write::sys_read:entry /execname == \"dd\"/ {{ @entries = count(); }} {more}"
    )
}

/// The number below an aggregation's name.
fn number(text: &str, name: &str) -> u64 {
    let mut words = text.split_whitespace().skip_while(|word| *word != name);
    words.nth(1).and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("no {name}: {text}"))
}

pub(crate) fn one_after_another(guest: &Guest) {
    let mut machine = Machine::start(guest, "run", &["--cpus", "2"]);
    // Ended by the user, by itself, and by a death that nobody sees coming; what happens in between is not counted.
    for (turn, count) in [300, 500, 700].into_iter().enumerate() {
        let more = if turn == 1 { "proc:::exit /execname == \"dd\"/ { exit(9); }" } else { "" };
        let mut tool = Tool::start(guest, &machine, &["trace", &counting(more)]);
        tool.says("begun");
        // Another one is told so, at once.
        if turn == 0 {
            let (status, text) = Tool::start(guest, &machine, &["top"]).ends();
            assert_eq!((status, text.as_str()), (Some(120), "ochre: another command watches this machine already\n"));
        }
        machine.does(&reads(count));
        if turn == 2 {
            tool.child.kill().expect("it runs");
            tool.ends();
        } else {
            if turn == 0 {
                tool.interrupt();
            }
            let (status, text) = tool.ends();
            assert_eq!(status, Some(if turn == 1 { 9 } else { 0 }), "{text}");
            assert_eq!(number(&text, "@reads"), count.into(), "{text}");
            assert!(number(&text, "@entries") >= count.into(), "{text}");
            assert!(!text.contains("lost") && !text.contains("ochre:"), "{text}");
        }
        machine.does(&reads(100));
    }
    // A program's stacks and names are known although it was there before.
    machine.does("while :; do :; done & cat /etc/hostname");
    let folded = guest.scratch("attach").join("spins.folded").display().to_string();
    let (status, text) = Tool::start(guest, &machine, &["profile", "-o", &folded, "--for", "1s"]).ends();
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("samples at 1000 a second"), "{text}");
    let folded = std::fs::read_to_string(folded).expect("it is text");
    assert!(folded.lines().any(|line| line.starts_with("busybox;") || line.starts_with("sh;")), "{folded}");
    let (status, text) = Tool::start(guest, &machine, &["top", "-d", "100", "--for", "500ms"]).ends();
    assert!(status == Some(0) && text.contains("%CPU") && text.contains("busybox"), "{text}");
    // What is shown of system calls begins and ends as well, and can be chosen anew.
    for (chosen, shown, other) in
        [("openat", "openat(AT_FDCWD, \"/etc/hostname\"", "close("), ("close", "close(3)", "openat(")]
    {
        let mut tool = Tool::start(guest, &machine, &["strace", "-e", chosen]);
        tool.says_while(shown, || machine.does("cat /etc/hostname"));
        tool.interrupt();
        let (status, text) = tool.ends();
        assert!(status == Some(0) && !text.contains(other) && !text.contains("lost"), "{text}");
    }
    // One that is attached when the machine ends tells what it has.
    let mut tool = Tool::start(guest, &machine, &["trace", &counting("")]);
    tool.says("begun");
    machine.does(&reads(200));
    machine.does("kill $!");
    machine.ends(&["ready"]);
    let (status, text) = tool.ends();
    assert_eq!((status, number(&text, "@reads")), (Some(0), 200), "{text}");
}

pub(crate) fn what_cannot_be_watched_is_told(guest: &Guest) {
    let refused = |pid: &str, words: &[&str], status: i32, message: &str| {
        let output = Command::new(&guest.ochre).arg(words[0]).args(["-p", pid]).args(&words[1..]).output();
        let output = output.expect("ochre can be started");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{text}");
        assert!(text.contains(message) && text.lines().count() == 1, "{text}");
    };
    // Numbers of processes end far below.
    refused("2147483647", &["top"], 2, "there is no process 2147483647");
    let own = std::process::id().to_string();
    refused(&own, &["trace", "BEGIN"], 2, "is no ochre that runs a machine");
    let mut watched = Machine::start(guest, "top", &[]);
    refused(&watched.pid(), &["trace", "BEGIN"], 120, "another command watches this machine already");
    watched.does("echo still");
    watched.ends(&["ready", "still"]);
    let mut machine = Machine::start(guest, "run", &[]);
    refused(&machine.pid(), &["trace", "uprobe:busybox:main"], 2, "need a machine that is traced from its start on");
    machine.does("echo still");
    machine.ends(&["ready", "still"]);
}
