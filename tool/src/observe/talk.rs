//! Where an observer's text goes: a file (`-o`), or standard error, which may be a raw terminal while the program runs.
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// A writer for text.
pub(crate) struct Talk {
    out: Out,
}

enum Out {
    File(BufWriter<File>),
    Error { is_raw: bool, line: Vec<u8> },
}

impl Talk {
    /// To `file`, else to standard error. `terminal`: which descriptors are the terminal; the input being one makes it raw.
    pub(crate) fn open(file: Option<&Path>, terminal: u8) -> io::Result<Talk> {
        let out = match file {
            Some(file) => Out::File(BufWriter::new(File::create(file)?)),
            None => Out::Error { is_raw: terminal & 0b101 == 0b101, line: Vec::new() },
        };
        Ok(Talk { out })
    }

    /// The terminal is as it was before the run.
    pub(crate) fn no_longer_raw(&mut self) {
        if let Out::Error { is_raw, .. } = &mut self.out {
            *is_raw = false;
        }
    }
}

impl Write for Talk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.out {
            Out::File(file) => file.write(bytes),
            Out::Error { is_raw, line } => {
                for byte in bytes {
                    if *is_raw && *byte == b'\n' {
                        line.push(b'\r');
                    }
                    line.push(*byte);
                }
                if line.len() > 16 * 1024 {
                    self.flush()?;
                }
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.out {
            Out::File(file) => file.flush(),
            Out::Error { line, .. } => {
                let result = io::stderr().lock().write_all(line);
                line.clear();
                result
            }
        }
    }
}

/// What was not flushed when an error ended the run is said all the same.
impl Drop for Talk {
    fn drop(&mut self) {
        // Nobody listens any more: then there is nobody to tell.
        let _ = self.flush();
    }
}
