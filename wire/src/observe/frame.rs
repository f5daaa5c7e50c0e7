//! Frames: their kinds, their headers, and [`Pieces`], which takes a stream of them apart.
use crate::control::{HEADER_BYTES, encode_header_of};

/// Version of this protocol, sent in [`Hello`](super::Hello). A reader refuses a greater one.
pub const VERSION: u16 = 1;
/// See [`Kind::File`].
pub const FILE_BEGINS: u8 = 0;
/// The name of the console port that carries it.
pub const PORT_NAME: &str = "ochre.observe";
/// Most bytes in one frame's payload.
pub const MAX_PAYLOAD: usize = 16 * 1024 - HEADER_BYTES;

/// What a frame is. Guest to host below 128, host to guest from 128 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Guest: first frame of a session, [`Hello`](super::Hello).
    Hello = 1,
    /// Guest: descriptions of probes, [`ProbeDescription`](super::ProbeDescription) after one another; an empty frame after the last of them.
    Probes = 2,
    /// Guest: records of the CPU that `stream` tells, [`put_record`](super::put_record) after one another, oldest first.
    Records = 3,
    /// Guest: things lost since the last such frame, [`Drops`](super::Drops).
    Drops = 4,
    /// Guest: samples of the profiler; its own format.
    Samples = 5,
    /// Guest: what became of processes, [`ProcessEvent`](super::ProcessEvent) after one another.
    Process = 6,
    /// Guest: lines of text for the user, such as strace's.
    Text = 7,
    /// Guest: counters by CPU: the u64s of `wire::trace::Counter` in order, for the CPU that `stream` tells.
    Counters = 8,
    /// Guest: entries of the aggregation that `stream` tells, of one CPU: the key's words, u16 how many words of the value are not zero, and each
    /// of them after its place (u16).
    Aggregations = 9,
    /// Guest: a file's contents for the tool: name, zero byte, a piece of the contents. The first piece is in the stream
    /// [`FILE_BEGINS`](super::FILE_BEGINS), and with it what was told of this name before is no longer; further ones are in the one after.
    File = 11,
    /// Guest: the answer to a wish that could not be granted, as a sentence.
    Refused = 12,
    /// Guest: last frame of a session, empty.
    End = 13,
    /// Guest: a page of metrics as text: its first frame has stream 1, its last one is empty.
    Metrics = 14,
    /// Guest: every ring has been followed beyond this tick (u64) of the raw clock: no older record will come.
    Mark = 15,
    /// Guest: names of system calls: number (u16) and name, after one another.
    Calls = 16,
    /// Guest: stacks and texts that a trace program keeps, [`Kept`](super::Kept) after one another. Before the mark of the records that refer
    /// to them.
    Kept = 17,
    /// Guest: a system call's beginning or end, or the like: a whole event of [`crate::strace`].
    StraceEvent = 18,
    /// Host: a piece of a trace program (`pure::trace_program`), after a byte that is 1 for the last piece.
    Program = 0x82,
    /// Host: how to sample; the profiler's own format.
    Sample = 0x83,
    /// Host: how to trace system calls, as the encoded [`crate::strace::Settings`].
    Strace = 0x84,
    /// Host: all wishes are told, the program may start. Empty.
    Start = 0x85,
    /// Host: metrics are wanted every so many milliseconds (u32).
    Query = 0x86,
    /// Host: how often a second (u32) [`PROFILE`](super::PROFILE) is to fire, before the program.
    Rate = 0x89,
    /// Host: intervals of a trace program's ticks in nanoseconds (u64), before the program.
    Ticks = 0x87,
    /// Host: functions of the kernel that the trace program which follows has probes at, [`FunctionProbe`](super::FunctionProbe) after one another.
    Functions = 0x88,
    /// Host: functions of a program's file likewise: the file's path as text, then [`UserFunctionProbe`](super::UserFunctionProbe) after one another.
    UserFunctions = 0x8a,
    /// Host: somebody listens from now on: a session begins. Empty.
    Begin = 0x8b,
    /// Host: the session is to end. Empty.
    Stop = 0x8c,
}

impl Kind {
    /// All kinds.
    pub const ALL: &'static [Kind] = &[
        Kind::Hello,
        Kind::Probes,
        Kind::Records,
        Kind::Drops,
        Kind::Samples,
        Kind::Process,
        Kind::Text,
        Kind::Counters,
        Kind::Aggregations,
        Kind::File,
        Kind::Refused,
        Kind::End,
        Kind::Metrics,
        Kind::Mark,
        Kind::Calls,
        Kind::Kept,
        Kind::StraceEvent,
        Kind::Program,
        Kind::Sample,
        Kind::Strace,
        Kind::Start,
        Kind::Query,
        Kind::Ticks,
        Kind::Functions,
        Kind::Rate,
        Kind::UserFunctions,
        Kind::Begin,
        Kind::Stop,
    ];

    /// The kind with this number, if it is known.
    pub fn from_u8(number: u8) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| *kind as u8 == number)
    }
}

/// The header of a frame whose payload of `length` bytes (at most [`MAX_PAYLOAD`]) follows.
pub const fn encode_header(kind: Kind, stream: u8, length: usize) -> [u8; HEADER_BYTES] {
    // CAST: at most MAX_PAYLOAD.
    encode_header_of(kind as u8, stream, length as u32)
}

/// A frame that claims to be longer than frames may be: nothing after it can be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// The frame's kind, as a number.
    pub kind: u8,
    /// The length it claims.
    pub length: u32,
}

/// A piece of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The frame's kind, as a number.
    pub kind: u8,
    /// Its stream.
    pub stream: u8,
    /// The bytes; empty for a frame without payload.
    pub bytes: &'a [u8],
    /// Whether the frame ends here.
    pub is_last: bool,
}

/// Takes a byte stream apart, however it was cut on the way.
#[derive(Clone, Debug, Default)]
pub struct Pieces {
    header: [u8; HEADER_BYTES],
    header_have: usize,
    remaining: usize,
}

impl Pieces {
    /// At the start of a stream.
    pub const fn new() -> Pieces {
        Pieces { header: [0; HEADER_BYTES], header_have: 0, remaining: 0 }
    }

    /// Takes the next piece from the front of `input`. `None`: `input` is used up.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Piece<'a>>, TooLong> {
        if self.header_have < HEADER_BYTES {
            let wanted = input.len().min(HEADER_BYTES - self.header_have);
            let (bytes, rest) = input.split_at(wanted);
            self.header[self.header_have..][..wanted].copy_from_slice(bytes);
            self.header_have += wanted;
            *input = rest;
            if self.header_have < HEADER_BYTES {
                return Ok(None);
            }
            let [kind, _, _, _, a, b, c, d] = self.header;
            let length = u32::from_le_bytes([a, b, c, d]);
            if length as usize > MAX_PAYLOAD {
                return Err(TooLong { kind, length });
            }
            self.remaining = length as usize;
        }
        if input.is_empty() && self.remaining != 0 {
            return Ok(None);
        }
        let (bytes, rest) = input.split_at(input.len().min(self.remaining));
        *input = rest;
        self.remaining -= bytes.len();
        let is_last = self.remaining == 0;
        if is_last {
            self.header_have = 0;
        }
        Ok(Some(Piece { kind: self.header[0], stream: self.header[1], bytes, is_last }))
    }
}
