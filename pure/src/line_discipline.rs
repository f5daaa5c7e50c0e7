//! A terminal's line discipline as POSIX and Linux's `n_tty` have it: bytes typed go in, what the program reads, what is
//! echoed and which signals are due come out. No locks, no waiting: the tty around it does both.
//!
//! Main types: [`LineDiscipline`], [`Settings`] (Linux's `termios`, whose values are the same on both architectures).
//! Called by `kernel::tty`. Memory is bounded by [`CAPACITY`]; bytes beyond it are dropped with a bell, as Linux does.
//!
//! Sources: POSIX.1-2017 chapter 11; Linux `drivers/tty/n_tty.c` for the order in which a byte is looked at, for echoes and
//! for what an erase rubs out.
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Most bytes kept unread, the line being edited included (Linux: `N_TTY_BUF_SIZE`).
pub const CAPACITY: usize = 4096;

/// Input flags.
#[allow(missing_docs, reason = "the names are POSIX's")]
pub mod iflag {
    pub const ISTRIP: u32 = 0o40;
    pub const INLCR: u32 = 0o100;
    pub const IGNCR: u32 = 0o200;
    pub const ICRNL: u32 = 0o400;
    pub const IUCLC: u32 = 0o1000;
    pub const IXON: u32 = 0o2000;
    pub const IXANY: u32 = 0o4000;
    pub const IMAXBEL: u32 = 0o20000;
    pub const IUTF8: u32 = 0o40000;
}
/// Output flags.
#[allow(missing_docs, reason = "the names are POSIX's")]
pub mod oflag {
    pub const OPOST: u32 = 0o1;
    pub const OLCUC: u32 = 0o2;
    pub const ONLCR: u32 = 0o4;
    pub const OCRNL: u32 = 0o10;
    pub const ONOCR: u32 = 0o20;
    pub const ONLRET: u32 = 0o40;
    pub const TABDLY: u32 = 0o14000;
    pub const XTABS: u32 = 0o14000;
}
/// Local flags.
#[allow(missing_docs, reason = "the names are POSIX's")]
pub mod lflag {
    pub const ISIG: u32 = 0o1;
    pub const ICANON: u32 = 0o2;
    pub const ECHO: u32 = 0o10;
    pub const ECHOE: u32 = 0o20;
    pub const ECHOK: u32 = 0o40;
    pub const ECHONL: u32 = 0o100;
    pub const NOFLSH: u32 = 0o200;
    pub const TOSTOP: u32 = 0o400;
    pub const ECHOCTL: u32 = 0o1000;
    pub const ECHOKE: u32 = 0o4000;
    pub const IEXTEN: u32 = 0o100000;
}
/// Places of the special characters.
#[allow(missing_docs, reason = "the names are POSIX's")]
pub mod cc {
    pub const VINTR: usize = 0;
    pub const VQUIT: usize = 1;
    pub const VERASE: usize = 2;
    pub const VKILL: usize = 3;
    pub const VEOF: usize = 4;
    pub const VTIME: usize = 5;
    pub const VMIN: usize = 6;
    pub const VSTART: usize = 8;
    pub const VSTOP: usize = 9;
    pub const VSUSP: usize = 10;
    pub const VEOL: usize = 11;
    pub const VREPRINT: usize = 12;
    pub const VWERASE: usize = 14;
    pub const VLNEXT: usize = 15;
    pub const VEOL2: usize = 16;
}
/// Special characters.
pub const NCCS: usize = 19;
/// A special character with this value is off.
const DISABLED: u8 = 0;
const BELL: u8 = 7;

/// What a program sets with `tcsetattr`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Input flags.
    pub iflag: u32,
    /// Output flags.
    pub oflag: u32,
    /// Control flags: kept, without meaning here.
    pub cflag: u32,
    /// Local flags.
    pub lflag: u32,
    /// Special characters.
    pub cc: [u8; NCCS],
}

impl Default for Settings {
    /// What a Linux console has at boot (`tty_std_termios`), with IUTF8.
    fn default() -> Settings {
        let mut cc = [0; NCCS];
        for (place, value) in [
            (cc::VINTR, 3),
            (cc::VQUIT, 0o34),
            (cc::VERASE, 0o177),
            (cc::VKILL, 0o25),
            (cc::VEOF, 4),
            (cc::VMIN, 1),
            (cc::VSTART, 0o21),
            (cc::VSTOP, 0o23),
            (cc::VSUSP, 0o32),
            (cc::VREPRINT, 0o22),
            // VDISCARD
            (13, 0o17),
            (cc::VWERASE, 0o27),
            (cc::VLNEXT, 0o26),
        ] {
            cc[place] = value;
        }
        use lflag::*;
        Settings {
            iflag: iflag::ICRNL | iflag::IXON | iflag::IUTF8,
            oflag: oflag::OPOST | oflag::ONLCR,
            // B38400 | CS8 | CREAD | HUPCL
            cflag: 0o17 | 0o60 | 0o200 | 0o2000,
            lflag: ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
            cc,
        }
    }
}

impl Settings {
    const fn has_local(&self, flag: u32) -> bool {
        self.lflag & flag != 0
    }
    const fn has_input(&self, flag: u32) -> bool {
        self.iflag & flag != 0
    }
    /// Whether `byte` is this special character.
    fn is(&self, byte: u8, place: usize) -> bool {
        byte != DISABLED && self.cc[place] == byte
    }
    /// Whether lines are edited.
    pub const fn is_canonical(&self) -> bool {
        self.has_local(lflag::ICANON)
    }
}

/// A signal for the foreground group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// SIGINT.
    Interrupt,
    /// SIGQUIT.
    Quit,
    /// SIGTSTP.
    Stop,
}

/// What a byte typed leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Outcome {
    /// A signal is due.
    pub signal: Option<Signal>,
    /// Readers may find something new.
    pub is_readable: bool,
    /// Output was stopped or goes on: writers look again.
    pub has_flow_changed: bool,
}

/// The line discipline.
pub struct LineDiscipline {
    settings: Settings,
    /// The line being edited (canonical mode).
    line: Vec<u8>,
    /// Bytes to read. In canonical mode they consist of the lines in `lines`.
    ready: VecDeque<u8>,
    /// Lengths of the lines in `ready`; an end-of-file typed at the start of a line is a line of length 0.
    lines: VecDeque<usize>,
    /// The next byte is taken as it is (after VLNEXT).
    is_literal: bool,
    /// Output is stopped (VSTOP).
    is_stopped: bool,
    /// Column of the output, for tabs.
    column: usize,
    /// Column at which the line being edited began.
    line_column: usize,
}

impl Default for LineDiscipline {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

impl LineDiscipline {
    /// With these settings and nothing typed.
    pub fn new(settings: Settings) -> LineDiscipline {
        LineDiscipline {
            settings,
            line: Vec::new(),
            ready: VecDeque::new(),
            lines: VecDeque::new(),
            is_literal: false,
            is_stopped: false,
            column: 0,
            line_column: 0,
        }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Changes the settings. What was typed stays: leaving canonical mode makes an unfinished line readable, entering it makes
    /// a line of what is unread.
    pub fn set_settings(&mut self, settings: Settings) {
        let was_canonical = self.settings.is_canonical();
        self.settings = settings;
        match (was_canonical, settings.is_canonical()) {
            (true, false) => {
                self.lines.clear();
                self.ready.extend(self.line.drain(..));
            }
            (false, true) if !self.ready.is_empty() => self.lines.push_back(self.ready.len()),
            _ => {}
        }
        if settings.iflag & iflag::IXON == 0 {
            self.is_stopped = false;
        }
    }

    /// Forgets what was typed and not read.
    pub fn flush_input(&mut self) {
        self.line.clear();
        self.ready.clear();
        self.lines.clear();
        self.is_literal = false;
    }

    /// Whether output is stopped.
    pub fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Stops output or lets it go on (`tcflow`).
    pub fn set_stopped(&mut self, is_stopped: bool) {
        self.is_stopped = is_stopped;
    }

    /// Bytes that a read could take now (FIONREAD).
    pub fn readable_bytes(&self) -> usize {
        self.ready.len()
    }

    /// Bytes kept in all.
    pub fn kept_bytes(&self) -> usize {
        self.ready.len() + self.line.len()
    }

    /// Whether a read finds something. In raw mode with VTIME 0, VMIN bytes are waited for.
    pub fn is_readable(&self) -> bool {
        if self.settings.is_canonical() {
            return !self.lines.is_empty();
        }
        let least = if self.settings.cc[cc::VTIME] == 0 { self.settings.cc[cc::VMIN].max(1) } else { 1 };
        self.ready.len() >= usize::from(least)
    }

    /// Takes a byte typed; `echo` gets what the terminal is to show.
    pub fn input(&mut self, byte: u8, echo: &mut dyn FnMut(&[u8])) -> Outcome {
        let mut outcome = Outcome::default();
        let mut byte = byte;
        if self.settings.has_input(iflag::ISTRIP) {
            byte &= 0x7f;
        }
        if self.settings.has_input(iflag::IUCLC) && self.settings.has_local(lflag::IEXTEN) {
            byte = byte.to_ascii_lowercase();
        }
        if core::mem::take(&mut self.is_literal) {
            outcome.is_readable = self.take(byte, echo);
            return outcome;
        }
        if self.settings.has_input(iflag::IXON) {
            if self.settings.is(byte, cc::VSTART) || self.settings.is(byte, cc::VSTOP) {
                // When both are the same character, it toggles.
                let is_stopped = self.settings.is(byte, cc::VSTOP) && !self.is_stopped;
                outcome.has_flow_changed = is_stopped != self.is_stopped;
                self.is_stopped = is_stopped;
                return outcome;
            }
            if self.is_stopped && self.settings.has_input(iflag::IXANY) {
                self.is_stopped = false;
                outcome.has_flow_changed = true;
            }
        }
        if self.settings.has_local(lflag::ISIG) {
            let signal = if self.settings.is(byte, cc::VINTR) {
                Some(Signal::Interrupt)
            } else if self.settings.is(byte, cc::VQUIT) {
                Some(Signal::Quit)
            } else if self.settings.is(byte, cc::VSUSP) {
                Some(Signal::Stop)
            } else {
                None
            };
            if signal.is_some() {
                if !self.settings.has_local(lflag::NOFLSH) {
                    self.flush_input();
                }
                // Output that was stopped goes on, or the program could not be seen to end.
                outcome.has_flow_changed = core::mem::take(&mut self.is_stopped);
                self.echo(byte, echo);
                outcome.signal = signal;
                return outcome;
            }
        }
        match byte {
            b'\r' if self.settings.has_input(iflag::IGNCR) => return outcome,
            b'\r' if self.settings.has_input(iflag::ICRNL) => byte = b'\n',
            b'\n' if self.settings.has_input(iflag::INLCR) => byte = b'\r',
            _ => {}
        }
        outcome.is_readable = if self.settings.is_canonical() { self.edit(byte, echo) } else { self.take(byte, echo) };
        outcome
    }

    /// Canonical mode: edits the line. True when a line is finished.
    fn edit(&mut self, byte: u8, echo: &mut dyn FnMut(&[u8])) -> bool {
        let is_extended = self.settings.has_local(lflag::IEXTEN);
        if self.settings.is(byte, cc::VERASE) {
            self.erase_one(echo);
        } else if self.settings.is(byte, cc::VKILL) {
            self.kill_line(byte, echo);
        } else if is_extended && self.settings.is(byte, cc::VWERASE) {
            self.erase_word(echo);
        } else if is_extended && self.settings.is(byte, cc::VREPRINT) {
            if self.settings.has_local(lflag::ECHO) {
                self.echo(byte, echo);
                self.put(b"\n", echo);
                self.line_column = self.column;
                let line = core::mem::take(&mut self.line);
                line.iter().for_each(|byte| self.echo(*byte, echo));
                self.line = line;
            }
        } else if is_extended && self.settings.is(byte, cc::VLNEXT) {
            self.is_literal = true;
            if self.settings.has_local(lflag::ECHO) && self.settings.has_local(lflag::ECHOCTL) {
                self.put(b"^\x08", echo);
            }
        } else if byte == b'\n' {
            if self.settings.has_local(lflag::ECHO) || self.settings.has_local(lflag::ECHONL) {
                self.put(b"\n", echo);
            }
            return self.finish_line(Some(byte));
        } else if self.settings.is(byte, cc::VEOF) {
            return self.finish_line(None);
        } else if self.settings.is(byte, cc::VEOL) || is_extended && self.settings.is(byte, cc::VEOL2) {
            self.echo(byte, echo);
            return self.finish_line(Some(byte));
        } else {
            self.take(byte, echo);
        }
        false
    }

    fn finish_line(&mut self, end: Option<u8>) -> bool {
        // The end is what no longer fits once nothing has been read for long.
        if self.kept_bytes() >= CAPACITY || self.lines.len() >= CAPACITY {
            return false;
        }
        let length = self.line.len() + usize::from(end.is_some());
        self.ready.extend(self.line.drain(..));
        self.ready.extend(end);
        self.lines.push_back(length);
        true
    }

    /// Takes an ordinary byte. True when it can be read at once (raw mode).
    fn take(&mut self, byte: u8, echo: &mut dyn FnMut(&[u8])) -> bool {
        // One place is kept for the newline that makes a full line readable.
        if self.kept_bytes() + 1 >= CAPACITY {
            if self.settings.has_input(iflag::IMAXBEL) || self.settings.is_canonical() {
                echo(&[BELL]);
            }
            return false;
        }
        if self.settings.is_canonical() {
            if self.line.is_empty() {
                self.line_column = self.column;
            }
            self.line.push(byte);
        } else {
            self.ready.push_back(byte);
        }
        self.echo(byte, echo);
        !self.settings.is_canonical() && self.is_readable()
    }

    /// Echoes a byte as typed: control characters as ^X where ECHOCTL says so.
    fn echo(&mut self, byte: u8, echo: &mut dyn FnMut(&[u8])) {
        if !self.settings.has_local(lflag::ECHO) {
            return;
        }
        if self.settings.has_local(lflag::ECHOCTL) && is_control(byte) && byte != b'\t' && byte != b'\n' {
            self.column += 2;
            echo(&[b'^', byte ^ 0x40]);
        } else {
            self.put(&[byte], echo);
        }
    }

    /// Sends bytes through output processing.
    fn put(&mut self, bytes: &[u8], echo: &mut dyn FnMut(&[u8])) {
        self.output(bytes, echo);
    }

    /// How many columns a byte of the line takes when shown at `column`.
    fn width(&self, byte: u8, column: usize) -> usize {
        match byte {
            b'\t' => 8 - column % 8,
            byte if is_control(byte) => 2 * usize::from(self.settings.has_local(lflag::ECHOCTL)),
            byte if self.settings.has_input(iflag::IUTF8) && is_continuation(byte) => 0,
            _ => 1,
        }
    }

    /// Column after the line as it stands.
    fn line_end_column(&self) -> usize {
        self.line.iter().fold(self.line_column, |column, byte| column + self.width(*byte, column))
    }

    /// Takes the last character away and shows it.
    fn erase_one(&mut self, echo: &mut dyn FnMut(&[u8])) {
        if self.line.is_empty() {
            return;
        }
        let before = self.line_end_column();
        while let Some(byte) = self.line.pop() {
            if !(self.settings.has_input(iflag::IUTF8) && is_continuation(byte)) {
                break;
            }
        }
        if !self.settings.has_local(lflag::ECHO) {
            return;
        }
        if self.settings.has_local(lflag::ECHOE) {
            let is_tab = before.saturating_sub(self.line_end_column()) > 2;
            for _ in self.line_end_column()..before {
                // A tab is walked back over; there is nothing to rub out.
                echo(if is_tab { b"\x08" } else { b"\x08 \x08" });
                self.column = self.column.saturating_sub(1);
            }
        } else {
            let erase = self.settings.cc[cc::VERASE];
            self.echo(erase, echo);
        }
    }

    fn erase_word(&mut self, echo: &mut dyn FnMut(&[u8])) {
        let is_word = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80);
        while !self.line.is_empty() && !is_word(self.line.last()) {
            self.erase_one(echo);
        }
        while is_word(self.line.last()) {
            self.erase_one(echo);
        }
    }

    fn kill_line(&mut self, byte: u8, echo: &mut dyn FnMut(&[u8])) {
        let has = |flag| self.settings.has_local(flag);
        if has(lflag::ECHO) && has(lflag::ECHOK) && has(lflag::ECHOKE) && has(lflag::ECHOE) {
            while !self.line.is_empty() {
                self.erase_one(echo);
            }
            return;
        }
        let has_newline = has(lflag::ECHOK);
        self.line.clear();
        self.echo(byte, echo);
        if has_newline && self.settings.has_local(lflag::ECHO) {
            self.put(b"\n", echo);
        }
    }

    /// Reads: a line or a part of it in canonical mode, else what is there. `None`: nothing to read now. `Some(0)`: end of file
    /// (or an empty buffer).
    pub fn read(&mut self, out: &mut [u8]) -> Option<usize> {
        let most = if self.settings.is_canonical() {
            let line = self.lines.front_mut()?;
            let taken = (*line).min(out.len());
            *line -= taken;
            // An empty buffer takes nothing off, an end-of-file mark goes with its read.
            if *line == 0 && (taken != 0 || !out.is_empty()) {
                self.lines.pop_front();
            }
            taken
        } else {
            if self.ready.is_empty() {
                return None;
            }
            self.ready.len().min(out.len())
        };
        for (place, byte) in out.iter_mut().zip(self.ready.drain(..most)) {
            *place = byte;
        }
        Some(most)
    }

    /// Output processing of a program's bytes: `emit` gets what the terminal is to show.
    pub fn output(&mut self, bytes: &[u8], emit: &mut dyn FnMut(&[u8])) {
        if self.settings.oflag & oflag::OPOST == 0 {
            emit(bytes);
            return;
        }
        let mut plain = 0;
        for (i, &byte) in bytes.iter().enumerate() {
            let Some(instead) = self.processed(byte) else { continue };
            if plain < i {
                emit(&bytes[plain..i]);
            }
            emit(instead);
            plain = i + 1;
        }
        if plain < bytes.len() {
            emit(&bytes[plain..]);
        }
    }

    /// Moves the column; answers what stands for a byte that is not passed on as it is.
    fn processed(&mut self, byte: u8) -> Option<&'static [u8]> {
        const SPACES: &[u8] = b"        ";
        const UPPER: &[u8; 26] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let has = |flag| self.settings.oflag & flag == flag;
        match byte {
            b'\n' if has(oflag::ONLCR) => {
                self.column = 0;
                return Some(b"\r\n");
            }
            b'\n' if has(oflag::ONLRET) => self.column = 0,
            b'\r' if has(oflag::ONOCR) && self.column == 0 => return Some(b""),
            b'\r' if has(oflag::OCRNL) => {
                if has(oflag::ONLRET) {
                    self.column = 0;
                }
                return Some(b"\n");
            }
            b'\r' => self.column = 0,
            b'\t' => {
                let width = 8 - self.column % 8;
                self.column += width;
                if has(oflag::XTABS) {
                    return Some(&SPACES[..width]);
                }
            }
            8 => self.column = self.column.saturating_sub(1),
            b'a'..=b'z' if has(oflag::OLCUC) => {
                self.column += 1;
                let place = usize::from(byte - b'a');
                return Some(&UPPER[place..=place]);
            }
            _ if is_control(byte) || self.settings.has_input(iflag::IUTF8) && is_continuation(byte) => {}
            _ => self.column += 1,
        }
        None
    }
}

const fn is_control(byte: u8) -> bool {
    byte < 0x20 || byte == 0x7f
}
const fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;
    use std::vec;

    fn type_in(tty: &mut LineDiscipline, bytes: &[u8]) -> String {
        let mut shown = vec![];
        for byte in bytes {
            tty.input(*byte, &mut |echo| shown.extend_from_slice(echo));
        }
        String::from_utf8_lossy(&shown).into_owned()
    }
    fn read(tty: &mut LineDiscipline, most: usize) -> Option<String> {
        let mut out = vec![0; most];
        tty.read(&mut out).map(|n| String::from_utf8_lossy(&out[..n]).into_owned())
    }
    fn raw() -> LineDiscipline {
        let mut settings = Settings::default();
        settings.lflag &= !(lflag::ICANON | lflag::ECHO | lflag::ISIG | lflag::IEXTEN);
        settings.iflag = 0;
        settings.oflag &= !oflag::OPOST;
        LineDiscipline::new(settings)
    }

    #[test]
    fn lines_are_read_one_at_a_time() {
        let mut tty = LineDiscipline::default();
        assert_eq!(type_in(&mut tty, b"one\rtwo"), "one\r\ntwo");
        assert!(tty.is_readable());
        assert_eq!(read(&mut tty, 2).as_deref(), Some("on"));
        assert_eq!(read(&mut tty, 99).as_deref(), Some("e\n"));
        assert_eq!(read(&mut tty, 99), None);
        type_in(&mut tty, b"\r");
        assert_eq!(read(&mut tty, 99).as_deref(), Some("two\n"));
    }

    #[test]
    fn end_of_file() {
        let mut tty = LineDiscipline::default();
        assert_eq!(type_in(&mut tty, b"ab\x04\x04"), "ab");
        assert_eq!(read(&mut tty, 9).as_deref(), Some("ab"));
        assert_eq!(read(&mut tty, 9).as_deref(), Some(""));
        assert_eq!(read(&mut tty, 9), None);
    }

    #[test]
    fn editing() {
        let mut tty = LineDiscipline::default();
        assert_eq!(type_in(&mut tty, b"ax\x7fb"), "ax\x08 \x08b");
        assert_eq!(type_in(&mut tty, "ä\u{7f}".as_bytes()), "ä\x08 \x08");
        type_in(&mut tty, b" foo bar\x17\x17baz\n");
        assert_eq!(read(&mut tty, 99).as_deref(), Some("ab baz\n"));
        assert_eq!(type_in(&mut tty, b"xyz\x15"), "xyz\x08 \x08\x08 \x08\x08 \x08");
        assert_eq!(type_in(&mut tty, b"\x7f\x7f"), "");
        assert_eq!(type_in(&mut tty, b"a\t\x7f"), "a\t\x08\x08\x08\x08\x08\x08\x08");
        assert_eq!(type_in(&mut tty, b"\x16\x03\n"), "^\x08^C\r\n");
        assert_eq!(read(&mut tty, 99).as_deref(), Some("a\x03\n"));
    }

    #[test]
    fn signals_flush_and_are_shown() {
        let mut tty = LineDiscipline::default();
        type_in(&mut tty, b"half");
        let mut shown = vec![];
        let outcome = tty.input(3, &mut |echo| shown.extend_from_slice(echo));
        assert_eq!(outcome.signal, Some(Signal::Interrupt));
        assert_eq!(shown, b"^C");
        type_in(&mut tty, b"\n");
        assert_eq!(read(&mut tty, 9).as_deref(), Some("\n"));
        assert_eq!(tty.input(0o34, &mut |_| {}).signal, Some(Signal::Quit));
        assert_eq!(tty.input(0o32, &mut |_| {}).signal, Some(Signal::Stop));
    }

    #[test]
    fn raw_mode_passes_everything() {
        let mut tty = raw();
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(type_in(&mut tty, &all), "");
        let mut out = vec![0; 300];
        assert_eq!(tty.read(&mut out), Some(256));
        assert_eq!(out[..256], all);
        let mut shown = vec![];
        tty.output(b"a\nb", &mut |bytes| shown.extend_from_slice(bytes));
        assert_eq!(shown, b"a\nb");
    }

    #[test]
    fn leaving_canonical_mode_makes_the_line_readable() {
        let mut tty = LineDiscipline::default();
        type_in(&mut tty, b"abc");
        assert!(!tty.is_readable());
        let mut settings = *tty.settings();
        settings.lflag &= !lflag::ICANON;
        tty.set_settings(settings);
        assert_eq!(read(&mut tty, 2).as_deref(), Some("ab"));
        settings.lflag |= lflag::ICANON;
        tty.set_settings(settings);
        assert_eq!(read(&mut tty, 9).as_deref(), Some("c"));
        assert_eq!(read(&mut tty, 9), None);
    }

    #[test]
    fn flow_control() {
        let mut tty = LineDiscipline::default();
        assert!(tty.input(0o23, &mut |_| {}).has_flow_changed);
        assert!(tty.is_stopped());
        assert!(tty.input(0o21, &mut |_| {}).has_flow_changed);
        assert!(!tty.is_stopped());
        assert_eq!(tty.kept_bytes(), 0);
    }

    #[test]
    fn memory_is_bounded_and_a_full_line_can_be_ended() {
        let mut tty = LineDiscipline::default();
        type_in(&mut tty, &[b'x'; 10_000]);
        assert!(tty.kept_bytes() < CAPACITY);
        type_in(&mut tty, b"\n");
        assert!(tty.is_readable());
        type_in(&mut tty, &[b'\n', 4].repeat(10_000));
        assert!(tty.kept_bytes() <= CAPACITY && tty.lines.len() <= CAPACITY);
        assert_eq!(read(&mut tty, 10_000).unwrap().len(), CAPACITY);
    }

    /// Any bytes under any settings: no panic, bounded memory.
    #[test]
    fn fuzz() {
        let mut seed = 1u64;
        let mut random = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as u32
        };
        let mut tty = LineDiscipline::default();
        for _ in 0..300_000 {
            match random() % 200 {
                0 => {
                    let mut settings = *tty.settings();
                    settings.iflag = random() & 0o77777;
                    settings.oflag = random() & 0o77777;
                    settings.lflag = random() & 0o177777;
                    settings.cc[random() as usize % NCCS] = random() as u8;
                    tty.set_settings(settings);
                }
                1..20 => {
                    tty.read(&mut [0; 7]);
                }
                20..30 => tty.output(&[random() as u8, random() as u8], &mut |_| {}),
                _ => {
                    tty.input(random() as u8 & 0x3f, &mut |_| {});
                }
            }
            assert!(tty.kept_bytes() <= CAPACITY);
        }
    }
}
