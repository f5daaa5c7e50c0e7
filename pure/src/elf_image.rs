//! From an ELF file's headers to a plan of mappings.
//!
//! [`ImageHeader::parse`] reads the file header, [`LoadPlan::new`] the program headers, and [`LoadPlan::place`] turns the plan
//! into [`Segment`]s at a load bias. `kernel/src/exec` carries them out. Every number comes from an untrusted file: what
//! `place` answers lies inside user space, is page-aligned and cannot wrap.
//!
//! Errors are Linux's two kinds (fs/binfmt_elf.c): what Linux refuses before the point of no return is ENOEXEC (ELIBBAD for
//! an interpreter), and what it finds only after it, [`ElfError::Unloadable`], ends the new program with SIGSEGV.
use alloc::vec::Vec;
use core::ops::Range;
use elf::abi::{ET_DYN, ET_EXEC, PF_R, PF_W, PF_X, PT_GNU_STACK, PT_INTERP, PT_LOAD};
use elf::endian::LittleEndian;
use elf::file::{Class, FileHeader, parse_ident};
use elf::parse::ParseAt;
use elf::segment::ProgramHeader;

/// Bytes of the file header.
pub const HEADER_BYTES: usize = 64;
/// Bytes of one program header.
const PROGRAM_HEADER_BYTES: usize = 56;
/// LINUX: a table of program headers above 64 KiB is refused.
const MAX_TABLE_BYTES: usize = 65536;
/// LINUX: longest path of an interpreter, with its zero (PATH_MAX).
const MAX_INTERPRETER_BYTES: u64 = 4096;
const PAGE: usize = 4096;

/// Why a file cannot be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElfError {
    /// Not an ELF program of this machine, or its headers make no sense.
    NotExecutable,
    /// The headers ask for mappings that cannot be made.
    Unloadable,
    /// No memory for the plan.
    NoMemory,
}

/// The file header, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageHeader {
    /// First instruction, before the load bias.
    pub entry: u64,
    /// Whether the program must lie at the addresses it names (ET_EXEC).
    pub is_fixed: bool,
    /// Where the program headers lie in the file.
    pub table_offset: u64,
    /// How many there are.
    pub table_count: u16,
}

impl ImageHeader {
    /// Reads the header for machine number `machine` (EM_*).
    pub fn parse(start: &[u8; HEADER_BYTES], machine: u16) -> Result<ImageHeader, ElfError> {
        let mut start = *start;
        // LINUX: the version is not looked at.
        start[elf::abi::EI_VERSION] = elf::abi::EV_CURRENT;
        let (ident, tail) = start.split_at(elf::abi::EI_NIDENT);
        let ident = parse_ident::<LittleEndian>(ident).map_err(|_| ElfError::NotExecutable)?;
        if ident.1 != Class::ELF64 {
            return Err(ElfError::NotExecutable);
        }
        let header = FileHeader::parse_tail(ident, tail).map_err(|_| ElfError::NotExecutable)?;
        let is_known = matches!(header.e_type, ET_EXEC | ET_DYN) && header.e_machine == machine;
        let table_bytes = usize::from(header.e_phnum) * PROGRAM_HEADER_BYTES;
        if !is_known
            || usize::from(header.e_phentsize) != PROGRAM_HEADER_BYTES
            || table_bytes == 0
            || table_bytes > MAX_TABLE_BYTES
        {
            return Err(ElfError::NotExecutable);
        }
        Ok(ImageHeader {
            entry: header.e_entry,
            is_fixed: header.e_type == ET_EXEC,
            table_offset: header.e_phoff,
            table_count: header.e_phnum,
        })
    }

    /// Bytes of the table of program headers.
    pub fn table_bytes(&self) -> usize {
        usize::from(self.table_count) * PROGRAM_HEADER_BYTES
    }
}

/// Where in the file the interpreter's path lies, its terminating zero included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterpreterPath {
    /// First byte.
    pub offset: u64,
    /// Length with the zero, 2 to 4096.
    pub bytes: usize,
}

/// A program's wishes, read from its headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadPlan {
    header: ImageHeader,
    loads: Vec<ProgramHeader>,
    /// The dynamic loader, if one is named.
    pub interpreter: Option<InterpreterPath>,
    /// Whether the stack shall be executable.
    pub is_stack_executable: bool,
}

/// A part of a segment that comes from the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilePart {
    /// Page-aligned address.
    pub addr: usize,
    /// Whole pages, at least one.
    pub bytes: usize,
    /// Page-aligned offset in the file.
    pub offset: u64,
}

/// One PT_LOAD, placed. To be mapped in order, later segments over earlier ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Readable.
    pub is_readable: bool,
    /// Writable.
    pub is_writable: bool,
    /// Executable.
    pub is_executable: bool,
    /// What to map from the file (privately).
    pub file: Option<FilePart>,
    /// The rest of the last file page, to be zeroed in a private copy; empty or within one page.
    pub zero: Range<usize>,
    /// Whole pages of zeros after it; may be empty.
    /// LINUX: always readable and writable, whatever the segment says.
    pub anonymous: Range<usize>,
}

/// Where the parts of a placed program lie, for the auxiliary vector, brk and /proc.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Mappings to make, in order.
    pub segments: Vec<Segment>,
    /// What was added to every address of the file.
    pub bias: usize,
    /// First instruction.
    pub entry: usize,
    /// Address of the program headers, zero if no segment contains them.
    pub headers: usize,
    /// Highest address used, rounded up to a page: where the heap may begin.
    pub end: usize,
    /// From the lowest to the end of the highest executable segment's file part.
    pub code: Range<usize>,
}

impl LoadPlan {
    /// Reads the table of program headers.
    pub fn new(header: ImageHeader, table: &[u8]) -> Result<LoadPlan, ElfError> {
        let mut plan = LoadPlan { header, loads: Vec::new(), interpreter: None, is_stack_executable: false };
        let mut at = 0;
        for _ in 0..header.table_count {
            let item = ProgramHeader::parse_at(LittleEndian, Class::ELF64, &mut at, table)
                .map_err(|_| ElfError::NotExecutable)?;
            match item.p_type {
                PT_LOAD => {
                    plan.loads.try_reserve(1).map_err(|_| ElfError::NoMemory)?;
                    plan.loads.push(item);
                }
                // LINUX: only the first one counts.
                PT_INTERP if plan.interpreter.is_none() => {
                    if !(2..=MAX_INTERPRETER_BYTES).contains(&item.p_filesz) {
                        return Err(ElfError::NotExecutable);
                    }
                    // CAST: at most MAX_INTERPRETER_BYTES.
                    plan.interpreter = Some(InterpreterPath { offset: item.p_offset, bytes: item.p_filesz as usize });
                }
                PT_GNU_STACK => plan.is_stack_executable = item.p_flags & PF_X != 0,
                _ => {}
            }
        }
        Ok(plan)
    }

    /// Whether the program must lie at the addresses it names.
    pub fn is_fixed(&self) -> bool {
        self.header.is_fixed
    }

    /// How many program headers the file has (AT_PHNUM).
    pub fn header_count(&self) -> u16 {
        self.header.table_count
    }

    /// The pages from the lowest to the highest address, before the load bias; what must be free to place a
    /// position-independent program.
    pub fn span(&self) -> Result<Range<usize>, ElfError> {
        let low = self.loads.iter().map(|load| load.p_vaddr as usize & !(PAGE - 1)).min();
        let high = self.loads.iter().map(|load| load.p_vaddr.checked_add(load.p_memsz)).max().flatten();
        match (low, high.and_then(|high| page_ceil(high as usize))) {
            (Some(low), Some(high)) if low < high => Ok(low..high),
            _ => Err(ElfError::Unloadable),
        }
    }

    /// The greatest alignment that a segment asks for; a power of two, at least a page.
    pub fn align(&self) -> usize {
        let wishes = self.loads.iter().map(|load| load.p_align as usize);
        wishes.filter(|align| align.is_power_of_two()).fold(PAGE, usize::max)
    }

    /// Places every segment at its address plus `bias` (wrapping; zero for a fixed program), inside `bounds`.
    pub fn place(&self, bias: usize, bounds: Range<usize>) -> Result<Placement, ElfError> {
        let mut placement = Placement {
            segments: Vec::new(),
            bias,
            entry: (self.header.entry as usize).wrapping_add(bias),
            headers: 0,
            end: 0,
            code: 0..0,
        };
        placement.segments.try_reserve_exact(self.loads.len()).map_err(|_| ElfError::NoMemory)?;
        for load in &self.loads {
            let start = (load.p_vaddr as usize).wrapping_add(bias);
            let segment = place_segment(load, start, &bounds)?;
            // LINUX: the address of the headers is that of the segment whose file part holds their first byte.
            if let Some(distance) = self.header.table_offset.checked_sub(load.p_offset)
                && distance < load.p_filesz
            {
                placement.headers = start + distance as usize;
            }
            placement.end = placement.end.max(start + load.p_memsz as usize);
            if segment.is_executable {
                let end = start + load.p_filesz as usize;
                let code = &placement.code;
                placement.code = if code.is_empty() { start..end } else { code.start.min(start)..code.end.max(end) };
            }
            placement.segments.push(segment);
        }
        placement.end = page_ceil(placement.end).ok_or(ElfError::Unloadable)?;
        Ok(placement)
    }
}

fn page_ceil(addr: usize) -> Option<usize> {
    addr.checked_add(PAGE - 1).map(|addr| addr & !(PAGE - 1))
}

/// One PT_LOAD that begins at `start`. Afterwards nothing in it can wrap: it ends below `bounds.end`.
fn place_segment(load: &ProgramHeader, start: usize, bounds: &Range<usize>) -> Result<Segment, ElfError> {
    let (file_bytes, memory_bytes) = (load.p_filesz as usize, load.p_memsz as usize);
    let is_inside =
        start >= bounds.start && start < bounds.end && memory_bytes <= bounds.end - start && file_bytes <= memory_bytes;
    if !is_inside {
        return Err(ElfError::Unloadable);
    }
    let first_page = start & !(PAGE - 1);
    // OVERFLOW: both ends are at most `bounds.end`, an address of user space.
    let (file_end, memory_end) = (start + file_bytes, start + memory_bytes);
    let (file_pages_end, memory_pages_end) = (file_end.next_multiple_of(PAGE), memory_end.next_multiple_of(PAGE));
    if memory_pages_end > bounds.end || first_page < bounds.start {
        return Err(ElfError::Unloadable);
    }
    let is_writable = load.p_flags & PF_W != 0;
    let mut segment = Segment {
        is_readable: load.p_flags & PF_R != 0,
        is_writable,
        is_executable: load.p_flags & PF_X != 0,
        file: None,
        zero: 0..0,
        anonymous: if file_bytes == 0 { first_page..memory_pages_end } else { file_pages_end..memory_pages_end },
    };
    if file_bytes != 0 {
        let offset = load.p_offset.checked_sub((start - first_page) as u64).ok_or(ElfError::Unloadable)?;
        let bytes = file_pages_end - first_page;
        // LINUX: mmap refuses an unaligned offset, and one whose end wraps.
        if !offset.is_multiple_of(PAGE as u64)
            || offset.checked_add(bytes as u64).is_none_or(|end| end > i64::MAX as u64)
        {
            return Err(ElfError::Unloadable);
        }
        segment.file = Some(FilePart { addr: first_page, bytes, offset });
        // LINUX: the rest of the page is zeroed to its end, and only if the program could see a write.
        if memory_bytes > file_bytes && is_writable {
            segment.zero = file_end..file_pages_end;
        }
    }
    if segment.anonymous.start >= segment.anonymous.end {
        segment.anonymous = 0..0;
    }
    Ok(segment)
}

#[cfg(test)]
#[path = "elf_image_tests.rs"]
mod tests;
