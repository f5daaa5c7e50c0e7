//! Fills the symbol table of a linked kernel: its functions' addresses and names, sorted and demangled, go where the linker
//! script keeps room for them (`wire::symbols`).

use anyhow::Context;
use object::read::elf::{FileHeader, ProgramHeader, Sym};
use object::{Endianness, elf};
use std::collections::BTreeMap;
use std::ops::Range;
use wire::symbols::{SECTION_BYTES, encode};

/// The functions by offset from the image's first byte, and the addresses of the table's room.
struct Symbols {
    functions: BTreeMap<u32, String>,
    room: Range<u64>,
}

/// Writes the table into `file`, a kernel's ELF file.
pub(crate) fn fill(file: &mut [u8]) -> anyhow::Result<()> {
    let Symbols { functions, room } = collect(file)?;
    let room = file_range(file, &room)?;
    let symbols: Vec<(u32, &str)> = functions.iter().map(|(address, name)| (*address, name.as_str())).collect();
    encode(&symbols, &mut file[room]).map_err(|error| {
        let bytes = error.bytes;
        anyhow::anyhow!(
            "the symbol table needs {bytes} bytes and the image keeps {SECTION_BYTES}: raise SECTION_BYTES in wire/src/symbols.rs"
        )
    })
}

fn collect(file: &[u8]) -> anyhow::Result<Symbols> {
    let header = elf::FileHeader64::<Endianness>::parse(file).context("not an ELF file")?;
    let endian = header.endian()?;
    let table = header.sections(endian, file)?.symbols(endian, file, elf::SHT_SYMTAB)?;
    let mut functions = BTreeMap::new();
    let mut places = BTreeMap::new();
    for symbol in table.iter() {
        let name = symbol.name(endian, table.strings())?;
        if symbol.st_type() == elf::STT_FUNC {
            functions.insert(symbol.st_value(endian), name);
        } else if let b"__image_start" | b"__symbols_start" | b"__symbols_end" = name {
            places.insert(name, symbol.st_value(endian));
        }
    }
    let place = |name: &str| places.get(name.as_bytes()).copied().with_context(|| format!("the image has no {name}"));
    let start = place("__image_start")?;
    let functions = functions
        .iter()
        .map(|(address, name)| {
            let offset = address.checked_sub(start).and_then(|offset| u32::try_from(offset).ok());
            let name = format!("{:#}", rustc_demangle::demangle(&String::from_utf8_lossy(name)));
            offset.map(|offset| (offset, name)).context("a function lies outside the image")
        })
        .collect::<anyhow::Result<_>>()?;
    Ok(Symbols { functions, room: place("__symbols_start")?..place("__symbols_end")? })
}

/// Where in the file the bytes at `addresses` are.
fn file_range(file: &[u8], addresses: &Range<u64>) -> anyhow::Result<Range<usize>> {
    let header = elf::FileHeader64::<Endianness>::parse(file).context("not an ELF file")?;
    let endian = header.endian()?;
    let segment = header
        .program_headers(endian, file)?
        .iter()
        .filter(|segment| segment.p_type(endian) == elf::PT_LOAD)
        .find(|segment| {
            let start = segment.p_vaddr(endian);
            start <= addresses.start && addresses.end <= start + segment.p_filesz(endian)
        })
        .context("no segment holds the symbol table")?;
    let offset = |address: u64| usize::try_from(address - segment.p_vaddr(endian) + segment.p_offset(endian));
    let range = offset(addresses.start)?..offset(addresses.end)?;
    anyhow::ensure!(range.end <= file.len(), "the symbol table lies outside the file");
    Ok(range)
}
