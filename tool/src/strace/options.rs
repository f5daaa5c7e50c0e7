//! strace's options, as far as they are known here.

use crate::status::{self, failure};
use std::path::PathBuf;

/// What is shown, and how: as strace's own options of these names.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct StraceOptions {
    /// Which calls: trace=NAME,NAME…, %file, %process, %network, %signal, %memory, %desc, %ipc, %creds, %clock; ! for all others
    #[arg(short = 'e', value_name = "EXPR")]
    pub(super) expressions: Vec<String>,
    /// Write to this file in place of stderr
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Only count: time, calls and errors of each call, at the end
    #[arg(short = 'c', long)]
    pub(super) summary_only: bool,
    /// The same, and the calls as well
    #[arg(short = 'C', long, conflicts_with = "summary_only")]
    pub(super) summary: bool,
    /// Show how long each call took
    #[arg(short = 'T', long)]
    pub(super) syscall_times: bool,
    /// Show when each call was made (UTC); -tt: with microseconds; -ttt: as seconds since 1970
    #[arg(short = 't', action = clap::ArgAction::Count, conflicts_with = "relative_timestamps")]
    pub(super) timestamps: u8,
    /// Show how long after the one before each call was made
    #[arg(short = 'r', long)]
    pub(super) relative_timestamps: bool,
    /// Show at most so many bytes of each string; names of files are shown whole
    #[arg(short = 's', long, value_name = "BYTES", default_value_t = 32)]
    pub(super) string_limit: u32,
    /// Show descriptors with the names of their files
    #[arg(short = 'y', long)]
    pub(super) decode_fds: bool,
    /// Follow children: always done
    #[arg(short, long, hide = true)]
    pub(super) follow_forks: bool,
}

impl Default for StraceOptions {
    fn default() -> Self {
        StraceOptions {
            expressions: Vec::new(),
            output: None,
            summary_only: false,
            summary: false,
            syscall_times: false,
            timestamps: 0,
            relative_timestamps: false,
            string_limit: 32,
            decode_fds: false,
            follow_forks: false,
        }
    }
}

/// Classes that the kernel knows.
const CLASSES: [&str; 10] = ["file", "process", "network", "net", "signal", "memory", "desc", "ipc", "creds", "clock"];

impl StraceOptions {
    /// For the kernel, see `wire::strace::settings`; refuses what means nothing.
    pub(crate) fn settings(&self) -> anyhow::Result<Vec<u8>> {
        let mut filter = String::new();
        for expression in &self.expressions {
            filter = filter_of(expression)?;
        }
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        let flags = flag(self.summary_only, wire::strace::COUNT_ONLY) | flag(self.decode_fds, wire::strace::PATHS);
        let head = wire::strace::Settings { string_bytes: self.string_limit, flags, filter: b"" }.head();
        Ok([&head[..], filter.as_bytes()].concat())
    }
}

/// The kernel's filter for an expression of `-e`.
fn filter_of(expression: &str) -> anyhow::Result<String> {
    let set = match expression.split_once('=') {
        Some(("trace" | "t", set)) => set,
        Some((other, _)) => {
            return Err(failure(status::USAGE, format!("-e {other}=… is not supported; trace= is")));
        }
        None => expression,
    };
    let (negated, words) = set.strip_prefix('!').map_or(("", set), |words| ("!", words));
    match (negated, words) {
        ("", "all") | ("!", "none") => return Ok(String::new()),
        ("", "none") | ("!", "all") => return Ok("!all".into()),
        _ => {}
    }
    let mut known = Vec::new();
    for word in words.split(',') {
        let (is_optional, name) = word.strip_prefix('?').map_or((false, word), |name| (true, name));
        let class = name.strip_prefix('%').unwrap_or(name);
        if CLASSES.contains(&class) {
            known.push(format!("%{class}"));
        } else if abi::number::on_both(name) != (None, None) {
            known.push(name.to_string());
        } else if !is_optional {
            return Err(failure(status::USAGE, format!("-e: there is no system call or class {name:?}")));
        }
    }
    Ok(if known.is_empty() { "!all".into() } else { format!("{negated}{}", known.join(",")) })
}

#[cfg(test)]
mod tests {
    use super::filter_of;

    #[test]
    fn expressions_become_filters() {
        for (expression, filter) in [
            ("trace=openat,close", "openat,close"),
            ("%file,write", "%file,write"),
            ("trace=!read", "!read"),
            ("process", "%process"),
            ("none", "!all"),
            ("all", ""),
            ("?nosuch,read", "read"),
        ] {
            assert_eq!(filter_of(expression).unwrap(), filter, "{expression}");
        }
        assert!(filter_of("trace=nosuch").is_err() && filter_of("signal=all").is_err() && filter_of("").is_err());
    }
}
