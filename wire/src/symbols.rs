//! The kernel's symbol table: addresses and names of its functions, patched into the linked image so that a panic can show
//! names without a tool at hand (`docs/notes/0004-symbols-are-patched-into-the-image.md`).
//!
//! Little-endian: [`MAGIC`], number of entries, bytes of names; then for each entry, in rising order of address, the address as an
//! offset from the image's first byte and the name's offset in the names; then the names, each ending where the next one
//! begins. `xtask` writes it with [`encode`], the kernel looks names up with [`Table`]. Zeros where the table should be mean
//! that none was written: no names then.

/// First word: "OSYM".
const MAGIC: u32 = u32::from_le_bytes(*b"OSYM");
/// Bytes that the image keeps free for the table.
pub const SECTION_BYTES: usize = 384 * 1024;
/// The section's name.
pub const SECTION_NAME: &str = ".ochre.symbols";
/// Longest name; the rest is cut.
pub const MOST_NAME_BYTES: usize = 120;
const HEADER_BYTES: usize = 12;
const ENTRY_BYTES: usize = 8;

/// The table does not fit; how many bytes it wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooLarge {
    /// Bytes needed.
    pub bytes: usize,
}

/// Whether a function of this name may have a probe at its boundaries: those of the crates `kernel` and `modules`, which nothing between the
/// probe's trap and its consumer uses, but not those that trace, which would tell of themselves.
pub fn may_have_probe(name: &str) -> bool {
    // `<kernel::a::B as core::fmt::Display>::fmt` is a function of `kernel`.
    let path = name.trim_start_matches('<');
    let is_of = |start: &str| path.starts_with(start);
    (is_of("kernel::") || is_of("modules::")) && !is_of("kernel::trace::") && !is_of("kernel::observe::")
}

/// The part of a name that is kept.
fn cut(name: &str) -> &str {
    let mut end = name.len().min(MOST_NAME_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

/// Writes the table of `symbols` (offset from the image's first byte, name; in rising order of offset) to the start of `out`.
pub fn encode(symbols: &[(u32, &str)], out: &mut [u8]) -> Result<(), TooLarge> {
    let names_bytes: usize = symbols.iter().map(|(_, name)| cut(name).len()).sum();
    let names_start = HEADER_BYTES + symbols.len() * ENTRY_BYTES;
    let bytes = names_start + names_bytes;
    if bytes > out.len() || u32::try_from(bytes).is_err() {
        return Err(TooLarge { bytes });
    }
    // CAST: `bytes` fits, and these are less.
    let header = [MAGIC, symbols.len() as u32, names_bytes as u32];
    for (place, word) in out.chunks_exact_mut(4).zip(header) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    let mut name_offset = 0;
    for (index, (address, name)) in symbols.iter().enumerate() {
        let name = cut(name);
        let entry = &mut out[HEADER_BYTES + index * ENTRY_BYTES..][..ENTRY_BYTES];
        entry[..4].copy_from_slice(&address.to_le_bytes());
        // CAST: below `bytes`.
        entry[4..].copy_from_slice(&(name_offset as u32).to_le_bytes());
        out[names_start + name_offset..][..name.len()].copy_from_slice(name.as_bytes());
        name_offset += name.len();
    }
    Ok(())
}

/// A table to look names up in. Reading never panics, whatever the bytes are.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    entries: &'a [u8],
    names: &'a [u8],
}

fn word(bytes: &[u8], offset: usize) -> Option<u32> {
    let four = bytes.get(offset..offset.checked_add(4)?)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}

impl<'a> Table<'a> {
    /// The table in `bytes`, if one was written there.
    pub fn new(bytes: &'a [u8]) -> Option<Table<'a>> {
        if word(bytes, 0)? != MAGIC {
            return None;
        }
        let entries_bytes = (word(bytes, 4)? as usize).checked_mul(ENTRY_BYTES)?;
        let (entries, rest) = bytes.get(HEADER_BYTES..)?.split_at_checked(entries_bytes)?;
        Some(Table { entries, names: rest.get(..word(bytes, 8)? as usize)? })
    }

    /// Every function: where it begins, and its name.
    pub fn functions(self) -> impl Iterator<Item = (u32, &'a str)> {
        let count = self.entries.len() / ENTRY_BYTES;
        (0..count).filter_map(move |index| Some((self.address(index)?, self.name(index)?)))
    }

    fn name(&self, index: usize) -> Option<&'a str> {
        core::str::from_utf8(self.names.get(self.name_start(index)..self.name_start(index + 1))?).ok()
    }

    fn address(&self, index: usize) -> Option<u32> {
        word(self.entries, index * ENTRY_BYTES)
    }

    fn name_start(&self, index: usize) -> usize {
        word(self.entries, index * ENTRY_BYTES + 4).map_or(self.names.len(), |offset| offset as usize)
    }

    /// How many functions begin at `offset` or before.
    fn until(&self, offset: u32) -> Option<usize> {
        let (mut low, mut high) = (0, self.entries.len() / ENTRY_BYTES);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.address(middle)? <= offset { low = middle + 1 } else { high = middle }
        }
        Some(low)
    }

    /// The function that `offset` lies in or after: its name and how far into it.
    pub fn find(&self, offset: u32) -> Option<(&'a str, u32)> {
        let index = self.until(offset)?.checked_sub(1)?;
        Some((self.name(index)?, offset - self.address(index)?))
    }

    /// Where the first function behind `offset` begins.
    pub fn next(&self, offset: u32) -> Option<u32> {
        self.address(self.until(offset)?).filter(|next| *next > offset)
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_NAME_BYTES, Table, TooLarge, encode, may_have_probe};
    use crate::test_random::Random;

    #[test]
    fn finds_what_was_written() {
        let mut bytes = [0; 200];
        encode(&[(0x10, "first"), (0x20, "second"), (0x20, "also second"), (0x40, "letzte_ä")], &mut bytes).unwrap();
        let table = Table::new(&bytes).unwrap();
        assert_eq!(table.find(0xf), None);
        assert_eq!(table.find(0x10), Some(("first", 0)));
        assert_eq!(table.find(0x1f), Some(("first", 15)));
        assert_eq!(table.find(0x2f), Some(("also second", 15)));
        assert_eq!(table.find(0x1000), Some(("letzte_ä", 0x1000 - 0x40)));
        assert!(table.functions().map(|(address, _)| address).eq([0x10, 0x20, 0x20, 0x40]));
        assert!(table.functions().map(|(_, name)| name).eq(["first", "second", "also second", "letzte_ä"]));
    }

    #[test]
    fn probes_stay_away_from_what_they_use() {
        for name in ["kernel::fs::open", "modules::virtio::start", "<kernel::fs::A as core::fmt::Display>::fmt"] {
            assert!(may_have_probe(name), "{name}");
        }
        for name in
            ["machine::trace::fire", "kernel::trace::init", "<kernel::observe::A as B>::c", "kernelish::a", "memcpy"]
        {
            assert!(!may_have_probe(name), "{name}");
        }
    }

    #[test]
    fn cuts_long_names_between_characters() {
        let mut name = std::string::String::from("x");
        name.extend(core::iter::repeat_n('ä', MOST_NAME_BYTES));
        let mut bytes = [0; 400];
        encode(&[(0, &name)], &mut bytes).unwrap();
        assert_eq!(Table::new(&bytes).unwrap().find(0).unwrap().0.len(), MOST_NAME_BYTES - 1);
    }

    #[test]
    fn says_how_much_it_wants() {
        assert_eq!(encode(&[(0, "name")], &mut [0; 8]), Err(TooLarge { bytes: 24 }));
    }

    #[test]
    fn knows_that_there_is_none() {
        assert!(Table::new(&[0; 64]).is_none());
        assert!(Table::new(&[]).is_none());
    }

    #[test]
    fn survives_damage() {
        let mut good = [0; 200];
        encode(&[(0x10, "first"), (0x20, "second"), (0x40, "third")], &mut good).unwrap();
        let mut random = Random::new(7);
        for _ in 0..20_000 {
            let mut bytes = good;
            for _ in 0..random.below(6) + 1 {
                let place = random.below(bytes.len());
                bytes[place] = random.byte();
            }
            if let Some(table) = Table::new(&bytes) {
                let _ = table.functions().count();
                for offset in [0, 0x10, 0x30, 0x41, u32::MAX] {
                    let _ = table.find(offset);
                }
            }
        }
    }
}
