//! The flat image of an ELF file: its loaded segments as they lie in memory, from the lowest on, without headers.
//! ARM64's boot protocol wants that; the 64-byte header it begins with is part of the kernel's own first section.

use anyhow::Context;
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, elf};

/// Most bytes an image may have: anything larger means a broken linker script.
const LIMIT: u64 = 64 * 1024 * 1024;

/// The bytes from the first loaded byte to the last that is in the file; what follows (.bss) the kernel clears itself.
pub(crate) fn from_elf(file: &[u8]) -> anyhow::Result<Vec<u8>> {
    let header = elf::FileHeader64::<Endianness>::parse(file).context("not an ELF file")?;
    let endian = header.endian()?;
    let segments: Vec<_> = header
        .program_headers(endian, file)?
        .iter()
        .filter(|segment| segment.p_type(endian) == elf::PT_LOAD && segment.p_filesz(endian) > 0)
        .collect();
    let start = segments.iter().map(|segment| segment.p_vaddr(endian)).min().context("nothing is loaded")?;
    let mut image = Vec::new();
    for segment in segments {
        let data = segment.data(endian, file).map_err(|()| anyhow::anyhow!("a segment lies outside the file"))?;
        let offset = segment.p_vaddr(endian) - start;
        let end = offset + data.len() as u64;
        anyhow::ensure!(end <= LIMIT, "a segment ends {end} bytes after the first begins");
        image.resize(image.len().max(end as usize), 0);
        image[offset as usize..end as usize].copy_from_slice(data);
    }
    Ok(image)
}
