//! Carrying out an ELF plan: headers through the page cache, segments as mappings into a new space.
use crate::errno::{Errno, Result};
use crate::fs::{Executing, OpenFile, PageCache, permission};
use crate::mm::map::MemoryLimits;
use crate::mm::{AddressSpace, CacheBacking, MapRequest, Place, Protection, Vma};
use crate::task::Credentials;
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::addr::{PAGE_SIZE, USER_END, USER_MIN, UserAddr};
use machine::thread::CurrentThread;
use pure::elf_image::{ElfError, HEADER_BYTES, ImageHeader, LoadPlan, Placement, Segment};

/// Why a program cannot be started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LoadError {
    /// Refused while the caller still runs its old program.
    Refused(Errno),
    /// LINUX: found only after the old program is gone there: the new one begins with SIGSEGV.
    Doomed,
}

impl From<Errno> for LoadError {
    fn from(error: Errno) -> LoadError {
        LoadError::Refused(error)
    }
}

/// An executable file: open, and its contents.
pub(super) struct Program {
    pub(super) file: Executing,
    pub(super) cache: Arc<PageCache>,
}

impl Program {
    pub(super) fn new(file: Arc<OpenFile>) -> Result<Program> {
        let cache = file.page_cache().ok_or(Errno::EACCES)?.clone();
        Ok(Program { file: Executing::begin(file)?, cache })
    }

    /// Whether `who` may read the file, not only execute it.
    pub(super) fn may_be_read(&self, cx: &CurrentThread, who: &Credentials) -> bool {
        permission::check(cx, who, self.file.inode().base(), permission::READ).is_ok()
    }

    /// Reads from `offset`; answers how many bytes there were.
    pub(super) fn read(&self, cx: &mut CurrentThread, mut offset: u64, mut to: &mut [u8]) -> Result<usize> {
        let wanted = to.len();
        while !to.is_empty() {
            let left = self.cache.size_bytes().saturating_sub(offset);
            // CAST: below the page size.
            let within = (offset % PAGE_SIZE as u64) as usize;
            let bytes = to.len().min(PAGE_SIZE - within).min(usize::try_from(left).unwrap_or(usize::MAX));
            if bytes == 0 {
                break;
            }
            let frame = self.cache.frame(cx, offset / PAGE_SIZE as u64)?;
            let (now, later) = to.split_at_mut(bytes);
            frame.read(within, now);
            offset += bytes as u64;
            to = later;
        }
        Ok(wanted - to.len())
    }

    /// Reads the headers. `refusal` is the error for a file that is no program of this machine.
    pub(super) fn plan(&self, cx: &mut CurrentThread, refusal: Errno) -> core::result::Result<LoadPlan, LoadError> {
        let refused = |error: ElfError| match error {
            ElfError::NotExecutable => LoadError::Refused(refusal),
            ElfError::NoMemory => LoadError::Refused(Errno::ENOMEM),
            ElfError::Unloadable => LoadError::Doomed,
        };
        let mut start = [0; HEADER_BYTES];
        // LINUX: an interpreter that ends within its header cannot be read; a program that does just is none.
        if self.read(cx, 0, &mut start)? < start.len() && refusal == Errno::ELIBBAD {
            return Err(LoadError::Refused(Errno::EIO));
        }
        let header = ImageHeader::parse(&start, abi::arch::ELF_MACHINE).map_err(refused)?;
        let mut table = Vec::new();
        table.try_reserve_exact(header.table_bytes()).map_err(|_| Errno::ENOMEM)?;
        table.resize(header.table_bytes(), 0);
        if self.read(cx, header.table_offset, &mut table)? != table.len() {
            return Err(LoadError::Refused(refusal));
        }
        LoadPlan::new(header, &table).map_err(refused)
    }

    /// The path of the interpreter that the plan names, without its zero.
    pub(super) fn interpreter(&self, cx: &mut CurrentThread, plan: &LoadPlan) -> Result<Option<Vec<u8>>> {
        let Some(place) = plan.interpreter else { return Ok(None) };
        let mut path = Vec::new();
        path.try_reserve_exact(place.bytes)?;
        path.resize(place.bytes, 0);
        if self.read(cx, place.offset, &mut path)? != path.len() {
            return Err(Errno::EIO);
        }
        if path.pop() != Some(0) {
            return Err(Errno::ENOEXEC);
        }
        let length = path.iter().position(|byte| *byte == 0).unwrap_or(path.len());
        path.truncate(length);
        Ok(Some(path))
    }
}

/// Places a program's segments and maps them. A position-independent one goes to `base`, or, without one, below the
/// other mappings.
pub(super) fn map_program(
    cx: &mut CurrentThread,
    space: &Arc<AddressSpace>,
    program: &Program,
    plan: &LoadPlan,
    base: Option<usize>,
) -> core::result::Result<Placement, LoadError> {
    let doomed = |_| LoadError::Doomed;
    let bias = if plan.is_fixed() {
        0
    } else {
        let span = plan.span().map_err(doomed)?;
        let start = match base {
            Some(base) => base & !(plan.align() - 1),
            None => space.find_free(cx, span.len(), plan.align()).map_err(|_| LoadError::Doomed)?,
        };
        start.wrapping_sub(span.start)
    };
    let placement = plan.place(bias, USER_MIN..USER_END).map_err(doomed)?;
    for segment in &placement.segments {
        map_segment(cx, space, program, segment)?;
    }
    Ok(placement)
}

fn map_segment(
    cx: &mut CurrentThread,
    space: &Arc<AddressSpace>,
    program: &Program,
    segment: &Segment,
) -> core::result::Result<(), LoadError> {
    let map = |cx: &mut CurrentThread, addr: usize, bytes: usize, vma: Vma| {
        let request =
            MapRequest { addr: UserAddr(addr), bytes, place: Place::Fixed, vma, is_reserved: true, wants_pages: false };
        space.map(cx, request, &MemoryLimits::NONE).map_err(|_| LoadError::Doomed)
    };
    if let Some(part) = segment.file {
        let backing =
            CacheBacking { cache: program.cache.clone(), file: Some(Arc::clone(&*program.file)), offset: part.offset };
        let protection = Protection::of(segment.is_readable, segment.is_writable, segment.is_executable);
        map(cx, part.addr, part.bytes, Vma::private_file(protection, backing))?;
    }
    if !segment.zero.is_empty() {
        // The file may be shorter than its headers say: then the page has no contents and Linux's clearing faults.
        space.zero_part(cx, segment.zero.clone()).map_err(|_| LoadError::Doomed)?;
    }
    if !segment.anonymous.is_empty() {
        let executable = if segment.is_executable { Protection::EXECUTE } else { Protection::NONE };
        let vma = Vma::anonymous(Protection::READ_WRITE.with(executable));
        map(cx, segment.anonymous.start, segment.anonymous.len(), vma)?;
    }
    Ok(())
}
