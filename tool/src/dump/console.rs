//! A console's text: from the last failure that it tells on.

/// What a failure's first line holds.
const MARKS: [&str; 2] = ["*** kernel ", "watchdog:"];

/// From the last such line to the end, or `None`.
pub(crate) fn epitaph(text: &str) -> Option<&str> {
    let start = MARKS.iter().filter_map(|mark| text.rfind(mark)).max()?;
    let line = text[..start].rfind('\n').map_or(0, |end| end + 1);
    Some(&text[line..])
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_last_failure_is_taken() {
        let text = "a\n[1.0] *** kernel panic: x\nb\n[2.0] *** kernel panic: y\nc\n";
        assert_eq!(super::epitaph(text), Some("[2.0] *** kernel panic: y\nc\n"));
        assert_eq!(super::epitaph("all is well"), None);
    }
}
