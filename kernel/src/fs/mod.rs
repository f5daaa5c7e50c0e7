//! Placeholder until the file system arrives.
use crate::errno::Result;
use alloc::sync::{Arc, Weak};
use machine::mm::Frame;
use machine::thread::CurrentThread;
/// A process's open files.
pub struct FileTable;
/// Root, working directory, umask.
pub struct FsContext;
/// An open file description.
pub struct OpenFile;
impl OpenFile {
    /// The home of the contents, for regular files.
    pub fn page_cache(&self) -> Option<&Arc<PageCache>> {
        todo!()
    }
}
/// A file's contents.
pub struct PageCache;
/// Someone who maps pages of the cache and must forget them when the file shrinks.
pub trait Mapper: Send + Sync {
    /// Pages from `first` on are no longer part of the file.
    fn forget_pages(&self, cx: &mut CurrentThread, cache: &PageCache, first: u64);
}
impl PageCache {
    /// Bytes in the file.
    pub fn size_bytes(&self) -> u64 {
        todo!()
    }
    /// The frame of page `index`, made if it is not there yet. ENXIO beyond the end of the file: SIGBUS for a mapping.
    pub fn frame(&self, _cx: &mut CurrentThread, _index: u64) -> Result<Frame> {
        todo!()
    }
    /// The frame of page `index` if it is in the cache: never allocates, for fault-around.
    pub fn frame_if_present(&self, _cx: &CurrentThread, _index: u64) -> Option<Frame> {
        todo!()
    }
    /// Registers someone who maps pages, until it is dropped.
    pub fn add_mapper(&self, _cx: &CurrentThread, _mapper: Weak<dyn Mapper>) -> Result<()> {
        todo!()
    }
}
