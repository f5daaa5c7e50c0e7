//! Text of files of `/proc` and `/sys`: grows as long as there is memory.
use crate::errno::{Errno, Result};
use alloc::vec::Vec;
use core::fmt::{self, Write};

/// Text being made.
#[derive(Default)]
pub struct Text(Vec<u8>);

impl Text {
    /// Empty.
    pub const fn new() -> Text {
        Text(Vec::new())
    }
    /// Adds bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.try_reserve(bytes.len())?;
        self.0.extend_from_slice(bytes);
        Ok(())
    }
    /// Adds formatted text: `text.line(format_args!(…))?`. The only thing that fails is memory.
    pub fn add(&mut self, text: fmt::Arguments<'_>) -> Result<()> {
        self.write_fmt(text).map_err(|_| Errno::ENOMEM)
    }
    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// Pads with spaces to `width` bytes after `start`.
    pub fn pad(&mut self, start: usize, width: usize) -> Result<()> {
        while self.0.len() < start + width {
            self.bytes(b" ")?;
        }
        Ok(())
    }
    /// What was made.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl Write for Text {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.bytes(piece.as_bytes()).map_err(|_| fmt::Error)
    }
}

/// Adds formatted text to a [`Text`].
macro_rules! put {
    ($text:expr, $($format:tt)*) => { $text.add(format_args!($($format)*)) };
}
pub(in crate::fs) use put;
