//! Texts as strace writes them; and whatever the words are, a text.

use super::*;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use zerocopy::IntoBytes;

/// A piece of memory at `BASE`.
struct Piece(Vec<u8>);

const BASE: u64 = 0x1000;

impl Memory for Piece {
    fn read(&mut self, address: u64, to: &mut [u8]) -> bool {
        let Some(start) = address.checked_sub(BASE).and_then(|start| usize::try_from(start).ok()) else { return false };
        match start.checked_add(to.len()).and_then(|end| self.0.get(start..end)) {
            Some(bytes) => to.copy_from_slice(bytes),
            None => return false,
        }
        true
    }
    fn read_string(&mut self, address: u64, to: &mut [u8]) -> Option<usize> {
        let start = usize::try_from(address.checked_sub(BASE)?).ok()?;
        let rest = self.0.get(start..)?;
        let length = rest.iter().position(|byte| *byte == 0)?.min(to.len());
        to[..length].copy_from_slice(&rest[..length]);
        Some(length)
    }
    fn name_of(&mut self, descriptor: i32) -> Option<Vec<u8>> {
        if !self.0.ends_with(b"with names") {
            return None;
        }
        Some(match descriptor {
            WORKING_DIRECTORY => b"/tmp".to_vec(),
            71 => b"/tmp/a<b>\"c".to_vec(),
            72 => b"/tmp/a (deleted)".to_vec(),
            73 => b"pipe:[7]".to_vec(),
            _ => return None,
        })
    }
}

/// The whole line of a call.
fn line(memory: &[u8], name: &str, shown: &[Shown], arguments: [u64; 6], outcome: Outcome, answer: Answer) -> String {
    let mut memory = Piece(memory.to_vec());
    let (first, begun) = begin(&mut memory, name, shown, &arguments, 32);
    let (rest, split) = end(&mut memory, shown, &arguments, 32, begun, (outcome, answer));
    let (arguments, result) = rest.as_str().split_at(split);
    [first.as_str(), arguments, " = ", result].concat()
}

#[test]
fn strings_are_quoted_and_cut() {
    let shown = [Shown::Descriptor, Shown::In(Data::Bytes(2)), Shown::Unsigned];
    let write = |bytes: &[u8]| {
        let length = bytes.len() as u64;
        line(bytes, "write", &shown, [1, BASE, length, 0, 0, 0], Ok(length), Answer::Number)
    };
    assert_eq!(write(b"a\n\"\\\x01\x017\xff"), "write(1, \"a\\n\\\"\\\\\\1\\0017\\377\", 8) = 8");
    let long = [b'x'; 33];
    assert!(write(&long).contains(&"x".repeat(32)) && write(&long).contains("\"..., 33)"), "{}", write(&long));
    assert_eq!(
        line(b"", "write", &shown, [1, 8, 3, 0, 0, 0], Err(14), Answer::Number),
        "write(1, 0x8, 3) = -1 EFAULT (Bad address)"
    );
}

/// As strace's `-y` writes them.
#[test]
fn descriptors_have_names() {
    let shown = [Shown::Descriptor, Shown::Text];
    let open =
        |fd: u64| line(b"x\0with names", "openat", &shown, [0xffff_ff9c, BASE, 0, 0, 0, 0], Ok(fd), Answer::Descriptor);
    assert_eq!(open(71), "openat(AT_FDCWD</tmp>, \"x\") = 71</tmp/a\\74b\\76\"c>");
    assert_eq!(open(72), "openat(AT_FDCWD</tmp>, \"x\") = 72</tmp/a>(deleted)");
    let pair = [[73i32, 74].as_bytes(), b"with names"].concat();
    let pipe = line(&pair, "pipe", &[Shown::Out(Data::DescriptorPair)], [BASE; 6], Ok(0), Answer::Number);
    assert_eq!(pipe, "pipe([73<pipe:[7]>, 74]) = 0");
    let close = |fd, outcome| line(b"with names", "close", &[Shown::Descriptor], [fd; 6], outcome, Answer::Number);
    assert_eq!(close(73, Ok(0)), "close(73<pipe:[7]>) = 0");
    assert_eq!(close(75, Err(9)), "close(75) = -1 EBADF (Bad file descriptor)");
}

#[test]
fn flags_are_named() {
    let shown = [Shown::Descriptor, Shown::Text, Shown::OpenFlags, Shown::ModeIfNew(2)];
    let open =
        |flags: u64| line(b"/x\0", "openat", &shown, [0xffff_ff9c, BASE, flags, 0o644, 0, 0], Ok(3), Answer::Number);
    assert_eq!(open(0), "openat(AT_FDCWD, \"/x\", O_RDONLY) = 3");
    assert_eq!(open(0o101), "openat(AT_FDCWD, \"/x\", O_WRONLY|O_CREAT, 0644) = 3");
    assert_eq!(open(0x8000_0000), "openat(AT_FDCWD, \"/x\", O_RDONLY|0x80000000 /* O_??? */) = 3");
    let one = [Shown::One(&names::WHENCE)];
    assert_eq!(
        line(b"", "x", &one, [9; 6], Err(22), Answer::Number),
        "x(0x9 /* SEEK_??? */) = -1 EINVAL (Invalid argument)"
    );
}

#[test]
fn what_a_call_fills_is_shown_after_it() {
    let shown = [Shown::Descriptor, Shown::Out(Data::Bytes(2)), Shown::Unsigned];
    let arguments = [3, BASE, 100, 0, 0, 0];
    let (first, begun) = begin(&mut Piece(Vec::new()), "read", &shown, &arguments, 32);
    assert_eq!(first.as_str(), "read(3, ");
    let (rest, _) = end(&mut Piece(b"abc".to_vec()), &shown, &arguments, 32, begun, (Ok(2), Answer::Number));
    assert_eq!(rest.as_str(), "\"ab\", 100)2");
    let timespec = crate::Timespec { seconds: 1, nanoseconds: 5 };
    let shown = [Shown::In(Data::Timespec), Shown::Out(Data::Remaining)];
    let sleep =
        |outcome| line(timespec.as_bytes(), "nanosleep", &shown, [BASE, BASE, 0, 0, 0, 0], outcome, Answer::Number);
    assert_eq!(sleep(Ok(0)), "nanosleep({tv_sec=1, tv_nsec=5}, 0x1000) = 0");
    assert!(sleep(Err(516)).ends_with("{tv_sec=1, tv_nsec=5}) = ? ERESTART_RESTARTBLOCK (Interrupted by signal)"));
}

#[test]
fn signals_are_told() {
    let mut text = Line::new();
    siginfo(&mut text, &crate::Siginfo::child(1, 12, 0, 3, 4, 5));
    assert_eq!(
        text.as_str(),
        "{si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=12, si_uid=0, si_status=3, si_utime=4, si_stime=5}"
    );
    let mut text = Line::new();
    siginfo(&mut text, &crate::Siginfo::fault(11, 1, 0));
    assert_eq!(text.as_str(), "{si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=NULL}");
    let mut text = Line::new();
    exit(&mut text, 139);
    assert_eq!(text.as_str(), "killed by SIGSEGV (core dumped)");
}

/// Every kind of argument with every kind of word, in memory that is short: a text that is not endless, never a panic.
#[test]
fn fuzz_everything() {
    let mut state = 0x5eed_u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let data = [
        Data::Bytes(2),
        Data::RandomBytes(1),
        Data::String,
        Data::Strings,
        Data::Environment,
        Data::Int,
        Data::Word,
        Data::Long,
        Data::DescriptorPair,
        Data::Ids(0),
        Data::WaitStatus,
        Data::Timespec,
        Data::Remaining,
        Data::FileTimes,
        Data::Timeval,
        Data::TimevalPair,
        Data::Itimerval,
        Data::Itimerspec,
        Data::Timezone,
        Data::Stat,
        Data::Statx,
        Data::Statfs,
        Data::Rlimit("INFINITY"),
        Data::Rusage,
        Data::Utsname,
        Data::Sysinfo,
        Data::Tms,
        Data::Sigset,
        Data::SigsetWithSize,
        Data::Sigaction,
        Data::Siginfo,
        Data::Sigevent,
        Data::AlternateStack,
        Data::Pollfds(1),
        Data::FdSet(0),
        Data::EpollEvent,
        Data::EpollEvents,
        Data::Iovecs(2),
        Data::Sockaddr(2),
        Data::Length,
        Data::Message,
        Data::SocketValue(4),
        Data::Entries,
        Data::CloneArguments,
        Data::OpenHow,
        Data::Cpus(1),
        Data::SchedParam,
        Data::Sembufs(2),
    ];
    let plain = [
        Shown::Signed,
        Shown::Unsigned,
        Shown::Hexadecimal,
        Shown::Octal,
        Shown::Descriptor,
        Shown::Address,
        Shown::Text,
        Shown::Signal,
        Shown::Bits(&names::POLL),
        Shown::One(&names::AF),
        Shown::OpenFlags,
        Shown::ModeIfNew(1),
        Shown::FileMode,
        Shown::Device,
        Shown::SocketKind,
        Shown::Protocol,
        Shown::SocketOption,
        Shown::If(1, 4),
        Shown::Clone,
        Shown::FutexOperation,
        Shown::FutexRest,
        Shown::FcntlArgument,
        Shown::IoctlRequest,
        Shown::IoctlArgument,
        Shown::PrctlArguments,
        Shown::Hidden,
    ];
    let answers = [
        Answer::Number,
        Answer::Place,
        Answer::Permissions,
        Answer::Policy,
        Answer::Control,
        Answer::Ready,
        Answer::Selected,
        Answer::Never,
    ];
    for round in 0..20_000 {
        // Much of it small numbers and addresses within, so that structures point to each other.
        let mut word = |memory_bytes: u64| match random() % 6 {
            0 => random() % 40,
            1 => u64::MAX - random() % 200,
            2 => random() << 32 | random(),
            _ => BASE + random() % memory_bytes,
        };
        let mut memory = Vec::new();
        for _ in 0..64 {
            memory.extend_from_slice(&word(512).to_le_bytes());
        }
        let arguments = [(); 6].map(|()| word(512));
        let mut shown = [Shown::Hidden; 6];
        for slot in &mut shown {
            let kind = random();
            let one = data[random() as usize % data.len()];
            *slot = match kind % 3 {
                0 => plain[random() as usize % plain.len()],
                1 => Shown::In(one),
                _ => Shown::Out(one),
            };
        }
        let outcome = if round % 3 == 0 { Err((random() % 600) as u16) } else { Ok(random() % 5000) };
        let answer = answers[random() as usize % answers.len()];
        let text = line(&memory, "x", &shown, arguments, outcome, answer);
        assert!(text.len() < 200_000, "{}", text.len().to_string());
    }
}
