//! The text of a trace program, and mistakes in it that point at their place.
use std::fmt;

/// Something wrong at a place of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// The byte of the text.
    pub(crate) at: usize,
    /// What is wrong.
    pub(crate) message: String,
}

/// A mistake at a place.
pub(crate) fn mistake<T>(at: usize, message: impl Into<String>) -> Result<T, Mistake> {
    Err(Mistake { at, message: message.into() })
}

/// A mistake with its text: the message, the line, and a mark below the place.
pub(crate) struct Shown<'a>(pub(crate) &'a str, pub(crate) &'a Mistake);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shown(text, mistake) = self;
        // Places are byte offsets of character boundaries, but nothing breaks if one is not.
        let at = (0..=mistake.at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let line = text[start..].lines().next().unwrap_or_default();
        let column = text[start..at].chars().count();
        writeln!(out, "the trace program makes no sense: {}", mistake.message)?;
        writeln!(out, "  {}", line.replace('\t', " "))?;
        write!(out, "  {:column$}^", "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_below_the_place() {
        let mistake = Mistake { at: 6, message: "bad".into() };
        assert_eq!(Shown("ab\ncd é", &mistake).to_string(), "the trace program makes no sense: bad\n  cd é\n     ^");
        let end = Mistake { at: 99, message: "early".into() };
        assert_eq!(Shown("abc", &end).to_string(), "the trace program makes no sense: early\n  abc\n     ^");
    }
}
