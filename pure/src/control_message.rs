//! Control messages (`cmsg(3)`): headers with data behind them, each begun at a multiple of eight bytes.
//!
//! Main items: [`ControlMessages`], which walks what a program sends; [`space`], for laying out what it is given.
//! Called by `sendmsg` and `recvmsg` on copies.

/// Bytes of a header: length (8), level (4), kind (4).
pub const HEADER_BYTES: usize = 16;

/// `bytes` rounded up to where the next message begins.
pub const fn align(bytes: usize) -> usize {
    bytes.saturating_add(7) & !7
}

/// Bytes that a message with `data` bytes takes, up to the next one.
pub const fn space(data: usize) -> usize {
    align(HEADER_BYTES.saturating_add(data))
}

/// One message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ControlMessage<'a> {
    /// `SOL_*`.
    pub level: i32,
    /// `SCM_*`.
    pub kind: i32,
    /// What follows the header.
    pub data: &'a [u8],
}

/// A header's length is less than the header or more than there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadLength;

/// The messages in a buffer, in order. Ends after the first bad one, and where no whole header is left.
pub struct ControlMessages<'a> {
    rest: &'a [u8],
}

impl<'a> ControlMessages<'a> {
    /// The messages in `buffer`.
    pub fn new(buffer: &'a [u8]) -> ControlMessages<'a> {
        ControlMessages { rest: buffer }
    }
}

impl<'a> Iterator for ControlMessages<'a> {
    type Item = Result<ControlMessage<'a>, BadLength>;

    fn next(&mut self) -> Option<Self::Item> {
        let buffer = core::mem::take(&mut self.rest);
        let (length, after) = buffer.split_first_chunk::<8>()?;
        let (level, after) = after.split_first_chunk::<4>()?;
        let (kind, _) = after.split_first_chunk::<4>()?;
        let data =
            usize::try_from(u64::from_ne_bytes(*length)).ok().and_then(|length| buffer.get(HEADER_BYTES..length));
        let Some(data) = data else { return Some(Err(BadLength)) };
        self.rest = buffer.get(space(data.len())..).unwrap_or(&[]);
        Some(Ok(ControlMessage { level: i32::from_ne_bytes(*level), kind: i32::from_ne_bytes(*kind), data }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    fn message(length: u64, level: i32, kind: i32, data: &[u8]) -> Vec<u8> {
        let mut bytes = [&length.to_ne_bytes()[..], &level.to_ne_bytes(), &kind.to_ne_bytes(), data].concat();
        bytes.resize(align(bytes.len()), 0);
        bytes
    }

    #[test]
    fn walks_messages_and_their_padding() {
        let buffer = [message(20, 1, 1, &[1, 2, 3, 4]), message(16, 1, 2, &[])].concat();
        let found: Vec<_> = ControlMessages::new(&buffer).map(|each| each.unwrap()).collect();
        let expected = vec![
            ControlMessage { level: 1, kind: 1, data: &[1, 2, 3, 4] },
            ControlMessage { level: 1, kind: 2, data: &[] },
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn bad_lengths_end_the_walk() {
        for length in [0, 15, 25, u64::MAX] {
            let buffer = message(length, 1, 1, &[0; 8]);
            let found: Vec<_> = ControlMessages::new(&buffer).collect();
            assert_eq!(found, vec![Err(BadLength)], "length {length}");
        }
        assert_eq!(ControlMessages::new(&[0; 15]).count(), 0);
    }

    #[test]
    fn no_input_makes_it_run_on() {
        let mut state = 1u64;
        for round in 0..2000usize {
            let mut bytes = vec![0u8; round % 97];
            for byte in &mut bytes {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                // CAST: the low byte is what is wanted.
                *byte = if state & 0x300 == 0 { state as u8 & 0x1f } else { 0 };
            }
            assert!(ControlMessages::new(&bytes).count() <= bytes.len() / HEADER_BYTES + 1);
        }
    }
}
