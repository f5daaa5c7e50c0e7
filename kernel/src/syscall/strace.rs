//! `--strace`: one text line per call, from the table's row: `[tid] name(argument, …) = result`. Off by default (see
//! [`super::dispatch::WATCH`]).
use super::argument::Shown;
use super::call::Call;
use super::dispatch::{WATCH, watch};
use super::table::TABLE;
use crate::console;
use crate::errno::Result;
use crate::signal::Signal;
use crate::user_memory::UserCStr;
use alloc::string::String;
use core::fmt::Write;
use core::sync::atomic::Ordering;
use machine::addr::UserAddr;

/// Most bytes of a string argument that are shown.
const TEXT_BYTES: usize = 256;

/// Switches it on, for the rest of the run.
pub fn switch_on() {
    WATCH.fetch_or(watch::STRACE, Ordering::Relaxed);
}

/// The line up to the closing parenthesis. String arguments are read now: the call may change them.
pub(super) fn begin(call: &mut Call<'_>, number: u64, arguments: &[u64; 6]) -> String {
    let mut line = String::new();
    // Writing to a string cannot fail.
    let _ = write!(line, "[{}] ", call.task.tid());
    // CAST: usize is 64 bits on both architectures.
    match TABLE.get(number as usize).copied().flatten() {
        Some(row) => {
            line.push_str(row.name);
            line.push('(');
            for (index, ((_, shown), word)) in row.arguments.iter().zip(arguments).enumerate() {
                if index > 0 {
                    line.push_str(", ");
                }
                show(call, &mut line, *shown, *word);
            }
        }
        None => {
            let name = abi::number::name(number).unwrap_or("unknown");
            let _ = write!(line, "{name}#{number}({:#x}, {:#x}, {:#x}", arguments[0], arguments[1], arguments[2]);
        }
    }
    line.push(')');
    line
}

/// The rest of the line, which is then sent.
pub(super) fn end(call: &mut Call<'_>, mut line: String, number: u64, result: Result<u64>) {
    let is_last = ["exit", "exit_group", "rt_sigreturn"].iter().any(|name| abi::number::name(number) == Some(name));
    let _ = match result {
        _ if is_last => write!(line, " = ?"),
        // Addresses are easier to read in hexadecimal.
        Ok(value) if value > 0xffff_ffff => write!(line, " = {value:#x}"),
        Ok(value) => write!(line, " = {value}"),
        Err(error) => write!(line, " = -{} {error}", error.number()),
    };
    console::strace_line(call.cx, &line);
}

fn show(call: &mut Call<'_>, line: &mut String, shown: Shown, word: u64) {
    // CAST: the low bits are the argument, as in `Argument::from_register`.
    let signed = word as i32;
    let _ = match shown {
        Shown::Signed if word >> 32 == 0 => write!(line, "{signed}"),
        Shown::Signed => write!(line, "{}", word as i64),
        Shown::Unsigned => write!(line, "{word}"),
        Shown::Hexadecimal => write!(line, "{word:#x}"),
        Shown::Octal => write!(line, "{word:#o}"),
        Shown::Descriptor if signed == -100 => write!(line, "AT_FDCWD"),
        Shown::Descriptor => write!(line, "{signed}"),
        Shown::Address | Shown::Text if word == 0 => write!(line, "NULL"),
        Shown::Address => write!(line, "{word:#x}"),
        Shown::Signal => match Signal::from_number(signed).and_then(Signal::name) {
            Some(name) => write!(line, "{name}"),
            None => write!(line, "{signed}"),
        },
        Shown::Text => show_text(call, line, word),
    };
}

fn show_text(call: &mut Call<'_>, line: &mut String, word: u64) -> core::fmt::Result {
    // CAST: usize is 64 bits on both architectures.
    match UserCStr(UserAddr(word as usize)).read(call.cx, TEXT_BYTES, crate::Errno::ENAMETOOLONG) {
        Ok(text) => write!(line, "\"{}\"", text.escape_ascii()),
        Err(_) => write!(line, "{word:#x}"),
    }
}
