//! The text and the place in it: blanks and comments, signs, names, numbers, texts in quotes.
use crate::trace::source::{Mistake, mistake};

/// All operators and other signs that begin with a shorter operator and are not that operator.
const LONGER: &[&str] = &["||", "&&", "==", "!=", "<=", ">=", "<<", ">>", "->", "++", "--", "+=", "-="];

/// Reads a program from front to back.
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) depth: usize,
    pub(super) operators: usize,
    /// Outside parentheses of a predicate, where a `/` may be its end.
    pub(super) is_in_predicate: bool,
}

impl<'a> Parser<'a> {
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn skip_blanks(&mut self) -> Result<(), Mistake> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with("//") && !self.is_in_predicate {
                self.at += trimmed.find('\n').unwrap_or(trimmed.len());
            } else if let Some(comment) = trimmed.strip_prefix("/*") {
                match comment.find("*/") {
                    Some(end) => self.at += end + 4,
                    None => return mistake(self.at, "this comment has no end"),
                }
            } else {
                return Ok(());
            }
        }
    }

    /// Takes a sign and the blanks after it, if it stands here as itself.
    pub(super) fn takes(&mut self, sign: &str) -> Result<bool, Mistake> {
        let rest = self.rest();
        let is_longer =
            |longer: &&&str| longer.len() > sign.len() && longer.starts_with(sign) && rest.starts_with(**longer);
        if !rest.starts_with(sign) || LONGER.iter().any(|longer| is_longer(&longer)) {
            return Ok(false);
        }
        self.at += sign.len();
        self.skip_blanks()?;
        Ok(true)
    }

    pub(super) fn needs(&mut self, sign: &str, what: &str) -> Result<(), Mistake> {
        if self.takes(sign)? { Ok(()) } else { mistake(self.at, format!("{what}: {sign} is missing here")) }
    }

    /// Takes a name, if one stands here.
    pub(super) fn name(&mut self) -> Result<Option<&'a str>, Mistake> {
        let rest = self.rest();
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        if end == 0 || rest.starts_with(|c: char| c.is_ascii_digit()) {
            return Ok(None);
        }
        self.at += end;
        self.skip_blanks()?;
        Ok(Some(&rest[..end]))
    }

    pub(super) fn number(&mut self) -> Result<Option<i64>, Mistake> {
        let (at, rest) = (self.at, self.rest());
        if !rest.starts_with(|c: char| c.is_ascii_digit()) {
            return Ok(None);
        }
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let word = &rest[..end];
        let value = match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
            Some(digits) => u64::from_str_radix(digits, 16),
            None if word.len() > 1 && word.starts_with('0') => u64::from_str_radix(word, 8),
            None => word.parse(),
        };
        let Ok(value) = value else { return mistake(at, format!("{word} is no number of 64 bits")) };
        self.at += end;
        self.skip_blanks()?;
        Ok(Some(value.cast_signed()))
    }

    /// A text in double quotes, with C's escapes.
    pub(super) fn quoted(&mut self) -> Result<Option<String>, Mistake> {
        let at = self.at;
        let Some(inner) = self.rest().strip_prefix('"') else { return Ok(None) };
        let mut text = String::new();
        let mut characters = inner.char_indices();
        while let Some((offset, character)) = characters.next() {
            match character {
                '"' => {
                    self.at += offset + 2;
                    self.skip_blanks()?;
                    return Ok(Some(text));
                }
                '\\' => match characters.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, '0')) => text.push('\0'),
                    Some((_, other @ ('\\' | '"'))) => text.push(other),
                    _ => return mistake(at + 1 + offset, "only \\n, \\t, \\0, \\\\ and \\\" can stand in a text"),
                },
                other => text.push(other),
            }
        }
        mistake(at, "this text has no end")
    }
}
