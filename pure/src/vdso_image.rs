//! The shared library that the kernel maps into every program (the vDSO), as an ELF image made from a piece of code.
//!
//! [`build`] wraps code that finds everything relative to itself into what C libraries, unwinders and debuggers expect: a dynamic section,
//! symbols with one version, both hash tables (older C libraries know only one each), unwind notes, section headers.
//! The image is at most one page, its code at [`CODE_OFFSET`], so that the code can know how far it is from the page before it.
//!
//! Called once by `kernel`, and by tests that read the image back with another crate.
use alloc::vec;
use alloc::vec::Vec;

/// Bytes of the image: one page.
pub const IMAGE_BYTES: usize = 4096;
/// Where the code lies in the image.
pub const CODE_OFFSET: usize = 0x800;

/// One function of the code.
#[derive(Clone, Copy, Debug)]
pub struct Function<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where it lies in the code.
    pub start: usize,
    /// Its length.
    pub bytes: usize,
    /// Whether programs may have a function of that name of their own.
    pub is_weak: bool,
}

/// How to unwind from any instruction of functions that push nothing.
#[derive(Clone, Copy, Debug)]
pub struct Unwinding {
    /// DWARF's number of the stack pointer.
    pub stack_pointer: u8,
    /// Distance from it to the caller's.
    pub frame_bytes: u8,
    /// DWARF's number of the return address.
    pub return_address: u8,
    /// Whether that was pushed by the call, just below the caller's frame; else it is in its register.
    pub is_pushed: bool,
    /// Bytes of code, from its start, that this is true of.
    pub code_bytes: usize,
}

/// What the image is made from.
#[derive(Clone, Copy, Debug)]
pub struct Library<'a> {
    /// ELF's number of the machine.
    pub machine: u16,
    /// The library's name.
    pub name: &'a str,
    /// The version of all its symbols.
    pub version: &'a str,
    /// The code.
    pub code: &'a [u8],
    /// What it offers.
    pub functions: &'a [Function<'a>],
    /// How to unwind from it.
    pub unwinding: Unwinding,
}

const ELF_HEADER_BYTES: usize = 64;
const PROGRAM_HEADER_BYTES: usize = 56;
const SECTION_HEADER_BYTES: usize = 64;
const SYMBOL_BYTES: usize = 24;

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_GNU_EH_FRAME: u32 = 0x6474_e550;

const SHT_PROGBITS: u32 = 1;
const SHT_STRTAB: u32 = 3;
const SHT_HASH: u32 = 5;
const SHT_DYNAMIC: u32 = 6;
const SHT_DYNSYM: u32 = 11;
const SHT_GNU_HASH: u32 = 0x6fff_fff6;
const SHT_GNU_VERDEF: u32 = 0x6fff_fffd;
const SHT_GNU_VERSYM: u32 = 0x6fff_ffff;
const SHF_ALLOC: u64 = 2;
const SHF_EXECINSTR: u64 = 4;

/// ELF's first hash function, also of versions.
pub fn system_v_hash(name: &str) -> u32 {
    name.bytes().fold(0u32, |hash, byte| {
        let sum = (hash << 4).wrapping_add(u32::from(byte));
        let high = sum & 0xf000_0000;
        (sum ^ high >> 24) & !high
    })
}

/// GNU's hash function.
pub fn gnu_hash(name: &str) -> u32 {
    name.bytes().fold(5381u32, |hash, byte| hash.wrapping_mul(33).wrapping_add(u32::from(byte)))
}

/// Bytes being laid out, and the sections among them.
struct Image {
    bytes: Vec<u8>,
    sections: Vec<Section>,
}

/// A section header to come.
struct Section {
    name: &'static str,
    kind: u32,
    flags: u64,
    start: usize,
    bytes: usize,
    /// Name of the section it refers to.
    link: &'static str,
    info: u32,
    entry_bytes: usize,
}

impl Image {
    fn align(&mut self, to: usize) {
        self.bytes.resize(self.bytes.len().next_multiple_of(to), 0);
    }
    fn half(&mut self, value: u16) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }
    fn word(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }
    fn long(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }
    /// Appends a section that `fill` writes; answers where it begins.
    fn section(&mut self, name: &'static str, kind: u32, align: usize, fill: impl FnOnce(&mut Image)) -> usize {
        self.align(align);
        let start = self.bytes.len();
        fill(self);
        let bytes = self.bytes.len() - start;
        self.sections.push(Section { name, kind, flags: SHF_ALLOC, start, bytes, link: "", info: 0, entry_bytes: 0 });
        start
    }
    /// The section made last, to say more of it.
    fn describe(&mut self, link: &'static str, info: u32, entry_bytes: usize) {
        if let Some(section) = self.sections.last_mut() {
            (section.link, section.info, section.entry_bytes) = (link, info, entry_bytes);
        }
    }
}

/// The strings of the dynamic section, and where each begins.
struct Strings {
    bytes: Vec<u8>,
}

impl Strings {
    fn add(&mut self, text: &str) -> u32 {
        // CAST: a page has room for far less.
        let at = self.bytes.len() as u32;
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(0);
        at
    }
}

/// Makes the image; `None` if it does not fit a page.
pub fn build(library: &Library<'_>) -> Option<Vec<u8>> {
    let mut functions: Vec<Function<'_>> = library.functions.to_vec();
    // GNU's table wants symbols of one bucket side by side; with one bucket any order is right.
    functions.sort_by_key(|function| function.start);
    let mut strings = Strings { bytes: vec![0] };
    let names: Vec<u32> = functions.iter().map(|function| strings.add(function.name)).collect();
    let (library_name, version_name) = (strings.add(library.name), strings.add(library.version));

    let mut image = Image { bytes: Vec::with_capacity(IMAGE_BYTES), sections: Vec::new() };
    let header_count = 3;
    image.bytes.resize(ELF_HEADER_BYTES + header_count * PROGRAM_HEADER_BYTES, 0);
    let hash = image.section(".hash", SHT_HASH, 8, |image| write_hash(image, &functions));
    image.describe(".dynsym", 0, 4);
    let gnu = image.section(".gnu.hash", SHT_GNU_HASH, 8, |image| write_gnu_hash(image, &functions));
    image.describe(".dynsym", 0, 0);
    // CAST: the section's number, known before the others are: null, .hash, .gnu.hash, .dynsym, .dynstr, .gnu.version,
    // .gnu.version_d, .eh_frame_hdr, .eh_frame, .dynamic, .text.
    const TEXT: u16 = 10;
    let symbols = image.section(".dynsym", SHT_DYNSYM, 8, |image| write_symbols(image, &functions, &names, TEXT));
    image.describe(".dynstr", 1, SYMBOL_BYTES);
    let text = strings.bytes.clone();
    let strings_at = image.section(".dynstr", SHT_STRTAB, 1, |image| image.bytes.extend_from_slice(&text));
    let versions = image.section(".gnu.version", SHT_GNU_VERSYM, 2, |image| {
        image.half(0);
        functions.iter().for_each(|_| image.half(2));
    });
    image.describe(".dynsym", 0, 2);
    let definitions = image.section(".gnu.version_d", SHT_GNU_VERDEF, 8, |image| {
        write_version(image, 1, 1, library.name, library_name, true);
        write_version(image, 0, 2, library.version, version_name, false);
    });
    image.describe(".dynstr", 2, 0);
    let frame_header = image.section(".eh_frame_hdr", SHT_PROGBITS, 4, write_frame_header);
    let frame_header_bytes = image.bytes.len() - frame_header;
    image.section(".eh_frame", SHT_PROGBITS, 8, |image| write_frames(image, &library.unwinding));
    let dynamic = image.section(".dynamic", SHT_DYNAMIC, 8, |image| {
        for (tag, value) in [
            (14, library_name as usize), // DT_SONAME
            (4, hash),                   // DT_HASH
            (0x6fff_fef5, gnu),          // DT_GNU_HASH
            (5, strings_at),             // DT_STRTAB
            (6, symbols),                // DT_SYMTAB
            (10, strings.bytes.len()),   // DT_STRSZ
            (11, SYMBOL_BYTES),          // DT_SYMENT
            (0x6fff_fff0, versions),     // DT_VERSYM
            (0x6fff_fffc, definitions),  // DT_VERDEF
            (0x6fff_fffd, 2),            // DT_VERDEFNUM
            (0, 0),                      // DT_NULL
        ] {
            image.long(tag);
            image.long(value as u64);
        }
    });
    image.describe(".dynstr", 0, 16);
    let dynamic_bytes = image.bytes.len() - dynamic;
    if image.bytes.len() > CODE_OFFSET {
        return None;
    }
    image.bytes.resize(CODE_OFFSET, 0);
    image.section(".text", SHT_PROGBITS, 16, |image| image.bytes.extend_from_slice(library.code));
    if let Some(text) = image.sections.last_mut() {
        text.flags |= SHF_EXECINSTR;
    }
    let loaded_bytes = image.bytes.len();
    let (section_headers, section_count) = write_section_headers(&mut image);
    if image.bytes.len() > IMAGE_BYTES {
        return None;
    }

    let mut head = Image { bytes: Vec::new(), sections: Vec::new() };
    // Magic, 64 bits, little-endian, version 1.
    head.bytes.extend_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    head.half(3); // ET_DYN
    head.half(library.machine);
    head.word(1);
    head.long(CODE_OFFSET as u64);
    head.long(ELF_HEADER_BYTES as u64);
    head.long(section_headers as u64);
    head.word(0);
    // CAST: constants and small counts.
    for value in
        [ELF_HEADER_BYTES, PROGRAM_HEADER_BYTES, header_count, SECTION_HEADER_BYTES, section_count, section_count - 1]
    {
        head.half(value as u16);
    }
    for (kind, flags, start, bytes, align) in [
        (PT_LOAD, 5, 0, loaded_bytes, IMAGE_BYTES),
        (PT_DYNAMIC, 4, dynamic, dynamic_bytes, 8),
        (PT_GNU_EH_FRAME, 4, frame_header, frame_header_bytes, 4),
    ] {
        head.word(kind);
        head.word(flags);
        for value in [start, start, start, bytes, bytes, align] {
            head.long(value as u64);
        }
    }
    image.bytes[..head.bytes.len()].copy_from_slice(&head.bytes);
    image.bytes.resize(IMAGE_BYTES, 0);
    Some(image.bytes)
}

/// One bucket that begins the chain of all symbols.
fn write_hash(image: &mut Image, functions: &[Function<'_>]) {
    // CAST: a page has room for far less.
    let count = functions.len() as u32;
    let first = u32::from(count > 0);
    for value in [1, count + 1, first, 0] {
        image.word(value);
    }
    for index in 1..=count {
        image.word(if index == count { 0 } else { index + 1 });
    }
}

/// One bucket, and a filter that lets everything through.
fn write_gnu_hash(image: &mut Image, functions: &[Function<'_>]) {
    let first = u32::from(!functions.is_empty());
    for value in [1, 1, 1, 0] {
        image.word(value);
    }
    image.long(u64::MAX);
    image.word(first);
    for (index, function) in functions.iter().enumerate() {
        // The lowest bit marks the end of the chain.
        let is_last = index + 1 == functions.len();
        image.word(gnu_hash(function.name) & !1 | u32::from(is_last));
    }
}

fn write_symbols(image: &mut Image, functions: &[Function<'_>], names: &[u32], section: u16) {
    image.bytes.resize(image.bytes.len() + SYMBOL_BYTES, 0);
    for (function, name) in functions.iter().zip(names) {
        image.word(*name);
        // A function, weak or global.
        image.bytes.extend_from_slice(&[if function.is_weak { 0x22 } else { 0x12 }, 0]);
        image.half(section);
        image.long((CODE_OFFSET + function.start) as u64);
        image.long(function.bytes as u64);
    }
}

/// A version definition with its one name.
fn write_version(image: &mut Image, flags: u16, index: u16, name: &str, name_at: u32, has_next: bool) {
    for value in [1, flags, index, 1] {
        image.half(value);
    }
    // Hash; where the name's entry is; where the next definition is; the name; no further name.
    for value in [system_v_hash(name), 20, if has_next { 28 } else { 0 }, name_at, 0] {
        image.word(value);
    }
}

/// Only says where the frames are: they are few enough to be searched.
fn write_frame_header(image: &mut Image) {
    // Version 1; the pointer is relative to here; no count, no table. The frames follow at the next multiple of 8.
    let frames_at = (image.bytes.len() + 8).next_multiple_of(8);
    image.bytes.extend_from_slice(&[1, 0x1b, 0xff, 0xff]);
    // CAST: a few bytes.
    image.word((frames_at - image.bytes.len()) as u32);
}

fn write_frames(image: &mut Image, unwinding: &Unwinding) {
    let start = image.bytes.len();
    // Common part: length, id 0, version 1, "zR", alignments, return address, pointers relative and of 32 bits.
    image.word(0);
    image.word(0);
    image.bytes.extend_from_slice(&[1, b'z', b'R', 0, 1, 0x78, unwinding.return_address, 1, 0x1b]);
    // The caller's frame is so far above the stack pointer.
    image.bytes.extend_from_slice(&[0x0c, unwinding.stack_pointer, unwinding.frame_bytes]);
    if unwinding.is_pushed {
        image.bytes.extend_from_slice(&[0x80 | unwinding.return_address, 1]);
    }
    end_entry(image, start);
    let function = image.bytes.len();
    image.word(0);
    // CAST: offsets within the page.
    image.word((function + 4 - start) as u32);
    let here = image.bytes.len();
    image.word((CODE_OFFSET - here) as u32);
    image.word(unwinding.code_bytes as u32);
    image.bytes.push(0);
    end_entry(image, function);
    image.word(0);
}

/// Fills an entry with no-operations and writes its length.
fn end_entry(image: &mut Image, start: usize) {
    image.align(8);
    // CAST: within the page.
    let length = (image.bytes.len() - start - 4) as u32;
    image.bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

/// Appends the names of the sections and their headers; answers where the headers are and how many.
fn write_section_headers(image: &mut Image) -> (usize, usize) {
    let names_at = image.bytes.len();
    let mut names = vec![0];
    let mut places = Vec::new();
    let sections = core::mem::take(&mut image.sections);
    for name in sections.iter().map(|section| section.name).chain([".shstrtab"]) {
        // CAST: within the page.
        places.push(names.len() as u32);
        names.extend_from_slice(name.as_bytes());
        names.push(0);
    }
    image.bytes.extend_from_slice(&names);
    image.align(8);
    let start = image.bytes.len();
    image.bytes.resize(start + SECTION_HEADER_BYTES, 0);
    for (section, place) in sections.iter().zip(&places) {
        let link = sections.iter().position(|other| other.name == section.link).map_or(0, |index| index + 1);
        let is_loaded_at = section.start as u64;
        image.word(*place);
        image.word(section.kind);
        image.long(section.flags);
        image.long(is_loaded_at);
        image.long(section.start as u64);
        image.long(section.bytes as u64);
        // CAST: a small number.
        image.word(link as u32);
        image.word(section.info);
        image.long(8);
        image.long(section.entry_bytes as u64);
    }
    image.word(places[sections.len()]);
    image.word(SHT_STRTAB);
    for value in [0, 0, names_at as u64, names.len() as u64, 0, 1, 0] {
        image.long(value);
    }
    (start, sections.len() + 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use elf::ElfBytes;
    use elf::endian::LittleEndian;

    const CODE: [u8; 48] = [0xc3; 48];

    fn library(functions: &[Function<'_>]) -> Vec<u8> {
        let unwinding =
            Unwinding { stack_pointer: 7, frame_bytes: 8, return_address: 16, is_pushed: true, code_bytes: 48 };
        build(&Library {
            machine: 62,
            name: "linux-vdso.so.1",
            version: "LINUX_2.6",
            code: &CODE,
            functions,
            unwinding,
        })
        .unwrap()
    }

    fn functions() -> [Function<'static>; 3] {
        [("__vdso_time", 16, false), ("time", 16, true), ("__vdso_getcpu", 0, false)]
            .map(|(name, start, is_weak)| Function { name, start, bytes: 16, is_weak })
    }

    #[test]
    fn another_crate_reads_it() {
        let image = library(&functions());
        assert_eq!(image.len(), IMAGE_BYTES);
        let file = ElfBytes::<LittleEndian>::minimal_parse(&image).unwrap();
        assert_eq!(file.ehdr.e_machine, 62);
        let common = file.find_common_data().unwrap();
        let (symbols, strings) = (common.dynsyms.unwrap(), common.dynsyms_strs.unwrap());
        let gnu = common.gnu_hash.unwrap();
        let old = common.sysv_hash.unwrap();
        let versions = file.symbol_version_table().unwrap().unwrap();
        for function in functions() {
            let (index, symbol) = gnu.find(function.name.as_bytes(), &symbols, &strings).unwrap().unwrap();
            let (other, _) = old.find(function.name.as_bytes(), &symbols, &strings).unwrap().unwrap();
            assert_eq!(index, other);
            assert_eq!(symbol.st_value, (CODE_OFFSET + function.start) as u64);
            assert_eq!(symbol.st_bind(), if function.is_weak { 2 } else { 1 });
            assert_eq!(file.section_headers().unwrap().get(symbol.st_shndx.into()).unwrap().sh_type, SHT_PROGBITS);
            let version = versions.get_definition(index).unwrap().unwrap();
            assert_eq!(version.hash, 0x3ae75f6);
            assert_eq!(version.names.map(|name| name.unwrap()).collect::<Vec<_>>(), ["LINUX_2.6"]);
        }
        assert!(gnu.find(b"clock_gettime", &symbols, &strings).unwrap().is_none());
        assert!(old.find(b"clock_gettime", &symbols, &strings).unwrap().is_none());
        let (text, _) = file.section_data(&file.section_header_by_name(".text").unwrap().unwrap()).unwrap();
        assert_eq!(text, CODE);
    }

    #[test]
    fn the_loaded_part_covers_the_code() {
        let image = library(&functions());
        let file = ElfBytes::<LittleEndian>::minimal_parse(&image).unwrap();
        let load = file.segments().unwrap().iter().find(|segment| segment.p_type == PT_LOAD).unwrap();
        assert_eq!((load.p_offset, load.p_vaddr), (0, 0));
        assert!(load.p_filesz as usize >= CODE_OFFSET + CODE.len());
        let frames = file.section_header_by_name(".eh_frame").unwrap().unwrap();
        let header = file.section_header_by_name(".eh_frame_hdr").unwrap().unwrap();
        let pointer = u32::from_le_bytes(image[header.sh_offset as usize + 4..][..4].try_into().unwrap());
        assert_eq!(header.sh_offset + 4 + u64::from(pointer), frames.sh_offset);
    }

    #[test]
    fn too_much_is_refused() {
        let code = vec![0; IMAGE_BYTES];
        let whole = Library {
            machine: 62,
            name: "a",
            version: "b",
            code: &code,
            functions: &[],
            unwinding: Unwinding {
                stack_pointer: 7,
                frame_bytes: 8,
                return_address: 16,
                is_pushed: true,
                code_bytes: 0,
            },
        };
        assert!(build(&whole).is_none());
    }
}
