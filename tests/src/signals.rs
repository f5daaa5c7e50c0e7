//! Signals sent to `ochre` reach the program.

use crate::guest::Guest;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout};

/// Starts a shell script whose first line of output says that it is ready, and waits for that line.
fn start(guest: &Guest, script: &str) -> (Child, BufReader<ChildStdout>) {
    let mut child = guest.command(&[], &["sh", "-c", script]).spawn().expect("ochre");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("output");
    assert_eq!(line, "ready\n");
    (child, stdout)
}

fn send(child: &Child, signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_child(child), signal).expect("the signal is sent");
}

pub(crate) fn interrupt_ends_the_program(guest: &Guest) {
    let (mut child, _stdout) = start(guest, "echo ready; exec sleep 1000");
    send(&child, rustix::process::Signal::INT);
    assert_eq!(child.wait().expect("ochre ends").code(), Some(130));
}

pub(crate) fn terminate_can_be_caught(guest: &Guest) {
    let script = "trap 'echo caught; exit 9' TERM; echo ready; while :; do sleep 0.1; done";
    let (mut child, mut stdout) = start(guest, script);
    send(&child, rustix::process::Signal::TERM);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).expect("output");
    assert_eq!((rest.as_str(), child.wait().expect("ochre ends").code()), ("caught\n", Some(9)));
}
