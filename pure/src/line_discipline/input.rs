//! What is typed, byte by byte, in the order in which Linux looks at a byte: flow control, signals, carriage returns, editing,
//! ends of lines.
use super::character::to_lower;
use super::discipline::{CAPACITY, END_OF_FILE, LINE_END, LineDiscipline, Outcome, Signal, Unread};
use super::echo::Echo;
use super::settings::{Settings, cc, iflag, lflag};

impl LineDiscipline {
    /// Takes a byte typed; `None` if there is no room for it now. `is_known`: [`LineDiscipline::look_ahead`] has seen it. After a
    /// batch, [`LineDiscipline::show_echoes`] is due.
    pub fn input(&mut self, byte: u8, is_known: bool) -> Option<Outcome> {
        self.make_room()?;
        let settings = &self.settings;
        let (mut byte, mut outcome) = (byte, Outcome::default());
        if self.is_transparent() {
            self.put_unread(Unread::from(byte));
            return Some(outcome);
        }
        if settings.has_input(iflag::ISTRIP) {
            byte &= 0x7f;
        }
        if settings.has_input(iflag::IUCLC) && settings.has_local(lflag::IEXTEN) {
            byte = to_lower(byte);
        }
        if core::mem::take(&mut self.is_literal) {
            self.take(byte, &mut outcome);
        } else if self.settings.has_local(lflag::EXTPROC) {
            self.put_unread(Unread::from(byte));
        } else {
            self.take_special(byte, is_known, &mut outcome);
        }
        Some(outcome)
    }

    /// Whether bytes are passed on without being looked at.
    fn is_transparent(&self) -> bool {
        use iflag::{ICRNL, IGNCR, INLCR, ISTRIP, IUCLC, IXON, PARMRK};
        let Settings { iflag, lflag, .. } = self.settings;
        let changes_first = iflag & ISTRIP != 0 || iflag & IUCLC != 0 && lflag & lflag::IEXTEN != 0;
        let looks = iflag & (ISTRIP | IUCLC | IGNCR | ICRNL | INLCR | IXON | PARMRK) != 0
            || lflag & (lflag::ICANON | lflag::ISIG | lflag::ECHO) != 0;
        !looks || lflag & lflag::EXTPROC != 0 && !changes_first
    }

    /// Acts at once on flow control characters among bytes that have no room yet; [`LineDiscipline::input`] is told when their
    /// turn comes. True if output was stopped or goes on.
    pub fn look_ahead(&mut self, bytes: impl Iterator<Item = u8>) -> bool {
        let mut has_changed = false;
        for byte in bytes {
            has_changed |= self.control_flow(byte).unwrap_or(false);
        }
        self.show_echoes();
        has_changed
    }

    /// Whether there is room for what is typed next.
    pub fn has_room(&self) -> bool {
        self.room() > 0 || self.is_line_overlong()
    }

    fn room(&self) -> usize {
        let free = CAPACITY.saturating_sub(self.unread.len());
        // A byte may become three.
        let free = if self.settings.has_input(iflag::PARMRK) { free.div_ceil(3) } else { free };
        free.saturating_sub(1)
    }

    /// A line that is being edited and fills everything takes on whatever comes, each byte in place of the last, or it could
    /// never be ended.
    fn is_line_overlong(&self) -> bool {
        self.settings.has_local(lflag::ICANON) && self.finished == 0
    }

    fn make_room(&mut self) -> Option<()> {
        if self.room() == 0 {
            if !self.is_line_overlong() {
                return None;
            }
            if self.unread.len() >= CAPACITY {
                self.unread.truncate(CAPACITY - 1);
            }
        }
        Some(())
    }

    /// Keeps a byte for the program. Without memory it is lost.
    fn put_unread(&mut self, byte: Unread) {
        if self.unread.len() < CAPACITY && self.unread.try_reserve(1).is_ok() {
            self.unread.push_back(byte);
        }
    }

    /// With PARMRK, byte 255 is doubled, for it marks others.
    fn put_marked(&mut self, byte: u8) {
        if byte == 0xff && self.settings.has_input(iflag::PARMRK) {
            self.put_unread(Unread::from(byte));
        }
        self.put_unread(Unread::from(byte));
    }

    /// Flow control: `None` if the byte is none, else whether output was stopped or goes on.
    fn control_flow(&mut self, byte: u8) -> Option<bool> {
        if !self.settings.has_input(iflag::IXON) {
            None
        } else if self.settings.is(byte, cc::VSTART) {
            Some(self.start())
        } else if self.settings.is(byte, cc::VSTOP) {
            Some(self.stop())
        } else {
            None
        }
    }

    /// Takes a byte that may be a special character.
    fn take_special(&mut self, byte: u8, is_known: bool, outcome: &mut Outcome) {
        let mut byte = byte;
        let is_flow_control = self.settings.has_input(iflag::IXON)
            && (self.settings.is(byte, cc::VSTART) || self.settings.is(byte, cc::VSTOP));
        if is_flow_control {
            if !is_known && let Some(has_changed) = self.control_flow(byte) {
                outcome.has_flow_changed = has_changed;
                self.show_echoes();
            }
            return;
        }
        if self.settings.has_local(lflag::ISIG)
            && let Some(signal) = self.signal_of(byte)
        {
            outcome.signal = Some(signal);
            self.take_signal(byte, outcome);
            return;
        }
        self.go_on_by_any(outcome);
        let mut was_return = false;
        match byte {
            b'\r' if self.settings.has_input(iflag::IGNCR) => return,
            b'\r' if self.settings.has_input(iflag::ICRNL) => (byte, was_return) = (b'\n', true),
            b'\n' if self.settings.has_input(iflag::INLCR) => byte = b'\r',
            _ => {}
        }
        if self.settings.has_local(lflag::ICANON) && self.edit(byte) {
            return;
        }
        if was_return && self.settings.has_local(lflag::ECHO) {
            // LINUX: a newline that was typed as a carriage return is echoed as itself, any other one as ^J.
            self.finish_erasing();
            self.echo_raw(byte);
            self.commit_echoes();
            self.put_marked(byte);
        } else {
            self.take(byte, outcome);
        }
    }

    fn signal_of(&self, byte: u8) -> Option<Signal> {
        [(cc::VINTR, Signal::Interrupt), (cc::VQUIT, Signal::Quit), (cc::VSUSP, Signal::Stop)]
            .into_iter()
            .find_map(|(place, signal)| self.settings.is(byte, place).then_some(signal))
    }

    fn take_signal(&mut self, byte: u8, outcome: &mut Outcome) {
        if !self.settings.has_local(lflag::NOFLSH) {
            self.echoes.clear();
            self.flush_output();
            self.flush_input();
        }
        // Output that was stopped goes on, or the program could not be seen to end.
        if self.settings.has_input(iflag::IXON) {
            outcome.has_flow_changed = self.start();
        }
        if self.settings.has_local(lflag::ECHO) {
            self.echo(byte);
            self.commit_echoes();
        } else {
            self.show_echoes();
        }
    }

    /// With IXANY any byte lets output go on.
    fn go_on_by_any(&mut self, outcome: &mut Outcome) {
        if self.settings.has_input(iflag::IXON) && self.settings.has_input(iflag::IXANY) && self.start() {
            outcome.has_flow_changed = true;
            self.show_echoes();
        }
    }

    /// Canonical mode: false if the byte is an ordinary one.
    fn edit(&mut self, byte: u8) -> bool {
        let is_extended = self.settings.has_local(lflag::IEXTEN);
        let has_echo = self.settings.has_local(lflag::ECHO);
        let is = |place| self.settings.is(byte, place);
        if is(cc::VERASE) || is(cc::VKILL) || is(cc::VWERASE) && is_extended {
            self.erase(byte);
        } else if is(cc::VLNEXT) && is_extended {
            self.is_literal = true;
            if has_echo {
                self.finish_erasing();
                if self.settings.has_local(lflag::ECHOCTL) {
                    self.echo_raw(b'^');
                    self.echo_raw(8);
                }
            }
        } else if is(cc::VREPRINT) && has_echo && is_extended {
            self.finish_erasing();
            self.echo(byte);
            self.echo_raw(b'\n');
            for place in self.finished..self.unread.len() {
                // CAST: the low bits are the byte.
                self.echo(self.unread[place] as u8);
            }
        } else if byte == b'\n' {
            if has_echo || self.settings.has_local(lflag::ECHONL) {
                self.echo_raw(b'\n');
            }
            self.finish_line(LINE_END | Unread::from(byte));
        } else if is(cc::VEOF) {
            self.finish_line(END_OF_FILE);
        } else if is(cc::VEOL) || is(cc::VEOL2) && is_extended {
            if has_echo {
                self.mark_line_start();
                self.echo(byte);
            }
            if byte == 0xff && self.settings.has_input(iflag::PARMRK) {
                self.put_unread(Unread::from(byte));
            }
            self.finish_line(LINE_END | Unread::from(byte));
        } else {
            return false;
        }
        self.commit_echoes();
        true
    }

    fn finish_line(&mut self, end: Unread) {
        self.put_unread(end);
        self.finished = self.unread.len();
    }

    fn mark_line_start(&mut self) {
        if self.unread.len() == self.finished {
            self.push_echo(Echo::LineStart);
        }
    }

    /// Takes an ordinary byte.
    fn take(&mut self, byte: u8, outcome: &mut Outcome) {
        self.go_on_by_any(outcome);
        if self.settings.has_local(lflag::ECHO) {
            self.finish_erasing();
            self.mark_line_start();
            self.echo(byte);
            self.commit_echoes();
        }
        self.put_marked(byte);
    }
}
