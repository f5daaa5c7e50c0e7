//! What a machine loads of the kernel's ELF file, without the debug information that follows.
//!
//! For ARM64 a flat image: the loaded segments as they lie in memory, from the lowest on, without headers. Its boot protocol wants
//! that; the 64-byte header it begins with is part of the kernel's own first section. For x86-64 the ELF file up to its last segment.

use anyhow::Context;
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, elf};

/// Most bytes an image may have: anything larger means a broken linker script.
const LIMIT: u64 = 64 * 1024 * 1024;

/// The ELF file cut after its last segment, with no sections.
pub(crate) fn without_sections(file: &[u8]) -> anyhow::Result<Vec<u8>> {
    /// Places in the file header: where the section headers are (8 bytes), and their size, number and string table (2 bytes each).
    const SECTION_OFFSET: usize = 40;
    const SECTION_COUNTS: std::ops::Range<usize> = 58..64;
    let header = elf::FileHeader64::<Endianness>::parse(file).context("not an ELF file")?;
    let endian = header.endian()?;
    let segments = header.program_headers(endian, file)?;
    let end = segments.iter().map(|segment| segment.p_offset(endian) + segment.p_filesz(endian)).max();
    let end = usize::try_from(end.context("nothing is loaded")?)?;
    let mut cut = file.get(..end).context("a segment lies outside the file")?.to_vec();
    anyhow::ensure!(cut.len() >= SECTION_COUNTS.end, "the headers are not in the file");
    cut[SECTION_OFFSET..SECTION_OFFSET + 8].fill(0);
    cut[SECTION_COUNTS].fill(0);
    Ok(cut)
}

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
