//! The first line of a script: `#!interpreter [argument]`.
//!
//! Who calls it: `kernel/src/exec` with the first [`LINE_BYTES`] bytes of a file, padded with zeros. The rules are Linux's
//! (fs/binfmt_script.c): one optional argument that reaches to the end of the line, blanks around it cut off, and a name
//! that may have been cut by the end of the buffer is refused.

/// Bytes of a file that are looked at.
pub const LINE_BYTES: usize = 256;

/// What the line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScriptLine<'a> {
    /// Path of the interpreter.
    pub interpreter: &'a [u8],
    /// All that follows it, as one argument.
    pub argument: Option<&'a [u8]>,
}

/// The file begins with `#!` but the line cannot be used. Becomes ENOEXEC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadScript;

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Reads the line; `Ok(None)` if the file is no script.
pub fn parse(start: &[u8; LINE_BYTES]) -> Result<Option<ScriptLine<'_>>, BadScript> {
    let Some(rest) = start.strip_prefix(b"#!") else { return Ok(None) };
    // A zero byte (in the file, or the padding after it) ends the text, as it ends a C string.
    let text = rest.split(|byte| *byte == 0).next().unwrap_or(rest);
    let (line, is_whole) = match text.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&text[..end], true),
        None => (text, text.len() < rest.len()),
    };
    let line = line.trim_start_blanks();
    let name_end = line.iter().position(is_blank);
    if line.is_empty() || (name_end.is_none() && !is_whole) {
        return Err(BadScript);
    }
    let (interpreter, argument) = line.split_at(name_end.unwrap_or(line.len()));
    let argument = argument.trim_start_blanks().trim_end_blanks();
    Ok(Some(ScriptLine { interpreter, argument: (!argument.is_empty()).then_some(argument) }))
}

/// Cutting blanks (space and tab only, unlike the standard library's whitespace).
trait TrimBlanks {
    fn trim_start_blanks(&self) -> &Self;
    fn trim_end_blanks(&self) -> &Self;
}

impl TrimBlanks for [u8] {
    fn trim_start_blanks(&self) -> &[u8] {
        &self[self.iter().take_while(|byte| is_blank(byte)).count()..]
    }
    fn trim_end_blanks(&self) -> &[u8] {
        &self[..self.len() - self.iter().rev().take_while(|byte| is_blank(byte)).count()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    fn padded(text: &[u8]) -> [u8; LINE_BYTES] {
        let mut start = [0; LINE_BYTES];
        start[..text.len()].copy_from_slice(text);
        start
    }

    /// Interpreter and argument as text.
    fn line(text: &[u8]) -> Result<Option<(String, Option<String>)>, BadScript> {
        let start = padded(text);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Ok(parse(&start)?.map(|found| (text(found.interpreter), found.argument.map(text))))
    }

    fn found(interpreter: &str, argument: Option<&str>) -> Result<Option<(String, Option<String>)>, BadScript> {
        Ok(Some((interpreter.into(), argument.map(Into::into))))
    }

    #[test]
    fn reads_lines_as_linux_does() {
        assert_eq!(line(b"\x7fELF"), Ok(None));
        assert_eq!(line(b"#!/bin/sh\necho"), found("/bin/sh", None));
        assert_eq!(line(b"#! \t/bin/sh  -e  -x \t\necho"), found("/bin/sh", Some("-e  -x")));
        assert_eq!(line(b"#!/bin/sh"), found("/bin/sh", None), "no newline, but the file ends");
        assert_eq!(line(b"#!/bin/sh -x"), found("/bin/sh", Some("-x")));
        assert_eq!(line(b"#!\n"), Err(BadScript));
        assert_eq!(line(b"#!   "), Err(BadScript));
    }

    #[test]
    fn a_name_cut_by_the_buffer_is_refused_but_not_an_argument() {
        let mut long = [b'a'; LINE_BYTES];
        long[..3].copy_from_slice(b"#!/");
        assert_eq!(parse(&long), Err(BadScript));
        long[100] = b' ';
        let found = parse(&long).unwrap().unwrap();
        assert_eq!((found.interpreter.len(), found.argument.unwrap().len()), (98, LINE_BYTES - 101));
    }
}
