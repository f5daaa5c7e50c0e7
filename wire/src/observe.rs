//! The observation channel: a second byte stream each way between guest and host, for what is watched rather than for the
//! program: trace records, samples, process events, lines of `strace`, counters. It exists only when the tool asked for it
//! (`ochre.observe=1` on the kernel's command line and a console port called [`PORT_NAME`]); nothing of it touches the program's output.
//!
//! It is cut into frames with the header of [`crate::control`]: kind, stream, two zeros, length; then at most [`MAX_PAYLOAD`]
//! bytes. Kinds have their own numbers, [`Kind`]; unknown ones are skipped. [`Pieces`] takes a stream apart without memory of its own;
//! whoever wants whole frames gathers the pieces. Everything is little endian.
//!
//! Order: the guest sends `Hello`, then `Probes`; the host answers with its wishes (`Enable`, `Program`, `Sample`, `Strace`) and
//! `Start`, for which the kernel waits before it starts the program. The guest ends with `End`, sent before the program's status goes over the
//! control channel. A host that does not read never stops the guest: what finds no room is dropped and counted ([`Kind::Drops`]).
//!
//! Called by `kernel::observe` and by the tool. No locks, no allocation, no panic on any input.
use crate::control::{HEADER_BYTES, encode_header_of};
use crate::trace::{Head, MAX_ARGUMENTS, Record};

/// Version of this protocol, sent in [`Hello`]. A reader refuses a greater one.
pub const VERSION: u16 = 1;
/// The name of the console port that carries it.
pub const PORT_NAME: &str = "ochre.observe";
/// Most bytes in one frame's payload.
pub const MAX_PAYLOAD: usize = 16 * 1024 - HEADER_BYTES;

/// Number of a trace program's first event in records: it begins.
pub const BEGIN: u16 = 0xfe01;
/// It ends.
pub const END: u16 = 0xfe02;
/// The first of its ticks; the others follow.
pub const TICK: u16 = 0xfe10;
/// It asked for the end of the run, with this status.
pub const EXIT: u16 = 0xfd00;
/// Records of these numbers, up to [`OUTPUT_LAST`], are a trace program's outputs.
pub const OUTPUT: u16 = 0xf000;
/// The last of them.
pub const OUTPUT_LAST: u16 = OUTPUT + 0x7ff;

/// What a frame is. Guest to host below 128, host to guest from 128 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Guest: first frame, [`Hello`].
    Hello = 1,
    /// Guest: descriptions of probes, [`ProbeDescription`] after one another; an empty frame after the last of them.
    Probes = 2,
    /// Guest: records of the CPU that `stream` tells, [`put_record`] after one another, oldest first.
    Records = 3,
    /// Guest: things lost since the last such frame, [`Drops`].
    Drops = 4,
    /// Guest: samples of the profiler; its own format.
    Samples = 5,
    /// Guest: what became of processes, [`ProcessEvent`] after one another.
    Process = 6,
    /// Guest: lines of text for the user, such as strace's.
    Text = 7,
    /// Guest: counters by CPU: the u64s of `wire::trace::Counter` in order, for the CPU that `stream` tells.
    Counters = 8,
    /// Guest: entries of the aggregation that `stream` tells, of one CPU: the key's words, u16 how many words of the value are not zero, and each
    /// of them after its place (u16).
    Aggregations = 9,
    /// Guest: a file's contents for the tool: name, zero byte, a piece of the contents.
    File = 11,
    /// Guest: the answer to a wish that could not be granted, as a sentence.
    Refused = 12,
    /// Guest: last frame, empty.
    End = 13,
    /// Guest: a page of metrics as text: its first frame has stream 1, its last one is empty.
    Metrics = 14,
    /// Guest: every ring has been followed beyond this tick (u64) of the raw clock: no older record will come.
    Mark = 15,
    /// Guest: names of system calls: number (u16) and name, after one another.
    Calls = 16,
    /// Host: patterns of probes to enable, separated by blanks.
    Enable = 0x81,
    /// Host: a piece of a trace program (`pure::trace_program`), after a byte that is 1 for the last piece.
    Program = 0x82,
    /// Host: how to sample; the profiler's own format.
    Sample = 0x83,
    /// Host: how to trace system calls; strace's own format.
    Strace = 0x84,
    /// Host: all wishes are told, the program may start. Empty.
    Start = 0x85,
    /// Host: metrics are wanted every so many milliseconds (u32).
    Query = 0x86,
    /// Host: intervals of a trace program's ticks in nanoseconds (u64), before the program.
    Ticks = 0x87,
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
        Kind::Enable,
        Kind::Program,
        Kind::Sample,
        Kind::Strace,
        Kind::Start,
        Kind::Query,
        Kind::Ticks,
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

/// Writes numbers and texts one after another into a buffer; what does not fit makes the whole invalid.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut [u8],
    used: usize,
    is_full: bool,
}

impl<'a> Writer<'a> {
    /// Writes to the front of `out`.
    pub fn new(out: &'a mut [u8]) -> Writer<'a> {
        Writer { out, used: 0, is_full: false }
    }
    /// Appends bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        match self.out.get_mut(self.used..).and_then(|rest| rest.get_mut(..bytes.len())) {
            Some(place) => {
                place.copy_from_slice(bytes);
                self.used += bytes.len();
            }
            None => self.is_full = true,
        }
        self
    }
    /// Appends a number.
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes(&[value])
    }
    /// Appends a number.
    pub fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }
    /// Appends a number.
    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }
    /// Appends a number.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }
    /// Appends a text: its length in two bytes, then at most 65,535 bytes of it.
    pub fn text(&mut self, text: &[u8]) -> &mut Self {
        let text = &text[..text.len().min(usize::from(u16::MAX))];
        // CAST: cut to fit.
        self.u16(text.len() as u16).bytes(text)
    }
    /// Bytes written; `None` if something did not fit.
    pub fn finish(&self) -> Option<usize> {
        (!self.is_full).then_some(self.used)
    }
}

/// Reads numbers and texts one after another; `None` once the bytes are used up.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// So many bytes.
    pub fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*bytes)
    }
    /// A number.
    pub fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }
    /// A number.
    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }
    /// A number.
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }
    /// A number.
    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
    /// A text of [`Writer::text`].
    pub fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.bytes(usize::from(length))
    }
    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The guest's first words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// [`VERSION`] of the guest.
    pub version: u16,
    /// CPUs that run.
    pub cpus: u16,
    /// Records each CPU's ring keeps.
    pub ring_records: u32,
    /// The raw clock's frequency.
    pub ticks_per_second: u64,
    /// The raw clock now.
    pub ticks: u64,
    /// The wall clock now, in nanoseconds since 1970.
    pub wall_ns: u64,
}

impl Hello {
    /// Bytes of an encoded one.
    pub const BYTES: usize = 32;

    /// As a payload.
    pub fn encode(self) -> [u8; Hello::BYTES] {
        let mut bytes = [0; Hello::BYTES];
        let mut out = Writer::new(&mut bytes);
        out.u16(self.version).u16(self.cpus).u32(self.ring_records);
        out.u64(self.ticks_per_second).u64(self.ticks).u64(self.wall_ns);
        bytes
    }
    /// From a payload; later fields are ignored.
    pub fn decode(payload: &[u8]) -> Option<Hello> {
        let mut from = Reader(payload);
        Some(Hello {
            version: from.u16()?,
            cpus: from.u16()?,
            ring_records: from.u32()?,
            ticks_per_second: from.u64()?,
            ticks: from.u64()?,
            wall_ns: from.u64()?,
        })
    }
}

/// What was lost since the last frame of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drops {
    /// What was lost.
    pub what: Dropped,
    /// How many.
    pub count: u64,
}

/// Things that can be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Dropped {
    /// Trace records overwritten before they were sent.
    Records = 0,
    /// Whole frames that found no room in the channel.
    Frames = 1,
    /// Samples of the profiler.
    Samples = 2,
    /// Updates of aggregations and thread-local variables that found no place.
    Updates = 3,
    /// Output of trace programs.
    Output = 4,
}

impl Drops {
    /// As a payload.
    pub fn encode(self) -> [u8; 9] {
        let [a, b, c, d, e, f, g, h] = self.count.to_le_bytes();
        [self.what as u8, a, b, c, d, e, f, g, h]
    }
    /// From a payload.
    pub fn decode(payload: &[u8]) -> Option<Drops> {
        let mut from = Reader(payload);
        let all = [Dropped::Records, Dropped::Frames, Dropped::Samples, Dropped::Updates, Dropped::Output];
        let what = all.get(usize::from(from.u8()?)).copied()?;
        Some(Drops { what, count: from.u64()? })
    }
}

/// A probe, described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeDescription<'a> {
    /// Provider in the high byte, probe in the low byte.
    pub id: u16,
    /// Its provider's name.
    pub provider: &'a [u8],
    /// The last part of its name.
    pub name: &'a [u8],
    /// Its arguments' names, each after a byte for its `wire::trace::ArgumentKind`, in the encoding of [`Writer::text`].
    pub arguments: &'a [u8],
}

impl<'a> ProbeDescription<'a> {
    /// Appends it.
    pub fn encode(&self, out: &mut Writer<'_>) {
        out.u16(self.id).text(self.provider).text(self.name).text(self.arguments);
    }
    /// Takes one from the front.
    pub fn decode(from: &mut Reader<'a>) -> Option<ProbeDescription<'a>> {
        Some(ProbeDescription { id: from.u16()?, provider: from.text()?, name: from.text()?, arguments: from.text()? })
    }
}

/// Most bytes of a record on the channel.
pub const MAX_RECORD_BYTES: usize = 8 * (2 + MAX_ARGUMENTS);

/// Appends a record: clock, head, and the arguments that count.
pub fn put_record(record: &Record, out: &mut Writer<'_>) {
    out.u64(record.ticks).u64(record.head.pack());
    for value in record.values() {
        out.u64(*value);
    }
}

/// Takes a record from the front.
pub fn take_record(from: &mut Reader<'_>) -> Option<Record> {
    let ticks = from.u64()?;
    let head = Head::unpack(from.u64()?);
    let mut arguments = [0; MAX_ARGUMENTS];
    for place in arguments.get_mut(..usize::from(head.arguments))? {
        *place = from.u64()?;
    }
    Some(Record { ticks, head, arguments })
}

/// What happened to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Happened {
    /// A task came to be; `words[0]` is its parent's pid. `name` is what it is called so far.
    Created = 1,
    /// A program was started: `name` is its comm, `path` the file.
    Executed = 2,
    /// A file was mapped to be executed: `words` are address, bytes, offset in the file; `path` the file.
    Mapped = 3,
    /// A task ended; `words[0]` is its wait status.
    Ended = 4,
    /// A task changed its comm to `name`.
    Renamed = 5,
}

/// Something that happened to a process: from these the reader learns which program and which files a thread's records and addresses
/// belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessEvent<'a> {
    /// What.
    pub what: Happened,
    /// The process.
    pub pid: u32,
    /// The task.
    pub tid: u32,
    /// The kernel's number of the task's thread, as records' heads have it.
    pub thread: u32,
    /// The raw clock.
    pub ticks: u64,
    /// See [`Happened`].
    pub words: [u64; 3],
    /// See [`Happened`].
    pub name: &'a [u8],
    /// See [`Happened`].
    pub path: &'a [u8],
}

impl<'a> ProcessEvent<'a> {
    /// Bytes that are enough for one with a path of ordinary length.
    pub const SHORT_BYTES: usize = 256;

    /// Appends it.
    pub fn encode(&self, out: &mut Writer<'_>) {
        out.u8(self.what as u8).u32(self.pid).u32(self.tid).u32(self.thread).u64(self.ticks);
        self.words.iter().for_each(|word| {
            out.u64(*word);
        });
        out.text(self.name).text(self.path);
    }
    /// Takes one from the front.
    pub fn decode(from: &mut Reader<'a>) -> Option<ProcessEvent<'a>> {
        let all = [Happened::Created, Happened::Executed, Happened::Mapped, Happened::Ended, Happened::Renamed];
        let number = from.u8()?;
        Some(ProcessEvent {
            what: all.into_iter().find(|what| *what as u8 == number)?,
            pid: from.u32()?,
            tid: from.u32()?,
            thread: from.u32()?,
            ticks: from.u64()?,
            words: [from.u64()?, from.u64()?, from.u64()?],
            name: from.text()?,
            path: from.text()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn frames_survive_any_cutting() {
        let mut stream = Vec::new();
        for length in [0usize, 1, 7, 500, 0] {
            stream.extend_from_slice(&encode_header(Kind::Records, 3, length));
            stream.extend((0..length).map(|number| number as u8));
        }
        for step in [1, 2, 7, 8, 9, 100, 10_000] {
            let mut pieces = Pieces::new();
            let (mut frames, mut frame) = (Vec::new(), Vec::new());
            for mut chunk in stream.chunks(step) {
                while let Some(piece) = pieces.next(&mut chunk).unwrap() {
                    assert_eq!((piece.kind, piece.stream), (Kind::Records as u8, 3));
                    frame.extend_from_slice(piece.bytes);
                    if piece.is_last {
                        frames.push(core::mem::take(&mut frame).len());
                    }
                }
            }
            assert_eq!(frames, [0, 1, 7, 500, 0]);
        }
    }

    #[test]
    fn kinds_have_their_own_numbers() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_u8(*kind as u8), Some(*kind));
        }
        assert_eq!(Kind::from_u8(0), None);
    }

    #[test]
    fn what_is_encoded_comes_back() {
        let hello = Hello { version: 1, cpus: 4, ring_records: 1024, ticks_per_second: 7, ticks: 8, wall_ns: 9 };
        assert_eq!(Hello::decode(&hello.encode()), Some(hello));
        let drops = Drops { what: Dropped::Samples, count: u64::MAX };
        assert_eq!(Drops::decode(&drops.encode()), Some(drops));
        let event = ProcessEvent {
            what: Happened::Mapped,
            pid: 1,
            tid: 2,
            thread: 3,
            ticks: 4,
            words: [5, 6, 7],
            name: b"sh",
            path: b"/bin/sh",
        };
        let probe = ProbeDescription { id: 0x301, provider: b"syscall", name: b"entry", arguments: b"" };
        let head = Head { probe: 1, cpu: 2, arguments: 3, thread: 4 };
        let record = Record { ticks: 1, head, arguments: [1, 2, 3, 0, 0, 0, 0] };
        let mut bytes = [0; 256];
        let mut out = Writer::new(&mut bytes);
        event.encode(&mut out);
        probe.encode(&mut out);
        put_record(&record, &mut out);
        let used = out.finish().unwrap();
        let mut from = Reader(&bytes[..used]);
        assert_eq!(ProcessEvent::decode(&mut from), Some(event));
        assert_eq!(ProbeDescription::decode(&mut from), Some(probe));
        assert_eq!(take_record(&mut from), Some(record));
        assert!(from.is_empty());
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let mut bytes = [0; 5];
        assert_eq!(Writer::new(&mut bytes).u32(1).finish(), Some(4));
        assert_eq!(Writer::new(&mut bytes).u32(1).u16(1).finish(), None);
    }

    /// Random bytes into every decoder: never a panic.
    #[test]
    fn fuzz_decoders() {
        let mut random = crate::test_random::Random::new(0x0b5e);
        for _ in 0..20_000 {
            let bytes: Vec<u8> = (0..random.below(120)).map(|_| random.byte() & 0x1f).collect();
            let mut input = bytes.as_slice();
            let mut pieces = Pieces::new();
            let mut seen = 0;
            while let Ok(Some(piece)) = pieces.next(&mut input) {
                seen += piece.bytes.len();
                let _ = (Hello::decode(piece.bytes), Drops::decode(piece.bytes));
            }
            assert!(seen <= bytes.len());
            let mut from = Reader(&bytes);
            while ProcessEvent::decode(&mut from).is_some() {}
            while ProbeDescription::decode(&mut from).is_some() {}
            while take_record(&mut from).is_some() {}
        }
    }
}
