//! The standard macros that print, for readers who may have gone: `ochre strace … 2>&1 | head` is a usual thing to say, and the standard
//! library's own would panic there, in the middle of what is left to do. What nobody reads is not said.
//!
//! Declared before all modules, they take the place of the library's in the whole tool.

/// [`std::println`], to a reader who may have gone.
macro_rules! println {
    ($($words:tt)*) => { $crate::say::to(&mut std::io::stdout().lock(), format_args!($($words)*), "\n") };
}

/// [`std::print`], to a reader who may have gone.
macro_rules! print {
    ($($words:tt)*) => { $crate::say::to(&mut std::io::stdout().lock(), format_args!($($words)*), "") };
}

/// [`std::eprintln`], to a reader who may have gone.
macro_rules! eprintln {
    ($($words:tt)*) => { $crate::say::to(&mut std::io::stderr().lock(), format_args!($($words)*), "\n") };
}

/// Writes these words.
pub(crate) fn to(out: &mut dyn std::io::Write, words: std::fmt::Arguments<'_>, end: &str) {
    // Then there is nobody to tell.
    let _ = out.write_fmt(words).and_then(|()| out.write_all(end.as_bytes()));
}

#[cfg(test)]
mod tests {
    /// A pipe whose reader has gone.
    struct Gone;

    impl std::io::Write for Gone {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn words_are_whole_or_not_said() {
        let mut out = Vec::new();
        super::to(&mut out, format_args!("{}, {}", 1, 2), "\n");
        super::to(&mut Gone, format_args!("{}", 3), "\n");
        assert_eq!(out, b"1, 2\n");
    }
}
