//! The state of a line discipline, and what changes it as a whole: settings, flushes, reads, stop and start.
use super::echo::Echo;
use super::settings::{Settings, cc, iflag, lflag};
use alloc::collections::VecDeque;

/// Bytes kept unread, the line being edited included, are fewer than this, unless they are one line (Linux: `N_TTY_BUF_SIZE`).
pub const CAPACITY: usize = 4096;
/// Most bytes on their way to the terminal.
// LINUX: what a pseudo-terminal's master keeps unread (4095) and what may wait in front of it (8192).
pub const OUTPUT_CAPACITY: usize = CAPACITY - 1 + 8192;

/// A byte of input. Bit 8 says that it ends a line.
pub(super) type Unread = u16;
/// See [`Unread`].
pub(super) const LINE_END: Unread = 0x100;
/// The end of a line that is not read itself: an end-of-file typed.
pub(super) const END_OF_FILE: Unread = LINE_END;

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
    /// Output was stopped or goes on: writers look again.
    pub has_flow_changed: bool,
}

/// Changes that the master of a pseudo-terminal in packet mode is told of (`TIOCPKT_*`).
#[allow(missing_docs, reason = "ioctl_tty(2)")]
pub struct Packet;
#[allow(missing_docs, reason = "ioctl_tty(2)")]
impl Packet {
    pub const FLUSH_READ: u8 = 1;
    pub const FLUSH_WRITE: u8 = 2;
    pub const STOP: u8 = 4;
    pub const START: u8 = 8;
    pub const NO_STOP: u8 = 16;
    pub const DO_STOP: u8 = 32;
    pub const IOCTL: u8 = 64;
}

/// The line discipline of one terminal.
pub struct LineDiscipline {
    pub(super) settings: Settings,
    /// Bytes read by the program next. Where lines are read, those from `finished` on are the line being edited.
    pub(super) unread: VecDeque<Unread>,
    /// Bytes of finished lines.
    pub(super) finished: usize,
    /// What is to be shown of what was typed.
    pub(super) echoes: VecDeque<Echo>,
    /// On its way to the terminal.
    pub(super) output: VecDeque<u8>,
    /// Bytes of the output that a flush leaves.
    kept_by_flush: usize,
    /// The next byte is taken as it is (after VLNEXT).
    pub(super) is_literal: bool,
    /// What is erased is being shown between \ and / (ECHOPRT).
    pub(super) is_erasing: bool,
    /// Output is stopped (VSTOP, TCOOFF).
    pub(super) is_stopped: bool,
    /// It was TCOOFF, so that VSTART does not undo it.
    pub(super) is_stopped_by_call: bool,
    /// Column of the output, for tabs.
    pub(super) column: usize,
    /// Column at which the line being edited began.
    pub(super) line_column: usize,
    /// Changes not yet told, in packet mode.
    packet: Option<u8>,
}

impl LineDiscipline {
    /// With these settings and nothing typed. Flushes leave `kept_by_flush` bytes of the output.
    pub fn new(settings: Settings, kept_by_flush: usize) -> LineDiscipline {
        LineDiscipline {
            settings,
            unread: VecDeque::new(),
            finished: 0,
            echoes: VecDeque::new(),
            output: VecDeque::new(),
            kept_by_flush,
            is_literal: false,
            is_erasing: false,
            is_stopped: false,
            is_stopped_by_call: false,
            column: 0,
            line_column: 0,
            packet: None,
        }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Changes the settings. What was typed stays: leaving canonical mode makes an unfinished line readable, entering it makes
    /// a line of what is unread. True if output goes on by it.
    pub fn set_settings(&mut self, settings: Settings) -> bool {
        let old = core::mem::replace(&mut self.settings, settings);
        if (old.lflag ^ settings.lflag) & (lflag::ICANON | lflag::EXTPROC) != 0 {
            self.unread.iter_mut().for_each(|byte| *byte &= !LINE_END);
            self.finished = 0;
            if settings.has_local(lflag::ICANON)
                && let Some(last) = self.unread.back_mut()
            {
                *last |= LINE_END;
                self.finished = self.unread.len();
            }
            self.is_erasing = false;
            self.is_literal = false;
        }
        if old.has_usual_flow_control() != settings.has_usual_flow_control() {
            let is_usual = settings.has_usual_flow_control();
            let (set, clear) =
                if is_usual { (Packet::DO_STOP, Packet::NO_STOP) } else { (Packet::NO_STOP, Packet::DO_STOP) };
            self.note(set, clear);
        }
        if (old.lflag | settings.lflag) & lflag::EXTPROC != 0 {
            self.note(Packet::IOCTL, 0);
        }
        let goes_on = old.has_input(iflag::IXON) && !settings.has_input(iflag::IXON) && self.start();
        self.show_echoes();
        goes_on
    }

    /// Forgets what was typed and not read.
    pub fn flush_input(&mut self) {
        self.unread.clear();
        self.finished = 0;
        self.is_erasing = false;
        self.note(Packet::FLUSH_READ, 0);
    }

    /// Forgets what is on its way to the terminal, as far as that is still possible.
    pub fn flush_output(&mut self) {
        self.output.truncate(self.kept_by_flush);
        self.note(Packet::FLUSH_WRITE, 0);
    }

    /// Whether output is stopped.
    pub fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Stops output or lets it go on (`tcflow`). True if that changes anything.
    pub fn set_stopped(&mut self, is_stopped: bool) -> bool {
        let changes = is_stopped != self.is_stopped_by_call;
        if changes && is_stopped {
            self.is_stopped_by_call = true;
            self.stop();
        } else if changes {
            // LINUX: echoes wait for the next output or input.
            self.is_stopped_by_call = false;
            self.start();
        }
        changes
    }

    /// Stops output. True if it was not stopped.
    pub(super) fn stop(&mut self) -> bool {
        if self.is_stopped {
            return false;
        }
        self.is_stopped = true;
        self.note(Packet::STOP, Packet::START);
        true
    }

    /// Lets output go on. True if it was stopped and may go on.
    pub(super) fn start(&mut self) -> bool {
        if !self.is_stopped || self.is_stopped_by_call {
            return false;
        }
        self.is_stopped = false;
        self.note(Packet::START, Packet::STOP);
        true
    }

    /// Turns packet mode on or off.
    pub fn set_packet_mode(&mut self, is_on: bool) {
        self.packet = is_on.then(|| self.packet.unwrap_or(0));
    }

    /// Whether packet mode is on.
    pub fn is_in_packet_mode(&self) -> bool {
        self.packet.is_some()
    }

    /// Whether the master has changes to be told of.
    pub fn has_packet_status(&self) -> bool {
        self.packet.is_some_and(|status| status != 0)
    }

    /// The changes to tell, which are then forgotten; 0 for none.
    pub fn take_packet_status(&mut self) -> u8 {
        self.packet.as_mut().map_or(0, core::mem::take)
    }

    fn note(&mut self, set: u8, clear: u8) {
        if let Some(status) = &mut self.packet {
            *status = *status & !clear | set;
        }
    }

    /// Bytes that a read could take now (FIONREAD).
    pub fn readable_bytes(&self) -> usize {
        if !self.settings.reads_lines() {
            return self.unread.len();
        }
        self.unread.iter().take(self.finished).filter(|byte| **byte != END_OF_FILE).count()
    }

    /// Whether a read finds something.
    pub fn is_readable(&self) -> bool {
        if self.settings.reads_lines() { self.finished != 0 } else { !self.unread.is_empty() }
    }

    /// What reads find now, ends of file included: it grows when there is something new to be told of.
    pub fn readable_places(&self) -> usize {
        if self.settings.reads_lines() { self.finished } else { self.unread.len() }
    }

    /// Whether poll says so: in raw mode with VTIME 0, VMIN bytes are waited for.
    pub fn is_poll_readable(&self) -> bool {
        let least = if self.settings.cc[cc::VTIME] == 0 { self.settings.cc[cc::VMIN].max(1) } else { 1 };
        self.is_readable() && (self.settings.reads_lines() || self.unread.len() >= usize::from(least))
    }

    /// Reads: a line or a part of it where lines are read, else what is there. `None`: nothing to read now. `Some(0)`: end of
    /// file (or an empty buffer).
    pub fn read(&mut self, out: &mut [u8]) -> Option<usize> {
        if !self.is_readable() {
            return None;
        }
        let reads_lines = self.settings.reads_lines();
        let mut count = 0;
        while count < out.len()
            && let Some(byte) = self.take_unread()
        {
            if !reads_lines || byte != END_OF_FILE {
                // CAST: the low bits are the byte.
                out[count] = byte as u8;
                count += 1;
            }
            if reads_lines && byte & LINE_END != 0 {
                return Some(count);
            }
        }
        // LINUX: an end-of-file right behind what filled the buffer goes with it, or the next read would find the end.
        if reads_lines && count != 0 && self.finished != 0 && self.unread.front() == Some(&END_OF_FILE) {
            self.take_unread();
        }
        Some(count)
    }

    /// The next byte, of finished lines where lines are read.
    fn take_unread(&mut self) -> Option<Unread> {
        if self.settings.reads_lines() && self.finished == 0 {
            return None;
        }
        let byte = self.unread.pop_front()?;
        self.finished = self.finished.saturating_sub(1);
        Some(byte)
    }
}
