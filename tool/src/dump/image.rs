//! A guest's memory in a file: raw (`pmemsave`), or an ELF core (`dump-guest-memory`). Kernel addresses are found by the kernel's own
//! page tables, of either architecture. An ELF core says which, and has the CPUs' registers; where raw memory begins differs by architecture
//! and is tried out on the header's own address.

use wire::layout::{MAGIC, VERSION, WORDS, Word};

/// Where raw memory may begin: PCs, and QEMU's ARM64 machine.
const BASES: [(u64, Tables); 2] = [(0, Tables::X86), (0x4000_0000, Tables::Arm)];
/// Bits of a page table's entry that are an address.
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// How a page table's entry says that it is not the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tables {
    X86,
    Arm,
}

/// A piece of physical memory in the file.
#[derive(Clone, Copy, Debug)]
struct Piece {
    physical: u64,
    offset: usize,
    bytes: usize,
}

/// Where a CPU was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The program counter.
    pub(crate) counter: u64,
    /// The frame pointer.
    pub(crate) frame: u64,
}

/// What the file is beside its bytes: where memory lies in it, how its page tables look, and where each CPU was, if it tells.
#[derive(Clone, Debug)]
struct Form {
    pieces: Vec<Piece>,
    tables: Tables,
    places: Vec<Place>,
}

/// The memory, with the kernel's header.
pub(crate) struct Image<'a> {
    file: &'a [u8],
    form: Form,
    header: [u64; WORDS],
}

impl<'a> Image<'a> {
    /// `None`: there is no header of a kernel of this version in it.
    pub(crate) fn find(file: &'a [u8]) -> Option<Image<'a>> {
        let raw = |(physical, tables)| {
            let pieces = vec![Piece { physical, offset: 0, bytes: file.len() }];
            Form { pieces, tables, places: Vec::new() }
        };
        let forms = match core(file) {
            Some(core) => vec![core],
            None => BASES.map(raw).into(),
        };
        let magic = MAGIC.to_le_bytes();
        // The header is a static of words, so aligned.
        for offset in (0..file.len().saturating_sub(WORDS * 8)).step_by(8) {
            if file[offset..offset + 8] != magic {
                continue;
            }
            let Some(header) = words(file, offset) else { continue };
            if header[Word::Version as usize] != VERSION {
                continue;
            }
            for form in &forms {
                let image = Image { file, form: form.clone(), header };
                let own = image.translate(header[Word::Own as usize]).and_then(|physical| image.place(physical));
                if own == Some(offset) {
                    return Some(image);
                }
            }
        }
        None
    }

    /// A word of the header.
    pub(crate) fn word_of(&self, word: Word) -> u64 {
        self.header[word as usize]
    }

    /// Where each CPU was; none if the file does not tell.
    pub(crate) fn places(&self) -> &[Place] {
        &self.form.places
    }

    /// Where a physical address lies in the file.
    fn place(&self, physical: u64) -> Option<usize> {
        self.form.pieces.iter().find_map(|piece| {
            let inside = usize::try_from(physical.checked_sub(piece.physical)?).ok()?;
            (inside < piece.bytes).then(|| piece.offset + inside)
        })
    }

    fn physical_word(&self, physical: u64) -> Option<u64> {
        let place = self.place(physical)?;
        Some(u64::from_le_bytes(*self.file.get(place..)?.first_chunk()?))
    }

    /// The physical address of a kernel address, by the kernel's page tables.
    fn translate(&self, address: u64) -> Option<u64> {
        let mut table = self.header[Word::PageTable as usize] & ADDRESS;
        for level in 0..4 {
            let shift = 39 - 9 * level;
            let entry = self.physical_word(table + (address >> shift & 511) * 8)?;
            if entry & 1 == 0 {
                return None;
            }
            let is_leaf = match self.form.tables {
                _ if level == 3 => true,
                Tables::X86 => level > 0 && entry & 0x80 != 0,
                Tables::Arm => entry & 2 == 0,
            };
            if is_leaf {
                let below = (1u64 << shift) - 1;
                return Some(entry & ADDRESS & !below | address & below);
            }
            table = entry & ADDRESS;
        }
        None
    }

    /// Bytes at a kernel address; `None` unless all of them are there.
    pub(crate) fn bytes(&self, address: u64, count: usize) -> Option<Vec<u8>> {
        if count > self.file.len() {
            return None;
        }
        let mut bytes = Vec::with_capacity(count);
        while bytes.len() < count {
            let at = address.checked_add(bytes.len() as u64)?;
            let place = self.place(self.translate(at)?)?;
            // CAST: below 4,096.
            let in_page = 4096 - (at & 4095) as usize;
            let piece = self.file.get(place..)?;
            bytes.extend_from_slice(piece.get(..in_page.min(count - bytes.len()))?);
        }
        Some(bytes)
    }

    /// A word at a kernel address.
    pub(crate) fn word(&self, address: u64) -> Option<u64> {
        self.words(address).map(|[word]| word)
    }

    /// Words at a kernel address.
    pub(crate) fn words<const N: usize>(&self, address: u64) -> Option<[u64; N]> {
        words(&self.bytes(address, N * 8)?, 0)
    }

    /// A text at a kernel address, whose length was read too.
    pub(crate) fn text(&self, address: u64, length: u64) -> String {
        let bytes = self.bytes(address, usize::try_from(length.min(256)).unwrap_or(0)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn words<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u64; N]> {
    let mut words = [0; N];
    for (index, word) in words.iter_mut().enumerate() {
        *word = u64::from_le_bytes(*bytes.get(offset + index * 8..)?.first_chunk()?);
    }
    Some(words)
}

/// The loaded pieces of a 64-bit ELF core, its architecture's tables, and its CPUs' places; `None` if the file is none.
fn core(file: &[u8]) -> Option<Form> {
    const LOAD: u32 = 1;
    const NOTE: u32 = 4;
    const AARCH64: u16 = 183;
    if !file.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let half = |at: usize| Some(u16::from_le_bytes(*file.get(at..)?.first_chunk()?));
    let long = |at: usize| Some(u64::from_le_bytes(*file.get(at..)?.first_chunk()?));
    let (start, size, count) = (usize::try_from(long(32)?).ok()?, usize::from(half(54)?), half(56)?);
    let tables = if half(18)? == AARCH64 { Tables::Arm } else { Tables::X86 };
    let (mut pieces, mut cpus) = (Vec::new(), Vec::new());
    for index in 0..usize::from(count) {
        let at = start.checked_add(index * size)?;
        let kind = u32::from_le_bytes(*file.get(at..)?.first_chunk()?);
        let (offset, physical, bytes) = (long(at + 8)?, long(at + 24)?, long(at + 32)?);
        let (offset, bytes) = (usize::try_from(offset).ok()?, usize::try_from(bytes).ok()?);
        let Some(whole) = file.get(offset..).and_then(|rest| rest.get(..bytes)) else { continue };
        match kind {
            LOAD => pieces.push(Piece { physical, offset, bytes }),
            NOTE => cpus.extend(notes(whole, tables)),
            _ => {}
        }
    }
    Some(Form { pieces, tables, places: cpus })
}

/// Where each CPU was, from its `NT_PRSTATUS` (Linux, include/uapi/linux/elf.h; asm/user.h and asm/ptrace.h of the architectures).
fn notes(mut rest: &[u8], tables: Tables) -> Vec<Place> {
    const STATUS: u32 = 1;
    /// Bytes before the registers in `struct elf_prstatus`.
    const BEFORE: usize = 112;
    // By the registers' numbers there: x86-64's rbp and rip, ARM64's x29 and pc.
    let (frame, counter) = if tables == Tables::X86 { (4, 16) } else { (29, 32) };
    let mut places = Vec::new();
    while let Some(head) = rest.first_chunk::<12>() {
        let [name, bytes, kind] =
            [0, 4, 8].map(|at| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]));
        // CAST: usize has 64 bits here. OVERFLOW: so the sums of three of 32 fit.
        let (name, bytes) = ((name as usize).next_multiple_of(4), bytes as usize);
        let body = rest.get(12 + name..).and_then(|body| body.get(..bytes));
        let Some(body) = body else { break };
        let register = |number: usize| words::<1>(body, BEFORE + 8 * number).map(|[word]| word);
        if kind == STATUS
            && rest[12..].starts_with(b"CORE\0")
            && let (Some(counter), Some(frame)) = (register(counter), register(frame))
        {
            places.push(Place { counter, frame });
        }
        rest = rest.get(12 + name + bytes.next_multiple_of(4)..).unwrap_or_default();
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A raw memory whose page tables map the header, as one architecture writes them.
    fn memory(tables: Tables, base: u64) -> Vec<u8> {
        const OWN: u64 = 0xffff_ffff_8000_5008;
        let mut file = vec![0; 0x8000];
        let mut put = |at: u64, word: u64| file[at as usize..at as usize + 8].copy_from_slice(&word.to_le_bytes());
        let next = if tables == Tables::Arm { 3 } else { 0x23 };
        for (level, table) in [0x1000u64, 0x2000, 0x3000, 0x4000].into_iter().enumerate() {
            let index = OWN >> (39 - 9 * level) & 511;
            put(table + index * 8, (base + table + 0x1000) | next);
        }
        put(0x5008, MAGIC);
        put(0x5010, VERSION);
        put(0x5018, OWN);
        put(0x5028, base + 0x1000);
        file
    }

    #[test]
    fn headers_are_found_on_both_architectures() {
        for (tables, base) in [(Tables::X86, 0), (Tables::Arm, 0x4000_0000)] {
            let file = memory(tables, base);
            let image = Image::find(&file).expect("a header");
            assert_eq!(image.word_of(Word::Version), VERSION);
            assert_eq!(image.words::<1>(image.word_of(Word::Own)), Some([MAGIC]));
            assert_eq!(image.bytes(0x1234, 8), None);
        }
        assert!(Image::find(&[0; 4096]).is_none() && Image::find(b"\x7fELF\x02\x01").is_none());
    }

    #[test]
    fn notes_tell_where_cpus_were() {
        for (tables, frame, counter) in [(Tables::X86, 4, 16), (Tables::Arm, 29, 32)] {
            let mut status = vec![0; 112 + 8 * 34];
            status[112 + 8 * frame] = 7;
            status[112 + 8 * counter] = 9;
            let head = |bytes: usize, kind: u32| -> Vec<u8> {
                [5, bytes as u32, kind].iter().flat_map(|word| word.to_le_bytes()).collect()
            };
            let note = [head(status.len(), 1), b"CORE\0\0\0\0".to_vec(), status].concat();
            let other = [head(3, 2), b"QEMU\0\0\0\0xyz\0".to_vec()].concat();
            let all = [note.clone(), other, note.clone()].concat();
            assert_eq!(notes(&all, tables), [Place { counter: 9, frame: 7 }; 2]);
            for cut in 0..all.len() {
                let found = notes(&all[..cut], tables).len();
                assert_eq!(found, usize::from(cut >= note.len()), "cut at {cut}");
            }
        }
    }

    /// Damaged images: an answer, never a panic.
    #[test]
    fn fuzz_images() {
        let whole = memory(Tables::X86, 0);
        let mut state = 99u64;
        for _ in 0..2000 {
            let mut file = whole.clone();
            for _ in 0..8 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let place = [0x1000, 0x2000, 0x3000, 0x4000, 0x5000][(state >> 40) as usize % 5]
                    + ((state >> 33) as usize % 4096);
                file[place] = (state >> 24) as u8;
            }
            if let Some(image) = Image::find(&file) {
                let _ = crate::dump::show(&image, 4);
            }
        }
    }
}
