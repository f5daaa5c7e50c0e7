//! What a machine loads of the kernel's ELF file, without the debug information that follows.
//!
//! For ARM64 a flat image: the loaded segments as they lie in memory, from the lowest on, without headers. Its boot protocol wants
//! that; the 64-byte header it begins with is part of the kernel's own first section. For x86-64 the ELF file up to its last segment,
//! and a `bzImage`: the same bytes behind what `machine/src/arch/x86_64/linux_image.rs` has for loaders of Linux.

use anyhow::Context;
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
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

/// A `bzImage`: 16-bit setup, entries, zeros up to where the image is linked, the image, and its `.bss` as zeros.
pub(crate) fn bz_image(file: &[u8]) -> anyhow::Result<Vec<u8>> {
    /// Places in the setup header: sectors of setup after the first (1 byte), where what follows the setup is loaded (4 bytes).
    const SETUP_SECTORS: usize = 0x1f1;
    const CODE32_START: std::ops::Range<usize> = 0x214..0x218;
    let header = elf::FileHeader64::<Endianness>::parse(file).context("not an ELF file")?;
    let endian = header.endian()?;
    let section = header.sections(endian, file)?.section_by_name(endian, b".linux_boot");
    let (_, section) = section.context("the image has no section .linux_boot")?;
    let mut whole = section.data(endian, file)?.to_vec();
    anyhow::ensure!(whole.len() >= CODE32_START.end, "the setup header is cut short");
    let setup_bytes = (u64::from(whole[SETUP_SECTORS]) + 1) * 512;
    let load = whole[CODE32_START].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
    let segments = header.program_headers(endian, file)?;
    let segments = segments.iter().filter(|segment| segment.p_type(endian) == elf::PT_LOAD);
    let memory = segments.map(|segment| segment.p_paddr(endian)..segment.p_paddr(endian) + segment.p_memsz(endian));
    let (start, end) = memory.fold((u64::MAX, 0), |(start, end), next| (start.min(next.start), end.max(next.end)));
    let place = |address: u64| address.checked_sub(load).map(|distance| distance + setup_bytes);
    let place =
        |address| place(address).filter(|place| *place <= LIMIT).context("the image is linked at a wrong place");
    let (start, end) = (place(start)? as usize, place(end)? as usize);
    anyhow::ensure!(whole.len() <= start, "the entries reach into the image");
    whole.resize(start, 0);
    whole.extend(from_elf(file)?);
    whole.resize(end, 0);
    Ok(whole)
}
