//! The areas as /proc/PID/maps and smaps show them.
use super::error::MapError;
use super::space::AddressSpace;
use super::vma::{Backing, Blocks, Locking, Protection};
use crate::fs::OpenFile;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use machine::mm::BLOCK_BYTES;
use machine::thread::CurrentThread;

/// One line of /proc/PID/maps.
#[derive(Clone)]
pub struct AreaLine {
    /// Where.
    pub range: Range<usize>,
    /// What is allowed.
    pub protection: Protection,
    /// Shown as `s` instead of `p`.
    pub is_shared: bool,
    /// What mprotect may allow at most, and the other facts of an area that smaps tells.
    pub facts: AreaFacts,
    /// Offset in the file.
    pub offset: u64,
    /// What it shows in the last columns.
    pub content: AreaContent,
}

/// What smaps tells of an area besides.
#[derive(Clone, Copy)]
pub struct AreaFacts {
    /// What mprotect may allow at most.
    pub most: Protection,
    /// A stack.
    pub grows_down: bool,
    /// Whether and how it is locked.
    pub locking: Locking,
    /// Not in children.
    pub is_absent_in_child: bool,
    /// Zeros in children.
    pub is_zero_in_child: bool,
    /// It counts against memory that may be promised.
    pub is_data: bool,
    /// Whether its memory may come in blocks.
    pub blocks: Blocks,
    /// It would get one where it is untouched.
    pub takes_blocks: bool,
    /// All of it counts as changed.
    pub is_changed: bool,
}

/// What lies in an area.
#[derive(Clone)]
pub enum AreaContent {
    /// Nothing with a name.
    Anonymous,
    /// A name of the kernel's: `[heap]`, `[stack]`, `[vdso]`, or `/dev/zero (deleted)` for shared anonymous memory.
    Named(&'static str),
    /// A file: its device, inode and path are the reader's to print.
    File(Arc<OpenFile>),
}

impl AddressSpace {
    /// All areas, in order of address.
    pub fn list_areas(&self, cx: &mut CurrentThread) -> Result<Vec<AreaLine>, MapError> {
        let memory = self.memory.lock(cx);
        let stack_start = self.image().map_or(0, |image| image.stack_start);
        let mut lines = Vec::new();
        lines.try_reserve_exact(memory.areas.entries().len()).map_err(|_| MapError::OutOfMemory)?;
        for entry in memory.areas.entries() {
            let vma = &entry.value;
            let is_heap = entry.start <= memory.heap.end && entry.end >= memory.heap.start && !memory.heap.is_empty();
            let (offset, content) = match &vma.backing {
                Backing::Cache(backing) => {
                    let named = AreaContent::Named("/dev/zero (deleted)");
                    (backing.offset, backing.file.clone().map_or(named, AreaContent::File))
                }
                Backing::Anonymous => {
                    let content = match vma.name {
                        Some(name) => AreaContent::Named(name),
                        None if is_heap => AreaContent::Named("[heap]"),
                        None if (entry.start..entry.end).contains(&stack_start) => AreaContent::Named("[stack]"),
                        None => AreaContent::Anonymous,
                    };
                    (0, content)
                }
            };
            lines.push(AreaLine {
                range: entry.start..entry.end,
                protection: vma.protection,
                is_shared: vma.is_shared,
                facts: AreaFacts {
                    most: vma.most,
                    grows_down: vma.grows_down,
                    locking: vma.locking,
                    is_absent_in_child: vma.is_absent_in_child,
                    is_zero_in_child: vma.is_zero_in_child,
                    is_data: vma.is_data(),
                    blocks: vma.blocks,
                    takes_blocks: memory.may_have_blocks
                        && vma.takes_blocks()
                        && entry.start.next_multiple_of(BLOCK_BYTES) + BLOCK_BYTES <= entry.end,
                    is_changed: vma.is_changed,
                },
                offset,
                content,
            });
        }
        Ok(lines)
    }
}
