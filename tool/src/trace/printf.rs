//! `printf`'s formats: C's flags `-` and `0`, widths, precisions, and the conversions d i u x X o c p s a; length letters are ignored.

/// A piece of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// As it is.
    Text(String),
    /// A value.
    Value(Conversion),
}

/// How a value is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Conversion {
    letter: char,
    is_left: bool,
    has_zeros: bool,
    width: usize,
    precision: Option<usize>,
    /// `%@d` of `printa`: the value, not a key.
    is_value: bool,
}

/// Greatest width and precision.
const MAX_WIDTH: usize = 200;

impl Conversion {
    /// One without flags. Besides C's letters there is `a`, an address.
    pub(crate) const fn of(letter: char) -> Conversion {
        Conversion { letter, is_left: false, has_zeros: false, width: 0, precision: None, is_value: false }
    }

    /// Whether it is for the value of an aggregation.
    pub(crate) fn is_of_aggregation(self) -> bool {
        self.is_value
    }

    /// Whether it is for text.
    pub(crate) fn is_text(self) -> bool {
        self.letter == 's'
    }

    /// A number or (the other way round) a text by it.
    pub(crate) fn apply(self, value: Result<u64, &str>) -> String {
        let shown = match (self.letter, value) {
            (_, Err(text)) => text.chars().take(self.precision.unwrap_or(usize::MAX)).collect(),
            ('u', Ok(value)) => value.to_string(),
            ('x', Ok(value)) => format!("{value:x}"),
            ('X', Ok(value)) => format!("{value:X}"),
            ('o', Ok(value)) => format!("{value:o}"),
            ('p' | 'a', Ok(value)) => format!("{value:#x}"),
            // CAST: the low byte is the character.
            ('c', Ok(value)) => char::from(value as u8).to_string(),
            (_, Ok(value)) => value.cast_signed().to_string(),
        };
        let missing = self.width.saturating_sub(shown.chars().count());
        match (self.is_left, self.has_zeros && value.is_ok()) {
            (true, _) => shown + &" ".repeat(missing),
            (false, false) => " ".repeat(missing) + &shown,
            (false, true) => match shown.strip_prefix('-') {
                Some(digits) => format!("-{}{digits}", "0".repeat(missing)),
                None => "0".repeat(missing) + &shown,
            },
        }
    }
}

/// Takes a format apart; an error has the offset of what is wrong.
pub(crate) fn parse(format: &str) -> Result<Vec<Part>, (usize, String)> {
    take_apart(format, false)
}

/// The same of `printa`'s, in which `@` marks conversions of the value.
pub(crate) fn parse_with_values(format: &str) -> Result<Vec<Part>, (usize, String)> {
    take_apart(format, true)
}

fn take_apart(format: &str, may_have_values: bool) -> Result<Vec<Part>, (usize, String)> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut characters = format.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        let mut conversion = Conversion::of('%');
        while let Some((_, flag)) = characters.next_if(|(_, c)| matches!(c, '-' | '0' | '+' | ' ' | '#')) {
            conversion.is_left |= flag == '-';
            conversion.has_zeros |= flag == '0';
        }
        conversion.is_value = may_have_values && characters.next_if(|(_, c)| *c == '@').is_some();
        let mut number = || {
            let mut number = None;
            while let Some(digit) = characters.peek().and_then(|(_, c)| c.to_digit(10)) {
                characters.next();
                number = Some((number.unwrap_or(0) * 10 + digit as usize).min(MAX_WIDTH));
            }
            number
        };
        conversion.width = number().unwrap_or(0);
        if characters.next_if(|(_, c)| *c == '.').is_some() {
            let mut precision = 0;
            while let Some(digit) = characters.peek().and_then(|(_, c)| c.to_digit(10)) {
                characters.next();
                precision = (precision * 10 + digit as usize).min(MAX_WIDTH);
            }
            conversion.precision = Some(precision);
        }
        while characters.next_if(|(_, c)| matches!(c, 'l' | 'h' | 'j' | 'z')).is_some() {}
        match characters.next() {
            Some((_, '%')) => text.push('%'),
            Some((_, letter)) if "diuxXocpsa".contains(letter) => {
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                parts.push(Part::Value(Conversion { letter, ..conversion }));
            }
            Some((_, letter)) => return Err((at, format!("printf has no conversion %{letter}"))),
            None => return Err((at, "this conversion has no letter".into())),
        }
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(format: &str, value: Result<u64, &str>) -> String {
        let parts = parse(format).unwrap();
        let show = |part: Part| match part {
            Part::Text(text) => text,
            Part::Value(conversion) => conversion.apply(value),
        };
        parts.into_iter().map(show).collect()
    }

    #[test]
    fn numbers_are_shown_as_in_c() {
        assert_eq!(shown("a %d%% b", Ok(u64::MAX)), "a -1% b");
        assert_eq!(shown("%5d|%-5d|%05d|", Ok(42)), "   42|42   |00042|");
        assert_eq!(shown("%05d", Ok((-42i64).cast_unsigned())), "-0042");
        assert_eq!(shown("%x %#X %o %lu %c %p", Ok(65)), "41 41 101 65 A 0x41");
        assert_eq!(shown("%-6s|%4s|%.2s", Err("abc")), "abc   | abc|ab");
    }

    #[test]
    fn values_of_aggregations_are_marked() {
        let parts = parse_with_values("%s %@5d").unwrap();
        let marks: Vec<bool> =
            parts.iter().map(|part| matches!(part, Part::Value(c) if c.is_of_aggregation())).collect();
        assert_eq!(marks, [false, false, true]);
        assert_eq!(parse("%@d").unwrap_err().0, 0);
    }

    #[test]
    fn bad_formats_are_told_with_their_place() {
        assert_eq!(parse("ab %q").unwrap_err().0, 3);
        assert_eq!(parse("%").unwrap_err().0, 0);
        assert_eq!(parse("%-12").unwrap_err().0, 0);
    }
}
