//! Editing a line: taking back the last character, word or everything, and showing that.
use super::character::{is_alphanumeric, is_control};
use super::discipline::LineDiscipline;
use super::echo::Echo;
use super::settings::{cc, lflag};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Character,
    Word,
    Line,
}

impl LineDiscipline {
    /// The byte of the line being edited at `place`.
    fn edited(&self, place: usize) -> u8 {
        // CAST: the low bits are the byte.
        self.unread.get(place).map_or(0, |byte| *byte as u8)
    }

    /// Takes VERASE, VWERASE or VKILL.
    pub(super) fn erase(&mut self, byte: u8) {
        if self.unread.len() <= self.finished {
            return;
        }
        let has = |flag| self.settings.has_local(flag);
        let extent = if self.settings.is(byte, cc::VERASE) {
            Extent::Character
        } else if self.settings.is(byte, cc::VWERASE) {
            Extent::Word
        } else if has(lflag::ECHO) && has(lflag::ECHOK) && has(lflag::ECHOKE) && has(lflag::ECHOE) {
            Extent::Line
        } else {
            let has_newline = has(lflag::ECHOK);
            self.unread.truncate(self.finished);
            if self.settings.has_local(lflag::ECHO) {
                self.finish_erasing();
                self.echo(self.settings.cc[cc::VKILL]);
                if has_newline {
                    self.echo_raw(b'\n');
                }
            }
            return;
        };
        let mut has_seen_word = false;
        while self.unread.len() > self.finished {
            let mut start = self.unread.len() - 1;
            while start > self.finished && self.settings.is_continuation(self.edited(start)) {
                start -= 1;
            }
            let first = self.edited(start);
            // Half a character stays.
            if self.settings.is_continuation(first) {
                break;
            }
            if extent == Extent::Word {
                if is_alphanumeric(first) || first == b'_' {
                    has_seen_word = true;
                } else if has_seen_word {
                    break;
                }
            }
            if self.settings.has_local(lflag::ECHO) {
                self.show_erasure(extent, start);
            }
            self.unread.truncate(start);
            if extent == Extent::Character {
                break;
            }
        }
        if self.unread.len() == self.finished && self.settings.has_local(lflag::ECHO) {
            self.finish_erasing();
        }
    }

    /// Shows that the character from `start` to the end is gone.
    fn show_erasure(&mut self, extent: Extent, start: usize) {
        let first = self.edited(start);
        if self.settings.has_local(lflag::ECHOPRT) {
            if !core::mem::replace(&mut self.is_erasing, true) {
                self.echo_raw(b'\\');
            }
            self.echo(first);
            for place in start + 1..self.unread.len() {
                self.echo_raw(self.edited(place));
                self.push_echo(Echo::BackColumn);
            }
        } else if extent == Extent::Character && !self.settings.has_local(lflag::ECHOE) {
            self.echo(self.settings.cc[cc::VERASE]);
        } else if first == b'\t' {
            let (columns, is_after_tab) = self.columns_before(start);
            // CAST: below 8.
            self.push_echo(Echo::EraseTab { columns: (columns % 8) as u8, is_after_tab });
        } else {
            let width = match (is_control(first), self.settings.has_local(lflag::ECHOCTL)) {
                (true, true) => 2,
                (true, false) => 0,
                (false, _) => 1,
            };
            for _ in 0..width {
                for byte in *b"\x08 \x08" {
                    self.echo_raw(byte);
                }
            }
        }
    }

    /// How many columns lie before `place` in the line, or since the last tab in it.
    fn columns_before(&self, place: usize) -> (usize, bool) {
        let mut columns = 0;
        for at in (self.finished..place).rev() {
            match self.edited(at) {
                b'\t' => return (columns, true),
                byte if is_control(byte) => columns += 2 * usize::from(self.settings.has_local(lflag::ECHOCTL)),
                byte if self.settings.is_continuation(byte) => {}
                _ => columns += 1,
            }
        }
        (columns, false)
    }
}
