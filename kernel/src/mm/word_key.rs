//! What a futex's address stands for.
//!
//! A word in private memory is known by its address space and address; a word in shared memory by its file (or shared object) and
//! offset there, so that all who map it mean the same, whichever frame holds it.
use super::space::AddressSpace;
use super::vma::Protection;
use crate::errno::Errno;
use alloc::sync::Arc;
use machine::addr::{PAGE_SIZE, UserAddr};
use machine::thread::CurrentThread;

/// The identity of a word of memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum WordKey {
    /// Of one address space (by its object's address) at one address.
    Private(usize, usize),
    /// Of a page cache (by its object's address), at an offset. Who waits has it mapped, so it lives.
    Shared(usize, u64),
}

impl AddressSpace {
    /// The key of a word that the program says is private.
    pub fn private_word(&self, addr: UserAddr) -> WordKey {
        WordKey::Private(core::ptr::from_ref(self).addr(), addr.0)
    }
    /// The key of a word that may be shared. EFAULT if nothing is mapped there.
    pub fn word_key(&self, cx: &mut CurrentThread, addr: UserAddr) -> Result<WordKey, Errno> {
        let page = addr.page_floor();
        let memory = self.memory.lock(cx);
        let area = memory.areas.find(page.0).filter(|area| area.value.protection != Protection::NONE);
        let area = area.ok_or(Errno::EFAULT)?;
        match area.value.cache_page(page.0 - area.start).filter(|_| area.value.is_shared) {
            None => Ok(self.private_word(addr)),
            Some((cache, index)) => {
                // OVERFLOW: the end of the mapping is a valid offset.
                Ok(WordKey::Shared(Arc::as_ptr(cache).addr(), index * PAGE_SIZE as u64 + addr.page_offset() as u64))
            }
        }
    }
}
