//! Strings: quoted, escaped, cut.
use super::Memory;
use super::line::Line;
use super::scalar;
use alloc::vec::Vec;

/// Longest path that is read.
const PATH_BYTES: usize = 4096;
/// Most strings of a list that are shown, and that are counted.
const SHOWN_STRINGS: usize = 32;
const COUNTED_STRINGS: u64 = 100_000;

/// Bytes between quotes.
pub(super) fn quote(line: &mut Line, bytes: &[u8]) {
    line.push("\"");
    escape(line, bytes, b"\"");
    line.push("\"");
}

/// Bytes; what could not be seen, and what would end them, in a form that can.
pub(super) fn escape(line: &mut Line, bytes: &[u8], ends: &[u8]) {
    for (place, byte) in bytes.iter().enumerate() {
        let is_digit_next = bytes.get(place + 1).is_some_and(|next| (b'0'..=b'7').contains(next));
        match byte {
            b'\n' => line.push("\\n"),
            b'\t' => line.push("\\t"),
            b'\r' => line.push("\\r"),
            0x0b => line.push("\\v"),
            0x0c => line.push("\\f"),
            b'"' if ends.contains(byte) => line.push("\\\""),
            b'\\' => line.push("\\\\"),
            b' '..=b'~' if !ends.contains(byte) || *byte == b'"' => line.put(format_args!("{}", char::from(*byte))),
            // A digit that follows must not be taken for one of the number's.
            _ if is_digit_next => line.put(format_args!("\\{byte:03o}")),
            _ => line.put(format_args!("\\{byte:o}")),
        }
    }
}

/// At most `limit` bytes between quotes.
pub fn quoted(line: &mut Line, bytes: &[u8], limit: usize) {
    quote(line, &bytes[..bytes.len().min(limit)]);
    line.push(if bytes.len() > limit { "..." } else { "" });
}

/// A buffer for `bytes`; empty if there is no memory for it.
pub(super) fn buffer(bytes: usize) -> Vec<u8> {
    let mut buffer = Vec::new();
    if buffer.try_reserve_exact(bytes).is_ok() {
        buffer.resize(bytes, 0);
    }
    buffer
}

/// `length` bytes at an address, at most `limit` of them.
pub(super) fn bytes(line: &mut Line, memory: &mut dyn Memory, address: u64, length: u64, limit: usize) {
    // CAST: compared with a small number first.
    let mut text = buffer(length.min(limit as u64) as usize);
    if address == 0 || !memory.read(address, &mut text) {
        return scalar::address(line, address);
    }
    quote(line, &text);
    if length > text.len() as u64 {
        line.push("...");
    }
}

/// The same in hexadecimal.
pub(super) fn hexadecimal(line: &mut Line, memory: &mut dyn Memory, address: u64, length: u64, limit: usize) {
    // CAST: compared with a small number first.
    let mut text = buffer(length.min(limit as u64) as usize);
    if address == 0 || !memory.read(address, &mut text) {
        return scalar::address(line, address);
    }
    line.push("\"");
    for byte in &text {
        line.put(format_args!("\\x{byte:02x}"));
    }
    line.push(if length > text.len() as u64 { "\"..." } else { "\"" });
}

/// A zero-terminated string, at most `limit` bytes of it.
pub(super) fn string(line: &mut Line, memory: &mut dyn Memory, address: u64, limit: usize) {
    // One more, so that a string of just so many bytes shows as whole.
    let mut text = buffer(limit + 1);
    match memory.read_string(address, &mut text).filter(|_| address != 0 && !text.is_empty()) {
        Some(length) => {
            quote(line, &text[..length.min(limit)]);
            if length > limit {
                line.push("...");
            }
        }
        None => scalar::address(line, address),
    }
}

/// A file's name.
pub(super) fn path(line: &mut Line, memory: &mut dyn Memory, address: u64) {
    string(line, memory, address, PATH_BYTES - 1);
}

/// A zero-terminated list of strings.
pub(super) fn strings(line: &mut Line, memory: &mut dyn Memory, address: u64, limit: usize) {
    if address == 0 {
        return line.push("NULL");
    }
    let mut place = address;
    let mut separator = "[";
    for index in 0.. {
        let Some(pointer) = word(memory, place) else {
            if index == 0 {
                return scalar::address(line, address);
            }
            line.put(format_args!(", ... /* {place:#x} */"));
            break;
        };
        if pointer == 0 {
            break;
        }
        if index == SHOWN_STRINGS {
            line.push(", ...");
            break;
        }
        line.push(separator);
        separator = ", ";
        string(line, memory, pointer, limit);
        place = place.wrapping_add(8);
    }
    line.push(if separator == "[" { "[]" } else { "]" });
}

/// How many strings are in a zero-terminated list.
pub(super) fn environment(line: &mut Line, memory: &mut dyn Memory, address: u64) {
    scalar::address(line, address);
    if address == 0 {
        return;
    }
    for count in 0..COUNTED_STRINGS {
        match word(memory, address.wrapping_add(count * 8)) {
            Some(0) => return line.put(format_args!(" /* {count} var{} */", if count == 1 { "" } else { "s" })),
            Some(_) => {}
            None => return,
        }
    }
}

/// A 64-bit word.
pub(super) fn word(memory: &mut dyn Memory, address: u64) -> Option<u64> {
    super::read::<u64>(memory, address)
}
