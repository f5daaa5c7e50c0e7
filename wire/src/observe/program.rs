//! What the records of a trace program carry: the numbers of its own events, which no provider has; and what it keeps, stacks and texts, which
//! records and keys carry as numbers.
use super::bytes::{Reader, Writer};

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

/// It fires on every CPU that is not idle, so many times a second.
pub const PROFILE: u16 = 0xfe03;

/// A word that stands for something kept is this and its number; number 0: there was no room for it.
pub const KEPT: u64 = 2 << 32;

/// What something kept is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum KeptKind {
    /// Addresses of the kernel, from the innermost outwards, after the probe's own.
    KernelStack = 1,
    /// The process, its comm in two words, and addresses of its program from the innermost outwards: a program counter, then return
    /// addresses.
    UserStack = 2,
    /// Bytes, eight in a word.
    Text = 3,
}

/// The stack goes on, or could not be followed to its end; the text goes on.
pub const KEPT_CUT: u8 = 1;
/// The text, or what follows of it, is not in memory.
pub const KEPT_ABSENT: u8 = 2;

/// The first address of the kernel's stack is a program counter; without this it is a return address, as the others are.
pub const KEPT_COUNTER: u8 = 4;

impl KeptKind {
    /// The first word of what is kept: kind, flags, bytes of a text or frames of a stack.
    pub const fn head(self, flags: u8, count: u16) -> u64 {
        self as u64 | (flags as u64) << 8 | (count as u64) << 16
    }
}

/// Something kept, as [`Kind::Kept`](super::Kind::Kept) brings it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept<'a> {
    /// Its number.
    pub number: u32,
    /// The raw clock when it came first.
    pub ticks: u64,
    /// What it is.
    pub kind: KeptKind,
    /// [`KEPT_CUT`], [`KEPT_ABSENT`], [`KEPT_COUNTER`].
    pub flags: u8,
    /// Bytes or frames.
    pub count: u16,
    /// Words, as little-endian bytes.
    words: &'a [u8],
}

impl<'a> Kept<'a> {
    /// Bytes of an encoded one with so many words after the head.
    pub const fn bytes(words: usize) -> usize {
        4 + 2 + 8 + 8 * words
    }

    /// Appends one: its words begin with [`KeptKind::head`].
    pub fn encode(number: u32, ticks: u64, words: impl ExactSizeIterator<Item = u64>, out: &mut Writer<'_>) {
        // CAST: nothing kept is that long.
        out.u32(number).u16(words.len() as u16).u64(ticks);
        words.for_each(|word| {
            out.u64(word);
        });
    }

    /// Takes one from the front; `Some(None)`: one of an unknown kind.
    pub fn decode(from: &mut Reader<'a>) -> Option<Option<Kept<'a>>> {
        let (number, words, ticks) = (from.u32()?, usize::from(from.u16()?), from.u64()?);
        let mut words = Reader(from.bytes(8 * words)?);
        let Some(head) = words.u64() else { return Some(None) };
        let [kind, flags, low, high, ..] = head.to_le_bytes();
        let all = [KeptKind::KernelStack, KeptKind::UserStack, KeptKind::Text];
        let kind = all.into_iter().find(|known| *known as u8 == kind);
        let count = u16::from_le_bytes([low, high]);
        Some(kind.map(|kind| Kept { number, ticks, kind, flags, count, words: words.0 }))
    }

    /// The words after the head.
    pub fn words(&self) -> impl Iterator<Item = u64> + use<'a> {
        let mut words = Reader(self.words);
        core::iter::from_fn(move || words.u64())
    }

    /// The bytes of a text.
    pub fn text(&self) -> &'a [u8] {
        &self.words[..self.words.len().min(self.count.into())]
    }
}
