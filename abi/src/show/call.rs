//! A call from its name to its result.
use super::line::Line;
use super::names;
use super::scalar::{address, bits, descriptor, device, file_mode, hexadecimal, one, open_flags, permissions, signal};
use super::shown::{Answer, Data, Shown};
use super::structures::{self, array, at};
use super::{Memory, control, read, signals, sockets, text};
use crate::{EpollEvent, Itimerspec, Itimerval, Pollfd, Timespec, Timeval, Timezone};

/// What a call answered: a value, or an error number (those above 511 are the kernel's own, see [`end`]).
pub type Outcome = core::result::Result<u64, u16>;

/// What is kept of a call from its beginning to its end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Begun {
    /// How many arguments have been told.
    told: usize,
    /// Whether something stands before the next.
    is_separated: bool,
    /// A length in memory that the call may change.
    length: Option<u32>,
}

/// Room on the way of the processor set: 1,024 processors.
const CPU_BYTES: u64 = 128;
/// Most entries of a directory that are counted.
const ENTRIES: u32 = 100_000;

/// One call while it is written.
struct Writer<'a> {
    memory: &'a mut dyn Memory,
    line: Line,
    arguments: &'a [u64; 6],
    /// Once it is known.
    outcome: Option<Outcome>,
    /// Most bytes of strings that are not names of files.
    string_bytes: usize,
    begun: Begun,
}

/// Writes `name(` and the arguments that can be told now.
pub fn begin(
    memory: &mut dyn Memory,
    name: &str,
    shown: &[Shown],
    arguments: &[u64; 6],
    string_bytes: usize,
) -> (Line, Begun) {
    let mut writer =
        Writer { memory, line: Line::new(), arguments, outcome: None, string_bytes, begun: Begun::default() };
    writer.line.push(name);
    writer.line.push("(");
    for (index, how) in shown.iter().take(6).enumerate() {
        if how.is_told_after(arguments) {
            if let Shown::Out(Data::Sockaddr(length)) | Shown::Out(Data::SocketValue(length)) = how {
                writer.begun.length = read::<u32>(writer.memory, arguments[*length % 6]);
            }
            break;
        }
        writer.argument(index, *how);
        writer.begun.told = index + 1;
    }
    // What comes later follows a comma.
    if writer.begun.told < shown.len() && writer.begun.is_separated && shown[writer.begun.told].is_told_after(arguments)
    {
        writer.line.push(", ");
        writer.begun.is_separated = false;
    }
    (writer.line, writer.begun)
}

/// Writes the rest: the arguments, their closing parenthesis, and the result. Numbers from 512 on are answers by which a kernel
/// restarts a call. How many bytes precede the result is told too.
pub fn end(
    memory: &mut dyn Memory,
    shown: &[Shown],
    arguments: &[u64; 6],
    string_bytes: usize,
    begun: Begun,
    (outcome, answer): (Outcome, Answer),
) -> (Line, usize) {
    // LINUX: what a handler of signals comes back to may hold an error number like any result.
    let outcome = outcome.and_then(|value| match value.wrapping_neg() {
        // CAST: below 4,096.
        1..4096 => Err(value.wrapping_neg() as u16),
        _ => Ok(value),
    });
    let mut writer = Writer { memory, line: Line::new(), arguments, outcome: Some(outcome), string_bytes, begun };
    for (index, how) in shown.iter().take(6).enumerate().skip(begun.told) {
        writer.argument(index, *how);
    }
    writer.line.push(")");
    let arguments_bytes = writer.line.as_str().len();
    writer.result(outcome, answer);
    (writer.line, arguments_bytes)
}

impl Writer<'_> {
    fn argument(&mut self, index: usize, shown: Shown) {
        let word = self.arguments[index];
        let bit_of = |at: usize, mask: u64| self.arguments[at % 6] & mask != 0;
        const NEW_FILE: u64 = crate::linux::O_CREAT as u64 | 0o20_000_000;
        let is_absent = match shown {
            Shown::Hidden => true,
            Shown::ModeIfNew(flags) => !bit_of(flags, NEW_FILE),
            Shown::If(flags, mask) => !bit_of(flags, mask),
            Shown::FcntlArgument => matches!(self.arguments[1], 1 | 3 | 9 | 11 | 1025 | 1032 | 1034),
            Shown::FutexRest => matches!(self.arguments[1] & 0x7f, 7 | 8),
            // CAST: as the kernel takes it.
            Shown::PrctlArguments => matches!(self.arguments[0] as u32, 3 | 7 | 21 | 25 | 27 | 30),
            Shown::IoctlArgument => matches!(self.arguments[1] as u32, 0x540c | 0x540d | 0x5422 | 0x5450 | 0x5451),
            _ => false,
        };
        if is_absent {
            return;
        }
        if self.begun.is_separated {
            self.line.push(", ");
        }
        self.begun.is_separated = true;
        let is_answered = matches!(self.outcome, Some(Ok(_)));
        let (line, memory, arguments) = (&mut self.line, &mut *self.memory, self.arguments);
        // CAST: arguments of 32 bits are the low halves of their registers.
        let (low, signed) = (word & 0xffff_ffff, word as i32);
        match shown {
            Shown::Signed if word >> 32 == 0 || word >> 31 == 0x1_ffff_ffff => line.put(format_args!("{signed}")),
            Shown::Signed => line.put(format_args!("{}", word.cast_signed())),
            Shown::Unsigned => line.put(format_args!("{word}")),
            Shown::Hexadecimal => hexadecimal(line, word),
            Shown::Octal | Shown::ModeIfNew(_) => permissions(line, low),
            Shown::Descriptor => descriptor(line, memory, signed),
            Shown::Address | Shown::If(..) => address(line, word),
            Shown::Text => text::path(line, memory, word),
            Shown::Signal if signed == 0 => line.push("0"),
            Shown::Signal => signal(line, signed),
            Shown::Bits(table) => bits(line, table, low),
            Shown::One(table) => one(line, table, low),
            Shown::OpenFlags => open_flags(line, low),
            Shown::FileMode => file_mode(line, low),
            Shown::Device => device(line, word),
            Shown::SocketKind => sockets::kind(line, low),
            Shown::Protocol if matches!(arguments[0], 2 | 10) => one(line, &names::IPPROTO, low),
            Shown::Protocol => line.put(format_args!("{signed}")),
            Shown::SocketOption => sockets::option(line, arguments[1], low),
            Shown::Clone => control::clone(line, arguments),
            Shown::FutexOperation => control::futex_operation(line, low),
            Shown::FutexRest => {
                control::futex(line, memory, arguments);
            }
            Shown::FcntlArgument => {
                control::fcntl(line, memory, arguments[1], word);
            }
            Shown::IoctlRequest => control::ioctl_request(line, low),
            Shown::IoctlArgument => {
                let is_known = is_answered || !control::ioctl_answers(arguments[1]);
                control::ioctl(line, memory, arguments[1], word, is_known);
            }
            Shown::PrctlArguments => {
                control::prctl(line, memory, arguments, is_answered);
            }
            Shown::Hidden => {}
            Shown::Out(Data::Length) => self.length(word),
            Shown::Out(Data::Remaining) => self.remaining(word),
            Shown::In(Data::CloneArguments) => self.data(word, Data::CloneArguments, true),
            Shown::In(data) => self.data(word, data, true),
            Shown::Out(data) if is_answered => self.data(word, data, false),
            Shown::Out(_) => address(line, word),
        }
    }

    /// What lies at `word`; `is_in`: as the program handed it over.
    fn data(&mut self, word: u64, data: Data, is_in: bool) {
        let (line, memory) = (&mut self.line, &mut *self.memory);
        let argument = |at: usize| self.arguments[at % 6];
        let moved = if is_in { None } else { self.outcome.and_then(Result::ok) };
        // CAST: arguments of 32 bits are the low halves of their registers.
        let count = |at: usize| argument(at) & 0xffff_ffff;
        match data {
            Data::Bytes(at) => text::bytes(line, memory, word, moved.unwrap_or(argument(at)), self.string_bytes),
            Data::RandomBytes(at) if moved == Some(0) && argument(at) == 0 => line.push("\"\""),
            Data::RandomBytes(at) => {
                text::hexadecimal(line, memory, word, moved.unwrap_or(argument(at)), self.string_bytes);
            }
            Data::String => text::string(line, memory, word, self.string_bytes),
            Data::Strings => text::strings(line, memory, word, self.string_bytes),
            Data::Environment => text::environment(line, memory, word),
            Data::Int => at::<i32>(line, memory, word, |line, value| line.put(format_args!("[{value}]"))),
            Data::Word => at::<u32>(line, memory, word, |line, value| line.put(format_args!("[{value}]"))),
            Data::Long => at::<i64>(line, memory, word, |line, value| line.put(format_args!("[{value}]"))),
            Data::DescriptorPair => match read::<[i32; 2]>(memory, word) {
                Some([one, other]) => {
                    line.push("[");
                    descriptor(line, memory, one);
                    line.push(", ");
                    descriptor(line, memory, other);
                    line.push("]");
                }
                None => address(line, word),
            },
            Data::Ids(at) => array::<u32>(line, memory, word, moved.unwrap_or(count(at)), |line, _, id| {
                line.put(format_args!("{id}"));
            }),
            // Without a child there is no status.
            Data::WaitStatus if moved == Some(0) => address(line, word),
            Data::WaitStatus => at::<i32>(line, memory, word, |line, status| signals::wait_status(line, *status)),
            Data::Timespec => at(line, memory, word, structures::timespec),
            Data::FileTimes => {
                array::<Timespec>(line, memory, word, 2, |line, _, time| structures::file_time(line, time))
            }
            Data::Timeval => at(line, memory, word, structures::timeval),
            Data::TimevalPair => {
                array::<Timeval>(line, memory, word, 2, |line, _, time| structures::timeval(line, time))
            }
            Data::Itimerval => at::<Itimerval>(line, memory, word, structures::itimerval),
            Data::Itimerspec => at::<Itimerspec>(line, memory, word, structures::itimerspec),
            Data::Timezone => at::<Timezone>(line, memory, word, |line, zone| {
                line.put(format_args!("{{tz_minuteswest={}, tz_dsttime={}}}", zone.minutes_west, zone.dst_time));
            }),
            Data::Stat => at(line, memory, word, structures::stat),
            Data::Statx => at(line, memory, word, structures::statx),
            Data::Statfs => at(line, memory, word, structures::statfs),
            Data::Rlimit(infinity) => match read(memory, word) {
                Some(limits) => structures::rlimit(line, &limits, infinity),
                None => address(line, word),
            },
            Data::Rusage => at(line, memory, word, structures::rusage),
            Data::Utsname => at(line, memory, word, structures::utsname),
            Data::Sysinfo => at(line, memory, word, structures::sysinfo),
            Data::Tms => at(line, memory, word, structures::tms),
            Data::Sigset => signals::sigset_at(line, memory, word),
            Data::SigsetWithSize => signals::sigset_with_size(line, memory, word),
            Data::Sigaction => at(line, memory, word, signals::sigaction),
            Data::Siginfo => at(line, memory, word, signals::siginfo),
            Data::Sigevent => at(line, memory, word, structures::sigevent),
            Data::AlternateStack => at(line, memory, word, signals::alternate_stack),
            Data::Pollfds(at) => array::<Pollfd>(line, memory, word, count(at), structures::pollfd),
            Data::FdSet(at) => {
                self.descriptors(word, count(at), None);
            }
            Data::EpollEvent => at(line, memory, word, structures::epoll_event),
            Data::EpollEvents => {
                array::<EpollEvent>(line, memory, word, moved.unwrap_or(0), |line, _, event| {
                    structures::epoll_event(line, event)
                });
            }
            Data::Iovecs(at) => structures::iovecs(line, memory, word, argument(at), moved, self.string_bytes),
            Data::Sockaddr(at) => {
                let length = if is_in { Some(count(at)) } else { read::<u32>(memory, argument(at)).map(u64::from) };
                // What did not fit was not written.
                let room = if is_in { u64::MAX } else { self.begun.length.map_or(0, u64::from) };
                sockets::sockaddr(line, memory, word, length.unwrap_or(0).min(room));
            }
            Data::Message => sockets::message(line, memory, word, moved, self.string_bytes),
            Data::SocketValue(at) => {
                let length = if is_in { Some(count(at)) } else { read::<u32>(memory, argument(at)).map(u64::from) };
                sockets::value(line, memory, self.arguments, word, length.unwrap_or(0), self.string_bytes);
            }
            Data::Entries => self.entries(word, moved.unwrap_or(0)),
            Data::CloneArguments => at(line, memory, word, structures::clone_arguments),
            Data::OpenHow => at(line, memory, word, structures::open_how),
            Data::Cpus(at) => self.cpus(word, moved.unwrap_or(argument(at))),
            Data::SchedParam => at::<i32>(line, memory, word, |line, priority| line.put(format_args!("[{priority}]"))),
            Data::Sembufs(at) => {
                array::<crate::ipc::Sembuf>(line, memory, word, argument(at), |line, _, one| {
                    structures::sembuf(line, one)
                });
            }
            // Dealt with by the caller.
            Data::Length | Data::Remaining => address(line, word),
        }
    }

    /// A length before and after: `[110 => 18]`.
    fn length(&mut self, word: u64) {
        let after = read::<u32>(self.memory, word);
        match (self.begun.length, after, self.outcome) {
            (Some(before), Some(after), Some(Ok(_))) if before != after => {
                self.line.put(format_args!("[{before} => {after}]"));
            }
            (Some(before), ..) => self.line.put(format_args!("[{before}]")),
            (None, ..) => address(&mut self.line, word),
        }
    }

    /// Of a sleep: what remained, if it was cut short.
    fn remaining(&mut self, word: u64) {
        const EINTR: u16 = 4;
        const RESTART_WITH_BLOCK: u16 = 516;
        match self.outcome {
            Some(Err(EINTR | RESTART_WITH_BLOCK)) => at(&mut self.line, self.memory, word, structures::timespec),
            _ => address(&mut self.line, word),
        }
    }

    /// The members of a set of descriptors: `[0 3]`. `named` begins the list of a result and is left out with an empty one.
    fn descriptors(&mut self, word: u64, count: u64, named: Option<&str>) -> bool {
        if word == 0 {
            if named.is_none() {
                self.line.push("NULL");
            }
            return false;
        }
        // CAST: bounded first.
        let count = count.min(1024) as usize;
        let mut words = [0u8; 128];
        let words = &mut words[..count.div_ceil(64) * 8];
        if !self.memory.read(word, words) {
            if named.is_none() {
                address(&mut self.line, word);
            }
            return false;
        }
        let mut members = (0..count).filter(|fd| words[fd / 8] >> (fd % 8) & 1 != 0).peekable();
        if named.is_some() && members.peek().is_none() {
            return false;
        }
        self.line.push(named.unwrap_or(""));
        self.line.push("[");
        let mut separator = "";
        for fd in members {
            self.line.put(format_args!("{separator}{fd}"));
            separator = " ";
        }
        self.line.push("]");
        true
    }

    /// A directory's entries, counted.
    fn entries(&mut self, word: u64, bytes: u64) {
        address(&mut self.line, word);
        let (mut place, mut count) = (0, 0);
        // The length stands behind inode and offset.
        while place < bytes && count < ENTRIES {
            match read::<[u8; 2]>(self.memory, word.wrapping_add(place + 16)).map(u16::from_le_bytes) {
                Some(length) if length >= 19 => place += u64::from(length),
                _ => break,
            }
            count += 1;
        }
        self.line.put(format_args!(" /* {count} entr{} */", if count == 1 { "y" } else { "ies" }));
    }

    /// A set of processors.
    fn cpus(&mut self, word: u64, bytes: u64) {
        let mut set = [0; CPU_BYTES as usize];
        // CAST: bounded first.
        let set = &mut set[..bytes.min(CPU_BYTES) as usize];
        if !self.memory.read(word, set) {
            return address(&mut self.line, word);
        }
        self.line.push("[");
        let mut separator = "";
        for cpu in (0..set.len() * 8).filter(|cpu| set[cpu / 8] >> (cpu % 8) & 1 != 0) {
            self.line.put(format_args!("{separator}{cpu}"));
            separator = " ";
        }
        self.line.push("]");
    }

    fn result(&mut self, outcome: Outcome, answer: Answer) {
        match (outcome, answer) {
            (_, Answer::Never) => self.line.push("?"),
            (Err(number), _) => self.error(number),
            // LINUX: results that are negative numbers without being errors do not exist.
            (Ok(value), Answer::Number) => self.line.put(format_args!("{value}")),
            // CAST: descriptors are of 31 bits.
            (Ok(value), Answer::Descriptor) => descriptor(&mut self.line, self.memory, value as i32),
            // F_DUPFD, F_DUPFD_CLOEXEC
            (Ok(value), Answer::Control) if matches!(self.arguments[1], 0 | 1030) => {
                // CAST: as above.
                descriptor(&mut self.line, self.memory, value as i32);
            }
            (Ok(value), Answer::Place) => hexadecimal(&mut self.line, value),
            (Ok(0), Answer::Permissions) => self.line.push("0"),
            (Ok(value), Answer::Permissions) => self.line.put(format_args!("0{value:o}")),
            (Ok(value), Answer::Policy) => {
                self.line.put(format_args!("{value} ("));
                one(&mut self.line, &names::SCHED, value & 0xff);
                self.line.push(")");
            }
            (Ok(value), Answer::Control) => control::fcntl_answer(&mut self.line, self.arguments[1], value),
            (Ok(0), Answer::Ready | Answer::Selected) => self.line.push("0 (Timeout)"),
            (Ok(value), Answer::Ready) => self.ready(value),
            (Ok(value), Answer::Selected) => self.selected(value),
        }
    }

    fn error(&mut self, number: u16) {
        let restart = match number {
            512 => "ERESTARTSYS (To be restarted if SA_RESTART is set)",
            513 => "ERESTARTNOINTR (To be restarted)",
            514 => "ERESTARTNOHAND (To be restarted if no handler)",
            516 => "ERESTART_RESTARTBLOCK (Interrupted by signal)",
            _ => "",
        };
        match (crate::errno::name(number), crate::errno::text(number)) {
            _ if !restart.is_empty() => self.line.put(format_args!("? {restart}")),
            (Some(name), Some(text)) => self.line.put(format_args!("-1 {name} ({text})")),
            _ => self.line.put(format_args!("-{number}")),
        }
    }

    /// Of `poll`: those that are ready, and what remains of the time.
    fn ready(&mut self, value: u64) {
        self.line.put(format_args!("{value} ("));
        let [fds, count, timeout, _, size, _] = *self.arguments;
        let mut separator = "[";
        for index in 0..(count & 0xffff_ffff).min(structures::ELEMENTS) {
            let Some(fd) = read::<Pollfd>(self.memory, fds.wrapping_add(index * size_of::<Pollfd>() as u64)) else {
                break;
            };
            if fd.returned != 0 {
                self.line.put(format_args!("{separator}{{fd="));
                descriptor(&mut self.line, self.memory, fd.fd);
                self.line.push(", revents=");
                bits(&mut self.line, &names::POLL, u64::from(fd.returned.cast_unsigned()));
                self.line.push("}");
                separator = ", ";
            }
        }
        self.line.push(if separator == "[" { "[]" } else { "]" });
        // `ppoll` has a size of a mask as its fifth argument, `poll` has a number of milliseconds as its third.
        if size != 0
            && timeout > 0xffff_ffff
            && let Some(left) = read::<Timespec>(self.memory, timeout)
        {
            self.line.push(", left ");
            structures::timespec(&mut self.line, &left);
        }
        self.line.push(")");
    }

    /// Of `select`: the sets, and what remains of the time.
    fn selected(&mut self, value: u64) {
        self.line.put(format_args!("{value} ("));
        let [count, reads, writes, excepts, timeout, _] = *self.arguments;
        let count = count & 0xffff_ffff;
        let mut is_separated = false;
        for (set, first, next) in
            [(reads, "in ", ", in "), (writes, "out ", ", out "), (excepts, "except ", ", except ")]
        {
            is_separated |= self.descriptors(set, count, Some(if is_separated { next } else { first }));
        }
        // Both structures are two words, of which the second's name differs.
        if let Some([seconds, part]) = read::<[i64; 2]>(self.memory, timeout) {
            let name = if part >= 1_000_000 { "nsec" } else { "usec" };
            let separator = if is_separated { ", " } else { "" };
            self.line.put(format_args!("{separator}left {{tv_sec={seconds}, tv_{name}={part}}}"));
        }
        self.line.push(")");
    }
}
