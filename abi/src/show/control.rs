//! Calls whose arguments depend on one of them: `fcntl`, `ioctl`, `prctl`, `futex`, `clone`.
use super::Memory;
use super::line::Line;
use super::names::{self, Names};
use super::scalar::{address, bits, hexadecimal, one, open_flags, signal};
use super::structures::at;
use super::text;
use crate::{Flock, Termios, Timespec, Winsize};

const F_GETLK: u64 = 5;
const F_OFD_GETLK: u64 = 36;
pub(super) const PR_GET_NAME: u32 = 16;

/// Whether the command answers in memory.
pub(super) const fn fcntl_answers(command: u64) -> bool {
    matches!(command, F_GETLK | F_OFD_GETLK)
}

/// The argument of `fcntl`; false if it has none.
pub(super) fn fcntl(line: &mut Line, memory: &mut dyn Memory, command: u64, word: u64) -> bool {
    match command {
        1 | 3 | 9 | 11 | 1025 | 1032 | 1034 => return false,
        2 => bits(line, &names::FD, word),
        4 => open_flags(line, word),
        5..=7 | 36..=38 => at::<Flock>(line, memory, word, |line, lock| {
            line.push("{l_type=");
            one(line, &names::LOCK_KIND, u64::from(lock.kind.cast_unsigned()));
            line.push(", l_whence=");
            one(line, &names::WHENCE, u64::from(lock.whence.cast_unsigned()));
            line.put(format_args!(", l_start={}, l_len={}", lock.start, lock.bytes));
            if lock.pid != 0 {
                line.put(format_args!(", l_pid={}", lock.pid));
            }
            line.push("}");
        }),
        10 => signal(line, word as i32),
        0 | 8 | 1030 | 1031 => line.put(format_args!("{}", word as i32)),
        _ => hexadecimal(line, word),
    }
    true
}

/// What stands behind the result of `fcntl`.
pub(super) fn fcntl_answer(line: &mut Line, command: u64, value: u64) {
    match command {
        1 => {
            hexadecimal(line, value);
            if value != 0 {
                line.push(" (flags ");
                bits(line, &names::FD, value);
                line.push(")");
            }
        }
        3 => {
            hexadecimal(line, value);
            line.push(" (flags ");
            open_flags(line, value);
            line.push(")");
        }
        _ => line.put(format_args!("{value}")),
    }
}

/// Whether a request answers in memory.
pub(super) const fn ioctl_answers(request: u64) -> bool {
    // CAST: as the kernel takes it.
    matches!(
        request as u32,
        0x5401
            | 0x540f
            | 0x5411
            | 0x5413
            | 0x541b
            | 0x5424
            | 0x5429
            | 0x802c_542a
            | 0x8004_5430
            | 0x8004_5439
            | 0x8008_1272
    )
}

/// A request's name.
pub(super) fn ioctl_request(line: &mut Line, word: u64) {
    let word = word & 0xffff_ffff;
    match names::IOCTL.find(word) {
        Some(name) => line.push(name),
        None => {
            let directions = ["_IOC_NONE", "_IOC_WRITE", "_IOC_READ", "_IOC_READ|_IOC_WRITE"];
            // CAST: two bits.
            line.put(format_args!("_IOC({}, ", directions[(word >> 30) as usize & 3]));
            for (shift, mask, separator) in [(8, 0xff, ", "), (0, 0xff, ", "), (16, 0x3fff, ")")] {
                hexadecimal(line, word >> shift & mask);
                line.push(separator);
            }
        }
    }
}

/// What a request is about: `is_known` if it may be read.
pub(super) fn ioctl(line: &mut Line, memory: &mut dyn Memory, request: u64, word: u64, is_known: bool) -> bool {
    // CAST: as the kernel takes it.
    match request as u32 {
        0x540c | 0x540d | 0x5422 | 0x5450 | 0x5451 => return false,
        _ if !is_known => address(line, word),
        0x5401..=0x5404 => at::<Termios>(line, memory, word, termios),
        0x5413 | 0x5414 => at::<Winsize>(line, memory, word, |line, size| {
            line.put(format_args!("{{ws_row={}, ws_col={}, ws_xpixel=", size.rows, size.columns));
            line.put(format_args!("{}, ws_ypixel={}}}", size.x_pixels, size.y_pixels));
        }),
        0x540f | 0x5410 | 0x5411 | 0x541b | 0x5421 | 0x5424 | 0x5429 | 0x5452 | 0x8004_5430 | 0x8004_5439
        | 0x4004_5431 => {
            at::<i32>(line, memory, word, |line, value| line.put(format_args!("[{value}]")));
        }
        0x8008_1272 => at::<u64>(line, memory, word, |line, value| line.put(format_args!("[{value}]"))),
        0x5409 | 0x540a | 0x540b | 0x540e | 0x5425 | 0x5441 => line.put(format_args!("{}", word as i32)),
        _ => hexadecimal(line, word),
    }
    true
}

/// A terminal's modes, abbreviated.
fn termios(line: &mut Line, modes: &Termios) {
    const SPEEDS: Names = Names {
        unknown: "B???",
        entries: &[
            (0, "B0"),
            (7, "B300"),
            (9, "B1200"),
            (11, "B2400"),
            (12, "B4800"),
            (13, "B9600"),
            (14, "B19200"),
            (15, "B38400"),
            (0x1001, "B57600"),
            (0x1002, "B115200"),
        ],
    };
    line.push("{");
    one(line, &SPEEDS, u64::from(modes.control) & 0x100f);
    let mut flag = |is_set: bool, name: &str| line.put(format_args!(" {}{name}", if is_set { "" } else { "-" }));
    flag(modes.output & 1 != 0, "opost");
    flag(modes.local & 1 != 0, "isig");
    flag(modes.local & 2 != 0, "icanon");
    flag(modes.local & 8 != 0, "echo");
    line.push(" ...}");
}

/// What follows the option of `prctl`.
pub(super) fn prctl(line: &mut Line, memory: &mut dyn Memory, arguments: &[u64; 6], is_known: bool) -> bool {
    let [option, second, third, fourth, fifth, _] = *arguments;
    // CAST: as the kernel takes it.
    match option as u32 {
        3 | 7 | 21 | 25 | 27 | 30 => return false,
        1 => signal(line, second as i32),
        4 => one(line, &DUMPABLE, second),
        15 => text::string(line, memory, second, 15),
        PR_GET_NAME if is_known => text::string(line, memory, second, 15),
        2 | PR_GET_NAME | 37 | 40 => address(line, second),
        8 | 22 | 23 | 24 | 29 | 36 => line.put(format_args!("{second}")),
        38 | 39 => line.put(format_args!("{second}, {third}, {fourth}, {fifth}")),
        _ => line.put(format_args!("{second:#x}, {third:#x}, {fourth:#x}, {fifth:#x}")),
    }
    true
}

const DUMPABLE: Names = Names {
    unknown: "SUID_DUMP_???",
    entries: &[(0, "SUID_DUMP_DISABLE"), (1, "SUID_DUMP_USER"), (2, "SUID_DUMP_ROOT")],
};

const FUTEX_PRIVATE: u64 = 128;
const FUTEX_CLOCK_REALTIME: u64 = 256;

/// What a futex call does.
pub(super) fn futex_operation(line: &mut Line, word: u64) {
    one(line, &names::FUTEX, word & 0x7f);
    line.push(if word & FUTEX_PRIVATE != 0 { "_PRIVATE" } else { "" });
    line.push(if word & FUTEX_CLOCK_REALTIME != 0 { "|FUTEX_CLOCK_REALTIME" } else { "" });
}

/// What follows; false if nothing does.
pub(super) fn futex(line: &mut Line, memory: &mut dyn Memory, arguments: &[u64; 6]) -> bool {
    let [_, operation, value, fourth, second, third] = *arguments;
    // CAST: the kernel takes 32 bits of these.
    let (value, number, third) = (value as u32, fourth as u32, third as u32);
    let timeout =
        |line: &mut Line, memory: &mut dyn Memory| at::<Timespec>(line, memory, fourth, super::structures::timespec);
    let set = |line: &mut Line| match third {
        u32::MAX => line.push(", FUTEX_BITSET_MATCH_ANY"),
        _ => line.put(format_args!(", {third:#x}")),
    };
    match operation & 0x7f {
        0 => {
            line.put(format_args!("{value}, "));
            timeout(line, memory);
        }
        1 => line.put(format_args!("{value}")),
        3 | 4 | 12 => {
            line.put(format_args!("{value}, {number}, "));
            address(line, second);
            if operation & 0x7f != 3 {
                line.put(format_args!(", {third}"));
            }
        }
        5 => {
            line.put(format_args!("{value}, {number}, "));
            address(line, second);
            line.put(format_args!(", {third:#x}"));
        }
        6 | 13 => timeout(line, memory),
        7 | 8 => return false,
        9 => {
            line.put(format_args!("{value}, "));
            timeout(line, memory);
            set(line);
        }
        10 => {
            line.put(format_args!("{value}"));
            set(line);
        }
        11 => {
            line.put(format_args!("{value}, "));
            timeout(line, memory);
            line.push(", ");
            address(line, second);
        }
        _ => {
            line.put(format_args!("{value}, {fourth:#x}, {second:#x}, {third:#x}"));
        }
    }
    true
}

/// All arguments of `clone`, in strace's order.
pub(super) fn clone(line: &mut Line, arguments: &[u64; 6]) {
    let [flags, stack, parent_tid, fourth, fifth, _] = *arguments;
    // LINUX: the two last are the other way round on x86-64.
    let (child_tid, tls) = if cfg!(target_arch = "x86_64") { (fourth, fifth) } else { (fifth, fourth) };
    line.push("child_stack=");
    address(line, stack);
    line.push(", flags=");
    let (bits_only, exit_signal) = (flags & !0xff, flags & 0xff);
    if bits_only != 0 {
        bits(line, &names::CLONE, bits_only);
    }
    match (bits_only, exit_signal) {
        (0, 0) => line.push("0"),
        (_, 0) => {}
        (rest, number) => {
            line.push(if rest == 0 { "" } else { "|" });
            // CAST: eight bits.
            signal(line, number as i32);
        }
    }
    let mut place = |name: &str, word: u64| {
        line.put(format_args!(", {name}="));
        address(line, word);
    };
    if flags & 0x10_1000 != 0 {
        place("parent_tid", parent_tid);
    }
    if flags & 0x8_0000 != 0 {
        place("tls", tls);
    }
    if flags & 0x120_0000 != 0 {
        place("child_tidptr", child_tid);
    }
}
