//! What is to be shown of what was typed. It waits until a batch of input is over, and while output is stopped or has no
//! room; where the cursor is, on which a tab's width depends, is known only when it is shown.
use super::character::is_control;
use super::discipline::LineDiscipline;
use super::settings::{lflag, oflag};

/// Most echoes kept; the oldest are forgotten.
const ECHO_CAPACITY: usize = super::CAPACITY;
/// So many are shown without waiting for the end of the batch.
const BATCH: usize = 256;

/// One echo.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Echo {
    /// A byte as a program would have written it.
    Byte(u8),
    /// A byte that output processing does not touch.
    Plain(u8),
    /// A control character, as ^X.
    Caret(u8),
    /// What was shown last took no column of its own.
    BackColumn,
    /// The line being edited begins here.
    LineStart,
    /// Back over a tab that had so many columns before it, modulo 8: since another tab, or else since the line's start.
    EraseTab { columns: u8, is_after_tab: bool },
}

impl LineDiscipline {
    pub(super) fn push_echo(&mut self, echo: Echo) {
        if self.echoes.len() >= ECHO_CAPACITY {
            self.echoes.pop_front();
        } else if self.echoes.try_reserve(1).is_err() {
            return;
        }
        self.echoes.push_back(echo);
    }

    /// Echoes a byte, a control character too, as itself.
    pub(super) fn echo_raw(&mut self, byte: u8) {
        self.push_echo(if byte == 0xff { Echo::Plain(byte) } else { Echo::Byte(byte) });
    }

    /// Echoes a byte as typed: control characters as ^X where ECHOCTL says so.
    pub(super) fn echo(&mut self, byte: u8) {
        if self.settings.has_local(lflag::ECHOCTL) && is_control(byte) && byte != b'\t' {
            self.push_echo(Echo::Caret(byte));
        } else {
            self.echo_raw(byte);
        }
    }

    /// Ends what ECHOPRT shows of an erasure.
    pub(super) fn finish_erasing(&mut self) {
        if core::mem::take(&mut self.is_erasing) {
            self.echo_raw(b'/');
        }
    }

    /// An input is dealt with: when much has come together, it is shown before the batch is over.
    pub(super) fn commit_echoes(&mut self) {
        if self.echoes.len() >= BATCH {
            self.show_echoes();
        }
    }

    /// Shows what can be shown now. To be called after each batch of input.
    pub fn show_echoes(&mut self) {
        while !self.is_stopped
            && let Some(echo) = self.echoes.front().copied()
        {
            if !self.show(echo) {
                return;
            }
            self.echoes.pop_front();
        }
    }

    /// False if there is no room.
    fn show(&mut self, echo: Echo) -> bool {
        match echo {
            Echo::Byte(byte) if self.settings.has_output(oflag::OPOST) => return self.put_processed(byte),
            Echo::Byte(byte) => return self.put(&[byte]),
            Echo::Plain(byte) => {
                if !self.put(&[byte]) {
                    return false;
                }
                self.column += 1;
            }
            Echo::Caret(byte) => {
                if !self.put(&[b'^', byte ^ 0x40]) {
                    return false;
                }
                self.column += 2;
            }
            Echo::BackColumn => self.column = self.column.saturating_sub(1),
            Echo::LineStart => self.line_column = self.column,
            Echo::EraseTab { columns, is_after_tab } => {
                let before = usize::from(columns) + if is_after_tab { 0 } else { self.line_column };
                let width = 8 - before % 8;
                if !self.put(&[8; 8][..width]) {
                    return false;
                }
                self.column = self.column.saturating_sub(width);
            }
        }
        true
    }
}
