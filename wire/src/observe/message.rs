//! What stands in the guest's frames about itself: its greeting, its probes, its records, and what was lost.
use super::bytes::{Reader, Writer};
use crate::trace::{Head, MAX_ARGUMENTS, Record};

/// The guest's first words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// [`VERSION`](super::VERSION) of the guest.
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
    /// Stacks and texts of trace programs for which there was no room.
    Kept = 5,
    /// Places in programs where a probe should have been planted and was not.
    Places = 6,
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
        let all = [
            Dropped::Records,
            Dropped::Frames,
            Dropped::Samples,
            Dropped::Updates,
            Dropped::Output,
            Dropped::Kept,
            Dropped::Places,
        ];
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
