//! Numbers, flags, choices.
use super::line::Line;
use super::names::{self, Names};
use super::{Memory, WORKING_DIRECTORY, text};

/// An address.
pub(super) fn address(line: &mut Line, word: u64) {
    match word {
        0 => line.push("NULL"),
        _ => line.put(format_args!("{word:#x}")),
    }
}

/// Hexadecimal, zero plain.
pub(super) fn hexadecimal(line: &mut Line, word: u64) {
    match word {
        0 => line.push("0"),
        _ => line.put(format_args!("{word:#x}")),
    }
}

/// Permission bits: three digits at least.
pub(super) fn permissions(line: &mut Line, bits: u64) {
    match bits {
        0 => line.push("000"),
        _ => line.put(format_args!("0{bits:02o}")),
    }
}

/// Flags by name.
pub(super) fn bits(line: &mut Line, table: &Names, word: u64) {
    if word == 0 {
        return line.push(table.find(0).unwrap_or("0"));
    }
    let mut left = word;
    let mut separator = "";
    for (value, name) in table.entries {
        if *value != 0 && left & value == *value {
            line.put(format_args!("{separator}{name}"));
            separator = "|";
            left &= !value;
        }
    }
    if left == word {
        line.put(format_args!("{word:#x} /* {} */", table.unknown));
    } else if left != 0 {
        line.put(format_args!("|{left:#x}"));
    }
}

/// A choice by name.
pub(super) fn one(line: &mut Line, table: &Names, word: u64) {
    match table.find(word) {
        Some(name) => line.push(name),
        None => line.put(format_args!("{word:#x} /* {} */", table.unknown)),
    }
}

/// A signal's number, with its prefix.
pub fn signal(line: &mut Line, number: i32) {
    // CAST: compared with small numbers only.
    match names::SIGNAL.find(number as u64) {
        Some(name) => line.push(name),
        None if number == 32 => line.push("SIGRTMIN"),
        None if (33..=64).contains(&number) => line.put(format_args!("SIGRT_{}", number - 32)),
        None => line.put(format_args!("{number}")),
    }
}

/// `open`'s flags.
pub(super) fn open_flags(line: &mut Line, word: u64) {
    const ACCESS: u64 = 3;
    one(line, &names::ACCESS_MODE, word & ACCESS);
    if word & !ACCESS != 0 {
        line.push("|");
        bits(line, &names::OPEN, word & !ACCESS);
    }
}

/// Type and permission bits of a file.
pub(super) fn file_mode(line: &mut Line, mode: u64) {
    match names::FILE_TYPE.find(mode & 0o170_000) {
        Some(name) => line.put(format_args!("{name}|")),
        None if mode & 0o170_000 == 0 => {}
        None => line.put(format_args!("{:#o}|", mode & 0o170_000)),
    }
    for (bit, name) in [(0o4000, "S_ISUID|"), (0o2000, "S_ISGID|"), (0o1000, "S_ISVTX|")] {
        if mode & bit != 0 {
            line.push(name);
        }
    }
    permissions(line, mode & 0o777);
}

/// A device number as Linux's calls take it.
pub(super) fn device(line: &mut Line, number: u64) {
    let major = number >> 8 & 0xfff | number >> 32 & 0xffff_f000;
    let minor = number & 0xff | number >> 12 & 0xffff_ff00;
    line.push("makedev(");
    hexadecimal(line, major);
    line.push(", ");
    hexadecimal(line, minor);
    line.push(")");
}

/// A descriptor, with its name in angle brackets if there is one: `3</etc/passwd>`.
pub(super) fn descriptor(line: &mut Line, memory: &mut dyn Memory, number: i32) {
    match number {
        WORKING_DIRECTORY => line.push("AT_FDCWD"),
        _ => line.put(format_args!("{number}")),
    }
    if let Some(name) = memory.name_of(number) {
        let (name, end) = match name.strip_suffix(b" (deleted)") {
            Some(name) => (name, ">(deleted)"),
            None => (&name[..], ">"),
        };
        line.push("<");
        text::escape(line, name, b"<>");
        line.push(end);
    }
}
