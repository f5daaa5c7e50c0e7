//! Events to lines, as strace writes them: a call that is not over when another thread has something to tell is `<unfinished ...>`, and
//! later `resumed`.

use super::options::StraceOptions;
use super::summary::Summary;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use wire::strace::{Event, Kind, Malformed, parse};

/// Where the result stands, if the line is not longer.
const RESULT_COLUMN: usize = 40;

/// A thread that has not ended.
#[derive(Default)]
struct Thread {
    /// The call it is in: what is known of it.
    call: Option<String>,
}

/// A call that was refused, of which the kernel does not support everything.
struct Refused {
    call: String,
    limits: String,
}

/// Takes events, gives text.
pub(crate) struct Printer {
    options: StraceOptions,
    file: Option<File>,
    /// Bytes that are not a whole event yet.
    rest: Vec<u8>,
    threads: BTreeMap<u32, Thread>,
    /// The thread whose call stands at the end of the text, without a newline, and the column there.
    open: Option<(u32, usize)>,
    last_ns: Option<u64>,
    summary: Summary,
    last_call: String,
    refused: Option<Refused>,
    text: String,
}

impl Printer {
    /// Opens the file of `-o`, if there is one.
    pub(crate) fn new(options: StraceOptions) -> io::Result<Printer> {
        let file = options.output.as_ref().map(File::create).transpose()?;
        Ok(Printer {
            options,
            file,
            rest: Vec::new(),
            threads: BTreeMap::new(),
            open: None,
            last_ns: None,
            summary: Summary::default(),
            last_call: String::new(),
            refused: None,
            text: String::new(),
        })
    }

    /// Takes bytes as they come; answers what is to be shown on stderr.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<String, Malformed> {
        let mut pending = std::mem::take(&mut self.rest);
        pending.extend_from_slice(bytes);
        let mut unread = &pending[..];
        while let Some((event, taken)) = parse(unread)? {
            self.event(&event);
            unread = &unread[taken..];
        }
        self.rest = unread.to_vec();
        Ok(self.give())
    }

    /// The end of the run: the last line's end and the table. `failed`: whether the program's status was not zero.
    pub(crate) fn finish(&mut self, failed: bool) -> String {
        self.close();
        if self.options.summary_only || self.options.summary {
            let table = self.summary.table();
            self.text.push_str(&table);
        }
        let mut text = self.give();
        if failed && let Some(Refused { call, limits }) = self.refused.take() {
            text.push_str(&format!("ochre: before it failed: {call}; the kernel's limits there: {limits}\n"));
        }
        text
    }

    /// What was written, unless it goes to a file.
    fn give(&mut self) -> String {
        let text = std::mem::take(&mut self.text);
        match &mut self.file {
            Some(file) => match file.write_all(text.as_bytes()) {
                Ok(()) => String::new(),
                Err(error) => {
                    self.file = None;
                    format!("ochre: the calls cannot be written: {error}\n")
                }
            },
            None => text,
        }
    }

    fn event(&mut self, event: &Event<'_>) {
        let [first, second, third] = event.texts.map(String::from_utf8_lossy);
        if event.kind == Kind::End {
            self.summary.add(&first, event.took_ns, event.error != 0);
        }
        if event.kind == Kind::Limit {
            self.refused = Some(Refused { call: self.last_call.clone(), limits: second.to_string() });
        }
        if self.options.summary_only || event.kind == Kind::Limit {
            return;
        }
        if !self.threads.contains_key(&event.thread) {
            if !self.threads.is_empty() && self.options.output.is_none() {
                self.close();
                self.text.push_str(&format!("strace: Process {} attached\n", event.thread));
            }
            self.threads.insert(event.thread, Thread::default());
        }
        match event.kind {
            Kind::Begin => self.begin(event, &first, &second),
            Kind::End => self.end(event, &first, (&second, &third)),
            Kind::Signal => self.line(event, &format!("--- {first} {second} ---")),
            Kind::Exit => {
                self.line(event, &format!("+++ {first} +++"));
                self.threads.remove(&event.thread);
            }
            Kind::Limit => {}
        }
    }

    fn begin(&mut self, event: &Event<'_>, name: &str, arguments: &str) {
        self.close();
        let prefix = self.prefix(event);
        let call = format!("{name}{arguments}");
        self.open = Some((event.thread, prefix.chars().count() + call.chars().count()));
        self.text.push_str(&prefix);
        self.text.push_str(&call);
        if let Some(thread) = self.threads.get_mut(&event.thread) {
            thread.call = Some(call);
        }
    }

    fn end(&mut self, event: &Event<'_>, name: &str, (arguments, result): (&str, &str)) {
        let begun = self.threads.get_mut(&event.thread).and_then(|thread| thread.call.take());
        let start = match self.open {
            Some((thread, column)) if thread == event.thread => {
                self.open = None;
                column
            }
            _ => {
                self.close();
                let resumed = if begun.is_some() { format!("<... {name} resumed>") } else { name.to_string() };
                let start = self.prefix(event) + &resumed;
                self.text.push_str(&start);
                start.chars().count()
            }
        };
        let column = start + arguments.chars().count() + 1;
        self.text.push_str(&format!("{arguments} {:1$}= {result}", "", RESULT_COLUMN.saturating_sub(column)));
        if self.options.syscall_times {
            let us = event.took_ns / 1000;
            self.text.push_str(&format!(" <{}.{:06}>", us / 1_000_000, us % 1_000_000));
        }
        self.text.push('\n');
        self.last_call = format!("{}{arguments} = {result}", begun.as_deref().unwrap_or(name));
    }

    fn line(&mut self, event: &Event<'_>, text: &str) {
        self.close();
        let prefix = self.prefix(event);
        self.text.push_str(&prefix);
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Ends the line of a call that is not over.
    fn close(&mut self) {
        if self.open.take().is_some() {
            self.text.push_str(" <unfinished ...>\n");
        }
    }

    /// What precedes a line: the thread where there are several, the time.
    fn prefix(&mut self, event: &Event<'_>) -> String {
        let mut prefix = match () {
            () if self.options.output.is_some() => format!("{:<5} ", event.thread),
            () if self.threads.len() > 1 => format!("[pid {:>5}] ", event.thread),
            () => String::new(),
        };
        let (seconds, us) = (event.when_ns / 1_000_000_000, event.when_ns / 1000 % 1_000_000);
        let clock = format!("{:02}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        match self.options.timestamps {
            0 => {}
            1 => prefix.push_str(&format!("{clock} ")),
            2 => prefix.push_str(&format!("{clock}.{us:06} ")),
            _ => prefix.push_str(&format!("{seconds}.{us:06} ")),
        }
        if self.options.relative_timestamps {
            let since = event.when_ns.saturating_sub(self.last_ns.unwrap_or(event.when_ns)) / 1000;
            prefix.push_str(&format!("{:>6}.{:06} ", since / 1_000_000, since % 1_000_000));
            self.last_ns = Some(event.when_ns);
        }
        prefix
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that is shown for these events.
    fn show(options: StraceOptions, events: &[(Kind, u32, [&str; 3])]) -> String {
        let mut bytes = Vec::new();
        for (when, (kind, thread, texts)) in events.iter().enumerate() {
            let event = Event {
                kind: *kind,
                thread: *thread,
                when_ns: 3_661_000_000_000 + when as u64 * 1_500_000,
                took_ns: 2_000_000,
                error: 0,
                texts: texts.map(str::as_bytes),
            };
            bytes.extend_from_slice(&event.header().unwrap());
            event.texts.iter().for_each(|text| bytes.extend_from_slice(text));
        }
        let mut printer = Printer::new(options).unwrap();
        // However the bytes are cut.
        let mut text: String = bytes.chunks(7).map(|piece| printer.take(piece).unwrap()).collect();
        text.push_str(&printer.finish(true));
        text
    }

    #[test]
    fn lines_are_put_together() {
        let text = show(
            StraceOptions::default(),
            &[
                (Kind::End, 2, ["execve", "(\"/bin/x\", [\"x\"], [/* 1 var */])", "0"]),
                (Kind::Begin, 2, ["getpid", "(", ""]),
                (Kind::End, 2, ["getpid", ")", "2"]),
                (Kind::Begin, 2, ["wait4", "(-1, ", ""]),
                (Kind::Begin, 3, ["exit_group", "(3", ""]),
                (Kind::End, 3, ["exit_group", ")", "?"]),
                (Kind::Exit, 3, ["exited with 3", "", ""]),
                (Kind::End, 2, ["wait4", "NULL, 0, NULL)", "3"]),
                (Kind::Signal, 2, ["SIGTERM", "{si_signo=SIGTERM}", ""]),
                (Kind::Begin, 2, ["socket", "(AF_INET", ""]),
                (Kind::End, 2, ["socket", ")", "-1 EAFNOSUPPORT"]),
                (Kind::Limit, 2, ["socket", "AF_UNIX only.", ""]),
                (Kind::Begin, 2, ["pause", "(", ""]),
            ],
        );
        let expected = "\
execve(\"/bin/x\", [\"x\"], [/* 1 var */])  = 0
getpid()                                = 2
wait4(-1,  <unfinished ...>
strace: Process 3 attached
[pid     3] exit_group(3)               = ?
[pid     3] +++ exited with 3 +++
<... wait4 resumed>NULL, 0, NULL)       = 3
--- SIGTERM {si_signo=SIGTERM} ---
socket(AF_INET)                         = -1 EAFNOSUPPORT
pause( <unfinished ...>
ochre: before it failed: socket(AF_INET) = -1 EAFNOSUPPORT; the kernel's limits there: AF_UNIX only.
";
        assert_eq!(text, expected);
    }

    #[test]
    fn times_are_shown() {
        let events =
            [(Kind::Begin, 2, ["sync", "(", ""]), (Kind::End, 2, ["sync", ")", "0"]), (Kind::Exit, 2, ["x", "", ""])];
        let all = StraceOptions { timestamps: 2, syscall_times: true, ..StraceOptions::default() };
        let expected = "01:01:01.000000 sync()                  = 0 <0.002000>\n01:01:01.003000 +++ x +++\n";
        assert_eq!(show(all, &events), expected);
        let relative = StraceOptions { relative_timestamps: true, ..StraceOptions::default() };
        assert_eq!(show(relative, &events).lines().last(), Some("     0.003000 +++ x +++"));
    }
}
