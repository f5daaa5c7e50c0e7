//! A line of text that is written where memory may be short: it grows as far as there is memory, up to a bound, and then says so.
use alloc::string::String;
use core::fmt;

/// Most bytes of a line.
const MOST: usize = 32 * 1024;

/// The line.
#[derive(Debug, Default)]
pub struct Line {
    text: String,
    is_cut: bool,
}

impl Line {
    /// An empty one.
    pub const fn new() -> Line {
        Line { text: String::new(), is_cut: false }
    }
    /// What is in it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
    /// Appends, or drops what does not fit: never fails.
    pub fn push(&mut self, text: &str) {
        if self.is_cut {
            return;
        }
        if text.len() > MOST - self.text.len().min(MOST) || self.text.try_reserve(text.len()).is_err() {
            self.is_cut = true;
            return;
        }
        self.text.push_str(text);
    }
    /// Appends what `format_args!` made.
    pub fn put(&mut self, text: fmt::Arguments<'_>) {
        // Writing never fails, see `push`.
        let _ = fmt::Write::write_fmt(self, text);
    }
    /// Whether something did not fit.
    pub const fn is_cut(&self) -> bool {
        self.is_cut
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}
