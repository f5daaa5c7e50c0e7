//! What the guest tells of system calls for `ochre strace`: events in frames of kind [`crate::control::Kind::Strace`], and what the
//! tool asks for ([`Settings`], in the run description).
//!
//! An event is a header of [`HEADER_BYTES`] and its texts. All little endian:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 4 | bytes of the whole event |
//! | 4 | 1 | kind, see [`Kind`] |
//! | 5 | 1 | zero |
//! | 6 | 2 | bytes of the first text |
//! | 8 | 4 | thread |
//! | 12 | 4 | bytes of the second text; the rest is the third |
//! | 16 | 8 | when: nanoseconds since 1970 by the guest's clock |
//! | 24 | 8 | how long: nanoseconds |
//! | 32 | 4 | error number, or zero |
//! | 36 | 4 | zero |
//!
//! Events follow each other without gaps; frames may cut them anywhere. No panic on any input.

/// Bytes of an event's header.
pub const HEADER_BYTES: usize = 40;
/// Most bytes of an event.
pub const MAX_EVENT: usize = 128 * 1024;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A call begins: its name, and the arguments known by now with what precedes them.
    Begin = 1,
    /// A call is over: its name, the rest of the arguments, its result.
    End = 2,
    /// A signal is about to be handled: its name, and what came with it.
    Signal = 3,
    /// A thread ended: how.
    Exit = 4,
    /// Behind an end: what the kernel does not support of this call.
    Limit = 5,
}

/// An event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// What happened.
    pub kind: Kind,
    /// To which thread.
    pub thread: u32,
    /// Nanoseconds since 1970.
    pub when_ns: u64,
    /// Nanoseconds, of a call's end.
    pub took_ns: u64,
    /// Error number, or zero.
    pub error: u32,
    /// See [`Kind`].
    pub texts: [&'a [u8]; 3],
}

impl Event<'_> {
    /// The header; the texts follow it. Texts longer than [`MAX_EVENT`] in all, or a first one beyond 64 KiB, cannot be told.
    pub fn header(&self) -> Option<[u8; HEADER_BYTES]> {
        let [first, second, third] = self.texts.map(<[u8]>::len);
        let bytes = HEADER_BYTES.checked_add(first)?.checked_add(second)?.checked_add(third)?;
        if bytes > MAX_EVENT {
            return None;
        }
        let mut header = [0; HEADER_BYTES];
        header[..4].copy_from_slice(&u32::try_from(bytes).ok()?.to_le_bytes());
        header[4] = self.kind as u8;
        header[6..8].copy_from_slice(&u16::try_from(first).ok()?.to_le_bytes());
        header[8..12].copy_from_slice(&self.thread.to_le_bytes());
        header[12..16].copy_from_slice(&u32::try_from(second).ok()?.to_le_bytes());
        header[16..24].copy_from_slice(&self.when_ns.to_le_bytes());
        header[24..32].copy_from_slice(&self.took_ns.to_le_bytes());
        header[32..36].copy_from_slice(&self.error.to_le_bytes());
        Some(header)
    }
}

/// Why events cannot be understood. Nothing after them can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// The first event of `bytes`, and how many bytes it takes; `None` while it is not whole.
pub fn parse(bytes: &[u8]) -> Result<Option<(Event<'_>, usize)>, Malformed> {
    let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else { return Ok(None) };
    let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
    let (total, first, second) =
        (word(0) as usize, usize::from(u16::from_le_bytes([header[6], header[7]])), word(12) as usize);
    if total > MAX_EVENT || second > total || HEADER_BYTES + first + second > total {
        return Err(Malformed);
    }
    let kind = match header[4] {
        1 => Kind::Begin,
        2 => Kind::End,
        3 => Kind::Signal,
        4 => Kind::Exit,
        5 => Kind::Limit,
        _ => return Err(Malformed),
    };
    let Some(texts) = bytes.get(HEADER_BYTES..total) else { return Ok(None) };
    let (one, rest) = texts.split_at(first);
    let (two, three) = rest.split_at(second);
    let event = Event {
        kind,
        thread: word(8),
        when_ns: long(16),
        took_ns: long(24),
        error: word(32),
        texts: [one, two, three],
    };
    Ok(Some((event, total)))
}

/// Bit of [`Settings::flags`]: calls are only counted and timed, so that no texts are needed.
pub const COUNT_ONLY: u8 = 1;
/// Bit of [`Settings::flags`]: descriptors are shown with the names of their files.
pub const PATHS: u8 = 2;
/// Most bytes of a string that may be asked for.
pub const MAX_STRING: u32 = 16 * 1024;

/// What the tool asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings<'a> {
    /// Most bytes of a string that are shown.
    pub string_bytes: u32,
    /// [`COUNT_ONLY`], [`PATHS`].
    pub flags: u8,
    /// Which calls: names and `%classes` with commas between, an `!` before all of them for the others; empty: all.
    pub filter: &'a [u8],
}

impl Settings<'_> {
    /// The bytes that precede the filter.
    pub const fn head(&self) -> [u8; 5] {
        let [a, b, c, d] = self.string_bytes.to_le_bytes();
        [a, b, c, d, self.flags]
    }
}

/// From the head and the filter after it. Less than a head means the usual settings.
pub fn settings(bytes: &[u8]) -> Settings<'_> {
    match bytes.split_first_chunk::<5>() {
        Some(([a, b, c, d, flags], filter)) => {
            Settings { string_bytes: u32::from_le_bytes([*a, *b, *c, *d]).min(MAX_STRING), flags: *flags, filter }
        }
        None => Settings { string_bytes: 32, flags: 0, filter: b"" },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    const SAMPLE: Event<'static> = Event {
        kind: Kind::End,
        thread: 7,
        when_ns: 1 << 60,
        took_ns: 12_345,
        error: 2,
        texts: [b"read", b"\"x\", 1)", b"1"],
    };

    fn encode(event: &Event<'_>) -> Vec<u8> {
        let mut bytes = event.header().unwrap().to_vec();
        event.texts.iter().for_each(|text| bytes.extend_from_slice(text));
        bytes
    }

    #[test]
    fn what_is_told_is_understood() {
        let bytes = encode(&SAMPLE);
        for cut in 0..bytes.len() {
            assert_eq!(parse(&bytes[..cut]), Ok(None));
        }
        assert_eq!(parse(&bytes), Ok(Some((SAMPLE, bytes.len()))));
        let settings_sample = Settings { string_bytes: 100, flags: COUNT_ONLY, filter: b"open,%file" };
        let encoded = [&settings_sample.head()[..], settings_sample.filter].concat();
        assert_eq!(settings(&encoded), settings_sample);
        assert_eq!(settings(b"").string_bytes, 32);
    }

    /// Damaged events: an answer, never a panic.
    #[test]
    fn fuzz_parser() {
        let mut random = crate::test_random::Random::new(0x57ac);
        let whole = encode(&SAMPLE);
        for _ in 0..50_000 {
            let mut bytes = whole.clone();
            for _ in 0..1 + random.below(4) {
                let place = random.below(bytes.len());
                bytes[place] = random.byte();
            }
            if let Ok(Some((event, taken))) = parse(&bytes) {
                assert!(taken <= bytes.len() && event.texts.iter().map(|text| text.len()).sum::<usize>() < taken);
            }
        }
    }
}
