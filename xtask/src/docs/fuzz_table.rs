//! `user/fuzz/calls.h`: what the system call fuzzer knows of each call, from the kernel's own rows: a new call is fuzzed with
//! fitting arguments as soon as it has a row. One letter an argument:
//!
//! `f` descriptor, `s` path, `p` pointer or address, `z` length, `t` process, thread or group, `g` signal, `o` flags or mode, `i` other number.

use super::calls;
use std::fmt::Write;

/// The header.
pub(super) fn page() -> anyhow::Result<String> {
    let mut page = String::from(
        "/* Generated from kernel/src/syscall/table/ by `xtask docs`; do not edit. Each call's arguments, a letter each (see syscall_fuzz.c). */\n",
    );
    for call in calls::all()? {
        let kinds: String = call.arguments.iter().map(|(name, kind)| letter(name, kind)).collect();
        let name = &call.name;
        writeln!(page, "#ifdef SYS_{name}\nCALL(SYS_{name}, \"{name}\", \"{kinds}\")\n#endif")?;
    }
    Ok(page)
}

fn letter(name: &str, kind: &str) -> char {
    let is_about = |words: &[&str]| words.iter().any(|word| name.contains(word));
    match kind {
        "Fd" => 'f',
        "UserCStr" => 's',
        "UserAddr" => 'p',
        "SignalNumber" => 'g',
        "Flags" | "LongFlags" | "Mode" => 'o',
        _ if kind.starts_with("UserPtr") => 'p',
        _ if is_about(&["bytes", "count", "length", "size"]) => 'z',
        _ if is_about(&["pid", "tid", "process", "group", "session", "task", "thread"]) => 't',
        _ => 'i',
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn kinds_are_told_by_type_and_name() {
        let letters = [("fd", "Fd"), ("buffer", "UserAddr"), ("count", "usize"), ("pid", "i32"), ("which", "i32")];
        let letters: String = letters.iter().map(|(name, kind)| super::letter(name, kind)).collect();
        assert_eq!(letters, "fpzti");
    }
}
