//! `/proc/PID/pagemap`: a word for each page of a process's addresses, the position being eight times the page's number.
//! Frames are told to the superuser only.
use super::process::Subject;
use crate::errno::{Errno, Result};
use crate::fs::file::File;
use crate::fs::open_file::OpenFile;
use crate::fs::transfer::Sink;
use crate::mm::AddressSpace;
use crate::task::{Capability, Task};
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use machine::addr::{PAGE_SIZE, USER_END};
use machine::thread::CurrentThread;

/// Bytes of a word.
const WORD: u64 = 8;
/// Words made at a time.
const BATCH: usize = 512;

/// The memory a process had when the file was opened; it does not outlive the process for it.
pub(super) struct PageMapFile {
    space: Weak<AddressSpace>,
    shows_frames: bool,
}

impl PageMapFile {
    /// EACCES unless the caller may trace the process.
    pub(super) fn open(cx: &CurrentThread, subject: &Subject) -> Result<Arc<dyn File>> {
        let space = subject.inspected_space(cx)?.ok_or(Errno::ESRCH)?;
        let shows_frames = Task::current(cx).is_none_or(|me| me.credentials(cx).may(Capability::Admin));
        Ok(Arc::new(PageMapFile { space: Arc::downgrade(&space), shows_frames }))
    }
}

impl File for PageMapFile {
    fn read(&self, cx: &mut CurrentThread, _open: &OpenFile, offset: &mut u64, to: &mut Sink<'_>) -> Result<()> {
        let Some(space) = self.space.upgrade() else { return Ok(()) };
        if !offset.is_multiple_of(WORD) || !(to.left() as u64).is_multiple_of(WORD) {
            return Err(Errno::EINVAL);
        }
        let pages = USER_END / PAGE_SIZE;
        let mut words = Vec::new();
        let mut bytes = Vec::new();
        while to.left() != 0 {
            let first = usize::try_from(*offset / WORD).unwrap_or(usize::MAX).min(pages);
            let count = (to.left() / WORD as usize).min(BATCH).min(pages - first);
            if count == 0 {
                break;
            }
            words.clear();
            bytes.clear();
            space.page_words(cx, first * PAGE_SIZE..(first + count) * PAGE_SIZE, self.shows_frames, &mut words)?;
            bytes.try_reserve(count * WORD as usize)?;
            bytes.extend(words.iter().flat_map(|word| word.to_ne_bytes()));
            to.put(cx, &bytes)?;
            *offset += bytes.len() as u64;
        }
        Ok(())
    }
}
