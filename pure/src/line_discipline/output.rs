//! Output processing: what a program writes on its way to the terminal, and the queue it leaves by.
use super::character::{is_control, to_upper};
use super::discipline::{LineDiscipline, OUTPUT_CAPACITY};
use super::settings::oflag;

impl LineDiscipline {
    /// Takes what a program writes, as far as there is room; answers how many bytes.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        self.show_echoes();
        if self.is_stopped {
            return 0;
        }
        if !self.settings.has_output(oflag::OPOST) {
            let count = bytes.len().min(self.output_room());
            return if self.put(&bytes[..count]) { count } else { 0 };
        }
        let mut taken = 0;
        while taken < bytes.len() {
            let plain = self.put_plain(&bytes[taken..]);
            taken += plain;
            let Some(byte) = bytes.get(taken) else { break };
            if !self.put_processed(*byte) {
                break;
            }
            taken += 1;
        }
        taken
    }

    /// Room for output.
    pub fn output_room(&self) -> usize {
        OUTPUT_CAPACITY.saturating_sub(self.output.len())
    }

    /// Bytes on their way.
    pub fn output_bytes(&self) -> usize {
        self.output.len()
    }

    /// Takes output off, for the terminal to show; answers how many bytes.
    pub fn take_output(&mut self, out: &mut [u8]) -> usize {
        let count = out.len().min(self.output.len());
        let (front, back) = self.output.as_slices();
        let from_front = count.min(front.len());
        out[..from_front].copy_from_slice(&front[..from_front]);
        out[from_front..count].copy_from_slice(&back[..count - from_front]);
        self.output.drain(..count);
        count
    }

    /// Forgets all output (TCIFLUSH by the side that shows it).
    pub fn drop_output(&mut self) {
        self.output.clear();
    }

    /// Puts a flow control character that a program sends behind the output, past a stop by the other side.
    pub fn send(&mut self, byte: u8) {
        let was_stopped = self.is_stopped;
        self.start();
        if !self.is_stopped {
            self.put(&[byte]);
        }
        if was_stopped {
            self.stop();
        }
    }

    /// Puts bytes behind the output. False if there is no room.
    pub(super) fn put(&mut self, bytes: &[u8]) -> bool {
        let has_room = bytes.len() <= self.output_room() && self.output.try_reserve(bytes.len()).is_ok();
        if has_room {
            self.output.extend(bytes);
        }
        has_room
    }

    /// Passes on the bytes at the beginning that are shown as they are; answers how many.
    fn put_plain(&mut self, bytes: &[u8]) -> usize {
        let settings = self.settings;
        let is_plain = |byte: &u8| match byte {
            b'\n' => !settings.has_output(oflag::ONLCR),
            b'\r' | b'\t' => false,
            byte => is_control(*byte) || !settings.has_output(oflag::OLCUC),
        };
        let plain = bytes.iter().take(self.output_room()).take_while(|byte| is_plain(byte)).count();
        if !self.put(&bytes[..plain]) {
            return 0;
        }
        bytes[..plain].iter().for_each(|byte| self.move_column(*byte));
        plain
    }

    /// Passes on one byte, or what stands for it. False if there is no room.
    pub(super) fn put_processed(&mut self, byte: u8) -> bool {
        let settings = self.settings;
        let has = |flag| settings.has_output(flag);
        match byte {
            b'\n' if has(oflag::ONLCR) => {
                if !self.put(b"\r\n") {
                    return false;
                }
                (self.column, self.line_column) = (0, 0);
            }
            b'\r' if has(oflag::ONOCR) && self.column == 0 => {}
            b'\r' if has(oflag::OCRNL) => {
                if !self.put(b"\n") {
                    return false;
                }
                if has(oflag::ONLRET) {
                    (self.column, self.line_column) = (0, 0);
                }
            }
            b'\t' => {
                let width = 8 - self.column % 8;
                let is_put = if has(oflag::XTABS) { self.put(&[b' '; 8][..width]) } else { self.put(b"\t") };
                if !is_put {
                    return false;
                }
                self.column += width;
            }
            byte => {
                let shown = if !is_control(byte) && has(oflag::OLCUC) { to_upper(byte) } else { byte };
                if !self.put(&[shown]) {
                    return false;
                }
                self.move_column(shown);
            }
        }
        true
    }

    /// Where the cursor is after a byte that is shown as it is, tabs left aside.
    fn move_column(&mut self, byte: u8) {
        match byte {
            b'\n' => {
                if self.settings.has_output(oflag::ONLRET) {
                    self.column = 0;
                }
                self.line_column = self.column;
            }
            b'\r' => (self.column, self.line_column) = (0, 0),
            8 => self.column = self.column.saturating_sub(1),
            byte if is_control(byte) || self.settings.is_continuation(byte) => {}
            _ => self.column += 1,
        }
    }
}
