//! Which calls are told: a bit for each number, made once from names and classes.
use super::super::table::{Row, TABLE};
use abi::show::Shown;
use core::sync::atomic::{AtomicU64, Ordering};

/// Bit of each call that is told. Until [`set`], all.
static WANTED: [AtomicU64; abi::number::COUNT / 64] = [const { AtomicU64::new(u64::MAX) }; abi::number::COUNT / 64];

/// Whether a call is told. Those beyond all numbers always are.
pub(super) fn is_wanted(number: u64) -> bool {
    // CAST: usize is 64 bits on both architectures.
    let word = WANTED.get((number / 64) as usize);
    word.is_none_or(|word| word.load(Ordering::Relaxed) >> (number % 64) & 1 != 0)
}

/// Takes names and `%classes`, commas between them; an `!` before all of them means the others. Empty: all. The tool has refused
/// words that mean nothing.
pub(super) fn set(filter: &[u8]) {
    let (is_negated, words) = filter.strip_prefix(b"!").map_or((false, filter), |words| (true, words));
    let is_named = |number: usize| {
        words.split(|byte| *byte == b',').any(|word| match word.strip_prefix(b"%") {
            Some(class) => TABLE.get(number).copied().flatten().is_some_and(|row| is_of_class(row, class)),
            None => word == b"all" || abi::number::name(number as u64).is_some_and(|name| name.as_bytes() == word),
        })
    };
    for (index, word) in WANTED.iter().enumerate() {
        let bits = (0..64).filter(|bit| words.is_empty() || is_named(index * 64 + bit) != is_negated);
        word.store(bits.fold(0, |bits, bit| bits | 1 << bit), Ordering::Relaxed);
    }
}

/// Whether a call belongs to a class, as strace has them.
fn is_of_class(row: &Row, class: &[u8]) -> bool {
    let subject = row.subject.rsplit("::").next().unwrap_or_default();
    match class {
        b"file" => {
            let is_about_names = matches!(
                subject,
                "attributes"
                    | "directory"
                    | "exec"
                    | "extended_attributes"
                    | "file_times"
                    | "inotify"
                    | "mount"
                    | "open"
            );
            is_about_names && (row.name == "getcwd" || row.shown.iter().any(|shown| matches!(shown, Shown::Text)))
        }
        b"process" => {
            let names = ["clone", "clone3", "exit", "exit_group", "fork", "vfork", "wait4", "waitid"];
            subject == "exec" || names.contains(&row.name)
        }
        b"network" | b"net" => matches!(subject, "socket" | "message"),
        b"signal" => {
            subject == "signal" && row.name != "restart_syscall"
                || matches!(row.name, "signalfd" | "signalfd4" | "pidfd_send_signal")
        }
        b"memory" => subject == "memory" || matches!(row.name, "shmat" | "shmdt"),
        b"ipc" => matches!(subject, "semaphore" | "shared_memory" | "message_queue"),
        b"desc" => {
            row.shown.iter().any(|shown| matches!(shown, Shown::Descriptor)) || matches!(subject, "poll" | "epoll")
        }
        b"creds" => subject == "identity",
        b"clock" => row.name.starts_with("clock_") || matches!(row.name, "gettimeofday" | "settimeofday" | "time"),
        _ => false,
    }
}
