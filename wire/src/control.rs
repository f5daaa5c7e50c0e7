//! The control channel: one byte stream in each direction between the guest kernel and the host tool,
//! carried by a virtio console port, cut into frames.
//!
//! A frame is an 8-byte header and a payload of at most [`MAX_PAYLOAD`] bytes:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 1 | kind, see [`Kind`] |
//! | 1 | 1 | stream, for [`Kind::Output`]; else 0 |
//! | 2 | 2 | reserved, sent as 0, ignored by readers |
//! | 4 | 4 | payload length, little endian |
//!
//! Frames are of two sorts. *Byte frames* (output, input, report, log, trace) carry bytes that the reader passes on
//! in pieces, so it needs no buffer of a frame's size. *Messages* ([`Message`]) are small and come out whole.
//! A kind the reader doesn't know is skipped by its length; a message longer than the reader knows is cut to the part
//! it knows. That, and the version in [`Message::Hello`], is how both sides may grow apart.
//!
//! The guest speaks first: `Hello`, then `InputCredit`. It ends with `Exit` (or `StartFailed`), after every byte of
//! output; the host takes the end of the channel without either of them as a failure of the kernel.
//!
//! Called by the kernel's console driver and by the tool's session loop. No locks, no allocation, no panic on any input.

/// Version of this protocol, sent in [`Message::Hello`]. A reader refuses a greater one.
pub const VERSION: u16 = 1;
/// Bytes in a frame's header.
pub const HEADER_BYTES: usize = 8;
/// Most bytes in one frame's payload.
pub const MAX_PAYLOAD: u32 = 64 * 1024;

/// [`Kind::Output`] stream: the guest's terminal, when one of the host's descriptors is a terminal.
pub const STREAM_TERMINAL: u8 = 0;
/// [`Kind::Output`] stream: standard output, not a terminal.
pub const STREAM_STDOUT: u8 = 1;
/// [`Kind::Output`] stream: standard error, not a terminal.
pub const STREAM_STDERR: u8 = 2;

/// [`Message::Hello`] feature: the guest understands [`Message::OutputClosed`].
pub const FEATURE_OUTPUT_CLOSED: u32 = 1;

/// What a frame is. Guest to host below 128, host to guest from 128 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Guest: first frame. [`Message::Hello`].
    Hello = 1,
    /// Guest: bytes written by programs to `stream`.
    Output = 2,
    /// Guest: last frame, the program's wait status. [`Message::Exit`].
    Exit = 3,
    /// Guest: lines of text for the user, shown on stderr when the run is over (unknown system calls, say).
    Report = 4,
    /// Guest: the kernel log, as text.
    Log = 5,
    /// Guest: trace records.
    Trace = 6,
    /// Guest: how many more bytes of input it takes. [`Message::InputCredit`].
    InputCredit = 7,
    /// Guest: last frame, the program could not be started. [`Message::StartFailed`].
    StartFailed = 8,
    /// Guest: system calls as they are made, see [`crate::strace`].
    Strace = 9,
    /// Host: bytes of standard input, never more than the credit given.
    Input = 0x81,
    /// Host: standard input is at its end. [`Message::InputEnd`].
    InputEnd = 0x82,
    /// Host: size of the terminal. [`Message::WindowSize`].
    WindowSize = 0x83,
    /// Host: a signal for the program. [`Message::Interrupt`].
    Interrupt = 0x84,
    /// Host: end the machine. [`Message::Terminate`].
    Terminate = 0x85,
    /// Host: nobody reads an output stream any more. [`Message::OutputClosed`].
    OutputClosed = 0x86,
}

impl Kind {
    /// The kind with this number, if it is known.
    pub const fn from_u8(number: u8) -> Option<Kind> {
        Some(match number {
            1 => Kind::Hello,
            2 => Kind::Output,
            3 => Kind::Exit,
            4 => Kind::Report,
            5 => Kind::Log,
            6 => Kind::Trace,
            7 => Kind::InputCredit,
            8 => Kind::StartFailed,
            9 => Kind::Strace,
            0x81 => Kind::Input,
            0x82 => Kind::InputEnd,
            0x83 => Kind::WindowSize,
            0x84 => Kind::Interrupt,
            0x85 => Kind::Terminate,
            0x86 => Kind::OutputClosed,
            _ => return None,
        })
    }

    /// Bytes of a message's payload; `None` for a byte frame.
    const fn message_bytes(self) -> Option<usize> {
        match self {
            Kind::Hello => Some(8),
            Kind::Exit
            | Kind::StartFailed
            | Kind::InputCredit
            | Kind::Interrupt
            | Kind::WindowSize
            | Kind::OutputClosed => Some(4),
            Kind::InputEnd | Kind::Terminate => Some(0),
            Kind::Output | Kind::Report | Kind::Log | Kind::Trace | Kind::Strace | Kind::Input => None,
        }
    }
}

/// A small frame, whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// The guest is up.
    Hello {
        /// [`VERSION`] of the sender.
        version: u16,
        /// `FEATURE_*` bits; unknown ones are to be ignored.
        features: u32,
    },
    /// The program ended with this wait status (as `wait4` gives it).
    Exit(i32),
    /// The program could not be started; a positive Linux error number.
    StartFailed(i32),
    /// The guest takes this many bytes of input more than it said before.
    InputCredit(u32),
    /// No more input will come.
    InputEnd,
    /// The terminal's size.
    WindowSize {
        /// Lines.
        rows: u16,
        /// Columns.
        columns: u16,
    },
    /// Deliver this Linux signal to the program (its foreground group, where there is a terminal).
    Interrupt(u32),
    /// End the machine now; no `Exit` is expected.
    Terminate,
    /// Nobody reads this output stream any more: writes to it fail like those to a pipe without readers.
    OutputClosed(u32),
}

impl Message {
    /// The frame's kind.
    pub const fn kind(self) -> Kind {
        match self {
            Message::Hello { .. } => Kind::Hello,
            Message::Exit(_) => Kind::Exit,
            Message::StartFailed(_) => Kind::StartFailed,
            Message::InputCredit(_) => Kind::InputCredit,
            Message::InputEnd => Kind::InputEnd,
            Message::WindowSize { .. } => Kind::WindowSize,
            Message::Interrupt(_) => Kind::Interrupt,
            Message::Terminate => Kind::Terminate,
            Message::OutputClosed(_) => Kind::OutputClosed,
        }
    }

    /// The frame, header included.
    pub fn encode(self) -> EncodedMessage {
        let mut payload = [0u8; MESSAGE_BYTES];
        match self {
            Message::Hello { version, features } => {
                payload[..2].copy_from_slice(&version.to_le_bytes());
                payload[4..].copy_from_slice(&features.to_le_bytes());
            }
            Message::Exit(value) | Message::StartFailed(value) => payload[..4].copy_from_slice(&value.to_le_bytes()),
            Message::InputCredit(value) | Message::Interrupt(value) | Message::OutputClosed(value) => {
                payload[..4].copy_from_slice(&value.to_le_bytes());
            }
            Message::WindowSize { rows, columns } => {
                payload[..2].copy_from_slice(&rows.to_le_bytes());
                payload[2..4].copy_from_slice(&columns.to_le_bytes());
            }
            Message::InputEnd | Message::Terminate => {}
        }
        let length = self.kind().message_bytes().unwrap_or(0);
        let mut bytes = [0u8; HEADER_BYTES + MESSAGE_BYTES];
        // CAST: `length` is at most MESSAGE_BYTES.
        bytes[..HEADER_BYTES].copy_from_slice(&encode_header(self.kind(), 0, length as u32));
        bytes[HEADER_BYTES..].copy_from_slice(&payload);
        EncodedMessage { bytes, length: HEADER_BYTES + length }
    }

    fn decode(kind: Kind, payload: &[u8; MESSAGE_BYTES]) -> Option<Message> {
        let [a, b, c, d, e, f, g, h] = *payload;
        let first = u32::from_le_bytes([a, b, c, d]);
        Some(match kind {
            Kind::Hello => {
                Message::Hello { version: u16::from_le_bytes([a, b]), features: u32::from_le_bytes([e, f, g, h]) }
            }
            Kind::Exit => Message::Exit(first.cast_signed()),
            Kind::StartFailed => Message::StartFailed(first.cast_signed()),
            Kind::InputCredit => Message::InputCredit(first),
            Kind::InputEnd => Message::InputEnd,
            Kind::WindowSize => {
                Message::WindowSize { rows: u16::from_le_bytes([a, b]), columns: u16::from_le_bytes([c, d]) }
            }
            Kind::Interrupt => Message::Interrupt(first),
            Kind::Terminate => Message::Terminate,
            Kind::OutputClosed => Message::OutputClosed(first),
            Kind::Output | Kind::Report | Kind::Log | Kind::Trace | Kind::Strace | Kind::Input => return None,
        })
    }
}

/// Longest payload of a message.
const MESSAGE_BYTES: usize = 8;

/// A message's frame, ready to send.
#[derive(Clone, Copy, Debug)]
pub struct EncodedMessage {
    bytes: [u8; HEADER_BYTES + MESSAGE_BYTES],
    length: usize,
}

impl EncodedMessage {
    /// The bytes to send.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// The header of a byte frame whose payload of `length` bytes (at most [`MAX_PAYLOAD`]) the caller sends after it.
pub const fn encode_header(kind: Kind, stream: u8, length: u32) -> [u8; HEADER_BYTES] {
    encode_header_of(kind as u8, stream, length)
}

/// The header of a frame of any channel that is cut as this one is.
pub(crate) const fn encode_header_of(kind: u8, stream: u8, length: u32) -> [u8; HEADER_BYTES] {
    let [a, b, c, d] = length.to_le_bytes();
    [kind, stream, 0, 0, a, b, c, d]
}

/// What [`Decoder::next`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received<'a> {
    /// A whole message.
    Message(Message),
    /// A piece of a byte frame; never empty.
    Bytes {
        /// Which byte frame.
        kind: Kind,
        /// Its stream.
        stream: u8,
        /// The piece.
        bytes: &'a [u8],
        /// Whether the frame ends with this piece.
        last: bool,
    },
}

/// Why a stream cannot be understood. Nothing after it can be: the channel is to be given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// A payload longer than [`MAX_PAYLOAD`].
    TooLong {
        /// The frame's kind, as a number.
        kind: u8,
        /// The length it claims.
        length: u32,
    },
    /// A message too short for its kind.
    TooShort {
        /// The message's kind.
        kind: Kind,
        /// The length it claims.
        length: u32,
    },
}

impl core::fmt::Display for FrameError {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            FrameError::TooLong { kind, length } => write!(out, "a frame of kind {kind:#04x} claims {length} bytes"),
            FrameError::TooShort { kind, length } => write!(out, "a {kind:?} frame of only {length} bytes"),
        }
    }
}

/// Takes a byte stream apart, however it was cut on the way.
#[derive(Clone, Debug)]
pub struct Decoder {
    header: [u8; HEADER_BYTES],
    /// Bytes of `header` gathered; HEADER_BYTES while inside a payload.
    header_have: usize,
    /// Payload bytes still to come.
    remaining: u32,
    message: [u8; MESSAGE_BYTES],
    message_have: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// At the start of a stream.
    pub const fn new() -> Decoder {
        Decoder {
            header: [0; HEADER_BYTES],
            header_have: 0,
            remaining: 0,
            message: [0; MESSAGE_BYTES],
            message_have: 0,
        }
    }

    /// Whether the stream so far ends between two frames.
    pub const fn is_between_frames(&self) -> bool {
        self.header_have == 0
    }

    /// Takes bytes from the front of `input` until something is found. `None`: `input` is used up.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Received<'a>>, FrameError> {
        loop {
            if self.header_have < HEADER_BYTES && !self.take_header(input)? {
                return Ok(None);
            }
            let kind = Kind::from_u8(self.header[0]);
            let stream = self.header[1];
            let piece = take(input, self.remaining as usize);
            // CAST: `piece` is at most `remaining` long, which is a u32.
            self.remaining -= piece.len() as u32;
            let last = self.remaining == 0;
            if last {
                self.header_have = 0;
            }
            match kind {
                None => {}
                Some(kind) if kind.message_bytes().is_some() => {
                    let room = MESSAGE_BYTES - self.message_have;
                    let wanted = &piece[..piece.len().min(room)];
                    self.message[self.message_have..self.message_have + wanted.len()].copy_from_slice(wanted);
                    self.message_have += wanted.len();
                    if last {
                        return Ok(Message::decode(kind, &self.message).map(Received::Message));
                    }
                }
                Some(kind) if !piece.is_empty() => {
                    return Ok(Some(Received::Bytes { kind, stream, bytes: piece, last }));
                }
                Some(_) => {}
            }
            if input.is_empty() {
                return Ok(None);
            }
        }
    }

    /// Gathers the header; true when it is whole and sound.
    fn take_header(&mut self, input: &mut &[u8]) -> Result<bool, FrameError> {
        let piece = take(input, HEADER_BYTES - self.header_have);
        self.header[self.header_have..self.header_have + piece.len()].copy_from_slice(piece);
        self.header_have += piece.len();
        if self.header_have < HEADER_BYTES {
            return Ok(false);
        }
        let [number, _, _, _, a, b, c, d] = self.header;
        let length = u32::from_le_bytes([a, b, c, d]);
        if length > MAX_PAYLOAD {
            return Err(FrameError::TooLong { kind: number, length });
        }
        if let Some(kind) = Kind::from_u8(number)
            && let Some(least) = kind.message_bytes()
            && (length as usize) < least
        {
            return Err(FrameError::TooShort { kind, length });
        }
        self.remaining = length;
        self.message = [0; MESSAGE_BYTES];
        self.message_have = 0;
        Ok(true)
    }
}

/// Splits at most `most` bytes off the front of `input`.
fn take<'a>(input: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (piece, rest) = input.split_at(most.min(input.len()));
    *input = rest;
    piece
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    const MESSAGES: [Message; 9] = [
        Message::Hello { version: VERSION, features: 0x8000_0001 },
        Message::Exit(-1),
        Message::StartFailed(2),
        Message::InputCredit(65_536),
        Message::InputEnd,
        Message::WindowSize { rows: 24, columns: 80 },
        Message::Interrupt(2),
        Message::Terminate,
        Message::OutputClosed(1),
    ];

    /// Everything in `stream`, cut into pieces of `step` bytes: the messages, and the bytes of byte frames.
    fn decode(stream: &[u8], step: usize) -> Result<(Vec<Message>, Vec<u8>), FrameError> {
        let mut decoder = Decoder::new();
        let (mut messages, mut bytes) = (Vec::new(), Vec::new());
        for chunk in stream.chunks(step) {
            let mut input = chunk;
            while let Some(received) = decoder.next(&mut input)? {
                match received {
                    Received::Message(message) => messages.push(message),
                    Received::Bytes { bytes: piece, .. } => bytes.extend_from_slice(piece),
                }
            }
            assert!(input.is_empty());
        }
        assert!(decoder.is_between_frames());
        Ok((messages, bytes))
    }

    #[test]
    fn frames_survive_any_cutting() {
        let mut stream = Vec::new();
        let payload: Vec<u8> = (0..1000u32).map(|number| number as u8).collect();
        for message in MESSAGES {
            stream.extend_from_slice(message.encode().as_bytes());
            stream.extend_from_slice(&encode_header(Kind::Output, STREAM_STDERR, 1000));
            stream.extend_from_slice(&payload);
            stream.extend_from_slice(&encode_header(Kind::Log, 0, 0));
        }
        for step in [1, 2, 3, 7, 8, 9, 64, 1007, 100_000] {
            let (messages, bytes) = decode(&stream, step).unwrap();
            assert_eq!(messages, MESSAGES);
            assert_eq!(bytes, payload.repeat(MESSAGES.len()));
        }
    }

    #[test]
    fn unknown_kinds_are_skipped_and_long_messages_cut() {
        let mut stream = [200u8, 0, 0, 0, 5, 0, 0, 0, 1, 2, 3, 4, 5].to_vec();
        stream.extend_from_slice(&encode_header(Kind::Exit, 0, 20));
        stream.extend_from_slice(&[7; 20]);
        for step in 1..40 {
            assert_eq!(decode(&stream, step).unwrap().0, [Message::Exit(0x0707_0707)]);
        }
    }

    #[test]
    fn bad_lengths_are_refused() {
        let long = encode_header(Kind::Output, 1, MAX_PAYLOAD + 1);
        assert_eq!(decode(&long, 8), Err(FrameError::TooLong { kind: 2, length: MAX_PAYLOAD + 1 }));
        let short = encode_header(Kind::Exit, 0, 3);
        assert_eq!(decode(&short, 8), Err(FrameError::TooShort { kind: Kind::Exit, length: 3 }));
    }

    #[test]
    fn kinds_keep_their_numbers() {
        for number in 0..=255 {
            if let Some(kind) = Kind::from_u8(number) {
                assert_eq!(kind as u8, number);
            }
        }
    }

    /// Random streams, mostly of plausible frames: never a panic, never a byte from nowhere.
    #[test]
    fn fuzz_decoder() {
        let mut random = crate::test_random::Random::new(0x0c4e);
        for _ in 0..20_000 {
            let mut stream = Vec::new();
            for _ in 0..random.below(8) {
                let length = random.below(40) as u32;
                stream.extend_from_slice(&[random.byte() & 0x8f, random.byte(), 0, 0]);
                stream.extend_from_slice(&length.to_le_bytes());
                stream.extend((0..length).map(|_| random.byte()));
            }
            if !stream.is_empty() && random.below(2) == 0 {
                let place = random.below(stream.len());
                stream[place] = random.byte();
            }
            let mut decoder = Decoder::new();
            let (mut rest, mut seen) = (stream.as_slice(), 0);
            while !rest.is_empty() {
                let (mut input, later) = rest.split_at(1 + random.below(rest.len()));
                while let Ok(Some(received)) = decoder.next(&mut input) {
                    if let Received::Bytes { bytes, .. } = received {
                        seen += bytes.len();
                    }
                }
                rest = later;
            }
            assert!(seen <= stream.len());
        }
    }
}
