//! The first line of a script: no input panics, and what is found is part of the input.
#![no_main]
use libfuzzer_sys::fuzz_target;
use pure::script_line::{LINE_BYTES, parse};

fuzz_target!(|bytes: &[u8]| {
    let mut start = [0; LINE_BYTES];
    let length = bytes.len().min(LINE_BYTES);
    start[..length].copy_from_slice(&bytes[..length]);
    if let Ok(Some(line)) = parse(&start) {
        assert!(!line.interpreter.is_empty());
        assert!(!line.interpreter.iter().any(|byte| matches!(byte, b' ' | b'\t' | b'\n' | 0)));
        assert!(line.argument.is_none_or(|argument| !argument.is_empty() && !argument.contains(&b'\n')));
    }
});
