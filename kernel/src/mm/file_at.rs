//! Which page of which file lies at an address.
use super::space::AddressSpace;
use super::vma::Backing;
use crate::fs::PageCache;
use alloc::sync::Arc;
use machine::addr::UserAddr;
use machine::thread::CurrentThread;

/// A byte of a mapped file.
pub struct FileAt {
    /// The file's pages, which are the file's own for as long as somebody holds them.
    pub cache: Arc<PageCache>,
    /// The byte's offset in it.
    pub offset: u64,
    /// Whether writes there would reach the file.
    pub is_shared: bool,
}

impl AddressSpace {
    /// What is mapped at `addr`, if it is a file, whether or not a page of it is there or has become the program's own.
    pub fn file_at(&self, cx: &mut CurrentThread, addr: UserAddr) -> Option<FileAt> {
        let memory = self.memory.lock(cx);
        let area = memory.areas.find(addr.0)?;
        let Backing::Cache(backing) = &area.value.backing else { return None };
        let offset = backing.offset.checked_add((addr.0 - area.start) as u64)?;
        Some(FileAt { cache: backing.cache.clone(), offset, is_shared: area.value.is_shared })
    }
}
