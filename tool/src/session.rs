//! The conversation with a running guest: one loop over the control channel, the host's standard streams, QEMU's own output,
//! and signals, until the run has an [`Outcome`].
//!
//! Nothing here blocks except `poll`: output waits in bounded queues and is written in pieces the kernel takes at once, and while
//! a queue is full the control channel isn't read, so that a slow reader of our output slows the guest down. Standard input is read
//! only as far as the guest gave credit.

use crate::observe::hub::Hub;
use crate::observe::watcher::Watcher;
use crate::signals::{self, Signals};
use crate::strace::Printer;
use crate::terminal;
use crate::vmm::Vmm;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{ChildStderr, ChildStdout, ExitStatus};
use std::time::{Duration, Instant};
use wire::control::{self, Decoder, Kind, Message, Received};

/// How a run ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The program ended with this wait status.
    Exited(i32),
    /// The program could not be started: a Linux error number.
    NotStarted(i32),
    /// The machine ended without a result.
    KernelFailed(ExitStatus),
    /// The guest never said hello.
    NeverUp,
    /// It broke the protocol.
    Garbled(String),
    /// `--timeout` passed.
    TimedOut,
    /// Whoever observes the run gave up.
    ObserverFailed,
    /// The user ended the run by this signal, and the program didn't follow in time.
    Ended(i32),
}

/// What the session left for the user to see.
pub(crate) struct Ending {
    /// How the run ended.
    pub(crate) outcome: Outcome,
    /// Whether the guest had said hello.
    pub(crate) came_up: bool,
    /// The last of the kernel's log.
    pub(crate) log_tail: Vec<u8>,
    /// QEMU's own complaints.
    pub(crate) complaints: Vec<u8>,
    /// The guest's report lines.
    pub(crate) report: Vec<u8>,
    /// The status that whoever observed the run wants in place of the program's.
    pub(crate) wanted_status: Option<u8>,
}

/// What the user asked for.
pub(crate) struct Options {
    /// End the run after this time.
    pub(crate) timeout: Option<Duration>,
    /// Show the kernel's log as it comes.
    pub(crate) show_log: bool,
    /// Which of descriptors 0, 1, 2 are the terminal.
    pub(crate) terminal: u8,
    /// Shows system calls.
    pub(crate) strace: Option<Printer>,
    /// A debugger has the terminal, and decides when the guest runs.
    pub(crate) is_debugged: bool,
}

/// Bytes of kernel log kept for a failure.
const LOG_TAIL: usize = 24 * 1024;
/// Bytes of QEMU's complaints and of report kept.
const TEXT_LIMIT: usize = 64 * 1024;
/// Waiting output above which the guest isn't read.
const QUEUE_LIMIT: usize = 1 << 20;
/// A pipe or terminal that polls writable takes this much (PIPE_BUF) without blocking.
const PIECE: usize = 4096;
/// How long a guest may take to say hello. Generous: hosts of tests are slow and busy.
const HELLO_TIME: Duration = Duration::from_secs(90);
/// How long after a signal that asks to end the program may take.
const GRACE: Duration = Duration::from_secs(3);
/// How long the guest may take to tell what was observed when a run is cut short.
const LAST_WORDS: Duration = Duration::from_secs(20);
/// The key that, pressed twice in a row, makes the next one a command to the tool: once more, it ends the machine.
const ESCAPE: u8 = 0x1d;
/// How long the first is held back from the guest, whose programs use it, too.
const ESCAPE_TIME: Duration = Duration::from_secs(1);
/// The command that tells the commands, and those that end the machine.
const HELP: u8 = b'?';
const QUIT: [u8; 2] = [ESCAPE, b'q'];
/// The command that begins or ends sampling.
const SAMPLE: u8 = b'p';

/// Places in [`Session::outputs`].
const STDOUT: usize = 0;
const STDERR: usize = 1;
const TERMINAL: usize = 2;

const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
const SIGPIPE: i32 = 13;
const SIGTERM: i32 = 15;

/// Talks with the machine until it ends. The machine is stopped when this returns.
pub(crate) fn run(vmm: Vmm, options: Options, signals: &Signals, watched: Watched<'_>) -> io::Result<Ending> {
    Session::new(vmm, options, watched)?.run(signals)
}

/// Who has the observation channel.
#[derive(Clone, Copy)]
pub(crate) enum Watched<'a> {
    /// Nobody: there is none.
    No,
    /// An observer of the whole run.
    By(&'a Watcher),
    /// Whoever attaches.
    Open(&'a Hub),
}

/// The session's own state; its loop is [`Session::run`].
struct Session<'a> {
    vmm: Vmm,
    /// Until an observer has nothing more to do.
    watched: Watched<'a>,
    options: Options,
    decoder: Decoder,
    /// Frames on their way to the guest.
    to_guest: VecDeque<u8>,
    /// Bytes of input the guest still takes.
    credit: u64,
    features: Option<u32>,
    input_open: bool,
    /// Standard output, standard error, and the terminal (where one of the three descriptors is one).
    outputs: [Output; 3],
    uart: Option<ChildStdout>,
    qemu_errors: Option<ChildStderr>,
    /// Readable when QEMU has ended.
    qemu_ends: OwnedFd,
    log_tail: VecDeque<u8>,
    complaints: Vec<u8>,
    report: Vec<u8>,
    outcome: Option<Outcome>,
    started: Instant,
    /// When a signal asked the program to end, and which.
    asked_to_end: Option<(Instant, i32)>,
    interrupts: u32,
    /// The run is cut short with this outcome, as soon as what was observed is told, or at this time.
    leaving: Option<(Outcome, Instant)>,
    escape: Escape,
}

/// How far the keys are that lead to a command.
#[derive(Clone, Copy, Debug)]
enum Escape {
    None,
    /// One was pressed, at this time: the guest gets it if no second one follows.
    Once(Instant),
    /// The next key is a command.
    Twice,
}

/// One of the host's output streams.
struct Output {
    fd: BorrowedFd<'static>,
    queue: VecDeque<u8>,
    /// Most bytes written at once.
    piece: usize,
    closed: bool,
}

impl Output {
    fn new(fd: BorrowedFd<'static>) -> Output {
        // A regular file always takes everything.
        let is_file =
            rustix::fs::fstat(fd).is_ok_and(|data| rustix::fs::FileType::from_raw_mode(data.st_mode).is_file());
        Output { fd, queue: VecDeque::new(), piece: if is_file { 1 << 20 } else { PIECE }, closed: false }
    }

    fn push(&mut self, bytes: &[u8]) {
        if !self.closed {
            self.queue.extend(bytes);
        }
    }

    /// Writes one piece. An error means nobody will ever read again.
    fn write(&mut self) -> Result<(), Errno> {
        let (front, _) = self.queue.as_slices();
        match rustix::io::write(self.fd, &front[..front.len().min(self.piece)]) {
            Ok(count) => {
                self.queue.drain(..count);
                Ok(())
            }
            Err(Errno::INTR | Errno::AGAIN) => Ok(()),
            Err(error) => {
                self.closed = true;
                self.queue.clear();
                Err(error)
            }
        }
    }
}

/// The descriptor by which the terminal is written: an output, else the input (terminals are opened for both).
fn terminal_of(bits: u8) -> BorrowedFd<'static> {
    match bits {
        _ if bits & 0b010 != 0 => rustix::stdio::stdout(),
        _ if bits & 0b100 != 0 => rustix::stdio::stderr(),
        0b001 => rustix::stdio::stdin(),
        _ => rustix::stdio::stdout(),
    }
}

impl<'a> Session<'a> {
    fn new(mut vmm: Vmm, options: Options, watched: Watched<'a>) -> io::Result<Session<'a>> {
        vmm.control.set_nonblocking(true)?;
        let (uart, qemu_errors) = (vmm.child.stdout.take(), vmm.child.stderr.take());
        for fd in [uart.as_ref().map(AsFd::as_fd), qemu_errors.as_ref().map(AsFd::as_fd)].into_iter().flatten() {
            rustix::fs::fcntl_setfl(fd, rustix::fs::OFlags::NONBLOCK)?;
        }
        let id = rustix::process::Pid::from_child(&vmm.child);
        let qemu_ends = rustix::process::pidfd_open(id, rustix::process::PidfdFlags::empty())?;
        let (terminal, input_open) = (terminal_of(options.terminal), !options.is_debugged);
        Ok(Session {
            vmm,
            watched,
            options,
            decoder: Decoder::new(),
            to_guest: VecDeque::new(),
            credit: 0,
            features: None,
            input_open,
            outputs: [rustix::stdio::stdout(), rustix::stdio::stderr(), terminal].map(Output::new),
            uart,
            qemu_errors,
            qemu_ends,
            log_tail: VecDeque::new(),
            complaints: Vec::new(),
            report: Vec::new(),
            outcome: None,
            started: Instant::now(),
            asked_to_end: None,
            interrupts: 0,
            leaving: None,
            escape: Escape::None,
        })
    }

    fn run(mut self, signals: &Signals) -> io::Result<Ending> {
        let mut buffer = vec![0; 64 * 1024];
        while self.outcome.is_none() {
            self.turn(signals, &mut buffer)?;
        }
        let Some(outcome) = self.outcome.take() else { unreachable!("the loop ends with an outcome") };
        let outcome = match outcome {
            // The end of the channel: the reason is in how QEMU ended.
            Outcome::KernelFailed(_) => Outcome::KernelFailed(self.wait_for_qemu(&mut buffer)?),
            outcome => outcome,
        };
        if let Some(strace) = &mut self.options.strace {
            let text = strace.finish(!matches!(outcome, Outcome::Exited(0)));
            self.talk(text.as_bytes());
        }
        // What the guest said before its end is still owed to the reader: however slow, unless the user wants out.
        let is_ended_from_outside =
            self.asked_to_end.is_some() || matches!(outcome, Outcome::TimedOut | Outcome::Ended(_));
        self.flush_outputs(signals, is_ended_from_outside.then(|| Instant::now() + GRACE))?;
        let log_tail = self.log_tail.make_contiguous().to_vec();
        Ok(Ending {
            outcome,
            came_up: self.features.is_some(),
            log_tail,
            complaints: self.complaints,
            report: self.report,
            wanted_status: None,
        })
    }

    /// Waits for something to happen and deals with it.
    fn turn(&mut self, signals: &Signals, buffer: &mut [u8]) -> io::Result<()> {
        let is_full = self.outputs.iter().any(|output| output.queue.len() > QUEUE_LIMIT);
        let wants_input = self.input_open && self.credit > 0 && self.to_guest.len() < 128 * 1024;
        let control = {
            let mut events = PollFlags::empty();
            events.set(PollFlags::IN, !is_full);
            events.set(PollFlags::OUT, !self.to_guest.is_empty());
            events
        };
        let ready = {
            let flag = |on: bool| if on { PollFlags::OUT } else { PollFlags::empty() };
            let wanted: [(Option<BorrowedFd<'_>>, PollFlags); 10] = [
                (Some(signals.as_fd()), PollFlags::IN),
                (Some(self.qemu_ends.as_fd()), PollFlags::IN),
                (Some(self.vmm.control.as_fd()), control),
                (self.uart.as_ref().map(AsFd::as_fd), PollFlags::IN),
                (self.qemu_errors.as_ref().map(AsFd::as_fd), PollFlags::IN),
                (Some(self.outputs[0].fd), flag(!self.outputs[0].queue.is_empty())),
                (Some(self.outputs[1].fd), flag(!self.outputs[1].queue.is_empty())),
                (Some(self.outputs[2].fd), flag(!self.outputs[2].queue.is_empty())),
                (Some(rustix::stdio::stdin()), if wants_input { PollFlags::IN } else { PollFlags::empty() }),
                (self.watcher().map(|watcher| watcher.is_done.as_fd()), PollFlags::IN),
            ];
            let mut fds = Vec::with_capacity(wanted.len());
            let places = wanted.map(|(fd, events)| {
                let fd = fd.filter(|_| !events.is_empty())?;
                fds.push(PollFd::from_borrowed_fd(fd, events));
                Some(fds.len() - 1)
            });
            match poll(&mut fds, Some(&self.time_to_deadline())) {
                Ok(_) => {}
                Err(Errno::INTR) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            places.map(|place| place.map_or(PollFlags::empty(), |place| fds[place].revents()))
        };
        let [signal, end, control, uart, errors, stdout, stderr, terminal, stdin, watcher] = ready;
        if !signal.is_empty() {
            self.take_signals(signals);
        }
        for (number, events) in [stdout, stderr, terminal].into_iter().enumerate() {
            if !events.is_empty() {
                self.write_output(number);
            }
        }
        if !uart.is_empty() {
            self.read_uart(buffer);
        }
        if !errors.is_empty() {
            self.read_complaints(buffer);
        }
        if control.contains(PollFlags::OUT) {
            self.write_control();
        }
        if control.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
            self.read_control(buffer);
        }
        if !stdin.is_empty() {
            self.read_input(buffer);
        }
        if !end.is_empty() && !is_full {
            // What QEMU sent before its end is still in the channel.
            while self.outcome.is_none() && self.read_control(buffer) {}
            self.outcome.get_or_insert(Outcome::KernelFailed(ExitStatus::default()));
        }
        if !watcher.is_empty() {
            self.watcher_ends();
        }
        self.check_deadlines();
        Ok(())
    }

    /// The watcher's thread ends when the machine does, or because its observer failed.
    fn watcher_ends(&mut self) {
        if self.watcher().is_some_and(Watcher::has_failed) {
            self.outcome.get_or_insert(Outcome::ObserverFailed);
        }
        self.watched = Watched::No;
        if let Some((outcome, _)) = self.leaving.take() {
            self.outcome.get_or_insert(outcome);
        }
    }

    /// Cuts the run short. Whoever observes it is told first what there is to tell: why a program hangs is asked of those that do not end. Who
    /// says so again does not wait for that.
    fn leave(&mut self, outcome: Outcome) {
        match self.watcher() {
            Some(watcher) if self.features.is_some() && self.leaving.is_none() => {
                watcher.stop();
                self.leaving = Some((outcome, Instant::now() + LAST_WORDS));
            }
            _ => self.outcome = Some(outcome),
        }
    }

    fn watcher(&self) -> Option<&'a Watcher> {
        match self.watched {
            Watched::By(watcher) => Some(watcher),
            Watched::No | Watched::Open(_) => None,
        }
    }

    /// Whether the guest is still to say hello, and by itself.
    fn is_late_to_come(&self) -> bool {
        self.features.is_none() && !self.options.is_debugged
    }

    fn deadlines(&self) -> impl Iterator<Item = Instant> {
        let leaving = self.leaving.as_ref().map(|(_, deadline)| *deadline);
        let stays = leaving.is_none();
        let timeout = self.options.timeout.filter(|_| stays).map(|timeout| self.started + timeout);
        let hello = self.is_late_to_come().then(|| self.started + HELLO_TIME);
        let grace = self.asked_to_end.filter(|_| stays).map(|(when, _)| when + GRACE);
        [timeout, hello, grace, leaving, self.escape_deadline()].into_iter().flatten()
    }

    /// When a key that was held back goes to the guest.
    fn escape_deadline(&self) -> Option<Instant> {
        match self.escape {
            Escape::Once(when) => Some(when + ESCAPE_TIME),
            Escape::None | Escape::Twice => None,
        }
    }

    fn time_to_deadline(&self) -> Timespec {
        let now = Instant::now();
        let least = self.deadlines().map(|deadline| deadline.saturating_duration_since(now)).min();
        timespec(least.unwrap_or(Duration::from_secs(3600)))
    }

    fn check_deadlines(&mut self) {
        let now = Instant::now();
        if self.escape_deadline().is_some_and(|deadline| now >= deadline) {
            self.escape = Escape::None;
            self.send_keys(&[ESCAPE]);
        }
        if self.outcome.is_some() {
        } else if let Some((outcome, _)) = self.leaving.take_if(|(_, deadline)| now >= *deadline) {
            self.outcome = Some(outcome);
        } else if self.leaving.is_some() {
        } else if self.options.timeout.is_some_and(|timeout| now >= self.started + timeout) {
            self.leave(Outcome::TimedOut);
        } else if let Some((when, signal)) = self.asked_to_end
            && now >= when + GRACE
        {
            self.leave(Outcome::Ended(signal));
        } else if self.is_late_to_come() && now >= self.started + HELLO_TIME {
            self.outcome = Some(Outcome::NeverUp);
        }
    }

    fn send(&mut self, message: Message) {
        self.to_guest.extend(message.encode().as_bytes());
    }

    fn take_signals(&mut self, signals: &Signals) {
        for signal in signals.take() {
            match signal {
                // It is meant for the debugger, which gets it too.
                SIGINT if self.options.is_debugged => {}
                signal_hook::consts::SIGWINCH => {
                    if let Some((rows, columns)) = terminal::size() {
                        self.send(Message::WindowSize { rows, columns });
                    }
                }
                signals::TOGGLE => self.command(SAMPLE),
                _ if self.features.is_none() => self.outcome = Some(Outcome::Ended(signal)),
                SIGINT => {
                    // The program may live on by its own will; a user who insists gets out.
                    self.interrupts += 1;
                    self.send(Message::Interrupt(SIGINT.cast_unsigned()));
                    if self.interrupts >= 3 {
                        self.leave(Outcome::Ended(signal));
                    }
                }
                _ => {
                    self.send(Message::Interrupt(signal.cast_unsigned()));
                    if matches!(signal, SIGTERM | SIGHUP) {
                        self.asked_to_end.get_or_insert((Instant::now(), signal));
                    }
                }
            }
        }
    }

    fn write_output(&mut self, number: usize) {
        if self.outputs[number].write().is_ok() {
            return;
        }
        let stream = match number {
            STDOUT => control::STREAM_STDOUT,
            STDERR => control::STREAM_STDERR,
            _ => control::STREAM_TERMINAL,
        };
        self.send(Message::OutputClosed(stream.into()));
        if self.features.is_some_and(|features| features & control::FEATURE_OUTPUT_CLOSED == 0) {
            self.outcome = Some(Outcome::Ended(SIGPIPE));
        }
    }

    /// Writes what waits, until the deadline or until a signal shows that the user wants out at once.
    fn flush_outputs(&mut self, signals: &Signals, deadline: Option<Instant>) -> io::Result<()> {
        while self.outputs.iter().any(|output| !output.queue.is_empty()) {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(());
            }
            let mut fds = vec![PollFd::new(signals, PollFlags::IN)];
            let waiting: Vec<usize> = (0..self.outputs.len()).filter(|i| !self.outputs[*i].queue.is_empty()).collect();
            fds.extend(waiting.iter().map(|i| PollFd::from_borrowed_fd(self.outputs[*i].fd, PollFlags::OUT)));
            match poll(&mut fds, left.map(timespec).as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
            let is_ending = |signal| signal != signal_hook::consts::SIGWINCH && signal != signals::TOGGLE;
            if ready[0] && signals.take().into_iter().any(is_ending) {
                return Ok(());
            }
            for (i, _) in waiting.into_iter().zip(&ready[1..]).filter(|(_, is_ready)| **is_ready) {
                // An error clears the queue: nobody reads.
                let _ = self.outputs[i].write();
            }
        }
        Ok(())
    }

    /// Reads once; true if there was something.
    fn read_uart(&mut self, buffer: &mut [u8]) -> bool {
        let Some(uart) = &mut self.uart else { return false };
        match uart.read(buffer) {
            Ok(0) => self.uart = None,
            Ok(count) => {
                self.take_log(&buffer[..count]);
                return true;
            }
            Err(_) => {}
        }
        false
    }

    /// Text on stderr while the program runs. A raw terminal wants its carriage returns.
    fn talk(&mut self, text: &[u8]) {
        if self.options.terminal & 0b101 != 0b101 {
            return self.outputs[STDERR].push(text);
        }
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            match line.strip_suffix(b"\n") {
                Some(line) => self.outputs[STDERR].push(&[line, b"\r\n"].concat()),
                None => self.outputs[STDERR].push(line),
            }
        }
    }

    fn take_log(&mut self, bytes: &[u8]) {
        if self.options.show_log {
            self.talk(bytes);
        }
        self.log_tail.extend(bytes);
        let excess = self.log_tail.len().saturating_sub(LOG_TAIL);
        self.log_tail.drain(..excess);
    }

    /// Reads once; true if there was something.
    fn read_complaints(&mut self, buffer: &mut [u8]) -> bool {
        let Some(errors) = &mut self.qemu_errors else { return false };
        match errors.read(buffer) {
            Ok(0) => self.qemu_errors = None,
            Ok(count) => {
                append_limited(&mut self.complaints, &buffer[..count]);
                return true;
            }
            Err(_) => {}
        }
        false
    }

    fn write_control(&mut self) {
        while !self.to_guest.is_empty() {
            let (front, _) = self.to_guest.as_slices();
            match (&self.vmm.control).write(front) {
                Ok(count) => {
                    self.to_guest.drain(..count);
                }
                // The reading side notices a channel that is gone.
                Err(_) => return,
            }
        }
    }

    /// Reads once; true if there was something.
    fn read_control(&mut self, buffer: &mut [u8]) -> bool {
        match (&self.vmm.control).read(buffer) {
            Ok(count) if count > 0 => {
                self.take_frames(&buffer[..count]);
                return true;
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Ok(_) | Err(_) => self.outcome = Some(Outcome::KernelFailed(ExitStatus::default())),
        }
        false
    }

    fn take_frames(&mut self, mut input: &[u8]) {
        while self.outcome.is_none() {
            let mut decoder = self.decoder.clone();
            match decoder.next(&mut input) {
                Ok(Some(received)) => {
                    self.decoder = decoder;
                    self.take_frame(received);
                }
                Ok(None) => {
                    self.decoder = decoder;
                    return;
                }
                Err(error) => self.outcome = Some(Outcome::Garbled(error.to_string())),
            }
        }
    }

    fn take_frame(&mut self, received: Received<'_>) {
        match received {
            Received::Message(Message::Hello { version, features }) => {
                if version > control::VERSION {
                    let ours = control::VERSION;
                    self.outcome = Some(Outcome::Garbled(format!(
                        "it speaks version {version} of the protocol, this tool {ours}"
                    )));
                }
                self.features = Some(features);
                if self.options.is_debugged {
                    self.send(Message::InputEnd);
                }
            }
            Received::Message(Message::InputCredit(count)) => self.credit += u64::from(count),
            Received::Message(Message::Exit(wait_status)) => self.outcome = Some(Outcome::Exited(wait_status)),
            Received::Message(Message::StartFailed(errno)) => self.outcome = Some(Outcome::NotStarted(errno)),
            // The rest is the host's to say.
            Received::Message(_) => {}
            Received::Bytes { kind: Kind::Output, stream, bytes, .. } => {
                let number = match stream {
                    control::STREAM_STDOUT => STDOUT,
                    control::STREAM_STDERR => STDERR,
                    _ => TERMINAL,
                };
                self.outputs[number].push(bytes);
            }
            Received::Bytes { kind: Kind::Strace, bytes, .. } => {
                match self.options.strace.as_mut().map(|strace| strace.take(bytes)) {
                    Some(Ok(text)) => self.talk(text.as_bytes()),
                    Some(Err(_)) => {
                        self.outcome = Some(Outcome::Garbled("an event of a system call is malformed".into()))
                    }
                    None => {}
                }
            }
            Received::Bytes { kind: Kind::Report, bytes, .. } => append_limited(&mut self.report, bytes),
            Received::Bytes { kind: Kind::Log, bytes, .. } => self.take_log(bytes),
            Received::Bytes { .. } => {}
        }
    }

    fn read_input(&mut self, buffer: &mut [u8]) {
        let most = buffer.len().min(usize::try_from(self.credit).unwrap_or(usize::MAX));
        match rustix::io::read(rustix::stdio::stdin(), &mut buffer[..most]) {
            Ok(0) => {
                self.input_open = false;
                self.send(Message::InputEnd);
            }
            Ok(count) => {
                self.credit -= count as u64;
                let keys = self.without_commands(&buffer[..count]);
                self.send_keys(&keys);
            }
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => {
                self.input_open = false;
                self.send(Message::InputEnd);
            }
        }
    }

    fn send_keys(&mut self, keys: &[u8]) {
        if !keys.is_empty() {
            // CAST: at most the session's buffer of 64 KiB, and a key that was held back.
            self.to_guest.extend(control::encode_header(Kind::Input, 0, keys.len() as u32));
            self.to_guest.extend(keys);
        }
    }

    /// Takes the tool's commands out of what was typed: a raw terminal has no other way out of a guest that hangs. What the guest does not get
    /// does not use up its credit.
    fn without_commands(&mut self, keys: &[u8]) -> Vec<u8> {
        if self.options.terminal & 1 == 0 {
            return keys.to_vec();
        }
        let mut left = Vec::with_capacity(keys.len() + 1);
        for key in keys {
            match self.escape {
                Escape::None if *key == ESCAPE => self.escape = Escape::Once(Instant::now()),
                Escape::None => left.push(*key),
                Escape::Once(_) if *key == ESCAPE => {
                    self.escape = Escape::Twice;
                    self.credit += 2;
                }
                Escape::Once(_) => {
                    self.escape = Escape::None;
                    left.extend([ESCAPE, *key]);
                }
                Escape::Twice => {
                    self.escape = Escape::None;
                    self.credit += 1;
                    self.command(*key);
                }
            }
        }
        left
    }

    /// Does what a key of the menu says.
    fn command(&mut self, key: u8) {
        match (key, self.watched) {
            (key, _) if QUIT.contains(&key) => self.leave(Outcome::Ended(SIGTERM)),
            (HELP, _) => self.talk(
                b"ochre: Ctrl-] Ctrl-] and then p: begin or end sampling (profile, shell); c m t i: order (top); q or Ctrl-]: end\n",
            ),
            (key, Watched::By(watcher)) => watcher.press(key),
            (SAMPLE, Watched::Open(hub)) if hub.takes_keys() => hub.press(key),
            (SAMPLE, _) => self.talk(
                b"ochre: keys do not sample this machine: start it by ochre profile or ochre shell, or attach with ochre profile -p\n",
            ),
            _ => {}
        }
    }

    /// After the end of the channel: reads QEMU's last words and waits for it, or ends it if it doesn't go.
    fn wait_for_qemu(&mut self, buffer: &mut [u8]) -> io::Result<ExitStatus> {
        let deadline = Instant::now() + GRACE;
        let status = loop {
            if let Some(status) = self.vmm.child.try_wait()? {
                break status;
            }
            if Instant::now() >= deadline {
                self.vmm.child.kill()?;
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        while self.read_uart(buffer) || self.read_complaints(buffer) {}
        Ok(status)
    }
}

/// A time-out for `poll` that doesn't come too early.
fn timespec(duration: Duration) -> Timespec {
    let duration = duration + Duration::from_millis(1);
    Timespec { tv_sec: duration.as_secs().cast_signed(), tv_nsec: duration.subsec_nanos().into() }
}

fn append_limited(text: &mut Vec<u8>, bytes: &[u8]) {
    let room = TEXT_LIMIT.saturating_sub(text.len());
    text.extend_from_slice(&bytes[..bytes.len().min(room)]);
}
