//! The tool against a guest that is played: bytes, statuses, signals, and every way in which a machine can end badly.
//!
//! This file is its own main. Called as `qemu-system-…` (by a link the test makes) it plays QEMU and guest, in the mode that the
//! kernel's command line names (`play=MODE`); else it runs the cases. No kernel, no QEMU, no network are needed.

use rustix::process::{Pid, Signal};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Output, Stdio};
use std::time::{Duration, Instant};
use wire::control::{self, Decoder, Kind, Message, Received};

/// Bytes sent through each output stream: the size the project promises to pass unharmed.
const VOLUME: usize = 10 << 20;

/// Bytes that a program says before it ends: less than the tool reads at once, more than it writes at once.
const LAST_WORDS: usize = 32_768;

fn main() -> ExitCode {
    let me = std::env::args().next().unwrap_or_default();
    if me.contains("qemu-system-") {
        return play(&std::env::args().collect::<Vec<_>>());
    }
    let only = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let is_wanted = |case: &&Case| only.as_ref().is_none_or(|only| case.0.contains(only.as_str()));
    println!("running {} tests", CASES.iter().filter(is_wanted).count());
    let mut failed = 0;
    for (name, case) in CASES.iter().filter(is_wanted) {
        let bench = Bench::new();
        let passed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| case(&bench))).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        failed += u32::from(!passed);
    }
    ExitCode::from(u8::from(failed > 0))
}

type Case = (&'static str, fn(&Bench));

const CASES: &[Case] = &[
    ("output_is_byte_exact_and_separate", output_is_byte_exact_and_separate),
    ("input_arrives_whole", input_arrives_whole),
    ("input_is_not_read_without_credit", input_is_not_read_without_credit),
    ("death_by_signal_is_128_and_more", death_by_signal),
    ("unknown_calls_are_reported", report_is_shown),
    ("a_panic_is_told_with_the_log", panic_is_told),
    ("qemu_that_cannot_start_is_told", qemu_refuses),
    ("a_killed_qemu_is_told", qemu_is_killed),
    ("garbage_is_told", garbage_is_told),
    ("a_missing_interpreter_is_told", not_started),
    ("timeout_ends_a_hang", timeout_ends_a_hang),
    ("interrupt_reaches_the_guest", interrupt_reaches_the_guest),
    ("terminate_does_not_wait_for_ever", terminate_does_not_wait),
    ("last_words_after_a_terminate_arrive", last_words),
    ("last_words_nobody_reads_do_not_hold", last_words_unread),
    ("a_closed_reader_reaches_the_guest", closed_reader),
    ("bad_usage_and_bad_roots_are_told_before_boot", told_before_boot),
];

/// A place for one case: a search path with a played QEMU, a cache, a root.
struct Bench {
    directory: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| directory.path().join(name);
        for name in ["path", "cache", "root/bin"] {
            std::fs::create_dir_all(at(name)).expect("a directory");
        }
        let me = std::env::current_exe().expect("this program's path");
        for name in ["qemu-system-x86_64", "qemu-system-aarch64"] {
            std::os::unix::fs::symlink(&me, at("path").join(name)).expect("a link");
        }
        std::fs::copy("/bin/true", at("root/bin/prog")).expect("a program");
        std::fs::write(at("root/notes"), "no program").expect("a file");
        Bench { directory }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// `ochre run` with the guest playing `mode`.
    fn run(&self, mode: &str, more: &[&str]) -> Command {
        let mut command = self.tool();
        command.args(["run", "--arch", "x86_64", "--kernel", "/dev/null", "--append"]).arg(format!("play={mode}"));
        command.arg("--root").arg(self.at("root")).args(more).args(["--", "prog"]);
        command
    }

    fn tool(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ochre"));
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env("PATH", format!("{}:{path}", self.at("path").display()))
            .env("OCHRE_CACHE", self.at("cache"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // The once-only sentence about emulation isn't what is tested here.
        for arch in ["x86_64", "aarch64"] {
            std::fs::write(self.at("cache").join(format!("said-emulated-{arch}")), "").expect("a file");
        }
        command
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Checks status and stderr of a run that must fail with one sentence.
fn expect_failure(output: &Output, status: i32, sentence: &str) {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "stderr: {said}");
    assert!(said.contains(sentence), "stderr: {said}");
}

fn output_is_byte_exact_and_separate(bench: &Bench) {
    let output = bench.run("bytes", &[]).output().expect("a run");
    assert_eq!(output.status.code(), Some(7));
    assert!(output.stdout == noise(1).take(VOLUME).collect::<Vec<_>>(), "stdout differs");
    assert!(output.stderr == noise(2).take(VOLUME).collect::<Vec<_>>(), "stderr differs");
}

fn input_arrives_whole(bench: &Bench) {
    let mut child = bench.run("echo", &[]).stdin(Stdio::piped()).spawn().expect("a run");
    let mut stdin = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || stdin.write_all(&noise(3).take(3 << 20).collect::<Vec<_>>()));
    let output = child.wait_with_output().expect("a run");
    writer.join().expect("a thread").expect("all is read");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(output.stdout == noise(3).take(3 << 20).collect::<Vec<_>>(), "the echo differs");
}

fn input_is_not_read_without_credit(bench: &Bench) {
    let (mut reader, mut writer) = std::io::pipe().expect("a pipe");
    writer.write_all(b"for the next reader").expect("a write");
    drop(writer);
    let child = bench.run("deaf", &[]).stdin(reader.try_clone().expect("a descriptor")).spawn().expect("a run");
    assert_eq!(child.wait_with_output().expect("a run").status.code(), Some(0));
    let mut left = String::new();
    reader.read_to_string(&mut left).expect("a read");
    assert_eq!(left, "for the next reader");
}

fn death_by_signal(bench: &Bench) {
    assert_eq!(bench.run("segv", &[]).output().expect("a run").status.code(), Some(139));
}

fn report_is_shown(bench: &Bench) {
    let output = bench.run("report", &[]).output().expect("a run");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "ochre: unknown system call 999 (frobnicate), 3 times\n");
}

fn panic_is_told(bench: &Bench) {
    let output = bench.run("panic", &[]).output().expect("a run");
    expect_failure(&output, 125, "ochre: the kernel failed\n");
    assert!(text(&output.stderr).contains("PANIC in the play"));
}

fn qemu_refuses(bench: &Bench) {
    expect_failure(&bench.run("refuse", &[]).output().expect("a run"), 121, "no such device");
}

fn qemu_is_killed(bench: &Bench) {
    expect_failure(&bench.run("killed", &[]).output().expect("a run"), 121, "QEMU was ended by signal 9");
}

fn garbage_is_told(bench: &Bench) {
    expect_failure(&bench.run("garbage", &[]).output().expect("a run"), 125, "cannot be understood");
}

fn not_started(bench: &Bench) {
    expect_failure(&bench.run("enoent", &[]).output().expect("a run"), 127, "cannot start prog");
    expect_failure(&bench.run("enoexec", &[]).output().expect("a run"), 126, "not a sound program");
}

fn timeout_ends_a_hang(bench: &Bench) {
    let started = Instant::now();
    expect_failure(&bench.run("hang", &["--timeout", "300ms"]).output().expect("a run"), 124, "--timeout");
    assert!(started.elapsed() < Duration::from_secs(20));
}

/// Starts a run and waits for its first byte of output: the guest is up.
fn start_and_await(bench: &Bench, mode: &str) -> (Child, ChildStdout) {
    let mut child = bench.run(mode, &[]).spawn().expect("a run");
    let mut stdout = child.stdout.take().expect("a pipe");
    stdout.read_exact(&mut [0]).expect("the guest is up");
    (child, stdout)
}

fn send_signal(child: &Child, signal: Signal) {
    rustix::process::kill_process(Pid::from_child(child), signal).expect("the signal is sent");
}

fn interrupt_reaches_the_guest(bench: &Bench) {
    let (mut child, _stdout) = start_and_await(bench, "obey");
    send_signal(&child, Signal::INT);
    assert_eq!(child.wait().expect("a run").code(), Some(130));
}

fn terminate_does_not_wait(bench: &Bench) {
    let (mut child, _stdout) = start_and_await(bench, "ignore");
    send_signal(&child, Signal::TERM);
    assert_eq!(child.wait().expect("a run").code(), Some(143));
}

/// What a program says when it is asked to end comes together with its status.
fn last_words(bench: &Bench) {
    let (mut child, mut stdout) = start_and_await(bench, "last-words");
    send_signal(&child, Signal::TERM);
    let mut words = Vec::new();
    stdout.read_to_end(&mut words).expect("output");
    assert_eq!((words.len(), child.wait().expect("a run").code()), (LAST_WORDS, Some(9)));
}

fn last_words_unread(bench: &Bench) {
    let (mut child, _stdout) = start_and_await(bench, "endless-words");
    send_signal(&child, Signal::TERM);
    assert_eq!(child.wait().expect("a run").code(), Some(9));
}

fn closed_reader(bench: &Bench) {
    let (mut child, stdout) = start_and_await(bench, "flood");
    drop(stdout);
    assert_eq!(child.wait().expect("a run").code(), Some(141));
}

fn told_before_boot(bench: &Bench) {
    let damaged = bench.at("damaged.cpio.gz");
    std::fs::write(&damaged, b"\x1f\x8b\x08\x00garbage that is no deflate stream").expect("a file");
    let cut = bench.at("cut.cpio");
    std::fs::write(&cut, format!("070701{:0>104}", "")).expect("a file");
    let neither = bench.at("neither");
    std::fs::write(&neither, "hello").expect("a file");
    let root = bench.at("root");
    let foreign = bench.at("foreign");
    let mut elf = std::fs::read("/bin/true").expect("a program");
    elf[18] = 183;
    std::fs::write(&foreign, elf).expect("a file");
    let make_executable = Command::new("chmod").arg("+x").arg(&foreign).status().expect("chmod");
    assert!(make_executable.success());
    let name = |path: &Path| path.display().to_string();
    let (damaged, cut, neither, root, foreign) =
        (name(&damaged), name(&cut), name(&neither), name(&root), name(&foreign));
    let cases: [(&[&str], i32, &str); 13] = [
        (&["run"], 2, "PROGRAM"),
        (&["run", "--memory", "3", "prog"], 2, "memory must be"),
        (&["run", "--cpus", "0", "prog"], 2, "--cpus"),
        (&["run", "--machine", "virt", "prog"], 2, "the machine virt is for aarch64"),
        (&["run", "--root", "/no/such/root", "prog"], 122, "there is no such file"),
        (&["run", "--root", &damaged, "prog"], 122, "damaged.cpio.gz as root"),
        (&["run", "--root", &cut, "prog"], 122, "cut.cpio as root"),
        (&["run", "--root", &neither, "prog"], 122, "neither a tar nor a cpio"),
        (&["run", "--root", &root, "none"], 127, "none is not a program of the root"),
        (&["run", "--root", &root, "./none"], 127, "there is no ./none"),
        (&["run", "--root", &root, "/notes"], 126, "no execute permission"),
        (&["run", "--root", &root, &foreign], 126, "is a program for aarch64, not for x86_64"),
        (&["run", "--root", &root, "--accel", "kvm", "--arch", "aarch64", "prog"], 121, "KVM cannot be used"),
    ];
    for (words, status, sentence) in cases {
        let mut command = bench.tool();
        command.arg(words[0]);
        if !words.contains(&"--arch") {
            command.args(["--arch", "x86_64"]);
        }
        if words.len() > 1 {
            command.args(["--kernel", "/dev/null", "--append", "play=panic"]);
        }
        expect_failure(&command.args(&words[1..]).output().expect("a run"), status, sentence);
    }
}

/// Bytes that look random and can be made again.
fn noise(seed: u64) -> impl Iterator<Item = u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    })
}

/// The played machine's end of the control channel. Two `cat`s hold the inherited socket, which safe code cannot take over.
struct Channel {
    to_host: ChildStdin,
    from_host: ChildStdout,
    decoder: Decoder,
    pending: Vec<u8>,
}

impl Channel {
    fn open(words: &[String]) -> Channel {
        let descriptor = words
            .iter()
            .find_map(|word| word.strip_prefix("socket,id=control,fd="))
            .expect("the control channel on QEMU's command line");
        let cat = |redirection: &str| {
            // Not `sh`: dash knows descriptors of one digit only.
            let mut shell = Command::new("bash");
            shell.arg("-c").arg(format!("exec cat {redirection}{descriptor}"));
            shell
        };
        let to_host = cat(">&").stdin(Stdio::piped()).spawn().expect("cat").stdin.expect("a pipe");
        let from_host =
            cat("<&").stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("cat").stdout.expect("a pipe");
        Channel { to_host, from_host, decoder: Decoder::new(), pending: Vec::new() }
    }

    fn send(&mut self, message: Message) {
        self.to_host.write_all(message.encode().as_bytes()).expect("the host reads");
    }

    fn bytes(&mut self, kind: Kind, stream: u8, bytes: &[u8]) -> bool {
        let header = control::encode_header(kind, stream, bytes.len() as u32);
        self.to_host.write_all(&header).and_then(|()| self.to_host.write_all(bytes)).is_ok()
    }

    /// The next thing the host says: a message, or bytes of input.
    fn receive(&mut self) -> (Option<Message>, Vec<u8>) {
        loop {
            let mut input = self.pending.as_slice();
            let found = match self.decoder.next(&mut input).expect("sound frames") {
                Some(Received::Message(message)) => Some((Some(message), Vec::new())),
                Some(Received::Bytes { bytes, .. }) => Some((None, bytes.to_vec())),
                None => None,
            };
            let used = self.pending.len() - input.len();
            self.pending.drain(..used);
            if let Some(found) = found {
                return found;
            }
            let mut more = vec![0; 65_536];
            let count = self.from_host.read(&mut more).expect("the host speaks");
            if count == 0 {
                std::process::exit(0);
            }
            self.pending.extend_from_slice(&more[..count]);
        }
    }
}

/// Plays QEMU and guest.
fn play(words: &[String]) -> ExitCode {
    let mode = words
        .iter()
        .flat_map(|word| word.split(' '))
        .find_map(|word| word.strip_prefix("play="))
        .expect("a mode on the kernel's command line")
        .to_string();
    if mode == "refuse" {
        eprintln!("qemu-system-x86_64: -device nonsense: no such device");
        return ExitCode::from(1);
    }
    let mut channel = Channel::open(words);
    channel.send(Message::Hello { version: control::VERSION, features: control::FEATURE_OUTPUT_CLOSED });
    match mode.as_str() {
        "bytes" => {
            let (mut out, mut err) = (noise(1), noise(2));
            for _ in 0..VOLUME / 65_536 {
                channel.bytes(Kind::Output, 1, &out.by_ref().take(65_536).collect::<Vec<_>>());
                channel.bytes(Kind::Output, 2, &err.by_ref().take(65_536).collect::<Vec<_>>());
            }
            channel.send(Message::Exit(7 << 8));
        }
        "echo" => {
            let window = 5000u32;
            channel.send(Message::InputCredit(window));
            let mut outstanding = i64::from(window);
            loop {
                match channel.receive() {
                    (Some(Message::InputEnd), _) => break,
                    (Some(_), _) => {}
                    (None, bytes) => {
                        outstanding -= bytes.len() as i64;
                        assert!(outstanding >= 0, "more input than credit");
                        channel.bytes(Kind::Output, 1, &bytes);
                        channel.send(Message::InputCredit(bytes.len() as u32));
                        outstanding += bytes.len() as i64;
                    }
                }
            }
            channel.send(Message::Exit(0));
        }
        "deaf" => {
            std::thread::sleep(Duration::from_millis(200));
            channel.send(Message::Exit(0));
        }
        "segv" => channel.send(Message::Exit(11)),
        "report" => {
            channel.bytes(Kind::Report, 0, b"unknown system call 999 (frobnicate), 3 times\n");
            channel.send(Message::Exit(0));
        }
        "panic" => {
            println!("PANIC in the play");
            return ExitCode::from(85);
        }
        "killed" => {
            let _ = rustix::process::kill_process(rustix::process::getpid(), Signal::KILL);
        }
        "garbage" => {
            channel.bytes(Kind::Output, 1, &[]);
            let _ = channel.to_host.write_all(&[0xff; 64]);
        }
        "enoent" => channel.send(Message::StartFailed(2)),
        "enoexec" => channel.send(Message::StartFailed(8)),
        "obey" | "ignore" => {
            channel.bytes(Kind::Output, 1, b"!");
            loop {
                if let (Some(Message::Interrupt(signal)), _) = channel.receive()
                    && mode == "obey"
                {
                    channel.send(Message::Exit(signal.cast_signed()));
                }
            }
        }
        "last-words" | "endless-words" => {
            channel.bytes(Kind::Output, 1, b"!");
            while !matches!(channel.receive().0, Some(Message::Interrupt(_))) {}
            // More than a pipe holds, if nobody is to read it.
            let count = if mode == "last-words" { 1 } else { 8 };
            let words = [&control::encode_header(Kind::Output, 1, LAST_WORDS as u32)[..], &[b'x'; LAST_WORDS]].concat();
            let together = [words.repeat(count), Message::Exit(9 << 8).encode().as_bytes().to_vec()].concat();
            channel.to_host.write_all(&together).expect("the tool reads");
        }
        "flood" => {
            for _ in 0..64 {
                channel.bytes(Kind::Output, 1, &[b'x'; 16_384]);
            }
            while channel.receive().0 != Some(Message::OutputClosed(1)) {}
            channel.send(Message::Exit(13));
        }
        _ => {}
    }
    // A guest that has said its last word stays until it is ended.
    std::thread::sleep(Duration::from_secs(60));
    ExitCode::SUCCESS
}
