//! Standard input, output and error: every byte, in order, each on its own stream.

use crate::guest::{Guest, noise, same_bytes};
use std::io::{Read, Write};
use std::process::Stdio;

/// What the project promises to pass through each stream.
const VOLUME: usize = 10 << 20;

/// A directory with files of noise, to be added to the root.
fn with_noise(files: &[(&str, u64)]) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (name, seed) in files {
        std::fs::write(directory.path().join(name), noise(*seed, VOLUME)).expect("a file");
    }
    let option = format!("{}:/noise", directory.path().display());
    (directory, option)
}

pub(crate) fn stdout_is_byte_exact(guest: &Guest) {
    let (_directory, add) = with_noise(&[("a", 1)]);
    let run = guest.run(&["--add", &add], &["cat", "/noise/a"]);
    run.exits(0).says("");
    same_bytes(&run.output.stdout, &noise(1, VOLUME), "stdout");
}

pub(crate) fn stderr_is_byte_exact_and_separate(guest: &Guest) {
    let (_directory, add) = with_noise(&[("a", 1), ("b", 2)]);
    let run = guest.run(&["--add", &add], &["sh", "-c", "cat /noise/a & cat /noise/b >&2; wait; exit 3"]);
    assert_eq!(run.output.status.code(), Some(3));
    same_bytes(&run.output.stdout, &noise(1, VOLUME), "stdout");
    same_bytes(&run.output.stderr, &noise(2, VOLUME), "stderr");
}

/// Lines that many processes write at once, each line by one call: each arrives whole, and each writer's in its order.
pub(crate) fn lines_of_many_writers_stay_whole(guest: &Guest) {
    const WRITERS: usize = 6;
    const LINES: usize = 300;
    let script = format!(
        "p=0; while [ $p -lt {WRITERS} ]; do \
           (i=0; while [ $i -lt {LINES} ]; do echo \"writer $p line $i to the output\"; echo \"writer $p line $i to the errors\" >&2; \
            i=$((i + 1)); done) & p=$((p + 1)); done; wait"
    );
    let run = guest.run(&["--cpus", "4"], &["sh", "-c", &script]);
    run.exits(0);
    for (text, name) in [(run.stdout(), "output"), (run.stderr(), "errors")] {
        let mut next = [0; WRITERS];
        for line in text.lines() {
            let writer =
                line.strip_prefix("writer ").and_then(|rest| rest.split(' ').next()).and_then(|word| word.parse().ok());
            let writer: usize = writer.filter(|writer| *writer < WRITERS).unwrap_or_else(|| panic!("torn: {line:?}"));
            assert_eq!(line, format!("writer {writer} line {} to the {name}", next[writer]));
            next[writer] += 1;
        }
        assert_eq!(next, [LINES; WRITERS], "lines of the {name}");
    }
}

pub(crate) fn stdin_is_byte_exact(guest: &Guest) {
    let mut child = guest.command(&[], &["cat"]).stdin(Stdio::piped()).spawn().expect("ochre");
    let mut stdin = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || stdin.write_all(&noise(3, VOLUME)));
    let output = child.wait_with_output().expect("ochre ends");
    writer.join().expect("a thread").expect("all input is taken");
    assert_eq!(output.status.code(), Some(0), "stderr: {}", String::from_utf8_lossy(&output.stderr));
    same_bytes(&output.stdout, &noise(3, VOLUME), "the echo");
}

pub(crate) fn empty_stdin_ends(guest: &Guest) {
    guest.run(&[], &["wc", "-c"]).exits(0).prints("0\n").says("");
}

pub(crate) fn a_closed_reader_ends_the_writer(guest: &Guest) {
    let mut child = guest.command(&[], &["yes"]).spawn().expect("ochre");
    let mut stdout = child.stdout.take().expect("a pipe");
    let mut start = [0; 10];
    stdout.read_exact(&mut start).expect("output");
    assert_eq!(&start, b"y\ny\ny\ny\ny\n");
    drop(stdout);
    let output = child.wait_with_output().expect("ochre ends");
    assert_eq!(output.status.code(), Some(141), "stderr: {}", String::from_utf8_lossy(&output.stderr));
}

pub(crate) fn pipes_are_no_terminals(guest: &Guest) {
    guest.shell("for fd in 0 1 2; do test -t $fd; echo $?; done").exits(0).prints("1\n1\n1\n").says("");
}
