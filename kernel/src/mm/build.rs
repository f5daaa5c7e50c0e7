//! What exec does to an address space that nobody runs in yet.
use super::error::{FaultError, MapError};
use super::space::AddressSpace;
use super::vma::{Protection, Vma};
use core::ops::Range;
use machine::addr::{PAGE_SIZE, UserAddr};
use machine::mm::Frame;
use machine::thread::CurrentThread;
use machine::user::{AccessKind, PageFault};

impl AddressSpace {
    /// A free place of so many bytes below the other mappings.
    pub(crate) fn find_free(&self, cx: &mut CurrentThread, bytes: usize, align: usize) -> Result<usize, MapError> {
        self.memory.lock(cx).find_place(UserAddr::NULL, bytes, self.layout.mmap_top, align)
    }

    /// Maps frames of the kernel's, which stay shared, side by side at a free place; answers where.
    pub(crate) fn map_frames<const COUNT: usize>(
        &self,
        cx: &mut CurrentThread,
        frames: [(Frame, Vma); COUNT],
    ) -> Result<UserAddr, MapError> {
        let mut memory = self.memory.lock(cx);
        let start = memory.find_place(UserAddr::NULL, COUNT * PAGE_SIZE, self.layout.mmap_top, PAGE_SIZE)?;
        for (index, (frame, vma)) in frames.into_iter().enumerate() {
            let addr = start + index * PAGE_SIZE;
            memory.reserve_change()?;
            memory.table.map(UserAddr(addr), frame, vma.protection.access(false))?;
            memory.add(addr..addr + PAGE_SIZE, vma);
        }
        Ok(UserAddr(start))
    }

    /// Zeroes a part of one page of a writable area, in a private copy.
    pub(crate) fn zero_part(&self, cx: &mut CurrentThread, range: Range<usize>) -> Result<(), FaultError> {
        let page = UserAddr(range.start).page_floor();
        self.own_page(cx, page)?.zero(range.start - page.0, range.len());
        Ok(())
    }

    /// Makes the stack's area, which ends at the layout's top. It holds nothing yet.
    pub(crate) fn make_stack(&self, cx: &mut CurrentThread, bytes: usize, is_executable: bool) -> Result<(), MapError> {
        let executable = if is_executable { Protection::EXECUTE } else { Protection::NONE };
        let vma = Vma { grows_down: true, ..Vma::anonymous(Protection::READ_WRITE.with(executable)) };
        let range = self.layout.stack_top - bytes..self.layout.stack_top;
        let mut memory = self.memory.lock(cx);
        memory.reserve_change()?;
        if !memory.areas.is_free(range.clone()) {
            return Err(MapError::Occupied);
        }
        memory.add(range, vma);
        Ok(())
    }

    /// Writes into this space's writable memory. `last` is the page written last, to begin with `None`.
    pub(crate) fn write_memory(
        &self,
        cx: &mut CurrentThread,
        addr: usize,
        bytes: &[u8],
        last: &mut Option<(UserAddr, Frame)>,
    ) -> Result<(), FaultError> {
        let (mut at, mut left) = (UserAddr(addr), bytes);
        while !left.is_empty() {
            let page = at.page_floor();
            let frame = match last {
                Some((known, frame)) if *known == page => frame,
                _ => &last.insert((page, self.own_page(cx, page)?)).1,
            };
            let (now, later) = left.split_at(left.len().min(PAGE_SIZE - at.page_offset()));
            frame.write(at.page_offset(), now);
            at = UserAddr(at.0 + now.len());
            left = later;
        }
        Ok(())
    }

    /// The frame of a page that the program could write.
    fn own_page(&self, cx: &mut CurrentThread, page: UserAddr) -> Result<Frame, FaultError> {
        self.resolve(cx, PageFault { addr: page, kind: AccessKind::Write, is_present: false })?;
        self.memory.lock(cx).table.frame(page).ok_or(FaultError::NotMapped)
    }
}
